/* sched_policy.c - how a task is scheduled: sched_setscheduler(2), sched_setattr(2), ioprio_set(2).
 * The effect is sched/policy.c's.  What all deadlines together promise must fit (EBUSY).
 * I/O priorities are kept and inherited; there are no disks. */
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "mm/copy.h"
#include "mm/heap.h"
#include "proc/futex.h"
#include "proc/pid.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include "proc/task.h"
#include "proc/watched.h"
#include "sched/policy.h"
#include "sched/sched.h"
#include "sys/sched.h"
#include <linux/ioprio.h>
#include <linux/sched/types.h>

#define KEEP_POLICY UINT32_MAX
#define FLAGS \
    ((uint64_t)(SCHED_FLAG_RESET_ON_FORK | SCHED_FLAG_RECLAIM | SCHED_FLAG_DL_OVERRUN | \
                SCHED_FLAG_KEEP_ALL | SCHED_FLAG_UTIL_CLAMP))

static bool is_fair(uint32_t policy) { return policy == SCHED_NORMAL || policy == SCHED_BATCH; }

static bool nice_allowed(const struct task *t, int nice)
{
    return 20 - nice <= (int64_t)t->proc->rlim[RLIMIT_NICE].rlim_cur;
}

/* What needs CAP_SYS_NICE? */
static bool needs_right(const struct task *t, const struct sched_attr *a)
{
    uint64_t most = t->proc->rlim[RLIMIT_RTPRIO].rlim_cur;
    uint32_t euid = current->cred.euid;

    if (is_fair(a->sched_policy) && a->sched_nice < t->nice && !nice_allowed(t, a->sched_nice))
        return true;
    if (sched_realtime(a->sched_policy) &&
        ((a->sched_policy != t->policy && most == 0) ||
         (a->sched_priority > t->rt_priority && a->sched_priority > most)))
        return true;
    if (t->policy == SCHED_IDLE && a->sched_policy != SCHED_IDLE && !nice_allowed(t, t->nice))
        return true;
    if (a->sched_policy == SCHED_DEADLINE || (euid != t->cred.euid && euid != t->cred.uid))
        return true;
    return t->reset_on_fork && !(a->sched_flags & SCHED_FLAG_RESET_ON_FORK);
}

#define PERIOD_LEAST  100000ull /* ns, as Linux's sysctls have it */
#define PERIOD_MOST   4194304000ull
#define RUNTIME_LEAST 1024ull

static uint64_t period_of(const struct sched_attr *a)
{
    return a->sched_period != 0 ? a->sched_period : a->sched_deadline;
}

static bool deadline_valid(const struct sched_attr *a)
{
    uint64_t period = period_of(a);

    return a->sched_deadline != 0 && a->sched_runtime >= RUNTIME_LEAST &&
           a->sched_runtime <= a->sched_deadline && a->sched_deadline <= period &&
           period >= PERIOD_LEAST && period <= PERIOD_MOST;
}

/* tree_lock held.  *out is to be t's, which must be able to run wherever it is promised to. */
static int deadline_new(const struct task *t, const struct sched_attr *a, struct deadline **out)
{
    if ((t->cpus_allowed & cpus_online()) != cpus_online())
        return -EPERM;
    if (t->exiting)
        return -ESRCH;
    struct deadline *dl = kzalloc(sizeof *dl);
    if (dl == NULL)
        return -ENOMEM;
    dl->runtime = a->sched_runtime;
    dl->deadline = a->sched_deadline;
    dl->period = period_of(a);
    dl->flags = a->sched_flags & (SCHED_FLAG_RECLAIM | SCHED_FLAG_DL_OVERRUN);
    if (!sched_deadline_fits(t, dl)) {
        kfree(dl);
        return -EBUSY;
    }
    *out = dl;
    return 0;
}

/* tree_lock held. */
static int set_attr(struct task *t, struct sched_attr *a)
{
    if (a->sched_policy == KEEP_POLICY) {
        a->sched_policy = t->policy;
        a->sched_flags &= ~(uint64_t)SCHED_FLAG_RESET_ON_FORK;
        a->sched_flags |= t->reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0;
    }
    uint32_t policy = a->sched_policy;
    if ((!is_fair(policy) && !sched_realtime(policy) && policy != SCHED_IDLE &&
         policy != SCHED_DEADLINE) ||
        (a->sched_flags & ~FLAGS) || a->sched_priority > 99 ||
        sched_realtime(policy) != (a->sched_priority != 0) ||
        (policy == SCHED_DEADLINE && !deadline_valid(a)))
        return -EINVAL;
    if (needs_right(t, a) && !has_cap(CAP_SYS_NICE))
        return -EPERM;
    if (a->sched_flags & SCHED_FLAG_UTIL_CLAMP)
        return -EOPNOTSUPP;
    struct deadline *dl = NULL;
    int err = policy == SCHED_DEADLINE ? deadline_new(t, a, &dl) : 0;
    if (err != 0)
        return err;
    if (is_fair(policy))
        t->nice = a->sched_nice;
    if (sched_realtime(policy))
        task_set_slack(t, 0); /* what it has when it is no more */
    t->reset_on_fork = (a->sched_flags & SCHED_FLAG_RESET_ON_FORK) != 0;
    if (policy != t->policy || a->sched_priority != t->rt_priority || dl != NULL)
        sched_set_policy(t, policy, a->sched_priority, dl);
    task_watch(t);
    return 0;
}

