/* demand.h - memory on demand, of which a trace has most: a fault of user mode, and the entry that it
 * gets, as nearly all of them are.
 *
 * As with the ranges (bulk.h), one look finds that no rule is broken, and the event happens; or
 * nothing does, and the checks look at it one by one and say what is wrong.  In a header, since lint's
 * loop does little else. */
#ifndef VMM_TRACE_LINT_DEMAND_H
#define VMM_TRACE_LINT_DEMAND_H

#include "vmm/trace/lint/bulk.h"
#include "vmm/trace/lint/reuse.h"
#include "vmm/trace/lint/state.h"

/* --- a fault ------------------------------------------------------------------------------ */

/* What the slot for va holds; 0: it has no table, or that is to be looked up. */
static inline uint64_t known_entry(const struct lint *l, const struct lint_place *p,
                                   const struct lint_mm *mm, uint64_t va)
{
    bool is_known = p->at == va >> 21 && p->links == l->links && p->mm == mm->id;
    return is_known && p->table != NULL ? p->table->slot[va >> 12 & 511] : 0;
}

/* By a program that nothing is owed to and nothing hangs on, alone in its memory or the last to have
 * written its entries?  That stays as long as there is nothing but its faults, the entries they get and
 * flushes. */
static inline bool is_at_ease(struct lint *l, const struct lint_task *t, const struct lint_mm *mm)
{
    const struct lint_cpu *c = l->on;
    if (l->at_ease)
        return true;
    l->at_ease = t != NULL && t->mm == mm->id && mm->id != 0 && mm->writer == t->pid &&
                 mm->duties == NULL && c->root == mm && !c->has_stale && t->rights == 0 &&
                 !t->owes_args && !mm->was_torn && !l->is_watched && !l->is_told;
    return l->at_ease;
}

/* C7 and C6, where entries can be looked at: its instruction can be executed, the entry is there or not
 * as the error code says, and what the fault before it asked for was given. */
static inline bool lint_demand_fault(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_page_fault *f = e->fields;
    struct lint_task *t = l->task;
    struct lint_mm *mm = l->mm;
    uint64_t va = f->va, rip = f->rip;
    uint32_t error = f->error;
    if (!is_at_ease(l, t, mm) || va == rip || va >= USER_END ||
        (error != FAULT_USER && (error & ~FAULT_PRESENT) != (FAULT_USER | FAULT_WRITE)))
        return false;
    uint64_t code = known_entry(l, &t->executes, mm, rip);
    if (rip == 0 || (code & (PTE_P | PTE_NX)) != PTE_P)
        return false;
    const struct lint_place *p = &t->faults;
    if (p->at != va >> 21 || p->links != l->links || p->mm != mm->id || p->table == NULL ||
        ((p->table->slot[va >> 12 & 511] ^ error) & PTE_P))
        return false;
    if (t->fault.unanswered || t->fault.answered_at != 0 || t->fault.va == va)
        return false;
    t->fault.active = t->fault.is_users = t->fault.unanswered = true;
    t->fault.wrote = PT_none;
    t->fault.mm = mm->id;
    t->fault.error = error;
    t->fault.va = va;
    t->fault.rip = rip;
    t->fault.writes = 0;
    t->fault.mm_writes = mm->writes;
    t->fault.repeats = 0;
    t->is_amid = false;
    return true;
}
_Static_assert(FAULT_PRESENT == PTE_P, "compared as one");

/* --- its entry ------------------------------------------------------------------------------ */

/* A lowest table, to which one entry leads, with W, so that what its entries say has effect.  It stays one
 * as long as no entry above the lowest level changes. */
static inline bool is_plain_table(struct lint *l, const struct replay_table *t)
{
    const struct frames *f = &l->frames;
    if (t == l->plain_table && l->plain_links == l->links)
        return true;
    if (t == NULL || t->level != PT_LEVEL_PTE || t->pfn >= f->n || f->links[t->pfn].all != 1 ||
        f->links[t->pfn].writable != 1)
        return false;
    l->plain_table = t;
    l->plain_links = l->links;
    return true;
}

