/* call.c - vmm-trace call: what one call did to the page tables, entry by entry.
 *
 * Neighbours that were written one after the other for the same reason are one row. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/trace/cmd/commands.h"
#include "vmm/trace/cmd/common.h"
#include "vmm/trace/cmd/entries.h"
#include "vmm/trace/cmd/moment.h"
#include "vmm/trace/lib/follow.h"
#include "vmm/trace/lib/format.h"
#include "vmm/trace/lib/json.h"
#include "vmm/trace/lib/syscalls.h"

#define ROWS_SHOWN 24

struct options {
    const char *dir;
    uint64_t number;
    bool json, all;
};

struct story {
    struct call call;
    struct actor *who;
    bool found, over, returned;
    int64_t ret;
    uint64_t end_tsc, end_event;
    uint64_t blocked; /* ticks */
    struct entry_sums sums;
    struct runs runs;
};

/* Does the event belong to the call?  A task is woken by another one. */
static void take_event(struct story *s, struct follow *f, const struct trace_event *e,
                       uint64_t number)
{
    struct actor *a = f->actor;
    if (s->found && e->id == TRACE_EV_task_state) {
        const struct trace_ev_task_state *t = e->fields;
        if (t->task == s->call.pid && t->prev == TASK_blocked && s->who->call.number == number)
            s->blocked += e->tsc - s->who->wait.tsc;
    }
    if (a->call.number != number) {
        s->over |= s->found && (s->who == a || s->who->reaped);
        return;
    }
    if (!s->found) {
        s->call = a->call;
        s->who = a;
        s->found = true;
    }
    s->end_tsc = e->tsc;
    s->end_event = f->event;
    sums_event(&s->sums, e);
    runs_event(&s->runs, f, e);
    if (f->leaving == a) {
        s->over = s->returned = true;
        s->ret = ((const struct trace_ev_syscall_exit *)e->fields)->ret;
    }
}

static void not_over(struct story *s, uint64_t tsc)
{
    s->end_tsc = tsc;
    if (s->who->wait.under_way)
        s->blocked += tsc - s->who->wait.tsc;
}

/* --- text -------------------------------------------------------------------------------- */

static void print_arguments(const struct call *c)
{
    printf("call %" PRIu64 ": %s", c->number, call_name(c->nr));
    if (c->implied) {
        fputs(" (inferred: that call was not recorded)", stdout);
        return;
    }
    putchar('(');
    for (unsigned i = 0; i < 3 && i < syscall_args(c->nr); i++) {
        if (i > 0)
            fputs(", ", stdout);
        syscall_format_arg(stdout, c->nr, i, c->arg[i]);
    }
    fputs(syscall_args(c->nr) > 3 ? ", ...)" : ")", stdout);
}

static void print_text(const struct story *s, const struct options *o, const struct trace *t,
                       uint64_t first_tsc)
{
    char who[WHO_BYTES], since[MOMENT_BYTES], span[24];
    const struct trace_meta *m = trace_meta(t);
    print_arguments(&s->call);
    if (s->returned)
        printf(" = %" PRId64, s->ret);
    printf("\nby      %s, address space %u\n", who_text(who, s->who), s->call.mm);
    printf("from    %s, event %" PRIu64 "\n", moment_text(since, t, first_tsc, s->call.tsc),
           s->call.event);
    printf("to      %s, event %" PRIu64 ": %s", moment_text(since, t, first_tsc, s->end_tsc),
           s->end_event, format_ns(span, trace_ns(m, s->end_tsc - s->call.tsc)));
    if (s->blocked > 0)
        printf(", of which blocked %s", format_ns(span, trace_ns(m, s->blocked)));
    puts(s->over ? "" : ": it had not ended");
    sums_print(&s->sums);
    runs_print(&s->runs, o->all ? SIZE_MAX : ROWS_SHOWN);
}

static void print_json(const struct story *s, const struct trace *t, uint64_t first_tsc)
{
    struct json j;
    const struct trace_meta *m = trace_meta(t);
    json_begin(&j, stdout);
    json_count(&j, "call", s->call.number);
    json_text(&j, "name", call_name(s->call.nr));
    json_bool(&j, "inferred", s->call.implied);
    json_count(&j, "pid", s->call.pid);
    json_text(&j, "comm", s->who->head.comm);
    json_count(&j, "mm", s->call.mm);
    json_array(&j, "arguments");
    for (unsigned i = 0; i < 3 && !s->call.implied && i < syscall_args(s->call.nr); i++)
        json_hex(&j, NULL, s->call.arg[i]);
    json_array_end(&j);
    json_count(&j, "from_event", s->call.event);
    json_count(&j, "to_event", s->end_event);
    json_count(&j, "from_ns", trace_ns(m, s->call.tsc - first_tsc));
    json_count(&j, "ns", trace_ns(m, s->end_tsc - s->call.tsc));
    json_count(&j, "blocked_ns", trace_ns(m, s->blocked));
    json_bool(&j, "ended", s->over);
    if (s->returned)
        json_signed(&j, "returned", s->ret);
    sums_json(&s->sums, &j);
    runs_json(&s->runs, &j);
    json_end(&j);
}

/* --- the command ------------------------------------------------------------------------- */

static int run(const struct options *o)
{
    const struct trace_event *e;
    struct follow f;
    struct story s = { .found = false };
    struct trace *t = open_trace(o->dir);
    if (t == NULL)
        return STATUS_TROUBLE;
    follow_init(&f, sizeof(struct actor));
    while (!s.over && (e = trace_next(t)) != NULL) {
        follow_event(&f, e);
        take_event(&s, &f, e, o->number);
    }
    s.over |= s.found && s.who->ended; /* what it did last was the end of its exit */
    if (s.found && !s.over)
        not_over(&s, trace_meta(t)->stop_tsc > f.last_tsc ? trace_meta(t)->stop_tsc : f.last_tsc);
    int status = STATUS_OK;
    if (!s.found) {
        fprintf(stderr, "vmm-trace: %s: no call %" PRIu64 "; the last one is %" PRIu64 "\n", o->dir,
                o->number, f.calls);
        status = STATUS_TROUBLE;
    } else if (o->json) {
        print_json(&s, t, f.first_tsc);
    } else {
        print_text(&s, o, t, f.first_tsc);
    }
    runs_free(&s.runs);
    follow_free(&f);
    int closed = close_trace(t);
    return status != STATUS_OK ? status : closed;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'j': o->json = true; return 0;
    case 'a': o->all = true; return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num == 0)
            o->dir = arg;
        else if (state->arg_num == 1)
            o->number = number_option(state, arg, UINT64_MAX);
        else
            argp_error(state, "DIR and N, please");
        return 0;
    case ARGP_KEY_END:
        if (state->arg_num < 2)
            argp_error(state, "DIR and N, please");
        if (o->number == 0)
            argp_error(state, "calls count from 1");
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

int command_call(int argc, char **argv)
{
    static const struct argp_option option[] = {
        { "all", 'a', NULL, 0, "All rows, not only the first ones", 0 },
        { "json", 'j', NULL, 0, "As JSON", 0 },
        { 0 },
    };
    static const struct argp argp = {
        .options = option,
        .parser = parse,
        .args_doc = "DIR N",
        .doc =
            "Shows call N: who made it, how long it took, and which page-table entries it wrote, "
            "why.  `blocked`, `who-wrote` and `print` tell the numbers of calls.",
    };
    struct options o = { 0 };
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    return run(&o);
}
