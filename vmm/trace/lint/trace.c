/* trace.c - the trace's own integrity, T1, T2, T5, T7, T8; and from each event the state
 * that all checks look at.
 *
 * The replayed tables (replay.h) find by themselves what does not fit into them;
 * here their findings get the name of a check.  Who has ended has no record any more, so a
 * use after the end is seen. */
#include "vmm/trace/lint/trace.h"

#include <inttypes.h>

/* --- T1, T5, T8: what does not fit into the replayed tables ------------------------------ */

void lint_trace_replayed(void *arg, const struct replay_violation *v)
{
    struct lint *l = arg;
    switch (v->fault) {
    case REPLAY_OLD_DIFFERS:
        lint_found(l, LINT_T1,
                   "table %#x slot %u, va %#" PRIx64 ": the event says that %#" PRIx64
                   " was there, but it was %#" PRIx64,
                   v->table_pfn, v->index, v->va, v->found, v->expected);
        break;
    case REPLAY_NO_TABLE:
    case REPLAY_WRONG_LEVEL:
        lint_found(l, LINT_T5, "frame %#x, va %#" PRIx64 ": %s", v->table_pfn, v->va,
                   replay_fault_text(v->fault));
        break;
    default: lint_found(l, LINT_T8, "%s (frame %#x)", replay_fault_text(v->fault), v->table_pfn);
    }
}

/* --- T7, T8: tasks and address spaces ------------------------------------------------------ */

static void check_live(struct lint *l, uint32_t pid, const char *what)
{
    if (pid != 0 && !lint_task(l, pid)->live)
        lint_found(l, LINT_T8, "%s task %u, which %s", what, pid,
                   lint_task(l, pid)->state == TASK_dead ? "is dead" : "nobody made");
}

/* Made by clone, or as PID 1 and kernel threads are, by its first change of state. */
static void create_task(struct lint *l, uint32_t pid)
{
    struct lint_task *t = lint_task_new(l, pid);
    if (t->live)
        lint_found(l, LINT_T8, "task %u is made while one of that number lives", pid);
    *t = (struct lint_task){ .pid = pid, .live = true };
}

static void task_state(struct lint *l, const struct trace_ev_task_state *f)
{
    if (f->prev == TASK_new && !lint_task(l, f->task)->live)
        create_task(l, f->task);
    struct lint_task *t = lint_task(l, f->task);
    check_live(l, f->task, "a change of state of");
    t->state = f->next;
    t->reason = f->reason;
    t->on_pid = f->on_pid;
    t->has_ended = f->next == TASK_zombie || f->next == TASK_dead;
    if (f->next == TASK_dead)
        t->live = false;
}

static void switched(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_switch *f = e->fields;
    struct lint_cpu *c = l->on;
    if (f->prev_pid != c->pid)
        lint_found(l, LINT_T7, "a switch from task %u, but task %u ran", f->prev_pid, c->pid);
    check_live(l, f->next_pid, "a switch to");
    uint32_t uses = f->next_pid != 0 ? lint_task(l, f->next_pid)->mm : 0;
    if (f->next_mm != 0 && f->next_mm != uses && uses != 0) /* 0: it is past using one */
        lint_found(l, LINT_T7, "task %u runs in address space %u, but it uses %u", f->next_pid,
                   f->next_mm, uses);
    c->pid = f->next_pid;
    l->same.cpu = LINT_NOBODY;
    /* A CPU may still have one that has blocked or ended already: its state has been told. */
    struct lint_task *next = lint_task(l, f->next_pid);
    next->vfork.child_ran = true;
    if (f->next_pid != 0 && !l->is_told_cpu)
        next->state = TASK_running;
}

/* A thread that execs takes its leader's number. */
static void executed(struct lint *l, const struct trace_event *e)
{
    struct lint_cpu *c = l->on;
    if (c->pid != e->pid && c->pid != 0) {
        struct lint_task *leader = lint_task(l, e->pid), *thread = lint_task(l, c->pid);
        thread->live = false;
        lint_task_uses(l, thread, 0);
        lint_task_gone(l, c->pid);
        leader->live = true;
        leader->in_call = thread->in_call;
        leader->call = thread->call;
        leader->has_execed = thread->has_execed;
        leader->has_ended = false;
        leader->state = TASK_running;
    }
    c->pid = e->pid;
    l->same.cpu = LINT_NOBODY;
}

