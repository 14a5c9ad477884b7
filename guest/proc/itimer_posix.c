/* itimer_posix.c - POSIX timers: timer_create(2) and friends.
 *
 * At most one signal of a timer is queued, and the timer knows it: expiries that find it there
 * count as its overrun.  Each timer counts as a queued signal for RLIMIT_SIGPENDING.
 *
 * A moment on CLOCK_REALTIME becomes one on CLOCK_MONOTONIC when the timer is set, and is
 * moved when the clock is.  There may be thousands of such timers, so they are moved in
 * steps: a timer knows for which setting of the clock its moment is right, and whoever looks
 * at it (it may fire in between) moves it first.  Those that are wrong stand in front in one list.
 *
 * A moment on a CPU-time clock has no moment on CLOCK_MONOTONIC.  The kernel timer of such a one
 * looks at that clock, and again when the moment could have come at the earliest, all CPUs
 * running for it; less often while the clock stands still.  It ends with whose clock it is.
 *
 * What fires looks under itimer_lock whether it is due, as in itimer.c; deletion
 * takes the timer out of the list under that lock and then waits for one that fires. */
#include "arch/preempt.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "proc/cpu_clock.h"
#include "proc/itimer.h"
#include "proc/pid.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include "proc/signal_internal.h"

struct posix_timer {
    struct list link;     /* [i] in proc->posix_timers */
    struct process *proc; /* [k], as all up to value */
    struct sig_account *account;
    int id;
    int clock;
    int notify, signo;
    uint32_t tid; /* SIGEV_THREAD_ID */
    sigval_t value;
    struct itimer it;
    struct list real_link;    /* [i] in `real` while it is set to a moment on CLOCK_REALTIME */
    struct clock_steps steps; /* [i] for which it is right, then */
    struct cpu_clock cpu;     /* [k] on that one, where is_cpu_clock(clock) */
    struct cpu_sum *sum;      /* fire_cpu()'s, as the next two: of the clock, under way; */
    uint64_t seen_ns;         /* what it showed at the last look, */
    uint32_t still;           /* and how many looks found it standing still */
    struct timer_signal sent; /* [s] overrun: read without */
};

static struct list real = LIST_INIT(real); /* [i] */

/* Its moment is right for the clock as it is now.  itimer_lock held. */
static void follow(struct posix_timer *pt)
{
    if (list_empty(&pt->real_link) || pt->steps.count == clock_steps.count)
        return;
    uint64_t by = clock_steps.moved_ns - pt->steps.moved_ns;
    if (pt->clock == CLOCK_TAI)
        by += clock_steps.tai_ns - pt->steps.tai_ns;
    pt->steps = clock_steps;
    list_remove(&pt->real_link);
    list_push_back(&real, &pt->real_link);
    if (pt->it.at_ns != 0)
        itimer_start(&pt->it, pt->it.at_ns - by);
}

static void fire(struct timer *t)
{
    struct posix_timer *pt = container_of(t, struct posix_timer, it.timer);

    spin_lock(&itimer_lock);
    follow(pt);
    spin_unlock(&itimer_lock);
    itimer_fire(t);
}

#define STILL_MOST 3u /* then it is looked at every CPU_LOOK_NS << 3 */

/* To look again when its moment may have come.  itimer_lock held. */
static void start_cpu(struct posix_timer *pt, uint64_t now)
{
    uint64_t left = pt->it.at_ns > now ? pt->it.at_ns - now : 0;

    if (pt->it.at_ns == 0 || pt->notify == SIGEV_NONE || cpu_clock_gone(&pt->cpu))
        return;
    if (left != 0)
        left = MAX(left / cpu_clock_speed(&pt->cpu), CPU_LOOK_NS << pt->still);
    timer_start(&pt->it.timer, clock_mono_ns() + left);
}

