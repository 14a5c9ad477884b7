/* sched.h - between sched.c and sched_policy.c. */
#ifndef SYS_SCHED_H
#define SYS_SCHED_H

#include "lib/base.h"

struct task;

/* The task of that number, 0: current; may current change it?  Reference taken.
 * 0, -ESRCH or -EPERM. */
enum purpose { TO_LOOK, TO_CHANGE };
int sched_find_task(int tid, enum purpose why, struct task **out);

#endif
