/* reuse.h - nothing is used anew before old translations are gone: M3, M4, F4, M2's flushes. */
#ifndef VMM_TRACE_LINT_REUSE_H
#define VMM_TRACE_LINT_REUSE_H

#include "vmm/trace/lib/words.h"
#include "vmm/trace/lint/state.h"

void lint_reuse_free(struct lint *l);

/* Before the event is applied to the state. */
void lint_reuse_write(struct lint *l, const struct lint_write *w);
/* Its part for n neighbours that are cleared, or for a page in whose place a copy is: all entries of its
 * event.  They are among the duties from the next event on, before which lint_reuse_settle() is to be
 * called, unless that is a tlb_flush. */
void lint_reuse_cleared(struct lint *l, uint64_t va, const trace_word_at *old, uint64_t n);
static inline void lint_reuse_copied(struct lint *l, uint64_t va, uint64_t old)
{
    struct lint_owed *o = &l->owed;
    o->n = l->mm->cpus != 0;
    o->is_copied = true;
    o->cpu = l->event->cpu;
    o->pid = l->event->pid;
    o->at = l->now;
    o->mm = l->mm;
    o->va = va;
    o->old[0] = old;
}
void lint_reuse_settle(struct lint *l);
/* Its part for n neighbours that lose W, all of them, by fork. */
void lint_reuse_protected(struct lint *l, uint64_t va, uint64_t pfn, uint64_t n);
void lint_reuse_table(struct lint *l, const struct trace_event *e); /* one comes or goes */
void lint_reuse_flush(struct lint *l, const struct trace_event *e);
/* The task at hand is back in user mode, or on its way: it has duties of its own.  And: it uses
 * translations there, of another root than its own, or that its CPU should not have any more. */
void lint_reuse_goes_on(struct lint *l, const struct trace_event *e);
void lint_reuse_runs(struct lint *l, const struct trace_event *e);
/* A table changes that had several users: those who left it have flushed. */
void lint_reuse_shared(struct lint *l, uint32_t pfn);
/* The address space has ended. */
void lint_reuse_forget(struct lint *l, struct lint_mm *mm);

/* A fault or a call that shows that translations are used: lint_proves_use(). */
static inline void lint_reuse_use(struct lint *l, const struct trace_event *e)
{
    if (l->task->rights > 0)
        lint_reuse_goes_on(l, e);
    if (l->on->root != l->mm || l->on->has_stale)
        lint_reuse_runs(l, e);
}

#endif
