/* fork.c - a new task, and the parent that waits for it.  What was asked for, and
 * whether there is such a thing, is clone.c's business.
 *
 * clone_task() first makes everything that can fail; then, under tree_lock,
 * the child gets its number and its place, and from there on nothing fails.
 * What a flag shares is taken by reference; what it does not is copied.
 *
 * vfork.  The link is in the child: child->vfork_waiter names the task that is
 * blocked on it, under vfork_lock.  The parent's wait ends when that field does
 * not name it any more; the child clears it, once, when it has left the shared
 * memory: in mm_release(), by a successful exec or at its end, however it ends.
 *
 *   parent                                child
 *   child->vfork_waiter = me
 *   child becomes runnable                ... runs in the parent's memory
 *   while (child->vfork_waiter == me)     mm_release(): lock;
 *       block(vfork, killable)                w = vfork_waiter; vfork_waiter = NULL;
 *   lock; if still me: NULL; unlock           wake w; unlock
 *
 * No wake is lost: the field is cleared before the wake, and the wake finds the
 * parent asleep or leaves the token (block.h).  No release is early: a failed
 * exec, a stop, a handled signal, another child's end do not touch the field,
 * and other wakes only make the parent look again.  Nothing is used after it
 * is freed: the parent holds a reference on the child until it has looked the
 * last time; the child touches the parent only under vfork_lock and only while
 * the field names it, and a parent that is killed clears the field under that
 * lock before it goes on to die.  A task makes one child at a time, so a
 * second vfork has another child, hence another field.  tests/model/vfork.pml
 * is all this for a model checker. */
#include "proc/fork.h"
#include "arch/fpu.h"
#include "arch/uaccess.h"
#include "entry/switch.h"
#include "fs/fd.h"
#include "fs/fs_ctx.h"
#include "fs/groups.h"
#include "lib/string.h"
#include "mm/access.h"
#include "mm/heap.h"
#include "mm/mm.h"
#include "mm/share.h"
#include "proc/futex.h"
#include "proc/itimer.h"
#include "proc/pid.h"
#include "proc/pid_ns.h"
#include "proc/pidfd.h"
#include "proc/process.h"
#include "proc/rseq.h"
#include "proc/signal.h"
#include "proc/task.h"
#include "proc/undo.h"
#include "proc/watched.h"
#include "sched/sched.h"
#include "trace/trace.h"
#include <linux/sched.h>

struct spinlock vfork_lock = SPINLOCK_INIT(LOCK_vfork);

/* --- copying ------------------------------------------------------------------ */

#define WORK_COUNT     35u /* instructions a process, about (arch/preempt.h) */
#define TRIES_TO_COUNT 4

/* The threads of current's user. */
static uint64_t count_threads(void)
{
    struct family_walk w;
    struct process *p;
    uint64_t n = 0;

    family_walk_begin(&w, &all_processes);
    while (FAMILY_WALK_NEXT(&w, p, all_link, WORK_COUNT) != NULL)
        if (p->leader->cred.uid == current->cred.uid)
            n += p->nthreads != 0 ? p->nthreads : 1;
    family_walk_end(&w);
    return n;
}

/* RLIMIT_NPROC, for whom it binds.  tree_lock held, but given up now and then where there are
 * thousands: then who has come meanwhile makes it count again. */
static bool too_many(uint64_t limit)
{
    uint64_t given, n;
    unsigned tries = 0;

    if (limit == RLIM64_INFINITY || has_cap(CAP_SYS_RESOURCE) || capable())
        return false;
    do {
        given = pid_given();
        n = count_threads();
    } while (given != pid_given() && ++tries < TRIES_TO_COUNT);
    return n >= limit;
}

static int copy_mm(struct task *t, uint64_t flags)
{
    struct mm *mm = current->mm;

    if (mm == NULL)
        return 0;
    if (flags & CLONE_VM) {
        mm_get(mm);
        t->mm = mm;
        return 0;
    }
    return mm_fork(mm, &t->mm);
}

static int copy_files(struct task *t, uint64_t flags)
{
    struct task *me = current;

    if (flags & CLONE_FILES)
        files_get(t->files = me->files);
    else
        t->files = files_copy(me->files);
    if (t->files == NULL)
        return files_copy_error(me->files);
    if (flags & CLONE_FS)
        fs_ctx_get(t->fs = me->fs);
    else
        t->fs = fs_ctx_copy(me->fs);
    return t->fs != NULL ? 0 : -ENOMEM;
}

static int copy_sighand(struct task *t, uint64_t flags)
{
    struct task *me = current;

    if (flags & CLONE_SIGHAND) {
        t->sighand = me->sighand;
        ref_get(&t->sighand->users);
        return 0;
    }
    t->sighand = sighand_copy(me->sighand);
    if (t->sighand == NULL)
        return -ENOMEM;
    if (flags & CLONE_CLEAR_SIGHAND)
        for (int sig = 1; sig <= SIG_MAX; sig++)
            if (sig_action(t->sighand, sig)->handler != (uaddr_t)SIG_IGN)
                t->sighand->set &= ~SIGBIT(sig);
    return 0;
}

