/* vfork.c - the contract of vfork, V1 to V5, V7, V9; docs/process-creation.md.
 *
 * A vfork begins with a clone event whose flags have VFORK and VM, and is active until
 * its vfork_release.  What is known of it stands with the child.  With VFORK but not
 * VM only the wait (V3, V4, V9) is checked.
 *
 * Several CPUs: the child may run, and even be done, before the parent has gone to
 * sleep; then the parent does not sleep at all.  So only with one CPU must the
 * wait begin before the child's first own action.  What always holds: until the release
 * the parent does nothing of its own. */
#include "vmm/trace/lint/vfork.h"

#include <asm/unistd_64.h>
#include <inttypes.h>
#include <sched.h>

static bool is_teardown(unsigned reason)
{
    return reason == PT_exec_teardown || reason == PT_exit_teardown;
}

/* The reason of an event about tables; PT_REASON_MAX for others. */
static unsigned reason_of(const struct trace_event *e)
{
    const struct trace_ev_pte_write *w = e->fields;
    const struct trace_ev_table_alloc *t = e->fields;
    if (e->id == TRACE_EV_pte_write)
        return w->reason;
    if (is_pte_range(e->id))
        return ((const struct trace_ev_pte_range *)e->fields)->reason;
    if (e->id == TRACE_EV_table_alloc || e->id == TRACE_EV_table_free)
        return t->reason;
    return PT_REASON_MAX;
}

/* --- V1: nothing is copied ----------------------------------------------------------------- */

static void say_copied(struct lint *l, const struct lint_task *parent, struct lint_task *child)
{
    if (child->vfork.was_copied || parent->copies + parent->wrprotects + parent->tables == 0)
        return;
    child->vfork.was_copied = true;
    lint_found(l, LINT_V1,
               "vfork of task %u by task %u: %u events copied entries, %u wrote "
               "write-protected ones, %u made tables",
               child->pid, parent->pid, parent->copies, parent->wrprotects, parent->tables);
}

/* What the task has done to tables since it entered the system call. */
static void count_copying(struct lint *l, struct lint_task *t, const struct trace_event *e)
{
    unsigned reason = reason_of(e);
    if (e->id == TRACE_EV_syscall_enter)
        t->copies = t->wrprotects = t->tables = 0;
    lint_vfork_count(t, e->id, reason);
    if (t->vfork_child != 0) {
        struct lint_task *child = lint_task(l, t->vfork_child);
        if (child->vfork.active && child->vfork.mm != 0 && !child->vfork.child_ran)
            say_copied(l, t, child);
    }
}

/* --- the beginning and the end of a wait -------------------------------------------------- */

static void cloned(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_clone *f = e->fields;
    struct lint_task *parent = l->task != NULL ? l->task : lint_task(l, 0);
    struct lint_task *child = lint_task(l, f->child);
    bool shares = (f->flags & CLONE_VM) != 0;

    if (lint_mm(l, f->child_mm)->was_torn)
        lint_found(l, LINT_V7, "task %u is made in address space %u, which was torn down", f->child,
                   f->child_mm);
    if (!(f->flags & CLONE_VFORK))
        return;
    child->vfork.active = true;
    child->vfork.parent = e->pid;
    child->vfork.mm = shares ? f->child_mm : 0;
    parent->vfork_child = f->child;
    parent->vfork_mm = e->mm;
    parent->is_released = false;
    if (!shares)
        return;
    lint_mm(l, f->child_mm)->vforks++;
    say_copied(l, parent, child);
    if (f->child_mm != e->mm)
        lint_found(l, LINT_V1, "vfork: the child %u has address space %u, its parent %u has %u",
                   f->child, f->child_mm, e->pid, e->mm);
}

static void end_wait(struct lint *l, struct lint_task *child)
{
    child->vfork.active = false;
    if (child->vfork.mm != 0)
        lint_mm(l, child->vfork.mm)->vforks--;
}

static const char *wrong_release(const struct trace_event *e, const struct lint_task *child)
{
    const struct trace_ev_vfork_release *f = e->fields;
    if (!child->vfork.active)
        return "no wait for that child is under way";
    if (child->vfork.parent != f->parent)
        return "the child is another one's";
    switch (f->cause) {
    case RELEASE_exec:
        return !child->vfork.has_exec ? "the child has not called exec"
               : e->pid != f->child   ? "it is not the child's doing"
                                      : NULL;
    case RELEASE_exit:
        return child->vfork.has_exec ? "the child's exec should have done it"
               : e->pid != f->child  ? "it is not the child's doing"
                                     : NULL;
    case RELEASE_killed: return e->pid != f->parent ? "it is not the parent's doing" : NULL;
    }
    return "for no known cause";
}

