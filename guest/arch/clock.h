/* clock.h - time: the TSC, scaled; and the one hardware timer of each CPU. */
#ifndef ARCH_CLOCK_H
#define ARCH_CLOCK_H

#include "arch/cpu.h"
#include "lib/base.h"

#define NSEC_PER_SEC 1000000000ull

/* From clock_finish() on; 0 before if the rate must be measured.  The first stays, the others are of the rate
 * that clock_set_rate() has given: then TSC at CLOCK_MONOTONIC 0 is modulo 2^64. */
extern uint64_t tsc_khz;
extern uint64_t clock_tsc_base;    /* TSC at CLOCK_MONOTONIC 0 */
extern uint64_t clock_ns_per_tick; /* 32.32 */

void clock_init(void);               /* BSP: TSC rate, wall clock base */
void clock_finish(void);             /* BSP: no time passes before, no timer fires */
uint64_t clock_real_ns(void);        /* since 1970 */
void clock_set_real_ns(uint64_t ns); /* CLOCK_SAME: goes on, but clock_tai_seconds has changed */
#define CLOCK_SAME UINT64_MAX
/* All clocks but CLOCK_MONOTONIC_RAW go on at that rate, ns a tick of the TSC, 32.32.  No other CPU reads one
 * meanwhile: the caller has them stand still (mm/tlb.h), and sees to the timers. */
void clock_set_rate(uint64_t ns_per_tick);
uint64_t clock_nominal_rate(void);
uint64_t clock_raw_ns(void); /* CLOCK_MONOTONIC_RAW */
/* How often that was, and by how much the clock went forward in all, modulo 2^64: for what is kept as a
 * moment on the other clock, under a lock of the one who sets it. */
struct clock_steps {
    uint32_t count;
    uint64_t moved_ns;
    uint64_t tai_ns; /* how far CLOCK_TAI is ahead */
};
extern struct clock_steps clock_steps;
extern uint32_t clock_tai_seconds; /* [a] the same, from the next clock_set_real_ns() on */
static inline uint64_t clock_tsc_to_ns(uint64_t tsc_delta)
{
    return (uint64_t)((unsigned __int128)tsc_delta * clock_ns_per_tick >> 32);
}
/* Since boot; never goes back. */
static inline uint64_t clock_mono_at(uint64_t tsc) { return clock_tsc_to_ns(tsc - clock_tsc_base); }
static inline uint64_t clock_mono_ns(void) { return clock_mono_at(tsc_stamp()); }
uint64_t clock_tsc_after(uint64_t ns); /* TSC ticks in ns */
/* Arms this CPU's timer for that moment (CLOCK_MONOTONIC ns; UINT64_MAX: off).
 * The past fires at once.  It is IRQ_TIMER that comes. */
void clock_arm(uint64_t mono_ns);

#endif
