/* runq.h - run queues, for the files of the scheduler. */
#ifndef SCHED_RUNQ_H
#define SCHED_RUNQ_H

#include "sched/record.h"
#include "sched/sched.h"

/* Each on cache lines of its own.  [q] lock  [o] the CPU whose it is  [a] atomic */
struct runq {
    struct spinlock lock;
    uint32_t n;                  /* [q], others read it: in next, active and expired */
    struct task *next;           /* [q] runs before all others, and nobody takes it away: vfork */
    struct list active, expired; /* [q] task.run_link */
    struct list idlers;          /* [q] the same of SCHED_IDLE: policy.c */
    struct list throttled;       /* [q] the same of SCHED_DEADLINE, not in n: policy.c */
    uint32_t turns_ended;        /* [q] while one stood there */
    bool fresh;                  /* [q] somebody was woken during the present turn, */
    uint64_t fresh_at;           /* [q]   the first at this TSC */
    uint64_t turn_start;         /* [o] TSC: since when the present task runs */
    uint64_t armed;              /* [o] ns: the timer will set NEED_LOOK then */
    uint64_t again_at;           /* [o] ns: when NEED_AGAIN was set */
    struct task *left;           /* [o] whose stack switch_to has just left */
    void (*bury)(struct task *); /* [o] it is gone for good: what is to be done with it */
} __attribute__((aligned(64)));

extern struct runq runqs[MAX_CPUS];

/* That of a CPU, as an address that is in a register: GCC would compute it again for each field. */
static inline struct runq *runq_of(unsigned cpu)
{
    struct runq *q = &runqs[cpu];
    __asm__("" : "+r"(q));
    return q;
}

static inline bool runq_allows(const struct task *t, unsigned cpu)
{
    return __atomic_load_n(&t->cpus_allowed, __ATOMIC_RELAXED) >> cpu & 1;
}
void runq_init(struct runq *q);
uint64_t runq_turn(const struct task *t); /* how long one of its turns is, ns */
/* What has waited longest on another CPU and may run here: running now.  NULL: nobody. */
struct task *runq_steal(struct cpu *c);
void runq_look(unsigned cpu);               /* that CPU is to look at its queue */
bool runq_others_wait(const struct cpu *c); /* a hint */
/* Into the queue of a CPU that it may run on.  No lock held: t is runnable, in no queue. */
void runq_move(struct task *t);
/* Idle CPUs are called to take up to `most` of those who wait on c. */
unsigned runq_share(struct cpu *c, unsigned most); /* how many were called */
bool runq_idle_elsewhere(const struct cpu *c);
/* Idle or not?  See the head of runq.c. */
void runq_mark_idle(struct cpu *c);
void runq_mark_busy(struct cpu *c);
bool runq_may_halt(struct cpu *c);

/* --- one queue: its lock is held ---------------------------------------------------- */

enum runq_place { RUNQ_LAST, RUNQ_FIRST };

/* policy.c: of one whose turn has ended, or who has a policy of its own. */
void runq_add_special(struct runq *q, struct task *t);
bool runq_special(const struct task *t);
/* The first of those who run only when nobody else does; NULL: none that can. */
struct task *runq_pick_idler(struct runq *q, const struct task *prev);
/* current has no slice: for how long may it go on nevertheless, ns?  No lock held. */
uint64_t runq_time_left(struct runq *q, uint64_t tsc);

/* t's state is runnable. */
static inline void runq_add(struct runq *q, struct task *t, enum runq_place place)
{
    if (t->slice_ns == 0) {
        runq_add_special(q, t);
    } else if (place == RUNQ_FIRST) {
        if (q->next != NULL)
            list_push_front(&q->active, &q->next->run_link);
        q->next = t;
    } else {
        list_push_back(&q->active, &t->run_link);
    }
    q->n++;
}

static inline void runq_take(struct runq *q, struct task *t)
{
    if (q->next == t)
        q->next = NULL;
    else
        list_remove(&t->run_link);
    q->n--;
}

/* By the CPU that q belongs to: the next to run, out of the queue; NULL: nobody whose
 * stack is free. */
static inline struct task *runq_pick(struct runq *q, const struct task *prev)
{
    struct task *t = q->next;

    if (q->n == 0)
        return NULL;
    if (t != NULL)
        goto found;
    if (list_empty(&q->active))
        list_splice_back(&q->active, &q->expired);
    list_for_each(t, &q->active, run_link)
        if (likely(!__atomic_load_n(&t->on_cpu, __ATOMIC_ACQUIRE)) || t == prev)
            goto found;
    if ((t = runq_pick_idler(q, prev)) == NULL)
        return NULL;
found:
    runq_take(q, t);
    return t;
}

#endif
