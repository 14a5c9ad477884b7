/* rusage.h - what tasks have used: getrusage, times, wait4. */
#ifndef SYS_RUSAGE_H
#define SYS_RUSAGE_H

#include "proc/task.h"

/* tree_lock held.  who: RUSAGE_SELF, RUSAGE_CHILDREN or RUSAGE_BOTH. */
void rusage_of_process(const struct process *p, int who, struct rusage *ru);

#endif
