/* oom.h - who has to go when memory is out. */
#ifndef PROC_OOM_H
#define PROC_OOM_H

#include "sched/task.h"

int oom_kill(void);                     /* picks one and kills it; 0, or -ENOMEM if there is none */
int64_t oom_badness(struct process *p); /* pages; the most is picked; INT64_MIN: never.  [T] held */
#define OOM_ADJ_NEVER (-1000)
#define OOM_ADJ_MAX   1000

#endif
