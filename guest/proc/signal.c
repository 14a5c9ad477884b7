/* signal.c - sending.
 *
 * Everything that sending decides, it decides under tree_lock (which threads there are, is the group dying or
 * stopped) and the process's sighand.lock (what is pending, blocked and handled).  An exiting thread gives its
 * sighand up under tree_lock, so a thread found in proc->threads has one or is ignored.
 *
 *   1. Stop signals and SIGCONT cancel each other; SIGCONT continues the group
 *      even if it is blocked or ignored.
 *   2. What would do nothing is not queued; a blocked signal always is.
 *   3. The signal is queued, and one thread that can take it is made to look:
 *      it is woken, or called into the kernel if it runs on another CPU.
 *   4. If it is sure to kill (default action, not blocked, no core dump) the
 *      whole group starts to die here and now, so that a thread which only a
 *      fatal signal can wake, a parent in vfork for one, does wake.  Signals
 *      that dump core wait until a thread takes them, as in Linux.
 *
 * PID 1 gets what it has handlers for and, if it blocks a signal in order to wait for it, that; never a default
 * action.  So does the init of a PID namespace, but for SIGKILL and SIGSTOP from outside it. */
#include "arch/preempt.h"
#include "arch/uaccess.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "proc/exit.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include "proc/signal_internal.h"
#include "proc/watched.h"
#include "sched/sched.h"
#include "trace/trace.h"

static struct sighand *process_sighand(struct process *p)
{
    struct task *t;

    list_for_each(t, &p->threads, thread_link)
        if (t->sighand != NULL)
            return t->sighand;
    return NULL;
}

/* group_exit and stop_pending come under tree_lock, which need not be held here.
 * Who sets one of them calls signal_notice() after it.  So if it comes after the
 * second look, the flag is set after we cleared it, and stays. */
void signal_recalc(struct task *t)
{
    struct process *p = t->proc;
    bool pending = ((task_pending(t) | p->shared_pending.set) & ~t->blocked) != 0 ||
                   in_set(t->pending.set, SIGKILL);

    __atomic_store_n(&t->sig_pending, pending, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&p->group_exit, __ATOMIC_SEQ_CST) ||
        (__atomic_load_n(&p->stop_pending, __ATOMIC_SEQ_CST) != 0 && !ptrace_joined(t)) ||
        (task_watched(t) && ptrace_trap_due(t)))
        __atomic_store_n(&t->sig_pending, true, __ATOMIC_RELEASE);
}

/* The flag comes first: block() looks at it under t->lock before it sleeps, and the
 * way to user mode looks last of all, with interrupts off: the interrupt that
 * sched_kick() sends to one who is past that look comes when it is in user mode. */
void signal_notice(struct task *t, enum notice what)
{
    bool fatal = what == NOTICE_FATAL;

    ASSERT_SPIN_HELD(&tree_lock);
    __atomic_store_n(&t->sig_pending, true, __ATOMIC_RELEASE);
    spin_lock(&t->lock);
    bool asleep = t->sleep_intr || (fatal && t->sleep_kill);
    spin_unlock(&t->lock);
    if (asleep || (fatal && t->stopped))
        wake_task(t);
    else if (ncpus > 1)
        sched_kick(t);
}

void signal_group_exit(struct process *p, int status)
{
    ASSERT_SPIN_HELD(&tree_lock);
    if (p->group_exit)
        return; /* all threads know, and there are no new ones */
    p->exit_status = status;
    __atomic_store_n(&p->group_exit, true, __ATOMIC_RELEASE);
    p->stop_pending = p->stop_signal = 0;
    signal_sweep(p);
}

void signal_kill_thread(struct task *t)
{
    ASSERT_SPIN_HELD(&tree_lock);
    if (t->sighand == NULL)
        return;
    spin_lock(&t->sighand->lock);
    t->pending.set |= SIGBIT(SIGKILL);
    spin_unlock(&t->sighand->lock);
    signal_notice(t, NOTICE_FATAL);
}

/* Would it do nothing if t took it?  sighand.lock held. */
static bool ignored(struct task *t, int sig, const siginfo_t *info)
{
    uint64_t handler = sig_action(t->sighand, sig)->handler;

    if (in_set(t->blocked, sig))
        return false; /* the handler may have changed when it is unblocked */
    if (task_watched(t) && t->ptrace != NULL && sig != SIGKILL)
        return false; /* its tracer is to see it */
    if (t->proc->unkillable && handler == HANDLER_DEFAULT)
        return !pid_ns_lets_in(t->proc, sig, info);
    return handler == HANDLER_IGNORE || (handler == HANDLER_DEFAULT && in_set(SIGSET_IGNORE, sig));
}

/* A stop signal makes pending SIGCONTs void, and the other way round: for the process now, for its
 * threads as soon as somebody looks (task_pending, settle). */
