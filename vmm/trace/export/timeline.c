/* timeline.c - see timeline.h.
 *
 * Each lane keeps the kinds of its open slices.  A slice that ends takes those in it with it,
 * and one that is not open does not end: so they nest.  Times are those of the events, which
 * come in order.  A row of writes ends with the next event of whatever kind, at the time of its
 * own last one; nothing has been given in between. */
#include "vmm/trace/export/timeline.h"

#include <inttypes.h>
#include <string.h>

#include "shared/pte.h"
#include "vmm/trace/export/lives.h"
#include "vmm/trace/lib/changes.h"
#include "vmm/trace/lib/status.h"

enum slice { SLICE_TASK, SLICE_CALL, SLICE_WAIT, SLICE_ROW };

#define LANE_DEPTH 4

struct lane {
    struct track track;
    uint8_t depth;
    uint8_t open[LANE_DEPTH]; /* enum slice, outermost first */
};

struct actor_lane { /* a task's */
    struct task task;
    struct lane lane;
    bool seen;                          /* its number had an owner before */
    uint64_t writes[PT_REASON_MAX + 1]; /* of the process, in its leader's */
};

struct cpu_lane {
    uint32_t cpu;
    struct lane lane;
};

/* An address space, and whose it is. */
struct space {
    uint32_t mm;
    uint32_t owner; /* pid; 0: nobody's yet */
    uint64_t tables, pages;
    struct { /* what the counters show */
        uint32_t owner;
        uint64_t tables, pages;
    } shown;
};

struct row {           /* of writes */
    struct lane *lane; /* NULL: none under way */
    uint32_t pid, cpu, mm;
    int reason;
    uint64_t last_ns, events, writes;
};

struct timeline {
    struct export *x;
    const struct timeline_sink *sink;
    void *arg;
    struct lives lives;
    struct idmap *cpus, *spaces;
    struct row row;
    uint64_t ns, arrows;
};

static struct actor_lane *lane_of(struct task *t) { return (struct actor_lane *)t; }

static struct actor_lane *find_lane(struct timeline *l, uint32_t pid)
{
    return lane_of(lives_find(&l->lives, pid));
}

/* --- slices ------------------------------------------------------------------------------ */

static void begin(struct timeline *l, struct lane *lane, enum slice kind, const char *category,
                  const char *name, const struct timeline_arg *args)
{
    if (lane->depth == LANE_DEPTH)
        return; /* kinds are opened once each at most, so this does not happen */
    lane->open[lane->depth++] = (uint8_t)kind;
    l->sink->begin(l->arg, l->ns, &lane->track, category, name, args);
}

static bool is_open(const struct lane *lane, enum slice kind)
{
    return memchr(lane->open, kind, lane->depth) != NULL;
}

/* args are those of the slice itself. */
static void end(struct timeline *l, struct lane *lane, enum slice kind,
                const struct timeline_arg *args)
{
    if (!is_open(lane, kind))
        return;
    for (bool last = false; !last;) {
        last = lane->open[--lane->depth] == kind;
        l->sink->end(l->arg, l->ns, &lane->track, last ? args : NULL);
    }
}

static void arrow(struct timeline *l, const struct lane *from, const struct lane *to,
                  const char *name)
{
    if (from->depth > 0 && to->depth > 0)
        l->sink->arrow(l->arg, l->ns, &from->track, &to->track, name, ++l->arrows);
}

/* --- counters ---------------------------------------------------------------------------- */

static struct space *space_of(struct timeline *l, uint32_t mm)
{
    return need(idmap_get(l->spaces, mm));
}

/* As far as they have changed. */
static void show_space(struct timeline *l, struct space *s)
{
    struct actor_lane *owner = s->owner != 0 ? find_lane(l, s->owner) : NULL;
    if (owner == NULL || owner->task.actor.mm != s->mm)
        return;
    bool fresh = s->shown.owner != s->owner;
    if (fresh || s->shown.tables != s->tables)
        l->sink->count(l->arg, l->ns, &owner->lane.track, "page tables", "tables", s->tables);
    if (fresh || s->shown.pages != s->pages)
        l->sink->count(l->arg, l->ns, &owner->lane.track, "mapped", "pages", s->pages);
    s->shown.owner = s->owner;
    s->shown.tables = s->tables;
    s->shown.pages = s->pages;
}

