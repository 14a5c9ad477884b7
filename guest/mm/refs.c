/* refs.c - who has used a page, or has written it, since it was asked: /proc/PID/clear_refs.
 *
 * Used: A, which the processor sets again.  Written: a page that may be written faults first, so W is taken
 * away, and VM_SOFT_CLEAN on the mapping says that from now on W tells.  What fork makes read-only was
 * writable, and gets the COW mark with that; so an entry of private memory is as written with the mark
 * as with W.  The mark of what has not been written since goes here with W.
 *
 * VM_SOFT_CLEAN goes, and all of the mapping counts as written, where entries no longer tell: when it grows
 * or moves, when its rights change, and when a debugger writes where the program may not.  Reading
 * anonymous memory for the first time counts as writing, as the page is writable at once (fault.c). */
#include "mm/refs.h"
#include "arch/preempt.h"
#include "mm/gather.h"
#include "mm/share.h"
#include "mm/vma.h"

bool mm_soft_dirty(const struct vma *v, pte_t e)
{
    if (!(v->flags & VM_SOFT_CLEAN))
        return true;
    return (e & PTE_W) || (e & (PTE_COW | PTE_ANON)) == (PTE_COW | PTE_ANON);
}

static bool is_meant(const struct vma *v, enum refs_of of)
{
    return (of != REFS_ANON || !v->file) && (of != REFS_FILE || v->file);
}

int mm_clear_refs(struct mm *mm, enum refs_of of)
{
    struct gather g;
    int err = 0;
    mutex_lock(&mm->lock);
    for (struct vma *v = vma_find(mm, 0); v && !err; v = vma_next(v)) {
        if (is_meant(v, of))
            err = share_own_range(mm, v->start, v->end);
        preempt_work(WORK_VMA / 8);
    }
    gather_start(&g, mm, PT_clear_refs);
    for (struct vma *v = vma_find(mm, 0); v && !err; v = vma_next(v)) {
        if (of == REFS_WRITTEN)
            vma_set_flags(v, v->flags | VM_SOFT_CLEAN);
        if (is_meant(v, of))
            gather_change(&g, v->start, v->end, of == REFS_WRITTEN ? PTE_W | PTE_COW : PTE_A, 0);
        preempt_work(WORK_VMA / 4);
    }
    gather_flush(&g);
    mutex_unlock(&mm->lock);
    return err;
}
