/* record.h - what is written down about each task for those who look from outside:
 * /proc, the trace, the VMM's report (shared/inspect.h). */
#ifndef SCHED_RECORD_H
#define SCHED_RECORD_H

#include "sched/task.h"
#include "trace/trace.h"

void record_init(void); /* and tells the VMM where they are.  Panics without memory */
struct task_record *record_alloc(void); /* zeroed; NULL: no memory */
void record_free(struct task_record *rec);
void record_running(uint32_t cpu, uint32_t tid); /* who runs there */
void record_cpus(void);                          /* ncpus has grown */
void record_fs_layout(paddr_t at);               /* of a struct fs_layout */
void record_vain(uint32_t nr);                   /* a program asked for a call that is not there */

/* task.lock or its run queue's lock held. */
void task_set_state(struct task *t, enum task_state next, enum block_reason reason,
                    uint32_t on_pid);
/* The same for a task that does not begin to wait.  by: who wakes it, 0: nobody. */
static inline void runq_set_state(struct task *t, enum task_state next, uint32_t by, uint64_t tsc)
{
    struct task_record *rec = t->rec;
    uint8_t prev = rec->state, reason = rec->reason;

    rec->reason = BLOCK_none;
    rec->on_pid = 0;
    rec->since_tsc = tsc;
    rec->state = next;
    trace_task_state(rec->mm, t->tid, prev, next, reason, 0, by);
}

#endif
