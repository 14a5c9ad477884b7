/* tracer_follow.c - see tracer_follow.h.  A cursor for each vCPU; the oldest event is next.
 *
 * Events that one vCPU stamped before the world was stopped, and finished after, come later than
 * younger ones of other vCPUs.  They concern nothing that those do: for what they are about
 * their vCPU holds a lock. */
#include "vmm/tracer_follow.h"

#include <stdlib.h>

#include "vmm/trace/lib/decode.h"
#include "vmm/tracer_internal.h"

struct cursor {
    uint64_t fills;  /* of the window: which one it is in */
    size_t pos;      /* of what comes behind `ev` */
    uint64_t before; /* the time before `ev` */
    size_t start;    /* where `ev` is */
    bool has;        /* ev is an event that was not returned yet */
    bool broken;
    struct trace_event ev;
};

struct follow {
    struct tracer *tracer;
    struct cursor cursor[];
};

struct follow *follow_new(struct tracer *t)
{
    struct follow *f = calloc(1, sizeof(*f) + t->ncpus * sizeof(f->cursor[0]));
    if (f == NULL)
        return NULL;
    f->tracer = t;
    for (unsigned cpu = 0; cpu < t->ncpus; cpu++)
        f->cursor[cpu].pos = sizeof(struct trace_packet);
    return f;
}

void follow_free(struct follow *f) { free(f); }

static bool look(struct follow *f, unsigned cpu)
{
    struct cursor *c = &f->cursor[cpu];
    const struct tracer_stream *s = &f->tracer->stream[cpu];
    if (c->has || c->broken || !s->is_open)
        return c->has;
    if (c->fills != s->fills) {
        c->fills = s->fills;
        c->pos = sizeof(struct trace_packet);
        c->ev.tsc = c->before = s->end_tsc;
        c->start = c->pos;
    }
    const uint8_t *at = s->window + c->pos;
    size_t room = TRACE_WINDOW_BYTES - c->pos;
    struct trace_event next = { .cpu = cpu };
    size_t n = trace_decode(at, room, c->ev.tsc, &next);
    c->has = n > 0;
    if (c->has) {
        c->before = c->ev.tsc;
        c->start = c->pos;
        c->ev = next;
    }
    /* The first byte is stored with the event's last word; an extended header's id before it. */
    c->broken = n == 0 && room > 0 && at[0] != 0;
    c->pos += n;
    return c->has;
}

/* Where the first event is that was not returned, and the time with which it is to be decoded;
 * after an event of that vCPU, with `again`, where that one is. */
size_t follow_at(const struct follow *f, unsigned cpu, bool again, uint64_t *before)
{
    const struct cursor *c = &f->cursor[cpu];
    bool is_ahead = c->has || again;
    *before = is_ahead ? c->before : c->ev.tsc;
    return is_ahead ? c->start : c->pos;
}

const struct trace_event *follow_next(struct follow *f)
{
    struct cursor *best = NULL;
    pthread_mutex_lock(&f->tracer->lock); /* is_open */
    for (unsigned cpu = 0; cpu < f->tracer->ncpus; cpu++)
        if (look(f, cpu) && (best == NULL || f->cursor[cpu].ev.tsc < best->ev.tsc))
            best = &f->cursor[cpu];
    pthread_mutex_unlock(&f->tracer->lock);
    if (best == NULL)
        return NULL;
    best->has = false;
    return &best->ev;
}

int follow_broken(const struct follow *f)
{
    for (unsigned cpu = 0; cpu < f->tracer->ncpus; cpu++)
        if (f->cursor[cpu].broken)
            return (int)cpu;
    return -1;
}

const struct trace_meta *follow_meta(const struct follow *f) { return &f->tracer->meta; }
