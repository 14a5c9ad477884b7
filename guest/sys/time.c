/* time.c - system calls on clocks, sleeping and timers.
 *
 * Two clocks are behind all the names: CLOCK_MONOTONIC, which counts from boot
 * and never stops (the machine does not suspend), and CLOCK_REALTIME, which can
 * be set, or adjusted: adjtimex.c.  CPU-time clocks read what the scheduler charged. */
#include "arch/clock.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "lib/string.h"
#include "proc/cpu_clock.h"
#include "proc/itimer.h"
#include "proc/process.h"
#include "sys/time.h"

#define NSEC_PER_USEC 1000
#define USEC_PER_SEC  1000000
#define MAX_NS        ((uint64_t)INT64_MAX)

/* --- formats --- */

/* Long times end at MAX_NS: 292 years. */
static int from_timespec(const struct __kernel_timespec *ts, uint64_t *ns)
{
    if (ts->tv_sec < 0 || (uint64_t)ts->tv_nsec >= NSEC_PER_SEC)
        return -EINVAL;
    *ns = (uint64_t)ts->tv_sec >= MAX_NS / NSEC_PER_SEC
              ? MAX_NS
              : (uint64_t)ts->tv_sec * NSEC_PER_SEC + (uint64_t)ts->tv_nsec;
    return 0;
}

static struct __kernel_timespec to_timespec(uint64_t ns)
{
    return (struct __kernel_timespec){ (int64_t)(ns / NSEC_PER_SEC), (int64_t)(ns % NSEC_PER_SEC) };
}

static int from_timeval(const struct __kernel_old_timeval *tv, uint64_t *ns)
{
    if ((uint64_t)tv->tv_usec >= USEC_PER_SEC)
        return -EINVAL;
    struct __kernel_timespec ts = { tv->tv_sec, tv->tv_usec * NSEC_PER_USEC };
    return from_timespec(&ts, ns);
}

static struct __kernel_old_timeval to_timeval(uint64_t ns)
{
    return (struct __kernel_old_timeval){ (long)(ns / NSEC_PER_SEC),
                                          (long)(ns % NSEC_PER_SEC / NSEC_PER_USEC) };
}

static int get_timespec(uaddr_t at, uint64_t *ns)
{
    struct __kernel_timespec ts;

    return get_user(ts, at) != 0 ? -EFAULT : from_timespec(&ts, ns);
}

/* --- reading and setting clocks --- */

static int cpu_clock(int id, uint64_t *ns)
{
    struct cpu_clock c;
    int err = cpu_clock_open(id, true, &c);

    if (err == 0) {
        *ns = cpu_clock_read(&c);
        cpu_clock_put(&c);
    }
    return err;
}

static bool is_real(int id)
{
    return id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE || id == CLOCK_REALTIME_ALARM ||
           id == CLOCK_TAI;
}

static bool is_monotonic(int id)
{
    return id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_RAW || id == CLOCK_MONOTONIC_COARSE ||
           id == CLOCK_BOOTTIME || id == CLOCK_BOOTTIME_ALARM;
}

bool time_has_clock(int id) { return is_cpu_clock(id) || is_real(id) || is_monotonic(id); }

/* Of a clock that is_real(). */
static uint64_t real_now(int id)
{
    return clock_real_ns() +
           (id == CLOCK_TAI ? __atomic_load_n(&clock_steps.tai_ns, __ATOMIC_RELAXED) : 0);
}

static int read_clock(int id, uint64_t *ns)
{
    if (is_cpu_clock(id))
        return cpu_clock(id, ns);
    if (is_real(id))
        *ns = real_now(id);
    else if (id == CLOCK_MONOTONIC_RAW)
        *ns = clock_raw_ns();
    else if (is_monotonic(id))
        *ns = clock_mono_ns();
    else
        return -EINVAL;
    return 0;
}

SYSCALL2(clock_gettime, int, id, uaddr_t, to)
{
    uint64_t ns;
    int err = read_clock(id, &ns);

    return err != 0 ? err : put_user(to_timespec(ns), to);
}

SYSCALL2(clock_getres, int, id, uaddr_t, to)
{
    uint64_t ns;
    int err = read_clock(id, &ns);

    if (err != 0 || to == 0)
        return err;
    return put_user(to_timespec(1), to);
}

void time_set_clock(uint64_t ns) { posix_timers_clock_set(ns); }

SYSCALL2(clock_settime, int, id, uaddr_t, from)
{
    uint64_t ns;

    if (id != CLOCK_REALTIME && id >= 0)
        return -EINVAL;
    int err = get_timespec(from, &ns);
    if (err == 0 && id < 0) /* nobody sets what a task has used */
        err = cpu_clock(id, &ns) != 0 ? -EINVAL : -EPERM;
    if (err != 0)
        return err;
    if (!has_cap(CAP_SYS_TIME))
        return -EPERM;
    time_set_clock(ns);
    return 0;
}

/* The kernel itself keeps UTC; it remembers what it is told. */
static struct timezone zone;
#define ZONE_MOST (15 * 60) /* minutes */

