/* pid.h - numbers of tasks.
 * A number is in use while a task has it, or while a process group or session
 * is called by it.  Callers hold tree_lock. */
#ifndef PROC_PID_H
#define PROC_PID_H

#include "lib/base.h"

struct pid_names;
struct session;
struct task;

#define PID_MAX       32768 /* numbers are 1..PID_MAX-1 */
#define PID_MAX_LEAST 301   /* as on Linux */
extern uint32_t pid_max;    /* [a] new ones are below; PID_MAX at most */

struct task *task_find(uint32_t tid); /* NULL */
uint32_t pid_alloc(struct task *t);   /* the next free number, now t's; 0: none, or no memory */
int pid_claim(struct task *t, uint32_t pid);     /* that number; 0, -EEXIST or -ENOMEM */
void pid_set_task(uint32_t pid, struct task *t); /* exec from a thread: the number changes hands */
void pid_free(uint32_t pid);                     /* no task has it any more */
void pid_hold(uint32_t pid);                     /* a member of the session of that number */
void pid_drop(uint32_t pid);
void pid_join(uint32_t pgid, struct session *s); /* a member of the group, which is all in s */
void pid_part(uint32_t pgid);
struct session *pid_group_session(uint32_t pgid); /* NULL: no such group */
bool pid_has_session(uint32_t sid);
/* The first task with a number from *from on, which is behind it then; NULL: none among
 * so many looks, and if *from is PID_MAX none at all. */
struct task *pid_next_task(uint32_t *from, uint32_t looks);
/* Where what it is called in namespaces hangs: pid_ns.c.  NULL: nowhere; no memory to make the place. */
struct pid_names **pid_names(uint32_t pid, bool make);
uint32_t pid_last(void);         /* given out last: /proc/loadavg */
void pid_set_last(uint32_t pid); /* the next one is the first free one behind it */
uint64_t pid_given(void);        /* so many since boot: tasks made */

#endif
