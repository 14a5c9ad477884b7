/* block.c - how a task waits: the one function that puts a task to sleep.
 *
 * Why no wake and no signal is lost.  Wakes: block.h; the token and the change
 * to blocked are both under task.lock.  Signals: block() first says under
 * task.lock which signals end this wait, and looks for signals after that;
 * who sends one makes it pending first and looks at those flags, under
 * task.lock, after that.  So either block() sees the signal, or the sender
 * sees the flags and calls wake_task(), which finds the task asleep or leaves
 * the token.  Deadlines are wakes by a timer.
 *
 * After a sleep block() answers 0 without saying why it ended: the caller
 * looks at its condition first, and a signal or deadline is found at the
 * start of the next call.  So a wait whose condition has come true is never
 * reported as interrupted. */
#include "sched/block.h"
#include "arch/preempt.h"
#include "sched/record.h"
#include "sched/sched.h"
#include "trace/trace.h"

void waitq_init(struct waitq *q)
{
    spin_init(&q->lock, LOCK_waitq);
    list_init(&q->waiters);
    list_init(&q->owed);
}

void waiter_add(struct waitq *q, struct waiter *w)
{
    struct task *t = current;

    w->task = t;
    spin_lock(&q->lock);
    list_push_back(&q->waiters, &w->link);
    spin_lock(&t->lock); /* also the barrier that waitq_idle() wants */
    t->wake_token = false;
    spin_unlock(&t->lock);
    spin_unlock(&q->lock);
}

