/* times.h - CPU time of tasks and CPUs. */
#ifndef SCHED_TIMES_H
#define SCHED_TIMES_H

#include "sched/task.h"

/* Around everything that the kernel does for current: system calls, faults and
 * interrupts from user mode.  They part system from user time. */
static inline void task_enter_kernel(struct task *t) { t->entry_tsc = rdtsc(); }
static inline void task_leave_kernel(struct task *t)
{
    t->kernel_tsc += rdtsc() - t->entry_tsc;
    t->entry_tsc = 0;
}

/* Time of a task so far, user and system, ns. */
void task_times(struct task *t, uint64_t *user, uint64_t *sys);
/* In user mode, as far as it is booked, and idle, since boot. */
void cpu_times(unsigned cpu, uint64_t *user, uint64_t *idle);
/* User time of a task that is not booked to its CPU yet; it runs there. */
uint64_t task_user_unbooked(const struct task *t);
uint64_t sched_uptime_idle_ns(void);

/* t leaves this CPU at that TSC: its time is booked.  Who runs next begins with
 * last_tsc = now. */
void times_leave(struct cpu *c, struct task *t, uint64_t now);
void cpu_idle_begins(struct cpu *c);
void cpu_idle_ends(struct cpu *c);

#endif