static int set_policy(int tid, struct sched_attr *a, bool keep_nice)
{
    struct task *t;
    int rc = sched_find_task(tid, TO_LOOK, &t);

    if (rc != 0)
        return rc;
    spin_lock(&tree_lock);
    if (keep_nice || (a->sched_flags & SCHED_FLAG_KEEP_PARAMS)) {
        a->sched_nice = t->nice;
        a->sched_priority = keep_nice ? a->sched_priority : t->rt_priority;
        if (t->deadline != NULL) {
            a->sched_runtime = t->deadline->runtime;
            a->sched_deadline = t->deadline->deadline;
            a->sched_period = t->deadline->period;
        }
    }
    rc = set_attr(t, a);
    spin_unlock(&tree_lock);
    if (t->pi_owner != 0)
        futex_priority_set(t);
    task_put(t);
    return rc;
}

static int set_old(int tid, uint32_t policy, uaddr_t param)
{
    struct sched_attr a = { .sched_policy = policy };

    if (param == 0 || tid < 0)
        return -EINVAL;
    if (get_user(a.sched_priority, param) != 0)
        return -EFAULT;
    if (policy != KEEP_POLICY && policy & SCHED_RESET_ON_FORK) {
        a.sched_policy &= ~(uint32_t)SCHED_RESET_ON_FORK;
        a.sched_flags = SCHED_FLAG_RESET_ON_FORK;
    }
    return set_policy(tid, &a, true);
}

SYSCALL3(sched_setscheduler, int, tid, int, policy, uaddr_t, param)
{
    return policy < 0 ? -EINVAL : set_old(tid, (uint32_t)policy, param);
}

SYSCALL2(sched_setparam, int, tid, uaddr_t, param) { return set_old(tid, KEEP_POLICY, param); }

SYSCALL1(sched_getscheduler, int, tid)
{
    struct task *t;
    int rc = tid < 0 ? -EINVAL : sched_find_task(tid, TO_LOOK, &t);

    if (rc != 0)
        return rc;
    rc = t->policy | (t->reset_on_fork ? SCHED_RESET_ON_FORK : 0);
    task_put(t);
    return rc;
}

SYSCALL2(sched_getparam, int, tid, uaddr_t, param)
{
    struct task *t;
    int rc = tid < 0 || param == 0 ? -EINVAL : sched_find_task(tid, TO_LOOK, &t);

    if (rc != 0)
        return rc;
    int priority = t->rt_priority;
    task_put(t);
    return put_user(priority, param);
}

/* --- struct sched_attr, which grows ------------------------------------------------- */

static int too_big(uaddr_t at)
{
    uint32_t ours = sizeof(struct sched_attr);

    return put_user(ours, at) != 0 ? -EFAULT : -E2BIG;
}

static int get_attr(uaddr_t at, struct sched_attr *a)
{
    uint32_t size;

    if (get_user(size, at) != 0)
        return -EFAULT;
    if (size == 0)
        size = SCHED_ATTR_SIZE_VER0;
    if (size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE)
        return too_big(at);
    int rc = copy_struct_from_user(a, sizeof(*a), at, size);
    if (rc != 0)
        return rc == -E2BIG ? too_big(at) : rc;
    if (a->sched_flags & SCHED_FLAG_UTIL_CLAMP && size < SCHED_ATTR_SIZE_VER1)
        return -EINVAL;
    a->sched_nice = MAX(-20, MIN(19, a->sched_nice));
    return 0;
}

SYSCALL3(sched_setattr, int, tid, uaddr_t, attr, uint32_t, flags)
{
    struct sched_attr a;

    if (attr == 0 || tid < 0 || flags != 0)
        return -EINVAL;
    int rc = get_attr(attr, &a);
    if (rc != 0)
        return rc;
    if ((int32_t)a.sched_policy < 0)
        return -EINVAL;
    if (a.sched_flags & SCHED_FLAG_KEEP_POLICY)
        a.sched_policy = KEEP_POLICY;
    return set_policy(tid, &a, false);
}

