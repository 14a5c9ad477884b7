/* timer.h - moments in the future.  Callbacks run from the timer interrupt with
 * no lock held: they may wake and send signals, not sleep. */
#ifndef SCHED_TIMER_H
#define SCHED_TIMER_H

#include "lib/rbtree.h"
#include "arch/clock.h"

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
void timer_interrupt(void); /* from arch: run what is due, preempt, arm the next */
/* The scheduler's slice: this CPU wants to look at its run queue again then. */
void timer_set_slice(uint64_t when);
void timer_no_slice(void); /* it halts: the hardware is left for timers only */

/* itimer.c: a process's interval timers (setitimer) and POSIX timers. */
struct process;
void itimer_init(struct process *p);      /* a new process: none */
void itimer_cpu_limit(struct process *p); /* RLIMIT_CPU is new or has changed */
void itimer_exec(struct process *p);      /* POSIX timers go, interval timers stay */
void itimer_exit(struct process *p);      /* all go; no spinlock held */
/* CPU time of all threads so far, dead ones included.  Takes tree_lock. */
void process_cpu_times(struct process *p, uint64_t *user, uint64_t *sys);

#endif
