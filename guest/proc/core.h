/* core.h - core files: what a process leaves behind that dies of a signal such as SIGSEGV. */
#ifndef PROC_CORE_H
#define PROC_CORE_H

#include "sched/task.h"

#define CORE_PATTERN_MAX 128 /* with the NUL, as on Linux */

/* The end of current's process by sig, whose default action dumps core: with the core bit in
 * its status if a core was written.  r: current's user registers. */
void core_die(const struct regs *r, int sig, const siginfo_t *info) __attribute__((noreturn));
/* current has begun to end, and others of its process have not: one may be writing a core. */
void core_join(struct task *t);

/* core_name.c: /proc/sys/kernel/core_pattern and core_uses_pid. */
extern uint32_t core_uses_pid; /* [a] */
void core_pattern_get(char to[CORE_PATTERN_MAX]);
/* What does not fit is cut off.  -EINVAL: a pipe to a program, or a socket. */
int core_pattern_set(const char *text);

#endif
