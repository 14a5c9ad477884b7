/* signal.c - system calls on signals: who may send what to whom, and the
 * formats of the ABI.  What signals do is in proc/signal*.c. */
#include "arch/clock.h"
#include "arch/preempt.h"
#include "arch/uaccess.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "lib/string.h"
#include "proc/pid.h"
#include "proc/pid_ns.h"
#include "proc/pidfd.h"
#include "proc/process.h"
#include "proc/signal_internal.h"
#include "proc/task.h"
#include "procfs/procfs.h"
#include "arch/syscall.h"

#include <linux/time_types.h>

_Static_assert(sizeof(struct ksigaction) == 32, "the ABI's struct sigaction");

static bool valid_signal(int sig) { return sig >= 1 && sig <= SIG_MAX; }

/* --- dispositions and masks --- */

#define WORK_DROP 3000u /* instructions to drop some, about (arch/preempt.h) */

static bool ignores(const struct ksigaction *a, int sig)
{
    return a->handler == HANDLER_IGNORE ||
           (a->handler == HANDLER_DEFAULT && in_set(SIGSET_IGNORE, sig));
}

#define WORK_LOOK 35u /* a thread that has none of them */

/* Signals that the new disposition throws away are not pending any more.  True: some of them still are,
 * for a moment; a thread that takes one finds it ignored. */
static bool drop_ignored(struct process *p, int sig)
{
    struct task *t;
    bool more = sigpending_drop_some(&p->shared_pending, SIGBIT(sig));

    list_for_each(t, &p->threads, thread_link)
        more |= sigpending_drop_some(&t->pending, SIGBIT(sig));
    return more;
}

static void drop_all_ignored(struct process *p, struct sighand *sh, int sig)
{
    struct family_walk walk;
    struct task *t;
    bool more = true;

    spin_lock(&tree_lock);
    family_walk_begin(&walk, &p->threads);
    while (more && FAMILY_WALK_NEXT(&walk, t, thread_link, WORK_LOOK) != NULL) {
        if (!in_set(t->pending.set, sig))
            continue;
        spin_lock(&sh->lock);
        more = ignores(sig_action(sh, sig), sig); /* still */
        if (more && sigpending_drop_some(&t->pending, SIGBIT(sig)))
            walk.at = walk.at->prev; /* and again */
        spin_unlock(&sh->lock);
        preempt_tell(WORK_DROP);
    }
    family_walk_end(&walk);
    spin_unlock(&tree_lock);
    for (more = true; more; preempt_work(WORK_DROP)) {
        spin_lock(&sh->lock);
        more = ignores(sig_action(sh, sig), sig) &&
               sigpending_drop_some(&p->shared_pending, SIGBIT(sig));
        spin_unlock(&sh->lock);
    }
}

#define DROP_AT_ONCE 64u /* threads */

/* In one step, as threads may do this at the same time; to NULL: only a look. */
static void swap_action(int sig, const struct ksigaction *to, struct ksigaction *old)
{
    struct process *p = current->proc;
    struct sighand *sh = current->sighand;
    bool ignore = to != NULL && ignores(to, sig);

    if (ignore)
        spin_lock(&tree_lock);
    spin_lock(&sh->lock);
    *old = *sig_action(sh, sig);
    if (to != NULL) {
        sig_set_action(sh, sig, to);
        sh->action[sig - 1].mask &= ~SIGSET_UNBLOCKABLE;
    }
    bool more = ignore && (p->nthreads > DROP_AT_ONCE || drop_ignored(p, sig));
    spin_unlock(&sh->lock);
    if (ignore)
        spin_unlock(&tree_lock);
    if (more)
        drop_all_ignored(p, sh, sig);
}

/* The others are forgotten: so a program finds out which there are, sigaction(2).  The last but one, for addresses
 * with tags, changes nothing where there are none. */
#define SA_KNOWN \
    (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER | \
     SA_RESETHAND | SA_EXPOSE_TAGBITS | SA_RESTORER)

