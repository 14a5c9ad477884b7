/* lint.c - vmm-trace lint: the verdicts, and the first findings of each check. */
#include <inttypes.h>
#include <stdio.h>

#include "vmm/trace/cmd/commands.h"
#include "vmm/trace/cmd/common.h"
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

static void print_string(const char *s)
{
    putchar('"');
    for (; *s != '\0'; s++) {
        if (*s == '"' || *s == '\\')
            putchar('\\');
        putchar(*s >= ' ' && *s <= '~' ? *s : '?');
    }
    putchar('"');
}

static void print_json(const struct lint_result *r, const struct trace_meta *m, uint64_t start)
{
    printf("{\"events\":%" PRIu64 ",\"complete\":%s,\"checks\":[", r->events,
           r->has_gap ? "false" : "true");
    for (unsigned c = 0; c < LINT_COUNT; c++) {
        printf("%s\n{\"check\":\"%s\",\"holds\":", c > 0 ? "," : "", lint_names[c]);
        print_string(lint_texts[c]);
        if (r->check[c].note[0] != '\0') {
            printf(",\"note\":");
            print_string(r->check[c].note);
        }
        printf(",\"verdict\":\"%s\",\"failures\":%" PRIu64 ",\"unknown\":%" PRIu64 ",\"first\":[",
               lint_verdict(r, c) == LINT_FAIL ? "fail" : verdict_names[lint_verdict(r, c)],
               r->check[c].failed, r->check[c].unknown);
        for (unsigned i = 0; i < r->check[c].kept; i++) {
            const struct lint_finding *f = &r->check[c].finding[i];
            printf("%s{\"event\":%" PRIu64 ",\"ns\":%" PRIu64 ",\"cpu\":%u,\"pid\":%u,\"mm\":%u,"
                   "\"text\":",
                   i > 0 ? "," : "", f->event, f->tsc != 0 ? trace_ns(m, f->tsc - start) : 0,
                   f->cpu, f->pid, f->mm);
            print_string(f->text);
            putchar('}');
        }
        fputs("]}", stdout);
    }
    fputs("\n]}\n", stdout);
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
    if (o.json)
        print_json(&r, trace_meta(t), r.first_tsc);
    else
        print_text(&r, trace_meta(t), r.first_tsc);
    int status = STATUS_OK;
    for (unsigned c = 0; c < LINT_COUNT; c++)
        if (lint_verdict(&r, c) == LINT_FAIL)
            status = STATUS_FOUND;
    trace_close(t);
    return status;
}
