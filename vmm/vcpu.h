/* vcpu.h - one virtual CPU and the thread that runs it. */
#ifndef VMM_VCPU_H
#define VMM_VCPU_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

#include "vmm/vm.h"

/* False after one line on stderr. */
bool vcpu_create(struct vcpu *v, struct vm *vm, unsigned index);
bool vcpu_configure(struct vcpu *v, const struct kvm_cpuid2 *cpuid);
void vcpu_destroy(struct vcpu *v);

/* Registers for a PVH start: 32-bit protected mode, flat segments, no paging,
 * EBX the address of the start info. */
bool vcpu_set_entry(struct vcpu *v, uint32_t entry, uint32_t start_info);

/* The signal of a kick does no harm from here on. */
void vcpu_take_kicks(void);
/* Threads: start_all leaves them waiting, each in its sandbox; release_all lets them run, and
 * join_all comes back when all have left KVM_RUN for good (vm_stop() is what
 * makes them). */
bool vcpu_start_all(struct vm *vm);
void vcpu_release_all(struct vm *vm);
void vcpu_join_all(struct vm *vm);

/* Ends its KVM_RUN, or the next one. */
void vcpu_kick(struct vcpu *v);

const char *vcpu_exit_name(uint32_t reason); /* "KVM_EXIT_IO" ... */

#endif
