/* gather.c - what was unmapped waits here for the flush.
 *
 * One flush for an operation, if that can be: where other CPUs have the address space, each flush interrupts them, so
 * the list of frames goes on in a frame of its own instead of being flushed when the few places on the stack are used. */
#include "mm/gather.h"
#include "arch/layout.h"
#include "arch/preempt.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/mm.h"
#include "mm/mutant.h"
#include "mm/share.h"
#include "mm/tlb.h"
#include "trace/trace.h"

#define WORK_CHANGE 30u /* instructions an entry, about */
#define GATHER_MANY (PAGE_SIZE / sizeof(pfn_t))

void gather_start(struct gather *g, struct mm *mm, enum pt_reason why)
{
    g->mm = mm;
    g->why = why;
    g->cached_tables = false;
    g->start = UINT64_MAX;
    g->end = 0;
    g->frame = g->few;
    g->room = GATHER_FRAMES;
    g->nframes = g->ntables = 0;
}

void gather_flush(struct gather *g)
{
    if (g->start < g->end)
        tlb_flush_wish(g->mm, g->start, g->end, g->cached_tables ? TLB_TABLES : TLB_RANGE);
    frame_put_all(g->frame, g->nframes);
    if (g->frame != g->few)
        frame_put((pfn_t)(virt_to_phys(g->frame) >> PAGE_SHIFT));
    for (unsigned i = 0; i < g->ntables; i++) {
        g->mm->tables--;
        if (g->table[i].shared) {
            share_put(g->mm, g->table[i].va, g->table[i].pfn, g->why);
            continue;
        }
        trace_table_free(g->mm->id, g->table[i].va, g->table[i].pfn, g->table[i].level, g->why);
        frame_put(g->table[i].pfn);
    }
    gather_start(g, g->mm, g->why);
}

/* Places for many frames.  False: nobody would be spared, or no memory. */
static SLOW_PATH bool grow(struct gather *g)
{
    pfn_t pfn;
    if (g->frame != g->few || !tlb_others(g->mm) || !(pfn = frame_alloc()))
        return false;
    g->frame = frame_va(pfn);
    g->room = GATHER_MANY;
    memcpy(g->frame, g->few, sizeof g->few);
    return true;
}

unsigned gather_room(struct gather *g)
{
    if (g->nframes == g->room && !grow(g))
        gather_flush(g);
    return g->room - g->nframes;
}

static void add_table(struct gather *g, uaddr_t va, pfn_t pfn, unsigned level, bool shared)
{
    if (g->ntables == GATHER_TABLES)
        gather_flush(g);
    unsigned i = g->ntables++;
    g->table[i].va = va;
    g->table[i].pfn = pfn;
    g->table[i].level = (uint8_t)level;
    g->table[i].shared = shared;
    g->cached_tables = true;
}

void gather_table(struct gather *g, uaddr_t va, pfn_t pfn, unsigned level)
{
    if (mutant(MUTANT_table_freed_early)) {
        g->mm->tables--;
        trace_table_free(g->mm->id, va, pfn, level, g->why);
        frame_put(pfn);
    } else {
        add_table(g, va, pfn, level, false);
    }
    gather_range(g, va, va + PAGE_SIZE); /* INVLPG drops the paging-structure caches, too */
}

void gather_shared(struct gather *g, uaddr_t va, pfn_t pfn, uint64_t bytes)
{
    add_table(g, va, pfn, 1, true);
    gather_range(g, va, va + bytes);
}

void gather_change(struct gather *g, uaddr_t start, uaddr_t end, pte_t off, pte_t on)
{
    pte_t *e;
    for (uaddr_t va = start; (e = pt_next_table(g->mm, &va, end)) != NULL;) {
        uaddr_t stop_va = MIN(end, (va | (PT_SPAN - 1)) + 1);
        pte_t *base = e, *stop = e + ((stop_va - va) >> PAGE_SHIFT);
        while ((e = pt_next_used(e, stop)) < stop) {
            uaddr_t at = va + (uaddr_t)(e - base) * PAGE_SIZE;
            unsigned n = 0;
            while (e + n < stop && e[n])
                n++;
            if (pt_change(g->mm, at, e, 1, n, g->why, off, on))
                gather_range(g, at, at + n * PAGE_SIZE);
            e += n;
            preempt_work(n * WORK_CHANGE);
        }
        preempt_work(WORK_TABLE + (uint32_t)((stop_va - va) >> PAGE_SHIFT));
        va = stop_va;
    }
}
