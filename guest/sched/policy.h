/* policy.h - how a task is scheduled, where not as all others. */
#ifndef SCHED_POLICY_H
#define SCHED_POLICY_H

#include "sched/task.h"

#define RR_TURN_MS 100u
/* SCHED_DEADLINE: in each period the task runs for so long before others.  ns. */
struct deadline {
    uint64_t runtime, deadline, period, flags; /* [k] as sched_setattr(2) has them */
    struct task *task;                         /* [k] */
    struct timer renew;                        /* each period */
    struct timer budget;                       /* when its runtime may be over */
    uint64_t until;                            /* [q] the present one's end */
    uint64_t mark;  /* [q] CPU time that the task had used when it began */
    bool spent;     /* [q] it has had its runtime, */
    bool throttled; /* [q]  and waits for its next period, in no list that is picked from */
};

/* What t lends to those it waits for: its real-time priority or what it is lent, 99 for a deadline; 0: nothing. */
unsigned sched_rank(const struct task *t);
/* t runs as with that real-time priority, if its own is less.  No lock of a task held. */
void sched_lend(struct task *t, unsigned rank);

/* current, on its way to user mode, because its runtime may be over: then it waits for its next period. */
void sched_deadline_pause(void);
void sched_deadline_yield(void); /* current needs no more of its runtime */

/* SCHED_*; the rights are the caller's business. */
extern uint32_t sched_rr_turn_ms; /* [a] a turn of SCHED_RR */
bool sched_deadline_fits(const struct task *t,
                         const struct deadline *dl); /* for t.  tree_lock held */
/* dl: for SCHED_DEADLINE, with what is [k] in it; it is t's then.  tree_lock held; what t had before is freed. */
void sched_set_policy(struct task *t, uint32_t policy, uint32_t rt_priority, struct deadline *dl);

#endif
