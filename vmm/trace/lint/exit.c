/* exit.c - ends: of address spaces (X1), of processes (X2, X4), of waits (X3).
 *
 * A process is known by its leader's number, and has a parent, which is a process, too.
 * Who exits wakes its parent, if that waits for it, before it gives its CPU away.  The other
 * way round nothing is asked: a wait may end without news of a child.  Wakes may be
 * spurious (guest/sched/block.h), and a signal that was sent long before comes to a waiting
 * thread when the thread that had been chosen for it ends or blocks it, which is no event. */
#include "vmm/trace/lint/families.h"

#include <asm/unistd_64.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <linux/ptrace.h>

/* In which whoever held a dead process's memory, a reader of procfs, is done with it, also on a host
 * that takes its CPU away for a while: ns. */
#define LEFT_LONG_AGO 1000000000ull

struct lint_task *lint_process(struct lint *l, uint32_t pid)
{
    struct lint_task *t = lint_task(l, pid);
    return t->tgid == 0 || t->tgid == pid ? t : lint_task(l, t->tgid);
}

/* --- X1 -------------------------------------------------------------------------------------- */

static void memory_ends(struct lint *l, const struct trace_event *e)
{
    struct lint_mm *mm = l->mm;
    if (mm->leaves > 0 || mm->tables > 0)
        lint_found(l, LINT_X1, "address space %u ends with %u entries and %u tables", e->mm,
                   mm->leaves, mm->tables);
    mm->leaves = mm->tables = mm->anon = 0;
}

static void check_left(void *arg, void *record)
{
    struct lint *l = arg;
    const struct lint_mm *mm = record;
    if (mm->id == 0 || !mm->live)
        return;
    if (mm->tables == 0 && mm->emptied_events > 0 &&
        l->cpu[mm->emptied_on].events > mm->emptied_events + 1)
        lint_found(l, LINT_X1, "address space %u has lost its last table, and has not ended",
                   mm->id);
    if (mm->users > 0)
        return;
    const struct lint_task *maker = mm->maker != 0 ? lint_task(l, mm->maker) : NULL;
    if (!mm->has_been_used && (maker == NULL || maker->in_call))
        return;
    if (trace_ns(l->meta, l->last_tsc - mm->unused_since) > LEFT_LONG_AGO)
        lint_found(l, LINT_X1,
                   "nobody uses address space %u any more, but its %u tables and %u entries "
                   "are still there at the end",
                   mm->id, mm->tables, mm->leaves);
}

void lint_exit_end(struct lint *l) { idmap_each(l->mms, check_left, l); }

/* --- the family --------------------------------------------------------------------------------- */

static void cloned(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_clone *f = e->fields;
    struct lint_task *child = lint_task(l, f->child), *maker = lint_process(l, e->pid);
    child->tgid = f->child_tgid;
    child->exit_signal = f->exit_signal;
    lint_task_uses(l, child, f->child_mm);
    lint_process(l, e->pid)->has_threads |= (f->flags & CLONE_THREAD) != 0;
    if (f->flags & CLONE_THREAD)
        return;
    child->parent = f->flags & CLONE_PARENT ? maker->parent : maker->pid;
    lint_task(l, child->parent)->children++;
}

static void reparented(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_reparent *f = e->fields;
    struct lint_task *child = lint_task(l, f->child), *to = lint_task(l, f->parent);
    struct lint_task *from = lint_task(l, child->parent);
    if (to->has_exited || !to->live)
        lint_found(l, LINT_X4, "task %u gets the parent %u, which has ended", f->child, f->parent);
    from->children -= from->children > 0;
    to->children++;
    child->parent = f->parent;
    child->was_told |= child->has_exited; /* by who leaves it, if at all */
}

static void process_exits(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_exit *f = e->fields;
    struct lint_task *p = lint_task(l, f->tgid), *parent = lint_task(l, p->parent);
    if (p->has_exited)
        lint_found(l, LINT_X2, "process %u has ended before", f->tgid);
    p->has_exited = true;
    p->status = f->status;
    p->was_told |= l->is_told;
    if (p->parent != 0 && !p->was_traced && parent->live && parent->state == TASK_blocked &&
        parent->reason == BLOCK_wait && (parent->on_pid == 0 || parent->on_pid == f->tgid)) {
        parent->is_awaited_wake = true;
        l->on->owes_wake = parent->pid;
    }
}

