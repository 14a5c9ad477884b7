/* tsc.h - the time stamp counter, and the order of stamps. */
#ifndef ARCH_TSC_H
#define ARCH_TSC_H

#include "lib/base.h"

static inline uint64_t rdtsc(void)
{
    uint64_t lo, hi; /* RDTSC clears their upper halves: nothing is left to do for the compiler */
    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return hi << 32 | lo;
}
/* For what is compared with other CPUs' stamps: later than each that was taken before,
 * on whatever CPU.  That is RDTSC, unless the counters may drift apart (tsc.c). */
extern bool tsc_drifts; /* set once, before there is a CPU that does */
uint64_t tsc_in_order(uint64_t tsc);
static inline uint64_t tsc_stamp(void)
{
    uint64_t tsc = rdtsc();
    return likely(!tsc_drifts) ? tsc : tsc_in_order(tsc);
}
/* From here on stamps are put in order.  at_least: no stamp before was later. */
void tsc_put_in_order(uint64_t at_least);

#endif
