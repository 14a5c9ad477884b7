/* timer.c - one queue of timers per CPU, and the slice of what runs on it.
 *
 * A timer is on the queue of the CPU that started it, sorted by time.  The
 * hardware is armed for the earlier of the first timer and the slice, and only
 * ever moved when it would come too late: an interrupt that comes too early
 * finds nothing due and arms the next moment.  So stopping a timer, and most
 * starts and switches, do not touch the hardware.
 *
 * After an interrupt the next one keeps a distance of several times what that
 * one took.  Where ring 0 is interpreted it may take a millisecond, and a
 * program with a timer as short as that would else never come to its next
 * instruction. */
#include "sched/timer.h"
#include "arch/apic.h"
#include "sched/runq.h"

/* Covers what is not measured: entry, exit, and the signals that were sent. */
#define DISTANCE_FACTOR 4

/* [l] lock  [o] the CPU whose it is */
static struct timer_queue {
    struct spinlock lock;
    struct rb_root timers; /* [l] by when */
    struct timer *first;   /* [l] */
    struct timer *running; /* [o], others look: its fire() is being called */
    uint64_t slice;        /* [o] 0: none */
    uint64_t not_before;   /* [o] of the next interrupt */
    uint64_t armed;        /* [o] for when the hardware is; 0: not yet */
} __attribute__((aligned(64))) queues[MAX_CPUS] = {
    [0 ... MAX_CPUS - 1] = { .lock = SPINLOCK_INIT(LOCK_timers) },
};

void timer_setup(struct timer *t, void (*fire)(struct timer *))
{
    t->fire = fire;
    t->when = 0;
    t->queued = false;
    t->cpu = 0;
}

static uint64_t next_moment(const struct timer_queue *q)
{
    uint64_t slice = q->slice != 0 ? q->slice : UINT64_MAX;

    return q->first != NULL ? MIN(q->first->when, slice) : slice;
}

/* This CPU's queue, lock held. */
static void arm(struct timer_queue *q)
{
    uint64_t next = MAX(next_moment(q), q->not_before);

    if (q->armed == 0 || next < q->armed) {
        q->armed = next;
        clock_arm(next);
    }
}

static void enqueue(struct timer_queue *q, struct timer *t)
{
    struct rb_node **link = &q->timers.node, *parent = NULL;
    bool first = true;

    while (*link != NULL) {
        parent = *link;
        if (t->when < rb_entry(parent, struct timer, node)->when) {
            link = &parent->left;
        } else {
            link = &parent->right;
            first = false;
        }
    }
    rb_insert(&q->timers, parent, link, &t->node);
    if (first)
        q->first = t;
    t->queued = true;
}

static void dequeue(struct timer_queue *q, struct timer *t)
{
    if (q->first == t) {
        struct rb_node *next = rb_next(&t->node);
        q->first = next != NULL ? rb_entry(next, struct timer, node) : NULL;
    }
    rb_erase(&q->timers, &t->node);
    __atomic_store_n(&t->queued, false, __ATOMIC_RELEASE);
}

/* Takes t off whatever queue it is on. */
static bool take_off(struct timer *t)
{
    struct timer_queue *q = &queues[t->cpu];

    spin_lock(&q->lock);
    bool was = t->queued;
    if (was)
        dequeue(q, t);
    spin_unlock(&q->lock);
    return was;
}

void timer_start(struct timer *t, uint64_t when)
{
    struct timer_queue *q = &queues[HERE->id];

    if (t->queued)
        take_off(t);
    spin_lock(&q->lock);
    t->cpu = HERE->id;
    t->when = when;
    enqueue(q, t);
    arm(q);
    spin_unlock(&q->lock);
}

/* fire() never runs on the CPU that calls this: kernel code is not interrupted.  On
 * another one it may just be running, or be about to: `running` was set before
 * `queued` was cleared, so who sees it not queued sees that. */
bool timer_stop(struct timer *t)
{
    struct timer_queue *q = &queues[t->cpu];

    if (!__atomic_load_n(&t->queued, __ATOMIC_ACQUIRE) &&
        __atomic_load_n(&q->running, __ATOMIC_ACQUIRE) != t)
        return false;
    bool was = take_off(t);

    while (q != &queues[HERE->id] && __atomic_load_n(&q->running, __ATOMIC_ACQUIRE) == t)
        cpu_relax_poll();
    return was;
}

void timer_finish(struct timer *t)
{
    if (t->when == 0)
        return; /* never started */
    take_off(t);
    for (uint32_t i = 0; i < ncpus; i++)
        while (i != HERE->id && __atomic_load_n(&queues[i].running, __ATOMIC_ACQUIRE) == t)
            cpu_relax_poll();
}

void timer_set_slice(uint64_t when)
{
    struct timer_queue *q = &queues[HERE->id];

    spin_lock(&q->lock);
    q->slice = when;
    arm(q);
    spin_unlock(&q->lock);
}

void timer_no_slice(void)
{
    struct timer_queue *q = &queues[HERE->id];

    if (q->slice == 0)
        return;
    spin_lock(&q->lock);
    q->slice = 0;
    uint64_t next = next_moment(q);
    if (q->armed != 0 && q->armed < next) {
        q->armed = next;
        clock_arm(next);
    }
    spin_unlock(&q->lock);
}

/* A program may have thousands that are due at one moment; whatever this CPU does
 * goes on after some of them, until the next interrupt. */
#define FIRE_AT_ONCE 32

void timer_interrupt(void)
{
    struct timer_queue *q = &queues[HERE->id];
    uint64_t now = clock_mono_ns();

    HERE->timer_irqs++;
    spin_lock(&q->lock);
    for (unsigned n = 0; n < FIRE_AT_ONCE && q->first != NULL && q->first->when <= now; n++) {
        struct timer *t = q->first;

        __atomic_store_n(&q->running, t, __ATOMIC_RELEASE); /* before it is not queued */
        dequeue(q, t);
        spin_unlock(&q->lock);
        t->fire(t);
        spin_lock(&q->lock);
        __atomic_store_n(&q->running, NULL, __ATOMIC_RELEASE);
    }
    if (q->slice != 0 && q->slice <= now) {
        q->slice = 0;
        this_cpu()->need_resched |= NEED_LOOK;
    }
    q->armed = 0;
    q->not_before = now + (1 + DISTANCE_FACTOR) * (clock_mono_ns() - now);
    arm(q);
    spin_unlock(&q->lock);
}

/* What the hardware is armed for may come too late now: each CPU looks and arms it anew. */
void timer_rate_changed(void)
{
    for (uint32_t i = 0; i < ncpus; i++)
        if (i != HERE->id)
            apic_send_ipi(i, IRQ_TIMER);
    timer_interrupt();
}
