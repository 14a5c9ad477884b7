/* lint.c - hands each event to the checks, and then lets it happen. */
#include "vmm/trace/lint/lint.h"

#include <errno.h>
#include <string.h>

#include "vmm/trace/lib/cursor.h"
#include "vmm/trace/lint/bulk.h"
#include "vmm/trace/lint/demand.h"
#include "vmm/trace/lint/families.h"
#include "vmm/trace/lint/reuse.h"
#include "vmm/trace/lint/share.h"
#include "vmm/trace/lint/state.h"
#include "vmm/trace/lint/tables.h"
#include "vmm/trace/lint/trace.h"
#include "vmm/trace/lint/vfork.h"

#define PLAIN_END (3ull << 18) /* frames up to 3 GiB, where RAM has a hole */

/* In bulk, most entries need no look at what only few can be: no bits but the usual ones,
 * a frame below the hole in RAM, set Accessed and Dirty bits that are still set. */
static bool is_plain(const struct lint *l, const struct lint_write *w)
{
    return !(w->new & ~(PTE_NX | PTE_ADDR | 0xfffull)) && pte_frame(w->new) < l->plain_end &&
           !(w->was & ~w->old & PTE_AD) && !lint_not_set(w->was, w->old);
}

/* first: in its event; what holds for all of an event's entries is looked at once. */
static void one_write(struct lint *l, const struct lint_write *w, bool first)
{
    l->writes++;
    l->waste[w->reason] += w->old == w->new;
    if (first || !l->in_bulk || !is_plain(l, w))
        lint_tables_write(l, w);
    if (w->reason == PT_fork_copy)
        lint_fork_write(l, w);
    if (!l->in_bulk)
        lint_faults_write(l, w);
    lint_pages_write(l, w);
    if (l->is_linked && (!l->in_bulk || (w->old != 0 && l->mm->cpus != 0)))
        lint_reuse_write(l, w);
}

static inline void find_table(struct lint *l, uint32_t pfn)
{
    if (l->table == NULL || l->table->pfn != pfn)
        l->table = replay_table(l->replay, pfn);
}

/* What the event writes to; false: for a reason that nobody knows. */
static bool begin_writes(struct lint *l, const struct trace_event *e, uint32_t table,
                         unsigned level, unsigned reason)
{
    l->mm->unused_since = e->tsc; /* a teardown may take long */
    l->mm->writer = e->pid;
    l->mm->written_at = l->now;
    l->in_bulk = level == PT_LEVEL_PTE && e->mm != 0 &&
                 (reason == PT_fork_copy || reason == PT_fork_wrprotect ||
                  reason == PT_exit_teardown || reason == PT_exec_teardown);
    l->is_linked = l->w_counts = true;
    l->links += level != PT_LEVEL_PTE || l->table == NULL || l->table->level != PT_LEVEL_PTE;
    if (level == PT_LEVEL_PTE && e->mm != 0 && table < l->frames.n &&
        (l->frames.links[table].all != 1 || l->frames.links[table].writable != 1))
        lint_share_table(l, table);
    if (reason == PT_fork_copy)
        lint_fork_range(l, e);
    if ((reason >= PT_fork_copy && reason <= PT_exit_teardown) || reason == PT_munmap ||
        reason == PT_mprotect)
        lint_calls_write(l, e, reason);
    return reason < PT_REASON_MAX;
}

/* What the slot of the event's table holds, by all events before; Accessed and Dirty as well. */
static uint64_t slot_of(const struct lint *l, unsigned index, uint64_t old)
{
    return l->table != NULL ? l->table->slot[index] : old;
}

/* Counts the tables that have nothing in them any more, or something for the first time. */
static int end_writes(struct lint *l, bool was_empty, int err)
{
    const struct replay_table *t = l->table;
    if (t != NULL && t->level != PT_LEVEL_PGD && was_empty != (t->used == 0))
        l->mm->empty += was_empty ? -(l->mm->empty > 0) : 1;
    return err;
}

static bool is_empty(const struct lint *l) { return l->table != NULL && l->table->used == 0; }

