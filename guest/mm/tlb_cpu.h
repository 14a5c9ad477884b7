/* tlb_cpu.h - what a CPU has in its TLB, and what others want flushed there: tlb.c. */
#ifndef MM_TLB_CPU_H
#define MM_TLB_CPU_H

#include <stdint.h>

struct mm;

/* ACTIVE is 0: how a CPU begins, and what the only CPU of a machine always is. */
enum tlb_state {
    TLB_ACTIVE, /* may use what its TLB holds at any moment */
    TLB_LAZY,   /* has a root that it does not use */
    TLB_STALE,  /* the same, and somebody has changed entries below it */
};
enum tlb_wish {
    TLB_RANGE,  /* translations of the range go */
    TLB_TABLES, /* and cached entries that lead to tables, which are freed */
    TLB_LEAVE,  /* the root goes: no user of the address space is left */
    TLB_HOLD,   /* nothing of that: stand still until cpus_release() */
};

struct tlb_cpu {        /* [o] this CPU only  [a] atomic */
    uint64_t inbox;     /* [a] bit n: CPU n has a request; see there */
    uint32_t state;     /* [a] others: LAZY to STALE only */
    struct mm *lazy_mm; /* [o] whose root CR3 holds while the CPU is lazy */
    /* Its own request, one at a time.  [o]; CPUs with a bit in `waiting` read it. */
    struct mm *mm;
    uint64_t start, end;
    enum tlb_wish wish;
    uint64_t waiting; /* [a] who has not done it yet */
};

#endif