static void released(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_vfork_release *f = e->fields;
    struct lint_task *child = lint_task(l, f->child), *parent = lint_task(l, f->parent);
    const struct lint_cpu *c = l->on;
    const char *wrong = wrong_release(e, child);

    struct lint_task *inner = child->vfork_child != 0 ? lint_task(l, child->vfork_child) : NULL;
    if (inner != NULL && inner->vfork.active && inner->vfork.parent == f->child &&
        f->cause != RELEASE_killed)
        lint_found(l, LINT_V10, "task %u is released by task %u, which waits for its own child %u",
                   f->parent, f->child, child->vfork_child);
    child->has_released = f->cause == RELEASE_exec;
    parent->woke_early = false; /* it was killed; perhaps the child was faster, then */
    if (wrong != NULL)
        lint_found(l, LINT_V4, "a release of task %u from task %u: %s", f->parent, f->child, wrong);
    if (!child->vfork.active)
        return;
    if (f->cause == RELEASE_exec && child->vfork.mm != 0 && c->root != NULL &&
        c->root->id == child->vfork.mm)
        lint_found(l, LINT_V5, "task %u is released while the child %u has its root in CR3",
                   f->parent, f->child);
    if (f->cause != RELEASE_killed)
        child->left_mm = child->vfork.mm;
    parent->is_released = true;
    parent->released_on_cpu = e->cpu;
    parent->released_events = l->on->events;
    end_wait(l, child);
}

/* --- who does what meanwhile -------------------------------------------------------------- */

static bool is_own_action(const struct trace_event *e)
{
    switch (e->id) {
    case TRACE_EV_page_fault:
    case TRACE_EV_mm_create:
    case TRACE_EV_table_alloc:
    case TRACE_EV_table_free:
    case TRACE_EV_clone:
    case TRACE_EV_reap: return true;
    }
    return is_pte_event(e->id);
}

/* Woken without a release it can only be on its way to say that it was killed. */
static void check_woken(struct lint *l, struct lint_task *t, const struct trace_event *e)
{
    const struct trace_ev_task_state *f = e->fields;
    bool waits_again = e->id == TRACE_EV_task_state && f->task == e->pid && f->next == TASK_blocked;
    if (!t->woke_early || !(waits_again || is_own_action(e) || lint_proves_use(e)))
        return;
    t->woke_early = false;
    lint_found(l, LINT_V12, "task %u was woken from its wait for its vfork child %u, which goes on",
               e->pid, t->vfork_child);
}

/* The shared memory, as a child may change it by what it does itself. */
static void check_shared(struct lint *l, const struct lint_task *t, const struct trace_event *e)
{
    unsigned reason = reason_of(e);
    if (!is_pte_event(e->id) || e->mm != t->vfork.mm)
        return;
    l->shared_writes += e->id == TRACE_EV_pte_write ? 1 : trace_changes(e);
    switch (reason) {
    case PT_kernel_half:
    case PT_fork_copy:
    case PT_exec_map:
    case PT_exec_teardown:
    case PT_exit_teardown:
        if (reason == PT_exec_teardown || reason == PT_exit_teardown)
            break; /* V7's */
        lint_found(l, LINT_V8,
                   "the vfork child %u writes entries of the shared memory, for a reason that "
                   "belongs to memory of its own",
                   e->pid);
    }
}

static void parent_acts(struct lint *l, struct lint_task *t, const struct trace_event *e)
{
    struct lint_task *child = lint_task(l, t->vfork_child);
    bool active = child->vfork.active && child->vfork.parent == e->pid;

    if (active && !child->vfork.parent_acted &&
        (lint_proves_use(e) || e->id == TRACE_EV_syscall_exit ||
         (child->vfork.is_blocked && is_own_action(e)))) {
        child->vfork.parent_acted = true;
        lint_found(l, LINT_V3, "a %s of task %u, which has to wait for its vfork child %u",
                   trace_class_of(e->id)->name, e->pid, t->vfork_child);
    }
    if (e->id != TRACE_EV_syscall_exit)
        return;
    const struct lint_mm *root = l->on->root;
    if (e->mm != t->vfork_mm || root == NULL || root->id != t->vfork_mm)
        lint_found(l, LINT_V2,
                   "vfork of task %u began in address space %u and returns in %u, with "
                   "the root of %u in CR3",
                   e->pid, t->vfork_mm, e->mm, root != NULL ? root->id : 0);
    t->vfork_child = t->vfork_mm = 0;
}

static void child_acts(struct lint *l, struct lint_task *t, const struct trace_event *e)
{
    if (e->id == TRACE_EV_exec)
        t->vfork.has_exec = true;
    check_shared(l, t, e);
    if (!lint_proves_use(e))
        return;
    if (l->cpus_seen == 1 && !t->vfork.is_blocked && !t->vfork.parent_acted) {
        t->vfork.parent_acted = true;
        lint_found(l, LINT_V3, "the vfork child %u runs before its parent %u waits", e->pid,
                   t->vfork.parent);
    }
    if (t->vfork.has_exec) {
        lint_found(l, LINT_V4,
                   "the vfork child %u has called exec and runs; its parent %u was not "
                   "released",
                   e->pid, t->vfork.parent);
        end_wait(l, t);
    }
}