static void own_space(struct timeline *l, uint32_t mm, uint32_t pid)
{
    if (mm == 0)
        return;
    struct space *s = space_of(l, mm);
    struct actor_lane *owner = s->owner != 0 ? find_lane(l, s->owner) : NULL;
    if (owner == NULL || owner->task.actor.mm != mm)
        s->owner = pid;
    show_space(l, s);
}

static uint64_t pages_of(uint64_t entry, unsigned level)
{
    bool leaf = level == PT_LEVEL_PTE || (level < PT_LEVEL_PGD && (entry & PTE_PS));
    return (entry & PTE_P) && leaf ? entry_span(level) >> 12 : 0;
}

static void count_entries(struct timeline *l, const struct trace_event *e)
{
    struct entries x = entries_of(e);
    struct space *s = e->mm != 0 ? space_of(l, e->mm) : NULL;
    for (uint32_t i = 0; s != NULL && i < x.n; i++) {
        struct trace_change c = entries_change(e, i);
        s->pages += pages_of(c.new, x.level) - pages_of(c.old, x.level);
    }
    if (s != NULL && e->id == TRACE_EV_table_alloc)
        s->tables++;
    else if (s != NULL && e->id == TRACE_EV_table_free && s->tables > 0)
        s->tables--;
}

/* --- rows of writes ---------------------------------------------------------------------- */

static struct lane *cpu_lane(struct timeline *l, uint32_t cpu)
{
    bool known = idmap_find(l->cpus, cpu) != NULL;
    struct cpu_lane *c = need(idmap_get(l->cpus, cpu));
    if (!known) {
        char name[24];
        snprintf(name, sizeof(name), "vCPU %u", cpu);
        c->lane.track = (struct track){ VCPUS_PID, VCPUS_PID + 1 + cpu };
        l->sink->describe(l->arg, &c->lane.track, "vCPUs", name, false);
        begin(l, &c->lane, SLICE_TASK, "cpu", "no task", NULL);
    }
    return &c->lane;
}

static struct lane *lane_at(struct timeline *l, const struct trace_event *e)
{
    struct task *t = lives_actor(&l->lives);
    return t != NULL ? &lane_of(t)->lane : cpu_lane(l, e->cpu);
}

static void end_row(struct timeline *l)
{
    struct row *r = &l->row;
    struct actor_lane *process;
    if (r->lane == NULL)
        return;
    uint64_t now = l->ns;
    l->ns = r->last_ns;
    end(l, r->lane, SLICE_ROW,
        (const struct timeline_arg[]){ { "events", ARG_COUNT, r->events, NULL },
                                       { "entries", ARG_COUNT, r->writes, NULL },
                                       { 0 } });
    struct task *t = lives_find(&l->lives, r->pid);
    process = t != NULL ? find_lane(l, t->life.tgid) : NULL;
    if (process != NULL && r->writes > 0) {
        unsigned reason = r->reason < PT_REASON_MAX ? (unsigned)r->reason : PT_REASON_MAX;
        process->writes[reason] += r->writes;
        l->sink->count(l->arg, l->ns, &process->lane.track, "PTE writes",
                       trace_value_name("pt_reason", reason), process->writes[reason]);
    }
    if (r->mm != 0)
        show_space(l, space_of(l, r->mm));
    r->lane = NULL;
    l->ns = now;
}