static void cancel_opposite(struct process *p, int sig)
{
    if (in_set(SIGSET_STOP, sig)) {
        sigpending_drop(&p->shared_pending, SIGBIT(SIGCONT));
        p->nstops++;
    } else if (sig == SIGCONT) {
        sigpending_drop(&p->shared_pending, SIGSET_STOP);
        p->nconts++;
    }
}

/* Is t fit to be the one that takes sig?  A thread with something to handle is
 * on its way already. */
static bool wants(struct task *t, int sig)
{
    if (t->sighand == NULL || (in_set(t->blocked, sig) && !in_set(t->sigwait, sig)))
        return false;
    if (sig == SIGKILL)
        return true;
    return !t->stopped && (t->on_cpu || !t->sig_pending);
}

#define ASKED_AT_ONCE 64u

static struct task *choose(struct process *p, struct task *to, int sig)
{
    struct task *t;
    unsigned n = 0;

    if (to != NULL)
        return wants(to, sig) ? to : NULL;
    list_for_each(t, &p->threads, thread_link) {
        if (wants(t, sig))
            return t;
        if (unlikely(++n == ASKED_AT_ONCE)) {
            signal_sweep_later(p);
            break;
        }
    }
    return NULL;
}

void signal_offer(struct process *p, struct task *t, int sig)
{
    bool blocked = in_set(t->blocked, sig);
    bool fatal = sig_action(t->sighand, sig)->handler == HANDLER_DEFAULT && !p->unkillable &&
                 !in_set(SIGSET_IGNORE | SIGSET_STOP, sig) && t->ptrace == NULL;

    if (sig == SIGKILL || (fatal && !blocked && !in_set(SIGSET_CORE, sig) && !p->dumping)) {
        signal_group_exit(p, sig);
    } else if (blocked) { /* it sleeps in rt_sigtimedwait */
        wake_task(t);
    } else {
        signal_notice(t, NOTICE_SIGNAL);
    }
}

/* sig is queued for p, or for its thread `to`: who does something about it? */
static void complete(struct process *p, struct task *to, int sig)
{
    struct task *t = choose(p, to, sig);

    if (t != NULL)
        signal_offer(p, t, sig);
}

/* Of a sender that the receiver does not see. */
static SLOW_PATH const siginfo_t *unseen(const siginfo_t *info, siginfo_t *copy)
{
    *copy = *info;
    copy->si_pid = 0;
    return copy;
}

/* tree_lock held; to NULL: any thread; owner: of sigpending_add(). */
static int send(struct process *p, struct task *to, int sig, const siginfo_t *info,
                struct timer_signal *owner)
{
    struct sighand *sh = to != NULL ? to->sighand : process_sighand(p);
    siginfo_t copy;
    int err = 0;

    ASSERT_SPIN_HELD(&tree_lock);
    if (unlikely(pid_ns_count != 0) && info != NULL && pid_ns_unseen(p, info))
        info = unseen(info, &copy);
    if (sh == NULL || p->group_exit) {
        if (sig == SIGKILL)
            ptrace_kill(p);
        return 0; /* a zombie, or about to be one */
    }
    struct task *any = to != NULL ? to : list_first(&p->threads, struct task, thread_link);
    if (any->kthread)
        return 0;
    trace_signal(any->rec->mm, to != NULL ? to->tid : p->tgid, (uint32_t)sig,
                 info != NULL ? info->si_code : SI_KERNEL);
    spin_lock(&sh->lock);
    cancel_opposite(p, sig);
    if (to != NULL)
        signal_settle(to);
    if (any->sighand == NULL)
        any = choose(p, NULL, SIGKILL); /* the leader is gone: any live thread */
    if (!ignored(any, sig, info)) {
        err = sigpending_add(to != NULL ? &to->pending : &p->shared_pending, sig, info, owner,
                             (to != NULL ? to : p->leader)->cred.uid,
                             p->rlim[RLIMIT_SIGPENDING].rlim_cur);
        if (err == 0)
            complete(p, to, sig);
        if (unlikely(sh->watched))
            signal_tell_watchers(sh);
    }
    spin_unlock(&sh->lock);
    if (sig == SIGCONT && signal_stop_end(p)) {
        p->continued = true;
        notify_parent(p, CLD_CONTINUED);
    }
    return err;
}

int signal_send_task_locked(struct task *t, int sig, const siginfo_t *info)
{
    return send(t->proc, t, sig, info, NULL);
}

int signal_send_process_locked(struct process *p, int sig, const siginfo_t *info)
{
    return send(p, NULL, sig, info, NULL);
}

void signal_send_timer_locked(struct process *p, struct task *to, int sig, const siginfo_t *info,
                              struct timer_signal *owner)
{
    send(p, to, sig, info, owner);
}

int signal_send_task(struct task *t, int sig, const siginfo_t *info)
{
    spin_lock(&tree_lock);
    int err = signal_send_task_locked(t, sig, info);
    spin_unlock(&tree_lock);
    return err;
}

