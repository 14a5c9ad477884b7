/* itimer.c - timers of a process: rows of moments, and setitimer's three.
 *
 * A moment on CLOCK_MONOTONIC is seen to by a kernel timer of its own: ITIMER_REAL, and
 * POSIX timers (itimer_posix.c).  ITIMER_VIRTUAL and ITIMER_PROF run on the
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
#include "proc/cpu_clock.h"
#include "proc/process.h"
#include "proc/signal.h"

#define SHORTEST_PERIOD_NS 100000 /* 0.1 ms */

struct spinlock itimer_lock = SPINLOCK_INIT(LOCK_itimer);

/* --- moments ------------------------------------------------------------------- */

/* The first moment after `now` in the row at, at + interval, ...; *missed: how many were
 * skipped.  Very short intervals are stretched to a multiple, so that a timer cannot
 * keep the CPU in its interrupt. */
static uint64_t advance(const struct itimer *it, uint64_t now, uint32_t *missed)
{
    uint64_t not_before = now + (it->interval_ns < SHORTEST_PERIOD_NS ? SHORTEST_PERIOD_NS : 0);
    uint64_t when = it->at_ns + it->interval_ns;

    if ((int64_t)(not_before - when) >= 0) {
        uint64_t n = (not_before - when) / it->interval_ns + 1;

        when += n * it->interval_ns;
        *missed = (uint32_t)MIN(n, (uint64_t)INT32_MAX);
    }
    return when;
}

/* A moment before the boot is negative. */
static bool is_ahead(const struct itimer *it, uint64_t now)
{
    return (int64_t)it->at_ns > (int64_t)now;
}

bool itimer_look(struct itimer *it, uint64_t now, uint32_t *missed)
{
    *missed = 0;
    if (it->at_ns == 0 || is_ahead(it, now))
        return false;
    it->at_ns = it->interval_ns == 0 ? 0 : advance(it, now, missed);
    return true;
}

void itimer_fire(struct timer *t)
{
    struct itimer *it = container_of(t, struct itimer, timer);
    uint32_t missed;

    spin_lock(&itimer_lock);
    bool due = itimer_look(it, clock_mono_ns(), &missed);
    if (due && it->at_ns != 0)
        timer_start(t, it->at_ns);
    spin_unlock(&itimer_lock);
    if (due)
        it->expired(it, missed);
}

void itimer_setup(struct itimer *it, void (*expired)(struct itimer *, uint32_t))
{
    it->expired = expired;
    timer_setup(&it->timer, itimer_fire);
}

void itimer_start(struct itimer *it, uint64_t when)
{
    it->at_ns = when != 0 ? when : 1;
    timer_start(&it->timer, (int64_t)when > 0 ? when : 1);
}

/* Due, but not fired yet: 1 ns is left, for it is armed. */
void itimer_read(const struct itimer *it, uint64_t now, struct itimer_setting *s)
{
    s->interval_ns = it->interval_ns;
    s->left_ns = is_ahead(it, now) ? it->at_ns - now : it->at_ns != 0;
}

/* --- on CPU time ----------------------------------------------------------------- */

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
        signal_send_process_locked(p, sig, NULL);
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

/* To go on with a sum. */
static void start_soon(struct process *p)
{
    spin_lock(&itimer_lock);
    if (!p->itimers_gone)
        timer_start(&p->itimer_cpu, clock_mono_ns());
    spin_unlock(&itimer_lock);
}

static void fire_cpu(struct timer *t)
{
    struct process *p = container_of(t, struct process, itimer_cpu);
    uint64_t now[3], sys;
    bool due[3];
    uint32_t missed; /* no matter: one signal is all that can wait */

    if (!process_cpu_times_some(p, &p->cpu_sum, &now[ITIMER_VIRTUAL], &sys)) {
        start_soon(p);
        return;
    }
    now[ITIMER_PROF] = now[ITIMER_VIRTUAL] + sys;
    uint64_t left = look_limit(p, now[ITIMER_PROF]);
    spin_lock(&itimer_lock);
    for (int i = ITIMER_VIRTUAL; i <= ITIMER_PROF; i++) {
        struct itimer *it = &p->itimers[i];
        due[i] = itimer_look(it, now[i], &missed);
        if (it->at_ns != 0)
            left = MIN(left, it->at_ns - now[i]);
    }
    start_cpu(p, left);
    spin_unlock(&itimer_lock);
    if (due[ITIMER_VIRTUAL])
        signal_send_process(p, SIGVTALRM, NULL);
    if (due[ITIMER_PROF])
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

/* --- a process's ------------------------------------------------------------------ */

static void alarm(struct itimer *it, uint32_t missed)
{
    (void)missed;
    signal_send_process(container_of(it, struct process, itimers[ITIMER_REAL]), SIGALRM, NULL);
}

void itimer_init(struct process *p)
{
    itimer_setup(&p->itimers[ITIMER_REAL], alarm);
    timer_setup(&p->itimer_cpu, fire_cpu);
    list_init(&p->posix_timers);
}

void itimer_exec(struct process *p) { posix_timers_delete_all(p); }

void itimer_exit(struct process *p)
{
    spin_lock(&itimer_lock);
    p->itimers_gone = true;
    p->itimers[ITIMER_REAL].at_ns = 0;
    spin_unlock(&itimer_lock);
    timer_finish(&p->itimers[ITIMER_REAL].timer);
    timer_finish(&p->itimer_cpu);
    cpu_sum_end(&p->cpu_sum);
    posix_timers_delete_all(p);
}

/* to NULL: it stays as it is. */
void itimer_set(struct process *p, int which, const struct itimer_setting *to,
                struct itimer_setting *old)
{
    struct itimer *it = &p->itimers[which];
    uint64_t now[3] = { clock_mono_ns() };

    if (which != ITIMER_REAL) { /* ITIMER_VIRTUAL runs on user time, ITIMER_PROF on both */
        uint64_t sys;
        process_cpu_times(p, &now[ITIMER_VIRTUAL], &sys);
        now[ITIMER_PROF] = now[ITIMER_VIRTUAL] + sys;
    }
    spin_lock(&itimer_lock);
    itimer_read(it, now[which], old);
    if (to != NULL) {
        it->interval_ns = which != ITIMER_REAL || to->left_ns != 0 ? to->interval_ns : 0;
        it->at_ns = to->left_ns != 0 ? MIN(now[which] + to->left_ns, (uint64_t)INT64_MAX) : 0;
        if (it->at_ns != 0 && which == ITIMER_REAL)
            timer_start(&it->timer, it->at_ns);
        else if (it->at_ns != 0)
            start_cpu(p, 0);
    }
    spin_unlock(&itimer_lock);
}
