/* faults.c - what a page fault may lead to, and what needs one: C1, C4, C5, C6.
 *
 * Entries come on demand.  The fault, the processor's or one that the kernel has found
 * by looking at the entry itself, is an event, and the entry is written by the same
 * task before its next fault.  One fault may bring a file's neighbouring pages with it, or fresh ones behind it, or a huge page,
 * and a copy that other CPUs have to hear of first takes two writes.
 *
 * A fault of user mode ends in an entry; or in a flush, where another thread had been
 * faster or only this TLB was stale; or in a signal, and then no entry has changed.
 * Whoever slept meanwhile (memory was out, or a file had to be read) is not judged. */
#include "vmm/trace/lint/families.h"

#include <inttypes.h>
#include <signal.h>

#define AROUND      64u /* pages that one fault maps, aligned: guest/mm/fault.c */
#define AHEAD       32u /* pages of no file, from the one that faulted on */
#define REPEATS_MAX 2u  /* stale TLBs may make one fault come twice */

static bool is_on_demand(unsigned reason)
{
    return reason == PT_demand_zero || reason == PT_demand_file || reason == PT_cow_break ||
           reason == PT_mkwrite || reason == PT_huge_map;
}

static bool is_near(const struct lint_task *t, uint64_t b, unsigned reason)
{
    uint64_t a = t->fault.va, pages = reason == PT_demand_file ? AROUND : 1;
    if (reason == PT_huge_map)
        return a >> 21 == b >> 21;
    if (reason == PT_demand_zero &&
        t->fault.wrote == PT_demand_zero) /* the next one, in the table */
        return b == t->fault.fresh_end && a >> 21 == b >> 21 && (b >> 12) - (a >> 12) < AHEAD;
    return (a >> 12) / pages == (b >> 12) / pages;
}

/* May a fault that has written for one reason write once more, for another? */
static bool may_follow(unsigned before, unsigned reason)
{
    return before == PT_none || (before == PT_demand_file && reason == PT_demand_file) ||
           (before == PT_demand_zero && reason == PT_demand_zero) ||
           (before == PT_cow_break && reason == PT_mkwrite);
}

/* --- contents: hashes, which the VMM tells before an entry that leads to a new frame ---------- */

void lint_faults_contents(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_contents *f = e->fields;
    struct lint_cpu *c = l->on;
    l->has_contents = true;
    c->told.n++;
    c->told.va = f->va;
    c->told.from_pfn = f->from_pfn;
    c->told.to_pfn = f->to_pfn;
    c->told.from_hash = f->from_hash;
    c->told.to_hash = f->to_hash;
    if (f->from_pfn == 0 && f->to_hash != 0)
        lint_found(l, LINT_C4,
                   "va %#" PRIx64 ": frame %#x, which is to be all zero, is not: hash %#" PRIx64,
                   f->va, f->to_pfn, f->to_hash);
}

/* Several entries are told before they are written by one event; a copy comes alone.  A file's page may
 * be written by another CPU between the copy and the hash. */
static void check_contents(struct lint *l, const struct lint_write *w)
{
    struct lint_cpu *c = l->on;
    bool is_copy = w->reason == PT_cow_break;
    uint64_t from = is_copy ? pte_frame(w->old) : 0;
    enum lint_check check = is_copy ? LINT_C2 : LINT_C4;
    if (w->reason == PT_demand_file || w->reason == PT_mkwrite ||
        (is_copy && from == pte_frame(w->new)))
        return;
    bool is_last = c->told.n == 1;
    c->told.n -= c->told.n > 0;
    if (!is_last) {
        if (c->told.n == 0)
            lint_found(l, check, "va %#" PRIx64 ": what is in frame %#" PRIx64 " was not told",
                       w->va, (uint64_t)pte_frame(w->new));
        return;
    }
    if (c->told.va != w->va || c->told.to_pfn != pte_frame(w->new) || c->told.from_pfn != from)
        lint_found(l, check,
                   "va %#" PRIx64 ": what was told is in frame %#x, and this is frame %#" PRIx64,
                   w->va, c->told.to_pfn, (uint64_t)pte_frame(w->new));
    else if (is_copy && c->told.from_hash != c->told.to_hash &&
             ((w->old & PTE_ANON) || l->cpus_seen == 1))
        lint_found(l, LINT_C2,
                   "va %#" PRIx64 ": frame %#" PRIx64 " is no copy of frame %#" PRIx64
                   ": hashes %#" PRIx64 " and %#" PRIx64,
                   w->va, (uint64_t)pte_frame(w->new), from, c->told.to_hash, c->told.from_hash);
}

