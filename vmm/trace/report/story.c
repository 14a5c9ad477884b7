/* story.c - see story.h. */
#include "vmm/trace/report/story.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/trace/cmd/entries.h"
#include "vmm/trace/cmd/waits.h"
#include "vmm/trace/lib/calls.h"
#include "vmm/trace/lib/status.h"

/* Bits of a call's column `flags`. */
enum { CALL_INFERRED = 1, CALL_RETURNED = 2, CALL_OVER = 4 };

struct subject {
    struct actor actor;
    char *on;       /* whom it waits for */
    char named[17]; /* as last told */
    uint32_t owned; /* as last told */
    /* The call under way. */
    struct call call;
    struct entry_sums sums;
    uint64_t blocked; /* ns */
    enum call_kind kind;
    bool own_stack;
    uint32_t child;
    uint64_t to, to_event;
    /* Its life. */
    bool seen;
    uint32_t parent;
    enum call_kind made_by;
    uint64_t made_call, born, born_event, ended, reaped;
    int32_t status;
};

static struct subject *subject_of(struct story *s, uint32_t pid)
{
    return (struct subject *)follow_actor(&s->follow, pid);
}

static uint64_t ns_at(const struct story *s, uint64_t tsc)
{
    return trace_ns(trace_meta(s->trace), tsc - s->follow.first_tsc);
}

void story_init(struct story *s, FILE *out, unsigned trace, struct trace *t)
{
    memset(s, 0, sizeof(*s));
    s->trace = t;
    follow_init(&s->follow, sizeof(struct subject));
    pack_init(&s->names, out, trace, "names", "event:u pid:u name:s");
    pack_init(&s->owners, out, trace, "owners", "event:u pid:u mm:u");
    pack_init(&s->runs, out, trace, "runs", "cpu:u pid:u from:t to:t");
    pack_init(&s->waits, out, trace, "waits",
              "pid:u reason:u on_pid:u event:u end_event:u from:t to:t call:u by_pid:u by_call:u "
              "release:u on:s ended_by:s");
    pack_init(&s->calls, out, trace, "calls",
              "number:u pid:u mm:u nr:u kind:u flags:u child:u event:u end_event:u from:t to:t "
              "ret:w blocked:t writes:u made:u freed:u faults:u flushes:u");
    pack_init(&s->tasks, out, trace, "tasks",
              "pid:u tgid:u parent:u made_by:u made_call:u born_event:u born:t ended:t reaped:t "
              "status:u");
}

/* --- names and address spaces ------------------------------------------------------------ */

static void tell_name(struct story *s, uint32_t pid)
{
    struct subject *x = subject_of(s, pid);
    if (!x->seen) {
        x->seen = true;
        x->born = s->now;
        x->born_event = s->follow.event;
    }
    if (strcmp(x->named, x->actor.head.comm) == 0)
        return;
    memcpy(x->named, x->actor.head.comm, sizeof(x->named));
    pack_u(&s->names, 0, (uint32_t)s->follow.event);
    pack_u(&s->names, 1, pid);
    pack_s(&s->names, 2, x->named, sizeof(x->named));
    pack_row(&s->names);
}

static void tell_owner(struct story *s, uint32_t pid)
{
    struct subject *x = subject_of(s, pid);
    if (x->owned == x->actor.mm)
        return;
    x->owned = x->actor.mm;
    pack_u(&s->owners, 0, (uint32_t)s->follow.event);
    pack_u(&s->owners, 1, pid);
    pack_u(&s->owners, 2, x->owned);
    pack_row(&s->owners);
}

/* --- CPUs -------------------------------------------------------------------------------- */

static void end_run(struct story *s, uint32_t cpu)
{
    struct story_run *r = &s->run[cpu];
    if (r->pid == 0)
        return;
    pack_u(&s->runs, 0, cpu);
    pack_u(&s->runs, 1, r->pid);
    pack_t(&s->runs, 2, r->ns);
    pack_t(&s->runs, 3, s->now);
    pack_row(&s->runs);
}

static void on_switch(struct story *s, const struct trace_event *e)
{
    const struct trace_ev_switch *f = e->fields;
    if (e->cpu < STORY_CPUS) {
        end_run(s, e->cpu);
        s->run[e->cpu] = (struct story_run){ f->next_pid, s->now };
    }
    if (f->next_pid != 0) {
        tell_name(s, f->next_pid);
        tell_owner(s, f->next_pid);
    }
}

/* --- waits ------------------------------------------------------------------------------- */

