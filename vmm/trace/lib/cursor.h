/* cursor.h - trace_next() for loops over all events, of which it is the larger part: inline, and what
 * it needs of a stream. */
#ifndef VMM_TRACE_CURSOR_H
#define VMM_TRACE_CURSOR_H

#include "vmm/trace/lib/decode.h"

#define TRACE_PREFETCH 1024

struct trace;

/* A stream begins with one. */
struct trace_cursor {
    const uint8_t *at, *end; /* of the events in this packet */
    uint64_t bound;          /* while it is read: its events before this time are next */
    uint64_t events;         /* read so far */
    struct trace_event ev;   /* the one to be returned next; its time is that of the last one, or
                              * its packet's begin */
};

/* A trace begins with this. */
struct trace_head {
    struct trace_cursor *current; /* whose event was returned last; or one that has none */
};

/* reader.c: the event is in another packet, or there is none, or something is wrong with it; and it
 * may be that another stream's comes first. */
const struct trace_event *trace_next_packet(struct trace *t);
const struct trace_event *trace_beyond_bound(struct trace *t);

static inline __attribute__((always_inline)) const struct trace_event *trace_next_inline(
    struct trace *t)
{
    struct trace_cursor *c = ((struct trace_head *)t)->current;
    __builtin_prefetch((const void *)((uintptr_t)c->at +
                                      TRACE_PREFETCH)); /* the processor's own stops at each page */
    const uint8_t *next = decode_event(c->at, c->end, c->ev.tsc, &c->ev);
    if (__builtin_expect(next == NULL, 0))
        return trace_next_packet(t);
    c->at = next;
    c->events++;
    return __builtin_expect(c->ev.tsc < c->bound, 1) ? &c->ev : trace_beyond_bound(t);
}

#endif