void lint_trace_event(struct lint *l, const struct trace_event *e)
{
    const struct lint_cpu *c = l->on;
    if (e->pid != c->pid && e->id != TRACE_EV_switch && e->id != TRACE_EV_exec)
        lint_found(l, LINT_T7, "a %s in the name of task %u while task %u runs",
                   trace_class_of(e->id)->name, e->pid, c->pid);
    if (e->mm != 0 && !l->mm->live && (lint_is_about_memory(e->id) && e->id != TRACE_EV_mm_create))
        lint_found(l, LINT_T8, "a %s of address space %u, which does not exist",
                   trace_class_of(e->id)->name, e->mm);
}

/* --- the state that all checks look at ------------------------------------------------------- */

static void cr3_load(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_cr3_load *f = e->fields;
    struct lint_cpu *c = l->on;
    uint32_t own = l->mm->root_pfn;
    uint64_t bit = e->cpu < 64 ? 1ull << e->cpu : 0;
    struct lint_mm *mm = e->mm != 0 ? l->mm : NULL;

    if (own != f->root_pfn && (mm != NULL || own != 0))
        lint_found(l, LINT_T8, "CR3 gets frame %#x as the root of address space %u, which has %#x",
                   f->root_pfn, e->mm, own);
    if (c->root != NULL)
        c->root->cpus &= ~bit;
    c->root = mm != NULL && mm->live ? mm : NULL;
    if (c->root != NULL)
        mm->cpus |= bit;
    c->loaded_at = l->now;
    c->has_stale = false;
}

static void create_mm(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_mm_create *f = e->fields;
    struct lint_mm *mm = lint_mm_new(l, e->mm);
    mm->live = true;
    mm->was_torn = false;
    mm->root_pfn = f->root_pfn;
}

void lint_trace_apply(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_clone *clone = e->fields;
    switch (e->id) {
    case TRACE_EV_mm_create: create_mm(l, e); break;
    case TRACE_EV_mm_free:
        l->mm->live = false;
        l->same.cpu = LINT_NOBODY;
        break;
    case TRACE_EV_cr3_load: cr3_load(l, e); break;
    case TRACE_EV_task_state: task_state(l, e->fields); break;
    case TRACE_EV_switch: switched(l, e); break;
    case TRACE_EV_clone: create_task(l, clone->child); break;
    case TRACE_EV_exec: executed(l, e); break;
    }
}

/* --- T2 ------------------------------------------------------------------------------------------ */

/* Also whether the guest found the CPUs' counters to agree: else the merge is wrong. */
void lint_trace_end(struct lint *l)
{
    l->event = NULL;
    bool gap = trace_has_gap(l->trace);
    for (unsigned i = 0; i < trace_stream_count(l->trace); i++) {
        const struct trace_stream_info *s = trace_stream(l->trace, i);
        if (s->lost_packets + s->lost_events > 0)
            lint_found(l, LINT_T2, "%s: %" PRIu64 " packets and %" PRIu64 " events are missing",
                       s->name, s->lost_packets, s->lost_events);
        if (s->late_events > 0)
            lint_found(l, LINT_T2, "%s: %" PRIu64 " events are later than their packet's end",
                       s->name, s->late_events);
        if (s->open_packet)
            lint_found(l, LINT_T2, "%s ends in a packet that nobody closed: see recover", s->name);
    }
    if (trace_problem(l->trace) != NULL)
        lint_found(l, LINT_T2, "%s", trace_problem(l->trace));
    for (unsigned c = 1; c < l->meta->ncpus && c < TRACE_CPUS_MAX; c++) {
        int64_t found = l->meta->cpu[c].tsc_found, error = l->meta->cpu[c].tsc_error;
        if (error >= 0 && (found > error || found < -error))
            lint_found(l, LINT_T2,
                       "cpu%u: its TSC was %" PRId64 " +- %" PRId64 " ticks behind "
                       "cpu0's: the merged order is not to be trusted",
                       c, found, error);
    }
    if (gap) { /* that is what this check is about */
        l->result->check[LINT_T2].failed += l->result->check[LINT_T2].unknown;
        l->result->check[LINT_T2].unknown = 0;
    }
}
