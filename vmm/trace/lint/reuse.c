/* reuse.c - what an old translation leads to is not used for anything else before
 * the translation has left the TLBs: M3 for tables, M4 for frames; and rights that were
 * taken away, or a frame that has been replaced, are gone when its task goes on: F4, M2, C3.
 *
 * When an entry goes or loses rights, the CPUs that have the root in CR3 may hold the
 * old translation.  That is a *duty*: each of them has to flush it, or load CR3, before
 *     table   its frame is freed (table_free)
 *     frame   it is used anew (as a table, a kernel stack, or new anonymous memory)
 *     rights  the task that changed them runs in user mode again
 *     huge    a table takes the huge page's place
 * A CPU that loads the root after the change walks the new tables, so it has no duty.
 * (One that did so just before, and whose event comes just after, is missed; none is
 * blamed wrongly.)
 *
 * A CPU between two user tasks may keep the root and flush later, since it uses no
 * translation; no event says that it is in such a state.  So if another CPU has not
 * flushed in time, for frames and rights, that is remembered, and it fails
 * when that CPU is seen to use translations of the address space before it flushes.
 * For the CPU that made the change itself, and for tables, which a processor may walk by
 * speculation, it fails at once. */
#include "vmm/trace/lint/reuse.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* DUTY_UNMAPPED: a frame's that is one of rights as well. */
enum duty_kind { DUTY_TABLE, DUTY_HUGE, DUTY_FRAME, DUTY_UNMAPPED, DUTY_RIGHTS };

struct duty {
    struct duty *next; /* in its address space's list, or the free list */
    struct duty **prev;
    struct duty *next_of_frame;
    struct lint_mm *mm;
    uint32_t pfn; /* of the first page, if there are several */
    uint8_t kind;
    uint8_t check;
    uint32_t by_cpu, by_pid;
    uint64_t cpus, at, va, end;
};

static void free_list(struct duty *d)
{
    while (d != NULL) {
        struct duty *next = d->next;
        free(d);
        d = next;
    }
}

static void free_duties_of(void *arg, void *mm)
{
    (void)arg;
    free_list(((struct lint_mm *)mm)->duties);
}

void lint_reuse_free(struct lint *l)
{
    if (l->mms != NULL)
        idmap_each(l->mms, free_duties_of, NULL);
    free_list(l->free_duties);
}

/* --- duties ------------------------------------------------------------------------------- */

/* The CPUs that still have to.  All entries of the kernel's are global: loading CR3
 * does not drop them. */
static uint64_t left_of(const struct lint *l, struct duty *d)
{
    for (uint64_t rest = d->mm->id != 0 ? d->cpus : 0; rest != 0; rest &= rest - 1) {
        unsigned c = (unsigned)__builtin_ctzll(rest);
        if (l->cpu[c].loaded_at > d->at)
            d->cpus &= ~(1ull << c);
    }
    return d->cpus;
}

/* Mostly the one that acts. */
static struct lint_task *owner_of(struct lint *l, const struct duty *d)
{
    return l->task != NULL && l->task->pid == d->by_pid ? l->task : lint_task(l, d->by_pid);
}

static void drop(struct lint *l, struct duty *d)
{
    if (d->kind >= DUTY_UNMAPPED) {
        struct lint_task *t = owner_of(l, d);
        t->rights -= t->rights > 0;
    }
    if (d->kind != DUTY_RIGHTS) {
        struct duty **p = &l->frames.duties[d->pfn];
        while (*p != d)
            p = &(*p)->next_of_frame;
        *p = d->next_of_frame;
    }
    *d->prev = d->next;
    if (d->next != NULL)
        d->next->prev = d->prev;
    d->next = l->free_duties;
    l->free_duties = d;
}

static struct duty *new_duty(struct lint *l)
{
    struct duty *d = l->free_duties;
    if (d == NULL)
        return need(malloc(sizeof(*d)));
    l->free_duties = d->next;
    return d;
}

