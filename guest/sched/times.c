/* times.c - CPU time of tasks and CPUs, load average.
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
 * added.  A CPU's idle time is kept the same way.
 *
 * Load average counts who runs or could run.  A parent blocked in vfork has
 * state D, but is not counted, unlike in Linux: it waits for its own child's
 * instructions, not for a device, and the child is counted already. */
#include "sched/runq.h"
#include "arch/clock.h"
#include "trace/trace.h"

#define LOAD_PERIOD (5 * NSEC_PER_SEC)
#define OFF_CPU     0ull /* as a new task begins */
#define BOOKING     UINT64_MAX
#define CHANGING    UINT64_MAX /* of idle_since */

static struct spinlock load_lock = SPINLOCK_INIT(LOCK_load);
uint64_t load_next;
static uint32_t load[3]; /* [load_lock] 16.16 */

void task_set_state(struct task *t, enum task_state next, enum block_reason reason, uint32_t on_pid)
{
    struct task_record *rec = t->rec;
    uint8_t prev = rec->state;

    rec->reason = reason;
    rec->on_pid = on_pid;
    rec->since_tsc = tsc_stamp();
    rec->state = next;
    trace_task_state(rec->mm, t->tid, prev, next, reason, on_pid, 0);
}

/* --- time ---------------------------------------------------------------------- */

/* Stores before it stay before those after it; x86 needs no instruction for that. */
static inline void in_order(void) { __asm__ volatile("" : : : "memory"); }

/* Books the time since last_tsc to t, which runs on c, this CPU; then sets last_tsc. */
static inline void book(struct cpu *c, struct task *t, uint64_t now, uint64_t then)
{
    uint64_t all = now - t->last_tsc, system = t->kernel_tsc, user;

    if (t->kthread)
        system = all;
    else if (t->entry_tsc != 0)
        system += now - MAX(t->entry_tsc, t->last_tsc);
    t->last_tsc = BOOKING;
    in_order();
    user = clock_tsc_to_ns(all - MIN(system, all));
    t->utime_ns += user;
    c->user_ns += user;
    t->stime_ns += clock_tsc_to_ns(MIN(system, all));
    t->kernel_tsc = 0;
    in_order();
    t->last_tsc = then;
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

/* --- load average -------------------------------------------------------------- */

void load_init(void) { load_next = clock_mono_ns() + LOAD_PERIOD; }

static unsigned running_now(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < ncpus; i++)
        n += runqs[i].n + (cpus[i].running != cpus[i].idle);
    return n;
}

/* Averages over 1, 5 and 15 minutes: every 5 s, load += (n - load) * (1 - e^(-5/T)).
 * Called before what runs changes, so n is what it was since the last time. */
SLOW_PATH void load_update(uint64_t now)
{
    static const uint32_t share[3] = { 5236, 1083, 363 }; /* of 65536 */
    unsigned n = running_now();

    spin_lock(&load_lock);
    if (now > load_next + 4 * 900 * NSEC_PER_SEC)
        load_next = now - 4 * 900 * NSEC_PER_SEC; /* the rest is forgotten anyway */
    for (; load_next <= now; load_next += LOAD_PERIOD) {
        for (unsigned i = 0; i < 3; i++) {
            int64_t diff = ((int64_t)n << 16) - load[i];
            load[i] += (uint32_t)(diff * share[i] / 65536);
        }
    }
    spin_unlock(&load_lock);
}

uint64_t sched_loadavg(unsigned i)
{
    load_look(clock_mono_ns());
    return load[i];
}
