/* exit.c - the end of a thread, and of a process when it was the last.
 *
 * In this order, because of who must see what: memory is left, and with it a vfork parent released; what semaphores
 * get back is given; descriptors close, so that a pipe's reader sees the end; then, in one step under tree_lock, the
 * thread is out of its process, and if it was the last one the process is a zombie, its children have a new parent,
 * and its own parent is told.  After that the task only has to leave its stack: it may be reaped by then, on another
 * CPU, which frees nothing that the dying task uses (task.c).  A leader that ends before the others stays a zombie
 * thread in the list until they are gone: the process is named by it.
 *
 * The process ends with the status that exit_group or the fatal signal gave, or else with that of the thread which
 * was the last to begin to end, as on Linux.
 *
 * The end of a group and an exec among threads are decided under tree_lock, once: the first exit_group, fatal signal,
 * exec or core dump (core.c) wins.  A thread that calls exit_group when a sibling is in exec ends alone, as Linux has
 * it; a fatal signal to the process still ends both.
 *
 * PID 1's end is the machine's. */
#include "proc/exit.h"
#include "arch/hypercall.h"
#include "arch/machine.h"
#include "arch/preempt.h"
#include "fs/fd.h"
#include "fs/fs_ctx.h"
#include "mm/mm.h"
#include "mm/tlb.h"
#include "proc/acct.h"
#include "proc/core.h"
#include "proc/fork.h"
#include "proc/futex.h"
#include "proc/itimer.h"
#include "proc/pid.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include "proc/signal_internal.h"
#include "proc/task.h"
#include "proc/undo.h"
#include "proc/watched.h"
#include "sched/record.h"
#include "sched/policy.h"
#include "sched/sched.h"
#include "sched/times.h"
#include "arch/syscall.h"
#include "trace/boot_stage.h"
#include "trace/trace.h"
#include "tty/tty.h"

/* Returns the most pages that it had. */
static uint64_t leave_mm(struct task *t)
{
    struct mm *mm = t->mm;

    if (mm == NULL)
        return 0;
    if (t->robust_list != 0)
        futex_exit_robust(t);
    uint64_t rss = mm->hiwater_rss;
    spin_lock(&t->lock);
    t->mm = NULL;
    spin_unlock(&t->lock);
    mm_activate(NULL);
    mm_release(t, mm, RELEASE_exit);
    mm_put(mm, PT_exit_teardown);
    t->rec->mm = 0;
    return rss;
}

static void leave_files(struct task *t)
{
    struct files *files = t->files;
    struct fs_ctx *fs = t->fs;

    spin_lock(&t->lock);
    t->files = NULL;
    t->fs = NULL;
    spin_unlock(&t->lock);
    files_put(files);
    fs_ctx_put(fs);
}

/* --- telling the parent ------------------------------------------------------- */

int status_code(int status)
{
    if ((status & 0x7f) == 0)
        return CLD_EXITED;
    return status & 0x80 ? CLD_DUMPED : CLD_KILLED;
}

static int status_value(int status)
{
    return (status & 0x7f) == 0 ? status >> 8 & 0xff : status & 0x7f;
}

void notify_parent(struct process *p, int code)
{
    struct process *parent = p->parent;
    struct task *any;
    siginfo_t info;
    int sig = SIGCHLD, value;

    ASSERT_SPIN_HELD(&tree_lock);
    if (parent == NULL)
        return;
    if (code == CLD_STOPPED || code == CLD_CONTINUED) {
        value = code == CLD_STOPPED ? (int)p->stop_signal : SIGCONT;
        any = list_first(&parent->threads, struct task, thread_link);
        if (!list_empty(&parent->threads) && any->sighand != NULL &&
            (sig_action(any->sighand, SIGCHLD)->flags & SA_NOCLDSTOP))
            sig = 0;
    } else {
        value = status_value(p->exit_status);
        sig = p->exit_signal <= SIG_MAX ? p->exit_signal : 0;
    }
    if (sig != 0) {
        siginfo_child(&info, p, code, value);
        info.si_signo = sig;
        signal_send_process_locked(parent, sig, &info);
    }
    waitq_wake(&parent->child_wait);
}

