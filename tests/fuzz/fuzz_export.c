/* links: vmm/trace/lib/*.c vmm/trace/export/*.c */
/* libs: -lsqlite3 */
/* Two streams of anything, as every format: on each track slices nest and end, time does not go
 * back, arrows join slices that are open, and the database is written. */
#include "fuzz.h"

#include "vmm/trace/export/database.h"
#include "vmm/trace/export/export.h"
#include "vmm/trace/export/timeline.h"

#define TRACKS 512 /* more than an input can make */

struct lane {
    struct track track;
    unsigned depth;
};

struct checker {
    struct lane lane[TRACKS];
    unsigned lanes;
    uint64_t ns, arrows;
};

static struct lane *lane_of(struct checker *c, const struct track *t)
{
    for (unsigned i = 0; i < c->lanes; i++)
        if (c->lane[i].track.pid == t->pid && c->lane[i].track.tid == t->tid)
            return &c->lane[i];
    return NULL;
}

static struct lane *at(struct checker *c, uint64_t ns, const struct track *t)
{
    struct lane *lane = lane_of(c, t);
    MUST(ns >= c->ns);
    c->ns = ns;
    MUST(lane != NULL);
    return lane;
}

static void describe(void *sink, const struct track *t, const char *process, const char *thread,
                     bool last)
{
    struct checker *c = sink;
    MUST(thread != NULL && (process == NULL || t->pid == VCPUS_PID || t->pid == t->tid));
    struct lane *lane = lane_of(c, t);
    MUST(!last || (lane != NULL && lane->depth == 0));
    if (lane != NULL)
        return;
    MUST(c->lanes < TRACKS);
    c->lane[c->lanes++] = (struct lane){ .track = *t };
}

static void begin(void *sink, uint64_t ns, const struct track *t, const char *category,
                  const char *name, const struct timeline_arg *args)
{
    (void)args;
    MUST(category != NULL && name != NULL);
    at(sink, ns, t)->depth++;
}

static void end(void *sink, uint64_t ns, const struct track *t, const struct timeline_arg *args)
{
    (void)args;
    MUST(at(sink, ns, t)->depth-- > 0);
}

static void instant(void *sink, uint64_t ns, const struct track *t, const char *category,
                    const char *name, const struct timeline_arg *args)
{
    (void)args;
    MUST(category != NULL && name != NULL && at(sink, ns, t) != NULL);
}

static void arrow(void *sink, uint64_t ns, const struct track *from, const struct track *to,
                  const char *name, uint64_t number)
{
    struct checker *c = sink;
    MUST(at(c, ns, from)->depth > 0 && at(c, ns, to)->depth > 0);
    MUST(name != NULL && number == ++c->arrows);
}

static void count(void *sink, uint64_t ns, const struct track *process, const char *counter,
                  const char *key, uint64_t value)
{
    (void)value;
    MUST(counter != NULL && key != NULL && at(sink, ns, process) != NULL);
}

static bool check_timeline(struct export *x)
{
    static const struct timeline_sink sink = { describe, begin, end, instant, arrow, count };
    static struct checker c;
    memset(&c, 0, sizeof(c));
    timeline_run(x, &sink, &c);
    for (unsigned i = 0; i < c.lanes; i++)
        MUST(c.lane[i].depth == 0);
    return true;
}

static bool make_database(struct export *x)
{
    static int fd = -1;
    if (fd < 0) {
        fd = memfd_create("database", MFD_CLOEXEC);
        MUST(fd >= 0 && database_prepare(fd, "/tmp/database"));
    }
    MUST(ftruncate(fd, 0) == 0);
    return export_sqlite(x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool (*const formats[])(struct export *) = {
        check_timeline, make_database,  export_chrome, export_perfetto,
        export_csv,     export_mermaid, export_dot,    export_flame,
    };
    size_t first = size > 2 ? (size_t)(data[size - 1] << 8 | data[size - 2]) : size;
    if (first > size)
        first = size;
    uint8_t *a = copy_of(data, first), *b = copy_of(data + first, size - first);
    struct trace_slice slice[2] = {
        { .at = a, .size = first, .cpu = 0 },
        { .at = b, .size = size - first, .cpu = 1 },
    };
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        struct export x = { .out = nowhere() };
        if (trace_open_slices(&x.trace, slice, 2, true) != 0)
            abort();
        MUST(formats[i](&x));
        trace_close(x.trace);
    }
    free(a);
    free(b);
    return 0;
}