/* Into the lists of its address space and of its frame. */
static void add(struct lint *l, struct duty *d)
{
    d->prev = &d->mm->duties;
    d->next = d->mm->duties;
    if (d->next != NULL)
        d->next->prev = &d->next;
    d->mm->duties = d;
    if (d->kind != DUTY_RIGHTS) {
        d->next_of_frame = l->frames.duties[d->pfn];
        l->frames.duties[d->pfn] = d;
    }
    if (d->kind >= DUTY_UNMAPPED)
        owner_of(l, d)->rights++;
}

/* Rights that one event takes from neighbours are one duty. */
static bool is_next(const struct duty *d, const struct lint *l, enum lint_check check, uint64_t va)
{
    return d != NULL && d->kind == DUTY_RIGHTS && d->check == check && d->at == l->now &&
           d->end == va;
}

/* by: the event's, its number, CPU, task and address space. */
static void owe_by(struct lint *l, const struct duty *by, enum duty_kind kind,
                   enum lint_check check, uint64_t pfn, uint64_t va, uint64_t end)
{
    if (by->cpus == 0 || pfn >= l->frames.n)
        return;
    struct duty *d = new_duty(l);
    *d = *by;
    d->pfn = (uint32_t)pfn;
    d->kind = (uint8_t)kind;
    d->check = (uint8_t)check;
    d->va = va;
    d->end = end;
    add(l, d);
}

/* The entry for [va, end) led to that frame. */
static void owe(struct lint *l, enum duty_kind kind, enum lint_check check, uint64_t pfn,
                uint64_t va, uint64_t end)
{
    struct lint_mm *mm = l->mm;
    uint64_t cpus = mm->cpus;
    if (mm->id == 0)
        cpus = l->cpus_seen >= 64 ? UINT64_MAX : (1ull << l->cpus_seen) - 1;
    if (cpus != 0 && kind == DUTY_RIGHTS && is_next(mm->duties, l, check, va)) {
        mm->duties->end = end;
        return;
    }
    const struct duty by = {
        .mm = mm, .by_cpu = l->event->cpu, .by_pid = l->event->pid, .cpus = cpus, .at = l->now
    };
    owe_by(l, &by, kind, check, pfn, va, end);
}

static uint64_t end_of(const struct lint_write *w)
{
    return w->va + (1ull << (12 + 9 * (w->level - 1)));
}

/* What lies outside of [start, end) becomes a duty of its own. */
static void cut(struct lint *l, struct duty *d, uint64_t start, uint64_t end)
{
    if (d->kind != DUTY_RIGHTS || d->end <= start || end <= d->va)
        return;
    if (d->va < start) {
        struct duty *low = new_duty(l);
        *low = *d;
        low->end = d->va = start;
        add(l, low);
    }
    if (end < d->end) {
        struct duty *high = new_duty(l);
        *high = *d;
        high->va = d->end = end;
        add(l, high);
    }
}

/* The time is up for those that have not flushed. */
static void call_in(struct lint *l, struct duty *d, const char *what)
{
    for (uint64_t rest = left_of(l, d); rest != 0; rest &= rest - 1) {
        unsigned c = (unsigned)__builtin_ctzll(rest);
        struct lint_cpu *cpu = &l->cpu[c];
        if (d->kind == DUTY_TABLE || d->kind == DUTY_HUGE || c == d->by_cpu || d->mm->id == 0) {
            lint_found(l, d->check,
                       "%s, but CPU %u has not flushed va %#" PRIx64
                       " of address space %u, changed in event %" PRIu64 " (frame %#x)",
                       what, c, d->va, d->mm->id, d->at, d->pfn);
        } else if (!cpu->has_stale) {
            cpu->has_stale = l->has_stale = true;
            cpu->stale_check = d->check;
            cpu->stale_va = d->va;
            cpu->stale_at = d->at;
            cpu->stale_pfn = d->pfn;
        }
    }
    drop(l, d);
}

