/* vvar.h - what programs may know of the clock: the page in front of the vDSO, which they read.
 *
 * real_base is one word: who reads it sees one value or the next, as a call would.  The rate is changed while
 * all CPUs but one are in the kernel, so a program that reads `changes` before and after it has read the rest
 * knows whether that belongs together. */
#ifndef ARCH_VVAR_H
#define ARCH_VVAR_H

#include <stdint.h>

struct vvar {
    uint64_t real_base;   /* CLOCK_REALTIME at CLOCK_MONOTONIC 0; clock.c's */
    uint64_t tsc_base;    /* TSC at CLOCK_MONOTONIC 0 */
    uint64_t ns_per_tick; /* 32.32; 0, always: programs do not see the TSC that the kernel sees */
    uint32_t ncpus;
    uint32_t changes; /* of the rate; 0: CLOCK_MONOTONIC_RAW is CLOCK_MONOTONIC, else it has: */
    uint64_t raw_tsc_base, raw_ns_per_tick;
};

/* vdso_image.asm */
extern struct vvar vvar; /* as the kernel sees it */

#endif
