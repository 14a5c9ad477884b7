/* lint.c - hands each event to the checks, and then lets it happen. */
#include "vmm/trace/lint/lint.h"

#include <errno.h>
#include <string.h>

#include "vmm/trace/lint/families.h"
#include "vmm/trace/lint/reuse.h"
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
           !(w->was & ~w->old & PTE_AD);
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
    if (first)
        lint_exec_write(l, w);
    lint_pages_write(l, w);
    if (!l->in_bulk || (w->old != 0 && l->mm->cpus != 0))
        lint_reuse_write(l, w);
}

/* What the event writes to; false: for a reason that nobody knows. */
static bool begin_writes(struct lint *l, const struct trace_event *e, uint32_t table,
                         unsigned level, unsigned reason)
{
    l->table = replay_table(l->replay, table);
    l->mm = lint_mm(l, e->mm);
    l->mm->unused_since = e->tsc; /* a teardown may take long */
    l->task = e->pid != 0 ? lint_task(l, e->pid) : NULL;
    l->in_bulk = level == PT_LEVEL_PTE && e->mm != 0 &&
                 (reason == PT_fork_copy || reason == PT_fork_wrprotect ||
                  reason == PT_exit_teardown || reason == PT_exec_teardown);
    if (reason == PT_fork_copy)
        lint_fork_range(l, e);
    return reason < PT_REASON_MAX;
}

/* What the slot of the event's table holds, by all events before; Accessed and Dirty as well. */
static uint64_t slot_of(const struct lint *l, unsigned index, uint64_t old)
{
    return l->table != NULL ? l->table->slot[index] : old;
}

static void writes(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_pte_write *w = e->fields;
    const struct trace_ev_pte_range *r = e->fields;
    struct lint_write one;

    if (e->id == TRACE_EV_pte_write) {
        if (!begin_writes(l, e, w->table_pfn, w->level, w->reason)) {
            lint_found(l, LINT_T2, "a reason of number %u", w->reason);
            return;
        }
        one = (struct lint_write){ w->va,        w->old,   w->new,   slot_of(l, w->index, w->old),
                                   w->table_pfn, w->index, w->level, w->reason };
        one_write(l, &one, true);
        return;
    }
    one = (struct lint_write){ .va = r->va,
                               .table_pfn = r->table_pfn,
                               .index = r->first,
                               .level = r->level,
                               .reason = r->reason };
    if (!begin_writes(l, e, r->table_pfn, r->level, r->reason)) {
        lint_found(l, LINT_T2, "a reason of number %u", r->reason);
        return;
    }
    uint64_t step = 1ull << (12 + 9 * (one.level - 1));
    for (uint32_t i = 0, n = trace_changes(e); i < n; i++, one.index++, one.va += step) {
        struct trace_change c = trace_change(e, i);
        one.old = c.old;
        one.new = c.new;
        one.was = slot_of(l, one.index, c.old);
        one_write(l, &one, i == 0);
    }
}

static int one_event(struct lint *l, const struct trace_event *e)
{
    l->event = e;
    if (l->now++ == 0)
        l->result->first_tsc = e->tsc;
    if (l->cpu_events[e->cpu % LINT_CPUS]++ == 0)
        l->cpus_seen++;
    if (e->cpu >= LINT_CPUS) {
        lint_found(l, LINT_T2, "a CPU of number %u", e->cpu);
        return 0;
    }
    if (e->cpu > l->last_cpu)
        l->last_cpu = e->cpu;
    l->last_tsc = e->tsc;
    lint_trace_event(l, e);
    lint_fork_before(l, e);
    lint_exit_before(l, e);
    lint_faults_before(l, e);
    lint_tables_before(l, e);
    if (e->id <= TRACE_EV_pte_range_old)
        writes(l, e);
    lint_reuse_event(l, e);
    lint_pages_before(l, e);
    int err = lint_trace_apply(l, e);
    lint_vfork_event(l, e);
    lint_exec_after(l, e);
    lint_exit_after(l, e);
    lint_fork_after(l, e);
    return err;
}

static bool prepare(struct lint *l)
{
    l->replay = replay_new(lint_trace_replayed, l);
    l->tasks = idmap_new(sizeof(struct lint_task));
    l->mms = idmap_new(sizeof(struct lint_mm));
    l->frames = frames_new();
    return l->replay != NULL && l->tasks != NULL && l->mms != NULL && l->frames != NULL;
}

int lint_run(struct trace *t, struct lint_result *result)
{
    static struct lint l;
    const struct trace_event *e;
    int err = -ENOMEM;

    l = (struct lint){ .trace = t, .meta = trace_meta(t), .result = result };
    l.plain_end = l.meta->ram_end >> 12 < PLAIN_END ? l.meta->ram_end >> 12 : PLAIN_END;
    memset(result, 0, sizeof(*result));
    if (prepare(&l)) {
        err = 0;
        while (err == 0 && (e = trace_next(t)) != NULL)
            err = one_event(&l, e);
        l.event = NULL;
        lint_vfork_end(&l);
        lint_exit_end(&l);
        lint_tables_end(&l);
        lint_pages_end(&l);
        lint_trace_end(&l);
        result->events = l.now;
        result->has_gap = trace_has_gap(t);
    }
    lint_reuse_free(&l);
    frames_free(l.frames);
    idmap_free(l.mms);
    idmap_free(l.tasks);
    replay_free(l.replay);
    return err;
}