static int copy_process(struct task *t, uint64_t flags)
{
    struct process *p, *mine = current->proc;

    if (flags & CLONE_THREAD) {
        process_get(mine);
        t->proc = mine;
        return 0;
    }
    int err = process_alloc(&p);
    if (err != 0)
        return err;
    process_get(p); /* process_alloc's reference is for its place in the family */
    p->leader = t;
    t->proc = p;
    return 0;
}

/* What fork(2) and vfork(2) do not ask for. */
static void copy_by_flags(struct task *t, const struct clone_request *rq)
{
    if (rq->flags & CLONE_CHILD_SETTID)
        t->set_child_tid = rq->child_tid;
    if (rq->flags & CLONE_CHILD_CLEARTID)
        t->clear_child_tid = rq->child_tid;
    if ((rq->flags & (CLONE_SYSVSEM | CLONE_THREAD)) == CLONE_SYSVSEM)
        undo_hooks->share(t->proc);
}

/* What belongs to the task itself. */
static void copy_task(struct task *t, const struct clone_request *rq)
{
    struct task *me = current;

    memcpy(t->rec->comm, me->rec->comm, sizeof t->rec->comm);
    t->rec->mm = t->mm != NULL ? t->mm->id : 0;
    t->cpus_allowed = me->cpus_allowed;
    t->sched_inherited = me->sched_inherited;
    t->blocked = me->blocked;
    t->cred = me->cred;
    if (me->groups != NULL)
        ref_get(&(t->groups = me->groups)->refs);
    t->no_new_privs = me->no_new_privs;
    t->slack_ns = t->slack_default_ns = me->slack_ns;
    if ((rq->flags & (CLONE_VM | CLONE_VFORK)) == CLONE_VM) {
        t->altstack_flags = SS_DISABLE;
    } else {
        t->altstack_sp = me->altstack_sp;
        t->altstack_size = me->altstack_size;
        t->altstack_flags = me->altstack_flags;
    }
    if (me->rseq.at != 0)
        rseq_fork(t, (rq->flags & CLONE_VM) != 0);
    if (rq->flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CLONE_SYSVSEM))
        copy_by_flags(t, rq);

    task_prepare_user(t, me->uregs);
    t->uregs->rax = 0;
    t->uregs->error = (uint64_t)-1; /* the child has nothing to restart */
    if (rq->stack != 0)
        t->uregs->rsp = rq->stack;
    fpu_fork(t->fpu, current->fpu);
    t->fs_base = rq->flags & CLONE_SETTLS ? rq->tls : user_fs_base();
    t->gs_base = user_gs_base();
}

/* A task that is not in the family yet. */
static void undo(struct task *t)
{
    struct process *p = t->proc;

    if (t->mm != NULL)
        mm_put(t->mm, PT_exit_teardown);
    if (t->files != NULL)
        files_put(t->files);
    if (t->fs != NULL)
        fs_ctx_put(t->fs);
    if (p != NULL && p->leader == t) {
        if (p->undos != NULL)
            undo_hooks->leave(p);
        process_put(p); /* its place in the family */
    }
    task_free_unborn(t);
}

static int copy_all(const struct clone_request *rq, struct task **out)
{
    struct task *t;
    int err = task_alloc(&t);

    if (err != 0)
        return err;
    if ((err = copy_process(t, rq->flags)) != 0 || (err = copy_files(t, rq->flags)) != 0 ||
        (err = copy_sighand(t, rq->flags)) != 0 || (err = copy_mm(t, rq->flags)) != 0) {
        undo(t);
        return err;
    }
    copy_task(t, rq);
    *out = t;
    return 0;
}

/* --- into the family ---------------------------------------------------------- */

static void link_process(struct task *t, const struct clone_request *rq)
{
    struct process *p = t->proc, *mine = current->proc;

    p->tgid = t->tid;
    memcpy(p->rlim, mine->rlim, sizeof p->rlim);
    p->oom_score_adj = mine->oom_score_adj;
    p->membarrier = mine->membarrier;
    p->fork_shares = mine->fork_shares;
    if (rq->flags & CLONE_PARENT) {
        p->parent = mine->parent;
        p->parent_tid = mine->parent_tid;
        p->exit_signal = mine->exit_signal;
    } else {
        p->parent = mine;
        p->parent_tid = current->tid;
        current->has_children = true;
        p->exit_signal = rq->exit_signal;
    }
    process_set_session(p, mine->session);
    process_set_group(p, mine->pgid);
    process_link(p);
    itimer_cpu_limit(p);
}

