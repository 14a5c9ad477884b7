/* chrome.c - the timeline in the JSON that chrome://tracing and ui.perfetto.dev read.
 *
 * What their importers want: the keys in this order and no other; times in microseconds, here
 * since the first event, so that a double holds the nanoseconds; slices as B and E, which nest
 * on each thread; arrows as s and f with a number of their own, which bind to the slices around
 * them ("bp":"e"). */
#include <inttypes.h>
#include <string.h>

#include "vmm/trace/export/text.h"
#include "vmm/trace/export/timeline.h"

struct chrome {
    FILE *out;
    bool more;
};

static void text(FILE *out, const char *s) { text_json(out, s, strlen(s)); }

static void args_of(FILE *out, const struct timeline_arg *a)
{
    if (a == NULL || a->key == NULL)
        return;
    fputs(",\"args\":{", out);
    for (const char *comma = ""; a->key != NULL; a++, comma = ",") {
        fprintf(out, "%s\"%s\":", comma, a->key);
        switch (a->kind) {
        case ARG_COUNT: fprintf(out, "%" PRIu64, a->value); break;
        case ARG_SIGNED: fprintf(out, "%" PRId64, (int64_t)a->value); break;
        case ARG_HEX: fprintf(out, "\"%#" PRIx64 "\"", a->value); break;
        case ARG_TEXT: text(out, a->text); break;
        }
    }
    putc('}', out);
}

static FILE *event(struct chrome *c, const char *phase, const struct track *t)
{
    fprintf(c->out, "%s\n{\"ph\":\"%s\",\"pid\":%" PRIu32 ",\"tid\":%" PRIu32, c->more ? "," : "",
            phase, t->pid, t->tid);
    c->more = true;
    return c->out;
}

static FILE *timed(struct chrome *c, const char *phase, const struct track *t, uint64_t ns)
{
    fprintf(event(c, phase, t), ",\"ts\":%" PRIu64 ".%03" PRIu64, ns / 1000, ns % 1000);
    return c->out;
}

static void name_it(struct chrome *c, const char *kind, const struct track *t, const char *name)
{
    fprintf(event(c, "M", t), ",\"name\":\"%s\",\"args\":{\"name\":", kind);
    text(c->out, name);
    fputs("}}", c->out);
}

/* Once, when the name is complete: the importers do not agree on which of two is right. */
static void describe(void *sink, const struct track *t, const char *process, const char *thread,
                     bool last)
{
    struct chrome *c = sink;
    if (!last && t->pid != VCPUS_PID)
        return;
    if (process != NULL)
        name_it(c, "process_name", t, process);
    name_it(c, "thread_name", t, thread);
}

static void begin(void *sink, uint64_t ns, const struct track *t, const char *category,
                  const char *name, const struct timeline_arg *args)
{
    FILE *out = timed(sink, "B", t, ns);
    fprintf(out, ",\"cat\":\"%s\",\"name\":", category);
    text(out, name);
    args_of(out, args);
    putc('}', out);
}

static void end(void *sink, uint64_t ns, const struct track *t, const struct timeline_arg *args)
{
    FILE *out = timed(sink, "E", t, ns);
    args_of(out, args);
    putc('}', out);
}

static void instant(void *sink, uint64_t ns, const struct track *t, const char *category,
                    const char *name, const struct timeline_arg *args)
{
    FILE *out = timed(sink, "i", t, ns);
    fprintf(out, ",\"s\":\"t\",\"cat\":\"%s\",\"name\":", category);
    text(out, name);
    args_of(out, args);
    putc('}', out);
}

static void arrow(void *sink, uint64_t ns, const struct track *from, const struct track *to,
                  const char *name, uint64_t number)
{
    fprintf(timed(sink, "s", from, ns), ",\"cat\":\"flow\",\"name\":\"%s\",\"id\":%" PRIu64 "}",
            name, number);
    fprintf(timed(sink, "f", to, ns),
            ",\"bp\":\"e\",\"cat\":\"flow\",\"name\":\"%s\",\"id\":%" PRIu64 "}", name, number);
}

static void count(void *sink, uint64_t ns, const struct track *process, const char *counter,
                  const char *key, uint64_t value)
{
    fprintf(timed(sink, "C", process, ns), ",\"name\":\"%s\",\"args\":{\"%s\":%" PRIu64 "}}",
            counter, key, value);
}

bool export_chrome(struct export *x)
{
    static const struct timeline_sink sink = { describe, begin, end, instant, arrow, count };
    struct chrome c = { .out = x->out };
    fputs("{\"displayTimeUnit\":\"ns\",\"otherData\":{\"tool\":\"vmm-trace "
          "export\"},\"traceEvents\":[",
          x->out);
    timeline_run(x, &sink, &c);
    fputs("\n]}\n", x->out);
    return true;
}
