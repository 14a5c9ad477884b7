/* tracer_ring.c - a trace that keeps the last of a machine's life: its oldest packets are dropped.
 *
 *   file   | checkpoint |  a hole            | kept packets | open packet |
 *          <---- one packet, for readers ---->
 *
 * What is dropped lies before one moment on all vCPUs: the end of the last packet that goes whole.
 * Packets of others in whose midst that is lose their beginning.  The events of what goes are
 * replayed first (standing.h), and a checkpoint of what they lead to takes its place.
 *
 * It waits where there is no room before the first kept packet for what is to stand there. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/trace/lib/decode.h"
#include "vmm/tracer_keep.h"
#include "vmm/tracer_keep_internal.h"

/* Where a stream is cut. */
struct cut {
    const uint8_t *map; /* of the file, from s->first on */
    size_t size;
    bool drops; /* anything */
    uint64_t
        first; /* offset in the file of the first packet that stays, perhaps without its beginning: */
    size_t skip; /* 0: all of it stays */
    uint64_t before, end_tsc, seq;
    uint64_t content;
};

struct drop {
    struct keep *k;
    uint64_t until; /* what is not later goes */
    struct cut cut[];
};

static void header_at(const struct cut *c, const struct tracer_stream *s, uint64_t at,
                      struct trace_packet *h)
{
    memcpy(h, c->map + (at - s->first), HEADER);
}

/* --- what goes ------------------------------------------------------------------------------------- */

static void unmap(struct drop *d)
{
    for (unsigned c = 0; c < d->k->tracer->ncpus; c++)
        if (d->cut[c].map != NULL)
            munmap((void *)d->cut[c].map, d->cut[c].size);
    free(d);
}

static int map(struct drop *d)
{
    struct tracer *t = d->k->tracer;
    for (unsigned c = 0; c < t->ncpus; c++) {
        const struct tracer_stream *s = &t->stream[c];
        struct cut *cut = &d->cut[c];
        if (!s->is_open)
            continue;
        cut->size = s->open - s->first + TRACE_WINDOW_BYTES;
        void *at = mmap(NULL, cut->size, PROT_READ, MAP_SHARED, s->fd, (off_t)s->first);
        if (at == MAP_FAILED)
            return -errno;
        cut->map = at;
        cut->first = s->first;
    }
    return 0;
}

/* The oldest of the packets that come next goes, until enough does.  False: nothing can. */
static bool choose(struct drop *d)
{
    struct keep *k = d->k;
    struct tracer *t = k->tracer;
    uint64_t bytes = keep_bytes(k), enough = k->o.size / 8 * 7;
    while (bytes > enough) {
        struct cut *oldest = NULL;
        uint64_t size = 0;
        d->until = UINT64_MAX;
        for (unsigned c = 0; c < t->ncpus; c++) {
            struct trace_packet h;
            struct cut *cut = &d->cut[c];
            if (cut->map == NULL || cut->first >= t->stream[c].open)
                continue;
            header_at(cut, &t->stream[c], cut->first, &h);
            if (h.timestamp_end < d->until) {
                oldest = cut;
                d->until = h.timestamp_end;
                size = h.packet_size / 8;
            }
        }
        if (oldest == NULL)
            return false;
        oldest->first += size;
        bytes -= size < bytes ? size : bytes;
    }
    return d->until != 0 && d->until != UINT64_MAX;
}

/* Events of one packet up to the moment. */
static void cut_packet(struct drop *d, struct cut *cut, const uint8_t *packet, size_t from,
                       size_t end, uint64_t before)
{
    struct trace_event e = { .tsc = before };
    size_t n;
    cut->skip = 0;
    for (size_t at = from; at < end; at += n) {
        n = trace_decode(packet + at, end - at, cut->skip != 0 ? cut->before : before, &e);
        if (n == 0 || e.tsc > d->until)
            return;
        cut->skip = at + n;
        cut->before = e.tsc;
        cut->drops = true;
    }
}

