/* timer.h - moments in the future.  Callbacks run from the timer interrupt with
 * no lock held: they may wake and send signals, not sleep. */
#ifndef SCHED_TIMER_H
#define SCHED_TIMER_H

#include "arch/clock.h"
#include "lib/rbtree.h"

struct timer {
    struct rb_node node;
    uint64_t when; /* CLOCK_MONOTONIC ns */
    void (*fire)(struct timer *t);
    bool queued;
    uint32_t cpu; /* whose queue it was started on */
};

void timer_setup(struct timer *t, void (*fire)(struct timer *));
void timer_start(struct timer *t, uint64_t when); /* starts or moves it; one at a time */
/* For a timer that fire() does not start again.  Was it queued?  fire() is not running
 * when this returns: no lock held that it takes. */
bool timer_stop(struct timer *t);
/* The same for a timer that its own fire() may find being started on another CPU,
 * and nobody starts any more: afterwards fire() runs nowhere. */
void timer_finish(struct timer *t);
void timer_interrupt(void);    /* IRQ_TIMER: run what is due, preempt, arm the next */
void timer_rate_changed(void); /* the clock's: no lock held */
/* The scheduler's slice: this CPU wants to look at its run queue again then. */
void timer_set_slice(uint64_t when);
void timer_no_slice(void); /* it halts: the hardware is left for timers only */

#endif
