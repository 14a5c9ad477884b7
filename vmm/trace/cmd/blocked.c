/* blocked.c - vmm-trace blocked: who waited, why, on whom, and what ended it.
 *
 * A wait is shown when it ends, with the call in which its waker was at that moment;
 * those that never end come last, up to when the machine stopped.  What is
 * remembered is bounded by the tasks that live. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/trace/cmd/commands.h"
#include "vmm/trace/cmd/common.h"
#include "vmm/trace/cmd/moment.h"
#include "vmm/trace/cmd/waits.h"
#include "vmm/trace/lib/follow.h"
#include "vmm/trace/lib/format.h"
#include "vmm/trace/lib/json.h"

struct options {
    const char *dir;
    bool by_pid, json;
    uint32_t pid;
    int reason; /* -1: all */
};

struct waiter {
    struct actor actor;
    char *on; /* whom it waits for, as the wait began */
};

struct view {
    const struct options *o;
    struct trace *trace;
    struct follow follow;
    struct json json;
    uint64_t shown, stop;
    bool heading;
};

struct ending {
    const struct actor *by; /* NULL: still blocked */
    uint64_t tsc, event;
};

/* --- a wait ------------------------------------------------------------------------------ */

static void print_text(struct view *v, const struct waiter *w, const struct ending *e)
{
    char since[MOMENT_BYTES], lasted[24], who[WHO_BYTES];
    const struct wait *x = &w->actor.wait;
    if (!v->heading)
        printf("%14s %10s  %-18s %-12s %-10s %-24s %s\n", "since", "for", "who", "in call",
               "blocked for", "on", "ended by");
    v->heading = true;
    printf("%14s %10s  %-18s ", moment_text(since, v->trace, v->follow.first_tsc, x->tsc),
           format_ns(lasted, trace_ns(trace_meta(v->trace), e->tsc - x->tsc)),
           who_text(who, &w->actor));
    char call[40] = "-";
    if (x->call != 0)
        snprintf(call, sizeof(call), "%" PRIu64 " %s", x->call, call_name(x->nr));
    printf("%-12s %-11s %-24s ", call, trace_value_name("block_reason", x->reason),
           w->on != NULL && w->on[0] != '\0' ? w->on : "-");
    wait_end_text(stdout, x, e->by, v->stop != 0);
    putchar('\n');
}

static void json_children(struct json *j, const struct actor *parent)
{
    json_array(j, "children");
    for (const struct actor *c = parent->children; c != NULL; c = c->next)
        json_count(j, NULL, c->head.pid);
    json_array_end(j);
}

static void json_ending(struct view *v, const struct wait *x, const struct ending *e)
{
    struct json *j = &v->json;
    json_bool(j, "ended", e->by != NULL);
    if (e->by == NULL)
        return;
    json_count(j, "end_event", e->event);
    json_count(j, "by_pid", e->by->head.pid);
    json_text(j, "by_comm", e->by->head.comm);
    if (wait_end_call(x, e->by) != 0) {
        json_count(j, "by_call", e->by->call.number);
        json_text(j, "by_call_name", call_name(e->by->call.nr));
    }
    if (wait_end_signal(x, e->by) != 0)
        json_count(j, "signal", x->signo);
    if (x->reason == BLOCK_vfork)
        json_text(j, "release", trace_value_name("release_cause", x->released));
}

static void print_json(struct view *v, const struct waiter *w, const struct ending *e)
{
    struct json *j = &v->json;
    const struct wait *x = &w->actor.wait;
    const struct trace_meta *m = trace_meta(v->trace);
    json_row(j);
    json_count(j, "since_ns", trace_ns(m, x->tsc - v->follow.first_tsc));
    json_count(j, "event", x->event);
    json_count(j, "for_ns", trace_ns(m, e->tsc - x->tsc));
    json_count(j, "pid", w->actor.head.pid);
    json_text(j, "comm", w->actor.head.comm);
    json_text(j, "reason", trace_value_name("block_reason", x->reason));
    if (x->call != 0) {
        json_count(j, "call", x->call);
        json_text(j, "call_name", call_name(x->nr));
    }
    if (x->on_pid != 0)
        json_count(j, "on_pid", x->on_pid);
    else if (x->reason == BLOCK_wait && e->by == NULL)
        json_children(j, follow_actor(&v->follow, w->actor.tgid));
    if (w->on != NULL && w->on[0] != '\0')
        json_text(j, "on", w->on);
    json_ending(v, x, e);
    json_object_end(j);
}

