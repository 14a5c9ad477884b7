/* switch.h - from one task's kernel stack to another's; how a new task begins. */
#ifndef ENTRY_SWITCH_H
#define ENTRY_SWITCH_H

#include "sched/task.h"

void switch_to(struct task *prev, struct task *next);
/* A new task begins in ret_from_fork with its stack as this lays it out. */
void task_prepare_user(struct task *t, const struct regs *r); /* returns to user with r */
void task_prepare_kernel(struct task *t, void (*fn)(void));   /* fn must not return, but may
                                                               * become a user task by exec_kernel */

#endif