int signal_send_process(struct process *p, int sig, const siginfo_t *info)
{
    spin_lock(&tree_lock);
    int err = signal_send_process_locked(p, sig, info);
    spin_unlock(&tree_lock);
    return err;
}

/* Blocked or ignored, a fault cannot wait: the default action takes its place,
 * and not even PID 1 can go on.  SIGKILL (no memory is left for current's page)
 * ends the process. */
void signal_force_info(const siginfo_t *info)
{
    struct task *t = current;
    int sig = info->si_signo;

    spin_lock(&tree_lock);
    struct sighand *sh = t->sighand;
    trace_signal(t->rec->mm, t->tid, (uint32_t)sig, info->si_code);
    if (sig == SIGKILL)
        signal_group_exit(t->proc, SIGKILL);
    spin_lock(&sh->lock);
    if (in_set(t->blocked, sig) || sig_action(sh, sig)->handler == HANDLER_IGNORE) {
        sh->action[sig - 1].handler = HANDLER_DEFAULT;
        t->blocked &= ~SIGBIT(sig);
    }
    if (sig_action(sh, sig)->handler == HANDLER_DEFAULT)
        t->proc->unkillable = false;
    if (sig != SIGKILL)
        sigpending_add(&t->pending, sig, info, NULL, t->cred.uid, UINT64_MAX);
    signal_recalc(t);
    spin_unlock(&sh->lock);
    spin_unlock(&tree_lock);
}

void signal_force(int sig, int code, uaddr_t addr)
{
    siginfo_t info;

    memset(&info, 0, sizeof(info));
    info.si_signo = sig;
    info.si_code = code;
    info.si_addr = (void *)addr;
    signal_force_info(&info);
}

bool signal_allowed(struct process *p, int sig)
{
    const struct cred *c = &current->cred, *to;

    if (has_cap(CAP_KILL) || p == current->proc || p->leader == NULL)
        return true;
    to = &p->leader->cred;
    if (c->euid == to->suid || c->euid == to->uid || c->uid == to->suid || c->uid == to->uid)
        return true;
    return sig == SIGCONT && p->session == current->proc->session;
}

#define WORK_SEND 600u /* instructions, about (arch/preempt.h); */
#define WORK_LOOK 35u  /* for a thread that did not ask */

/* Each thread that asked for it; its process gets it, as if the parent had called kill(2). */
void signal_parent_died(struct process *p)
{
    struct family_walk w;
    struct task *t;
    siginfo_t info;

    process_get(p);
    family_walk_begin(&w, &p->threads);
    while (FAMILY_WALK_NEXT(&w, t, thread_link, WORK_LOOK) != NULL) {
        int sig = (int)t->pdeath_signal;

        if (sig == 0 || !signal_allowed(p, sig))
            continue;
        siginfo_user(&info, sig, SI_USER);
        info.si_pid = (int)pid_seen_by(p->tgid, current->proc->tgid);
        send(p, NULL, sig, &info, NULL);
        preempt_tell(WORK_SEND);
    }
    family_walk_end(&w);
    process_put(p);
}

/* Process-directed signals that only t could take, now that it blocks `set` or
 * goes: let another thread look. */
static void retarget(struct process *p, ksigset_t set)
{
    if ((p->shared_pending.set & set) != 0)
        signal_sweep(p);
}

void signal_task_exit(struct task *t)
{
    struct process *p = t->proc;

    ASSERT_SPIN_HELD(&tree_lock);
    if (p->group_exit)
        return;
    retarget(p, ~t->blocked);
    if (p->stop_pending != 0)
        signal_stop_begin(p, (int)p->stop_pending); /* complete without t? */
}

void signal_set_mask(ksigset_t mask)
{
    struct task *t = current;
    struct process *p = t->proc;

    mask &= ~SIGSET_UNBLOCKABLE;
    if (mask == t->blocked)
        return;
    spin_lock(&t->sighand->lock);
    ksigset_t left = mask & ~t->blocked & p->shared_pending.set;
    t->blocked = mask;
    signal_recalc(t);
    spin_unlock(&t->sighand->lock);
    /* Who sends from here on sees the new mask.  Who has sent may have chosen us. */
    if (left != 0 && p->nthreads > 1) {
        spin_lock(&tree_lock);
        retarget(p, left);
        spin_unlock(&tree_lock);
    }
}

void signal_set_temp_mask(ksigset_t mask)
{
    struct task *t = current;

    t->saved_mask = t->blocked;
    t->restore_mask = true;
    signal_set_mask(mask);
}

int signal_take_temp_mask(uaddr_t mask, size_t bytes)
{
    ksigset_t set;

    if (mask == 0)
        return 0;
    if (bytes != sizeof(set))
        return -EINVAL;
    if (get_user(set, mask) != 0)
        return -EFAULT;
    signal_set_temp_mask(set);
    return 0;
}

void signal_restore_temp_mask(void)
{
    struct task *t = current;

    if (t->restore_mask) {
        t->restore_mask = false;
        signal_set_mask(t->saved_mask);
    }
}