static __attribute__((noinline)) int pte_write(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_pte_write *w = e->fields;
    if (!begin_writes(l, e, w->table_pfn, w->level, w->reason)) {
        lint_found(l, LINT_T2, "a reason of number %u", w->reason);
        return 0;
    }
    bool was_empty = is_empty(l);
    struct lint_write one = { w->va,        w->old,   w->new,   slot_of(l, w->index, w->old),
                              w->table_pfn, w->index, w->level, w->reason };
    lint_exec_write(l, &one);
    one_write(l, &one, true);
    if (l->table == NULL || l->table->level != w->level || ((one.was ^ w->old) & ~PTE_AD) != 0)
        return end_writes(l, was_empty, replay_event(l->replay, e)); /* which says what is wrong */
    l->table->used = (uint16_t)(l->table->used + (w->new != 0) - (one.was != 0));
    l->table->slot[w->index] = w->new;
    return end_writes(l, was_empty, 0);
}

static __attribute__((noinline)) int pte_range(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_pte_range *r = e->fields;
    struct lint_write one = { .va = r->va,
                              .table_pfn = r->table_pfn,
                              .index = r->first,
                              .level = r->level,
                              .reason = r->reason };
    find_table(l, r->table_pfn);
    if (!begin_writes(l, e, r->table_pfn, r->level, r->reason)) {
        lint_found(l, LINT_T2, "a reason of number %u", r->reason);
        return 0;
    }
    bool was_empty = is_empty(l);
    lint_exec_write(l, &one);
    if (l->is_linked == l->w_counts && lint_bulk(l, e))
        return end_writes(l, was_empty, 0);
    uint64_t step = 1ull << (12 + 9 * (one.level - 1));
    for (uint32_t i = 0, n = trace_changes(e); i < n; i++, one.index++, one.va += step) {
        struct trace_change c = trace_change(e, i);
        one.old = c.old;
        one.new = c.new;
        one.was = slot_of(l, one.index, c.old);
        one_write(l, &one, i == 0);
    }
    return end_writes(l, was_empty, replay_event(l->replay, e));
}

/* --- events ---------------------------------------------------------------------------------- */

/* The CPU of the event at hand, its task and its address space, where another event named others.
 * False: a CPU that cannot be. */
static __attribute__((noinline)) bool look_up(struct lint *l, const struct trace_event *e)
{
    l->at_ease = false;
    if (l->now == 1)
        l->result->first_tsc = e->tsc;
    if (e->cpu >= LINT_CPUS) {
        lint_found(l, LINT_T2, "a CPU of number %u", e->cpu);
        return false;
    }
    struct lint_cpu *c = l->on = &l->cpu[e->cpu];
    if (c->events == 0) {
        l->cpus_seen++;
        l->last_cpu = e->cpu > l->last_cpu ? e->cpu : l->last_cpu;
    }
    if (e->pid == 0) {
        l->task = NULL;
    } else {
        if (c->task == NULL || c->task->pid != e->pid)
            c->task = idmap_find(l->tasks, e->pid);
        l->task = c->task != NULL ? c->task : lint_task(l, e->pid);
    }
    if (e->mm == 0) {
        l->mm = l->kernel;
    } else {
        if (c->mm == NULL || c->mm->id != e->mm)
            c->mm = idmap_find(l->mms, e->mm);
        l->mm = c->mm != NULL ? c->mm : lint_mm(l, e->mm);
    }
    bool stands_in = (e->pid != 0 && c->task == NULL) || l->mm == &l->no_mm;
    bool may = e->pid == c->pid && (e->mm == 0 || l->mm->live);
    l->same = (struct lint_names){ stands_in || !may ? LINT_NOBODY : e->cpu, e->pid, e->mm };
    l->is_watched = lint_vfork_watches(l->task, e->mm);
    if (!may)
        lint_trace_event(l, e);
    return true;
}

/* pid and mm as one, as they have been stored: a word made of others is not there yet. */
static inline bool names_others(const struct lint *l, const struct trace_event *e)
{
    return memcmp(&e->pid, &l->same.pid, 2 * sizeof(e->pid)) != 0 || e->cpu != l->same.cpu;
}

static inline bool begin_event(struct lint *l, const struct trace_event *e)
{
    l->event = e;
    l->now++;
    l->last_tsc = e->tsc;
    if (l->owed.n != 0 && e->id != TRACE_EV_tlb_flush)
        lint_reuse_settle(l);
    if (names_others(l, e) && !look_up(l, e))
        return false;
    l->on->events++;
    return true;
}

/* Whoever names it from now on names something that does not exist. */
static void mm_ends(struct lint *l, const struct trace_event *e)
{
    lint_exec_after(l, e);
    if (e->mm == 0 || l->mm == &l->no_mm)
        return;
    lint_reuse_forget(l, l->mm);
    lint_pages_forget(l->mm);
    lint_mm_gone(l, e->mm);
}