/* mm: only its own; NULL: anybody's. */
static void call_in_frame(struct lint *l, uint64_t pfn, enum duty_kind kind,
                          const struct lint_mm *mm, const char *what)
{
    struct duty *d = pfn < l->frames.n ? l->frames.duties[pfn] : NULL, *next;
    for (; d != NULL; d = next) {
        next = d->next_of_frame;
        bool is_it = d->kind == kind || (d->kind == DUTY_UNMAPPED && kind == DUTY_FRAME);
        if (is_it && (mm == NULL || d->mm == mm))
            call_in(l, d, what);
    }
}

/* --- entries -------------------------------------------------------------------------------- */

/* A call that unmaps has flushed what it took when it returns, whatever becomes of the frames. */
static bool is_unmap(unsigned reason) { return reason == PT_munmap || reason == PT_brk; }

/* Who leaves a table that is not empty leaves its pages. */
static void owe_pages(struct lint *l, const struct lint_write *w)
{
    const struct replay_table *t = replay_table(l->replay, (uint32_t)pte_frame(w->old));
    uint64_t va = w->va;
    for (unsigned i = 0; t != NULL && t->used > 0 && i < PT_SLOTS; i++, va += 4096)
        if (t->slot[i] & PTE_P)
            owe(l, DUTY_FRAME, LINT_M4, pte_frame(t->slot[i]), va, va + 4096);
}

void lint_reuse_shared(struct lint *l, uint32_t pfn)
{
    call_in_frame(l, pfn, DUTY_TABLE, NULL, "a table that was shared is changed");
}

static void link_changes(struct lint *l, const struct lint_write *w)
{
    bool same = is_table_link(w, w->new) && pte_frame(w->old) == pte_frame(w->new);
    if (is_table_link(w, w->old) && !same) {
        owe(l, DUTY_TABLE, LINT_M3, pte_frame(w->old), w->va, end_of(w));
        if (w->level == PT_LEVEL_PMD && w->new == 0 && l->mm->cpus != 0)
            owe_pages(l, w);
    }
    if (!same || w->level != PT_LEVEL_PMD)
        return;
    if ((w->old & ~w->new &PTE_W) && w->reason == PT_table_share)
        owe(l, DUTY_RIGHTS, LINT_F4, pte_frame(w->old), w->va, end_of(w));
    if (w->new & ~w->old & PTE_W)
        lint_reuse_shared(l, (uint32_t)pte_frame(w->new));
}

void lint_reuse_cleared(struct lint *l, uint64_t va, const trace_word_at *old, uint64_t n)
{
    if (l->mm->cpus == 0)
        return;
    lint_reuse_copied(l, va, 0);
    l->owed.is_copied = false;
    l->owed.is_unmapped = is_unmap(((const struct trace_ev_pte_range *)l->event->fields)->reason);
    l->owed.n = (unsigned)n;
    memcpy(l->owed.old, old, 8 * n);
}

void lint_reuse_settle(struct lint *l)
{
    const struct lint_owed *o = &l->owed;
    const struct duty by = {
        .mm = o->mm, .by_cpu = o->cpu, .by_pid = o->pid, .cpus = o->mm->cpus, .at = o->at
    };
    uint64_t va = o->va;
    bool is_unmapped = !o->is_copied && o->is_unmapped;
    for (unsigned i = 0; i < o->n; i++, va += 4096) {
        owe_by(l, &by, is_unmapped ? DUTY_UNMAPPED : DUTY_FRAME, LINT_M4, pte_frame(o->old[i]), va,
               va + 4096);
        if (o->is_copied)
            owe_by(l, &by, DUTY_RIGHTS, LINT_C3, pte_frame(o->old[i]), va, va + 4096);
    }
    l->owed.n = 0;
    l->at_ease = false;
}

/* Is that what the flush is for? */
static bool is_for_owed(const struct lint *l, const struct trace_ev_tlb_flush *f)
{
    const struct lint_owed *o = &l->owed;
    return o->mm == l->mm && (o->mm->cpus & ~f->cpus) == 0 &&
           (f->end == 0 || (f->start <= o->va && o->va + ((uint64_t)o->n << 12) <= f->end));
}

void lint_reuse_protected(struct lint *l, uint64_t va, uint64_t pfn, uint64_t n)
{
    if (l->mm->cpus == 0)
        return;
    owe(l, DUTY_RIGHTS, LINT_F4, pfn, va, va + 4096);
    l->mm->duties->end = va + (n << 12);
}

