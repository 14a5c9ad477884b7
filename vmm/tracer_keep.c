/* tracer_keep.c - see tracer_keep.h.
 *
 * At a doorbell no vCPU is in the guest, and what all of them have written since the last one is
 * looked at in one order.  Until the start it only moves what stands (standing.h) on, and the windows
 * are filled again and again.  The start is at an event in the midst of all windows:
 *
 *     window   | dropped | kept, and what the guest writes on
 *                        ^ skip
 *     file     | checkpoint | this packet: closed, it loses what is before `skip`
 *
 * Until it is closed its provisional header has the start as its beginning, and readers leave out what
 * is older.  At the stop all packets are closed, and other memory takes the windows' place, in
 * which the guest writes for nobody. */
#include "vmm/tracer_keep.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "vmm/say.h"
#include "vmm/trace/lib/decode.h"
#include "vmm/trace/lib/standing.h"
#include "vmm/tracer.h"
#include "vmm/tracer_follow.h"
#include "vmm/tracer_internal.h"
#include "vmm/tracer_keep_internal.h"

/* --- the checkpoint --------------------------------------------------------------------------- */

uint64_t keep_aligned(uint64_t n) { return (n + 4095) & ~4095ull; }

/* Times before `start`, nanoseconds apart: what is no CPU's, then each CPU's, then the end. */
int keep_tell(const struct keep *k, unsigned holder, uint64_t start, struct told *told)
{
    const struct tracer *t = k->tracer;
    uint64_t apart = t->meta.tsc_khz / 1000000 * 4 + 8;
    told->begin = start - 3 * apart;
    told->end = start - apart;
    bool failed = false;
    for (unsigned c = 0; c < t->ncpus; c++) {
        struct standing_text *text = &told->of[c];
        if (c == holder)
            standing_tell(k->standing, told->begin, text);
        standing_tell_cpu(k->standing, c, start - 2 * apart, text);
        if (c == holder)
            standing_tell_end(told->end, text);
        failed |= text->failed;
    }
    return failed ? -ENOMEM : 0;
}

struct told *keep_new_told(const struct keep *k)
{
    return calloc(1, sizeof(struct told) + k->tracer->ncpus * sizeof(struct standing_text));
}

void keep_free_told(const struct keep *k, struct told *told)
{
    for (unsigned c = 0; told != NULL && c < k->tracer->ncpus; c++)
        free(told->of[c].at);
    free(told);
}

/* A vCPU's part becomes the file's first packet, `size` bytes with what is behind it. */
int keep_write_told(const struct keep *k, unsigned cpu, const struct told *told, uint64_t seq,
                    uint64_t size)
{
    const struct standing_text *text = &told->of[cpu];
    int fd = k->tracer->stream[cpu].fd;
    int err = tracer_write(fd, text->at, text->size, HEADER);
    return err != 0 ? err
                    : tracer_write_header(k->tracer, cpu, 0, seq, HEADER + text->size, size,
                                          told->begin, told->end);
}

/* The open packet, which is the file's first, makes room for `room` bytes before it. */
int keep_move_window(const struct keep *k, unsigned cpu, uint64_t room)
{
    struct tracer_stream *s = &k->tracer->stream[cpu];
    uint8_t *copy = malloc(TRACE_WINDOW_BYTES);
    if (copy == NULL)
        return -ENOMEM;
    memcpy(copy, s->window, TRACE_WINDOW_BYTES);
    int err = fallocate(s->fd, 0, (off_t)room, TRACE_WINDOW_BYTES) != 0 ? -errno : 0;
    if (err == 0)
        err = tracer_write(s->fd, copy, TRACE_WINDOW_BYTES, room);
    free(copy);
    s->seq++;
    if (err == 0)
        err = tracer_write_header(k->tracer, cpu, room, s->seq, HEADER, TRACE_WINDOW_BYTES,
                                  s->not_before, s->not_before);
    if (err == 0 && mmap(s->window, TRACE_WINDOW_BYTES, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_FIXED, s->fd, (off_t)room) == MAP_FAILED)
        err = -errno;
    if (err == 0)
        s->open = s->first = room;
    return err;
}

/* --- start ---------------------------------------------------------------------------------------- */

static int start_stream(struct keep *k, unsigned cpu, const struct told *told, uint64_t at)
{
    struct tracer_stream *s = &k->tracer->stream[cpu];
    s->not_before = s->end_tsc = at;
    if (!s->is_open)
        return 0;
    if (told->of[cpu].size == 0) /* it has said nothing yet */
        return tracer_write_header(k->tracer, cpu, s->open, s->seq, HEADER, TRACE_WINDOW_BYTES, at,
                                   at);
    uint64_t room = keep_aligned(HEADER + told->of[cpu].size);
    int err = keep_move_window(k, cpu, room);
    return err != 0 ? err : keep_write_told(k, cpu, told, 0, room);
}

/* With event e, which follow_next() has just returned. */
static int start(struct keep *k, const struct trace_event *e)
{
    struct tracer *t = k->tracer;
    struct told *told = keep_new_told(k);
    uint64_t at = e->tsc;
    int err = told == NULL ? -ENOMEM : keep_tell(k, 0, at, told);
    for (unsigned c = 0; c < t->ncpus; c++) {
        t->stream[c].skip = follow_at(k->follow, c, c == e->cpu, &t->stream[c].skip_tsc);
        if (t->stream[c].skip == HEADER)
            t->stream[c].skip = 0;
    }
    for (unsigned c = 0; err == 0 && c < t->ncpus; c++)
        err = start_stream(k, c, told, at);
    keep_free_told(k, told);
    k->phase = KEEP_ON;
    return err;
}