static void on_entries(struct timeline *l, const struct trace_event *e, int reason)
{
    struct row *r = &l->row;
    if (r->lane == NULL) {
        *r = (struct row){
            .lane = lane_at(l, e), .pid = e->pid, .cpu = e->cpu, .mm = e->mm, .reason = reason
        };
        begin(l, r->lane, SLICE_ROW, "pt", trace_value_name("pt_reason", (unsigned)reason),
              (const struct timeline_arg[]){ { "mm", ARG_COUNT, e->mm, NULL },
                                             { "event", ARG_COUNT, l->lives.follow.event, NULL },
                                             { "va", ARG_HEX, entries_of(e).va, NULL },
                                             { 0 } });
    }
    r->last_ns = l->ns;
    r->events++;
    r->writes += event_writes(e);
    count_entries(l, e);
}

static bool continues(const struct row *r, const struct trace_event *e)
{
    return e->pid == r->pid && e->cpu == r->cpu && e->mm == r->mm && event_reason(e) == r->reason;
}

/* --- what tasks do ----------------------------------------------------------------------- */

static void describe(struct timeline *l, struct actor_lane *a, bool last)
{
    char name[LIFE_NAMES + 24];
    const struct life *life = &a->task.life;
    snprintf(name, sizeof(name), "%s [%" PRIu32 "]", life->names[0] != '\0' ? life->names : "init",
             life->pid);
    bool leader = life->tgid == life->pid;
    l->sink->describe(l->arg, &a->lane.track, leader ? name : NULL, name, last);
}

static void begin_task(struct timeline *l, struct actor_lane *a)
{
    const struct life *life = &a->task.life;
    begin(l, &a->lane, SLICE_TASK, "task", life->name[0] != '\0' ? life->name : "init",
          (const struct timeline_arg[]){ { "life", ARG_COUNT, life->number, NULL },
                                         { "mm", ARG_COUNT, a->task.actor.mm, NULL },
                                         { 0 } });
}

static void birth(void *arg, struct task *t, struct task *parent)
{
    struct timeline *l = arg;
    struct actor_lane *a = lane_of(t), *leader = find_lane(l, t->life.tgid);
    uint32_t shown =
        a->seen || t->life.pid >= VCPUS_PID ? AGAIN_FROM + (uint32_t)t->life.number : t->life.pid;
    a->seen = true;
    memset(a->writes, 0, sizeof(a->writes));
    a->lane =
        (struct lane){ .track = { leader != NULL && leader != a ? leader->lane.track.pid : shown,
                                  shown } };
    describe(l, a, false);
    begin_task(l, a);
    own_space(l, t->actor.mm, t->life.pid);
    if (parent != NULL)
        arrow(l, &lane_of(parent)->lane, &a->lane, call_kind_names[t->life.born]);
}

static void named(void *arg, struct task *t)
{
    struct timeline *l = arg;
    struct actor_lane *a = lane_of(t);
    bool in_call = is_open(&a->lane, SLICE_CALL);
    describe(l, a, false);
    end(l, &a->lane, SLICE_TASK, NULL);
    begin_task(l, a);
    if (in_call) /* what remains of the exec belongs to the new program */
        begin(l, &a->lane, SLICE_CALL, "syscall", call_name(t->actor.call.nr), NULL);
    own_space(l, t->actor.mm, t->life.pid);
}

static void call_begins(void *arg, struct task *t)
{
    struct timeline *l = arg;
    const struct call *c = &t->actor.call;
    end(l, &lane_of(t)->lane, SLICE_CALL, NULL);
    begin(l, &lane_of(t)->lane, SLICE_CALL, "syscall", call_name(c->nr),
          (const struct timeline_arg[]){ { "call", ARG_COUNT, c->number, NULL },
                                         { c->implied ? NULL : "a0", ARG_HEX, c->arg[0], NULL },
                                         { "a1", ARG_HEX, c->arg[1], NULL },
                                         { "a2", ARG_HEX, c->arg[2], NULL },
                                         { 0 } });
}