static void fire_cpu(struct timer *t)
{
    struct posix_timer *pt = container_of(t, struct posix_timer, it.timer);
    uint64_t now;
    uint32_t missed;
    bool due = false, known = cpu_clock_read_some(&pt->cpu, &pt->sum, &now);

    spin_lock(&itimer_lock);
    if (known) {
        pt->still = now == pt->seen_ns ? MIN(pt->still + 1, STILL_MOST) : 0;
        pt->seen_ns = now;
        due = itimer_look(&pt->it, now, &missed);
        start_cpu(pt, now);
    } else if (pt->it.at_ns != 0) {
        timer_start(t, clock_mono_ns());
    }
    spin_unlock(&itimer_lock);
    if (due)
        pt->it.expired(&pt->it, missed);
}

/* Current's timer of that number, with itimer_lock held; NULL, and the lock is not held. */
static struct posix_timer *find(int id)
{
    struct posix_timer *pt;

    spin_lock(&itimer_lock);
    list_for_each(pt, &current->proc->posix_timers, link)
        if (pt->id == id) {
            follow(pt);
            return pt;
        }
    spin_unlock(&itimer_lock);
    return NULL;
}

/* Its clock's time.  0, -EINVAL or -ESRCH. */
static int now_of(int id, uint64_t *now)
{
    struct posix_timer *pt = find(id);

    if (pt == NULL)
        return -EINVAL;
    bool on_cpu = is_cpu_clock(pt->clock);
    struct cpu_clock cpu = pt->cpu;
    if (on_cpu)
        cpu_clock_get(&cpu);
    spin_unlock(&itimer_lock);
    *now = clock_mono_ns();
    if (!on_cpu)
        return 0;
    int err = cpu_clock_gone(&cpu) ? -ESRCH : 0;
    *now = cpu_clock_read(&cpu); /* takes tree_lock */
    cpu_clock_put(&cpu);
    return err;
}

static void send_expiry(struct posix_timer *pt, struct process *p, struct task *to, uint32_t missed)
{
    siginfo_t info;

    memset(&info, 0, sizeof(info));
    info.si_code = SI_TIMER;
    info.si_tid = pt->id;
    info.si_overrun = (int)missed;
    info.si_value = pt->value;
    signal_send_timer_locked(p, to, pt->signo, &info, &pt->sent);
}

static void expired(struct itimer *it, uint32_t missed)
{
    struct posix_timer *pt = container_of(it, struct posix_timer, it);
    struct process *p = pt->proc;
    struct task *to = NULL, *any;

    if (pt->notify == SIGEV_NONE)
        return;
    spin_lock(&tree_lock);
    any = list_empty(&p->threads) ? NULL : list_first(&p->threads, struct task, thread_link);
    if (pt->notify == SIGEV_THREAD_ID) {
        to = task_find(pt->tid);
        any = to = to != NULL && to->proc == p ? to : NULL;
    }
    if (any != NULL && any->sighand != NULL) {
        spin_lock(&any->sighand->lock);
        bool queued = sigqueue_overrun(pt->sent.queued, missed + 1);
        spin_unlock(&any->sighand->lock);
        if (!queued)
            send_expiry(pt, p, to, missed);
    }
    spin_unlock(&tree_lock);
}

/* Nothing wakes this machine. */
static bool is_alarm(int clock)
{
    return clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
}

static int clock_has_timers(int clock)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_MONOTONIC:
    case CLOCK_BOOTTIME:
    case CLOCK_TAI: return 0;
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_MONOTONIC_COARSE: return -EOPNOTSUPP;
    }
    if (is_alarm(clock)) /* refused later */
        return 0;
    if (clock < 0 && (clock & 7) == 3) /* a device's: by its descriptor */
        return -EOPNOTSUPP;
    return is_cpu_clock(clock) ? 0 : -EINVAL;
}