/* All packets that end before the moment go; the next one perhaps in part. */
static void cut_stream(struct drop *d, unsigned cpu)
{
    const struct tracer_stream *s = &d->k->tracer->stream[cpu];
    struct cut *cut = &d->cut[cpu];
    struct trace_packet h;
    if (cut->map == NULL)
        return;
    for (cut->first = s->first; cut->first < s->open; cut->first += h.packet_size / 8) {
        header_at(cut, s, cut->first, &h);
        if (h.timestamp_end > d->until)
            break;
        cut->drops = true;
    }
    const uint8_t *packet = cut->map + (cut->first - s->first);
    header_at(cut, s, cut->first, &h);
    cut->seq = h.packet_seq_num;
    cut->end_tsc = h.timestamp_end;
    cut->content = h.content_size / 8;
    if (cut->first < s->open) {
        cut_packet(d, cut, packet, HEADER, cut->content, h.timestamp_begin);
        if (cut->skip == cut->content) { /* its end by the header is later than its last event */
            cut->first += h.packet_size / 8;
            cut->seq++;
            cut->skip = 0;
        }
        return;
    }
    size_t from = s->skip != 0 ? s->skip : HEADER;
    uint64_t before = s->skip != 0 ? s->skip_tsc : s->end_tsc;
    cut_packet(d, cut, packet, from, TRACE_WINDOW_BYTES, before);
    if (cut->skip == 0 && s->skip != 0) {
        cut->skip = s->skip;
        cut->before = s->skip_tsc;
    }
}

/* --- what that leads to ------------------------------------------------------------------------------ */

static int replay(struct drop *d)
{
    struct tracer *t = d->k->tracer;
    struct trace_slice *slice = calloc(t->ncpus, sizeof(*slice));
    struct trace *trace = NULL;
    const struct trace_event *e;
    if (slice == NULL)
        return -ENOMEM;
    for (unsigned c = 0; c < t->ncpus; c++)
        slice[c] = (struct trace_slice){ d->cut[c].map, d->cut[c].size, c };
    int err = trace_open_slices(&trace, slice, t->ncpus, true);
    uint64_t near =
        t->meta.tsc_khz / 1000000 + 2; /* within a nanosecond their order is another one */
    while (err == 0 && (e = trace_next(trace)) != NULL && e->tsc <= d->until + near)
        if (e->tsc <= d->until && e->tsc > d->k->dropped_tsc)
            err = standing_event(d->k->standing, e);
    if (err == 0)
        d->k->dropped_tsc = d->until;
    trace_close(trace);
    free(slice);
    return err;
}

/* The stream with the most room before its first packet has the checkpoint. */
static unsigned find_holder(const struct drop *d)
{
    unsigned best = 0;
    for (unsigned c = 1; c < d->k->tracer->ncpus; c++)
        if (d->cut[c].map != NULL && d->cut[c].first > d->cut[best].first)
            best = c;
    return best;
}

static bool is_movable(const struct drop *d, unsigned cpu)
{
    return d->cut[cpu].first == 0 && d->k->tracer->stream[cpu].open == 0;
}

static bool has_room(const struct drop *d, const struct told *told)
{
    for (unsigned c = 0; c < d->k->tracer->ncpus; c++)
        if (told->of[c].size > 0 && !is_movable(d, c) &&
            HEADER + told->of[c].size > d->cut[c].first)
            return false;
    return true;
}

/* --- the files ---------------------------------------------------------------------------------------- */

/* The space between the checkpoint and what stays goes back to the host; where it cannot, it stays. */
static void free_space(const struct tracer_stream *s, uint64_t from, uint64_t to)
{
    if (from < to)
        fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from,
                  (off_t)(to - from));
}

