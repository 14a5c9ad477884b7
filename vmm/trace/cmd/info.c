/* info.c - vmm-trace info: what a trace consists of. */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "vmm/trace/cmd/commands.h"
#include "vmm/trace/cmd/common.h"
#include "vmm/trace/lib/cursor.h"
#include "vmm/trace/lib/format.h"

struct census {
    uint64_t events[TRACE_ID_LIMIT], bytes[TRACE_ID_LIMIT];
    uint64_t total, first, last;
};

static void count_events(struct trace *t, struct census *c)
{
    const struct trace_event *e;
    while ((e = trace_next_inline(t)) != NULL) {
        if (c->total++ == 0)
            c->first = e->tsc;
        c->last = e->tsc;
        c->events[e->id]++;
        c->bytes[e->id] += trace_event_bytes(e);
    }
}

static void print_machine(const struct trace_meta *m)
{
    time_t wall = (time_t)m->offset_s;
    struct tm tm;
    char when[64] = "?";
    if (gmtime_r(&wall, &tm) != NULL)
        strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
    printf("kernel    %s\nmachine   %" PRIu64 " vCPU%s, KVM flavour %s, kernel in ring %" PRIu64
           "\n",
           m->kernel, m->ncpus, m->ncpus == 1 ? "" : "s", m->flavour, m->kernel_ring);
    printf("clock     TSC, %" PRIu64 ".%03" PRIu64 " MHz; TSC 0 was %s\n", m->tsc_khz / 1000,
           m->tsc_khz % 1000, when);
    printf("audit     %s\n", m->verdict[0] != '\0' ? m->verdict : "none was asked for");
    printf("made by   vmm %s, schema %016" PRIx64 "\n", m->git_id, m->schema);
}

static void print_streams(const struct trace *t)
{
    printf("\n%-12s %12s %12s %10s %12s  %s\n", "stream", "file bytes", "content", "packets",
           "events", "");
    for (unsigned i = 0; i < trace_stream_count(t); i++) {
        const struct trace_stream_info *s = trace_stream(t, i);
        printf("%-12s %12" PRIu64 " %12" PRIu64 " %10" PRIu64 " %12" PRIu64 "  %s\n", s->name,
               s->file_bytes, s->content_bytes, s->packets, s->events,
               s->open_packet ? "ends in an open packet, read as far as it is whole: see recover"
                              : "");
    }
}

static void print_census(const struct census *c)
{
    printf("\n%-14s %12s %14s %10s\n", "event", "count", "bytes", "bytes each");
    for (unsigned i = 0; i < trace_class_count; i++) {
        uint32_t id = trace_classes[i].id;
        if (c->events[id] > 0)
            printf("%-14s %12" PRIu64 " %14" PRIu64 " %10.1f\n", trace_classes[i].name,
                   c->events[id], c->bytes[id], (double)c->bytes[id] / (double)c->events[id]);
    }
}

int command_info(int argc, char **argv)
{
    static const struct argp argp = {
        .parser = parse_directory,
        .args_doc = "DIR",
        .doc = "Shows files, packets, events by kind, clock and machine of a trace.",
    };
    const char *dir;
    argp_parse(&argp, argc, argv, 0, NULL, &dir);
    struct trace *t = open_trace(dir);
    if (t == NULL)
        return STATUS_TROUBLE;

    struct census c = { .total = 0 };
    char span[24];
    count_events(t, &c);
    printf("trace     %s: %" PRIu64 " events in %s, ", dir, c.total,
           format_ns(span, trace_ns(trace_meta(t), c.last - c.first)));
    print_losses(stdout, t);
    putchar('\n');
    print_machine(trace_meta(t));
    print_streams(t);
    print_census(&c);
    return close_trace(t);
}
