/* watched.h - tasks whose system calls somebody looks at: a filter (seccomp.h) or a tracer (ptrace.h);
 * those whose children do not inherit how they are scheduled, those with a deadline, those for whose
 * locks others wait, those with debug registers or an LDT, those with keyrings of their own, those that
 * take their system calls back (user_dispatch.h), may not read the TSC,
 * or are in other namespaces than the first.
 *
 * Such a task has task.syscalls 0 instead of SYSCALL_NUMBERS.  The dispatcher compares the number of
 * a call with it, as it would with the constant, so it costs nobody else anything; and whatever
 * else is to be done for such tasks only is behind a test of the same word. */
#ifndef PROC_WATCHED_H
#define PROC_WATCHED_H

#include "arch/syscall.h"
#include "proc/ptrace.h"
#include "proc/seccomp.h"
#include "sched/task.h"

struct clone_request;

/* After a change of what makes it watched.  tree_lock held. */
static inline void task_watch(struct task *t)
{
    bool is = t->seccomp_mode != 0 || t->ptrace != NULL || t->reset_on_fork || t->owed_lock ||
              t->segments || t->debug != NULL || t->deadline != NULL || t->keys != NULL ||
              t->dispatch != NULL || t->ns != NULL || t->ns_made != NULL ||
              (t->rseq_event & (RETURN_NO_TSC | RETURN_ENDINGS));

    __atomic_store_n(&t->syscalls, is ? 0 : SYSCALL_NUMBERS, __ATOMIC_RELAXED);
}
static inline bool task_watched(const struct task *t)
{
    return unlikely(__atomic_load_n(&t->syscalls, __ATOMIC_RELAXED) == 0);
}

/* For what the dispatcher does for such a task: call() makes the call that is in r (its number is
 * r->error; the result goes to r->rax). */
void watched_call(struct regs *r, void (*call)(struct regs *r));

/* What else there is to do for it.  tree_lock held: a child of current's gets what goes on to it, 0 or -errno. */
int watched_inherit(struct task *child, const struct clone_request *rq);
void watched_execed(uint32_t old_tid); /* current runs another program */
/* current ends, and has no files any more; last: and it is the last thread. */
void watched_leaves(struct task *t, bool last);

#endif
