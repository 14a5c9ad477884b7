/* sched.c - affinity, turns, nice values, getcpu.  Policies: sched_policy.c. */
#include "arch/cpu.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "lib/string.h"
#include "proc/pid.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include "proc/task.h"
#include "sched/policy.h"
#include "sched/runq.h"
#include "sched/sched.h"
#include "sys/sched.h"
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <linux/time_types.h>

SYSCALL0(sched_yield)
{
    if (unlikely(current->deadline != NULL))
        sched_deadline_yield();
    sched_yield_now();
    return 0;
}

int sched_find_task(int tid, enum purpose why, struct task **out)
{
    struct task *me = current;
    int rc = 0;

    spin_lock(&tree_lock);
    struct task *t = tid == 0 ? me : task_named((uint32_t)tid);
    if (t == NULL)
        rc = -ESRCH;
    else if (why == TO_CHANGE && !has_cap(CAP_SYS_NICE) && me->cred.euid != t->cred.euid &&
             me->cred.euid != t->cred.uid)
        rc = -EPERM;
    else
        task_get(t);
    spin_unlock(&tree_lock);
    *out = t;
    return rc;
}

SYSCALL3(sched_getaffinity, int, tid, size_t, len, uaddr_t, mask)
{
    struct task *t;

    if (len < sizeof(uint64_t) || len % sizeof(uint64_t) != 0)
        return -EINVAL; /* only whole words */
    int rc = sched_find_task(tid, TO_LOOK, &t);
    if (rc != 0)
        return rc;
    uint64_t cpus_of = t->cpus_allowed & cpus_online();
    task_put(t);
    return put_user(cpus_of, mask) != 0 ? -EFAULT : (long)sizeof cpus_of;
}

SYSCALL3(sched_setaffinity, int, tid, size_t, len, uaddr_t, mask)
{
    uint64_t wanted = 0;
    struct task *t;

    if (copy_from_user(&wanted, mask, MIN(len, sizeof wanted)) != 0)
        return -EFAULT;
    int rc = sched_find_task(tid, TO_CHANGE, &t);
    if (rc != 0)
        return rc;
    if ((wanted & cpus_online()) == 0)
        rc = -EINVAL;
    else if (t->policy == SCHED_DEADLINE && (wanted & cpus_online()) != cpus_online())
        rc = -EBUSY; /* its runtime is promised on any */
    else
        sched_set_affinity(t, wanted & cpus_online());
    task_put(t);
    return rc;
}

/* How long a turn is, also for those that are not real-time. */
SYSCALL2(sched_rr_get_interval, int, tid, uaddr_t, interval)
{
    struct task *t;
    int rc = tid < 0 ? -EINVAL : sched_find_task(tid, TO_LOOK, &t);

    if (rc != 0)
        return rc;
    uint64_t ns = sched_realtime(t->policy) || t->policy == SCHED_DEADLINE
                      ? (t->policy == SCHED_RR ? sched_rr_turn_ms * 1000000ull : 0)
                      : runq_turn(t);
    task_put(t);
    return put_user(((struct __kernel_timespec){ .tv_sec = (int64_t)(ns / NSEC_PER_SEC),
                                                 .tv_nsec = (int64_t)(ns % NSEC_PER_SEC) }),
                    interval);
}

static long priority_bound(int policy, int of_realtime)
{
    switch (policy) {
    case SCHED_FIFO:
    case SCHED_RR: return of_realtime;
    case SCHED_NORMAL:
    case SCHED_BATCH:
    case SCHED_IDLE:
    case SCHED_DEADLINE: return 0;
    }
    return -EINVAL;
}

SYSCALL1(sched_get_priority_max, int, policy) { return priority_bound(policy, 99); }

SYSCALL1(sched_get_priority_min, int, policy) { return priority_bound(policy, 1); }

/* --- nice values -------------------------------------------------------------- */

#define WORK_LOOK 50u /* instructions a process or thread, about (arch/preempt.h) */

static bool selected(const struct process *p, int which, uint32_t who)
{
    switch (which) {
    case PRIO_PROCESS: return p->tgid == who;
    case PRIO_PGRP: return p->pgid == who;
    }
    return !p->zombie && p->leader->cred.uid == who && pid_told(p->tgid) != 0;
}

/* tree_lock held */
static uint32_t whom(int which, int who)
{
    struct process *p = which == PRIO_PROCESS && who > 0 ? process_named((uint32_t)who) : NULL;

    if (who != 0)
        return p != NULL ? p->tgid : which == PRIO_USER ? (uint32_t)who : pid_named((uint32_t)who);
    return which == PRIO_PROCESS ? current->proc->tgid
           : which == PRIO_PGRP  ? current->proc->pgid
                                 : current->cred.uid;
}

/* As the system call returns it: 20 - nice, so 1..40. */
SYSCALL2(getpriority, int, which, int, who)
{
    struct process *p;
    struct family_walk w;
    long best = -ESRCH;

    if (which < PRIO_PROCESS || which > PRIO_USER)
        return -EINVAL;
    spin_lock(&tree_lock);
    uint32_t id = whom(which, who);
    family_walk_begin(&w, &all_processes);
    while (FAMILY_WALK_NEXT(&w, p, all_link, WORK_LOOK) != NULL)
        if (selected(p, which, id) && 20 - p->leader->nice > best)
            best = 20 - p->leader->nice;
    family_walk_end(&w);
    spin_unlock(&tree_lock);
    return best;
}

/* tree_lock held, and given up now and then. */
static int set_nice(struct process *p, int nice)
{
    const struct cred *me = &current->cred, *c = &p->leader->cred;
    struct family_walk w;
    struct task *t;

    if (!has_cap(CAP_SYS_NICE) && me->euid != c->uid && me->euid != c->euid)
        return -EPERM;
    if (!has_cap(CAP_SYS_NICE) && nice < p->leader->nice &&
        20 - nice > (int64_t)p->rlim[RLIMIT_NICE].rlim_cur)
        return -EACCES;
    process_get(p);
    family_walk_begin(&w, &p->threads);
    while (FAMILY_WALK_NEXT(&w, t, thread_link, WORK_LOOK) != NULL)
        t->nice = nice;
    family_walk_end(&w);
    process_put(p);
    return 0;
}

SYSCALL3(setpriority, int, which, int, who, int, nice)
{
    struct process *p;
    struct family_walk w;
    long rc = -ESRCH;

    if (which < PRIO_PROCESS || which > PRIO_USER)
        return -EINVAL;
    nice = MAX(-20, MIN(19, nice));
    spin_lock(&tree_lock);
    uint32_t id = whom(which, who);
    family_walk_begin(&w, &all_processes);
    while (FAMILY_WALK_NEXT(&w, p, all_link, WORK_LOOK) != NULL) {
        if (!selected(p, which, id))
            continue;
        int one = set_nice(p, nice);
        if (rc == -ESRCH || one != 0)
            rc = one;
    }
    family_walk_end(&w);
    spin_unlock(&tree_lock);
    return rc;
}

SYSCALL3(getcpu, uaddr_t, cpu, uaddr_t, node, uaddr_t, unused)
{
    uint32_t id = HERE->id, zero = 0;

    (void)unused;
    if ((cpu != 0 && put_user(id, cpu) != 0) || (node != 0 && put_user(zero, node) != 0))
        return -EFAULT;
    return 0;
}
