/* timerfd.c - a timer as a file: timerfd_create(2).
 *
 * A timer that has fired is not started again before somebody reads it or asks: the
 * moments of its row that have passed since are counted then.  So an interval that nobody reads
 * costs nothing, however short.
 *
 * One lock guards all of them.  The kernel's timer only sees to it that somebody looks: it
 * finds under the lock what was set last.  A timer for a moment on CLOCK_REALTIME is kept as
 * one on CLOCK_MONOTONIC, and is moved when the clock is set.  There may be thousands of
 * them, so that is done in steps: a timer knows for which setting of the clock its moment is
 * right, and whoever looks at it moves it first.  Those that are wrong stand in front in one list. */
#include "arch/clock.h"
#include "arch/preempt.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/anon_inode.h"
#include "fs/fd.h"
#include "fs/inode.h"
#include "event/timerfd.h"
#include "fs/poll.h"
#include "mm/heap.h"
#include "proc/itimer.h"

#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/timerfd.h>

#define MAX_NS ((uint64_t)INT64_MAX)

struct timerfd {          /* [l] lock; all but the wait queue */
    int clock;            /* [k] */
    bool armed;           /* at_ns means something */
    int64_t at_ns;        /* on CLOCK_MONOTONIC; of CLOCK_REALTIME perhaps before boot */
    uint64_t interval_ns; /* 0: only once */
    uint64_t ticks;       /* read without */
    bool expired;         /* at_ns has passed, and what came after it is not in `ticks` */
    bool cancel_on_set, canceled;
    struct clock_steps steps; /* for which at_ns is right, while it follows the clock */
    uint32_t flags;           /* of the last timerfd_settime(2) */
    struct timer timer;
    struct waitq wait;
    struct list real_link; /* in `real` while it follows the clock */
};

static struct spinlock lock = SPINLOCK_INIT(LOCK_event);
static struct list real = LIST_INIT(real); /* [l] */
static struct superblock timerfd_sb = ANON_INODES("[timerfd]");

static bool is_real(int clock) { return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM; }

static bool is_alarm(int clock)
{
    return clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
}

static uint64_t ticks_now(const struct timerfd *t)
{
    return __atomic_load_n(&t->ticks, __ATOMIC_ACQUIRE);
}

static void set_ticks(struct timerfd *t, uint64_t n)
{
    __atomic_store_n(&t->ticks, n, __ATOMIC_RELEASE);
}

/* --- the row of moments; lock held -------------------------------------------------------- */

static void start(struct timerfd *t, int64_t at)
{
    t->at_ns = at;
    t->armed = true;
    t->expired = false;
    timer_start(&t->timer, at > 0 ? (uint64_t)at : 1);
}

static int64_t now_ns(void) { return (int64_t)clock_mono_ns(); }

static bool running(const struct timerfd *t) { return t->armed && !t->expired; }

/* Its moment is right for the clock as it is now. */
static void follow(struct timerfd *t)
{
    if (list_empty(&t->real_link) || t->steps.count == clock_steps.count)
        return;
    int64_t by = (int64_t)(clock_steps.moved_ns - t->steps.moved_ns);
    t->steps = clock_steps;
    list_remove(&t->real_link);
    list_push_back(&real, &t->real_link);
    if (running(t))
        start(t, t->at_ns - by);
    if (!t->cancel_on_set)
        return;
    t->canceled = true;
    set_ticks(t, t->ticks + 1);
    waitq_wake_for(&t->wait, EPOLLIN);
}

static void fire(struct timer *timer)
{
    struct timerfd *t = container_of(timer, struct timerfd, timer);

    spin_lock(&lock);
    follow(t);
    bool due = running(t) && t->at_ns <= now_ns();
    if (due) {
        t->expired = true;
        set_ticks(t, t->ticks + 1);
    }
    spin_unlock(&lock);
    if (due)
        waitq_wake_for(&t->wait, EPOLLIN);
}

/* It has fired and is a row: counts what has passed, and starts it for what comes next. */
static void catch_up(struct timerfd *t)
{
    follow(t);
    if (!t->expired || t->interval_ns == 0)
        return;
    uint64_t passed = (uint64_t)(now_ns() - t->at_ns) / t->interval_ns;
    int64_t last = t->at_ns + (int64_t)(passed * t->interval_ns), next;
    set_ticks(t, t->ticks + passed);
    if (__builtin_add_overflow(last, (int64_t)t->interval_ns, &next))
        next = INT64_MAX;
    start(t, next);
}

