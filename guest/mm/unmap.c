/* unmap.c - taking pages out of an address space.
 *
 * Work goes table by table, run by run: a run of used entries is cleared with
 * one report, its frames go to the gather, and a table that got empty follows
 * them.  The gather frees all that after the TLB flush.  How many entries of a
 * table are used is known, so the scan of a sparse one ends early.
 *
 * Others may run in between (preempt.h).  A sibling thread may then still use an entry that
 * is cleared but not flushed: the frame is only put after the flush, and until munmap
 * returns either is right. */
#include "mm/unmap.h"
#include "arch/preempt.h"
#include "mm/frame.h"
#include "mm/gather.h"
#include "mm/mm.h"
#include "mm/mutant.h"
#include "mm/pt.h"
#include "mm/share.h"
#include "mm/vdso.h"
#include "mm/vma.h"

#define WORK_ZAP 60u /* instructions an entry, about */

/* The last entry of the run from p on, of two or more, below limit, that maps frames in a row with the same bits, none
 * of them counted: a file of a root image comes in such runs.  Not in line, so that counted ones have all registers. */
static __attribute__((noinline)) pte_t *uncounted_run(pte_t *p, pte_t *limit)
{
    pte_t pte = *p + PAGE_SIZE;
    pfn_t more = frames_uncounted_from(pte_pfn(*p));
    limit = limit - p > more ? p + more : limit;
    for (p++; p < limit && *p == pte; p++)
        pte += PAGE_SIZE;
    return p - 1;
}

/* Clears the used entries in [e, stop), which lie in one table. */
static void zap_entries(struct gather *g, uaddr_t va, pte_t *e, pte_t *stop)
{
    const struct frame_counts_at counts = frame_counts_at();
    struct mm *mm = g->mm;
    pfn_t table = pt_table_of(e);
    pte_t *first = e;
    while (frame_tag(table) != 0 && (e = pt_next_used(e, stop)) < stop) {
        unsigned room = gather_room(g);
        uaddr_t at = va + (uaddr_t)(e - first) * PAGE_SIZE;
        pte_t *p = e, *limit, anon = 0;
        pfn_t *put = g->frame + g->nframes, *full = put + room;
        do { /* as many as there is room for, were all of them counted */
            limit = p + MIN(stop - p, full - put);
            for (pte_t pte; p < limit && (pte = *p) != 0; p++) {
                pfn_t pfn = pte_pfn(pte);
                if (unlikely(!frame_counted_in(counts, pfn))) { /* the root image's need no put */
                    if (p + 1 < limit && p[1] == pte + PAGE_SIZE)
                        p = uncounted_run(p, limit);
                    continue;
                }
                *put++ = pfn;
                anon += pte & PTE_ANON; /* those are counted, all of them */
            }
        } while (p == limit && p < stop && put < full);
        g->nframes = (unsigned)(put - g->frame);
        unsigned n = (unsigned)(p - e);
        mm->pages_mapped -= n;
        mm->pages_anon -= anon / PTE_ANON;
        pt_clear(mm, at, e, 1,
                 n - (n > 1 && g->why == PT_munmap && mutant(MUTANT_munmap_leaves_one)), g->why);
        gather_range(g, at, at + n * PAGE_SIZE);
        e += n;
        preempt_work(n * WORK_ZAP);
    }
}

/* [start, end) of what goes as a whole: [all.start, all.end). */
struct whole {
    uaddr_t start, end;
};

/* A shared table, or a huge page, is left as a whole, even where several VMAs have a part of it: mm_cut() saw to
 * it that what stays has no part. */
static uaddr_t zap_shared(struct gather *g, uaddr_t va, pte_t *link, struct whole all)
{
    uaddr_t base = va & ~(PT_SPAN - 1);
    ASSERT(base >= all.start && all.end - base >= PT_SPAN);
    unsigned n = share_leave(g, base, all.end, link);
    if (frame_tag(pt_table_of(link)) == 0)
        pt_prune(g->mm, va, g);
    return base + n * PT_SPAN;
}

static void zap_range(struct gather *g, uaddr_t start, uaddr_t end, struct whole all)
{
    pte_t *link;
    for (uaddr_t va = start; (link = pt_next_link(g->mm, &va, end)) != NULL;) {
        uaddr_t stop = MIN(end, (va | (PT_SPAN - 1)) + 1);
        if (unlikely(!pt_link_own(*link))) {
            va = zap_shared(g, va, link, all);
            continue;
        }
        pte_t *e = pt_entry_in(*link, va);
        zap_entries(g, va, e, e + ((stop - va) >> PAGE_SHIFT));
        if (frame_tag(pt_table_of(e)) == 0)
            pt_prune(g->mm, va, g);
        preempt_work(WORK_TABLE + (uint32_t)((stop - va) >> PAGE_SHIFT));
        va = stop;
    }
}

void mm_zap(struct mm *mm, uaddr_t start, uaddr_t end, enum pt_reason why)
{
    struct gather g;
    gather_start(&g, mm, why);
    zap_range(&g, start, end, (struct whole){ start, end });
    gather_flush(&g);
}

int mm_cut(struct mm *mm, uaddr_t start, uaddr_t end)
{
    if (unlikely(mm->image.sealed) && vma_any(mm, start, end, VM_SEALED))
        return -EPERM;
    int err = vma_split_ends(mm, start, end);
    return err ? err : share_own_ends(mm, start, end);
}

void mm_drop(struct mm *mm, uaddr_t start, uaddr_t end, enum pt_reason why)
{
    struct gather g;
    struct vma *next;
    gather_start(&g, mm, why);
    for (struct vma *v = vma_find(mm, start); v && v->start < end; v = next) {
        next = vma_next(v);
        zap_range(&g, v->start, vdso_end(v), (struct whole){ start, end });
        vma_remove(mm, v);
        preempt_work(WORK_VMA);
    }
    gather_flush(&g);
}
