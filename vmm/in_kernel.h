/* in_kernel.h - whether a vCPU with these registers is in the kernel, which may be in ring 3:
 * that has interrupts off, but where it is halted in ring 0; and a program cannot turn
 * them off. */
#ifndef VMM_IN_KERNEL_H
#define VMM_IN_KERNEL_H

#include <linux/kvm.h>
#include <stdbool.h>

static inline bool vcpu_in_kernel(const struct kvm_regs *r, const struct kvm_sregs *s)
{
    return s->ss.dpl == 0 || !(r->rflags & (1u << 9));
}

#endif