static void look(const struct timerfd *t, struct itimer_setting *s)
{
    int64_t now = now_ns();

    s->interval_ns = t->interval_ns;
    s->left_ns = !running(t) ? 0 : t->at_ns > now ? (uint64_t)(t->at_ns - now) : 1;
}

static void set(struct timerfd *t, uint32_t flags, const struct itimer_setting *to)
{
    bool absolute = flags & TFD_TIMER_ABSTIME;

    bool follows_real = absolute && is_real(t->clock);

    list_remove(&t->real_link);
    t->cancel_on_set = follows_real && (flags & TFD_TIMER_CANCEL_ON_SET);
    t->canceled = false;
    t->flags = flags;
    t->interval_ns = to->interval_ns;
    t->armed = t->expired = false;
    set_ticks(t, 0);
    if (follows_real) {
        t->steps = clock_steps;
        list_push_back(&real, &t->real_link);
    }
    if (to->left_ns == 0)
        return;
    if (follows_real)
        start(t, (int64_t)(to->left_ns - clock_real_ns() + clock_mono_ns()));
    else
        start(t, (int64_t)(absolute ? to->left_ns : MIN(to->left_ns + clock_mono_ns(), MAX_NS)));
}

/* What posix_timers_clock_set() sets the clock by. */
static void clock_set(uint64_t ns)
{
    spin_lock(&lock);
    clock_set_real_ns(ns);
    spin_unlock(&lock);
}

#define WORK_MOVE 500u /* instructions, about (arch/preempt.h) */

/* And then: what follows it is moved.  Several CPUs may be at it at once. */
static void move_all(void)
{
    bool more = true;

    while (more) {
        spin_lock(&lock);
        struct timerfd *t = list_empty(&real) ? NULL : list_first(&real, struct timerfd, real_link);
        more = t != NULL && t->steps.count != clock_steps.count;
        if (more)
            follow(t);
        spin_unlock(&lock);
        preempt_work(WORK_MOVE);
    }
}

/* --- the file ------------------------------------------------------------------------------- */

/* The ticks, 0: none yet; or -ECANCELED. */
static int take(struct timerfd *t, uint64_t *ticks)
{
    int err = 0;

    spin_lock(&lock);
    follow(t);
    if (t->canceled) {
        t->canceled = t->expired = false;
        err = -ECANCELED;
    } else if (t->ticks != 0) {
        catch_up(t);
    }
    *ticks = t->ticks;
    set_ticks(t, 0);
    spin_unlock(&lock);
    return err;
}

static long timerfd_read(struct file *f, struct uio *u, uint64_t *pos __attribute__((unused)))
{
    struct timerfd *t = f->private;
    uint64_t ticks;

    if (u->left < sizeof(ticks))
        return -EINVAL;
    for (;;) {
        int err = take(t, &ticks);
        if (err == 0 && ticks != 0)
            break;
        if (err == 0 && (f->flags & O_NONBLOCK))
            err = -EAGAIN;
        if (err == 0)
            err = WAIT_EVENT(&t->wait, ticks_now(t) != 0, BLOCK_timerfd, 0, BLOCK_INTERRUPTIBLE,
                             NO_DEADLINE);
        if (err != 0)
            return err;
    }
    return uio_put(u, &ticks, sizeof(ticks)) == sizeof(ticks) ? (long)sizeof(ticks) : -EFAULT;
}

static uint32_t timerfd_poll(struct file *f, struct poll_table *pt)
{
    struct timerfd *t = f->private;

    poll_wait(pt, &t->wait);
    return ticks_now(t) != 0 ? EPOLLIN : 0;
}

static long timerfd_ioctl(struct file *f, uint32_t cmd, uaddr_t arg)
{
    struct timerfd *t = f->private;
    uint64_t ticks;

    if (cmd != TFD_IOC_SET_TICKS)
        return -ENOTTY;
    if (get_user(ticks, arg) != 0)
        return -EFAULT;
    if (ticks == 0)
        return -EINVAL;
    spin_lock(&lock);
    bool canceled = t->canceled;
    if (!canceled)
        set_ticks(t, ticks);
    spin_unlock(&lock);
    waitq_wake_for(&t->wait, EPOLLIN);
    return canceled ? -ECANCELED : 0;
}

static void timerfd_release(struct file *f)
{
    struct timerfd *t = f->private;

    spin_lock(&lock);
    list_remove(&t->real_link);
    t->armed = false;
    spin_unlock(&lock);
    timer_finish(&t->timer);
    kfree(t);
}

