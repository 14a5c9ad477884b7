/* tracer_calls.h - events that the VMM writes for the guest: the opening checkpoint, and all
 * of a kernel for which an exit is cheaper than writing them itself (HC_TRACE_PORT in
 * shared/hypercall.h, which says what is in the registers).
 *
 * On the thread of the vCPU that calls.  ring() is tracer_doorbell() for that vCPU, and what
 * else there is to do when its packet is full. */
#ifndef VMM_TRACER_CALLS_H
#define VMM_TRACER_CALLS_H

#include <linux/kvm.h>
#include <stdint.h>

#include "vmm/gmem.h"
#include "vmm/tracer.h"

struct tracer_caller {
    struct tracer *tracer;
    const struct gmem *mem;
    unsigned cpu;
    int (*ring)(void *arg, uint64_t content_bytes, uint64_t first_tsc, uint64_t last_tsc);
    void *arg;
};

/* Reads the tables that the root leads to and writes them into the vCPU's first packet, with
 * `tsc` as the time of all.  Bytes in the packet then; -EINVAL: the vCPU's stream is not open, or
 * those are no tables; -EALREADY: there are events; other -errno as for a doorbell. */
int64_t tracer_checkpoint(const struct tracer_caller *c, uint64_t root_pfn, uint64_t tsc);

/* The event that the registers are, at `tsc`, or as late as the last one of all vCPUs if that is
 * later.  0; -EINVAL: it cannot be; other -errno as for a doorbell. */
int tracer_event(const struct tracer_caller *c, const struct kvm_regs *r, uint64_t tsc);

#endif
