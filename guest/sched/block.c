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
#include "sched/record.h"
#include "sched/sched.h"
#include "trace/trace.h"

void waitq_init(struct waitq *q)
{
    spin_init(&q->lock, LOCK_waitq);
    list_init(&q->waiters);
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

void waiter_remove(struct waitq *q, struct waiter *w)
{
    spin_lock(&q->lock);
    list_remove(&w->link);
    spin_unlock(&q->lock);
}

/* A waiter stays queued until it removes itself, so its record on the sleeper's
 * stack is valid as long as q->lock is held. */
void waitq_wake_for(struct waitq *q, uint32_t events)
{
    struct waiter *w;
    bool watched = false, taken = false;

    spin_lock(&q->lock);
    list_for_each(w, &q->waiters, link) {
        if (likely(w->task != NULL)) {
            wake_task(w->task);
        } else {
            watched = true;
            taken |= watch_notify(w, events, taken);
        }
    }
    spin_unlock(&q->lock);
    if (unlikely(watched))
        later_run();
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
    return rc;
}
