/* rusage.h - what tasks have used: getrusage, times, wait4. */
#ifndef PROC_RUSAGE_H
#define PROC_RUSAGE_H

#include "sched/task.h"

void rusage_of_thread(struct task *t, struct rusage *ru); /* t is current, or its lock is held */
/* tree_lock held; with many threads it is given up now and then, and what one of them has used that
 * ends meanwhile may be missing: so p is the caller's, by a reference if by nothing else.
 * who: RUSAGE_SELF, RUSAGE_CHILDREN or RUSAGE_BOTH. */
void rusage_of_process(struct process *p, int who, struct rusage *ru);

#endif