SYSCALL2(gettimeofday, uaddr_t, tv, uaddr_t, tz)
{
    if (tv != 0 && put_user(to_timeval(clock_real_ns()), tv) != 0)
        return -EFAULT;
    return tz != 0 ? put_user(zone, tz) : 0;
}

SYSCALL2(settimeofday, uaddr_t, utv, uaddr_t, utz)
{
    struct __kernel_old_timeval tv;
    struct timezone tz;
    uint64_t ns;

    if ((utv != 0 && get_user(tv, utv) != 0) || (utz != 0 && get_user(tz, utz) != 0))
        return -EFAULT;
    int err = utv != 0 ? from_timeval(&tv, &ns) : 0;
    if (err != 0)
        return err;
    if (!has_cap(CAP_SYS_TIME))
        return -EPERM;
    if (utz != 0) {
        if (tz.tz_minuteswest < -ZONE_MOST || tz.tz_minuteswest > ZONE_MOST)
            return -EINVAL;
        zone = tz;
    }
    if (utv != 0)
        time_set_clock(ns);
    return 0;
}

SYSCALL1(time, uaddr_t, to)
{
    long now = (long)(clock_real_ns() / NSEC_PER_SEC);

    return to != 0 && put_user(now, to) != 0 ? -EFAULT : now;
}

/* --- sleeping --- */

/* Until a moment on CLOCK_MONOTONIC: 0 or -ERESTARTSYS. */
static int sleep_until(uint64_t deadline)
{
    int err;

    while ((err = block(BLOCK_nanosleep, 0, BLOCK_INTERRUPTIBLE, deadline)) == 0)
        ;
    return err == -ETIMEDOUT ? 0 : err;
}

static int sleep_until_real(int id, uint64_t moment)
{
    struct waiter w;
    int err = 0;

    waiter_add(&clock_was_set, &w);
    for (uint64_t now; err == 0 && (now = real_now(id)) < moment;) {
        err = block(BLOCK_nanosleep, 0, BLOCK_INTERRUPTIBLE, clock_mono_ns() + (moment - now));
        if (err == -ETIMEDOUT)
            err = 0;
        waitq_pass_on(&clock_was_set);
    }
    waiter_remove(&clock_was_set, &w);
    return err;
}

/* Sleeps for the rest of restart.deadline; cut short, writes what is left. */
static long sleep_restartable(struct task *t)
{
    uint64_t deadline = t->restart.deadline;

    if (sleep_until(deadline) == 0)
        return 0;
    if (t->restart.user != 0) {
        uint64_t now = clock_mono_ns();
        if (put_user(to_timespec(deadline > now ? deadline - now : 0), t->restart.user) != 0)
            return -EFAULT;
    }
    t->restart.fn = sleep_restartable;
    return -ERESTART_RESTARTBLOCK;
}

static long sleep_relative(uint64_t ns, uaddr_t remain)
{
    if (ns == 0)
        return 0;
    current->restart.deadline = MIN(clock_mono_ns() + ns, MAX_NS);
    current->restart.user = remain;
    return sleep_restartable(current);
}

SYSCALL2(nanosleep, uaddr_t, request, uaddr_t, remain)
{
    uint64_t ns;
    int err = get_timespec(request, &ns);

    return err != 0 ? err : sleep_relative(ns, remain);
}

/* Until a process has used so much CPU time.  Nobody tells when it has, so this looks again when all CPUs
 * together could have run it for what is missing.  Of one that has ended it is never. */
static int sleep_until_cpu(int id, uint64_t moment)
{
    uint64_t used;
    int err = 0;

    while (err == 0 || err == -ETIMEDOUT) {
        bool gone = cpu_clock(id, &used) != 0;
        if (!gone && used >= moment)
            return 0;
        err =
            block(BLOCK_nanosleep, 0, BLOCK_INTERRUPTIBLE,
                  gone ? NO_DEADLINE : clock_mono_ns() + MAX((moment - used) / ncpus, CPU_LOOK_NS));
    }
    return err;
}

static long sleep_cpu_restartable(struct task *t)
{
    int id = (int)t->restart.arg;
    uint64_t used, until = t->restart.deadline;

    if (sleep_until_cpu(id, until) == 0)
        return 0;
    if (t->restart.user != 0) {
        uint64_t left = cpu_clock(id, &used) == 0 && used < until ? until - used : 0;
        if (put_user(to_timespec(left), t->restart.user) != 0)
            return -EFAULT;
    }
    t->restart.fn = sleep_cpu_restartable;
    return -ERESTART_RESTARTBLOCK;
}

/* Not of the caller itself, who would sleep for ever. */
static long sleep_cpu(int id, bool absolute, uint64_t ns, uaddr_t remain)
{
    uint64_t used;

    if (cpu_clock_own_thread(id))
        return -EINVAL;
    int err = cpu_clock(id, &used);
    if (err != 0)
        return err;
    if (absolute)
        return sleep_until_cpu(id, ns) != 0 ? -ERESTARTNOHAND : 0;
    current->restart.arg = (uint32_t)id;
    current->restart.deadline = used + MIN(ns, MAX_NS - used);
    current->restart.user = remain;
    return sleep_cpu_restartable(current);
}

