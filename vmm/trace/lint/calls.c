/* calls.c - do the events of a task fit the call that it is in?  T9, and the results of exec (E1)
 * and of waiting (X2); T7's address spaces.
 *
 * A call begins with syscall_enter and ends with syscall_exit, or with its task, or, exec, with another
 * program.  What is restarted after a signal ends and begins again. */
#include "vmm/trace/lint/families.h"

#include <asm/unistd_64.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static bool is_exec(unsigned nr) { return nr == __NR_execve || nr == __NR_execveat; }

static bool is_end(unsigned nr) { return nr == __NR_exit || nr == __NR_exit_group; }

static bool is_fork(unsigned nr)
{
    return nr == __NR_clone || nr == __NR_clone3 || nr == __NR_fork || nr == __NR_vfork;
}

/* In the name of a task, about the memory that it uses. */
static void check_mm(struct lint *l, const struct trace_event *e)
{
    if (e->mm != l->task->mm && l->task->mm != 0)
        lint_found(l, LINT_T7, "a %s of task %u in address space %u, but it uses %u",
                   trace_class_of(e->id)->name, e->pid, e->mm, l->task->mm);
}

void lint_calls_enter(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_syscall_enter *f = e->fields;
    struct lint_task *t = l->task;
    if (t == NULL)
        return;
    check_mm(l, e);
    lint_calls_use(l, e);
    if (t->in_call)
        lint_found(l, LINT_T9, "task %u enters call %u, and has not left call %u", e->pid, f->nr,
                   t->call);
    t->in_call = true;
    t->call = f->nr;
    t->call_a0 = f->a0;
    t->call_a1 = f->a1;
    t->call_a2 = f->a2;
    t->cloned = t->forked_mm = t->reaped = 0;
    t->said_exec = t->has_execed = false;
    if (f->nr == __NR_ptrace)
        lint_exit_ptrace(l, false);
    lint_exit_call(l, t, f->nr, true);
}

/* --- ends ---------------------------------------------------------------------------------- */

static void check_wait(struct lint *l, const struct trace_event *e, int64_t ret)
{
    const struct lint_task *t = l->task;
    bool traces = lint_task(l, t->tgid != 0 ? t->tgid : t->pid)->has_traced;
    bool may_be_stopped = (t->call_a2 & (WUNTRACED | WCONTINUED)) != 0 || traces;
    if (t->reaped != 0 ? ret != (int64_t)t->reaped && ret != -EFAULT : ret > 0 && !may_be_stopped)
        lint_found(l, LINT_X2, "task %u has reaped %u (0: none), and is told %" PRId64, e->pid,
                   t->reaped, ret);
}

void lint_calls_exit(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_syscall_exit *f = e->fields;
    struct lint_task *t = l->task;
    if (t == NULL)
        return;
    check_mm(l, e);
    if (!t->in_call || t->call != f->nr)
        lint_found(l, LINT_T9, "task %u leaves call %u, which it has not entered", e->pid, f->nr);
    else if (is_exec(f->nr) && t->has_execed != (f->ret == 0) && !t->has_released) /* V6 */
        lint_found(l, LINT_E1, "task %u %s a new program, and exec returned %" PRId64, e->pid,
                   t->has_execed ? "has" : "has not", (int64_t)f->ret);
    else if (f->nr == __NR_wait4)
        check_wait(l, e, f->ret);
    else if (f->nr == __NR_ptrace && f->ret == 0)
        lint_exit_ptrace(l, true);
    lint_exit_call(l, t, f->nr, false);
}

/* --- in between ------------------------------------------------------------------------------- */

/* What clone was asked for is what it does.  clone3's flags are in memory. */
static void check_flags(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_clone *f = e->fields;
    const struct lint_task *t = l->task;
    uint64_t flags = f->flags;
    int exit_signal = SIGCHLD;
    if (!t->in_call || t->is_amid)
        return;
    switch (t->call) {
    case __NR_fork: flags = 0; break;
    case __NR_vfork: flags = CLONE_VFORK | CLONE_VM; break;
    case __NR_clone:
        flags = (uint32_t)t->call_a0 & ~(uint32_t)CSIGNAL;
        exit_signal = (int)(t->call_a0 & CSIGNAL);
        break;
    case __NR_clone3: return;
    }
    if (flags != f->flags || exit_signal != f->exit_signal)
        lint_found(l, LINT_T9,
                   "task %u makes %u with flags %#" PRIx64 " and signal %d, but has asked for "
                   "%#" PRIx64 " and %d",
                   e->pid, f->child, (uint64_t)f->flags, (int)f->exit_signal, flags, exit_signal);
}

