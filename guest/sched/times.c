/* times.c - CPU time of tasks and CPUs.
 *
 * CPU time is exact in sum, and split where the kernel is entered and left:
 * task_enter_kernel(), task_leave_kernel().  What entry.asm does before and
 * after, and preemption on the way out, counts as user time.
 *
 * Times are booked when a task leaves its CPU, and read by others while it runs
 * there.  last_tsc tells how: OFF_CPU while the task does not run, BOOKING while
 * the sums change, else the moment up to which they are booked.  Who reads the sums
 * between two equal values that are not BOOKING has read them of one moment, for
 * stores are seen in the order in which they were made; the rest up to now is
 * added.  A CPU's idle time is kept the same way. */
#include "sched/times.h"
#include "arch/clock.h"
#include "sched/runq.h"
#include "trace/trace.h"

#define OFF_CPU  0ull /* as a new task begins */
#define BOOKING  UINT64_MAX
#define CHANGING UINT64_MAX /* of idle_since */

/* Stores before it stay before those after it; x86 needs no instruction for that. */
static inline void in_order(void) { __asm__ volatile("" : : : "memory"); }

/* Books the time since last_tsc to t, which runs on c, this CPU; then sets last_tsc. */
static inline void book(struct cpu *c, struct task *t, uint64_t now, uint64_t then)
{
    uint64_t all = now - t->last_tsc, system = t->kernel_tsc, user;

    if (t->kthread)
        system = all;
    else if (t->entry_tsc != 0)
        system += now - t->entry_tsc;
    t->last_tsc = BOOKING;
    in_order();
    user = clock_tsc_to_ns(all - MIN(system, all));
    t->utime_ns += user;
    c->user_ns += user;
    t->stime_ns += clock_tsc_to_ns(MIN(system, all));
    t->kernel_tsc = 0;
    in_order();
    t->last_tsc = then;
    if (t->entry_tsc != 0)
        t->entry_tsc = now; /* what was before is booked */
}

void times_leave(struct cpu *c, struct task *t, uint64_t now) { book(c, t, now, OFF_CPU); }

/* Of a task that may be running on another CPU. */
static void read_times(const struct task *t, uint64_t *user, uint64_t *sys)
{
    uint64_t last, kernel, entry;

    do {
        last = __atomic_load_n(&t->last_tsc, __ATOMIC_ACQUIRE);
        *user = __atomic_load_n(&t->utime_ns, __ATOMIC_ACQUIRE);
        *sys = __atomic_load_n(&t->stime_ns, __ATOMIC_ACQUIRE);
        kernel = __atomic_load_n(&t->kernel_tsc, __ATOMIC_ACQUIRE);
        entry = __atomic_load_n(&t->entry_tsc, __ATOMIC_ACQUIRE);
    } while (last == BOOKING || last != __atomic_load_n(&t->last_tsc, __ATOMIC_ACQUIRE));
    if (last == OFF_CPU)
        return;
    uint64_t now = MAX(tsc_stamp(), last), all = now - last;
    if (entry != 0 && now > MAX(entry, last))
        kernel += now - MAX(entry, last);
    *user += clock_tsc_to_ns(all - MIN(kernel, all));
    *sys += clock_tsc_to_ns(MIN(kernel, all));
}

void task_times(struct task *t, uint64_t *user, uint64_t *sys)
{
    if (t != current) {
        read_times(t, user, sys);
        return;
    }
    uint64_t now = tsc_stamp();
    book(this_cpu(), t, now, now);
    *user = t->utime_ns;
    *sys = t->stime_ns;
}

uint64_t task_user_unbooked(const struct task *t)
{
    uint64_t user, sys, booked = __atomic_load_n(&t->utime_ns, __ATOMIC_ACQUIRE);

    read_times(t, &user, &sys);
    return user - booked;
}

void cpu_times(unsigned cpu, uint64_t *user, uint64_t *idle)
{
    struct cpu *c = &cpus[cpu];
    uint64_t since, now;

    do {
        since = __atomic_load_n(&c->idle_since, __ATOMIC_ACQUIRE);
        *idle = __atomic_load_n(&c->idle_ns, __ATOMIC_ACQUIRE);
    } while (since == CHANGING || since != __atomic_load_n(&c->idle_since, __ATOMIC_ACQUIRE));
    now = clock_mono_ns();
    if (since != 0 && now > since)
        *idle += now - since;
    *user = __atomic_load_n(&c->user_ns, __ATOMIC_RELAXED);
}

void cpu_idle_begins(struct cpu *c) { c->idle_since = clock_mono_ns(); }

void cpu_idle_ends(struct cpu *c)
{
    uint64_t ns = clock_mono_ns() - c->idle_since;

    c->idle_since = CHANGING;
    in_order();
    c->idle_ns += ns;
    in_order();
    c->idle_since = 0;
}

uint64_t sched_uptime_idle_ns(void)
{
    uint64_t sum = 0, user, idle;

    for (unsigned i = 0; i < ncpus; i++) {
        cpu_times(i, &user, &idle);
        sum += idle;
    }
    return sum;
}