void waiter_join(struct waitq *q, struct waiter *w)
{
    w->task = current;
    spin_lock(&q->lock);
    list_push_back(&q->waiters, &w->link);
    spin_unlock(&q->lock);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* How many tasks one wake reaches; the others are owed theirs.
 *
 * Why it reaches all: who is owed a wake stands in q->owed, all others in q->waiters.  Where some
 * are owed, others were woken after that became so, stand in q->waiters, and have not passed on
 * yet; for a wake puts whom it reaches there, and passing on, if it does not empty q->owed,
 * reaches others that have it before them.  Each of them does it: awake, it finds the token and so
 * comes from block(); killed, it leaves the queue.  None of them waits for anything
 * in between.  Another wake owes all of q->waiters theirs again. */
#define WAKE_AT_ONCE 32u
#define WORK_WAKE    140u /* instructions for one, about */

/* q->lock held. */
static SLOW_PATH void wake_owed(struct waitq *q)
{
    for (unsigned n = 0; n < WAKE_AT_ONCE && !list_empty(&q->owed); n++) {
        struct waiter *w = list_first(&q->owed, struct waiter, link);

        list_remove(&w->link);
        list_push_back(&q->waiters, &w->link);
        wake_task(w->task);
    }
}

/* Are there more tasks than one wake reaches, from `at` on? */
static inline bool is_crowd(struct waitq *q, struct list *at)
{
    for (unsigned n = 0; at != &q->waiters; at = at->next)
        if (++n > WAKE_AT_ONCE)
            return true;
    return false;
}

/* All tasks are owed a wake, those from `first` on behind those that have been before. */
static SLOW_PATH void wake_crowd(struct waitq *q, struct list *first)
{
    struct list *last = q->waiters.prev;

    if (first != &q->waiters) {
        first->prev->next = &q->waiters;
        q->waiters.prev = first->prev;
        first->prev = q->owed.prev;
        q->owed.prev->next = first;
        last->next = &q->owed;
        q->owed.prev = last;
    }
    wake_owed(q);
}

void waitq_wake_more(struct waitq *q)
{
    spin_lock(&q->lock);
    wake_owed(q);
    spin_unlock(&q->lock);
    preempt_work(WAKE_AT_ONCE * WORK_WAKE);
}

void waiter_remove(struct waitq *q, struct waiter *w)
{
    spin_lock(&q->lock);
    list_remove(&w->link);
    bool owed = !list_empty(&q->owed);
    spin_unlock(&q->lock);
    if (unlikely(owed))
        waitq_wake_more(q);
}

/* Somebody waits, or is owed a wake.  The lock of q is held, and given back. */
static __attribute__((noinline)) void wake_waiters(struct waitq *q, uint32_t events)
{
    struct waiter *w = list_first(&q->waiters, struct waiter, link);
    bool watched = false, taken = false;

    if (likely(list_empty(&q->owed) && w->link.next == &q->waiters && w->task != NULL)) {
        wake_task(w->task); /* the one that there is, as most often */
        spin_unlock(&q->lock);
        return;
    }
    list_for_each(w, &q->waiters, link) {
        if (likely(w->task != NULL))
            break;
        watched = true;
        taken |= watch_notify(w, events, taken);
    }
    if (unlikely(!list_empty(&q->owed) || is_crowd(q, &w->link)))
        wake_crowd(q, &w->link);
    else
        for (; &w->link != &q->waiters; w = list_entry(w->link.next, struct waiter, link))
            wake_task(w->task);
    spin_unlock(&q->lock);
    if (unlikely(watched))
        later_run();
}

/* A waiter stays queued until it removes itself, so its record on the sleeper's
 * stack is valid as long as q->lock is held. */
void waitq_wake_for(struct waitq *q, uint32_t events)
{
    spin_lock(&q->lock);
    if (!list_empty(&q->waiters) || unlikely(!list_empty(&q->owed)))
        wake_waiters(q, events);
    else
        spin_unlock(&q->lock);
}

static inline void wake(struct task *t, void (*how)(struct task *))
{
    spin_lock(&t->lock);
    if (t->rec->state == TASK_blocked || t->rec->state == TASK_stopped)
        how(t);
    else
        t->wake_token = true;
    spin_unlock(&t->lock);
}

void wake_task(struct task *t) { wake(t, sched_wake); }

void wake_task_first(struct task *t) { wake(t, sched_wake_first); }

struct alarm {
    struct timer timer;
    struct task *task;
};

static void alarm_fire(struct timer *timer)
{
    wake_task(container_of(timer, struct alarm, timer)->task);
}

/* Is a signal there that ends this wait? */
static bool interrupted(struct task *t, enum block_how how)
{
    return (how == BLOCK_INTERRUPTIBLE && signal_pending(t)) ||
           (how != BLOCK_UNINTERRUPTIBLE && signal_fatal_pending(t));
}

static void sleep_now(struct task *t, enum block_reason reason, uint32_t on_pid)
{
    spin_lock(&t->lock);
    bool token = t->wake_token;
    t->wake_token = false;
    if (!token)
        task_set_state(t, reason == BLOCK_stop ? TASK_stopped : TASK_blocked, reason, on_pid);
    spin_unlock(&t->lock);
    if (!token) {
        t->nvcsw++;
        schedule();
    }
}

#define WORK_BLOCK 500u /* instructions, about, with the switch to somebody else (arch/preempt.h) */

int block(enum block_reason reason, uint32_t on_pid, enum block_how how, uint64_t deadline)
{
    LOCK_NO_SPIN("held while a task sleeps");
    struct task *t = current;
    struct alarm alarm;
    int rc = 0;

    spin_lock(&t->lock);
    t->sleep_intr = how == BLOCK_INTERRUPTIBLE;
    t->sleep_kill = how != BLOCK_UNINTERRUPTIBLE;
    spin_unlock(&t->lock);
    if (how != BLOCK_UNINTERRUPTIBLE && interrupted(t, how)) {
        rc = -ERESTARTSYS;
    } else if (deadline != NO_DEADLINE && clock_mono_ns() >= deadline) {
        rc = -ETIMEDOUT;
    } else if (deadline != NO_DEADLINE) {
        alarm.task = t;
        timer_setup(&alarm.timer, alarm_fire);
        timer_start(&alarm.timer, deadline);
        sleep_now(t, reason, on_pid);
        timer_stop(&alarm.timer);
    } else {
        sleep_now(t, reason, on_pid);
    }
    t->sleep_intr = t->sleep_kill = false;
    preempt_work(WORK_BLOCK); /* a crowd that is woken may sleep again, one after the other */
    return rc;
}
