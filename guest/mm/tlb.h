/* tlb.h - what was unmapped leaves the TLBs before it is used for anything else.
 *
 * Whoever takes entries out of tables collects the frames (and the tables that
 * got empty) in a struct gather.  They are put only after the flush that
 * gather_flush() does, so that no CPU can reach memory through a stale
 * translation once that memory has a new owner. */
#ifndef MM_TLB_H
#define MM_TLB_H

#include "mm/mm.h"

/* Translations of [start, end) leave the TLB of every CPU that has mm's root
 * (kernel_mm: of all).  Returns when they are gone. */
void tlb_flush(struct mm *mm, uint64_t start, uint64_t end);
void tlb_flush_mm(struct mm *mm);

#define GATHER_FRAMES 48
#define GATHER_TABLES 8
struct gather {
    struct mm *mm;
    enum pt_reason why;
    uaddr_t  start, end;            /* what is to be flushed; start > end: nothing */
    unsigned nframes, ntables;
    pfn_t    frame[GATHER_FRAMES];
    struct { uaddr_t va; pfn_t pfn; uint8_t level; } table[GATHER_TABLES];
};

void gather_start(struct gather *g, struct mm *mm, enum pt_reason why);
/* [start, end) had its entries changed: to be flushed. */
static inline void gather_range(struct gather *g, uaddr_t start, uaddr_t end)
{
    g->start = MIN(g->start, start);
    g->end = MAX(g->end, end);
}
/* Room for how many frames?  At least one. */
unsigned gather_room(struct gather *g);
static inline void gather_frame(struct gather *g, pfn_t pfn) { g->frame[g->nframes++] = pfn; }
void gather_table(struct gather *g, uaddr_t va, pfn_t pfn, unsigned level);
void gather_flush(struct gather *g);        /* at the end, always */

#endif
