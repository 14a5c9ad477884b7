/* lint.c - runs the checks, and makes those of the trace's own integrity: T1, T2, T5,
 * T7, T8.
 *
 * The replayed tables (replay.h) find by themselves what does not fit into them;
 * here their findings get the name of a check.  Address spaces and tasks are kept in tables
 * by their number and never removed, so that a use after the end is seen. */
#include "vmm/trace/lint/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
const char *const lint_names[LINT_COUNT] = {
#define X(name, text) #name,
    LINT_CHECKS(X)
#undef X
};
const char *const lint_texts[LINT_COUNT] = {
#define X(name, text) text,
    LINT_CHECKS(X)
#undef X
};
/* clang-format on */

void lint_found(struct lint *l, enum lint_check check, const char *fmt, ...)
{
    bool after_gap = trace_has_gap(l->trace);
    struct lint_finding *f;
    va_list ap;

    if (after_gap)
        l->result->check[check].unknown++;
    else
        l->result->check[check].failed++;
    if (l->result->check[check].kept == LINT_FINDINGS_MAX)
        return;
    f = &l->result->check[check].finding[l->result->check[check].kept++];
    *f = (struct lint_finding){ .check = check, .after_gap = after_gap, .event = l->now };
    if (l->event != NULL) {
        f->tsc = l->event->tsc;
        f->cpu = l->event->cpu;
        f->pid = l->event->pid;
        f->mm = l->event->mm;
    }
    va_start(ap, fmt);
    vsnprintf(f->text, sizeof(f->text), fmt, ap);
    va_end(ap);
}

enum lint_verdict lint_verdict(const struct lint_result *r, enum lint_check check)
{
    if (r->check[check].failed > 0)
        return LINT_FAIL;
    return r->has_gap && check != LINT_T2 ? LINT_INCONCLUSIVE : LINT_PASS;
}

bool lint_proves_use(const struct trace_event *e)
{
    const struct trace_ev_page_fault *f = e->fields;
    return e->pid != 0 &&
           (e->id == TRACE_EV_syscall_enter || (e->id == TRACE_EV_page_fault && (f->error & 4)));
}

/* --- T1, T5, T8: what does not fit into the replayed tables ------------------------------ */

static void replay_found(void *arg, const struct replay_violation *v)
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

static void one_write(struct lint *l, const struct lint_write *w)
{
    lint_tables_write(l, w);
    lint_reuse_write(l, w);
}

