/* limits.c - RLIMIT_AS, RLIMIT_DATA and RLIMIT_MEMLOCK, as Linux counts what is under them: data is what is
 * private and may be written, but no stack; locked is what has the mark, touched or not. */
#include "mm/limits.h"
#include "arch/preempt.h"
#include "mm/vma.h"

#include <linux/capability.h>

bool mm_may_grow(const struct mm *mm, uint64_t pages, uint32_t vm_flags)
{
    if (mm->total_vm + pages > mm_rlimit_pages(RLIMIT_AS))
        return false;
    bool data = (vm_flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE;
    return !data || mm_may_be_data(mm, pages);
}

bool mm_may_be_data(const struct mm *mm, uint64_t pages)
{
    return mm->data_vm + pages <= mm_rlimit_pages(RLIMIT_DATA);
}

bool mm_may_lock_any(void) { return mm_rlimit_pages(RLIMIT_MEMLOCK) > 0 || has_cap(CAP_IPC_LOCK); }

uint64_t mm_locked_pages(struct mm *mm, uaddr_t start, uaddr_t end)
{
    uint64_t pages = 0;
    for (struct vma *v = vma_find(mm, start); v && v->start < end; v = vma_next(v)) {
        if (v->flags & VM_LOCKED)
            pages += (MIN(v->end, end) - MAX(v->start, start)) >> PAGE_SHIFT;
        preempt_work(WORK_VMA / 8);
    }
    return pages;
}

bool mm_may_lock(struct mm *mm, uint64_t more)
{
    return has_cap(CAP_IPC_LOCK) ||
           more + mm_locked_pages(mm, 0, UINT64_MAX) <= mm_rlimit_pages(RLIMIT_MEMLOCK);
}
