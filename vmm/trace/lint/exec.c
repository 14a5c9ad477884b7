/* exec.c - a new program in an old process: E1, E3; the pages of both are pages.c's.
 *
 * Until the exec event the old memory may still be needed, since exec can fail; so what
 * the task changes there comes by faults only, its own or the kernel's when it reads
 * the arguments. */
#include "vmm/trace/lint/families.h"

#include <asm/unistd_64.h>
#include <inttypes.h>

static bool is_exec(unsigned nr) { return nr == __NR_execve || nr == __NR_execveat; }

static bool is_faults(unsigned reason)
{
    switch (reason) {
    case PT_demand_zero:
    case PT_demand_file:
    case PT_cow_break:
    case PT_mkwrite:
    case PT_huge_map:
    case PT_table_link: return true;
    }
    return false;
}

void lint_exec_write(struct lint *l, const struct lint_write *w)
{
    const struct trace_event *e = l->event;
    struct lint_task *t = l->task;
    if (e->mm == 0 || t == NULL)
        return;
    if (t->in_call && is_exec(t->call) && !t->said_exec && e->mm == t->mm &&
        !is_faults(w->reason)) {
        t->said_exec = true;
        lint_found(l, LINT_E1, "va %#" PRIx64 ": task %u is in exec, and changes its old memory",
                   w->va, e->pid);
    }
}

void lint_exec_after(struct lint *l, const struct trace_event *e)
{
    if (e->id == TRACE_EV_exec) {
        const struct lint_mm *root = l->on->root;
        if (root == NULL || root->id != e->mm)
            lint_found(l, LINT_E3,
                       "task %u has a new program in address space %u, with the root of %u "
                       "in CR3",
                       e->pid, e->mm, root != NULL ? root->id : 0);
        if (l->task != NULL)
            l->task->said_exec = true;
    }
    if (e->id != TRACE_EV_mm_free)
        return;
    for (unsigned c = 0; c < LINT_CPUS && c <= l->last_cpu; c++)
        if (l->cpu[c].root != NULL && l->cpu[c].root->id == e->mm)
            lint_found(l, LINT_E3, "address space %u has ended, and CPU %u has its root in CR3",
                       e->mm, c);
}