/* --- stop ------------------------------------------------------------------------------------------- */

/* The window's events end before the byte `end`. */
static int stop_stream(struct keep *k, unsigned cpu, size_t end)
{
    struct tracer_stream *s = &k->tracer->stream[cpu];
    struct trace_tail tail;
    int err = 0;
    s->is_stopped = true;
    if (!s->is_open)
        return 0;
    s->size = s->open;
    trace_find_tail(s->window, end, s->end_tsc, &tail);
    if (tail.events > 0)
        err = tracer_close(k->tracer, cpu, tail.content, tail.first, tail.last);
    s->skip = 0;
    if (err == 0 &&
        mmap(s->window, TRACE_WINDOW_BYTES, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
        err = -errno;
    return err;
}

/* After the event at which the trace stops; NULL: all that is there belongs to it. */
static int stop(struct keep *k, const struct trace_event *e, uint64_t tsc)
{
    int err = 0;
    k->phase = KEEP_OVER;
    k->stopped = tsc;
    for (unsigned c = 0; c < k->tracer->ncpus; c++) {
        uint64_t before;
        size_t end = e != NULL ? follow_at(k->follow, c, false, &before) : TRACE_WINDOW_BYTES;
        int error = stop_stream(k, c, end);
        err = err == 0 ? error : err;
    }
    return err;
}

/* --- events ------------------------------------------------------------------------------------------ */

static bool looks(const struct keep *k)
{
    return k->phase == KEEP_WAITING || (k->phase == KEEP_ON && k->o.stop.kind != TRIGGER_NONE);
}

static int look(struct keep *k)
{
    const struct trace_event *e;
    int err = 0;
    while (err == 0 && looks(k) && (e = follow_next(k->follow)) != NULL) {
        if (k->events++ == 0)
            k->first_tsc = e->tsc;
        uint64_t ns = trace_ns(&k->tracer->meta, e->tsc - k->first_tsc);
        if (k->phase == KEEP_WAITING && trigger_starts(&k->o.start, e, k->events, ns))
            err = start(k, e);
        if (k->phase == KEEP_WAITING)
            err = standing_event(k->standing, e);
        else if (err == 0 && trigger_stops(&k->o.stop, e, k->events, ns))
            err = stop(k, e, e->tsc);
    }
    return err;
}

uint64_t keep_bytes(const struct keep *k)
{
    uint64_t n = 0;
    for (unsigned c = 0; c < k->tracer->ncpus; c++) {
        const struct tracer_stream *s = &k->tracer->stream[c];
        n += s->is_open ? s->open - s->first + TRACE_WINDOW_BYTES : 0;
    }
    return n + k->told_bytes;
}

static int limit_size(struct keep *k, uint64_t tsc)
{
    if (k->o.size == 0 || keep_bytes(k) + TRACE_WINDOW_BYTES <= k->o.size)
        return 0;
    if (k->o.ring)
        return keep_drop(k);
    k->was_full = true;
    return stop(k, NULL, tsc);
}

static int complain(int err)
{
    if (err != 0)
        say("trace: cannot keep what was asked for: %s", strerror(-err));
    return err;
}

int keep_doorbell(struct keep *k, unsigned cpu, uint64_t content_bytes, uint64_t first_tsc,
                  uint64_t last_tsc)
{
    if (cpu >= k->tracer->ncpus || content_bytes > TRACE_WINDOW_BYTES || content_bytes < HEADER)
        return -EINVAL;
    struct tracer_stream *s = &k->tracer->stream[cpu];
    int err = look(k);
    if (err != 0)
        return complain(err);
    if (k->phase == KEEP_ON && s->skip < content_bytes) {
        err = tracer_doorbell(k->tracer, cpu, content_bytes, first_tsc, last_tsc);
        return err != 0 ? err : complain(limit_size(k, last_tsc));
    }
    memset(s->window + HEADER, 0, content_bytes - HEADER);
    s->skip = 0;
    s->next = HEADER;
    s->fills++;
    return 0;
}

int keep_end(struct keep *k) { return complain(look(k)); }

uint64_t keep_stopped(const struct keep *k) { return k->stopped; }

void keep_say(const struct keep *k)
{
    if (k->phase == KEEP_WAITING)
        say("trace: --trace-start has never come; the trace is empty");
    else if (k->was_full)
        say("trace: --trace-size was reached; what came later is not in it");
    else if (k->phase == KEEP_ON && k->o.stop.kind != TRIGGER_NONE)
        say_more("trace: --trace-stop has never come");
}

struct keep *keep_new(struct tracer *t, const struct keep_options *o)
{
    struct keep *k = calloc(1, sizeof(*k));
    if (k == NULL)
        return NULL;
    k->tracer = t;
    k->o = *o;
    k->phase = o->start.kind != TRIGGER_NONE ? KEEP_WAITING : KEEP_ON;
    k->follow = follow_new(t);
    k->standing = standing_new();
    for (unsigned c = 0; c < t->ncpus; c++)
        t->stream[c].not_before = k->phase == KEEP_WAITING ? UINT64_MAX : 0;
    if (k->follow != NULL && k->standing != NULL)
        return k;
    keep_free(k);
    return NULL;
}

void keep_free(struct keep *k)
{
    if (k == NULL)
        return;
    follow_free(k->follow);
    standing_free(k->standing);
    free(k);
}