void lint_calls_clone(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_clone *f = e->fields;
    const struct lint_task *t = l->task;
    if (t == NULL)
        return;
    check_mm(l, e);
    check_flags(l, e);
    bool is_thread = (f->flags & CLONE_THREAD) != 0, shares = (f->flags & CLONE_VM) != 0;
    if (f->child_tgid != (is_thread ? (t->tgid != 0 ? t->tgid : t->pid) : f->child))
        lint_found(l, LINT_T9, "task %u makes %u, %s, in process %u", e->pid, f->child,
                   is_thread ? "a thread" : "a process", f->child_tgid);
    if (!shares && t->in_call && f->child_mm != t->forked_mm)
        lint_found(l, LINT_F7, "task %u makes %u with address space %u, but had copied to %u",
                   e->pid, f->child, f->child_mm, t->forked_mm);
}

/* Before the exec event happens to the state. */
void lint_calls_exec(struct lint *l, const struct trace_event *e)
{
    struct lint_task *named = lint_task(l, e->pid);
    named->owes_args = true;
    memcpy(named->comm, ((const struct trace_ev_exec *)e->fields)->comm, sizeof(named->comm));
    const struct trace_ev_exec *f = e->fields;
    struct lint_task *t = lint_task(l, l->on->pid); /* perhaps not its process's first thread */
    if (!t->in_call)
        return; /* the kernel's own, of process 1 */
    if (!is_exec(t->call) || t->has_execed)
        lint_found(l, LINT_T9, "task %u has a new program, in call %u, %s", e->pid, t->call,
                   t->has_execed ? "for the second time" : "which is no exec");
    if (f->old_mm != t->mm && t->mm != 0)
        lint_found(l, LINT_T7, "task %u leaves address space %u by exec, but it uses %u", e->pid,
                   f->old_mm, t->mm);
    if (lint_mm(l, e->mm)->from != 0)
        lint_found(l, LINT_T9, "task %u has a new program in address space %u, a copy of %u",
                   e->pid, e->mm, lint_mm(l, e->mm)->from);
    t->has_execed = true;
}

/* Entries for this reason, by a task in a call that does not do such things. */
void lint_calls_write(struct lint *l, const struct trace_event *e, unsigned reason)
{
    const struct lint_task *t = l->task;
    bool fits = true;
    if (t == NULL || e->mm == 0)
        return;
    switch (reason) {
    case PT_fork_copy:
    case PT_fork_wrprotect: fits = t->in_call && is_fork(t->call); break;
    case PT_exec_teardown: fits = t->in_call && is_exec(t->call); break;
    case PT_exit_teardown: fits = !(t->in_call && is_exec(t->call) && e->mm != t->mm); break;
    case PT_exec_map: fits = !t->in_call || is_exec(t->call); break;
    case PT_munmap: fits = !t->in_call || !(is_end(t->call) || is_fork(t->call)); break;
    case PT_mprotect: fits = !t->in_call || !is_end(t->call); break;
    }
    if (!fits)
        lint_found(l, LINT_T9, "task %u writes entries for %s, but it is in call %u", e->pid,
                   trace_value_name("pt_reason", reason), t->in_call ? t->call : 0);
}

/* Tables come and go in the same calls as their entries; a root comes with the kernel's half. */
void lint_calls_table(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_table_alloc *f = e->fields;
    bool is_root = f->level == PT_LEVEL_PGD, is_half = f->reason == PT_kernel_half;
    lint_calls_write(l, e, f->reason);
    if (e->id == TRACE_EV_table_alloc && f->reason != PT_checkpoint && e->mm != 0 &&
        is_root != is_half)
        lint_found(l, LINT_T10, "a table of level %u comes for %s", f->level,
                   trace_value_name("pt_reason", f->reason));
}

/* --- exec's arguments ---------------------------------------------------------------------------- */

static void check_name(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_exec_args *f = e->fields;
    char path[sizeof(f->path) + 1] = "";
    memcpy(path, f->path, sizeof(f->path));
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    bool is_whole = path[0] != '\0' && path[sizeof(f->path) - 2] == '\0';
    if (is_whole && strncmp(path, "/dev/fd/", 8) != 0 && strncmp(name, l->task->comm, 15) != 0)
        lint_found(l, LINT_T9, "task %u is called %.16s, and has executed %s", e->pid,
                   l->task->comm, path);
}

void lint_calls_args(struct lint *l, const struct trace_event *e)
{
    if (l->task == NULL)
        return;
    l->has_args = true;
    if (e->mm != l->task->mm && l->task->mm != 0)
        check_mm(l, e);
    if (!l->task->owes_args)
        lint_found(l, LINT_T9, "task %u says how its program was called, and has no new one",
                   e->pid);
    else
        check_name(l, e);
    l->task->owes_args = false;
}

/* Back in user mode, the new program has said so.  An older kernel never does. */
void lint_calls_use(struct lint *l, const struct trace_event *e)
{
    if (!l->task->owes_args || !l->has_args)
        return;
    l->task->owes_args = false;
    lint_found(l, LINT_T9, "task %u has a new program, and has not said how it was called", e->pid);
}
