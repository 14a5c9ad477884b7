/* itimer.h - timers of processes: interval timers (setitimer) and POSIX timers. */
#ifndef PROC_ITIMER_H
#define PROC_ITIMER_H

#include "sched/task.h"
#include <linux/time.h>

extern struct spinlock itimer_lock; /* guards all [i] fields; fire() takes it, so
                                         * timer_finish() is called without it */

struct itimer_setting {
    uint64_t left_ns, interval_ns;
}; /* left 0: not armed */

void itimer_init(struct process *p);      /* a new process: none */
void itimer_cpu_limit(struct process *p); /* RLIMIT_CPU is new or has changed */
void itimer_exec(struct process *p);      /* POSIX timers go, interval timers stay */
void itimer_exit(struct process *p);      /* all go; no spinlock held */

/* setitimer(2)'s.  to NULL: it stays as it is. */
void itimer_set(struct process *p, int which, const struct itimer_setting *to,
                struct itimer_setting *old);

/* Is it due at `now` on its clock?  Then it is set to its next moment; *missed: those that went by
 * meanwhile.  itimer_lock held. */
bool itimer_look(struct itimer *it, uint64_t now, uint32_t *missed);
/* One on CLOCK_MONOTONIC.  All with itimer_lock held, but the first. */
void itimer_setup(struct itimer *it, void (*expired)(struct itimer *, uint32_t missed));
void itimer_start(struct itimer *it, uint64_t when); /* to now, if that is long ago */
void itimer_fire(struct timer *t); /* what it->timer does: it looks.  Without the lock */
/* What is left of it at `now` on its clock. */
void itimer_read(const struct itimer *it, uint64_t now, struct itimer_setting *s);

/* itimer_posix.c: behind timer_create(2) and friends. -EINVAL: no such timer.  -ESRCH: its clock was that
 * of a task that is no more. */
int posix_timer_create(int clock, const struct sigevent *ev /* NULL: default */, int *id);
int posix_timer_set(int id, bool absolute, const struct itimer_setting *to,
                    struct itimer_setting *old);
int posix_timer_get(int id, struct itimer_setting *now);
int posix_timer_overrun(int id);
int posix_timer_delete(int id);
/* Sleepers until a moment on CLOCK_REALTIME wait here, too: woken, they compute their deadline again. */
extern struct waitq clock_was_set;
/* Sets CLOCK_REALTIME and moves what follows it, in steps: no spinlock held. */
void posix_timers_clock_set(uint64_t ns);
/* For what else follows the clock: set() does it, with itimer_lock held, and after() moves what is wrong
 * then, with no lock held. */
void posix_timers_set_clock_by(void (*set)(uint64_t ns), void (*after)(void));
void posix_timers_delete_all(struct process *p);

#endif
