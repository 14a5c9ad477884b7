/* mark.c - entries that stand for no page. */
#include "mm/mark.h"
#include "arch/preempt.h"
#include "mm/fault.h"
#include "mm/gather.h"
#include "mm/pt.h"
#include "mm/share.h"
#include "mm/unmap.h"
#include "mm/vma.h"

#define WORK_LOOK 20u
#define WORK_MARK 150u

int mark_fault(pte_t e, int *code)
{
    *code = e & PTE_LOST ? BUS_ADRERR : SEGV_MAPERR;
    return e & PTE_LOST ? SIGBUS : SIGSEGV;
}

int mark_write(struct vma *v, uaddr_t va, pte_t *e, int *code)
{
    if (unlikely(*e & PTE_MARK))
        return mark_fault(*e, code);
    if (unlikely(*e & PTE_WP && v->flags & VM_ASK_WRITE))
        return FAULT_ASK;
    if (!(v->flags & VM_SHARED))
        return MARK_NONE;
    pt_write(v->mm, va, e, 1, PT_mkwrite, *e | PTE_W | PTE_D);
    tlb_flush_here(v->mm, va);
    return 0;
}

enum which { GUARDS = PTE_MARK | PTE_LOST, ANY_MARK = PTE_MARK };

static bool is_one(pte_t e, enum which which) { return (e & (pte_t)which) == PTE_MARK; }

/* From *va on to `end`: where the first marks begin, and where they stop.  False: there are none, and *va is end. */
static bool next(struct mm *mm, uaddr_t *va, uaddr_t end, enum which which, uaddr_t *stop)
{
    pte_t *link;
    while ((link = pt_next_link(mm, va, end)) != NULL) {
        uaddr_t table_end = MIN(end, (*va | (PT_SPAN - 1)) + 1);
        for (; pt_link_own(*link) && *va < table_end; *va += PAGE_SIZE) {
            const pte_t *e = pt_entry_in(*link, *va);
            preempt_work(WORK_LOOK);
            if (!is_one(*e, which))
                continue;
            *stop = *va;
            while (*stop < table_end && is_one(*e++, which))
                *stop += PAGE_SIZE;
            return true;
        }
        *va = table_end;
    }
    *va = end;
    return false;
}

void mark_zap(struct vma *v, uaddr_t start, uaddr_t end, enum pt_reason why)
{
    uaddr_t at = start, stop;
    if (!(v->flags & VM_MARKED)) {
        mm_zap(v->mm, start, end, why);
        return;
    }
    for (bool more = true; more; at = start = stop) {
        more = next(v->mm, &at, end, GUARDS, &stop);
        if (start < at)
            mm_zap(v->mm, start, at, why);
        if (!more)
            break;
    }
}

void mark_change(struct gather *g, const struct vma *v, pte_t off, pte_t on)
{
    uaddr_t start = v->start, at = start, stop;
    for (bool more = true; more; at = start = stop) {
        more = next(v->mm, &at, v->end, ANY_MARK, &stop);
        if (start < at)
            gather_change(g, start, at, off, on);
        if (!more)
            break;
    }
}

void mark_remove_guards(struct vma *v, uaddr_t start, uaddr_t end)
{
    uaddr_t stop;
    if (!(v->flags & VM_MARKED))
        return;
    for (; next(v->mm, &start, end, GUARDS, &stop); start = stop)
        mm_zap(v->mm, start, stop, PT_munmap);
}

static int put_guard(struct mm *mm, uaddr_t va)
{
    pte_t *e = pt_make(mm, va, PT_mmap);
    if (!e)
        return -ENOMEM;
    pt_write(mm, va, e, 1, PT_mmap, pte_make(0, PTE_MARK));
    mm_count_page(mm, PAGE_OF_FILE, 1);
    preempt_work(WORK_MARK);
    return 0;
}

int mark_guards(struct vma *v, uaddr_t start, uaddr_t end)
{
    int err = share_own_range(v->mm, start, end);
    if (err)
        return err;
    vma_set_flags(v, v->flags | VM_MARKED);
    v->has_anon = true; /* fork copies them */
    mm_zap(v->mm, start, end, PT_munmap);
    for (; !err && start < end; start += PAGE_SIZE)
        err = put_guard(v->mm, start);
    return err;
}

int mark_copy(struct mm *to, const struct vma *v)
{
    uaddr_t va = v->start, stop;
    int err = 0;
    while (!err && next(v->mm, &va, v->end, GUARDS, &stop))
        for (; !err && va < stop; va += PAGE_SIZE)
            err = put_guard(to, va);
    return err;
}