/* The parent has said that it does not want to know. */
static bool unwanted(const struct process *p)
{
    struct task *t;

    if (p->exit_signal != SIGCHLD || p->parent == NULL)
        return p->parent == NULL;
    list_for_each(t, &p->parent->threads, thread_link) {
        if (t->sighand == NULL)
            continue;
        const struct ksigaction *a = sig_action(t->sighand, SIGCHLD);
        return a->handler == (uaddr_t)SIG_IGN || (a->flags & SA_NOCLDWAIT);
    }
    return false;
}

bool notify_end(struct process *p)
{
    bool reap = unwanted(p);

    if (unlikely(p->leader->ptrace != NULL) && ptrace_told(p, reap))
        return false;
    struct process *parent = p->parent;

    notify_parent(p, status_code(p->exit_status));
    if (!reap)
        return false;
    trace_reap(0, p->tgid, p->exit_status);
    process_release(p);
    if (parent != NULL)
        waitq_wake(&parent->child_wait); /* perhaps it has no children left */
    return true;
}

/* --- the family --------------------------------------------------------------- */

#define WORK_LOOK 35u /* instructions a process, about (arch/preempt.h) */

static bool has_stopped(uint32_t pgid)
{
    struct family_walk w;
    struct process *p;
    bool found = false;

    family_walk_begin(&w, &all_processes);
    while (!found && FAMILY_WALK_NEXT(&w, p, all_link, WORK_LOOK) != NULL)
        found = p->pgid == pgid && p->stop_signal != 0;
    family_walk_end(&w);
    return found;
}

void pgrp_hangup_if_orphaned(uint32_t pgid)
{
    if (pgrp_orphaned(pgid) && has_stopped(pgid)) {
        signal_send_pgrp_locked(pgid, SIGHUP, NULL);
        signal_send_pgrp_locked(pgid, SIGCONT, NULL);
    }
}

/* Nearest ancestor that asked for orphans, else init: of the same PID namespace. */
static struct process *reaper_for(const struct process *p)
{
    const struct pid_ns *ns = pid_ns_count == 0 ? NULL : pid_ns_of(p->tgid);

    for (struct process *up = p->parent;
         up != NULL && (pid_ns_count == 0 || pid_ns_of(up->tgid) == ns); up = up->parent)
        if (up->subreaper && !up->going)
            return up;
    return pid_ns_init(ns);
}

#define WORK_CHILD 500u /* instructions a child, about (arch/preempt.h) */

/* child, whose parent p ends, gets the parent `to`. */
static void reparent(struct process *child, struct process *p, struct process *to)
{
    uint32_t pgid = child->pgid;
    bool linked = pgid != p->pgid && child->session == p->session;
    struct family_walk w;
    struct task *t;

    family_walk_leave(&child->sibling);
    list_remove(&child->sibling);
    list_push_back(&to->children, &child->sibling);
    child->parent = to;
    child->parent_tid = to->tgid;
    trace_reparent(0, child->tgid, to->tgid);
    child->exit_signal = SIGCHLD;
    if (child->zombie) {
        child->leader->rec->ppid = to->tgid;
        if (child->leader->ptrace == NULL) /* else its tracer has heard of it, and waits first */
            notify_end(child);
        return;
    }
    process_get(child); /* others run while we go through its threads: it may end, and tell `to` */
    family_walk_begin(&w, &child->threads);
    while (FAMILY_WALK_NEXT(&w, t, thread_link, WORK_LOOK) != NULL)
        t->rec->ppid = child->parent->tgid;
    family_walk_end(&w);
    signal_parent_died(child);
    process_put(child);
    if (linked) /* p may have been what held its group to the session */
        pgrp_hangup_if_orphaned(pgid);
}

static SLOW_PATH void reparent_all(struct process *p)
{
    struct family_walk w;
    struct process *child;

    family_walk_begin(&w, &p->children);
    while (FAMILY_WALK_NEXT(&w, child, sibling, WORK_CHILD) != NULL)
        reparent(child, p, reaper_for(p));
    family_walk_end(&w);
}

/* The last thread of p is about to leave: p's children get another parent, and p is none of the links
 * of a group any more.  Others run in between; p gets no new children. */
static void leave_family(struct process *p)
{
    spin_lock(&tree_lock);
    p->going = true;
    if (has_tracees(p))
        ptrace_leave_tracees();
    if (!list_empty(&p->children))
        reparent_all(p);
    if (p->parent->pgid != p->pgid && p->parent->session == p->session)
        pgrp_hangup_if_orphaned(p->pgid);
    spin_unlock(&tree_lock);
}