SYSCALL4(sched_getattr, int, tid, uaddr_t, attr, uint32_t, size, uint32_t, flags)
{
    struct sched_attr a = { 0 };
    struct task *t;

    if (attr == 0 || tid < 0 || size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE || flags != 0)
        return -EINVAL;
    int rc = sched_find_task(tid, TO_LOOK, &t);
    if (rc != 0)
        return rc;
    a.size = MIN(size, (uint32_t)sizeof(a));
    a.sched_policy = t->policy;
    a.sched_flags = t->reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0;
    spin_lock(&tree_lock);
    const struct deadline *dl = t->deadline;
    if (sched_realtime(t->policy)) {
        a.sched_priority = t->rt_priority;
    } else if (dl != NULL) {
        a.sched_runtime = dl->runtime;
        a.sched_deadline = dl->deadline;
        a.sched_period = dl->period;
        a.sched_flags |= dl->flags;
    } else {
        a.sched_nice = t->nice;
    }
    spin_unlock(&tree_lock);
    task_put(t);
    return copy_to_user(attr, &a, a.size) != 0 ? -EFAULT : 0;
}

/* --- I/O priorities ------------------------------------------------------------------- */

#define WORK_LOOK 50u /* instructions a process, about (arch/preempt.h) */

/* Class, hints (of which there is nothing to refuse) and level, from the top; what is above is not looked at. */
static int check_io(uint16_t value)
{
    int level = value & 7;

    switch (value >> IOPRIO_CLASS_SHIFT) {
    case IOPRIO_CLASS_RT:
        if (!has_cap(CAP_SYS_ADMIN) && !has_cap(CAP_SYS_NICE))
            return -EPERM;
        return 0;
    case IOPRIO_CLASS_BE:
    case IOPRIO_CLASS_IDLE: return 0;
    case IOPRIO_CLASS_NONE: return level != 0 ? -EINVAL : 0;
    }
    return -EINVAL;
}

static bool io_selected(const struct process *p, int which, uint32_t who)
{
    return which == IOPRIO_WHO_PGRP
               ? p->pgid == who
               : !p->zombie && p->leader->cred.uid == who && pid_told(p->tgid) != 0;
}

static int set_io(struct task *t, uint16_t value)
{
    const struct cred *me = &current->cred;

    if (t->cred.uid != me->euid && t->cred.uid != me->uid && !has_cap(CAP_SYS_NICE))
        return -EPERM;
    t->io_priority = value;
    return 0;
}

/* Best effort with the level that nice stands for, where nothing was said. */
static int io_of(const struct task *t)
{
    int v = t->io_priority;

    if (v >> IOPRIO_CLASS_SHIFT == IOPRIO_CLASS_NONE)
        return IOPRIO_PRIO_VALUE(sched_realtime(t->policy) ? IOPRIO_CLASS_RT
                                 : t->policy == SCHED_IDLE ? IOPRIO_CLASS_IDLE
                                                           : IOPRIO_CLASS_BE,
                                 (t->nice + 20) / 5);
    return v;
}

/* tree_lock held, and given up now and then.  set: to value; else the best one's. */
static long io_walk(int which, int who, bool set, uint16_t value)
{
    struct family_walk w;
    struct process *p;
    long rc = -ESRCH;
    uint32_t id = which != IOPRIO_WHO_PGRP ? who != 0 ? (uint32_t)who : current->cred.uid
                  : who != 0               ? pid_named((uint32_t)who)
                                           : current->proc->pgid;

    family_walk_begin(&w, &all_processes);
    while (FAMILY_WALK_NEXT(&w, p, all_link, WORK_LOOK) != NULL) {
        if (!io_selected(p, which, id))
            continue;
        if (!set)
            rc = rc < 0 ? io_of(p->leader) : MIN(rc, io_of(p->leader));
        else if ((rc = set_io(p->leader, value)) != 0)
            break;
    }
    family_walk_end(&w);
    return rc;
}

SYSCALL3(ioprio_set, int, which, int, who, int, value)
{
    uint16_t kept = (uint16_t)value;
    long rc = check_io(kept);

    if (rc != 0)
        return rc;
    if (which < IOPRIO_WHO_PROCESS || which > IOPRIO_WHO_USER)
        return -EINVAL;
    spin_lock(&tree_lock);
    if (which == IOPRIO_WHO_PROCESS) {
        struct task *t = who == 0 ? current : task_named((uint32_t)who);
        rc = t != NULL ? set_io(t, kept) : -ESRCH;
    } else {
        rc = io_walk(which, who, true, kept);
    }
    spin_unlock(&tree_lock);
    return rc;
}

SYSCALL2(ioprio_get, int, which, int, who)
{
    long rc = -ESRCH;

    if (which < IOPRIO_WHO_PROCESS || which > IOPRIO_WHO_USER)
        return -EINVAL;
    spin_lock(&tree_lock);
    if (which == IOPRIO_WHO_PROCESS) {
        struct task *t = who == 0 ? current : task_named((uint32_t)who);
        if (t != NULL)
            rc = t->io_priority;
    } else {
        rc = io_walk(which, who, false, 0);
    }
    spin_unlock(&tree_lock);
    return rc;
}
