/* fork.c - a copy of an address space: F1, F3, F6, F7, V11.
 *
 * A copy begins with the mm_create that names the original, and is whole when the clone
 * event comes.  Meanwhile the parent's lock is held; but before and after that, its other
 * threads may change its memory.  So its size is compared only if nobody did.
 *
 * Entries of file pages need not be copied, since a fault would bring them back;
 * memory of a process's own must be, but for what it told fork to leave out. */
#include "vmm/trace/lint/families.h"

#include <asm/unistd_64.h>
#include <inttypes.h>
#include <sched.h>

/* --- F1, F7: entries ----------------------------------------------------------------------- */

void lint_fork_range(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_pte_range *r = e->fields; /* begins as a pte_write does */
    const struct lint_mm *mm = l->mm;
    l->copied_from = mm->from != 0 ? lint_find_table(l, lint_mm(l, mm->from), r->va) : NULL;
    if (mm->was_started)
        lint_found(l, LINT_F7, "va %#" PRIx64 " is copied to address space %u, which is in use",
                   r->va, e->mm);
}

void lint_fork_write(struct lint *l, const struct lint_write *w)
{
    if (w->level != PT_LEVEL_PTE || l->mm->from == 0)
        return; /* no copy: V1 */
    uint64_t parents = l->copied_from != NULL ? l->copied_from->slot[w->index] : 0;
    if (((parents ^ w->new) & ~PTE_AD) || (parents & ~w->new &PTE_AD))
        lint_found(l, LINT_F1,
                   "va %#" PRIx64 ": the child gets %#" PRIx64 ", the parent has %#" PRIx64, w->va,
                   w->new, parents);
}

/* --- F3: all of it -------------------------------------------------------------------------- */

static bool leaves_out(const struct lint_mm *mm)
{
    for (const struct lint_special *s = mm->special; s != NULL; s = s->next)
        if (s->flags & 8)
            return true;
    return false;
}

void lint_fork_begins(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_mm_create *f = e->fields;
    struct lint_mm *mm = l->mm;
    mm->from = f->from_mm;
    mm->was_started = false;
    mm->maker = e->pid;
    mm->unused_since = e->tsc;
    if (f->from_mm == 0)
        return;
    const struct lint_mm *parent = lint_mm(l, f->from_mm);
    mm->parent_anon = parent->anon;
    mm->parent_changes = parent->anon_changes;
    if (l->task == NULL)
        return;
    l->task->forked_mm = e->mm;
    if (l->task->mm != 0 && f->from_mm != l->task->mm)
        lint_found(l, LINT_F7, "task %u copies address space %u, but it uses %u", e->pid,
                   f->from_mm, l->task->mm);
}

static void check_whole(struct lint *l, const struct trace_event *e, struct lint_mm *child)
{
    const struct lint_mm *parent = lint_mm(l, child->from);
    if (parent->anon_changes == child->parent_changes && !leaves_out(parent) &&
        child->anon != child->parent_anon)
        lint_found(l, LINT_F3,
                   "the child of task %u has %u pages of its own, the parent had %u when the copy "
                   "began",
                   e->pid, child->anon, child->parent_anon);
    if (child->empty > 0)
        lint_found(l, LINT_F3, "the copy that task %u made has %u empty tables", e->pid,
                   child->empty);
}

static void cloned(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_clone *f = e->fields;
    struct lint_mm *child = lint_mm(l, f->child_mm);
    if (!(f->flags & CLONE_VM) && child->live && child->from != 0 && !child->was_started) {
        check_whole(l, e, child);
        child->was_started = true;
        child->writer = f->child;
    }
    if (l->task != NULL)
        l->task->cloned = f->child;
}

/* --- F6, V11: the call returns ---------------------------------------------------------------- */

static bool makes_tasks(unsigned nr)
{
    return nr == __NR_clone || nr == __NR_clone3 || nr == __NR_fork || nr == __NR_vfork;
}

static void returned(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_syscall_exit *f = e->fields;
    struct lint_task *t = l->task;
    if (!makes_tasks(f->nr) || !t->in_call)
        return;
    if (f->ret < 0 && t->forked_mm != 0 && lint_mm(l, t->forked_mm)->live)
        lint_found(l, LINT_F6, "a fork of task %u failed (%" PRId64 ") and leaves address space %u",
                   e->pid, (int64_t)f->ret, t->forked_mm);
    if (t->cloned != 0 ? f->ret != (int64_t)t->cloned : f->ret > 0)
        lint_found(l, LINT_V11, "task %u made task %u (0: none), and is told %" PRId64, e->pid,
                   t->cloned, (int64_t)f->ret);
}

void lint_fork_after(struct lint *l, const struct trace_event *e)
{
    switch (e->id) {
    case TRACE_EV_clone: cloned(l, e); break;
    case TRACE_EV_syscall_exit:
        if (l->task == NULL)
            break;
        returned(l, e);
        l->task->in_call = false;
        break;
    }
}