/* A leaf that shows a frame in a new use, not one more mapping of what it is already. */
static bool is_new_use(const struct lint_write *w)
{
    return w->reason == PT_kernel_stack ||
           ((w->new &PTE_ANON) && w->reason != PT_fork_copy && w->reason != PT_mmap &&
            w->reason != PT_munmap && w->reason != PT_mprotect && w->reason != PT_clear_refs &&
            w->reason != PT_table_unshare && w->reason != PT_table_share &&
            w->reason != PT_huge_split);
}

/* A huge page comes, goes, loses rights, or gives way to a table. */
static void huge_changes(struct lint *l, const struct lint_write *w)
{
    bool was = is_huge(w, w->old) && (w->old & PTE_P), is = is_huge(w, w->new) && (w->new &PTE_P);
    uint64_t from = pte_frame(w->old), to = pte_frame(w->new);
    uint64_t va = w->va;
    if (is_table_link(w, w->new))
        /* Where others share the page, each splits it for itself. */
        call_in_frame(l, from, DUTY_HUGE, l->mm, "a table takes a huge page's place");
    for (unsigned i = 0; is && is_new_use(w) && i < HUGE_FRAMES; i++)
        call_in_frame(l, to + i, DUTY_FRAME, NULL, "a frame is used again");
    if (!was)
        return;
    if (is && from == to) {
        if ((w->old & ~w->new &PTE_W) && w->reason == PT_table_share)
            owe(l, DUTY_RIGHTS, LINT_F4, from, va, end_of(w));
    } else if (w->new != 0) {
        owe(l, DUTY_HUGE, LINT_H2, from, va, end_of(w));
    } else {
        if (is_unmap(w->reason))
            owe(l, DUTY_RIGHTS, LINT_M4, from, va, end_of(w));
        for (unsigned i = 0; i < HUGE_FRAMES; i++, va += 4096)
            owe(l, DUTY_FRAME, LINT_M4, from + i, va, va + 4096);
    }
}

void lint_reuse_write(struct lint *l, const struct lint_write *w)
{
    if (l->mm->id != 0 && (is_huge(w, w->old) || is_huge(w, w->new))) {
        huge_changes(l, w);
        return;
    }
    if (w->level > PT_LEVEL_PTE && (is_table_link(w, w->old) || is_table_link(w, w->new))) {
        link_changes(l, w);
        return;
    }
    bool same = pte_frame(w->old) == pte_frame(w->new) && is_leaf(w, w->new);
    if (is_leaf(w, w->new) && !(same && is_leaf(w, w->old)) && is_new_use(w))
        call_in_frame(l, pte_frame(w->new), DUTY_FRAME, NULL, "a frame is used again");
    if (!is_leaf(w, w->old))
        return;
    if (!same && is_leaf(w, w->new)) {
        owe(l, DUTY_FRAME, LINT_M4, pte_frame(w->old), w->va, end_of(w));
        owe(l, DUTY_RIGHTS, LINT_C3, pte_frame(w->old), w->va, end_of(w));
    } else if (!same) {
        if (w->reason == PT_mprotect)
            owe(l, DUTY_RIGHTS, LINT_M2, pte_frame(w->old), w->va, end_of(w));
        owe(l, is_unmap(w->reason) ? DUTY_UNMAPPED : DUTY_FRAME, LINT_M4, pte_frame(w->old), w->va,
            end_of(w));
    } else if ((w->old & ~w->new &PTE_W) || (w->new & ~w->old &PTE_NX))
        if (w->reason == PT_mprotect || w->reason == PT_fork_wrprotect ||
            w->reason == PT_clear_refs)
            owe(l, DUTY_RIGHTS, w->reason == PT_fork_wrprotect ? LINT_F4 : LINT_M2,
                pte_frame(w->old), w->va, end_of(w));
}

/* --- other events --------------------------------------------------------------------------- */