static void call_ends(void *arg, struct task *t, const struct call *c, const int64_t *ret)
{
    struct timeline *l = arg;
    (void)c;
    end(l, &lane_of(t)->lane, SLICE_CALL,
        (const struct timeline_arg[]){
            { "entries", ARG_COUNT, t->cost.writes, NULL },
            { "tables", ARG_COUNT, t->cost.made, NULL },
            { ret != NULL ? "ret" : NULL, ARG_SIGNED, ret != NULL ? (uint64_t)*ret : 0, NULL },
            { 0 } });
}

static void wait_begins(void *arg, struct task *t)
{
    struct timeline *l = arg;
    const struct wait *w = &t->actor.wait;
    char name[64];
    size_t n = (size_t)snprintf(name, sizeof(name), "blocked: %s",
                                trace_value_name("block_reason", w->reason));
    if (w->on_pid != 0)
        snprintf(name + n, sizeof(name) - n, " (%s %u)",
                 w->reason == BLOCK_vfork || w->reason == BLOCK_wait ? "child" : "task", w->on_pid);
    end(l, &lane_of(t)->lane, SLICE_WAIT, NULL);
    begin(l, &lane_of(t)->lane, SLICE_WAIT, "blocked", name,
          (const struct timeline_arg[]){ { "on_pid", ARG_COUNT, w->on_pid, NULL }, { 0 } });
}

static void wait_ends(void *arg, struct task *t, struct actor *by)
{
    struct timeline *l = arg;
    const struct wait *w = &t->actor.wait;
    struct actor_lane *waker = by != NULL ? find_lane(l, by->head.pid) : NULL;
    bool vfork = w->reason == BLOCK_vfork;
    if (waker != NULL && waker != lane_of(t))
        arrow(l, &waker->lane, &lane_of(t)->lane, vfork ? "vfork-release" : "wake");
    end(l, &lane_of(t)->lane, SLICE_WAIT,
        (const struct timeline_arg[]){ { "by_pid", ARG_COUNT, by != NULL ? by->head.pid : 0, NULL },
                                       { vfork ? "released_by" : NULL, ARG_TEXT, 0,
                                         trace_value_name("release_cause", w->released) },
                                       { 0 } });
}

/* Blocked and stopped are waits. */
static void state(void *arg, struct task *t, unsigned next)
{
    struct timeline *l = arg;
    struct lane *lane = &lane_of(t)->lane;
    end(l, lane, SLICE_WAIT, NULL);
    if (next == TASK_runnable)
        begin(l, lane, SLICE_WAIT, "state", "runnable", NULL);
    else if (next == TASK_zombie)
        begin(l, lane, SLICE_WAIT, "state", "zombie", NULL);
}

static void death(void *arg, struct task *t)
{
    struct timeline *l = arg;
    end(l, &lane_of(t)->lane, SLICE_TASK, NULL);
    describe(l, lane_of(t), true);
}

/* --- events ------------------------------------------------------------------------------ */

static void on_switch(struct timeline *l, const struct trace_event *e)
{
    const struct trace_ev_switch *f = e->fields;
    struct lane *lane = cpu_lane(l, e->cpu);
    struct actor_lane *next = find_lane(l, f->next_pid);
    char name[LIFE_NAME + 16] = "idle";
    if (next != NULL)
        snprintf(name, sizeof(name), "%s [%u]", next->task.life.name, f->next_pid);
    end(l, lane, SLICE_TASK, NULL);
    begin(l, lane, SLICE_TASK, "cpu", name,
          (const struct timeline_arg[]){ { "pid", ARG_COUNT, f->next_pid, NULL },
                                         { "mm", ARG_COUNT, f->next_mm, NULL },
                                         { 0 } });
}

/* Before the child is forgotten: the arrow goes from its zombie to who reaped it. */
static void before_event(struct timeline *l, const struct trace_event *e)
{
    const struct trace_ev_reap *f = e->fields;
    if (e->id != TRACE_EV_reap)
        return;
    struct actor_lane *child = find_lane(l, f->child), *parent = find_lane(l, e->pid);
    if (child != NULL && parent != NULL)
        arrow(l, &child->lane, &parent->lane, "wait");
}