#define WORK_OWN 35u /* instructions a child, about */

/* A thread ends but its process goes on: its children stay the process's.  Nobody but t makes such. */
static void hand_over_children(struct task *t)
{
    struct process *child, *p = t->proc;
    struct family_walk w;

    spin_lock(&tree_lock);
    if (has_tracees(p))
        ptrace_leave_tracees();
    family_walk_begin(&w, &p->children);
    while (FAMILY_WALK_NEXT(&w, child, sibling, WORK_OWN) != NULL) {
        if (child->parent_tid == t->tid) {
            child->parent_tid = p->leader->tid;
            signal_parent_died(child);
            preempt_tell(WORK_CHILD / 4);
        }
    }
    family_walk_end(&w);
    spin_unlock(&tree_lock);
}

static void add_times(struct task *t)
{
    struct process *p = t->proc;
    uint64_t user, sys;

    task_times(t, &user, &sys);
    p->utime_ns += user;
    p->stime_ns += sys;
    p->minflt += t->minflt;
    p->nvcsw += t->nvcsw;
    p->nivcsw += t->nivcsw;
    t->utime_ns = t->stime_ns = 0;
    t->minflt = t->nvcsw = t->nivcsw = 0;
}

void end_machine(int status)
{
    boot_stage(BOOT_command_exit);
    machine_exit((status & 0x7f) == 0 ? status >> 8 & 0xff : 128 + (status & 0x7f),
                 HC_EXIT_POWEROFF);
}

/* tree_lock held: the last thread of p has left. */
static void process_end(struct process *p)
{
    __atomic_store_n(&p->zombie, true, __ATOMIC_RELEASE);
    waitq_wake(&p->end_wait);
    p->stop_signal = p->stop_pending = 0;
    trace_exit(0, p->tgid, p->exit_status);
    if (p == init_process)
        end_machine(p->exit_status);
    ASSERT(list_empty(&p->children));
    notify_end(p);
}

static void set_zombie(struct task *t)
{
    spin_lock(&t->lock);
    task_set_state(t, TASK_zombie, BLOCK_none, 0);
    spin_unlock(&t->lock);
}

static SLOW_PATH void leave_io(struct process *p, const struct task *t)
{
    for (unsigned i = 0; i < ARRAY_SIZE(p->io); i++) {
        p->io[i].bytes += t->io[i].bytes;
        p->io[i].calls += t->io[i].calls;
    }
}

/* Out of the process, in one step. */
static void leave_process(struct task *t, uint64_t rss)
{
    struct process *p = t->proc;
    struct sighand *sighand = t->sighand;
    struct seccomp *filters = NULL;
    bool stays = false;
    bool leader = p->leader == t;

    process_get(p); /* it may be reaped before we are done with it */
    spin_lock(&tree_lock);
    add_times(t);
    p->maxrss = MAX(p->maxrss, rss);
    t->exiting = true;
    t->sighand = NULL; /* nobody sends t anything from now on */
    if (unlikely(t->pending.set != 0)) {
        spin_lock(&sighand->lock); /* a timer may know of it */
        sigpending_flush(&t->pending);
        spin_unlock(&sighand->lock);
    }
    t->sig_pending = false;
    if (task_watched(t)) {
        filters = seccomp_leave(t);
        stays = ptrace_stays(t);
        if (t->deadline != NULL)
            sched_set_policy(t, SCHED_NORMAL, 0, NULL);
    }
    p->nthreads--;
    nthreads_total--;
    set_zombie(t);
    if (p->nthreads == 0 && likely(p->nzombies == 0)) {
        process_end(p);
    } else {
        waitq_wake(&p->end_wait); /* who polls a pidfd of this thread */
        signal_task_exit(t);
    }
    if (p->sole_task != NULL && p->nthreads == 1)
        wake_task(p->sole_task);
    if (!leader)
        leave_io(p, t);
    if (!leader && !stays)
        thread_release(t);
    sighand_put(sighand); /* an exec that waits for us counts its users */
    spin_unlock(&tree_lock);
    if (unlikely(filters != NULL))
        seccomp_put(filters);
    if (unlikely(t->owed_lock))
        futex_leave_late(t);
    process_put(p);
}

void exit_thread_gone(struct process *p)
{
    ASSERT_SPIN_HELD(&tree_lock);
    if (p->nthreads == 0 && p->nzombies == 0)
        process_end(p);
    else if (p->sole_task != NULL && p->nthreads == 1)
        wake_task(p->sole_task);
}

