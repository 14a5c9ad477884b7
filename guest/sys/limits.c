/* limits.c - resource limits, and what has been used: prlimit, getrusage, times. */
#include "arch/clock.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/fd.h"
#include "proc/cpu_clock.h"
#include "proc/itimer.h"
#include "proc/pid.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include "proc/rusage.h"
#include <linux/fs.h>
#include <linux/times.h>

#define TICK_NS (NSEC_PER_SEC / 100) /* clock_t counts in hundredths */

/* --- limits ------------------------------------------------------------------- */

static int set_limit(struct process *p, unsigned which, const struct rlimit64 *new)
{
    struct rlimit64 *now = &p->rlim[which];

    if (new->rlim_cur > new->rlim_max)
        return -EINVAL;
    if (new->rlim_max > now->rlim_max && !has_cap(CAP_SYS_RESOURCE))
        return -EPERM;
    if (which == RLIMIT_NOFILE && new->rlim_max > fd_nr_open)
        return -EPERM; /* nobody may */
    *now = *new;
    if (which == RLIMIT_CPU)
        itimer_cpu_limit(p);
    return 0;
}

static bool may_limit(const struct process *p)
{
    const struct cred *me = &current->cred, *c = &p->leader->cred;

    return p == current->proc || has_cap(CAP_SYS_RESOURCE) ||
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
    struct task *t = pid > 0 ? task_named((uint32_t)pid) : NULL;
    if (pid == 0)
        t = current;
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

SYSCALL2(getrusage, int, who, uaddr_t, at)
{
    struct rusage ru;

    if (who == RUSAGE_THREAD) {
        rusage_of_thread(current, &ru);
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
    uint64_t user, sys;

    if (at != 0) {
        process_cpu_times(p, &user, &sys);
        spin_lock(&tree_lock);
        struct tms tms = {
            (__kernel_clock_t)(user / TICK_NS),
            (__kernel_clock_t)(sys / TICK_NS),
            (__kernel_clock_t)(p->cutime_ns / TICK_NS),
            (__kernel_clock_t)(p->cstime_ns / TICK_NS),
        };
        spin_unlock(&tree_lock);
        if (put_user(tms, at) != 0)
            return -EFAULT;
    }
    return (long)(clock_mono_ns() / TICK_NS);
}
