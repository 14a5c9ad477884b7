/* cpuid.h - what CPUID tells the guest. */
#ifndef VMM_CPUID_H
#define VMM_CPUID_H

#include <linux/kvm.h>

struct vm;

/* The table for all vCPUs of the VM, for free(3).  NULL after one line. */
struct kvm_cpuid2 *cpuid_for_vm(const struct vm *vm);
/* Put one vCPU's APIC ID into the table. */
void cpuid_for_vcpu(struct kvm_cpuid2 *table, unsigned apic_id);

#endif