static void show(struct view *v, const struct waiter *w, const struct ending *e)
{
    const struct wait *x = &w->actor.wait;
    if ((v->o->by_pid && w->actor.head.pid != v->o->pid) ||
        (v->o->reason >= 0 && x->reason != v->o->reason))
        return;
    (v->o->json ? print_json : print_text)(v, w, e);
    v->shown++;
}

/* --- the command ------------------------------------------------------------------------- */

static void take_event(struct view *v, const struct trace_event *e)
{
    const struct trace_ev_task_state *f = e->fields;
    if (e->id != TRACE_EV_task_state) {
        follow_event(&v->follow, e);
        return;
    }
    struct waiter *w = (struct waiter *)follow_actor(&v->follow, f->task);
    bool waited = w->actor.wait.under_way && !is_waiting(f->next);
    follow_event(&v->follow, e);
    if (waited)
        show(v, w,
             &(struct ending){ .by = follow_actor(&v->follow, f->by_pid),
                               .tsc = e->tsc,
                               .event = v->follow.event });
    if (is_waiting(f->next)) {
        free(w->on);
        w->on = wait_whom(&v->follow, &w->actor);
    }
}

static void at_end(void *arg, void *record)
{
    struct view *v = arg;
    struct waiter *w = record;
    if (w->actor.wait.under_way)
        show(v, w, &(struct ending){ .tsc = v->stop != 0 ? v->stop : v->follow.last_tsc });
}

static void forget(void *arg, void *record)
{
    (void)arg;
    free(((struct waiter *)record)->on);
}

static int run(struct options *o)
{
    const struct trace_event *e;
    struct view v = { .o = o, .trace = open_trace(o->dir) };
    if (v.trace == NULL)
        return STATUS_TROUBLE;
    follow_init(&v.follow, sizeof(struct waiter));
    if (o->json) {
        json_begin(&v.json, stdout);
        json_array(&v.json, "waits");
    }
    while ((e = trace_next(v.trace)) != NULL)
        take_event(&v, e);
    v.stop = trace_meta(v.trace)->stop_tsc;
    if (v.stop < v.follow.last_tsc)
        v.stop = 0;
    idmap_each(v.follow.actors, at_end, &v);
    if (o->json) {
        json_array_end(&v.json);
        json_count(&v.json, "events", v.follow.event);
        json_bool(&v.json, "stopped", v.stop != 0);
        json_end(&v.json);
    } else if (v.shown == 0) {
        puts("no such wait");
    }
    idmap_each(v.follow.actors, forget, NULL);
    follow_free(&v.follow);
    return close_trace(v.trace);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'j': o->json = true; return 0;
    case 'r':
        o->reason = trace_value_named("block_reason", arg);
        if (o->reason < 0)
            argp_error(state, "nobody blocks for '%s'", arg);
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 1)
            argp_error(state, "DIR, and a PID at most");
        if (state->arg_num == 0) {
            o->dir = arg;
        } else {
            o->by_pid = true;
            o->pid = (uint32_t)number_option(state, arg, UINT32_MAX);
        }
        return 0;
    case ARGP_KEY_NO_ARGS: argp_error(state, "which DIR?"); return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

int command_blocked(int argc, char **argv)
{
    static const struct argp_option option[] = {
        { "reason", 'r', "R", 0, "Only waits of this kind: vfork, wait, pipe_read, ...", 0 },
        { "json", 'j', NULL, 0, "As JSON", 0 },
        { 0 },
    };
    static const struct argp argp = {
        .options = option,
        .parser = parse,
        .args_doc = "DIR [PID]",
        .doc = "Shows every wait, of one task or of all: since when, for how long, in which call, "
               "why, on whom, and what ended it.  A parent that waits for any child could wait for "
               "the children named.  Those still blocked come last.",
    };
    struct options o = { .reason = -1 };
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    return run(&o);
}
