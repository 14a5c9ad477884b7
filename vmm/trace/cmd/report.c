/* report.c - vmm-trace report: a trace, or two, as one page for a browser.
 *
 * Each trace is read twice: once by lint, once for all the rest.  The page's parts come from
 * report/: feed the events, story what they mean, head the verdicts, page the page itself. */
#include <stdlib.h>
#include <unistd.h>

#include "vmm/trace/cmd/commands.h"
#include "vmm/trace/cmd/common.h"
#include "vmm/trace/cmd/output.h"
#include "vmm/trace/lint/lint.h"
#include "vmm/trace/report/feed.h"
#include "vmm/trace/report/head.h"
#include "vmm/trace/report/page.h"
#include "vmm/trace/report/story.h"

struct options {
    const char *dir[2], *output;
    unsigned dirs;
};

/* t[0] is for lint, t[1] for the rest. */
static int one_trace(FILE *out, unsigned number, const char *dir, struct trace *t[2])
{
    static struct lint_result lint;
    const struct trace_event *e;
    struct story story;
    struct feed feed;
    struct calls calls;
    if (lint_run(t[0], &lint) != 0)
        out_of_memory();
    trace_close(t[0]);
    story_init(&story, out, number, t[1]);
    feed_init(&feed, out, number);
    calls_init(&calls);
    while ((e = trace_next(t[1])) != NULL) {
        story_event(&story, e);
        feed_event(&feed, &story.follow, e, story.now);
        calls_event(&calls, e);
    }
    feed_end(&feed);
    story_end(&story);
    calls_end(&calls);
    head_write(out, number, &(struct head){ dir, t[1], &calls, &lint, &story });
    calls_free(&calls);
    story_free(&story);
    return close_trace(t[1]);
}

static int run(const struct options *o)
{
    struct output out = { .file = o->output };
    struct trace *t[4];
    const char *twice[4] = { o->dir[0], o->dir[0], o->dir[1], o->dir[1] };
    if (!output_begin(&out) || !open_traces(twice, 2 * o->dirs, t))
        return STATUS_TROUBLE;
    int status = STATUS_OK;
    page_head(out.out);
    for (unsigned i = 0; i < o->dirs; i++) {
        int one = one_trace(out.out, i, o->dir[i], &t[2 * i]);
        status = status != STATUS_OK ? status : one;
    }
    page_tail(out.out);
    return output_end(&out) ? output_keep(status) : STATUS_TROUBLE;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'o': o->output = arg; return 0;
    case ARGP_KEY_ARG:
        if (o->dirs == 2)
            argp_error(state, "two DIRs at most");
        o->dir[o->dirs++] = arg;
        return 0;
    case ARGP_KEY_END:
        if (o->dirs == 0)
            argp_error(state, "which DIR?");
        if (o->output == NULL && isatty(STDOUT_FILENO))
            argp_error(state, "a page is not for a terminal: give it a file with -o FILE.html");
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

int command_report(int argc, char **argv)
{
    static const struct argp_option option[] = {
        { "output", 'o', "FILE.html", 0, "Write the page there, not to stdout", 0 },
        { 0 },
    };
    static const struct argp argp = {
        .options = option,
        .parser = parse,
        .args_doc = "DIR [DIR2]",
        .doc = "Writes a page that shows the trace in a browser, without a network: verdicts, "
               "timeline, page tables at any moment, parent and child side by side, what calls "
               "cost, events, questions for a class.  With two traces, both, and what differs.",
    };
    struct options o = { .dirs = 0 };
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    return run(&o);
}
