/* vfork.h - the contract of vfork: V1 to V9. */
#ifndef VMM_TRACE_LINT_VFORK_H
#define VMM_TRACE_LINT_VFORK_H

#include "vmm/trace/lint/state.h"

/* After the event was applied.  Only if lint_vfork_cares(). */
void lint_vfork_event(struct lint *l, const struct trace_event *e);

/* Is the task a part in a vfork, or has it been and might forget that it is over? */
static inline bool lint_vfork_watches(const struct lint_task *t)
{
    return t != NULL &&
           (t->vfork_child | t->left_mm | t->vfork.active | t->woke_early | t->has_released) != 0;
}

/* Most events have nothing to do with any vfork.  reason: of an event about tables. */
static inline bool lint_vfork_cares(const struct lint *l, const struct trace_event *e,
                                    unsigned reason)
{
    if (lint_vfork_watches(l->task))
        return true;
    switch (e->id) {
    case TRACE_EV_pte_write:
    case TRACE_EV_pte_range:
    case TRACE_EV_pte_range_new:
    case TRACE_EV_pte_range_old:
    case TRACE_EV_pte_range_step:
    case TRACE_EV_table_alloc:
    case TRACE_EV_table_free:
        switch (reason) {
        case PT_fork_copy:
        case PT_fork_wrprotect:
        case PT_kernel_half: return true;
        case PT_exec_teardown:
        case PT_exit_teardown: return !l->mm->was_torn;
        }
        return false;
    case TRACE_EV_page_fault:
    case TRACE_EV_cr3_load: return l->mm->was_torn;
    case TRACE_EV_clone:
    case TRACE_EV_vfork_release:
    case TRACE_EV_task_state:
    case TRACE_EV_switch:
    case TRACE_EV_syscall_enter: return true;
    }
    return false;
}
void lint_vfork_end(struct lint *l);

#endif