static void instant(struct timeline *l, const struct trace_event *e, const char *category,
                    const char *name, const struct timeline_arg *args)
{
    l->sink->instant(l->arg, l->ns, &lane_at(l, e)->track, category, name, args);
}

static void on_exec_args(struct timeline *l, const struct trace_event *e)
{
    const struct trace_ev_exec_args *f = e->fields;
    char path[sizeof(f->path) + 1] = "", args[sizeof(f->args) + 1] = "";
    memcpy(path, f->path, sizeof(f->path));
    memcpy(args, f->args, sizeof(f->args));
    instant(l, e, "exec", "exec",
            (const struct timeline_arg[]){
                { "path", ARG_TEXT, 0, path }, { "args", ARG_TEXT, 0, args }, { 0 } });
}

static void on_signal(struct timeline *l, const struct trace_event *e)
{
    const struct trace_ev_signal *f = e->fields;
    instant(l, e, "signal", "signal",
            (const struct timeline_arg[]){
                { "to", ARG_COUNT, f->to, NULL }, { "signo", ARG_COUNT, f->signo, NULL }, { 0 } });
}

static void on_fault(struct timeline *l, const struct trace_event *e)
{
    const struct trace_ev_page_fault *f = e->fields;
    instant(l, e, "fault", "page fault",
            (const struct timeline_arg[]){ { "va", ARG_HEX, f->va, NULL },
                                           { "rip", ARG_HEX, f->rip, NULL },
                                           { "error", ARG_HEX, f->error, NULL },
                                           { 0 } });
}

static void take_event(struct timeline *l, const struct trace_event *e)
{
    if (l->row.lane != NULL && !continues(&l->row, e))
        end_row(l);
    l->ns = export_ns(l->x, e->tsc);
    before_event(l, e);
    lives_event(&l->lives, e);
    if (l->row.lane != NULL && !is_open(l->row.lane, SLICE_ROW))
        l->row.lane = NULL; /* it ended with what it was in */
    int reason = event_reason(e);
    if (reason >= 0)
        on_entries(l, e, reason);
    switch (e->id) {
    case TRACE_EV_switch: on_switch(l, e); break;
    case TRACE_EV_exec_args: on_exec_args(l, e); break;
    case TRACE_EV_signal: on_signal(l, e); break;
    case TRACE_EV_page_fault: on_fault(l, e); break;
    case TRACE_EV_mm_free: idmap_remove(l->spaces, e->mm); break;
    case TRACE_EV_boot_stage:
        instant(
            l, e, "boot",
            trace_value_name("boot_stage", ((const struct trace_ev_boot_stage *)e->fields)->stage),
            NULL);
        break;
    }
}

static void end_cpu(void *arg, void *record)
{
    struct timeline *l = arg;
    struct cpu_lane *c = record;
    end(l, &c->lane, SLICE_TASK, NULL);
}

void timeline_run(struct export *x, const struct timeline_sink *sink, void *arg)
{
    static const struct lives_listener listener = {
        birth, named, call_begins, call_ends, wait_begins, wait_ends, state, death,
    };
    struct timeline l = { .x = x,
                          .sink = sink,
                          .arg = arg,
                          .cpus = need(idmap_new(sizeof(struct cpu_lane))),
                          .spaces = need(idmap_new(sizeof(struct space))) };
    const struct trace_event *e;
    lives_init(&l.lives, sizeof(struct actor_lane), &listener, &l);
    while ((e = export_next(x)) != NULL)
        take_event(&l, e);
    end_row(&l);
    uint64_t stop = trace_meta(x->trace)->stop_tsc;
    if (stop > l.lives.follow.last_tsc)
        l.ns = export_ns(x, stop);
    lives_end(&l.lives, stop);
    idmap_each(l.cpus, end_cpu, &l);
    idmap_free(l.cpus);
    idmap_free(l.spaces);
    lives_free(&l.lives);
}
