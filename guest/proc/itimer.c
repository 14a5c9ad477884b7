/* itimer.c - setitimer's three timers of a process.
 *
 * ITIMER_REAL is a kernel timer.  ITIMER_VIRTUAL and ITIMER_PROF run on the
 * process's CPU time: each is due when that reaches a value (at_ns).  Nothing
 * is counted down at switches; instead one kernel timer looks again at the
 * earliest moment at which one of the two could be due, all threads running.
 * So they cost nothing while they are off. */
#include "proc/itimer_internal.h"

#define SHORTEST_PERIOD_NS 100000       /* 0.1 ms */
#define CPU_LOOK_NS 1000000             /* CPU time is looked at once per ms at most */

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

static void fire_real(struct timer *t)
{
    struct process *p = container_of(t, struct process, itimer_real);
    uint64_t interval = p->itimer_real_interval;
    uint32_t missed;

    if (interval != 0)
        timer_start(t, itimer_advance(t->when, interval, clock_mono_ns(), &missed));
    signal_send_process(p, SIGALRM, NULL);
}

/* One of the CPU-time timers: is it due at `used`?  Returns what is left. */
static uint64_t look(struct process *p, uint64_t *at, uint64_t interval, uint64_t used, int sig)
{
    uint32_t missed;

    if (*at == 0)
        return UINT64_MAX;
    if (*at <= used) {
        *at = interval != 0 ? itimer_advance(*at, interval, used, &missed) : 0;
        signal_send_process(p, sig, NULL);
    }
    return *at != 0 ? *at - used : UINT64_MAX;
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
        left = MAX(limit->rlim_cur, 1ull) * NSEC_PER_SEC - MIN(used, limit->rlim_cur * NSEC_PER_SEC);
    }
    if (sig != 0)
        signal_send_process(p, sig, NULL);
    spin_unlock(&tree_lock);
    return left;
}

static void start_cpu(struct process *p, uint64_t left)
{
    uint32_t threads = MAX(p->nthreads, 1u);

    if (left != UINT64_MAX)
        timer_start(&p->itimer_cpu, clock_mono_ns() + MAX(left / threads, (uint64_t)CPU_LOOK_NS));
}

static void fire_cpu(struct timer *t)
{
    struct process *p = container_of(t, struct process, itimer_cpu);
    uint64_t user, sys;

    process_cpu_times(p, &user, &sys);
    uint64_t left_virtual = look(p, &p->itimer_virtual.at_ns, p->itimer_virtual.interval_ns,
                                 user, SIGVTALRM);
    uint64_t left_prof = look(p, &p->itimer_prof.at_ns, p->itimer_prof.interval_ns,
                              user + sys, SIGPROF);
    start_cpu(p, MIN(MIN(left_virtual, left_prof), look_limit(p, user + sys)));
}

void itimer_cpu_limit(struct process *p)
{
    if (cpu_limited(p) && !p->itimer_cpu.queued)
        timer_start(&p->itimer_cpu, clock_mono_ns() + CPU_LOOK_NS);
}

void itimer_init(struct process *p)
{
    timer_setup(&p->itimer_real, fire_real);
    timer_setup(&p->itimer_cpu, fire_cpu);
    p->itimer_real_interval = 0;
    p->itimer_virtual.at_ns = p->itimer_virtual.interval_ns = 0;
    p->itimer_prof.at_ns = p->itimer_prof.interval_ns = 0;
    list_init(&p->posix_timers);
    p->next_timer_id = 0;
}

void itimer_exec(struct process *p)
{
    posix_timers_delete_all(p);
}

void itimer_exit(struct process *p)
{
    timer_stop(&p->itimer_real);
    timer_stop(&p->itimer_cpu);
    posix_timers_delete_all(p);
}

static void get_real(struct process *p, struct itimer_setting *s)
{
    uint64_t now = clock_mono_ns();

    s->interval_ns = p->itimer_real_interval;
    s->left_ns = 0;
    if (p->itimer_real.queued)      /* due, but not fired yet: 1 ns, for it is armed */
        s->left_ns = p->itimer_real.when > now ? p->itimer_real.when - now : 1;
}

static void get_cpu(uint64_t at, uint64_t interval, uint64_t used, struct itimer_setting *s)
{
    s->interval_ns = interval;
    s->left_ns = at == 0 ? 0 : at > used ? at - used : 1;
}

/* itimer_lock held. */
static void get(struct process *p, int which, uint64_t user, uint64_t sys, struct itimer_setting *s)
{
    if (which == ITIMER_REAL)
        get_real(p, s);
    else if (which == ITIMER_VIRTUAL)
        get_cpu(p->itimer_virtual.at_ns, p->itimer_virtual.interval_ns, user, s);
    else
        get_cpu(p->itimer_prof.at_ns, p->itimer_prof.interval_ns, user + sys, s);
}

void itimer_get(struct process *p, int which, struct itimer_setting *now)
{
    uint64_t user, sys;

    process_cpu_times(p, &user, &sys);
    spin_lock(&itimer_lock);
    get(p, which, user, sys, now);
    spin_unlock(&itimer_lock);
}

void itimer_set(struct process *p, int which, const struct itimer_setting *to,
                struct itimer_setting *old)
{
    uint64_t user, sys;

    process_cpu_times(p, &user, &sys);
    spin_lock(&itimer_lock);
    get(p, which, user, sys, old);
    if (which == ITIMER_REAL) {
        timer_stop(&p->itimer_real);
        p->itimer_real_interval = to->interval_ns;
        if (to->left_ns != 0)
            timer_start(&p->itimer_real, clock_mono_ns() + to->left_ns);
    } else {
        uint64_t used = which == ITIMER_VIRTUAL ? user : user + sys;

        timer_stop(&p->itimer_cpu);
        if (which == ITIMER_VIRTUAL) {
            p->itimer_virtual.at_ns = to->left_ns != 0 ? used + to->left_ns : 0;
            p->itimer_virtual.interval_ns = to->interval_ns;
        } else {
            p->itimer_prof.at_ns = to->left_ns != 0 ? used + to->left_ns : 0;
            p->itimer_prof.interval_ns = to->interval_ns;
        }
        if (p->itimer_virtual.at_ns != 0 || p->itimer_prof.at_ns != 0 || cpu_limited(p))
            timer_start(&p->itimer_cpu, clock_mono_ns() + CPU_LOOK_NS);
    }
    spin_unlock(&itimer_lock);
}
