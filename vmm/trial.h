/* trial.h - a small VM that tries out what this host's KVM does, before something rests on it: one vCPU
 * that begins in ring 3 of 64-bit mode, interrupt controllers, memory that the trial fills.  What tries what:
 * ring3_proof.c, audit_proof.c. */
#ifndef VMM_TRIAL_H
#define VMM_TRIAL_H

#include <linux/kvm.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

struct trial {
    int vm, vcpu;
    uint8_t *ram; /* `bytes` of it, zeros; physical addresses are offsets */
    size_t bytes, run_bytes;
    struct kvm_run *run;
    struct sigaction old; /* for SIGALRM */
};
#define TRIAL_NONE \
    { \
        .vm = -1, .vcpu = -1, .ram = MAP_FAILED, .run = MAP_FAILED \
    }

/* Where the vCPU begins, in virtual addresses but cr3: CS is 0x33, SS 0x2b, TR 0x40. */
struct trial_start {
    uint64_t rip, rsp, gdt, tss, idt, cr3, cr4, efer;
};

/* In this order; false: the host refuses, and the trial is to be ended.  kvm: /dev/kvm, open. */
bool trial_begin(struct trial *t, int kvm, size_t bytes);
/* A memslot at gpa, of the memory from `at` on. */
bool trial_slot(const struct trial *t, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t bytes,
                uint64_t at);
bool trial_vcpu(struct trial *t, int kvm);
bool trial_start(const struct trial *t, const struct trial_start *s);
/* Always, however far it came. */
void trial_end(const struct trial *t);

/* KVM_RUN ends with EINTR after so long.  Before any thread: SIGALRM is used. */
void trial_limit(struct trial *t, uint64_t us);
void trial_unlimit(const struct trial *t);

/* What the memory holds. */
void trial_put(const struct trial *t, uint64_t at, uint64_t value);
void trial_gdt(const struct trial *t, uint64_t at); /* 56 bytes */
void trial_gate(const struct trial *t, uint64_t idt, unsigned vector, uint64_t handler,
                unsigned dpl); /* an interrupt gate to ring 0 */

#endif
