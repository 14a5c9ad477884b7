/* task.h - tasks as objects: made, shared, freed.  struct task: sched/task.h. */
#ifndef PROC_TASK_H
#define PROC_TASK_H

#include "sched/task.h"

void task_init(void);                  /* idle task of the boot CPU, records */
int task_make_idle(struct cpu *c);     /* of another one: what it will begin with.  0 or -ENOMEM */
int task_alloc(struct task **out);     /* refs 2: its place in the table, and its life */
void task_free_unborn(struct task *t); /* it never ran and nobody knows it */
void task_get(struct task *t);
void task_put(struct task *t);
/* May current do what it likes with t (ptrace's PTRACE_MODE_ATTACH by real IDs)? */
bool task_may_attach(struct task *t);
bool task_may_look(struct task *t);             /* the same by fsuid and fsgid, as /proc asks */
bool task_dumpable(struct task *t, bool ended); /* ended: what it is without an address space */
/* mm of a task, with a reference, NULL when it has none (any more). */
struct mm *task_get_mm(struct task *t);

/* How late its timers may be, which they are not: PR_SET_TIMERSLACK.  0, for the setter: as it was
 * born with.  Who is scheduled in real time has 0, and keeps that. */
uint64_t task_slack(const struct task *t);
void task_set_slack(struct task *t, uint64_t ns);

#endif