static void put_wait(struct story *s, const struct subject *x, const struct wait *w,
                     const struct actor *by)
{
    struct pack *p = &s->waits;
    char *text;
    size_t size;
    FILE *out = need(open_memstream(&text, &size));
    wait_end_text(out, w, by, trace_meta(s->trace)->stop_tsc != 0);
    if (fclose(out) != 0)
        out_of_memory();
    pack_u(p, 0, x->actor.head.pid);
    pack_u(p, 1, w->reason);
    pack_u(p, 2, w->on_pid);
    pack_u(p, 3, (uint32_t)w->event);
    pack_u(p, 4, by != NULL ? (uint32_t)s->follow.event : 0);
    pack_t(p, 5, ns_at(s, w->tsc));
    pack_t(p, 6, s->now);
    pack_u(p, 7, (uint32_t)w->call);
    pack_u(p, 8, by != NULL ? by->head.pid : 0);
    pack_u(p, 9, by != NULL ? (uint32_t)wait_end_call(w, by) : 0);
    pack_u(p, 10, w->released);
    pack_s(p, 11, x->on != NULL ? x->on : "", SIZE_MAX);
    pack_s(p, 12, text, SIZE_MAX);
    pack_row(p);
    free(text);
}

/* Before follow_event(): `was` is the wait that this event ends, if it ends one. */
static void on_state(struct story *s, const struct trace_event *e, const struct wait *was)
{
    const struct trace_ev_task_state *f = e->fields;
    struct subject *x = subject_of(s, f->task);
    tell_name(s, f->task);
    if (was->under_way && !is_waiting(f->next)) {
        put_wait(s, x, was, follow_actor(&s->follow, f->by_pid));
        x->blocked += s->now - ns_at(s, was->tsc);
    }
    if (is_waiting(f->next)) {
        free(x->on);
        x->on = wait_whom(&s->follow, &x->actor);
    }
    if (f->next == TASK_zombie && x->ended == 0)
        x->ended = s->now;
    if (f->next == TASK_dead)
        x->reaped = s->now;
}

/* --- calls ------------------------------------------------------------------------------- */

static void put_call(struct story *s, struct subject *x, unsigned flags, int64_t ret)
{
    struct pack *p = &s->calls;
    uint64_t writes = 0;
    for (unsigned r = 0; r <= PT_REASON_MAX; r++)
        writes += x->sums.writes[r];
    pack_u(p, 0, (uint32_t)x->call.number);
    pack_u(p, 1, x->call.pid);
    pack_u(p, 2, x->call.mm);
    pack_u(p, 3, x->call.nr);
    pack_u(p, 4, x->kind);
    pack_u(p, 5, flags | (x->call.implied ? CALL_INFERRED : 0));
    pack_u(p, 6, x->child);
    pack_u(p, 7, (uint32_t)x->call.event);
    pack_u(p, 8, (uint32_t)x->to_event);
    pack_t(p, 9, ns_at(s, x->call.tsc));
    pack_t(p, 10, x->to);
    pack_w(p, 11, (uint64_t)ret);
    pack_t(p, 12, x->blocked);
    pack_u(p, 13, (uint32_t)writes);
    pack_u(p, 14, (uint32_t)x->sums.allocated);
    pack_u(p, 15, (uint32_t)x->sums.freed);
    pack_u(p, 16, (uint32_t)x->sums.faults);
    pack_u(p, 17, (uint32_t)x->sums.flushes);
    pack_row(p);
    x->call.number = 0;
}

static void begin_call(struct story *s, struct subject *x, const struct trace_event *e)
{
    bool own_stack = e->id == TRACE_EV_syscall_enter && call_gives_stack(e);
    x->call = x->actor.call;
    x->own_stack = own_stack;
    x->kind = entry_kind(x->call.nr, x->call.arg[0], own_stack);
    memset(&x->sums, 0, sizeof(x->sums));
    x->blocked = 0;
    x->child = 0;
    if (x->call.nr < sizeof(s->used_call))
        s->used_call[x->call.nr] = true;
}

static void follow_call(struct story *s, const struct trace_event *e)
{
    struct subject *x = (struct subject *)s->follow.actor;
    if (x->call.number != 0 && x->call.number != x->actor.call.number)
        put_call(s, x, CALL_OVER, 0);
    if (x->actor.call.number == 0)
        return;
    if (x->call.number == 0)
        begin_call(s, x, e);
    sums_event(&x->sums, e);
    x->to = s->now;
    x->to_event = s->follow.event;
    if (s->follow.leaving == &x->actor)
        put_call(s, x, CALL_OVER | CALL_RETURNED,
                 ((const struct trace_ev_syscall_exit *)e->fields)->ret);
}