static void writes(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_pte_write *w = e->fields;
    const struct trace_ev_pte_range *r = e->fields;
    struct lint_write one;

    if (e->id == TRACE_EV_pte_write) {
        one = (struct lint_write){ w->va,    w->old,   w->new,   w->table_pfn,
                                   w->index, w->level, w->reason };
        one_write(l, &one);
        return;
    }
    one = (struct lint_write){ .va = r->va,
                               .table_pfn = r->table_pfn,
                               .index = r->first,
                               .level = r->level,
                               .reason = r->reason };
    bool pairs = e->id == TRACE_EV_pte_range;
    uint64_t step = 1ull << (12 + 9 * (one.level - 1));
    for (uint32_t i = 0; i < e->count; i += 1 + pairs, one.index++, one.va += step) {
        one.old = e->id == TRACE_EV_pte_range_new ? 0 : trace_word(e, i);
        one.new = pairs                             ? trace_word(e, i + 1)
                  : e->id == TRACE_EV_pte_range_new ? trace_word(e, i)
                                                    : 0;
        one_write(l, &one);
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
    struct lint_task *t = lint_task(l, pid);
    struct task_head head = t->head;
    if (t->live)
        lint_found(l, LINT_T8, "task %u is made while one of that number lives", pid);
    *t = (struct lint_task){ .head = head, .live = true };
}

static void task_state(struct lint *l, const struct trace_ev_task_state *f)
{
    struct lint_task *t = lint_task(l, f->task);
    if (f->prev == TASK_new && !t->live)
        create_task(l, f->task);
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
    struct lint_cpu *c = &l->cpu[e->cpu];
    if (f->prev_pid != c->pid)
        lint_found(l, LINT_T7, "a switch from task %u, but task %u ran", f->prev_pid, c->pid);
    check_live(l, f->next_pid, "a switch to");
    c->pid = f->next_pid;
}

/* A thread that execs takes its leader's number. */
static void executed(struct lint *l, const struct trace_event *e)
{
    struct lint_cpu *c = &l->cpu[e->cpu];
    if (c->pid != e->pid && c->pid != 0) {
        struct lint_task *leader = lint_task(l, e->pid), *thread = lint_task(l, c->pid);
        thread->live = false;
        leader->live = true;
        leader->has_ended = false;
        leader->state = TASK_running;
    }
    c->pid = e->pid;
}

static bool is_about_tables(uint32_t id)
{
    switch (id) {
    case TRACE_EV_table_alloc:
    case TRACE_EV_table_free:
    case TRACE_EV_mm_free:
    case TRACE_EV_cr3_load:
    case TRACE_EV_tlb_flush:
    case TRACE_EV_page_fault: return true;
    }
    return id <= TRACE_EV_pte_range_old;
}

static void check_actors(struct lint *l, const struct trace_event *e)
{
    const struct lint_cpu *c = &l->cpu[e->cpu];
    if (e->pid != c->pid && e->id != TRACE_EV_switch && e->id != TRACE_EV_exec)
        lint_found(l, LINT_T7, "a %s in the name of task %u while task %u runs", e->class->name,
                   e->pid, c->pid);
    if (e->mm != 0 && is_about_tables(e->id) && !lint_mm(l, e->mm)->live)
        lint_found(l, LINT_T8, "a %s of address space %u, which does not exist", e->class->name,
                   e->mm);
}

/* --- the state that all checks look at ------------------------------------------------------- */

static void cr3_load(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_cr3_load *f = e->fields;
    struct lint_cpu *c = &l->cpu[e->cpu];
    uint64_t bit = e->cpu < 64 ? 1ull << e->cpu : 0;
    struct lint_mm *mm = e->mm != 0 ? lint_mm(l, e->mm) : NULL;

    if (mm != NULL && mm->root_pfn != f->root_pfn)
        lint_found(l, LINT_T8, "CR3 gets frame %#x as the root of address space %u, which has %#x",
                   f->root_pfn, e->mm, mm->root_pfn);
    if (c->root != NULL)
        c->root->cpus &= ~bit;
    if (mm != NULL)
        mm->cpus |= bit;
    c->root = mm;
    c->loaded_at = l->now;
    c->has_stale = false;
}

static void create_mm(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_mm_create *f = e->fields;
    struct lint_mm *mm = lint_mm(l, e->mm);
    mm->live = true;
    mm->was_torn = false;
    mm->root_pfn = f->root_pfn;
}

static int apply(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_clone *clone = e->fields;
    switch (e->id) {
    case TRACE_EV_mm_create: create_mm(l, e); break;
    case TRACE_EV_mm_free: lint_mm(l, e->mm)->live = false; break;
    case TRACE_EV_cr3_load: cr3_load(l, e); return 0;
    case TRACE_EV_task_state: task_state(l, e->fields); return 0;
    case TRACE_EV_switch: switched(l, e); return 0;
    case TRACE_EV_clone: create_task(l, clone->child); return 0;
    case TRACE_EV_exec: executed(l, e); return 0;
    }
    return replay_event(l->replay, e);
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
    check_actors(l, e);
    if (e->id <= TRACE_EV_pte_range_old)
        writes(l, e);
    lint_reuse_event(l, e);
    int err = apply(l, e);
    lint_vfork_event(l, e);
    return err;
}

/* --- T2 ------------------------------------------------------------------------------------------ */

/* Also whether the guest found the CPUs' counters to agree: else the merge is wrong. */
static void check_streams(struct lint *l)
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

static bool prepare(struct lint *l)
{
    l->replay = replay_new(replay_found, l);
    l->tasks = tasks_new(sizeof(struct lint_task));
    l->mms = tasks_new(sizeof(struct lint_mm));
    return l->replay != NULL && l->tasks != NULL && l->mms != NULL && lint_reuse_start(l);
}

int lint_run(struct trace *t, struct lint_result *result)
{
    static struct lint l;
    const struct trace_event *e;
    int err = -ENOMEM;

    l = (struct lint){ .trace = t, .meta = trace_meta(t), .result = result };
    memset(result, 0, sizeof(*result));
    if (prepare(&l)) {
        err = 0;
        while (err == 0 && (e = trace_next(t)) != NULL)
            err = one_event(&l, e);
        l.event = NULL;
        lint_vfork_end(&l);
        check_streams(&l);
        result->events = l.now;
        result->has_gap = trace_has_gap(t);
    }
    lint_reuse_free(&l);
    tasks_free(l.mms);
    tasks_free(l.tasks);
    replay_free(l.replay);
    return err;
}