void lint_reuse_flush(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_tlb_flush *f = e->fields;
    bool all = f->end == 0;
    struct lint_mm *mm = l->mm;
    struct duty *next;

    if (l->owed.n != 0 && is_for_owed(l, f))
        l->owed.n = 0;
    else if (l->owed.n != 0)
        lint_reuse_settle(l);
    for (struct duty *d = mm->duties; d != NULL; d = next) {
        next = d->next;
        if (!all)
            cut(l, d, f->start, f->end);
        /* Tables: INVLPG of any page drops all of the paging-structure caches. */
        if (all || d->kind == DUTY_TABLE || (f->start <= d->va && d->end <= f->end))
            d->cpus &= ~f->cpus;
        if (left_of(l, d) == 0)
            drop(l, d);
    }
    for (uint64_t rest = l->has_stale ? f->cpus : 0; rest != 0; rest &= rest - 1) {
        struct lint_cpu *c = &l->cpu[__builtin_ctzll(rest)];
        if (c->has_stale && c->root == mm &&
            (all || (f->start <= c->stale_va && c->stale_va < f->end)))
            c->has_stale = false;
    }
}

static void table_freed(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_table_free *f = e->fields;
    const struct replay_table *t = replay_table(l->replay, f->table_pfn);

    for (unsigned i = 0; t != NULL && t->used > 0 && i < PT_SLOTS; i++)
        if (t->slot[i] != 0) {
            lint_found(l, LINT_M3, "table %#x of level %u is freed with %#" PRIx64 " in slot %u",
                       f->table_pfn, f->level, t->slot[i], i);
            break;
        }
    if (f->table_pfn < l->frames.n && l->frames.links[f->table_pfn].all > 0)
        lint_found(l, LINT_M3, "table %#x of level %u is freed, but an entry still leads to it",
                   f->table_pfn, f->level);
    for (unsigned c = 0; f->level == PT_LEVEL_PGD && c <= l->last_cpu; c++)
        if (l->cpu[c].root != NULL && l->cpu[c].root->live &&
            l->cpu[c].root->root_pfn == f->table_pfn)
            lint_found(l, LINT_M3, "root %#x is freed while CPU %u has it in CR3", f->table_pfn, c);
    if (t != NULL && t->va != f->va)
        lint_found(l, LINT_T6, "table %#x of va %#" PRIx64 " is freed as that of va %#" PRIx64,
                   f->table_pfn, t->va, (uint64_t)f->va);
    call_in_frame(l, f->table_pfn, DUTY_TABLE, NULL, "a table is freed");
}

/* The task is back in user mode: the rights it took away must be gone everywhere. */
void lint_reuse_goes_on(struct lint *l, const struct trace_event *e)
{
    struct duty *next;
    for (struct duty *d = l->mm->duties; d != NULL; d = next) {
        next = d->next;
        if (d->kind >= DUTY_UNMAPPED && d->by_pid == e->pid)
            call_in(l, d, "a task goes on");
    }
}

void lint_reuse_runs(struct lint *l, const struct trace_event *e)
{
    struct lint_cpu *c = l->on;
    if (c->root != l->mm)
        lint_found(l, LINT_T7, "task %u runs in address space %u with the root of %u in CR3",
                   e->pid, e->mm, c->root != NULL ? c->root->id : 0);
    if (c->has_stale && c->root != NULL && c->root->id == e->mm) {
        lint_found(l, c->stale_check,
                   "CPU %u runs on without having flushed va %#" PRIx64
                   ", changed in event %" PRIu64 "; its frame %#x has a new use or other rights",
                   e->cpu, c->stale_va, c->stale_at, c->stale_pfn);
        c->has_stale = false;
    }
}

void lint_reuse_table(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_table_alloc *f = e->fields;
    if (e->id == TRACE_EV_table_free)
        table_freed(l, e);
    else
        call_in_frame(l, f->table_pfn, DUTY_FRAME, NULL, "a frame becomes a table");
}

/* Nobody has its root any more (E3), so nobody has anything to flush. */
void lint_reuse_forget(struct lint *l, struct lint_mm *mm)
{
    while (mm->duties != NULL)
        drop(l, mm->duties);
}