SYSCALL4(rt_sigaction, int, sig, uaddr_t, act, uaddr_t, oldact, size_t, size)
{
    struct ksigaction new, old;

    if (size != sizeof(ksigset_t))
        return -EINVAL;
    if (act != 0 && get_user(new, act) != 0)
        return -EFAULT;
    if (!valid_signal(sig) || (act != 0 && in_set(SIGSET_UNBLOCKABLE, sig)))
        return -EINVAL;
    if (act != 0)
        new.flags &= SA_KNOWN;
    swap_action(sig, act != 0 ? &new : NULL, &old);
    return oldact != 0 ? put_user(old, oldact) : 0;
}

SYSCALL4(rt_sigprocmask, int, how, uaddr_t, set, uaddr_t, oldset, size_t, size)
{
    ksigset_t old = current->blocked, change;

    if (size != sizeof(ksigset_t))
        return -EINVAL;
    if (set != 0) {
        if (get_user(change, set) != 0)
            return -EFAULT;
        if (how == SIG_BLOCK)
            signal_set_mask(old | change);
        else if (how == SIG_UNBLOCK)
            signal_set_mask(old & ~change);
        else if (how == SIG_SETMASK)
            signal_set_mask(change);
        else
            return -EINVAL;
    }
    return oldset != 0 ? put_user(old, oldset) : 0;
}

SYSCALL2(rt_sigpending, uaddr_t, set, size_t, size)
{
    ksigset_t pending =
        (task_pending(current) | current->proc->shared_pending.set) & current->blocked;

    if (size > sizeof(pending))
        return -EINVAL;
    return copy_to_user(set, &pending, size);
}

SYSCALL2(sigaltstack, uaddr_t, ss, uaddr_t, old_ss)
{
    struct task *t = current;
    uaddr_t sp = t->uregs->rsp;
    stack_t new, old = {
        .ss_sp = (void *)t->altstack_sp,
        .ss_size = t->altstack_size,
        .ss_flags = (int)(t->altstack_flags & SS_FLAG_BITS),
    };

    if (t->altstack_size == 0)
        old.ss_flags = SS_DISABLE;
    else if (on_altstack(t, sp))
        old.ss_flags |= SS_ONSTACK;
    if (ss != 0) {
        if (get_user(new, ss) != 0)
            return -EFAULT;
        long err = sigaltstack_set(&new, sp);
        if (err != 0)
            return err;
    }
    return old_ss != 0 ? put_user(old, old_ss) : 0;
}

SYSCALL0(rt_sigreturn) { return sigframe_pop(current->uregs); }

SYSCALL0(restart_syscall)
{
    long (*fn)(struct task *) = current->restart.fn;

    current->restart.fn = NULL;
    return fn != NULL ? fn(current) : -EINTR;
}

/* --- waiting --- */

static long sleep_for_signal(enum block_reason why)
{
    while (block(why, 0, BLOCK_INTERRUPTIBLE, NO_DEADLINE) == 0)
        ;
    return -ERESTARTNOHAND;
}

SYSCALL0(pause) { return sleep_for_signal(BLOCK_pause); }

SYSCALL2(rt_sigsuspend, uaddr_t, set, size_t, size)
{
    ksigset_t mask;

    if (size != sizeof(mask))
        return -EINVAL;
    if (get_user(mask, set) != 0)
        return -EFAULT;
    signal_set_temp_mask(mask);
    return sleep_for_signal(BLOCK_sigsuspend);
}