/* Fills pt from ev; 0 or -EINVAL. */
static int set_event(struct posix_timer *pt, const struct sigevent *ev)
{
    pt->notify = SIGEV_SIGNAL;
    pt->signo = SIGALRM;
    pt->value.sival_int = pt->id;
    if (ev == NULL)
        return 0;
    pt->notify = ev->sigev_notify;
    pt->signo = ev->sigev_signo;
    pt->value = ev->sigev_value;
    if (pt->notify == SIGEV_NONE)
        return 0;
    if (pt->signo < 1 || pt->signo > SIG_MAX)
        return -EINVAL;
    if (pt->notify == SIGEV_THREAD_ID) {
        pt->tid = pid_named((uint32_t)ev->_sigev_un._tid);
        spin_lock(&tree_lock);
        struct task *t = task_find(pt->tid);
        bool ours = t != NULL && t->proc == current->proc;
        spin_unlock(&tree_lock);
        return ours ? 0 : -EINVAL;
    }
    return pt->notify == SIGEV_SIGNAL || pt->notify == SIGEV_THREAD ? 0 : -EINVAL;
}

int posix_timer_create(int clock, const struct sigevent *ev, int *id)
{
    struct process *p = current->proc;

    int err = clock_has_timers(clock);
    if (err != 0)
        return err;
    struct posix_timer *pt = kzalloc(sizeof(*pt));
    if (pt == NULL)
        return -EAGAIN;
    pt->account = signal_charge(current->cred.uid, p->rlim[RLIMIT_SIGPENDING].rlim_cur);
    if (pt->account == NULL) {
        kfree(pt);
        return -EAGAIN;
    }
    pt->proc = p;
    pt->clock = clock;
    itimer_setup(&pt->it, expired);
    timer_setup(&pt->it.timer, is_cpu_clock(clock) ? fire_cpu : fire);
    list_init(&pt->real_link);
    spin_lock(&itimer_lock);
    pt->id = (int)p->next_timer_id;
    p->next_timer_id = (p->next_timer_id + 1) & INT32_MAX;
    spin_unlock(&itimer_lock);
    err = set_event(pt, ev);
    if (err == 0 && is_alarm(clock))
        err = -EOPNOTSUPP;
    if (err == 0 && is_cpu_clock(clock))
        err = cpu_clock_open(clock, false, &pt->cpu);
    if (err != 0) {
        signal_uncharge(pt->account);
        kfree(pt);
        return err;
    }
    spin_lock(&itimer_lock);
    list_push_back(&p->posix_timers, &pt->link);
    spin_unlock(&itimer_lock);
    *id = pt->id;
    return 0;
}

/* What a moment is counted from, in terms of `now`, its clock.  itimer_lock held. */
static uint64_t base_of(struct posix_timer *pt, bool absolute, uint64_t now)
{
    bool follows_real = absolute && (pt->clock == CLOCK_REALTIME || pt->clock == CLOCK_TAI);

    list_remove(&pt->real_link);
    if (!follows_real)
        return absolute ? 0 : now;
    pt->steps = clock_steps;
    list_push_back(&real, &pt->real_link);
    uint64_t ahead = pt->clock == CLOCK_TAI ? clock_steps.tai_ns : 0;
    return clock_mono_ns() - clock_real_ns() - ahead; /* modulo 2^64, as the sum with it */
}

/* Nobody looks at one that only gets read.  itimer_lock held. */
static void read_timer(struct posix_timer *pt, uint64_t now, struct itimer_setting *s)
{
    uint32_t missed;

    if (pt->notify == SIGEV_NONE)
        itimer_look(&pt->it, now, &missed);
    itimer_read(&pt->it, now, s);
}

int posix_timer_set(int id, bool absolute, const struct itimer_setting *to,
                    struct itimer_setting *old)
{
    uint64_t now;
    int err = now_of(id, &now);
    struct posix_timer *pt = err == 0 ? find(id) : NULL;