static void task_ends(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_task_state *f = e->fields;
    if (f->next == TASK_dead)
        lint_task_gone(l, f->task);
}

static void is_old(void *arg, void *task)
{
    struct lint_task *t = task;
    (void)arg;
    t->is_amid = true;
    t->has_traced = true; /* perhaps: whom it has attached to before is not told */
}

/* A trace that does not begin with the machine begins with what stands then.  Whoever was
 * amid something is judged from when it is back in user mode. */
static void checkpoint(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_checkpoint *f = e->fields;
    if (l->is_told && f->begin == TRACE_CHECKPOINT_END)
        idmap_each(l->tasks, is_old, NULL);
    l->in_checkpoint = f->begin == TRACE_CHECKPOINT_BOOT;
    l->is_told = f->begin >= TRACE_CHECKPOINT_RUNNING;
    l->is_told_cpu = f->begin == TRACE_CHECKPOINT_CPU;
}

/* What a vfork's checks have to say of it.  id: e->id, which the compiler knows in most places. */
static inline __attribute__((always_inline)) void vfork_checks(struct lint *l,
                                                               const struct trace_event *e,
                                                               uint32_t id, unsigned reason)
{
    if (!lint_vfork_cares(l, id, reason))
        return;
    lint_vfork_event(l, e);
    l->is_watched = lint_vfork_watches(l->task, e->mm);
}

/* It calls the kernel, or faults in user memory: from there on it is amid nothing any more. */
static void comes_from_user(struct lint *l, const struct trace_event *e)
{
    lint_reuse_use(l, e);
    vfork_checks(l, e, e->id, 0);
    l->task->is_amid = false;
}

static void page_fault(struct lint *l, const struct trace_event *e)
{
    lint_errors_fault(l, e);
    lint_faults_fault(l, e);
    if (lint_proves_use(e))
        comes_from_user(l, e);
    else
        vfork_checks(l, e, TRACE_EV_page_fault, 0);
}

/* What the kinds mean to whom; in this order. */
static __attribute__((noinline)) void about_tasks(struct lint *l, const struct trace_event *e)
{
    switch (e->id) {
    case TRACE_EV_syscall_enter:
        lint_calls_enter(l, e);
        lint_faults_call(l);
        if (l->task != NULL) {
            comes_from_user(l, e);
            return;
        }
        break;
    case TRACE_EV_syscall_exit:
        lint_calls_exit(l, e);
        lint_tables_before(l, e);
        if (l->task != NULL && l->task->rights > 0)
            lint_reuse_goes_on(l, e);
        break;
    case TRACE_EV_switch:
        lint_states_before(l, e);
        lint_exit_before(l, e);
        lint_faults_switch(l);
        lint_trace_apply(l, e);
        break;
    case TRACE_EV_task_state:
    case TRACE_EV_exit:
    case TRACE_EV_reap:
    case TRACE_EV_reparent:
        lint_states_before(l, e);
        lint_exit_before(l, e);
        lint_trace_apply(l, e);
        break;
    case TRACE_EV_signal:
        lint_states_before(l, e);
        lint_faults_signal(l, e);
        lint_exit_signal(l, e);
        break;
    case TRACE_EV_exec_args: lint_calls_args(l, e); break;
    case TRACE_EV_contents: lint_faults_contents(l, e); break;
    case TRACE_EV_checkpoint:
        lint_states_before(l, e);
        checkpoint(l, e);
        break;
    case TRACE_EV_vfork_release:
    case TRACE_EV_boot_stage: lint_states_before(l, e); break;
    case TRACE_EV_clone:
        lint_calls_clone(l, e);
        lint_trace_apply(l, e);
        break;
    case TRACE_EV_exec:
        lint_calls_exec(l, e);
        lint_trace_apply(l, e);
        break;
    }
    vfork_checks(l, e, e->id, 0);
    switch (e->id) {
    case TRACE_EV_clone:
        lint_exit_after(l, e);
        lint_fork_after(l, e);
        break;
    case TRACE_EV_exec:
        lint_exec_after(l, e);
        lint_exit_after(l, e);
        break;
    case TRACE_EV_switch: lint_exit_after(l, e); break;
    case TRACE_EV_syscall_exit: lint_fork_after(l, e); break;
    case TRACE_EV_task_state: task_ends(l, e); break;
    }
}

