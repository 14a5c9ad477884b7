/* block.h - how a task waits.
 *
 * block() is the one function that puts a task to sleep.  It takes the reason,
 * the task waited for if there is one, and how the wait may end; all of that
 * stands in the task's record (shared/inspect.h) for /proc, the trace and the
 * VMM's report, and the wake adds who did it.
 *
 * No wake-up is lost, because a wake that finds its task awake leaves a token:
 *   sleeper                              waker
 *   waiter_add: clears the token,        make the condition true
 *     enters the queue                   waitq_wake: for each waiter:
 *   condition true? then done              asleep: runnable
 *   block(): token there? return at once   awake: leaves the token
 *     else asleep (under task.lock)        (under task.lock)
 * If the sleeper saw the condition false, the waker makes it true after the
 * sleeper was queued, so it finds it: asleep, or about to meet the token.
 * Wakes may be spurious: callers look at their condition again.
 *
 * A watch stands in a queue for as long as somebody is interested, and a wake calls its
 * notify() instead of waking a task, with the queue's lock held.  So notify() wakes no other
 * queue: what it has to say to one it puts off with later_add(), to when that lock is given
 * back (watch.c). */
#ifndef SCHED_BLOCK_H
#define SCHED_BLOCK_H

#include "shared/trace_schema.h"
#include "sync/lock.h"

struct task;
struct waitq {
    struct spinlock lock;
    struct list waiters; /* watches first */
    struct list owed;    /* whom the last wakes have not reached yet: block.c */
};
struct waiter {
    struct list link;
    struct task *task; /* NULL: it is in a struct watch */
};                     /* on the sleeper's stack */
struct watch {
    struct waiter waiter;
    struct waitq *queue; /* [k] NULL: in none */
    bool exclusive;      /* [k] of several such, a wake is for the first that it helps */
    /* events: EPOLL* bits that may have become true; all ones: any.  Has it helped somebody? */
    bool (*notify)(struct watch *w, uint32_t events);
};
#define WAITQ_INIT(name) \
    { \
        SPINLOCK_INIT(LOCK_waitq), LIST_INIT((name).waiters), LIST_INIT((name).owed) \
    }

void waitq_init(struct waitq *q);
void waiter_add(struct waitq *q, struct waiter *w);  /* current waits here */
void waiter_join(struct waitq *q, struct waiter *w); /* in one more queue: keeps the token */
void waiter_remove(struct waitq *q, struct waiter *w);
void waitq_wake_for(struct waitq *q, uint32_t events); /* all, on account of these EPOLL* bits */
static inline void waitq_wake(struct waitq *q) { waitq_wake_for(q, UINT32_MAX); }
void waitq_wake_more(struct waitq *q); /* some of those that the last wakes have not reached */

/* After each block() in q.  Asked without the lock: who is woken finds what was owed then. */
static inline void waitq_pass_on(struct waitq *q)
{
    if (unlikely(__atomic_load_n(&q->owed.next, __ATOMIC_RELAXED) != &q->owed))
        waitq_wake_more(q);
}

/* Nobody waits, so there is nobody to wake.  Asked without the lock; right if between
 * the change of the condition and this stands a locked instruction (giving a mutex
 * back is one): who waits is in the queue, and that is visible, before he looks at
 * the condition. */
static inline bool waitq_idle(struct waitq *q)
{
    return __atomic_load_n(&q->waiters.next, __ATOMIC_RELAXED) == &q->waiters;
}

enum block_how {
    BLOCK_UNINTERRUPTIBLE, /* ends by a wake only */
    BLOCK_KILLABLE,        /* or by a fatal signal */
    BLOCK_INTERRUPTIBLE,   /* or by any signal that is to be handled */
};
#define NO_DEADLINE UINT64_MAX

/* Sleeps until woken: 0; until a signal: -ERESTARTSYS; until the moment
 * `deadline` (CLOCK_MONOTONIC ns): -ETIMEDOUT.  on_pid: 0 if nobody in
 * particular.  No spinlock held. */
int block(enum block_reason reason, uint32_t on_pid, enum block_how how, uint64_t deadline);

/* watch.c.  A watch may leave a queue whenever that exists, and notify() is not running then. */
void watch_add(struct waitq *q, struct watch *w);
void watch_remove(struct watch *w);

/* To be run by this CPU when no lock of a queue is held; once, if it is added again before. */
struct later {
    struct later *next;
    bool added; /* [a] */
    void (*run)(struct later *l);
};
/* With a queue's lock held: notify() calls it.  True: it was not added yet. */
bool later_add(struct later *l);

/* Between block.c and watch.c: the queue's lock is held; then given back, and a watch was told. */
bool watch_notify(struct waiter *w, uint32_t events, bool taken);
void later_run(void);

/* block.c */
/* Makes t runnable if block() has it asleep, else leaves the token. */
void wake_task(struct task *t);
void wake_task_first(struct task *t); /* current will soon sleep or end: t runs next */

/* Waits on q until cond is true.  0, -ERESTARTSYS or -ETIMEDOUT. */
#define WAIT_EVENT(q, cond, reason, on_pid, how, deadline) \
    ({ \
        struct waiter w_; \
        int rc_ = 0; \
        if (!(cond)) { \
            waiter_add((q), &w_); \
            while (!(cond) && (rc_ = block((reason), (on_pid), (how), (deadline))) == 0) \
                waitq_pass_on(q); \
            waiter_remove((q), &w_); \
        } \
        rc_; \
    })

#endif
