/* rusage.h - what tasks have used: getrusage, times, wait4. */
#ifndef PROC_RUSAGE_H
#define PROC_RUSAGE_H

#include "sched/task.h"

void rusage_of_thread(struct task *t, struct rusage *ru); /* t is current, or its lock is held */
/* tree_lock held.  who: RUSAGE_SELF, RUSAGE_CHILDREN or RUSAGE_BOTH. */
void rusage_of_process(const struct process *p, int who, struct rusage *ru);

#endif
