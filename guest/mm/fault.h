/* fault.h - page faults. */
#ifndef MM_FAULT_H
#define MM_FAULT_H

#include "mm/mm.h"
#include "sched/task.h"

/* A page fault in user mode, or by uaccess on user memory.  0: go on.  Else the
 * signal: SIGSEGV or SIGBUS, *code its si_code.  -ENOMEM: the OOM killer's turn. */
#define FAULT_PRESENT 1u
#define FAULT_WRITE   2u
#define FAULT_USER    4u
#define FAULT_RSVD    8u
#define FAULT_FETCH   16u
#define FAULT_FORCE   (1u << 31) /* not the processor: a debugger, see mm_write_any() */
int mm_fault(struct mm *mm, uaddr_t at, uint32_t error, int *code);

/* For those inside mm/: as mm_fault(); mm->lock held. */
int mm_fault_locked(struct mm *mm, uaddr_t at, uint32_t error, int *code);
#define WORK_POPULATE 1100u /* instructions that a new page takes, about (arch/preempt.h) */

/* populate.c: faults in all of [start, end) that is mapped, as far as it can. mm->lock held. */
void mm_populate(struct mm *mm, uaddr_t start, uaddr_t end);
/* The same to be read or to be written, all of it: 0; -ENOMEM: a hole, or no memory; -EINVAL: not
 * allowed; -EFAULT: beyond the end of a file; -EINTR. */
int mm_populate_all(struct mm *mm, uaddr_t start, uaddr_t end, bool write);

/* fault.c */
/* Are so many more pages within RLIMIT_AS and, if they are data, RLIMIT_DATA? */
bool mm_may_grow(const struct mm *mm, uint64_t pages, uint32_t vm_flags);
/* current's soft limit RLIMIT_*, of bytes, in pages. */
static inline uint64_t mm_rlimit_pages(unsigned which)
{
    return current->proc->rlim[which].rlim_cur >> PAGE_SHIFT;
}

#endif
