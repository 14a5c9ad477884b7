/* itimer.c - setitimer's three timers of a process.
 *
 * ITIMER_REAL is a kernel timer.  ITIMER_VIRTUAL and ITIMER_PROF run on the
 * process's CPU time: each is due when that reaches a value (at_ns).  Nothing
 * is counted down at switches; instead one kernel timer looks again at the
 * earliest moment at which one of the two could be due, all threads running.
 * So they cost nothing while they are off.
 *
 * Several CPUs.  When a timer is due stands in a field of its own, under
 * itimer_lock; the kernel timer only sees to it that somebody looks.  One that
 * fires takes the lock and finds what was set last, which may be nothing: so
 * setting never has to wait for one that fires elsewhere.  Signals are sent after
 * the lock is given back.  At the end nothing is started any more, then
 * timer_finish() waits until nobody looks. */
#include "proc/itimer.h"
#include "proc/process.h"
#include "proc/signal.h"
#include "sched/times.h"

#define SHORTEST_PERIOD_NS 100000  /* 0.1 ms */
#define CPU_LOOK_NS        1000000 /* CPU time is looked at once per ms at most */

struct spinlock itimer_lock = SPINLOCK_INIT(LOCK_itimer);

uint64_t itimer_advance(uint64_t when, uint64_t interval, uint64_t now, uint32_t *missed)
{
    uint64_t not_before = now + (interval < SHORTEST_PERIOD_NS ? SHORTEST_PERIOD_NS : 0);

    *missed = 0;
    when += interval;
    if (when <= not_before) {
        uint64_t n = (not_before - when) / interval + 1;

        when += n * interval;
        *missed = (uint32_t)MIN(n, (uint64_t)INT32_MAX);
    }
    return when;
}

void process_cpu_times(struct process *p, uint64_t *user, uint64_t *sys)
{
    struct task *t;

    spin_lock(&tree_lock);
    *user = p->utime_ns;
    *sys = p->stime_ns;
    list_for_each(t, &p->threads, thread_link) {
        uint64_t u, s;

        task_times(t, &u, &s);
        *user += u;
        *sys += s;
    }
    spin_unlock(&tree_lock);
}

/* Is it due at `now`?  Then it is set to its next moment.  itimer_lock held. */
static bool look(struct itimer *it, uint64_t now)
{
    uint32_t missed;

    if (it->at_ns == 0 || it->at_ns > now)
        return false;
    it->at_ns = it->interval_ns == 0 ? 0 : itimer_advance(it->at_ns, it->interval_ns, now, &missed);
    return true;
}

static void fire_real(struct timer *t)
{
    struct process *p = container_of(t, struct process, itimer_real);
    struct itimer *it = &p->real;

    spin_lock(&itimer_lock);
    bool due = look(it, clock_mono_ns());
    if (due && it->at_ns != 0)
        timer_start(t, it->at_ns);
    spin_unlock(&itimer_lock);
    if (due)
        signal_send_process(p, SIGALRM, NULL);
}

static bool cpu_limited(const struct process *p)
{
    return p->rlim[RLIMIT_CPU].rlim_cur < UINT64_MAX / NSEC_PER_SEC;
}

/* RLIMIT_CPU: at the soft limit SIGXCPU, and again each second; at the hard one the end. */
static uint64_t look_limit(struct process *p, uint64_t used)
{
    struct rlimit64 *limit = &p->rlim[RLIMIT_CPU];
    uint64_t seconds = used / NSEC_PER_SEC, left = UINT64_MAX;
    int sig = 0;

    spin_lock(&tree_lock);
    if (cpu_limited(p)) {
        if (seconds >= limit->rlim_max) {
            sig = SIGKILL;
        } else if (seconds >= MAX(limit->rlim_cur, 1ull)) {
            sig = SIGXCPU;
            limit->rlim_cur = seconds + 1;
        }
        left =
            MAX(limit->rlim_cur, 1ull) * NSEC_PER_SEC - MIN(used, limit->rlim_cur * NSEC_PER_SEC);
    }
    if (sig != 0)
        signal_send_process(p, sig, NULL);
    spin_unlock(&tree_lock);
    return left;
}