SYSCALL4(rt_sigtimedwait, uaddr_t, uset, uaddr_t, uinfo, uaddr_t, timeout, size_t, size)
{
    ksigset_t set;
    siginfo_t info;
    uint64_t deadline = NO_DEADLINE;

    if (size != sizeof(set))
        return -EINVAL;
    if (get_user(set, uset) != 0)
        return -EFAULT;
    if (timeout != 0) {
        struct __kernel_timespec ts;

        if (get_user(ts, timeout) != 0)
            return -EFAULT;
        if (ts.tv_sec < 0 || (uint64_t)ts.tv_nsec >= NSEC_PER_SEC)
            return -EINVAL;
        if ((uint64_t)ts.tv_sec < INT64_MAX / NSEC_PER_SEC / 2)
            deadline = clock_mono_ns() + (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
    }
    int sig = signal_wait_for(set, &info, BLOCK_sigtimedwait, deadline);
    if (sig < 0)
        return sig == -ETIMEDOUT ? -EAGAIN : -EINTR;
    if (uinfo != 0 && put_user(info, uinfo) != 0)
        return -EFAULT;
    return sig;
}

/* --- sending --- */

static int send_checked(struct process *p, int sig, const siginfo_t *info)
{
    if (sig < 0 || sig > SIG_MAX)
        return -EINVAL;
    if (!signal_allowed(p, sig))
        return -EPERM;
    return sig != 0 ? signal_send_process_locked(p, sig, info) : 0;
}

#define WORK_SEND 600u /* instructions a process, about (arch/preempt.h) */

/* To every process of a group, or with pgid 0 to all but number 1 and ourselves.
 * One success is success; else one refusal of a group's is -EPERM, but none of all.  tree_lock held. */
static int kill_many(uint32_t pgid, int sig, const siginfo_t *info)
{
    struct family_walk walk;
    struct process *p;
    int result = -ESRCH;

    family_walk_begin(&walk, &all_processes);
    while (FAMILY_WALK_NEXT(&walk, p, all_link, WORK_SEND) != NULL) {
        if (pgid != 0 ? p->pgid != pgid : pid_told(p->tgid) <= 1 || p == current->proc)
            continue; /* 0: in no namespace that it sees */
        int err = send_checked(p, sig, info);
        if (pgid == 0 && err == -EPERM)
            err = 0;
        if (err == 0 || result == -ESRCH)
            result = err;
    }
    family_walk_end(&walk);
    return result;
}

SYSCALL2(kill, int, pid, int, sig)
{
    siginfo_t info;
    int err;

    siginfo_user(&info, sig, SI_USER);
    spin_lock(&tree_lock);
    if (pid > 0) {
        struct process *p = process_named((uint32_t)pid); /* a thread's ID names its process, too */
        err = p != NULL ? send_checked(p, sig, &info) : -ESRCH;
    } else if (pid == INT32_MIN) {
        err = -ESRCH;
    } else {
        uint32_t pgid = pid == 0 ? current->proc->pgid : pid_named((uint32_t)-pid);
        err = pid != -1 && pgid == 0 ? -ESRCH : kill_many(pid == -1 ? 0 : pgid, sig, &info);
    }
    spin_unlock(&tree_lock);
    return err;
}

/* tgid 0: of whatever process. */
static int send_thread(uint32_t tgid, uint32_t tid, int sig, const siginfo_t *info)
{
    int err = -ESRCH;

    spin_lock(&tree_lock);
    struct task *t = task_named(tid);
    if (t != NULL && (tgid == 0 || t->proc->tgid == pid_named(tgid))) {
        err = signal_allowed(t->proc, sig) ? 0 : -EPERM;
        if (err == 0 && sig != 0)
            err = signal_send_task_locked(t, sig, info);
    }
    spin_unlock(&tree_lock);
    return err;
}

SYSCALL3(tgkill, int, tgid, int, tid, int, sig)
{
    siginfo_t info;

    if (tgid <= 0 || tid <= 0 || sig < 0 || sig > SIG_MAX)
        return -EINVAL;
    siginfo_user(&info, sig, SI_TKILL);
    return send_thread((uint32_t)tgid, (uint32_t)tid, sig, &info);
}

SYSCALL2(tkill, int, tid, int, sig)
{
    siginfo_t info;

    if (tid <= 0 || sig < 0 || sig > SIG_MAX)
        return -EINVAL;
    siginfo_user(&info, sig, SI_TKILL);
    return send_thread(0, (uint32_t)tid, sig, &info);
}

/* Only to oneself may a program pretend that the kernel or kill() sent it. */
static int get_info(siginfo_t *info, uaddr_t at, int sig, bool self)
{
    if (sig < 0 || sig > SIG_MAX)
        return -EINVAL;
    if (copy_from_user(info, at, sizeof(*info)) != 0)
        return -EFAULT;
    if (!self && (info->si_code >= 0 || info->si_code == SI_TKILL))
        return -EPERM;
    info->si_signo = sig;
    return 0;
}

SYSCALL3(rt_sigqueueinfo, int, pid, int, sig, uaddr_t, uinfo)
{
    siginfo_t info;
    int err = get_info(&info, uinfo, sig, pid_named((uint32_t)pid) == current->proc->tgid);

    if (err != 0)
        return err;
    spin_lock(&tree_lock);
    struct process *p = pid > 0 ? process_named((uint32_t)pid) : NULL;
    err = p != NULL ? send_checked(p, sig, &info) : -ESRCH;
    spin_unlock(&tree_lock);
    return err;
}

/* Whom pidfd_send_signal(2) names. */
struct target {
    struct process *p;
    struct task *t;    /* NULL: p as a whole */
    struct task *held; /* a reference, or NULL */
    uint32_t scope;    /* PIDFD_SIGNAL_* */
};

/* By a pidfd, by a directory of /proc, or oneself.  f: what fd leads to, or NULL. */
static int find_target(int fd, const struct file *f, struct target *to)
{
    *to = (struct target){ .scope = PIDFD_SIGNAL_THREAD_GROUP };
    if (fd == PIDFD_SELF_THREAD || fd == PIDFD_SELF_THREAD_GROUP) {
        to->p = current->proc;
        to->t = fd == PIDFD_SELF_THREAD ? current : NULL;
    } else if (f == NULL) {
        return -EBADF;
    } else if ((to->p = pidfd_process(f)) != NULL) {
        to->t = pidfd_thread(f);
    } else {
        int err = procfs_task(f, &to->held);
        if (err != 0)
            return err;
        to->t = to->held;
        to->p = to->t->proc;
        return 0; /* the whole process */
    }
    if (to->t != NULL)
        to->scope = PIDFD_SIGNAL_THREAD;
    return 0;
}

/* tree_lock held. */
static int send_target(const struct target *to, int sig, const siginfo_t *info)
{
    struct process *p = to->p;
    struct task *t = to->t;

    if (t != NULL ? task_find(t->tid) != t : process_find(p->tgid) != p)
        return -ESRCH;
    if (sig < 0 || sig > SIG_MAX || pid_told(p->tgid) == 0)
        return -EINVAL;
    if (to->scope == PIDFD_SIGNAL_PROCESS_GROUP)
        return kill_many(t != NULL ? t->tid : p->tgid, sig, info);
    if (to->scope == PIDFD_SIGNAL_THREAD_GROUP)
        return send_checked(p, sig, info);
    if (!signal_allowed(p, sig))
        return -EPERM;
    return sig != 0 ? signal_send_task_locked(t != NULL ? t : p->leader, sig, info) : 0;
}

/* What current says about the signal; 0: as kill() or tgkill() does it.  To itself it may say anything. */
static int target_info(siginfo_t *info, const struct target *to, int sig, uaddr_t uinfo)
{
    bool self = to->p == current->proc && to->scope != PIDFD_SIGNAL_PROCESS_GROUP;

    if (uinfo == 0) {
        siginfo_user(info, sig, to->scope == PIDFD_SIGNAL_THREAD ? SI_TKILL : SI_USER);
        return 0;
    }
    if (copy_from_user(info, uinfo, sizeof(*info)) != 0)
        return -EFAULT;
    if (info->si_signo != sig)
        return -EINVAL;
    return !self && (info->si_code >= 0 || info->si_code == SI_TKILL) ? -EPERM : 0;
}

SYSCALL4(pidfd_send_signal, int, fd, int, sig, uaddr_t, uinfo, uint32_t, flags)
{
    struct target to;
    siginfo_t info;

    if (flags & ~(uint32_t)PIDFD_SIGNAL_FLAGS || (flags & (flags - 1)) != 0)
        return -EINVAL;
    WITH_FILE(f, fd);
    int err = find_target(fd, f, &to);
    if (err != 0)
        return err;
    if (flags != 0)
        to.scope = flags;
    err = target_info(&info, &to, sig, uinfo);
    if (err == 0) {
        spin_lock(&tree_lock);
        err = send_target(&to, sig, &info);
        spin_unlock(&tree_lock);
    }
    if (to.held != NULL)
        task_put(to.held);
    return err;
}

SYSCALL4(rt_tgsigqueueinfo, int, tgid, int, tid, int, sig, uaddr_t, uinfo)
{
    siginfo_t info;
    int err = get_info(&info, uinfo, sig, pid_named((uint32_t)tgid) == current->proc->tgid);

    if (err != 0)
        return err;
    if (tgid <= 0 || tid <= 0)
        return -EINVAL;
    return send_thread((uint32_t)tgid, (uint32_t)tid, sig, &info);
}