/* Is there nothing to be said of what the slot held, and of what it gets: a page of the program's own? */
static inline bool is_plain_change(uint64_t was, uint64_t old, uint64_t new)
{
    const uint64_t must = PTE_P | PTE_U | PTE_A | PTE_ANON | PTE_NX;
    if (was != old && (((was ^ old) & ~PTE_AD) | (was & ~old) | lint_not_set(was, old)) != 0)
        return false;
    return (((new &PTE_W) << 5 & ~new) | (new & ~(USUAL_BITS & ~PTE_COW)) | (~new &must)) == 0;
}

/* The first entry that the task's fault brings, at the page that it was for; it allows what was tried.
 * (No entry of memory of the program's own here can be executed.) */
static inline bool is_asked_for(const struct lint *l, uint64_t va, uint64_t new)
{
    const struct lint_task *t = l->task;
    return t->fault.active && t->fault.wrote == PT_none && t->fault.mm == l->mm->id &&
           (t->fault.va ^ va) >> 12 == 0 &&
           !(t->fault.error & (FAULT_FETCH | (~(uint32_t) new &FAULT_WRITE)));
}
_Static_assert(FAULT_WRITE == PTE_W, "compared as one");

/* Nobody has the frame: no entry leads there, no flush is owed. */
static inline bool is_free(const struct frames *f, uint64_t pfn)
{
    return !(f->use[pfn] & (FRAME_MAPS | FRAME_WS | FRAME_TABLE | FRAME_TEXT)) &&
           f->duties[pfn] == NULL;
}

/* Only this entry leads to the frame, so it may be written. */
static inline bool is_own(const struct frames *f, uint64_t pfn)
{
    return (f->use[pfn] & (FRAME_MAPS | FRAME_TABLE | FRAME_TEXT)) == FRAME_MAP;
}

/* A page of a program's, of its own or not, goes; one of its own takes its place, in the same frame if nobody else has
 * that any more. */
static inline bool copies(struct lint *l, uint64_t va, uint64_t was, uint64_t old, uint64_t new)
{
    struct lint_mm *mm = l->mm;
    struct frames *f = &l->frames;
    uint64_t from = pte_frame(old), to = pte_frame(new);
    unsigned was_anon = (old & PTE_ANON) != 0;
    if (!(old & PTE_P) || from >= f->n || old == new || mm->leaves == 0 || mm->anon < was_anon ||
        !(l->task->fault.error & FAULT_WRITE) ||
        !(from == to ? (old & PTE_COW) && is_own(f, to) : is_free(f, to)))
        return false;
    frame_unmap(f, from, (was & PTE_W) != 0);
    if (from != to)
        lint_reuse_copied(l, va, old);
    mm->anon += 1 - was_anon;
    mm->anon_changes += 1 + was_anon;
    return true;
}

/* The slot held nothing: fresh memory. */
static inline bool appears(struct lint *l, struct replay_table *t, uint64_t new)
{
    struct lint_mm *mm = l->mm;
    if (!is_free(&l->frames, pte_frame(new)))
        return false;
    mm->empty -= t->used == 0 && mm->empty > 0;
    t->used++;
    mm->leaves++;
    mm->anon++;
    mm->anon_changes++;
    return true;
}

static inline bool lint_demand_write(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_pte_write *w = e->fields;
    struct replay_table *t = l->table;
    struct lint_mm *mm = l->mm;
    uint64_t old = w->old, new = w->new, va = w->va;
    if (!is_plain_table(l, t) || w->level != PT_LEVEL_PTE || t->mm != mm->id || mm->id == 0 ||
        t->va + ((uint64_t)w->index << 12) != va || va - USER_LOWEST >= USER_END - USER_LOWEST ||
        l->has_contents || l->task == NULL)
        return false;
    uint64_t was = t->slot[w->index];
    if (!is_plain_change(was, old, new) || pte_frame(new) >= l->plain_end ||
        !is_asked_for(l, va, new))
        return false;
    if (old == 0 ? !appears(l, t, new) : w->reason != PT_cow_break || !copies(l, va, was, old, new))
        return false;
    frame_map(&l->frames, pte_frame(new), mm->id, (new &PTE_W) != 0);
    t->slot[w->index] = new;
    l->task->fault.writes++;
    l->task->fault.unanswered = false;
    l->task->fault.wrote = w->reason;
    l->task->fault.fresh_end = va + 4096;
    mm->unused_since = e->tsc;
    mm->writer = e->pid;
    mm->written_at = l->now;
    l->has_nx = true;
    lint_bulk_count(l, 1);
    return true;
}

#endif
