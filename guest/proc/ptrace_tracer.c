/* ptrace_tracer.c - who traces whom: how that begins and ends, and what a tracer hears.
 *
 * A tracee is in the list of its tracer's process, where wait(2) finds it; task.ptrace is its
 * side of that.  Both are made and ended in one step under tree_lock.
 *
 * A traced thread that ends, and is no leader, stays as a zombie until its tracer has waited for it or
 * lets it go; its process does not end before (process.nzombies).  A traced leader's process, at its
 * end, is shown to the tracer first, and to the parent when the tracer has seen it.  So nothing
 * waits for a tracer but what it can be killed for: when it ends, it lets all go. */
#include "arch/preempt.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "proc/exit.h"
#include "proc/pid.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include "proc/ptrace.h"
#include "proc/signal_internal.h"
#include "proc/task.h"
#include "proc/watched.h"
#include <linux/ptrace.h>

/* --- links ---------------------------------------------------------------------- */

int ptrace_link(struct task *t, struct task *tracer, bool seized, uint32_t options)
{
    struct ptrace *pt = kzalloc(sizeof *pt);

    ASSERT_SPIN_HELD(&tree_lock);
    if (pt == NULL)
        return -ENOMEM;
    pt->task = t;
    pt->tracer = tracer;
    pt->seized = seized;
    pt->options = options;
    pt->may_gain = tracer->cred.euid == 0;
    if (tracer->proc->tracees.next == NULL)
        list_init(&tracer->proc->tracees);
    list_push_back(&tracer->proc->tracees, &pt->link);
    tracer->has_children = true; /* so that it looks for them when it ends */
    t->ptrace = pt;
    task_watch(t);
    return 0;
}

static void unjoin(struct ptrace *pt)
{
    if (pt->joined)
        pt->task->proc->nstopped--;
    pt->joined = false;
}

/* Frees it, unless the tracee is about to. */
static void take_out(struct ptrace *pt)
{
    struct task *t = pt->task;

    ASSERT_SPIN_HELD(&tree_lock);
    unjoin(pt);
    family_walk_leave(&pt->link);
    list_remove(&pt->link);
    t->ptrace = NULL;
    task_watch(t);
    if (!pt->in_stop)
        kfree(pt);
}

/* The thread, a zombie, is out of its process; that ends if it was the last. */
static void release_thread(struct task *t)
{
    struct process *p = t->proc;

    process_get(p);
    p->nzombies--;
    thread_release(t);
    exit_thread_gone(p);
    process_put(p);
}

void ptrace_unlink(struct ptrace *pt)
{
    struct task *t = pt->task;
    struct process *p = t->proc;
    bool foreign = pt->tracer->proc != p->parent, zombie = pt->zombie, asleep = pt->in_stop;

    take_out(pt);
    if (zombie) {
        release_thread(t);
    } else if (p->zombie) {
        if (t == p->leader && foreign)
            notify_end(p);
    } else if (t->sighand != NULL) {
        signal_notice(t, NOTICE_SIGNAL); /* a group stop may wait for it */
        if (asleep)
            wake_task(t);
    }
}

#define WORK_LET_GO 600u /* instructions a tracee, about (arch/preempt.h) */

void ptrace_leave_tracees(void)
{
    struct task *me = current;
    struct family_walk w;
    struct ptrace *pt;

    family_walk_begin(&w, &me->proc->tracees);
    while (FAMILY_WALK_NEXT(&w, pt, link, WORK_LET_GO) != NULL) {
        if (pt->tracer != me)
            continue;
        if (pt->options & PTRACE_O_EXITKILL)
            signal_send_task_locked(pt->task, SIGKILL, NULL);
        ptrace_unlink(pt);
    }
    family_walk_end(&w);
}

void ptrace_leader_gone(struct task *t)
{
    struct process *tracer = t->ptrace->tracer->proc;

    take_out(t->ptrace);
    waitq_wake(&tracer->child_wait); /* it may wait for that one */
}

struct ptrace *ptrace_find(uint32_t tid)
{
    struct task *t = task_named(tid);

    ASSERT_SPIN_HELD(&tree_lock);
    return t != NULL && t->ptrace != NULL && t->ptrace->tracer == current ? t->ptrace : NULL;
}

/* --- requests ------------------------------------------------------------------- */

struct ptrace *ptrace_hold(uint32_t tid)
{
    spin_lock(&tree_lock);
    struct ptrace *pt = ptrace_find(tid);
    if (pt != NULL && pt->in_stop && pt->state == TRACEE_STOPPED)
        pt->held = true;
    else
        pt = NULL;
    spin_unlock(&tree_lock);
    while (pt != NULL && __atomic_load_n(&pt->task->on_cpu, __ATOMIC_ACQUIRE))
        preempt_point(); /* it is about to sleep */
    return pt;
}

