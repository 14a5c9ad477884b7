/* watched.c - what is done for the tasks of watched.h: at a system call, and at fork, exec and exit. */
#include "proc/watched.h"
#include "proc/futex.h"
#include "mm/ldt.h"
#include "proc/key.h"
#include "proc/process.h"
#include "proc/ending.h"
#include "proc/namespace.h"
#include "proc/fork.h"
#include "proc/pid_ns.h"
#include "proc/user_dispatch.h"
#include "sched/sched.h"
#include <asm/unistd.h>
#include <linux/sched.h>

/* These calls do not look whether current is in another PID namespace than the first: they are made often. */
static void tell_own_number(struct regs *r)
{
    struct process *parent;

    switch (r->error) {
    case __NR_getppid:
        spin_lock(&tree_lock);
        parent = current->proc->parent;
        r->rax = parent != NULL ? pid_told(parent->tgid) : 0;
        spin_unlock(&tree_lock);
        break;
    case __NR_getpid:
    case __NR_gettid:
    case __NR_getpgrp:
    case __NR_setsid:
    case __NR_set_tid_address:
        if ((int64_t)r->rax > 0)
            r->rax = pid_told((uint32_t)r->rax);
    }
}

void watched_call(struct regs *r, void (*call)(struct regs *r))
{
    if (current->dispatch != NULL && user_dispatch_takes(r))
        return;
    r->rax = (uint64_t)-ENOSYS; /* unless somebody says more */
    if (ptrace_call_enters(r) && (current->seccomp_mode == 0 || seccomp_allows(r))) {
        call(r);
        if (current->ns != NULL)
            tell_own_number(r);
    }
    ptrace_call_leaves(r);
}

/* What SCHED_RESET_ON_FORK keeps from a child. */
static void reset_policy(struct task *t)
{
    if (sched_realtime(t->policy) || t->policy == SCHED_DEADLINE) {
        t->policy = SCHED_NORMAL;
        t->rt_priority = 0;
        t->nice = 0;
    }
    t->nice = MAX(t->nice, 0);
    t->reset_on_fork = false;
}

int watched_inherit(struct task *child, const struct clone_request *rq)
{
    uint64_t flags = rq->flags;
    int err = ns_inherit(child, rq);

    if (err != 0)
        return err;
    err = key_rings_inherit(child, flags & CLONE_THREAD);

    if (err == 0 && (err = ptrace_inherit(child, flags, (uint32_t)rq->exit_signal)) != 0)
        key_rings_disinherit(child);
    if (err == 0 && current->segments)
        ldt_inherit(child, !(flags & CLONE_VM));
    if (err == 0 && child->reset_on_fork)
        reset_policy(child);
    if (err == 0 && child->ns != NULL)
        pid_ns_begin(child->proc);
    if (err != 0) {
        ns_set_put(child->ns); /* current has it, too */
        child->ns = NULL;
    }
    return err;
}

void watched_execed(uint32_t old_tid)
{
    key_rings_exec();
    if (current->segments) {
        ldt_drop();
        spin_lock(&tree_lock);
        task_watch(current);
        spin_unlock(&tree_lock);
    }
    user_dispatch_end(current);
    ptrace_execed(old_tid);
}

void watched_leaves(struct task *t, bool last)
{
    key_rings_leave(t);
    user_dispatch_end(t);
    if (t->owed_lock)
        futex_leave_locks(t);
    if (last && t->ns != NULL)
        pid_ns_leave(t);
    ns_leave(t);
    if (t->rseq_event & RETURN_ENDINGS)
        endings_run();
}
