/* hypercall.h - calls into the VMM, when there is one that offers them. */
#ifndef ARCH_HYPERCALL_H
#define ARCH_HYPERCALL_H

#include "arch/ring3.h"
#include "shared/hypercall.h"

/* cpu.c */
extern bool hc_present;  /* the signature leaf is there; set by cpu_init_bsp() */
extern uint32_t hc_caps; /* HC_CAP_*, 0 without a VMM of ours */

/* Each kernel instruction costs about a microsecond: durations are other ones then. */
static inline bool kernel_interpreted(void) { return hc_caps & HC_CAP_INTERPRETED; }
/* Ring 0 is, wherever the kernel runs: what the stub does, IRET among it. */
static inline bool iret_interpreted(void) { return hc_caps & HC_CAP_NO_DEBUG; }
static inline bool debug_works(void) { return !(hc_caps & HC_CAP_NO_DEBUG); }

/* ring3.c */
void hypercall_init(void *(*map)(paddr_t at, size_t n)); /* when devices can be mapped */
long ring3_hypercall(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d);

/* Only where hc_present. */
static inline long hypercall(enum hypercall nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    if (ring3())
        return ring3_hypercall(nr, a, b, c, d);
    long ret;
    register uint64_t r10 __asm__("r10") = d;
    __asm__ volatile("outl %%eax, %1"
                     : "=a"(ret)
                     : "i"(HC_PORT), "a"((uint64_t)nr), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "memory");
    return ret;
}

#endif
