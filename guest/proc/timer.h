/* timer.h - moments in the future.  Callbacks run from the timer interrupt with
 * no lock held: they may wake and send signals, not sleep. */
#ifndef PROC_TIMER_H
#define PROC_TIMER_H

#include "lib/rbtree.h"
#include "arch/clock.h"

struct timer {
    struct rb_node node;
    uint64_t when;              /* CLOCK_MONOTONIC ns */
    void (*fire)(struct timer *t);
    bool queued;
};

void timer_setup(struct timer *t, void (*fire)(struct timer *));
void timer_start(struct timer *t, uint64_t when);   /* starts or moves it */
bool timer_stop(struct timer *t);                   /* was it queued? fire() is not running when this returns */
void timer_interrupt(void);                         /* from arch: run what is due, preempt, arm the next */
/* The scheduler's slice: this CPU wants to look at its run queue again then. */
void timer_set_slice(uint64_t when);                /* UINT64_MAX: no slice */

#endif
