/* fault.h - page faults. */
#ifndef MM_FAULT_H
#define MM_FAULT_H

#include "arch/cpu.h"
#include "arch/pte.h"
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
#define FAULT_TAIL \
    (1u << 30)        /* of a file's page that is copied now, what is from there on becomes 0 */
#define FAULT_ASK 128 /* what mm_fault() also gives: it is for a userfaultfd to decide */
int mm_fault(struct mm *mm, uaddr_t at, uint32_t error, int *code);

/* For those inside mm/: as mm_fault(); mm->lock held. */
int mm_fault_locked(struct mm *mm, uaddr_t at, uint32_t error, int *code);
/* What entries of v have, but for W, D and what says whose frame it is. */
static inline pte_t leaf_flags(const struct vma *v)
{
    return PTE_P | PTE_U | PTE_A | (v->flags & VM_EXEC || !cpu_has.nx ? 0 : PTE_NX);
}
#define WORK_POPULATE 1100u /* instructions that a new page takes, about (arch/preempt.h) */

#endif
