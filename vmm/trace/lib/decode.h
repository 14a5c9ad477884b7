/* decode.h - the bytes of one event, looked at and found to be one.
 *
 * In a header, since reading a trace is little else: the loop of reader.c keeps what it needs in
 * registers from one event to the next. */
#ifndef VMM_TRACE_DECODE_H
#define VMM_TRACE_DECODE_H

#include <string.h>

#include "vmm/trace/lib/event.h"

/* Decodes the event at p, of which `room` bytes can be there; `last` is the time before it.  Its
 * size; 0: there is no valid event (yet: the first word is 0). */
size_t trace_decode(const uint8_t *p, size_t room, uint64_t last, struct trace_event *e);

/* Finds what an open packet holds: whole events, up to the first that is not
 * there yet (its header, which the guest writes last, is 0) or makes no sense.
 * The first event has an extended header, so the times need nothing else. */
struct trace_tail {
    size_t content;       /* bytes, the packet header included */
    uint64_t first, last; /* TSC of first and last event */
    uint64_t events;
    size_t start;    /* events before `not_before` are not the packet's: it begins here */
    uint64_t before; /* the time with which the event there is to be decoded */
};
void trace_find_tail(const uint8_t *packet, size_t size, uint64_t not_before,
                     struct trace_tail *tail);

/* Drops a packet's events before the byte `from`, whose time is to be decoded with `before`: the others
 * move to its beginning, the first with an extended header, and are no older than not_before.
 * Returns what `content` is now; *first becomes the first one's time. */
size_t trace_cut_front(uint8_t *packet, size_t content, size_t from, uint64_t before,
                       uint64_t not_before, uint64_t *first);

#define PACKET_HEADER sizeof(struct trace_packet)
#define TRACE_TSC_END \
    (1ull << 63) /* no time is as late, so that short ones cannot go beyond 64 bits */
#define EVENT_MIN (sizeof(struct trace_header_compact) + sizeof(struct trace_context))

static inline uint32_t load32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

/* How each kind lies in the stream, from the schema, and what users of page-table events rely on
 * without looking again: the level, and the slots.  Those fields are at the same place in all
 * that have them. */
enum trace_check { CHECK_NOTHING, CHECK_LEVEL, CHECK_WRITE, CHECK_STEP, CHECK_RANGE, CHECK_PAIRS };
struct trace_layout {
    uint16_t size; /* of context and fixed fields; 0: nobody knows that kind */
    uint8_t check;
};
extern const struct trace_layout trace_layouts[TRACE_ID_LIMIT];

static inline bool is_level(unsigned level) { return level - 1u < PT_LEVEL_PGD; }

/* Is what the event says of entries possible?  Finds their sequence, which begins at e->seq, if it has
 * one.  room: bytes from there on. */
static inline bool entries_ok(enum trace_check check, struct trace_event *e, size_t room)
{
    const struct trace_ev_pte_range *r = e->fields;
    const struct trace_ev_table_alloc *a = e->fields;
    if (check == CHECK_WRITE)
        return is_level(r->level) && r->first < 512;
    if (check == CHECK_LEVEL)
        return is_level(a->level);
    if (check == CHECK_STEP)
        return is_level(r->level) && r->first + r->len <= 512;
    e->count = r->len;
    unsigned slots = check == CHECK_PAIRS ? e->count / 2 : e->count;
    return room >= 8 * (size_t)e->count && is_level(r->level) && r->first + slots <= 512 &&
           (check != CHECK_PAIRS || e->count % 2 == 0);
}

/* Decodes the event at p, in bytes that end at `end`; last is the TSC before it, which may
 * be what e->tsc is.  Returns where the event ends, or NULL: there is no valid one. */
static inline __attribute__((always_inline)) const uint8_t *decode_event(const uint8_t *p,
                                                                         const uint8_t *end,
                                                                         uint64_t last,
                                                                         struct trace_event *e)
{
    if ((size_t)(end - p) < EVENT_MIN)
        return NULL;
    const uint64_t mask = (1ull << TRACE_TSC_BITS) - 1;
    const uint8_t *at = p + sizeof(struct trace_header_compact);
    uint32_t word = load32(p), id = word & ((1u << TRACE_ID_BITS) - 1);

    if (__builtin_expect(id != TRACE_ID_EXTENDED, 1)) {
        e->tsc = last + (((word >> TRACE_ID_BITS) - last) & mask);
    } else {
        struct trace_header_extended head;
        if ((size_t)(end - p) < sizeof(head) + sizeof(struct trace_context))
            return NULL;
        memcpy(&head, p, sizeof(head));
        id = head.id;
        at = p + sizeof(head);
        if (id >= TRACE_ID_LIMIT || head.tsc < last || head.tsc >= TRACE_TSC_END)
            return NULL;
        e->tsc = head.tsc;
    }
    const struct trace_layout *y = &trace_layouts[id];
    if ((size_t)y->size - 1 >= (size_t)(end - at)) /* too large, or 0 */
        return NULL;
    e->id = id;
    memcpy(&e->pid, at, sizeof(struct trace_context));
    e->fields = at + sizeof(struct trace_context);
    at += y->size;
    e->seq = at;
    e->count = 0;
    if (y->check != CHECK_NOTHING) {
        if (!entries_ok(y->check, e, (size_t)(end - at)))
            return NULL;
        at += 8 * (size_t)e->count;
    }
    e->start = p;
    return at;
}

#endif