static int cut_closed(struct drop *d, unsigned cpu)
{
    struct tracer *t = d->k->tracer;
    struct cut *cut = &d->cut[cpu];
    struct trace_packet h;
    uint64_t begin;
    header_at(cut, &t->stream[cpu], cut->first, &h);
    int err = tracer_cut(t, cpu, cut->first, cut->skip, cut->before, &cut->content, &begin);
    return err != 0 ? err
                    : tracer_write_header(t, cpu, cut->first, cut->seq, cut->content,
                                          h.packet_size / 8, begin, cut->end_tsc);
}

static int cut_open(struct drop *d, unsigned cpu)
{
    struct tracer *t = d->k->tracer;
    struct tracer_stream *s = &t->stream[cpu];
    s->skip = d->cut[cpu].skip;
    s->skip_tsc = d->cut[cpu].before;
    s->end_tsc = s->end_tsc > s->not_before ? s->end_tsc : s->not_before;
    return tracer_write_header(t, cpu, s->open, s->seq, HEADER, TRACE_WINDOW_BYTES, s->end_tsc,
                               s->end_tsc);
}

static int commit_stream(struct drop *d, unsigned cpu, const struct told *told)
{
    struct tracer_stream *s = &d->k->tracer->stream[cpu];
    struct cut *cut = &d->cut[cpu];
    int err = 0;
    s->not_before = d->until + 1;
    if (cut->map == NULL)
        return 0;
    if (told->of[cpu].size > 0 && is_movable(d, cpu)) {
        cut->first = keep_aligned(HEADER + told->of[cpu].size);
        err = keep_move_window(d->k, cpu, cut->first);
        cut->seq = s->seq;
    }
    if (err == 0 && cut->skip != 0)
        err = cut->first < s->open ? cut_closed(d, cpu) : cut_open(d, cpu);
    if (err == 0 && told->of[cpu].size > 0) {
        err = keep_write_told(d->k, cpu, told, cut->seq - 1, cut->first);
        s->told = keep_aligned(HEADER + told->of[cpu].size);
        free_space(s, s->told, cut->first);
        d->k->told_bytes += s->told;
    }
    s->first = cut->first;
    return err;
}

static int commit(struct drop *d)
{
    struct keep *k = d->k;
    struct told *told = keep_new_told(k);
    int err = told == NULL ? -ENOMEM : keep_tell(k, find_holder(d), d->until, told);
    if (err == 0 && has_room(d, told)) {
        k->told_bytes = 0;
        for (unsigned c = 0; err == 0 && c < k->tracer->ncpus; c++)
            err = commit_stream(d, c, told);
    }
    keep_free_told(k, told);
    return err;
}

/* The hole goes, where the file system can do that (ext4, xfs); elsewhere the file stays sparse. */
int keep_close_holes(struct keep *k)
{
    struct tracer *t = k->tracer;
    int err = 0;
    for (unsigned c = 0; err == 0 && c < t->ncpus; c++) {
        struct tracer_stream *s = &t->stream[c];
        struct trace_packet h;
        uint64_t hole = s->told != 0 && s->first > s->told ? s->first - s->told : 0;
        if (hole == 0 || s->first >= s->size || pread(s->fd, &h, HEADER, 0) != (ssize_t)HEADER ||
            fallocate(s->fd, FALLOC_FL_COLLAPSE_RANGE, (off_t)s->told, (off_t)hole) != 0)
            continue;
        h.packet_size = s->told * 8;
        err = tracer_write(s->fd, &h, HEADER, 0);
        s->size -= hole;
        s->previous = s->previous > s->told ? s->previous - hole : 0;
    }
    return err;
}

int keep_drop(struct keep *k)
{
    struct drop *d = calloc(1, sizeof(*d) + k->tracer->ncpus * sizeof(d->cut[0]));
    if (d == NULL)
        return -ENOMEM;
    d->k = k;
    int err = map(d);
    if (err == 0 && choose(d)) {
        for (unsigned c = 0; c < k->tracer->ncpus; c++)
            cut_stream(d, c);
        err = replay(d);
        if (err == 0)
            err = commit(d);
    }
    unmap(d);
    return err;
}