/* --- X2 ------------------------------------------------------------------------------------------ */

static const char *wrong_reap(struct lint *l, const struct trace_event *e,
                              const struct lint_task *p)
{
    const struct trace_ev_reap *f = e->fields;
    if (!p->has_exited || !p->has_ended)
        return "it has not ended";
    if (p->was_reaped)
        return "it was reaped before";
    if (p->status != f->status)
        return "it ended with another status";
    /* Address space 0: nobody wanted to know, and it goes by itself. */
    if (e->mm != 0 && lint_process(l, e->pid)->pid != p->parent)
        return "it is another one's child";
    return NULL;
}

/* Their codes are numbers of their own, 1 to 3 among them. */
static bool is_fault(uint32_t signo)
{
    return signo == SIGSEGV || signo == SIGBUS || signo == SIGFPE || signo == SIGILL ||
           signo == SIGTRAP;
}

/* A process that ends tells its parent. */
void lint_exit_signal(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_signal *f = e->fields;
    struct lint_task *p = lint_process(l, e->pid);
    bool is_end = !is_fault(f->signo) &&
                  (f->code == CLD_EXITED || f->code == CLD_KILLED || f->code == CLD_DUMPED);
    if (is_end && (f->signo == (uint32_t)p->exit_signal || f->signo == SIGCHLD) &&
        lint_process(l, f->to)->pid == p->parent)
        p->was_told = true;
    if (!is_end && f->signo != SIGCHLD) {
        lint_process(l, f->to)->may_be_going = true;
        l->has_early |= !lint_task(l, f->to)->live;
    }
}

/* Calls that end a process, or its other threads, which go on with what they do until they look. */
void lint_exit_call(struct lint *l, const struct lint_task *t, unsigned nr, bool begins)
{
    if (nr == __NR_exit_group)
        lint_process(l, t->pid)->may_be_going = true;
    else if (nr == __NR_execve || nr == __NR_execveat)
        lint_process(l, t->pid)->may_be_execing = begins;
}

static void check_told(struct lint *l, const struct trace_event *e, const struct lint_task *p)
{
    const struct lint_task *parent = lint_process(l, e->pid);
    bool has_signal = p->exit_signal > 0 && p->exit_signal < NSIG;
    bool must =
        !p->was_traced && !parent->may_be_going && !parent->may_be_execing && !parent->has_threads;
    if (e->mm != 0 && has_signal && must && !p->was_told)
        lint_found(l, LINT_X3, "task %u reaps %u, whose end has sent its parent no signal %d",
                   e->pid, p->pid, (int)p->exit_signal);
}

static void reaped(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_reap *f = e->fields;
    struct lint_task *p = lint_task(l, f->child), *parent = lint_task(l, p->parent);
    const char *wrong = wrong_reap(l, e, p);
    if (wrong != NULL)
        lint_found(l, LINT_X2, "task %u reaps %u with status %#x: %s", e->pid, f->child,
                   (unsigned)f->status, wrong);
    check_told(l, e, p);
    p->was_reaped = true;
    if (e->mm != 0 && l->task != NULL) {
        l->task->reaped = f->child;
        if (l->task->mm != 0 && e->mm != l->task->mm)
            lint_found(l, LINT_T7, "task %u reaps in address space %u, but it uses %u", e->pid,
                       e->mm, l->task->mm);
    }
    parent->children -= parent->children > 0;
    if (p->children > 0)
        lint_found(l, LINT_X4, "process %u is gone, and is still the parent of %u", f->child,
                   p->children);
    p->children = 0;
}

/* Its tracer waits for it, too, and hears of its end first. */
static void traced(struct lint *l, const struct trace_ev_task_state *f)
{
    lint_process(l, f->task)->was_traced = true;
    lint_process(l, f->on_pid)->has_traced = true;
}

/* Who attaches may wait for a task that is no child of its, and before that has stopped even once; so may
 * a parent for a thread that has asked for it.  The traced one's end is told to the tracer first from
 * somewhere in the call on. */
