/* copy.c - the memory side of fork.
 *
 * Private pages are shared from then on: both sides' entries lose W and get the COW mark, and whoever writes first
 * gets a copy (fault.c).  An entry that was read-only before is not written again in the parent.  As on Linux,
 * entries are copied only where they could not be found again by a fault: anonymous memory, and file mappings of
 * which a page was written.  Shared mappings are left to the child's faults, too.
 *
 * A table full of private anonymous memory is not copied but shared until somebody would write to it (share.c).
 * Other tables of the child are made where there is an entry to put into them.  The parent's TLBs are flushed once,
 * at the end, and only if it lost a W. */
#include "mm/copy.h"
#include "arch/preempt.h"
#include "mm/frame.h"
#include "mm/mark.h"
#include "mm/mm.h"
#include "mm/mutant.h"
#include "mm/pt.h"
#include "mm/share.h"
#include "mm/tlb.h"
#include "mm/unmap.h"
#include "mm/vma.h"

/* Takes W from n used entries where they have it.  True if there were any. */
static bool protect_run(struct mm *from, uaddr_t va, pte_t *e, unsigned n)
{
    unsigned first = 0, last = n;
    while (first < n && !(e[first] & PTE_W))
        first++;
    if (first == n)
        return false;
    while (!(e[last - 1] & PTE_W))
        last--;
    for (unsigned i = first; i < last;) {
        unsigned run = 0; /* with W; those without stay as they are */
        while (i + run < last && (e[i + run] & PTE_W))
            run++;
        if (run > 0)
            pt_change(from, va + i * PAGE_SIZE, e + i, 1, run, PT_fork_wrprotect, PTE_W, PTE_COW);
        i += run ? run : 1;
    }
    return true;
}

#define WORK_COPY 40u /* instructions an entry, about */

/* The used entries from e on: how many, of anonymous pages how many, and what bits are set in any.  Their
 * frames get a reference each.  A function of its own, so that all of it stays in registers. */
struct run {
    unsigned n, anon;
    pte_t seen;
};
static __attribute__((noinline)) struct run get_run(const pte_t *e, const pte_t *stop)
{
    const struct frame_counts_at counts = frame_counts_at();
    const pte_t *p = e;
    pte_t seen = 0, anon = 0;
    for (pte_t pte; p < stop && (pte = *p) != 0; p++) {
        frame_get_in(counts, pte_pfn(pte));
        anon += pte & PTE_ANON;
        seen |= pte;
    }
    return (struct run){ (unsigned)(p - e), (unsigned)(anon / PTE_ANON), seen };
}

/* Copies the used entries of one of the parent's tables, from e on. */
static int copy_table(struct mm *mm, struct mm *from, uaddr_t va, pte_t *e, pte_t *stop,
                      bool *lost_w)
{
    pte_t *base = e, *child = NULL;
    while ((e = pt_next_used(e, stop)) < stop) {
        uaddr_t at = va + (uaddr_t)(e - base) * PAGE_SIZE;
        if (!child && !(child = pt_make(mm, va, PT_fork_copy)))
            return -ENOMEM;
        struct run run = get_run(e, stop);
        unsigned n = run.n;
        mm->pages_mapped += n;
        mm->pages_anon += run.anon;
        mm_count_page(mm, PAGE_OF_FILE, 0); /* for the high-water mark */
        if ((run.seen & PTE_W) && !mutant(MUTANT_fork_keeps_w))
            *lost_w |= protect_run(from, at, e, n);
        if (n > 1 && mutant(MUTANT_fork_swaps_frames)) {
            const pte_t swapped[2] = { e[1], e[0] };
            pt_fill(mm, at, child + (e - base), 1, 2, PT_fork_copy, swapped);
            if (n > 2)
                pt_fill(mm, at + 2 * PAGE_SIZE, child + (e - base) + 2, 1, n - 2, PT_fork_copy,
                        e + 2);
        } else {
            pt_fill(mm, at, child + (e - base), 1, n, PT_fork_copy, e);
        }
        e += n;
        preempt_work(n * WORK_COPY);
    }
    return 0;
}

static int copy_pages(struct mm *mm, struct mm *from, const struct vma *v, bool *lost_w)
{
    pte_t *e;
    int err = 0;
    for (uaddr_t va = v->start; !err && pt_next_link(from, &va, v->end) != NULL;) {
        uaddr_t stop = share_tables(mm, from, v, va, lost_w);
        if (stop > va) {
            va = stop;
            continue;
        }
        if (stop == 0 || !(e = pt_make(from, va, PT_fork_copy)))
            return -ENOMEM;
        stop = MIN(v->end, (va | (PT_SPAN - 1)) + 1);
        err = copy_table(mm, from, va, e, e + ((stop - va) >> PAGE_SHIFT), lost_w);
        if (!err && preempt_ends(WORK_TABLE + (uint32_t)((stop - va) >> PAGE_SHIFT)))
            err = -EINTR;
        va = stop;
    }
    return err;
}

static int copy_vma(struct mm *mm, struct vma *v)
{
    struct vma *c = vma_alloc(mm, v->start, v->end, v->flags & ~(VM_LOCKED | VM_ASK_ALL));
    if (!c)
        return -ENOMEM;
    c->pgoff = v->pgoff;
    c->file = v->file;
    c->has_anon = v->has_anon;
    if (c->file)
        vma_file_link(c, v);
    vma_insert(mm, c);
    return 0;
}

int mm_copy(struct mm *mm, struct mm *from)
{
    bool lost_w = false;
    int err = 0;
    for (struct vma *v = vma_find(from, 0); v && !err; v = vma_next(v)) {
        if (v->flags & VM_DONTFORK)
            continue;
        err = copy_vma(mm, v);
        bool by_entry = !(v->flags & (VM_SHARED | VM_WIPEONFORK)) && (!v->file || v->has_anon);
        if (!err && by_entry)
            err = copy_pages(mm, from, v, &lost_w);
        else if (!err && unlikely((v->flags & (VM_MARKED | VM_WIPEONFORK)) == VM_MARKED))
            err = mark_copy(mm, v);
        preempt_work(2 * WORK_VMA);
    }
    if (lost_w && !mutant(MUTANT_share_no_flush))
        tlb_flush_mm(from);
    return err;
}
