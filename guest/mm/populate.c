/* populate.c - pages that are wanted before anybody touches them: MAP_POPULATE, mlock, MADV_POPULATE_*.
 *
 * Each missing one comes as by a fault, and is traced as one, so that nothing else makes entries. */
#include "mm/populate.h"
#include "arch/preempt.h"
#include "mm/fault.h"
#include "mm/pt.h"
#include "mm/vma.h"
#include "trace/trace.h"

#define WORK_FILE_PAGE 3000u
#define WORK_LOOK      60u

static bool is_private(const struct vma *v) { return !(v->flags & VM_SHARED); }

static int populate_vma(struct vma *v, uaddr_t va, uaddr_t stop)
{
    struct mm *mm = v->mm;
    uint32_t error = is_private(v) && (v->flags & VM_WRITE) ? FAULT_WRITE : 0;
    uint32_t work = v->file ? WORK_FILE_PAGE : WORK_POPULATE;
    int code, err;
    if (vma_secret(v))
        return -EFAULT;
    for (; va < stop; va += PAGE_SIZE) {
        bool make = !pt_entry(mm, va);
        if (make) {
            trace_page_fault(mm->id, va, 0, error);
            err = mm_fault_locked(mm, va, error, &code);
            if (err)
                return err == -ENOMEM ? err : -EFAULT;
        }
        if (preempt_ends(make ? work : WORK_LOOK))
            return -EINTR;
    }
    return 0;
}

int mm_populate(struct mm *mm, uaddr_t start, uaddr_t end)
{
    int err = 0;
    for (struct vma *v = vma_find(mm, start); v && v->start < end && !err; v = vma_next(v)) {
        err = populate_vma(v, MAX(v->start, start), MIN(v->end, end));
        preempt_work(WORK_VMA);
    }
    return err;
}

static int populate_page(struct mm *mm, uaddr_t va, bool write)
{
    uint32_t error = write ? FAULT_WRITE : 0;
    pte_t entry = pt_entry(mm, va);
    int code;
    if ((entry & PTE_P) && (!write || (entry & PTE_W)))
        return preempt_ends(WORK_LOOK) ? -EINTR : 0;
    trace_page_fault(mm->id, va, 0, error | (entry & PTE_P ? FAULT_PRESENT : 0));
    int err = mm_fault_locked(mm, va, error, &code);
    if (err)
        return err == -ENOMEM ? err : -EFAULT;
    return preempt_ends(write ? WORK_POPULATE : WORK_FILE_PAGE) ? -EINTR : 0;
}

int mm_populate_all(struct mm *mm, uaddr_t start, uaddr_t end, bool write)
{
    int err = 0;
    while (!err && start < end) {
        struct vma *v = vma_find(mm, start);
        if (!v || v->start > start)
            return -ENOMEM;
        if (!(v->flags & (write ? VM_WRITE : VM_READ)) || vma_secret(v))
            return -EINVAL;
        uaddr_t stop = MIN(v->end, end);
        for (; !err && start < stop; start += PAGE_SIZE)
            err = populate_page(mm, start, write);
    }
    return err;
}