/* A filter goes on to the child, and perhaps the tracer. */
static SLOW_PATH int inherit_watch(struct task *t, const struct clone_request *rq)
{
    int err = t->policy == SCHED_DEADLINE && !t->reset_on_fork /* nobody has promised it anything */
                  ? -EAGAIN
                  : watched_inherit(t, rq);

    if (err != 0) {
        pid_free(t->tid);
        return err;
    }
    seccomp_inherit(t);
    t->rseq_event &=
        (uint8_t) ~(RETURN_DEBUG | RETURN_ENDINGS | RETURN_DEADLINE); /* these are not inherited */
    t->rseq_event |= current->rseq_event & RETURN_NO_TSC;
    task_watch(t);
    return 0;
}

/* The child gets its number and becomes visible.  0 or -errno: it did not.
 *
 * Whoever ends the group (exit_group, a fatal signal, exec in a sibling) does so
 * under tree_lock, to all threads in proc->threads: so it finds the new thread
 * there, which then dies before its first instruction, or we see here that we are
 * to die.  A signal to the whole group must likewise reach parent and child or
 * come before the fork: this is the moment that decides. */
static int link_task(struct task *t, const struct clone_request *rq)
{
    struct process *mine = current->proc;
    int err = 0;

    spin_lock(&tree_lock);
    bool many = too_many(mine->rlim[RLIMIT_NPROC].rlim_cur); /* others may have run */
    spin_lock(&current->sighand->lock);
    signal_recalc(current);
    spin_unlock(&current->sighand->lock);
    if (current->sig_pending)
        err = -ERESTARTNOINTR;
    else if (many)
        err = -EAGAIN;
    else
        err = rq->set_tid == NULL ? (t->tid = pid_alloc(t)) != 0 ? 0 : -EAGAIN
                                  : pid_claim_wanted(t, rq->set_tid);
    t->syscalls = current->syscalls;
    if (err == 0 && task_watched(t))
        err = inherit_watch(t, rq);
    if (err == 0) {
        struct process *p = t->proc;
        t->rec->ppid = current->rec->ppid;
        if (!(rq->flags & CLONE_THREAD)) {
            link_process(t, rq);
            t->rec->ppid = p->parent->tgid;
        }
        list_push_back(&p->threads, &t->thread_link);
        p->nthreads++;
        __atomic_fetch_add(&p->nliving, 1, __ATOMIC_RELAXED);
        nthreads_total++;
        t->rec->tgid = p->tgid;
        t->rec->pid = t->tid;
    }
    spin_unlock(&tree_lock);
    return err;
}

/* --- vfork -------------------------------------------------------------------- */

/* False: it was killed. */
static bool vfork_wait(struct task *child)
{
    struct task *me = current;
    uint32_t child_tid = child->tid;

    while (__atomic_load_n(&child->vfork_waiter, __ATOMIC_ACQUIRE) == me &&
           block(BLOCK_vfork, child_tid, BLOCK_KILLABLE, NO_DEADLINE) == 0)
        ;
    spin_lock(&vfork_lock);
    bool killed = child->vfork_waiter == me;
    if (killed) {
        child->vfork_waiter = NULL;
        child->vfork_cause = RELEASE_killed;
        trace_vfork_release(me->rec->mm, me->tid, child_tid, RELEASE_killed);
    }
    spin_unlock(&vfork_lock);
    return !killed;
}

/* clear_child_tid is written into the memory the task leaves, if somebody else
 * is still there to see it. */
void mm_release(struct task *t, struct mm *old, enum release_cause cause)
{
    uint32_t zero = 0;

    if (t->clear_child_tid != 0 && ref_read(&old->users) > 1 &&
        mm_write(old, t->clear_child_tid, &zero, sizeof zero) == sizeof zero)
        futex_wake(old, t->clear_child_tid, 1, UINT32_MAX);
    t->clear_child_tid = 0;

    if (t->vfork_waiter == NULL)
        return; /* it does not come back from NULL */
    spin_lock(&vfork_lock);
    struct task *waiter = t->vfork_waiter;
    if (waiter != NULL) { /* not killed meanwhile */
        t->vfork_cause = cause;
        trace_vfork_release(old->id, waiter->tid, t->tid, cause);
        __atomic_store_n(&t->vfork_waiter, NULL, __ATOMIC_RELEASE);
        wake_task_first(waiter);
    }
    spin_unlock(&vfork_lock);
}

/* After the descriptors were copied, so that the child's table does not have it. */
static int make_pidfd(struct process *p, uaddr_t at, int *fd, struct file **f)
{
    int err = pidfd_prepare(p, 0, fd, f);

    if (err == 0 && put_user(*fd, at) != 0) {
        pidfd_cancel(*fd, *f);
        err = -EFAULT;
    }
    if (err != 0)
        *f = NULL;
    return err;
}

