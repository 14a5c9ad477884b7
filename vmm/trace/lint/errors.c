/* errors.c - what a page fault says of itself: C7, and of what answers it: C6.
 *
 * The processor says in the error code whether the entry was there (P), what was tried and from where;
 * each of that can be read elsewhere, too: the entry from the tables, the place from the instruction,
 * whose page must be one that can be executed there, and what was tried from the entry that it gets.
 *
 * P is compared where the last to write entries of that memory was the task itself, or who made its memory:
 * another thread's store may come between the fault and its event.  The answer is looked at when the task is
 * back in user mode, if no entry of its memory has been written since.  A write that is told as a
 * read shows only where the entry it gets has no W, or is the program's own copy: fresh memory
 * is the same for both. */
#include "vmm/trace/lint/families.h"

#include <inttypes.h>

#define FAULT_KNOWN (FAULT_PRESENT | FAULT_WRITE | FAULT_USER | FAULT_FETCH)
#define USER_END    (1ull << 47)
#define LONGEST     15u /* bytes of an instruction */

/* What the lowest entry for va says, that of a huge page as it is. */
static inline uint64_t entry_at(struct lint *l, struct lint_place *p, const struct lint_mm *mm,
                                uint64_t va)
{
    const struct replay_table *t = lint_place_table(l, p, mm, va);
    return t != NULL ? t->slot[va >> 12 & 511] : lint_find_huge(l, mm, va);
}

static bool may_execute(uint64_t entry) { return (entry & PTE_P) && !(entry & PTE_NX); }

/* Was the last one who wrote entries of the memory at hand the task of that number? */
static bool wrote_last(const struct lint *l, uint32_t pid)
{
    return l->mm->writer == pid || l->mm->written_at == 0;
}

static const char *wrong_place(struct lint *l, struct lint_task *t,
                               const struct trace_ev_page_fault *f)
{
    uint64_t past = f->va - f->rip;
    bool is_users = f->error & FAULT_USER,
         is_alone = l->mm->users <= 1 || wrote_last(l, l->event->pid);
    if (f->rip == 0)
        return is_users || (f->error & FAULT_FETCH) ? "a program's, by no instruction" : NULL;
    if (f->error & FAULT_FETCH)
        return !is_users         ? "a program's code, in the kernel"
               : past >= LONGEST ? "from elsewhere"
                                 : NULL;
    if (past == 0 && l->has_nx && is_users)
        return "an instruction, and not fetched";
    if (!is_users)
        return may_execute(entry_at(l, &t->executes, l->kernel, f->rip))
                   ? NULL
                   : "not by the kernel's code";
    return !is_alone || may_execute(entry_at(l, &t->executes, l->mm, f->rip))
               ? NULL
               : "its instruction cannot be executed";
}

static const char *wrong_entry(struct lint *l, struct lint_task *t,
                               const struct trace_ev_page_fault *f)
{
    if (f->va >= USER_END || !wrote_last(l, l->event->pid) ||
        (l->mm->users > 1 && l->mm->duties != NULL))
        return NULL;
    bool is_there = entry_at(l, &t->faults, l->mm, f->va) & PTE_P;
    if (is_there != (f->error & FAULT_PRESENT))
        return is_there ? "the page was there" : "the page was not there";
    if (is_there && (f->error & FAULT_USER) && !(f->error & (FAULT_WRITE | FAULT_FETCH)))
        return "the page may be read";
    return NULL;
}

void lint_errors_fault(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_page_fault *f = e->fields;
    struct lint_task *t = l->task;
    const char *wrong = NULL;
    if (t == NULL || e->mm == 0 || l->is_told)
        return;
    if (f->rip != 0 && t->mm != 0 && e->mm != t->mm)
        lint_found(l, LINT_T7, "a page_fault of task %u in address space %u, but it uses %u",
                   e->pid, e->mm, t->mm);
    if (f->error & FAULT_USER)
        lint_calls_use(l, e);
    if (f->error & ~FAULT_KNOWN)
        wrong = "no fault of ours has such bits";
    else if ((f->error & FAULT_WRITE) && (f->error & FAULT_FETCH))
        wrong = "a write, and an instruction";
    if (wrong == NULL)
        wrong = wrong_place(l, t, f);
    if (wrong == NULL)
        wrong = wrong_entry(l, t, f);
    if (wrong != NULL)
        lint_found(l, LINT_C7,
                   "the fault of task %u at va %#" PRIx64 ", rip %#" PRIx64 ", error %#x: %s",
                   e->pid, (uint64_t)f->va, (uint64_t)f->rip, f->error, wrong);
}

/* An entry comes on demand, at the page that was asked for. */
void lint_errors_answer(struct lint *l, const struct lint_task *t, const struct lint_write *w)
{
    if (w->va >> 12 != t->fault.va >> 12 || t->fault.rip == 0 || w->reason != PT_demand_file ||
        (t->fault.error & FAULT_WRITE) || !(w->new &(PTE_W | PTE_ANON)))
        return;
    lint_found(l, LINT_C4, "va %#" PRIx64 ": %#" PRIx64 " answers a read", w->va, w->new);
}

/* The task is in user mode: what it asked for is there. */
void lint_errors_answered(struct lint *l, struct lint_task *t)
{
    uint64_t at = t->fault.answered_at;
    if (!t->fault.active || at == 0 || t->fault.rip == 0 || t->fault.mm != l->event->mm ||
        l->mm->written_at != at)
        return;
    uint64_t entry = entry_at(l, &t->faults, l->mm, t->fault.va);
    if (!lint_allows(entry, t->fault.error))
        lint_found(l, LINT_C6,
                   "the fault of task %u at va %#" PRIx64 ", error %#x, was answered by %#" PRIx64,
                   t->pid, t->fault.va, t->fault.error, entry);
}