/* What is not memory on demand. */
static inline int happens(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_pte_write *write = e->fields;
    const struct trace_ev_table_alloc *table = e->fields;
    int err = 0;
    l->at_ease = false;
    switch (e->id) {
    case TRACE_EV_pte_write:
        err = pte_write(l, e);
        vfork_checks(l, e, TRACE_EV_pte_write, write->reason);
        break;
    case TRACE_EV_pte_range:
    case TRACE_EV_pte_range_new:
    case TRACE_EV_pte_range_old:
    case TRACE_EV_pte_range_step:
        err = pte_range(l, e);
        vfork_checks(l, e, TRACE_EV_pte_range,
                     ((const struct trace_ev_pte_range *)e->fields)->reason);
        break;
    case TRACE_EV_table_alloc:
    case TRACE_EV_table_free:
        l->links++;
        l->table = NULL;
        lint_calls_table(l, e);
        lint_reuse_table(l, e);
        lint_pages_table(l, e);
        err = replay_event(l->replay, e);
        vfork_checks(l, e, TRACE_EV_table_alloc, table->reason);
        break;
    case TRACE_EV_mm_create:
        l->links++;
        lint_trace_apply(l, e);
        lint_fork_begins(l, e);
        err = replay_event(l->replay, e);
        vfork_checks(l, e, TRACE_EV_mm_create, 0);
        break;
    case TRACE_EV_mm_free:
        l->links++;
        lint_exit_before(l, e);
        lint_trace_apply(l, e);
        err = replay_event(l->replay, e);
        vfork_checks(l, e, TRACE_EV_mm_free, 0);
        mm_ends(l, e);
        break;
    case TRACE_EV_cr3_load:
        lint_tables_before(l, e);
        lint_trace_apply(l, e);
        vfork_checks(l, e, TRACE_EV_cr3_load, 0);
        break;
    case TRACE_EV_page_fault: page_fault(l, e); break;
    case TRACE_EV_vma_special:
        lint_pages_special(l, e);
        vfork_checks(l, e, TRACE_EV_vma_special, 0);
        break;
    default: about_tasks(l, e);
    }
    return err;
}

/* First what a trace has most of. */
static inline int takes_place(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_pte_write *write = e->fields;
    switch (e->id) {
    case TRACE_EV_page_fault: return lint_demand_fault(l, e) ? 0 : happens(l, e);
    case TRACE_EV_pte_write:
        find_table(l, write->table_pfn);
        if ((write->reason != PT_cow_break && write->reason != PT_demand_zero) ||
            !lint_demand_write(l, e))
            return happens(l, e);
        if (l->is_watched)
            vfork_checks(l, e, TRACE_EV_pte_write, write->reason);
        return 0;
    case TRACE_EV_tlb_flush:
        lint_faults_flush(l);
        lint_reuse_flush(l, e);
        vfork_checks(l, e, TRACE_EV_tlb_flush, 0);
        return 0;
    }
    return happens(l, e);
}

static bool prepare(struct lint *l)
{
    l->replay = replay_new(lint_trace_replayed, l);
    l->tasks = idmap_new(sizeof(struct lint_task));
    l->mms = idmap_new(sizeof(struct lint_mm));
    if (l->replay == NULL || l->tasks == NULL || l->mms == NULL)
        return false;
    l->kernel = idmap_get(l->mms, 0);
    return l->kernel != NULL && frames_init(&l->frames, l->meta->ram_end);
}

int lint_run(struct trace *t, struct lint_result *result)
{
    static struct lint l;
    const struct trace_event *e;
    int err = -ENOMEM;

    l = (struct lint){ .trace = t, .meta = trace_meta(t), .result = result, .links = 1 };
    uint64_t ram = l.meta->ram_end != 0 ? l.meta->ram_end >> 12 : PLAIN_END;
    l.plain_end = ram < PLAIN_END ? ram : PLAIN_END;
    l.same.cpu = LINT_NOBODY;
    memset(result, 0, sizeof(*result));
    if (prepare(&l)) {
        err = 0;
        while (err == 0 && (e = trace_next_inline(t)) != NULL)
            err = begin_event(&l, e) ? takes_place(&l, e) : 0;
        l.event = NULL;
        lint_vfork_end(&l);
        lint_exit_end(&l);
        lint_tables_end(&l);
        lint_share_end(&l);
        lint_pages_end(&l);
        lint_trace_end(&l);
        result->events = l.now;
        result->has_gap = trace_has_gap(t);
    }
    lint_reuse_free(&l);
    frames_free(&l.frames);
    idmap_free(l.mms);
    idmap_free(l.tasks);
    replay_free(l.replay);
    return err;
}
