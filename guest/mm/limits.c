/* limits.c - RLIMIT_AS, RLIMIT_DATA and RLIMIT_MEMLOCK, as Linux counts what is under them: data is what is
 * private and may be written, but no stack; locked is what has the mark, touched or not.
 *
 * And how much data may be promised, /proc/sys/vm/overcommit_memory:
 *     0  all but what could never be filled, unless MAP_NORESERVE
 *     1  all
 *     2  what was promised and is in files of memory stays within the limit.  No account is kept: it is added up when
 *        it is asked for, by every call that wants more data.  A stack that grows, and fork, are not refused. */
#include "mm/limits.h"
#include "arch/preempt.h"
#include "mm/frame.h"
#include "mm/vma.h"

#include <linux/capability.h>

#define SMALL 64u /* pages that nobody asks about */

uint32_t overcommit_memory, overcommit_ratio = 50;
uint64_t overcommit_kbytes;
static uint64_t asked_from = SMALL; /* [a] pages; more of them are looked at */
static uint64_t (*promised)(void);  /* [a] */

uint64_t commit_limit(void)
{
    uint64_t kb = __atomic_load_n(&overcommit_kbytes, __ATOMIC_RELAXED);
    return kb ? kb >> (PAGE_SHIFT - 10) : frames_total * overcommit_ratio / 100;
}

void commit_choose(uint64_t (*count)(void))
{
    __atomic_store_n(&promised, count, __ATOMIC_RELEASE);
    bool all = __atomic_load_n(&overcommit_memory, __ATOMIC_RELAXED) == OVERCOMMIT_NEVER;
    __atomic_store_n(&asked_from, all ? 0 : SMALL, __ATOMIC_RELEASE);
}

static SLOW_PATH bool commit_allows(uint64_t pages, uint32_t vm_flags)
{
    uint64_t (*count)(void);

    switch (__atomic_load_n(&overcommit_memory, __ATOMIC_RELAXED)) {
    case OVERCOMMIT_GUESS: return vm_flags & VM_NORESERVE || pages <= frames_total;
    case OVERCOMMIT_NEVER:
        count = __atomic_load_n(&promised, __ATOMIC_ACQUIRE);
        return !count || pages + count() <= commit_limit(); /* NULL: it is being chosen */
    }
    return true;
}

static bool may_be_data(const struct mm *mm, uint64_t pages, uint32_t vm_flags)
{
    return mm->data_vm + pages <= mm_rlimit_pages(RLIMIT_DATA) &&
           (likely(pages <= asked_from) || commit_allows(pages, vm_flags));
}

bool mm_may_grow(const struct mm *mm, uint64_t pages, uint32_t vm_flags)
{
    if (mm->total_vm + pages > mm_rlimit_pages(RLIMIT_AS))
        return false;
    bool data = (vm_flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE;
    return !data || may_be_data(mm, pages, vm_flags);
}

bool mm_may_be_data(const struct mm *mm, uint64_t pages) { return may_be_data(mm, pages, 0); }

bool mm_may_lock_any(void)
{
    return current->proc->rlim[RLIMIT_MEMLOCK].rlim_cur > 0 || has_cap(CAP_IPC_LOCK);
}

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