void lint_faults_write(struct lint *l, const struct lint_write *w)
{
    const struct trace_event *e = l->event;
    unsigned level = w->reason == PT_huge_map ? PT_LEVEL_PMD : PT_LEVEL_PTE;
    if (!is_on_demand(w->reason) || w->level != level || e->mm == 0 || l->task == NULL)
        return;
    struct lint_task *t = l->task;
    bool is_cow = w->reason == PT_cow_break;
    if (l->has_contents)
        check_contents(l, w);
    t->fault.writes +=
        w->reason != PT_demand_file; /* pages before the end of a file come with SIGBUS */
    t->fault.unanswered = false;
    t->fault.answered_at = l->now;
    if (!t->fault.active || !may_follow(t->fault.wrote, w->reason) || t->fault.mm != e->mm ||
        !is_near(t, w->va, w->reason))
        lint_found(l, is_cow || w->reason == PT_mkwrite ? LINT_C1 : LINT_C4,
                   "va %#" PRIx64 ": task %u has not faulted there", w->va, e->pid);
    else if ((is_cow || w->reason == PT_mkwrite) && !(t->fault.error & FAULT_WRITE))
        lint_found(l, LINT_C1, "va %#" PRIx64 ": the fault of task %u was no write", w->va, e->pid);
    if (!is_cow && w->reason != PT_mkwrite && (w->old != 0 || !(w->new &PTE_U)))
        lint_found(l, LINT_C4,
                   "va %#" PRIx64 ": %#" PRIx64 " comes on demand in the place of %#" PRIx64, w->va,
                   w->new, w->old);
    else if (t->fault.active)
        lint_errors_answer(l, t, w);
    t->fault.wrote = (uint8_t)w->reason;
    t->fault.fresh_end = w->va + 4096;
}

/* Neighbours that one fault brings are near if the first and the last are. */
bool lint_faults_range(struct lint *l, unsigned reason, uint64_t va, uint64_t n)
{
    uint64_t last = va + ((n - 1) << 12);
    struct lint_task *t = l->task;
    if (t == NULL)
        return true;
    bool fits = t->fault.active && t->fault.mm == l->event->mm &&
                may_follow(t->fault.wrote, reason) && is_near(t, va, reason);
    if (reason == PT_demand_file)
        fits &= is_near(t, last, reason);
    else
        fits &= t->fault.va >> 21 == last >> 21 && (last >> 12) - (t->fault.va >> 12) < AHEAD;
    if (!fits)
        return false;
    t->fault.writes += reason != PT_demand_file ? n : 0;
    t->fault.unanswered = false;
    t->fault.answered_at = l->now;
    t->fault.wrote = (uint8_t)reason;
    t->fault.fresh_end = last + 4096;
    return true;
}

/* The task has gone on, and comes from user mode. */
static void check_answered(struct lint *l, struct lint_task *t)
{
    if (t->fault.unanswered)
        lint_found(l, LINT_C6, "the fault of task %u at va %#" PRIx64 " had no answer",
                   l->event->pid, t->fault.va);
    t->fault.unanswered = false;
    if (t->fault.answered_at != 0)
        lint_errors_answered(l, t);
}

void lint_faults_fault(struct lint *l, const struct trace_event *e)
{
    struct lint_task *t = l->task;
    if (t == NULL)
        return;
    if (lint_proves_use(e))
        check_answered(l, t);
    const struct trace_ev_page_fault *f = e->fields;
    uint64_t mm_writes = l->mm->writes;
    /* A call that finds nothing at an address ends with -EFAULT, and may be made again. */
    bool is_users = (f->error & FAULT_USER) && f->rip != 0;
    bool again = is_users && t->fault.active && t->fault.mm == e->mm && t->fault.va == f->va &&
                 t->fault.rip == f->rip && t->fault.error == f->error &&
                 t->fault.mm_writes == mm_writes;
    t->fault.repeats = again ? t->fault.repeats + 1 : 0;
    if (t->fault.repeats == REPEATS_MAX)
        lint_found(l, LINT_C5,
                   "task %u faults at va %#" PRIx64
                   " for the %u. time, and nothing was done about it",
                   e->pid, (uint64_t)f->va, t->fault.repeats + 1);
    t->fault.active = true;
    t->fault.wrote = PT_none;
    t->fault.unanswered = is_users;
    t->fault.answered_at = 0;
    t->fault.is_users = is_users;
    t->fault.mm = e->mm;
    t->fault.error = f->error;
    t->fault.va = f->va;
    t->fault.rip = f->rip;
    t->fault.writes = 0;
    t->fault.mm_writes = mm_writes;
}

void lint_faults_signal(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_signal *f = e->fields;
    struct lint_task *t = l->task;
    if (t == NULL)
        return;
    /* Those that the fault itself sends have a code of 1 or 2. */
    if (f->to == e->pid && (f->signo == SIGSEGV || f->signo == SIGBUS) &&
        (f->code == SEGV_MAPERR || f->code == SEGV_ACCERR) && t->fault.writes > 0 &&
        t->fault.active && t->fault.is_users)
        lint_found(l, LINT_C6,
                   "the fault of task %u at va %#" PRIx64 " wrote %" PRIu64 " entries, and "
                   "ends in signal %u",
                   e->pid, t->fault.va, t->fault.writes, f->signo);
    t->fault.unanswered = false;
    t->fault.repeats = 0;
}

void lint_faults_call(struct lint *l)
{
    struct lint_task *t = l->task;
    if (t == NULL)
        return;
    check_answered(l, t);
    t->fault.active = false;
}

void lint_faults_switch(struct lint *l)
{
    if (l->task == NULL)
        return;
    l->task->fault.unanswered = false;
    l->task->fault.repeats = 0;
}
