/* vfork.h - the contract of vfork: V1 to V9. */
#ifndef VMM_TRACE_LINT_VFORK_H
#define VMM_TRACE_LINT_VFORK_H

#include "vmm/trace/lint/state.h"

/* After the event was applied.  Only if lint_vfork_cares(). */
void lint_vfork_event(struct lint *l, const struct trace_event *e);

/* Is the task a part in a vfork, or does it do something in the memory of one that is over? */
static inline bool lint_vfork_watches(const struct lint_task *t, uint32_t mm)
{
    return t != NULL &&
           ((t->vfork_child | t->vfork.active | t->woke_early | t->has_released) != 0 ||
            (t->left_mm == mm && mm != 0));
}

/* What a vfork must not do, for those reasons, is counted for whatever call a task is in. */
static inline bool lint_vfork_counts(unsigned reason)
{
    return reason == PT_fork_copy || reason == PT_fork_wrprotect || reason == PT_kernel_half ||
           reason == PT_table_share;
}
static inline void lint_vfork_count(struct lint_task *t, uint32_t id, unsigned reason)
{
    if (t == NULL)
        return;
    if (id == TRACE_EV_table_alloc)
        t->tables += reason == PT_fork_copy || reason == PT_kernel_half;
    else
        t->copies += reason == PT_fork_copy;
    t->wrprotects += reason == PT_fork_wrprotect || reason == PT_table_share;
}

/* Does a change of state begin or end a vfork's wait, or end its child? */
static inline bool lint_vfork_cares_state(struct lint *l, const struct trace_ev_task_state *f)
{
    const struct lint_task *t = lint_task(l, f->task);
    return f->reason == BLOCK_vfork || t->waits_for_vfork ||
           (t->vfork_child | t->vfork.parent) != 0;
}

/* Most events have nothing to do with any vfork.  id: of the event, where the compiler knows it;
 * reason: of an event about tables. */
static inline __attribute__((always_inline)) bool lint_vfork_cares(struct lint *l, uint32_t id,
                                                                   unsigned reason)
{
    switch (id) {
    case TRACE_EV_pte_write:
    case TRACE_EV_pte_range:
    case TRACE_EV_pte_range_new:
    case TRACE_EV_pte_range_old:
    case TRACE_EV_pte_range_step:
    case TRACE_EV_table_alloc:
    case TRACE_EV_table_free:
        if (lint_vfork_counts(reason) && !l->is_watched) {
            lint_vfork_count(l->task, l->event->id, reason);
            return false;
        }
        if ((reason == PT_exec_teardown || reason == PT_exit_teardown) && !l->mm->was_torn)
            return true;
        break;
    case TRACE_EV_page_fault:
    case TRACE_EV_cr3_load:
        if (l->mm->was_torn)
            return true;
        break;
    case TRACE_EV_task_state:
        if (lint_vfork_cares_state(l, l->event->fields))
            return true;
        break;
    case TRACE_EV_clone:
    case TRACE_EV_vfork_release:
    case TRACE_EV_syscall_enter: return true;
    }
    return l->is_watched;
}
void lint_vfork_end(struct lint *l);

#endif
