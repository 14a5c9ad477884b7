/* vm.h - one virtual machine: what all of its parts share.
 *
 * main() fills it in on one thread before the vCPU threads start; from then on
 * only the fields marked otherwise change.
 *   [s] under stop_lock   [a] atomic   [v] by the vCPU's own thread only */
#ifndef VMM_VM_H
#define VMM_VM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/hypercall.h"
#include "vmm/bootlog.h"
#include "vmm/devices.h"
#include "vmm/emulate.h"
#include "vmm/gmem.h"
#include "vmm/image.h"
#include "vmm/options.h"
#include "vmm/ports.h"
#include "vmm/rest.h"
#include "vmm/uart.h"

#define VCPU_EXIT_REASONS 64

enum stop_kind {
    STOP_NONE,
    STOP_STATUS,  /* end with `status`: the guest's, a signal's, the user's */
    STOP_TIMEOUT, /* 124, after saying what the tasks do */
    STOP_DIED,    /* 255, after the full report */
    STOP_FAILED,  /* 125, the VMM could not go on; `text` says why */
};

struct stop {
    enum stop_kind kind;
    int status;
    int cpu; /* where it happened; -1: no vCPU's doing */
    char text[1024];
};

struct vm;

struct vcpu {
    struct vm *vm;
    unsigned index; /* also its APIC ID */
    int fd;
    struct kvm_run *run;
    pthread_t thread;
    atomic_uint_fast64_t exits[VCPU_EXIT_REASONS]; /* [v], others read */
    atomic_uint_fast64_t hypercalls[HC_MAX];       /* [v], others read */
    atomic_uint_fast64_t emulated;                 /* [v], others read */
    struct emulate_state emulate;                  /* [v] */
    uint64_t tsc_offset;                           /* its TSC = host TSC + this */
    bool online;                                   /* [v] it has called HC_CPU_ONLINE */
    bool is_amid; /* [v] found no rest before the audit: is amid something */
};

struct vm {
    const struct options *opt;
    int kvm, fd;
    struct gmem *mem;
    struct image image;
    unsigned ncpus;
    struct vcpu *vcpu; /* ncpus of them */
    size_t run_bytes;  /* size of a kvm_run mapping */
    struct ports ports;
    struct uart *uart;
    struct rtc rtc;
    struct reset_line reset;
    struct bootlog bootlog;
    struct tracer *tracer; /* or NULL */
    uint64_t trace_base;   /* guest address of vCPU 0's window */
    uint64_t tsc_khz;
    uint64_t tsc_offset;          /* vCPU 0's, and where the host can, everyone's */
    atomic_uint_fast64_t inspect; /* [a] guest address of struct inspect_root; 0: none */
    struct console *console;
    atomic_bool stopping; /* [a] set once, never cleared */
    pthread_mutex_t stop_lock;
    struct stop stop; /* [s] */
    struct rest rest;
};

/* Open /dev/kvm and make the VM with its memory, trace, devices and vCPUs.
 * False after one line on stderr; vm_destroy() then frees what there is. */
bool vm_create(struct vm *vm, const struct options *opt);
void vm_destroy(struct vm *vm);

/* Ask all vCPUs to stop, for this reason; the first one asked for counts.  Any
 * thread; returns at once. */
void vm_stop(struct vm *vm, enum stop_kind kind, int status, int cpu, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

uint64_t vm_guest_tsc(const struct vm *vm); /* now */

#endif
