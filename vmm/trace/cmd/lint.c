/* lint.c - vmm-trace lint: the verdicts, and the first findings of each check. */
#include <inttypes.h>
#include <stdio.h>

#include "vmm/trace/cmd/commands.h"
#include "vmm/trace/cmd/common.h"
#include "vmm/trace/cmd/verdicts.h"
#include "vmm/trace/lib/format.h"
#include "vmm/trace/lint/lint.h"

struct lint_options {
    const char *dir;
    bool json;
};

static const char *const verdict_names[] = {
    [LINT_PASS] = "pass",
    [LINT_FAIL] = "FAIL",
    [LINT_INCONCLUSIVE] = "inconclusive",
};

static void print_finding(const struct lint_finding *f, const struct trace_meta *m, uint64_t start)
{
    char time[24];
    printf("      ");
    if (f->tsc != 0)
        printf("event %" PRIu64 ", %s, cpu%u pid %u mm %u: ", f->event,
               format_seconds(time, trace_ns(m, f->tsc - start)), f->cpu, f->pid, f->mm);
    printf("%s%s\n", f->text,
           f->after_gap && f->check != LINT_T2 ? " (something is missing from the "
                                                 "trace by then)"
                                               : "");
}

static void print_text(const struct lint_result *r, const struct trace_meta *m, uint64_t start)
{
    for (unsigned c = 0; c < LINT_COUNT; c++) {
        enum lint_verdict v = lint_verdict(r, c);
        printf("%-4s %-13s %s\n", lint_names[c], verdict_names[v], lint_texts[c]);
        if (r->check[c].note[0] != '\0')
            printf("      (%s)\n", r->check[c].note);
        for (unsigned i = 0; i < r->check[c].kept; i++)
            print_finding(&r->check[c].finding[i], m, start);
        uint64_t n = r->check[c].failed + r->check[c].unknown;
        if (n > r->check[c].kept)
            printf("      and %" PRIu64 " more\n", n - r->check[c].kept);
    }
}

static void json_finding(struct json *j, const struct lint_finding *f, const struct trace_meta *m,
                         uint64_t start)
{
    json_row(j);
    json_count(j, "event", f->event);
    json_count(j, "ns", f->tsc != 0 ? trace_ns(m, f->tsc - start) : 0);
    json_count(j, "cpu", f->cpu);
    json_count(j, "pid", f->pid);
    json_count(j, "mm", f->mm);
    json_text(j, "text", f->text);
    json_object_end(j);
}

void lint_json(struct json *j, const struct lint_result *r, const struct trace_meta *m)
{
    json_count(j, "events", r->events);
    json_bool(j, "complete", !r->has_gap);
    json_array(j, "checks");
    for (unsigned c = 0; c < LINT_COUNT; c++) {
        enum lint_verdict v = lint_verdict(r, c);
        json_row(j);
        json_text(j, "check", lint_names[c]);
        json_text(j, "holds", lint_texts[c]);
        if (r->check[c].note[0] != '\0')
            json_text(j, "note", r->check[c].note);
        json_text(j, "verdict", v == LINT_FAIL ? "fail" : verdict_names[v]);
        json_count(j, "failures", r->check[c].failed);
        json_count(j, "unknown", r->check[c].unknown);
        json_array(j, "first");
        for (unsigned i = 0; i < r->check[c].kept; i++)
            json_finding(j, &r->check[c].finding[i], m, r->first_tsc);
        json_array_end(j);
        json_object_end(j);
    }
    json_array_end(j);
}

static error_t parse_one(int key, char *arg, struct argp_state *state)
{
    struct lint_options *o = state->input;
    if (key == 'j') {
        o->json = true;
        return 0;
    }
    if (key == ARGP_KEY_ARG || key == ARGP_KEY_NO_ARGS) {
        struct argp_state inner = *state;
        inner.input = &o->dir;
        return parse_directory(key, arg, &inner);
    }
    return ARGP_ERR_UNKNOWN;
}

int command_lint(int argc, char **argv)
{
    static const struct argp_option option[] = {
        { "json", 'j', NULL, 0, "verdicts and findings as JSON", 0 },
        { 0 },
    };
    static const struct argp argp = {
        .options = option,
        .parser = parse_one,
        .args_doc = "DIR",
        .doc = "Checks the rules of docs/trace.md at every event.  Status 1: a check failed; what "
               "is inconclusive, because a part of the trace is missing, did not fail.",
    };
    static struct lint_result r;
    struct lint_options o = { 0 };
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    struct trace *t = open_trace(o.dir);
    if (t == NULL)
        return STATUS_TROUBLE;
    if (lint_run(t, &r) != 0)
        out_of_memory();
    if (o.json) {
        struct json j;
        json_begin(&j, stdout);
        lint_json(&j, &r, trace_meta(t));
        json_end(&j);
    } else {
        print_text(&r, trace_meta(t), r.first_tsc);
    }
    int status = STATUS_OK;
    for (unsigned c = 0; c < LINT_COUNT; c++)
        if (lint_verdict(&r, c) == LINT_FAIL)
            status = STATUS_FOUND;
    trace_close(t);
    return status;
}
