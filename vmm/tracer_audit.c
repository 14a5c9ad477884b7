/* tracer_audit.c - what the VMM reads back from its own trace: the audit, and
 * the last events for the report on a dead guest.
 *
 * Both read through the descriptors that are open anyway, since a seccomp
 * filter is on by then. */
#include "vmm/tracer_audit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "vmm/gmem.h"
#include "vmm/tracer.h"
#include "vmm/trace/lib/format.h"
#include "vmm/trace/lib/reader.h"
#include "vmm/trace/lib/replay.h"
#include "vmm/tracer_internal.h"

/* Maps [from, to) of each stream and opens a reader on them. */
struct reading {
    struct trace *trace;
    struct trace_slice *slice;
    unsigned n;
};

static void stop_reading(struct reading *r)
{
    trace_close(r->trace);
    for (unsigned i = 0; i < r->n; i++)
        if (r->slice[i].size > 0)
            munmap((void *)r->slice[i].at, r->slice[i].size);
    free(r->slice);
}

/* tail_only: from the packet closed last on. */
static int start_reading(struct reading *r, const struct tracer *t, bool tail_only)
{
    *r = (struct reading){ .slice = calloc(t->ncpus, sizeof(r->slice[0])) };
    if (r->slice == NULL)
        return -ENOMEM;
    for (unsigned cpu = 0; cpu < t->ncpus; cpu++) {
        const struct tracer_stream *s = &t->stream[cpu];
        uint64_t to = t->finished || s->is_stopped ? s->size
                      : s->is_open                 ? s->open + TRACE_WINDOW_BYTES
                                                   : 0;
        uint64_t from = tail_only ? s->previous : 0;
        struct trace_slice *slice = &r->slice[r->n++];
        slice->cpu = cpu;
        slice->size = to - from;
        if (slice->size == 0)
            continue;
        void *at = mmap(NULL, slice->size, PROT_READ, MAP_SHARED, s->fd, (off_t)from);
        if (at == MAP_FAILED) {
            int err = -errno;
            slice->size = 0;
            stop_reading(r);
            return err;
        }
        slice->at = at;
    }
    int err = trace_open_slices(&r->trace, r->slice, r->n, true);
    if (err != 0)
        stop_reading(r);
    return err;
}

/* --- the audit ------------------------------------------------------------------------- */

void audit_print(void *report, const struct replay_violation *v)
{
    struct audit_report *a = report;
    if (a->lines++ >= AUDIT_LINES_MAX)
        return;
    fprintf(a->out, "audit: %s: mm %u table %#x (%s) index %u va %#" PRIx64 " expected ",
            replay_fault_text(v->fault), v->mm, v->table_pfn,
            trace_value_name("pt_level", v->level), v->index, v->va);
    format_pte(a->out, v->expected);
    fputs(", found ", a->out);
    format_pte(a->out, v->found);
    if (v->event != NULL) {
        char when[24];
        fprintf(a->out, "; event %" PRIu64 ", %s, pid %u: ", a->event,
                format_seconds(when, trace_ns(a->meta, v->event->tsc - a->first_tsc)),
                v->event->pid);
        if (trace_class_of(v->event->id)->has_seq)
            fputs(trace_class_of(v->event->id)->name, a->out);
        else
            format_event(a->out, v->event);
    }
    fputc('\n', a->out);
}

static const void *page_of(void *arg, uint32_t pfn)
{
    return gmem_span(arg, (uint64_t)pfn << 12, 4096);
}

static int replay_all(struct replay *r, struct trace *t, struct audit_report *a)
{
    const struct trace_event *e;
    int err = 0;
    while (err == 0 && (e = trace_next(t)) != NULL) {
        if (a->event++ == 0)
            a->first_tsc = e->tsc;
        err = replay_event(r, e);
    }
    return err;
}

int64_t tracer_audit_final(struct tracer *t, const struct gmem *m, FILE *report)
{
    struct audit_report a = { .out = report, .meta = &t->meta };
    struct reading reading;
    int64_t result = start_reading(&reading, t, false);
    if (result != 0)
        return result;
    struct replay *r = replay_new(audit_print, &a);
    result = r != NULL ? replay_all(r, reading.trace, &a) : -ENOMEM;
    if (result == 0) {
        const char *problem = trace_problem(reading.trace);
        if (m != NULL)
            replay_compare(r, page_of, NULL, (void *)(uintptr_t)m);
        if (problem != NULL)
            fprintf(report, "audit: the trace does not read to its end: %s\n", problem);
        result = (problem != NULL) + (int64_t)replay_violations(r);
        if (m != NULL)
            fprintf(report,
                    "audit: final: %u live tables compared with memory, %" PRIu64 " violations\n",
                    replay_live_tables(r), replay_violations(r));
        else
            fprintf(report, "audit: recorded: %" PRIu64 " events, %" PRIu64 " violations\n",
                    a.event, replay_violations(r));
    }
    replay_free(r);
    stop_reading(&reading);
    return result;
}

/* --- the last events ------------------------------------------------------------------- */

#define LINE_MAX_CHARS 150 /* an event with many entries is cut here */

static void print_cut(FILE *out, const struct trace_event *e)
{
    char *text = NULL;
    size_t len = 0;
    FILE *line = open_memstream(&text, &len);
    if (line == NULL)
        return;
    format_event(line, e);
    fclose(line);
    fprintf(out, "%.*s%s\n", LINE_MAX_CHARS, text, len > LINE_MAX_CHARS ? "..." : "");
    free(text);
}

void tracer_last_events(struct tracer *t, unsigned n, FILE *out)
{
    struct reading reading;
    struct trace_event *ring = calloc(n, sizeof(*ring));
    if (ring == NULL || start_reading(&reading, t, true) != 0) {
        free(ring);
        return;
    }
    const struct trace_event *e;
    uint64_t seen = 0;
    while ((e = trace_next(reading.trace)) != NULL)
        ring[seen++ % n] = *e;
    for (uint64_t i = seen > n ? seen - n : 0; i < seen; i++) {
        const struct trace_event *old = &ring[i % n];
        char before[24];
        uint64_t ticks = ring[(seen - 1) % n].tsc - old->tsc;
        fprintf(out, "  -%-10s cpu%u pid %-5u mm %-4u ",
                format_ns(before, trace_ns(&t->meta, ticks)), old->cpu, old->pid, old->mm);
        print_cut(out, old);
    }
    free(ring);
    stop_reading(&reading);
}