/* --- lives ------------------------------------------------------------------------------- */

static void on_clone(struct story *s, const struct trace_event *e)
{
    const struct trace_ev_clone *f = e->fields;
    struct subject *x = (struct subject *)s->follow.actor, *child = subject_of(s, f->child);
    x->kind = clone_kind(f->flags, x->own_stack);
    x->child = f->child;
    child->seen = true;
    child->parent = f->flags & CLONE_PARENT && child->actor.parent != NULL
                        ? child->actor.parent->head.pid
                        : e->pid;
    child->made_by = x->kind;
    child->made_call = x->call.number;
    child->born = s->now;
    child->born_event = s->follow.event;
    child->ended = child->reaped = 0;
    tell_name(s, f->child);
    tell_owner(s, f->child);
}

/* After the exec by which a thread took its leader's number: its call goes on there. */
static void takes_over(struct story *s, struct subject *x, struct subject *thread)
{
    if (x->call.number != 0)
        put_call(s, x, CALL_OVER, 0);
    x->call = thread->call;
    x->sums = thread->sums;
    x->blocked = thread->blocked;
    x->kind = thread->kind;
    x->own_stack = thread->own_stack;
    x->child = thread->child;
    x->ended = 0;
    thread->call.number = 0;
    thread->ended = thread->reaped = s->now;
}

/* --- events ------------------------------------------------------------------------------ */

void story_event(struct story *s, const struct trace_event *e)
{
    struct wait was = { .under_way = false };
    struct subject *thread = NULL;
    if (e->id == TRACE_EV_exec)
        thread = (struct subject *)follow_exec_of(&s->follow, e);
    if (e->id == TRACE_EV_task_state)
        was = subject_of(s, ((const struct trace_ev_task_state *)e->fields)->task)->actor.wait;
    follow_event(&s->follow, e);
    s->now = ns_at(s, e->tsc);
    if (thread != NULL)
        takes_over(s, (struct subject *)s->follow.actor, thread);
    follow_call(s, e);
    switch (e->id) {
    case TRACE_EV_task_state: on_state(s, e, &was); break;
    case TRACE_EV_switch: on_switch(s, e); break;
    case TRACE_EV_clone: on_clone(s, e); break;
    case TRACE_EV_exec: tell_owner(s, e->pid); break;
    case TRACE_EV_exit: /* it comes from the last thread of the process */
        subject_of(s, ((const struct trace_ev_exit *)e->fields)->tgid)->status =
            ((const struct trace_ev_exit *)e->fields)->status;
        break;
    }
    if (e->id == TRACE_EV_exec || e->id == TRACE_EV_exec_args)
        tell_name(s, e->pid);
}

static void end_subject(void *arg, void *record)
{
    struct story *s = arg;
    struct subject *x = record;
    struct pack *p = &s->tasks;
    if (x->call.number != 0)
        put_call(s, x, x->actor.ended ? CALL_OVER : 0, 0);
    if (x->actor.wait.under_way)
        put_wait(s, x, &x->actor.wait, NULL);
    if (!x->seen || x->actor.head.pid == 0)
        return;
    pack_u(p, 0, x->actor.head.pid);
    pack_u(p, 1, x->actor.tgid);
    pack_u(p, 2, x->parent);
    pack_u(p, 3, x->made_call != 0 ? x->made_by : CALL_KINDS);
    pack_u(p, 4, (uint32_t)x->made_call);
    pack_u(p, 5, (uint32_t)x->born_event);
    pack_t(p, 6, x->born);
    pack_t(p, 7, x->ended);
    pack_t(p, 8, x->reaped);
    pack_u(p, 9, (uint32_t)x->status);
    pack_row(p);
}

static void forget(void *arg, void *record)
{
    (void)arg;
    free(((struct subject *)record)->on);
}

void story_end(struct story *s)
{
    uint64_t stop = trace_meta(s->trace)->stop_tsc;
    if (stop > s->follow.last_tsc)
        s->now = ns_at(s, stop);
    for (unsigned cpu = 0; cpu < STORY_CPUS; cpu++)
        end_run(s, cpu);
    idmap_each(s->follow.actors, end_subject, s);
    struct pack *const all[] = { &s->names, &s->owners, &s->runs, &s->waits, &s->calls, &s->tasks };
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        pack_flush(all[i]);
        pack_free(all[i]);
    }
}

void story_free(struct story *s)
{
    idmap_each(s->follow.actors, forget, NULL);
    follow_free(&s->follow);
}