static void say_ns(struct file_info *to, const char *what, uint64_t ns)
{
    file_info_printf(to, "%s: (%llu, %llu)\n", what, (unsigned long long)(ns / NSEC_PER_SEC),
                     (unsigned long long)(ns % NSEC_PER_SEC));
}

static void timerfd_info(struct file *f, struct file_info *to)
{
    struct timerfd *t = f->private;
    struct itimer_setting s;

    spin_lock(&lock);
    uint64_t ticks = t->ticks;
    look(t, &s);
    uint32_t flags = t->flags;
    spin_unlock(&lock);
    file_info_printf(to, "clockid: %d\nticks: %llu\nsettime flags: 0%o\n", t->clock,
                     (unsigned long long)ticks, flags);
    say_ns(to, "it_value", s.left_ns);
    say_ns(to, "it_interval", s.interval_ns);
}

static const struct file_ops timerfd_ops = {
    .read = timerfd_read,
    .poll = timerfd_poll,
    .ioctl = timerfd_ioctl,
    .seek = anon_inode_seek,
    .release = timerfd_release,
    .info = timerfd_info,
    .nonseekable = true,
};

/* --- the calls -------------------------------------------------------------------------------- */

SYSCALL2(timerfd_create, int, clock, uint32_t, flags)
{
    if (flags & ~(uint32_t)(TFD_CLOEXEC | TFD_NONBLOCK))
        return -EINVAL;
    if (!is_real(clock) && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME && !is_alarm(clock))
        return -EINVAL;
    if (is_alarm(clock) && !has_cap(CAP_WAKE_ALARM))
        return -EPERM;
    struct timerfd *t = kzalloc(sizeof(*t));
    if (t == NULL)
        return -ENOMEM;
    t->clock = clock;
    timer_setup(&t->timer, fire);
    waitq_init(&t->wait);
    list_init(&t->real_link);
    int fd = anon_inode_fd(&timerfd_sb, &timerfd_ops, O_RDWR | flags, t);
    if (fd < 0)
        kfree(t);
    return fd;
}

/* Long times end at MAX_NS: 292 years. */
static bool to_ns(const struct __kernel_timespec *ts, uint64_t *ns)
{
    if (ts->tv_sec < 0 || (uint64_t)ts->tv_nsec >= NSEC_PER_SEC)
        return false;
    *ns = (uint64_t)ts->tv_sec >= MAX_NS / NSEC_PER_SEC
              ? MAX_NS
              : (uint64_t)ts->tv_sec * NSEC_PER_SEC + (uint64_t)ts->tv_nsec;
    return true;
}

static int give(const struct itimer_setting *s, uaddr_t at)
{
    struct __kernel_itimerspec its = {
        { (int64_t)(s->interval_ns / NSEC_PER_SEC), (int64_t)(s->interval_ns % NSEC_PER_SEC) },
        { (int64_t)(s->left_ns / NSEC_PER_SEC), (int64_t)(s->left_ns % NSEC_PER_SEC) },
    };

    return put_user(its, at);
}

static struct timerfd *timerfd_of(const struct file *f)
{
    return f->ops == &timerfd_ops ? f->private : NULL;
}

SYSCALL4(timerfd_settime, int, fd, uint32_t, flags, uaddr_t, value, uaddr_t, old)
{
    struct __kernel_itimerspec its;
    struct itimer_setting to, was;

    if (get_user(its, value) != 0)
        return -EFAULT;
    if ((flags & ~(uint32_t)(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) ||
        !to_ns(&its.it_value, &to.left_ns) || !to_ns(&its.it_interval, &to.interval_ns))
        return -EINVAL;
    WITH_FILE(f, fd);
    if (f == NULL || (f->flags & O_PATH))
        return -EBADF;
    struct timerfd *t = timerfd_of(f);
    if (t == NULL)
        return -EINVAL;
    if (is_alarm(t->clock) && !has_cap(CAP_WAKE_ALARM))
        return -EPERM;
    spin_lock(&lock);
    catch_up(t);
    look(t, &was);
    set(t, flags, &to);
    spin_unlock(&lock);
    return old != 0 ? give(&was, old) : 0;
}

SYSCALL2(timerfd_gettime, int, fd, uaddr_t, to)
{
    struct itimer_setting now;

    WITH_FILE(f, fd);
    if (f == NULL || (f->flags & O_PATH))
        return -EBADF;
    struct timerfd *t = timerfd_of(f);
    if (t == NULL)
        return -EINVAL;
    spin_lock(&lock);
    catch_up(t);
    look(t, &now);
    spin_unlock(&lock);
    return give(&now, to);
}

void timerfd_init(void) { posix_timers_set_clock_by(clock_set, move_all); }
