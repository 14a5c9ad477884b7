/* tsc.c - see tsc.h.
 *
 * KVM starts the counters of a VM's vCPUs together, at 0, if they are made within a
 * second of each other; with hundreds of vCPUs on a busy host they may not be.  So each gets
 * vCPU 0's offset, by KVM_VCPU_TSC_OFFSET (Linux 5.16).
 *
 * What counts is what the guest will read.  kvm_pvm, whose ring 3 executes RDTSC
 * itself, passes the host's counter through, whatever offset it was given.  So the
 * counter is read back, between two RDTSCs of our own: these bound the true
 * offset, and of the two that it can be exactly (the one that was set; 0) the
 * one within the bounds is taken. */
#include "vmm/tsc.h"

#include <linux/kvm.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <x86intrin.h>

#include "vmm/say.h"
#include "vmm/vm.h"

#define MSR_TSC 0x10

static bool read_counter(const struct vcpu *v, uint64_t *tsc)
{
    uint64_t room[(sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)) / sizeof(uint64_t)];
    struct kvm_msrs *msrs = (struct kvm_msrs *)room;
    memset(room, 0, sizeof(room));
    msrs->nmsrs = 1;
    msrs->entries[0].index = MSR_TSC;
    if (ioctl(v->fd, KVM_GET_MSRS, msrs) != 1)
        return false;
    *tsc = msrs->entries[0].data;
    return true;
}

/* False: this host has no such attribute. */
static bool offset_attribute(const struct vcpu *v, unsigned long request, uint64_t *offset)
{
    struct kvm_device_attr attr = {
        .group = KVM_VCPU_TSC_CTRL,
        .attr = KVM_VCPU_TSC_OFFSET,
        .addr = (uintptr_t)offset,
    };
    return ioctl(v->fd, request, &attr) == 0;
}

static bool learn_offset(struct vcpu *v, const uint64_t *set)
{
    uint64_t guest, before = __rdtsc();
    if (!read_counter(v, &guest))
        return false;
    uint64_t width = __rdtsc() - before, high = guest - before;
    if (set != NULL && high - *set <= width)
        v->tsc_offset = *set;
    else if (high <= width)
        v->tsc_offset = 0;
    else
        v->tsc_offset = high - width / 2;
    return true;
}

bool tsc_setup(struct vm *vm)
{
    uint64_t common, own;
    bool can_set = offset_attribute(&vm->vcpu[0], KVM_GET_DEVICE_ATTR, &common);
    int khz = ioctl(vm->vcpu[0].fd, KVM_GET_TSC_KHZ, 0);
    bool ok = khz > 0;

    for (unsigned c = 0; ok && c < vm->ncpus; c++) {
        struct vcpu *v = &vm->vcpu[c];
        if (can_set && c > 0 && offset_attribute(v, KVM_GET_DEVICE_ATTR, &own) && own != common)
            offset_attribute(v, KVM_SET_DEVICE_ATTR, &common);
        bool is_set = can_set && offset_attribute(v, KVM_GET_DEVICE_ATTR, &own);
        ok = learn_offset(v, is_set ? &own : NULL);
    }
    if (!ok) {
        say("KVM does not tell the TSC's frequency and value; the guest cannot keep time here");
        return false;
    }
    vm->tsc_khz = (uint64_t)khz;
    vm->tsc_offset = vm->vcpu[0].tsc_offset;
    for (unsigned c = 1; c < vm->ncpus; c++)
        if (vm->vcpu[c].tsc_offset != vm->tsc_offset)
            say_more("the TSC of vCPU %u is %lld ticks from vCPU 0's", c,
                     (long long)(vm->vcpu[c].tsc_offset - vm->tsc_offset));
    return true;
}