void lint_exit_ptrace(struct lint *l, bool done)
{
    const struct lint_task *t = l->task;
    bool asks = t->call_a0 == PTRACE_TRACEME;
    if (!asks && t->call_a0 != PTRACE_ATTACH && t->call_a0 != PTRACE_SEIZE)
        return;
    uint32_t traced = asks ? t->pid : (uint32_t)t->call_a1;
    if (!done)
        lint_process(l, traced)->was_traced = true;
    else if (!asks)
        lint_process(l, t->pid)->has_traced = true;
    else if (lint_process(l, traced)->parent != 0)
        lint_task(l, lint_process(l, traced)->parent)->has_traced = true;
}

static bool is_end(unsigned state) { return state == TASK_zombie || state == TASK_dead; }

static void check_state(struct lint *l, const struct lint_task *t,
                        const struct trace_ev_task_state *f)
{
    if (t->live && f->prev != t->state)
        lint_found(l, is_end(f->prev) || is_end(t->state) ? LINT_X2 : LINT_X3,
                   "task %u leaves state %u, but it was in %u", f->task, f->prev, t->state);
    if (t->live && (f->prev == TASK_blocked || f->prev == TASK_stopped) &&
        f->next == TASK_runnable && f->reason != t->reason)
        lint_found(l, LINT_X3, "task %u was blocked for %s, and is woken from %s", f->task,
                   trace_value_name("block_reason", t->reason),
                   trace_value_name("block_reason", f->reason));
    if (f->next == TASK_blocked && f->reason == BLOCK_wait && f->on_pid != 0 &&
        lint_task(l, f->on_pid)->parent != lint_process(l, f->task)->pid &&
        !lint_process(l, f->task)->has_traced)
        lint_found(l, LINT_X3, "task %u waits for %u, which is no child of it", f->task, f->on_pid);
    bool is_process = t->tgid == 0 || t->tgid == t->pid;
    if (f->next == TASK_dead && f->prev != TASK_new && is_process && t->live && !t->was_reaped)
        lint_found(l, LINT_X2, "process %u is gone, and nobody has reaped it", f->task);
}

/* --- X3 -------------------------------------------------------------------------------------------- */

static void switched(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_switch *f = e->fields;
    struct lint_cpu *c = l->on;
    if (c->owes_wake != 0 && lint_task(l, c->owes_wake)->is_awaited_wake)
        lint_found(l, LINT_X3, "task %u waits for a child; one has ended, and has not woken it",
                   c->owes_wake);
    c->owes_wake = 0;
    const struct lint_task *next = lint_task(l, f->next_pid);
    if (f->next_pid != 0 && next->live && next->state != TASK_running)
        lint_found(l, LINT_X3, "task %u runs, but its state is %u", f->next_pid, next->state);
}

/* --- events ------------------------------------------------------------------------------------------ */

void lint_exit_before(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_task_state *state = e->fields;
    struct lint_task *t;
    switch (e->id) {
    case TRACE_EV_task_state:
        t = lint_task(l, state->task);
        check_state(l, t, state);
        if (state->next == TASK_blocked && state->reason == BLOCK_traced)
            traced(l, state);
        t->is_awaited_wake = false;
        if (is_end(state->next))
            lint_task_uses(l, t, 0);
        break;
    case TRACE_EV_switch: switched(l, e); break;
    case TRACE_EV_exit: process_exits(l, e); break;
    case TRACE_EV_reap: reaped(l, e); break;
    case TRACE_EV_reparent: reparented(l, e); break;
    case TRACE_EV_mm_free: memory_ends(l, e); break;
    }
}

void lint_exit_after(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_switch *sw = e->fields;
    switch (e->id) {
    case TRACE_EV_clone: cloned(l, e); break;
    case TRACE_EV_exec: lint_task_uses(l, lint_task(l, e->pid), e->mm); break;
    case TRACE_EV_switch:
        if (sw->next_pid != 0 && lint_task(l, sw->next_pid)->mm == 0)
            lint_task_uses(l, lint_task(l, sw->next_pid), sw->next_mm);
        break;
    }
}
