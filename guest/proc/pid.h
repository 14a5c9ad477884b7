/* pid.h - numbers of tasks.
 * A number is in use while a task has it, or while a process group or session
 * is called by it.  Callers hold tree_lock. */
#ifndef PROC_PID_H
#define PROC_PID_H

#include "lib/base.h"

struct task;

#define PID_MAX 32768 /* numbers are 1..PID_MAX-1 */

struct task *task_find(uint32_t tid); /* NULL */
uint32_t pid_alloc(struct task *t);   /* the next free number, now t's; 0: none, or no memory */
int pid_claim(struct task *t, uint32_t pid);     /* that number; 0, -EEXIST or -ENOMEM */
void pid_set_task(uint32_t pid, struct task *t); /* exec from a thread: the number changes hands */
void pid_free(uint32_t pid);                     /* no task has it any more */
void pid_hold(uint32_t pid);                     /* a member of the group or session of that name */
void pid_drop(uint32_t pid);
uint32_t pid_last(void);  /* given out last: /proc/loadavg */
uint64_t pid_given(void); /* so many since boot: tasks made */

#endif
