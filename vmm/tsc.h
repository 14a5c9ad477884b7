/* tsc.h - the guest's time stamp counters: one for all vCPUs.
 *
 * The trace merges the vCPUs' events by time stamp, so the counters must agree. */
#ifndef VMM_TSC_H
#define VMM_TSC_H

#include <stdbool.h>

struct vm;

/* Gives all vCPUs the offset of vCPU 0, where the host lets one; reads back what
 * each has; fills in vm->tsc_khz, vm->tsc_offset and the vCPUs' tsc_offset.  False
 * after one line on stderr. */
bool tsc_setup(struct vm *vm);

#endif
