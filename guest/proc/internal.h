/* internal.h - between the files that make, run and end tasks. */
#ifndef PROC_INTERNAL_H
#define PROC_INTERNAL_H

#include "proc/task.h"

/* task.c */
void task_inspect_running(uint32_t cpu, uint32_t tid); /* for whoever looks from outside */
int task_alloc(struct task **out);       /* refs 2: its place in the table, and its life */
void task_free_unborn(struct task *t);   /* it never ran and nobody knows it */
int process_alloc(struct process **out); /* refs 1; not in any list */
/* tree_lock held.  The process gets or changes its group and session. */
void process_set_group(struct process *p, uint32_t pgid);
void process_set_session(struct process *p, struct session *s);
/* Puts a process into the family under p->parent. */
void process_link(struct process *p);
/* A dead process that nobody will ask about any more: out of the family. */
void process_release(struct process *p);
/* A dead thread that is not its leader: out of the table. */
void thread_release(struct task *t);

/* sched.c */
void task_set_state(struct task *t, enum task_state next, enum block_reason reason,
                    uint32_t on_pid);
void sched_first(struct task *t);      /* a new task that is to run before others */
void sched_wake(struct task *t);       /* task.lock held: blocked or stopped, now runnable */
void sched_wake_first(struct task *t); /* ... and the next to run */
void sched_kick(struct task *t);       /* if it is in user mode on another CPU, it comes in */
void sched_exit(void) __attribute__((noreturn)); /* current is a zombie or dead: never runs again */

/* exit.c */
/* All threads of current's process but current die; then current leads it.
 * 0, or -EAGAIN: the process is already ending or another thread is in here. */
int exit_other_threads(void);
/* tree_lock held: HUP and CONT to the group if it is orphaned and has stopped members. */
void pgrp_hangup_if_orphaned(uint32_t pgid);

/* fork.c */
extern struct spinlock vfork_lock; /* vfork_waiter, vfork_cause; before task.lock */

/* futex.c */
void futex_exit_robust(struct task *t); /* current ends or execs: marks its robust mutexes */

#endif