/* Use of an address space that the task, or everybody, has left. */
static void check_left(struct lint *l, struct lint_task *t, const struct trace_event *e)
{
    unsigned reason = reason_of(e);
    bool use = e->id == TRACE_EV_cr3_load || lint_proves_use(e) ||
               (reason != PT_REASON_MAX && !is_teardown(reason) && reason != PT_table_unlink &&
                e->id != TRACE_EV_table_free);
    if (e->mm == 0)
        return;
    if (use && t != NULL && t->left_mm == e->mm) {
        lint_found(l, LINT_V5,
                   "a %s of task %u in address space %u, which it has left to its vfork "
                   "parent",
                   trace_class_of(e->id)->name, e->pid, e->mm);
        t->left_mm = 0;
    }
    if (e->id != TRACE_EV_cr3_load && !lint_proves_use(e) && !is_teardown(reason))
        return;
    struct lint_mm *mm = l->mm;
    if (!is_teardown(reason) && mm->was_torn)
        lint_found(l, LINT_V7, "a %s in address space %u, which was torn down",
                   trace_class_of(e->id)->name, e->mm);
    if (is_teardown(reason) && mm->vforks > 0 && !mm->was_torn)
        lint_found(l, LINT_V7, "address space %u is torn down while a vfork parent waits to use it",
                   e->mm);
    mm->was_torn |= is_teardown(reason);
}

static void state_changes(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_task_state *f = e->fields;
    struct lint_task *t = lint_task(l, f->task);

    if (f->next == TASK_runnable && t->vfork_child != 0 && f->prev == TASK_blocked &&
        !t->is_released && t->waits_for_vfork)
        t->woke_early = true;
    t->waits_for_vfork = f->next == TASK_blocked && f->reason == BLOCK_vfork;
    if (f->next == TASK_blocked && f->reason == BLOCK_vfork) {
        struct lint_task *child = lint_task(l, f->on_pid);
        if (child->vfork.parent != f->task || !child->live || child->has_ended)
            lint_found(l, LINT_V9,
                       "task %u waits for task %u, which is no living vfork child of it", f->task,
                       f->on_pid);
        child->vfork.is_blocked = true;
    }
    if (!t->has_ended || t->vfork.parent == 0)
        return;
    const struct lint_task *parent = lint_task(l, t->vfork.parent);
    if (parent->state == TASK_blocked && parent->reason == BLOCK_vfork && parent->on_pid == f->task)
        lint_found(l, LINT_V9, "task %u waits for its vfork child %u, which has ended",
                   t->vfork.parent, f->task);
    if (t->vfork.active) {
        lint_found(l, LINT_V4, "the vfork child %u has ended; its parent %u was not released",
                   f->task, t->vfork.parent);
        end_wait(l, t);
    }
    t->vfork.parent = 0;
}

static void check_failed_exec(struct lint *l, struct lint_task *t, const struct trace_event *e)
{
    const struct trace_ev_syscall_exit *f = e->fields;
    if (e->id == TRACE_EV_syscall_exit && t->has_released && f->ret < 0 &&
        (f->nr == __NR_execve || f->nr == __NR_execveat))
        lint_found(l, LINT_V6, "the exec of task %u failed, and released its vfork parent", e->pid);
    if (e->id == TRACE_EV_syscall_exit || e->id == TRACE_EV_syscall_enter)
        t->has_released = false;
}

void lint_vfork_event(struct lint *l, const struct trace_event *e)
{
    struct lint_task *t = l->task;

    check_left(l, t, e);
    if (t != NULL) {
        count_copying(l, t, e);
        check_failed_exec(l, t, e);
        check_woken(l, t, e);
        if (t->vfork_child != 0)
            parent_acts(l, t, e);
        if (t->vfork.active)
            child_acts(l, t, e);
    }
    switch (e->id) {
    case TRACE_EV_clone: cloned(l, e); break;
    case TRACE_EV_vfork_release: released(l, e); break;
    case TRACE_EV_task_state: state_changes(l, e); break;
    }
}

/* --- the end of the trace -------------------------------------------------------------------- */

static void check_waiting(void *arg, void *record)
{
    struct lint *l = arg;
    const struct lint_task *t = record;
    if (!t->live || t->state != TASK_blocked || t->reason != BLOCK_vfork)
        return;
    /* The wake comes next on the CPU of the release. */
    if (t->is_released && l->cpu[t->released_on_cpu].events > t->released_events + 1)
        lint_found(l, LINT_V9,
                   "at the end task %u still waits for its vfork child %u, though it was "
                   "released",
                   t->pid, t->on_pid);
}

void lint_vfork_end(struct lint *l)
{
    idmap_each(l->tasks, check_waiting, l);
    lint_note(l, LINT_V8, "%" PRIu64 " entries of shared memory written by vfork children",
              l->shared_writes);
}