/* current is the last that has not begun to end. */
static void begin_end(struct process *p, int status)
{
    itimer_exit(p);
    if (!__atomic_load_n(&p->group_exit, __ATOMIC_ACQUIRE)) { /* else decided, and stays */
        spin_lock(&tree_lock);
        if (!p->group_exit) {
            p->exit_status = status;
            __atomic_store_n(&p->group_exit, true, __ATOMIC_RELEASE);
        }
        spin_unlock(&tree_lock);
    }
    if (p->sweep.when != 0) /* there was one */
        signal_sweep_end(p);
}

bool exit_extras;

static SLOW_PATH void end_extras(struct process *p)
{
    if (p->undos != NULL)
        undo_hooks->leave(p);
    acct_end();
}

#define WORK_EXIT 8000u /* instructions, about (arch/preempt.h) */

void exit_task(int status)
{
    struct task *t = current;
    struct process *p = t->proc;

    if (t->mm == NULL && t->kthread)
        panic("a kernel task ended");
    preempt_work(WORK_EXIT); /* a group that is killed ends without getting to user mode */
    bool last = __atomic_sub_fetch(&p->nliving, 1, __ATOMIC_ACQ_REL) == 0;
    if (last)
        begin_end(p, status);
    else
        core_join(t);
    if (task_watched(t))
        ptrace_exits((uint32_t)status);
    if (unlikely(exit_extras) && last)
        end_extras(p);
    uint64_t rss = leave_mm(t);
    leave_files(t);
    if (task_watched(t))
        watched_leaves(t, last);
    signal_flush(t, last);
    if (last) {
        if (p != init_process)
            leave_family(p);
        if (p->session->sid == p->tgid)
            tty_disassociate(p->session);
    } else if (t->has_children) {
        hand_over_children(t);
    }
    leave_process(t, rss);
    sched_exit(task_put);
}

void exit_group(int status)
{
    struct process *p = current->proc;

    if (p->nthreads > 1) { /* others have to be told: alone, begin_end() does it all */
        spin_lock(&tree_lock);
        if (p->sole_task == NULL || p->group_exit) {
            signal_group_exit(p, status);
            status = p->exit_status;
        }
        spin_unlock(&tree_lock);
    }
    exit_task(status);
}

/* --- exec from a process with threads ----------------------------------------- */

/* current takes the place and number of the leader, which is dead.  tree_lock held. */
static void become_leader(struct process *p)
{
    struct task *t = current, *old = p->leader;
    struct process *child;
    uint32_t own = t->tid;

    while (__atomic_load_n(&old->on_cpu, __ATOMIC_ACQUIRE))
        cpu_relax_poll(); /* on its last steps, which want no tree_lock */
    list_for_each(child, &p->children, sibling)
        if (child->parent_tid == own)
            child->parent_tid = p->tgid;
    t->start_ns = old->start_ns;
    pid_set_task(p->tgid, t);
    pid_free(own);
    t->tid = t->rec->pid = p->tgid;
    if (unlikely(old->ptrace != NULL))
        ptrace_leader_gone(old);
    p->leader = t;
    old->rec->pid = old->tid = own;
    signal_sweep_leave(old);
    list_remove(&old->thread_link);
    task_put(old);
}

int exit_other_threads(void)
{
    struct task *me = current;
    struct process *p = me->proc;

    spin_lock(&tree_lock);
    if (p->group_exit || p->sole_task != NULL) {
        spin_unlock(&tree_lock);
        return -EAGAIN;
    }
    if (p->nthreads + p->nzombies > 1) {
        p->sole_task = me;
        signal_sweep(p);
        while (p->nthreads + p->nzombies > 1 && !p->group_exit) {
            spin_unlock(&tree_lock);
            block(BLOCK_exec_threads, 0, BLOCK_KILLABLE, NO_DEADLINE);
            spin_lock(&tree_lock);
        }
        p->sole_task = NULL;
    }
    bool lost = p->group_exit;
    if (!lost && p->leader != me)
        become_leader(p);
    spin_unlock(&tree_lock);
    return lost ? -EAGAIN : 0;
}

SYSCALL1(exit, int, code) { exit_task((code & 0xff) << 8); }

SYSCALL1(exit_group, int, code) { exit_group((code & 0xff) << 8); }
