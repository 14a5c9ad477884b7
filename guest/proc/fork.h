/* fork.h - making tasks, and the end of a vfork. */
#ifndef PROC_FORK_H
#define PROC_FORK_H

#include "sched/task.h"

struct pid_wanted;

struct clone_request {
    uint64_t flags; /* CLONE_*, without the signal */
    int exit_signal;
    uaddr_t stack; /* child's RSP; 0: the parent's */
    uaddr_t parent_tid, child_tid, pidfd;
    uint64_t tls;
    const struct pid_wanted *set_tid; /* the numbers it is to have; NULL: any */
};
long clone_task(const struct clone_request *rq); /* child's PID or -errno; flags are legal */
int kernel_init_start(void (*fn)(void));         /* makes PID 1, running fn in the kernel */

/* Releases who waits in vfork and clears clear_child_tid: exec after its new mm
 * is live, and each task's exit. */
void mm_release(struct task *t, struct mm *old, enum release_cause cause);
extern struct spinlock vfork_lock; /* vfork_waiter, vfork_cause; before task.lock */

#endif
