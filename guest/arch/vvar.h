/* vvar.h - what programs may know of the clock: the page in front of the vDSO, which they read.
 *
 * Only real_base changes while programs run, and it is one word: who reads it sees one
 * value or the next, as a call would.  So there is no sequence number. */
#ifndef ARCH_VVAR_H
#define ARCH_VVAR_H

#include <stdint.h>

struct vvar {
    uint64_t real_base;   /* CLOCK_REALTIME at CLOCK_MONOTONIC 0; clock.c's */
    uint64_t tsc_base;    /* these by vdso_map(), always the same: TSC at CLOCK_MONOTONIC 0 */
    uint64_t ns_per_tick; /* 32.32; 0: programs do not see the TSC that the kernel sees */
    uint32_t ncpus;
};

/* vdso_image.asm */
extern struct vvar vvar; /* as the kernel sees it */

#endif
