/* vm.h - one virtual machine: what all of its parts share, and no functions of theirs.
 *
 * vm_create() fills it in on one thread before the vCPU threads start; from then on
 * only the fields marked otherwise change, and the parts that have a lock.
 *   [a] atomic   [v] by the vCPU's own thread only */
#ifndef VMM_VM_H
#define VMM_VM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <x86intrin.h>

#include "shared/boot_stages.h"
#include "shared/hypercall.h"
#include "vmm/devices.h"
#include "vmm/gmem.h"
#include "vmm/image.h"
#include "vmm/options.h"
#include "vmm/ports.h"
#include "vmm/root/image.h"
#include "vmm/stop.h"
#include "vmm/uart.h"

#define VCPU_EXIT_REASONS 64

/* Numbers of memslots. */
enum {
    SLOT_LOW,  /* RAM below the hole */
    SLOT_HIGH, /* and above; in place of both, with --audit=trap: those from SLOT_PARTS on */
    SLOT_TRACE,
    SLOT_ROOT,
    SLOT_PARTS = 16,
};

struct vm;
struct vcpu;

struct emulate_state { /* emulate.c: one per vCPU */
    uint64_t xcr0;     /* as the guest sees it; 0: not asked for yet */
    uint8_t *area;     /* for KVM_GET_XSAVE2; NULL: not needed yet */
};

struct rest { /* rest.c */
    pthread_mutex_t lock;
    pthread_cond_t all;
    unsigned resting;  /* vCPUs that are */
    bool over;         /* all were, or the time is up */
    uint64_t until_ns; /* CLOCK_MONOTONIC; 0: nobody came here yet */
};

struct world { /* world.c */
    pthread_mutex_t lock;
    pthread_cond_t change;        /* of the two below */
    unsigned inside;              /* vCPUs between enter and leave */
    bool wanted;                  /* somebody stops, or has stopped, the others */
    void (*kick)(struct vcpu *v); /* ends its KVM_RUN, or the next one */
};

struct bootlog {          /* bootlog.c */
    pthread_mutex_t lock; /* guards `mark` */
    uint64_t start_ns;    /* CLOCK_MONOTONIC at the start of main() */
    struct bootlog_mark {
        bool reached;
        uint64_t wall_ns;            /* since start_ns */
        uint64_t guest_tsc;          /* 0: before first_run */
        uint64_t exits, hypercalls;  /* of all vCPUs */
        uint64_t interpreted;        /* instructions, by KVM; with --boot-report or --stats */
        uint64_t pte_writes, faults; /* as the guest counts them */
    } mark[BOOT_STAGE_MAX];
};

struct vcpu {
    struct vm *vm;
    unsigned index; /* also its APIC ID */
    int fd;
    int stats_fd; /* KVM's counters, for --stats; -1: none */
    struct kvm_run *run;
    pthread_t thread;
    atomic_uint_fast64_t exits[VCPU_EXIT_REASONS]; /* [v], others read */
    atomic_uint_fast64_t hypercalls[HC_MAX];       /* [v], others read */
    atomic_uint_fast64_t emulated;                 /* [v], others read */
    struct emulate_state emulate;                  /* [v] */
    uint64_t tsc_offset;                           /* its TSC = host TSC + this */
    bool online;                                   /* [v] it has called HC_CPU_ONLINE */
    bool inside;                                   /* world.h: in KVM_RUN; under its lock */
    unsigned mended;                               /* [v] see root_mend() */
    bool is_amid; /* [v] found no rest before the audit: is amid something */
};

struct vm {
    const struct options *opt;
    int kvm, fd;
    struct gmem *mem;
    struct image image;
    struct root_image root; /* of --root */
    uint64_t root_base;     /* its guest address */
    bool ring3;             /* the kernel runs there */
    unsigned ncpus;
    struct vcpu *vcpu; /* ncpus of them */
    size_t run_bytes;  /* size of a kvm_run mapping */
    struct ports ports;
    struct uart *uart;
    struct rtc rtc;
    struct reset_line reset;
    struct bootlog bootlog;
    struct tracer *tracer; /* or NULL */
    struct audit *audit;   /* that looks during the run; or NULL */
    struct keep *keep;     /* of a trace that is not all of the machine's life; or NULL */
    struct world world;    /* for both */
    uint64_t trace_base;   /* guest address of vCPU 0's window */
    uint64_t tsc_khz;
    uint64_t tsc_offset;          /* vCPU 0's, and where the host can, everyone's */
    atomic_uint_fast64_t inspect; /* [a] guest address of struct inspect_root; 0: none */
    struct console *console;
    struct stop stop;
    struct rest rest;
};

/* The time stamp counter as the guest reads it now. */
static inline uint64_t vm_guest_tsc(const struct vm *vm) { return __rdtsc() + vm->tsc_offset; }

#endif
