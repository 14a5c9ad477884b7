/* watch.c - who stands in a queue without sleeping, and is told of wakes.
 *
 * notify() runs with the lock of the queue held that was woken, and perhaps with others that
 * the waker holds; so it takes no lock of that class.  An epoll that has become ready has a
 * queue of its own to wake, though, in which other epolls may stand.  It adds itself to a list
 * of this CPU instead, and waitq_wake_for() goes through that list once it has given the
 * queue's lock back.  What these wakes add goes to the end of the same list, which is not begun
 * anew while it is gone through: so locks of queues are never nested and the stack does not grow,
 * however epolls watch each other.  Interrupts are off all the while, so the list needs no lock.
 *
 * `added` is cleared before run() looks: what became ready before somebody found it set is seen
 * by that run(), what comes later adds it again.
 *
 * How much work that is, programs choose.  After some the rest is left to a timer that is due
 * at once: it comes where others may run (arch/preempt.h). */
#include "arch/clock.h"
#include "sched/block.h"
#include "sched/timer.h"

#define TOLD_AT_ONCE 64u /* watches, at about 250 instructions with what each makes ready */

static struct todo { /* [o] the CPU whose it is */
    struct later *first, *last;
    bool running;
    unsigned told; /* watches since this CPU began */
    struct timer timer;
} todos[MAX_CPUS];

static struct todo *my_todo(void) { return &todos[HERE->id]; }

void watch_add(struct waitq *q, struct watch *w)
{
    w->waiter.task = NULL;
    w->queue = q;
    spin_lock(&q->lock);
    struct list *at = q->waiters.next; /* before the tasks */
    while (w->exclusive && at != &q->waiters && list_entry(at, struct waiter, link)->task == NULL)
        at = at->next; /* and behind the others, who are all told */
    list_push_back(at, &w->waiter.link);
    spin_unlock(&q->lock);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* waitq_idle() */
}

void watch_remove(struct watch *w)
{
    spin_lock(&w->queue->lock);
    list_remove(&w->waiter.link);
    spin_unlock(&w->queue->lock);
}

bool watch_notify(struct waiter *waiter, uint32_t events, bool taken)
{
    struct watch *w = container_of(waiter, struct watch, waiter);

    my_todo()->told++;
    if (!w->exclusive)
        return w->notify(w, events), false;
    return !taken && w->notify(w, events);
}

bool later_add(struct later *l)
{
    struct todo *t = my_todo();

    if (__atomic_exchange_n(&l->added, true, __ATOMIC_SEQ_CST))
        return false;
    l->next = NULL;
    if (t->first == NULL)
        t->first = l;
    else
        t->last->next = l;
    t->last = l;
    return true;
}

static void fire(struct timer *timer)
{
    (void)timer;
    later_run();
}

static void go_through(struct todo *t)
{
    while (t->first != NULL && t->told < TOLD_AT_ONCE) {
        struct later *l = t->first;

        t->first = l->next;
        __atomic_store_n(&l->added, false, __ATOMIC_SEQ_CST);
        l->run(l);
    }
}

void later_run(void)
{
    struct todo *t = my_todo();

    if (t->running)
        return;
    t->running = true;
    go_through(t);
    t->running = false;
    t->told = 0;
    if (t->first == NULL || t->timer.queued)
        return;
    timer_setup(&t->timer, fire);
    timer_start(&t->timer, clock_mono_ns());
}