/* --- the calls ---------------------------------------------------------------- */

long clone_task(const struct clone_request *rq)
{
    struct task *me = current, *t;
    struct file *pidfd = NULL;
    int fd;

    if (me->sig_pending)
        return -ERESTARTNOINTR; /* before the work, not after it */
    int err = copy_all(rq, &t);
    if (err != 0)
        return err;
    bool vfork = (rq->flags & CLONE_VFORK) != 0;
    if (vfork)
        t->vfork_waiter = me;
    if (rq->flags & CLONE_PIDFD)
        err = make_pidfd(t->proc, rq->pidfd, &fd, &pidfd);
    if (err == 0)
        err = link_task(t, rq);
    if (err != 0) {
        if (pidfd != NULL)
            pidfd_cancel(fd, pidfd);
        undo(t);
        return err;
    }
    if (pidfd != NULL)
        fd_install(fd, pidfd);

    uint32_t tid = t->tid, told = pid_told_soon(tid);
    trace_clone(me->rec->mm, tid, t->proc->tgid, t->rec->mm, rq->flags, rq->exit_signal);
    if (rq->flags & CLONE_PARENT_SETTID)
        put_user(told, rq->parent_tid); /* as in Linux, a bad address is not an error */
    if (vfork) {
        task_get(t);
        sched_first(t);
        if (task_watched(me))
            ptrace_forked(rq->flags, rq->exit_signal, tid);
        bool released = vfork_wait(t);
        if (task_watched(me) && released)
            ptrace_vfork_done(tid);
        task_put(t);
    } else {
        sched_enqueue(t);
        if (task_watched(me))
            ptrace_forked(rq->flags, rq->exit_signal, tid);
    }
    return told;
}

/* --- PID 1 -------------------------------------------------------------------- */

/* Made by the idle task, from nothing: a kernel task, leader of the first
 * session, with what its program will need. */
static int make_first(struct task *t, struct process *p, struct session *s)
{
    static const struct {
        unsigned which;
        uint64_t cur, max;
    } limits[] = {
        { RLIMIT_STACK, 8u << 20, RLIM64_INFINITY },
        { RLIMIT_CORE, 0, RLIM64_INFINITY },
        { RLIMIT_NOFILE, 1024, 4096 },
        { RLIMIT_MEMLOCK, 8u << 20, 8u << 20 },
        { RLIMIT_MSGQUEUE, 819200, 819200 },
        { RLIMIT_NICE, 0, 0 },
        { RLIMIT_RTPRIO, 0, 0 },
        { RLIMIT_SIGPENDING, 4096, 4096 },
    };

    p->fork_shares = share_by_default();
    for (unsigned i = 0; i < RLIM_NLIMITS; i++)
        p->rlim[i].rlim_cur = p->rlim[i].rlim_max = RLIM64_INFINITY;
    for (unsigned i = 0; i < ARRAY_SIZE(limits); i++)
        p->rlim[limits[i].which] = (struct rlimit64){ limits[i].cur, limits[i].max };
    t->files = files_create();
    t->fs = fs_ctx_initial();
    t->sighand = sighand_create();
    t->kthread = true;
    t->syscalls = SYSCALL_NUMBERS;
    t->cpus_allowed = UINT64_MAX;
    t->altstack_flags = SS_DISABLE;
    memset(&t->cred, 0, sizeof t->cred);
    t->cred.cap_effective = t->cred.cap_permitted = t->cred.cap_bounding = (1ull << 41) - 1;
    strlcpy(t->rec->comm, "init", sizeof t->rec->comm);
    process_get(p);
    t->proc = p;
    p->leader = t;
    p->unkillable = true;
    p->exit_signal = SIGCHLD;
    ref_init(&s->refs, 1);
    return t->files != NULL && t->fs != NULL && t->sighand != NULL ? 0 : -ENOMEM;
}

int kernel_init_start(void (*fn)(void))
{
    struct process *p;
    struct task *t;
    struct session *s = kzalloc(sizeof *s);

    if (s == NULL || task_alloc(&t) != 0 || process_alloc(&p) != 0 || make_first(t, p, s) != 0)
        return -ENOMEM; /* the machine does not get further: nothing to undo */
    task_prepare_kernel(t, fn);
    spin_lock(&tree_lock);
    t->tid = pid_alloc(t);
    p->tgid = s->sid = t->tid;
    process_set_session(p, s);
    process_set_group(p, p->tgid);
    session_put(s);
    process_link(p);
    list_push_back(&p->threads, &t->thread_link);
    p->nthreads = p->nliving = nthreads_total = 1;
    t->rec->pid = t->rec->tgid = t->tid;
    init_process = p;
    spin_unlock(&tree_lock);
    sched_enqueue(t);
    return 0;
}