void ptrace_let(struct ptrace *pt)
{
    spin_lock(&tree_lock);
    pt->held = false;
    struct task *t = pt->task;
    if (t->ptrace != pt || pt->state == TRACEE_RUNS || pt->dies || signal_fatal_pending(t))
        wake_task(t);
    spin_unlock(&tree_lock);
}

static void set_trap_flag(struct task *t, bool steps)
{
    struct regs *r = t->uregs;

    if (steps && !(r->rflags & X86_EFLAGS_TF)) {
        r->rflags |= X86_EFLAGS_TF;
        t->forced_tf = true;
    } else if (!steps && t->forced_tf) {
        r->rflags &= ~(uint64_t)X86_EFLAGS_TF;
        t->forced_tf = false;
    }
}

/* It is held. */
void ptrace_resume(struct ptrace *pt)
{
    ASSERT_SPIN_HELD(&tree_lock);
    set_trap_flag(pt->task, pt->steps);
    pt->state = TRACEE_RUNS;
}

void ptrace_interrupt(struct ptrace *pt)
{
    struct task *t = pt->task;

    ASSERT_SPIN_HELD(&tree_lock);
    if (t->exiting)
        return;
    pt->trap = true;
    if (pt->state == TRACEE_LISTENS)
        wake_task(t);
    else
        signal_notice(t, NOTICE_SIGNAL);
}

/* --- what a tracer hears ----------------------------------------------------------- */

static const struct ksigaction *child_action(const struct process *p)
{
    struct task *t;

    list_for_each(t, &p->threads, thread_link)
        if (t->sighand != NULL)
            return sig_action(t->sighand, SIGCHLD);
    return &sig_default_action;
}

void ptrace_tell(struct ptrace *pt, int code, int status)
{
    struct process *to = pt->tracer->proc;
    bool end = code == CLD_EXITED || code == CLD_KILLED || code == CLD_DUMPED;
    siginfo_t info;

    ASSERT_SPIN_HELD(&tree_lock);
    if (end || !(child_action(to)->flags & SA_NOCLDSTOP)) {
        siginfo_child(&info, pt->task->proc, code, status);
        info.si_signo = SIGCHLD;
        info.si_pid = (int)pid_seen_by(to->tgid, pt->task->tid);
        signal_send_process_locked(to, SIGCHLD, &info);
    }
    waitq_wake(&to->child_wait);
}

static bool ignores_ends(const struct process *p)
{
    const struct ksigaction *a = child_action(p);

    return a->handler == HANDLER_IGNORE || (a->flags & SA_NOCLDWAIT) != 0;
}

static void tell_end(struct ptrace *pt, int status)
{
    int value = (status & 0x7f) == 0 ? status >> 8 & 0xff : status & 0x7f;

    ptrace_tell(pt, status_code(status), value);
}

bool ptrace_stays(struct task *t)
{
    struct ptrace *pt = t->ptrace;
    struct process *p = t->proc;

    ASSERT_SPIN_HELD(&tree_lock);
    kfree(t->debug);
    t->debug = NULL;
    if (pt == NULL)
        return false;
    unjoin(pt);
    if (t == p->leader)
        return false;
    if (p->group_exit)
        pt->status = (uint32_t)p->exit_status;
    pt->zombie = !ignores_ends(pt->tracer->proc);
    bool stays = pt->zombie;
    tell_end(pt, (int)pt->status);
    if (stays)
        p->nzombies++;
    else
        take_out(pt);
    return stays;
}

bool ptrace_told(struct process *p, bool unwanted)
{
    struct ptrace *pt = p->leader->ptrace;
    bool own = pt->tracer->proc == p->parent;

    ASSERT_SPIN_HELD(&tree_lock);
    if (!own)
        tell_end(pt, p->exit_status);
    if (own ? unwanted : ignores_ends(pt->tracer->proc)) {
        take_out(pt);
        return false;
    }
    return !own;
}

void ptrace_reap(struct ptrace *pt)
{
    struct task *t = pt->task;
    bool thread = pt->zombie, foreign = pt->tracer->proc != t->proc->parent;

    take_out(pt);
    if (thread)
        release_thread(t);
    else if (foreign)
        notify_end(t->proc);
    else
        process_reap(t->proc);
}

/* --- ends and stops of its process --------------------------------------------------- */

/* At its stop for EXIT a task sleeps so that nothing but this ends it from outside. */
void ptrace_kill_thread(struct task *t)
{
    ASSERT_SPIN_HELD(&tree_lock);
    t->ptrace->dies = true;
    if (t->ptrace->in_stop)
        wake_task(t);
}

void ptrace_kill(struct process *p)
{
    struct task *t;

    list_for_each(t, &p->threads, thread_link)
        if (t->ptrace != NULL)
            ptrace_kill_thread(t);
}

void ptrace_stop_changed(struct task *t)
{
    struct ptrace *pt = t->ptrace;

    if (!pt->joined || pt->nconts == t->proc->nconts)
        return;
    unjoin(pt);
    if (pt->seized && t->proc->stop_pending == 0)
        ptrace_interrupt(pt);
}
