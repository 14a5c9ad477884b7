/* limits.h - what current's limits let an address space have. */
#ifndef MM_LIMITS_H
#define MM_LIMITS_H

#include "mm/mm.h"
#include "sched/task.h"

/* current's soft limit RLIMIT_*, of bytes, in pages. */
static inline uint64_t mm_rlimit_pages(unsigned which)
{
    return current->proc->rlim[which].rlim_cur >> PAGE_SHIFT;
}

enum { OVERCOMMIT_GUESS, OVERCOMMIT_ALWAYS, OVERCOMMIT_NEVER };
extern uint32_t overcommit_memory, overcommit_ratio; /* [a] of /proc/sys/vm, as is: */
extern uint64_t overcommit_kbytes;                   /* 0: the ratio is meant */
uint64_t commit_limit(void);                         /* in pages */
/* overcommit_memory was chosen anew; count() tells how many pages were promised. */
void commit_choose(uint64_t (*count)(void));
/* Are so many more pages within RLIMIT_AS and, if they are data, RLIMIT_DATA, and may they be promised? */
bool mm_may_grow(const struct mm *mm, uint64_t pages, uint32_t vm_flags);
bool mm_may_be_data(const struct mm *mm, uint64_t pages);
/* May the task lock anything?  So many pages more, within RLIMIT_MEMLOCK?  mm->lock held. */
bool mm_may_lock_any(void);
bool mm_may_lock(struct mm *mm, uint64_t more);
uint64_t mm_locked_pages(struct mm *mm, uaddr_t start, uaddr_t end); /* in that range */

#endif