/* To look again when so much of CPU time may have passed.  itimer_lock held. */
static void start_cpu(struct process *p, uint64_t left)
{
    uint32_t threads = MAX(p->nthreads, 1u);

    if (left != UINT64_MAX && !p->itimers_gone)
        timer_start(&p->itimer_cpu, clock_mono_ns() + MAX(left / threads, (uint64_t)CPU_LOOK_NS));
}

static uint64_t left_of(const struct itimer *it, uint64_t used)
{
    return it->at_ns != 0 ? it->at_ns - used : UINT64_MAX;
}

static void fire_cpu(struct timer *t)
{
    struct process *p = container_of(t, struct process, itimer_cpu);
    uint64_t user, sys;

    process_cpu_times(p, &user, &sys);
    uint64_t left = look_limit(p, user + sys);
    spin_lock(&itimer_lock);
    bool due_virtual = look(&p->virtual, user), due_prof = look(&p->prof, user + sys);
    left = MIN(left, MIN(left_of(&p->virtual, user), left_of(&p->prof, user + sys)));
    start_cpu(p, left);
    spin_unlock(&itimer_lock);
    if (due_virtual)
        signal_send_process(p, SIGVTALRM, NULL);
    if (due_prof)
        signal_send_process(p, SIGPROF, NULL);
}

void itimer_cpu_limit(struct process *p)
{
    if (!cpu_limited(p))
        return;
    spin_lock(&itimer_lock);
    start_cpu(p, 0);
    spin_unlock(&itimer_lock);
}

void itimer_init(struct process *p)
{
    timer_setup(&p->itimer_real, fire_real);
    timer_setup(&p->itimer_cpu, fire_cpu);
    list_init(&p->posix_timers);
}

void itimer_exec(struct process *p) { posix_timers_delete_all(p); }

void itimer_exit(struct process *p)
{
    spin_lock(&itimer_lock);
    p->itimers_gone = true;
    p->real.at_ns = 0;
    spin_unlock(&itimer_lock);
    timer_finish(&p->itimer_real);
    timer_finish(&p->itimer_cpu);
    posix_timers_delete_all(p);
}

void itimer_left(uint64_t at, uint64_t interval, uint64_t now, struct itimer_setting *s)
{
    s->interval_ns = interval;
    s->left_ns = at == 0 ? 0 : at > now ? at - now : 1;
}

/* The timer, and the time on its clock. */
static struct itimer *itimer_of(struct process *p, int which, uint64_t *now)
{
    uint64_t user, sys;

    *now = clock_mono_ns();
    if (which == ITIMER_REAL)
        return &p->real;
    process_cpu_times(p, &user, &sys);
    *now = which == ITIMER_VIRTUAL ? user : user + sys;
    return which == ITIMER_VIRTUAL ? &p->virtual : &p->prof;
}

void itimer_get(struct process *p, int which, struct itimer_setting *now)
{
    uint64_t at;
    const struct itimer *it = itimer_of(p, which, &at);

    spin_lock(&itimer_lock);
    itimer_left(it->at_ns, it->interval_ns, at, now);
    spin_unlock(&itimer_lock);
}

void itimer_set(struct process *p, int which, const struct itimer_setting *to,
                struct itimer_setting *old)
{
    uint64_t now;
    struct itimer *it = itimer_of(p, which, &now);

    spin_lock(&itimer_lock);
    itimer_left(it->at_ns, it->interval_ns, now, old);
    it->at_ns = to->left_ns != 0 ? now + to->left_ns : 0;
    it->interval_ns = to->interval_ns;
    if (it->at_ns != 0 && which == ITIMER_REAL)
        timer_start(&p->itimer_real, it->at_ns);
    else if (it->at_ns != 0)
        start_cpu(p, 0);
    spin_unlock(&itimer_lock);
}
