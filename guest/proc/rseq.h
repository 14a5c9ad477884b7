/* rseq.h - restartable sequences: rseq(2). */
#ifndef PROC_RSEQ_H
#define PROC_RSEQ_H

#include "arch/regs.h"
#include "sched/task.h"

/* On the way to user mode, when rseq_event says that it is due: user memory says which CPU
 * this is, and who was in a critical section stands at its abort address. */
void rseq_return(struct regs *r);
/* Before a handler's frame is made: the frame is to have the abort address.  False: what the
 * program has said is nonsense. */
bool rseq_signal(struct regs *r);
/* A new task, still unseen; it shares memory with its maker, or has a copy. */
void rseq_fork(struct task *t, bool shares_memory);

#endif
