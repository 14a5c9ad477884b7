/* gather.h - what was taken out of tables, until the TLBs have forgotten it. */
#ifndef MM_GATHER_H
#define MM_GATHER_H

#include "mm/pt.h"
#include "mm/tlb.h"

#define GATHER_FRAMES 48
#define GATHER_TABLES 8
struct gather { /* on the stack of who holds mm->lock */
    struct mm *mm;
    enum pt_reason why;
    bool cached_tables; /* a table that is freed may be in paging-structure caches */
    uaddr_t start, end; /* what is to be flushed; start > end: nothing */
    pfn_t *frame;       /* few[], or where there are many, a frame full of them */
    unsigned nframes, room, ntables;
    pfn_t few[GATHER_FRAMES];
    struct {
        uaddr_t va;
        pfn_t pfn;
        uint8_t level;
        bool shared; /* only this user's reference goes (share.h) */
    } table[GATHER_TABLES];
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
/* A lowest table that others may use on; its first `bytes` bytes from va on are to be flushed. */
void gather_shared(struct gather *g, uaddr_t va, pfn_t pfn, uint64_t bytes);
/* All entries of [start, end) that are not 0: off goes, on comes, by way of g->why.  The tables are the
 * address space's own (share_own_range()). */
void gather_change(struct gather *g, uaddr_t start, uaddr_t end, pte_t off, pte_t on);
void gather_flush(struct gather *g); /* at the end, always */

#endif
