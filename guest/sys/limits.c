/* limits.c - resource limits, and what has been used: prlimit, getrusage, times. */
#include "sys/rusage.h"
#include "arch/clock.h"
#include "arch/uaccess.h"
#include "lib/string.h"
#include "sys/syscall.h"
#include <linux/fs.h>
#include <linux/times.h>

#define TICK_NS (NSEC_PER_SEC / 100) /* clock_t counts in hundredths */

/* --- limits ------------------------------------------------------------------- */

static int set_limit(struct process *p, unsigned which, const struct rlimit64 *new)
{
    struct rlimit64 *now = &p->rlim[which];

    if (new->rlim_cur > new->rlim_max)
        return -EINVAL;
    if (new->rlim_max > now->rlim_max && !capable())
        return -EPERM;
    if (which == RLIMIT_NOFILE && new->rlim_max > 1048576)
        return -EPERM; /* fs.nr_open, which nobody may exceed */
    *now = *new;
    if (which == RLIMIT_CPU)
        itimer_cpu_limit(p);
    return 0;
}

static bool may_limit(const struct process *p)
{
    const struct cred *me = &current->cred, *c = &p->leader->cred;

    return p == current->proc || capable() ||
           (me->uid == c->uid && me->uid == c->euid && me->uid == c->suid && me->gid == c->gid &&
            me->gid == c->egid && me->gid == c->sgid);
}

/* Either pointer may be NULL. */
static int do_prlimit(int pid, unsigned which, const struct rlimit64 *new, struct rlimit64 *old)
{
    int rc = 0;

    if (which >= RLIM_NLIMITS)
        return -EINVAL;
    spin_lock(&tree_lock);
    struct task *t = pid == 0 ? current : pid > 0 ? task_find((uint32_t)pid) : NULL;
    if (t == NULL)
        rc = -ESRCH;
    else if (!may_limit(t->proc))
        rc = -EPERM;
    if (rc == 0 && old != NULL)
        *old = t->proc->rlim[which];
    if (rc == 0 && new != NULL)
        rc = set_limit(t->proc, which, new);
    spin_unlock(&tree_lock);
    return rc;
}

/* struct rlimit and struct rlimit64 are the same on this machine. */
SYSCALL4(prlimit64, int, pid, unsigned, which, uaddr_t, new_at, uaddr_t, old_at)
{
    struct rlimit64 new, old;

    if (new_at != 0 && get_user(new, new_at) != 0)
        return -EFAULT;
    int rc = do_prlimit(pid, which, new_at != 0 ? &new : NULL, &old);
    if (rc == 0 && old_at != 0)
        rc = put_user(old, old_at);
    return rc;
}

SYSCALL2(getrlimit, unsigned, which, uaddr_t, at)
{
    struct rlimit64 old;
    int rc = do_prlimit(0, which, NULL, &old);

    return rc == 0 ? put_user(old, at) : rc;
}

SYSCALL2(setrlimit, unsigned, which, uaddr_t, at)
{
    struct rlimit64 new;

    return get_user(new, at) != 0 ? -EFAULT : do_prlimit(0, which, &new, NULL);
}

/* --- usage -------------------------------------------------------------------- */

struct usage {
    uint64_t user, sys, minflt, nvcsw, nivcsw, maxrss;
};

static void add_thread(struct usage *u, struct task *t)
{
    uint64_t user, sys;

    task_times(t, &user, &sys);
    u->user += user;
    u->sys += sys;
    u->minflt += t->minflt;
    u->nvcsw += t->nvcsw;
    u->nivcsw += t->nivcsw;
    if (t->mm != NULL)
        u->maxrss = MAX(u->maxrss, t->mm->hiwater_rss);
}

static void add_self(struct usage *u, const struct process *p)
{
    struct task *t;

    u->user += p->utime_ns;
    u->sys += p->stime_ns;
    u->minflt += p->minflt;
    u->nvcsw += p->nvcsw;
    u->nivcsw += p->nivcsw;
    u->maxrss = MAX(u->maxrss, p->maxrss);
    list_for_each(t, &p->threads, thread_link) {
        spin_lock(&t->lock);
        add_thread(u, t);
        spin_unlock(&t->lock);
    }
}

static void add_children(struct usage *u, const struct process *p)
{
    u->user += p->cutime_ns;
    u->sys += p->cstime_ns;
    u->minflt += p->cminflt;
    u->nvcsw += p->cnvcsw;
    u->nivcsw += p->cnivcsw;
    u->maxrss = MAX(u->maxrss, p->cmaxrss);
}

static struct __kernel_old_timeval timeval_of(uint64_t ns)
{
    return (struct __kernel_old_timeval){ (__kernel_old_time_t)(ns / NSEC_PER_SEC),
                                          (__kernel_long_t)(ns % NSEC_PER_SEC / 1000) };
}

static void fill(struct rusage *ru, const struct usage *u)
{
    memset(ru, 0, sizeof *ru);
    ru->ru_utime = timeval_of(u->user);
    ru->ru_stime = timeval_of(u->sys);
    ru->ru_maxrss = (__kernel_long_t)(u->maxrss * (PAGE_SIZE / 1024));
    ru->ru_minflt = (__kernel_long_t)u->minflt;
    ru->ru_nvcsw = (__kernel_long_t)u->nvcsw;
    ru->ru_nivcsw = (__kernel_long_t)u->nivcsw;
}

void rusage_of_process(const struct process *p, int who, struct rusage *ru)
{
    struct usage u = { 0 };

    if (who != RUSAGE_CHILDREN)
        add_self(&u, p);
    if (who != RUSAGE_SELF)
        add_children(&u, p);
    fill(ru, &u);
}

SYSCALL2(getrusage, int, who, uaddr_t, at)
{
    struct rusage ru;
    struct usage u = { 0 };

    if (who == RUSAGE_THREAD) {
        add_thread(&u, current);
        fill(&ru, &u);
    } else if (who == RUSAGE_SELF || who == RUSAGE_CHILDREN) {
        spin_lock(&tree_lock);
        rusage_of_process(current->proc, who, &ru);
        spin_unlock(&tree_lock);
    } else {
        return -EINVAL;
    }
    return put_user(ru, at);
}

SYSCALL1(times, uaddr_t, at)
{
    struct process *p = current->proc;
    struct usage u = { 0 };

    if (at != 0) {
        spin_lock(&tree_lock);
        add_self(&u, p);
        struct tms tms = {
            (__kernel_clock_t)(u.user / TICK_NS),
            (__kernel_clock_t)(u.sys / TICK_NS),
            (__kernel_clock_t)(p->cutime_ns / TICK_NS),
            (__kernel_clock_t)(p->cstime_ns / TICK_NS),
        };
        spin_unlock(&tree_lock);
        if (put_user(tms, at) != 0)
            return -EFAULT;
    }
    return (long)(clock_mono_ns() / TICK_NS);
}
