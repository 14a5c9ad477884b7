/* perfetto.c - the timeline as Perfetto's own protobuf: a row of TracePackets.
 *
 * Numbers of fields are those of perfetto's protos/perfetto/trace (trace_packet.proto,
 * track_event/).  A track has a uuid of its own; an arrow is an instant on each side that
 * carries its number.  Names are written out: the file is small beside the trace that it is
 * from. */
#include <stdlib.h>
#include <string.h>

#include "vmm/trace/export/protobuf.h"
#include "vmm/trace/export/timeline.h"
#include "vmm/trace/lib/idmap.h"
#include "vmm/trace/lib/status.h"

enum { TRACE_PACKET = 1 };
enum { PACKET_TIMESTAMP = 8, PACKET_SEQUENCE = 10, PACKET_EVENT = 11, PACKET_TRACK = 60 };
enum { TRACK_UUID = 1, TRACK_NAME, TRACK_PROCESS, TRACK_THREAD, TRACK_PARENT, TRACK_COUNTER = 8 };
enum { PROCESS_PID = 1, PROCESS_NAME = 6 };
enum { THREAD_PID = 1, THREAD_TID = 2, THREAD_NAME = 5 };
enum {
    EVENT_ANNOTATION = 4,
    EVENT_TYPE = 9,
    EVENT_TRACK = 11,
    EVENT_CATEGORY = 22,
    EVENT_NAME = 23,
    EVENT_COUNT = 30,
    EVENT_FLOW = 47,
    EVENT_FLOW_ENDS = 48
};
enum { TYPE_BEGIN = 1, TYPE_END, TYPE_INSTANT, TYPE_COUNTER };
enum {
    ANNOTATION_UINT = 3,
    ANNOTATION_INT,
    ANNOTATION_TEXT = 6,
    ANNOTATION_HEX,
    ANNOTATION_NAME = 10
};

#define SEQUENCE     1 /* all packets are of one writer */
#define COUNTERS_MAX 64

struct counters { /* of a process */
    uint32_t pid;
    uint64_t described; /* a bit for each */
};

struct perfetto {
    FILE *out;
    struct protobuf p;
    struct idmap *processes;
    const char *counter[COUNTERS_MAX]; /* keys seen so far; they are constants */
    size_t packet;
};

static uint64_t process_uuid(const struct track *t) { return (uint64_t)t->pid << 8 | 1; }
static uint64_t thread_uuid(const struct track *t) { return (uint64_t)t->tid << 8 | 2; }
static uint64_t counter_uuid(const struct track *t, unsigned i)
{
    return (uint64_t)t->pid << 8 | (128 + i);
}

static struct protobuf *begin_packet(struct perfetto *f)
{
    f->packet = protobuf_begin(&f->p, TRACE_PACKET);
    protobuf_number(&f->p, PACKET_SEQUENCE, SEQUENCE);
    return &f->p;
}

static void end_packet(struct perfetto *f)
{
    protobuf_end(&f->p, f->packet);
    protobuf_write(&f->p, f->out);
}

/* --- tracks ------------------------------------------------------------------------------ */

static void describe_process(struct perfetto *f, const struct track *t, const char *name)
{
    struct protobuf *p = begin_packet(f);
    size_t track = protobuf_begin(p, PACKET_TRACK), process;
    protobuf_number(p, TRACK_UUID, process_uuid(t));
    process = protobuf_begin(p, TRACK_PROCESS);
    protobuf_number(p, PROCESS_PID, t->pid);
    protobuf_text(p, PROCESS_NAME, name);
    protobuf_end(p, process);
    protobuf_end(p, track);
    end_packet(f);
}

static void describe(void *sink, const struct track *t, const char *process, const char *thread,
                     bool last)
{
    struct perfetto *f = sink;
    if (last) {
        idmap_remove(f->processes, t->pid == t->tid ? t->pid : 0);
        return; /* its name is known */
    }
    if (process != NULL)
        describe_process(f, t, process);
    struct protobuf *p = begin_packet(f);
    size_t track = protobuf_begin(p, PACKET_TRACK), of;
    protobuf_number(p, TRACK_UUID, thread_uuid(t));
    protobuf_number(p, TRACK_PARENT, process_uuid(t));
    of = protobuf_begin(p, TRACK_THREAD);
    protobuf_number(p, THREAD_PID, t->pid);
    protobuf_number(p, THREAD_TID, t->tid);
    protobuf_text(p, THREAD_NAME, thread);
    protobuf_end(p, of);
    protobuf_end(p, track);
    end_packet(f);
}