SYSCALL4(clock_nanosleep, int, id, int, flags, uaddr_t, request, uaddr_t, remain)
{
    uint64_t ns;

    if (id == CLOCK_THREAD_CPUTIME_ID || id == CLOCK_MONOTONIC_RAW || id == CLOCK_REALTIME_COARSE ||
        id == CLOCK_MONOTONIC_COARSE)
        return -EOPNOTSUPP;
    if (!time_has_clock(id))
        return -EINVAL;
    int err = get_timespec(request, &ns);
    if (err != 0)
        return err;
    if (is_cpu_clock(id))
        return sleep_cpu(id, flags & TIMER_ABSTIME, ns, remain);
    if (!(flags & TIMER_ABSTIME))
        return sleep_relative(ns, remain);
    err = is_real(id) ? sleep_until_real(id, ns) : sleep_until(ns);
    return err != 0 ? -ERESTARTNOHAND : 0;
}

/* --- interval timers --- */

static struct __kernel_old_itimerval to_itimerval(const struct itimer_setting *s)
{
    uint64_t left = s->left_ns != 0 ? MAX(s->left_ns, (uint64_t)NSEC_PER_USEC) : 0;

    return (struct __kernel_old_itimerval){ to_timeval(s->interval_ns), to_timeval(left) };
}

SYSCALL2(getitimer, int, which, uaddr_t, to)
{
    struct itimer_setting now;

    if (which < ITIMER_REAL || which > ITIMER_PROF)
        return -EINVAL;
    itimer_set(current->proc, which, NULL, &now);
    return put_user(to_itimerval(&now), to);
}

/* A NULL value stops the timer, as Linux has it. */
SYSCALL3(setitimer, int, which, uaddr_t, value, uaddr_t, oldvalue)
{
    struct itimer_setting to = { 0, 0 }, old;
    struct __kernel_old_itimerval it;

    if (value != 0) {
        if (get_user(it, value) != 0)
            return -EFAULT;
        if (from_timeval(&it.it_value, &to.left_ns) != 0 ||
            from_timeval(&it.it_interval, &to.interval_ns) != 0)
            return -EINVAL;
    }
    if (which < ITIMER_REAL || which > ITIMER_PROF)
        return -EINVAL;
    itimer_set(current->proc, which, &to, &old);
    return oldvalue != 0 ? put_user(to_itimerval(&old), oldvalue) : 0;
}

/* Seconds left are rounded to the nearest, but a running alarm has at least one. */
SYSCALL1(alarm, unsigned, seconds)
{
    struct itimer_setting to = { seconds * NSEC_PER_SEC, 0 }, old;

    itimer_set(current->proc, ITIMER_REAL, &to, &old);
    uint64_t left = (old.left_ns + NSEC_PER_SEC / 2) / NSEC_PER_SEC;
    return (long)(left == 0 && old.left_ns != 0 ? 1 : left);
}

/* --- POSIX timers --- */

static struct __kernel_itimerspec to_itimerspec(const struct itimer_setting *s)
{
    return (struct __kernel_itimerspec){ to_timespec(s->interval_ns), to_timespec(s->left_ns) };
}

SYSCALL3(timer_create, int, clock, uaddr_t, event, uaddr_t, to)
{
    struct sigevent ev;
    int id;

    if (event != 0 && get_user(ev, event) != 0)
        return -EFAULT;
    int err = posix_timer_create(clock, event != 0 ? &ev : NULL, &id);
    if (err == 0 && put_user(id, to) != 0) {
        posix_timer_delete(id);
        err = -EFAULT;
    }
    return err;
}

SYSCALL4(timer_settime, int, id, int, flags, uaddr_t, value, uaddr_t, oldvalue)
{
    struct __kernel_itimerspec it, was;
    struct itimer_setting to, old;

    if (value == 0)
        return -EINVAL;
    if (get_user(it, value) != 0)
        return -EFAULT;
    if (from_timespec(&it.it_value, &to.left_ns) != 0 ||
        from_timespec(&it.it_interval, &to.interval_ns) != 0)
        return -EINVAL;
    int err = posix_timer_set(id, flags & TIMER_ABSTIME, &to, &old);
    if (err != 0 || oldvalue == 0)
        return err;
    was = to_itimerspec(&old);
    return put_user(was, oldvalue);
}

SYSCALL2(timer_gettime, int, id, uaddr_t, to)
{
    struct itimer_setting now;
    int err = posix_timer_get(id, &now);

    return err != 0 ? err : put_user(to_itimerspec(&now), to);
}

SYSCALL1(timer_getoverrun, int, id) { return posix_timer_overrun(id); }

SYSCALL1(timer_delete, int, id) { return posix_timer_delete(id); }