    if (pt == NULL)
        return err != 0 ? err : -EINVAL;
    uint64_t base = base_of(pt, absolute, now);
    read_timer(pt, now, old);
    pt->it.interval_ns = to->left_ns != 0 ? to->interval_ns : 0;
    pt->it.at_ns = 0;
    __atomic_store_n(&pt->sent.overrun, 0, __ATOMIC_RELAXED);
    uint64_t at = base + to->left_ns;
    if (to->left_ns != 0 && is_cpu_clock(pt->clock)) {
        pt->it.at_ns = MIN(at, (uint64_t)INT64_MAX);
        pt->still = 0;
        start_cpu(pt, now);
    } else if (to->left_ns != 0) {
        itimer_start(&pt->it, absolute ? at : MIN(at, (uint64_t)INT64_MAX));
    }
    spin_unlock(&itimer_lock);
    return 0;
}

static void nothing(void) {}
static void (*set_clock)(uint64_t ns) = clock_set_real_ns;
static void (*clock_is_set)(void) = nothing;

void posix_timers_set_clock_by(void (*set)(uint64_t ns), void (*after)(void))
{
    set_clock = set;
    clock_is_set = after;
}

#define WORK_MOVE 400u /* instructions, about (arch/preempt.h) */

/* The clock was set: what follows it is moved.  Several CPUs may be at it at once. */
static void move_all(void)
{
    bool more = true;

    while (more) {
        spin_lock(&itimer_lock);
        struct posix_timer *pt =
            list_empty(&real) ? NULL : list_first(&real, struct posix_timer, real_link);
        more = pt != NULL && pt->steps.count != clock_steps.count;
        if (more)
            follow(pt);
        spin_unlock(&itimer_lock);
        preempt_work(WORK_MOVE);
    }
}

struct waitq clock_was_set = WAITQ_INIT(clock_was_set);

void posix_timers_clock_set(uint64_t ns)
{
    spin_lock(&itimer_lock);
    set_clock(ns);
    spin_unlock(&itimer_lock);
    move_all();
    clock_is_set();
    waitq_wake(&clock_was_set);
}

/* What is left on the clock of one that has ended is nothing. */
int posix_timer_get(int id, struct itimer_setting *s)
{
    uint64_t now;
    int err = now_of(id, &now);
    struct posix_timer *pt = err != -EINVAL ? find(id) : NULL;

    *s = (struct itimer_setting){ 0, 0 };
    if (pt == NULL)
        return -EINVAL;
    if (err == 0)
        read_timer(pt, now, s);
    spin_unlock(&itimer_lock);
    return 0;
}

int posix_timer_overrun(int id)
{
    struct posix_timer *pt = find(id);

    if (pt == NULL)
        return -EINVAL;
    int n = __atomic_load_n(&pt->sent.overrun, __ATOMIC_RELAXED);
    spin_unlock(&itimer_lock);
    return n;
}

/* itimer_lock held, and given back.  One that fires meanwhile finds that it is off and
 * does not start it again. */
static void destroy(struct posix_timer *pt)
{
    list_remove(&pt->link);
    list_remove(&pt->real_link);
    pt->it.at_ns = 0;
    spin_unlock(&itimer_lock);
    timer_finish(&pt->it.timer);
    cpu_sum_end(&pt->sum);
    cpu_clock_put(&pt->cpu);
    spin_lock(&current->sighand->lock);
    sigqueue_disown(pt->sent.queued);
    spin_unlock(&current->sighand->lock);
    signal_uncharge(pt->account);
    kfree(pt);
}

int posix_timer_delete(int id)
{
    struct posix_timer *pt = find(id);

    if (pt == NULL)
        return -EINVAL;
    destroy(pt);
    return 0;
}

#define WORK_DELETE 400u /* instructions, about (arch/preempt.h) */

void posix_timers_delete_all(struct process *p)
{
    while (!list_empty(&p->posix_timers)) { /* the last thread adds none */
        spin_lock(&itimer_lock);
        destroy(list_first(&p->posix_timers, struct posix_timer, link));
        preempt_work(WORK_DELETE);
    }
}