static void describe_counter(struct perfetto *f, const struct track *t, unsigned i,
                             const char *counter)
{
    char name[64];
    snprintf(name, sizeof(name), "%s %s", counter, f->counter[i]);
    struct protobuf *p = begin_packet(f);
    size_t track = protobuf_begin(p, PACKET_TRACK);
    protobuf_number(p, TRACK_UUID, counter_uuid(t, i));
    protobuf_text(p, TRACK_NAME, name);
    protobuf_number(p, TRACK_PARENT, process_uuid(t));
    protobuf_end(p, protobuf_begin(p, TRACK_COUNTER));
    protobuf_end(p, track);
    end_packet(f);
}

/* --- events ------------------------------------------------------------------------------ */

static size_t begin_event(struct perfetto *f, uint64_t ns, unsigned type, uint64_t track)
{
    struct protobuf *p = begin_packet(f);
    protobuf_number(p, PACKET_TIMESTAMP, ns);
    size_t event = protobuf_begin(p, PACKET_EVENT);
    protobuf_number(p, EVENT_TYPE, type);
    protobuf_number(p, EVENT_TRACK, track);
    return event;
}

static void end_event(struct perfetto *f, size_t event, const struct timeline_arg *a)
{
    static const unsigned field[] = { [ARG_COUNT] = ANNOTATION_UINT,
                                      [ARG_SIGNED] = ANNOTATION_INT,
                                      [ARG_HEX] = ANNOTATION_HEX,
                                      [ARG_TEXT] = ANNOTATION_TEXT };
    for (; a != NULL && a->key != NULL; a++) {
        size_t annotation = protobuf_begin(&f->p, EVENT_ANNOTATION);
        protobuf_text(&f->p, ANNOTATION_NAME, a->key);
        if (a->kind == ARG_TEXT)
            protobuf_text(&f->p, field[a->kind], a->text);
        else
            protobuf_number(&f->p, field[a->kind], a->value);
        protobuf_end(&f->p, annotation);
    }
    protobuf_end(&f->p, event);
    end_packet(f);
}

static void named_event(struct perfetto *f, uint64_t ns, unsigned type, const struct track *t,
                        const char *category, const char *name, const struct timeline_arg *args)
{
    size_t event = begin_event(f, ns, type, thread_uuid(t));
    protobuf_text(&f->p, EVENT_CATEGORY, category);
    protobuf_text(&f->p, EVENT_NAME, name);
    end_event(f, event, args);
}

static void begin(void *sink, uint64_t ns, const struct track *t, const char *category,
                  const char *name, const struct timeline_arg *args)
{
    named_event(sink, ns, TYPE_BEGIN, t, category, name, args);
}

static void end(void *sink, uint64_t ns, const struct track *t, const struct timeline_arg *args)
{
    end_event(sink, begin_event(sink, ns, TYPE_END, thread_uuid(t)), args);
}

static void instant(void *sink, uint64_t ns, const struct track *t, const char *category,
                    const char *name, const struct timeline_arg *args)
{
    named_event(sink, ns, TYPE_INSTANT, t, category, name, args);
}

static void arrow_side(struct perfetto *f, uint64_t ns, const struct track *t, const char *name,
                       unsigned field, uint64_t number)
{
    size_t event = begin_event(f, ns, TYPE_INSTANT, thread_uuid(t));
    protobuf_text(&f->p, EVENT_CATEGORY, "flow");
    protobuf_text(&f->p, EVENT_NAME, name);
    protobuf_fixed64(&f->p, field, number);
    end_event(f, event, NULL);
}

static void arrow(void *sink, uint64_t ns, const struct track *from, const struct track *to,
                  const char *name, uint64_t number)
{
    arrow_side(sink, ns, from, name, EVENT_FLOW, number);
    arrow_side(sink, ns, to, name, EVENT_FLOW_ENDS, number);
}

static unsigned counter_named(struct perfetto *f, const char *key)
{
    unsigned i = 0;
    while (i + 1 < COUNTERS_MAX && f->counter[i] != NULL && strcmp(f->counter[i], key) != 0)
        i++;
    if (f->counter[i] == NULL)
        f->counter[i] = key;
    return i;
}

static void count(void *sink, uint64_t ns, const struct track *process, const char *counter,
                  const char *key, uint64_t value)
{
    struct perfetto *f = sink;
    unsigned i = counter_named(f, key);
    struct counters *c = need(idmap_get(f->processes, process->pid));
    if (!(c->described >> i & 1))
        describe_counter(f, process, i, counter);
    c->described |= 1ull << i;
    size_t event = begin_event(f, ns, TYPE_COUNTER, counter_uuid(process, i));
    protobuf_number(&f->p, EVENT_COUNT, value);
    end_event(f, event, NULL);
}

bool export_perfetto(struct export *x)
{
    static const struct timeline_sink sink = { describe, begin, end, instant, arrow, count };
    struct perfetto f = { .out = x->out, .processes = need(idmap_new(sizeof(struct counters))) };
    timeline_run(x, &sink, &f);
    idmap_free(f.processes);
    protobuf_free(&f.p);
    return true;
}
