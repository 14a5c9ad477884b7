/* acct.h - a record of each process that ends: acct(2). */
#ifndef PROC_ACCT_H
#define PROC_ACCT_H

#include "sched/task.h"

/* current is the last thread of its process, which ends and still has its memory.  No lock held. */
void acct_end(void);

#endif
