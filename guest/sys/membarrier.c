/* membarrier.c - membarrier(2): every CPU that runs the caller's memory has been through a barrier.
 *
 * A flush of translations reaches each of them, and returns when each has been in an interrupt:
 * that is more than a barrier, and the IRET at its end has the CPU forget what it has fetched of
 * code that was changed (SYNC_CORE).  A CPU that begins to run the memory later sets its bit in
 * cpus_active by a locked instruction, after our fence, and loads CR3.
 *
 * For restartable sequences (RSEQ) the threads are told before the interrupt: on its end each looks
 * at rseq_event, and one that was in a section goes on at its abort address.  Its owner clears the
 * bit without a lock; so it may be lost, but then the owner is about to look at the section.
 *
 * Each kind of command has to be registered first; a program that has not is one that Linux tells
 * so (EPERM). */
#include "arch/cpu.h"
#include "arch/syscall.h"
#include "mm/kmap.h"
#include "mm/mm.h"
#include "mm/tlb.h"
#include "proc/process.h"
#include <linux/membarrier.h>

#define REGISTRATIONS \
    (MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED | \
     MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE | \
     MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ)
#define REGISTRATION(cmd) ((unsigned)(cmd) << 1) /* of a private command: the bit above */
#define PRIVATE \
    (MEMBARRIER_CMD_PRIVATE_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE | \
     MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ)
#define GET_REGISTRATIONS (1 << 9) /* which older headers lack */
#define COMMANDS \
    (MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED | PRIVATE | REGISTRATIONS | \
     GET_REGISTRATIONS)
_Static_assert(REGISTRATION(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ) ==
                       MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ &&
                   REGISTRATION(MEMBARRIER_CMD_PRIVATE_EXPEDITED) ==
                       MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED,
               "Linux's numbers");

static long barrier_in(struct mm *mm)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    tlb_flush(mm, (uintptr_t)current, (uintptr_t)current + PAGE_SIZE);
    return 0;
}

/* cpu below 0: on all of them. */
static void restart_sequences(int cpu)
{
    struct task *t;

    spin_lock(&tree_lock);
    list_for_each(t, &current->proc->threads, thread_link)
        if (t->rseq.at != 0 && (cpu < 0 || t->rec->cpu == (uint32_t)cpu))
            __atomic_fetch_or(&t->rseq_event, RETURN_RSEQ, __ATOMIC_SEQ_CST);
    spin_unlock(&tree_lock);
}

static long private_barrier(int cmd, int cpu)
{
    if (!(current->proc->membarrier & REGISTRATION(cmd)))
        return -EPERM;
    if (cmd == MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ)
        restart_sequences(cpu);
    return barrier_in(current->mm);
}

SYSCALL3(membarrier, int, cmd, uint32_t, flags, int, cpu)
{
    struct process *p = current->proc;

    if (flags & ~(cmd == MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ ? MEMBARRIER_CMD_FLAG_CPU : 0u))
        return -EINVAL;
    if (cmd == MEMBARRIER_CMD_QUERY)
        return COMMANDS;
    if (cmd < 0 || !(cmd & COMMANDS) || cmd & (cmd - 1)) /* one bit, and one of them */
        return -EINVAL;
    if (cmd & PRIVATE)
        return private_barrier(cmd, flags & MEMBARRIER_CMD_FLAG_CPU ? cpu : -1);
    if (cmd & REGISTRATIONS) {
        __atomic_fetch_or(&p->membarrier, (uint16_t)cmd, __ATOMIC_RELAXED);
        return 0;
    }
    return cmd == GET_REGISTRATIONS ? p->membarrier : barrier_in(&kernel_mm);
}
