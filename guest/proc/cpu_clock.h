/* cpu_clock.h - CPU time as a clock: that of a process, with its dead threads, or of a thread. */
#ifndef PROC_CPU_CLOCK_H
#define PROC_CPU_CLOCK_H

#include "sched/task.h"

/* Nobody tells when a task has used so much: who waits for it looks again, not more often than this. */
#define CPU_LOOK_NS 1000000ull

/* CPU time of all threads so far, dead ones included.  Takes tree_lock. */
void process_cpu_times(struct process *p, uint64_t *user, uint64_t *sys);
/* The same in an interrupt, where the sum over thousands of threads is made in steps: *sum, NULL at first,
 * has it in between.  False: to be asked again at once. */
bool process_cpu_times_some(struct process *p, struct cpu_sum **sum, uint64_t *user, uint64_t *sys);
void cpu_sum_end(struct cpu_sum **sum); /* it will not be asked for again; p is still there */

struct cpu_clock {
    struct process *proc; /* of it, or: */
    struct task *thread;  /* of that one; one of the two is NULL, or both: no such clock */
    bool user_only;
};

/* A clockid_t's, which is below 0 or one of the two CLOCK_*_CPUTIME_ID.  -EINVAL: there is no such one, or
 * it is another process's thread.  to_read: a process may be called by current's TID, too. */
bool is_cpu_clock(int id);
int cpu_clock_open(int id, bool to_read, struct cpu_clock *c);
void cpu_clock_get(const struct cpu_clock *c); /* one more reference */
void cpu_clock_put(const struct cpu_clock *c);
bool cpu_clock_gone(const struct cpu_clock *c); /* whose it is has ended: it stands still */
bool cpu_clock_own_thread(int id);              /* current's, by whatever number */
uint64_t cpu_clock_read(const struct cpu_clock *c);
/* In an interrupt: as process_cpu_times_some(). */
bool cpu_clock_read_some(const struct cpu_clock *c, struct cpu_sum **sum, uint64_t *ns);
/* How many CPUs it may run on at once, at most. */
uint32_t cpu_clock_speed(const struct cpu_clock *c);

#endif
