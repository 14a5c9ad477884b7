/* decode.c - how each kind of event lies in the stream; what a packet that nobody has closed holds. */
#include "vmm/trace/lib/decode.h"

#define NOT_F(type, field)
#define NOT_E(list, field)
#define NOT_C(field)
#define IS_S(type, field) +1
/* clang-format off */
#define CHECK_OF(id) \
    ((id) == TRACE_EV_pte_write        ? CHECK_WRITE \
     : (id) == TRACE_EV_pte_range_step ? CHECK_STEP \
     : (id) == TRACE_EV_pte_range      ? CHECK_PAIRS \
     : (id) <= TRACE_EV_pte_range_old  ? CHECK_RANGE \
     : (id) == TRACE_EV_table_alloc || (id) == TRACE_EV_table_free ? CHECK_LEVEL : CHECK_NOTHING)
/* clang-format on */
#define X(id, name, fields) \
    _Static_assert((CHECK_OF(id) >= CHECK_RANGE) == (0 fields(NOT_F, NOT_E, IS_S, NOT_C)), \
                   "sequences are of entries");
TRACE_EVENTS(X)
#undef X
#define X(id, name, fields) \
    [id] = { sizeof(struct trace_context) + sizeof(struct trace_ev_##name), CHECK_OF(id) },
const struct trace_layout trace_layouts[TRACE_ID_LIMIT] = { TRACE_EVENTS(X) };
#undef X

#define SAME_PLACE(field, of, and) \
    _Static_assert(offsetof(struct trace_ev_##of, field) == \
                       offsetof(struct trace_ev_pte_range, and), \
                   "checked as one")
SAME_PLACE(level, pte_write, level);
SAME_PLACE(index, pte_write, first);
SAME_PLACE(level, pte_range_step, level);
SAME_PLACE(first, pte_range_step, first);
SAME_PLACE(n, pte_range_step, len);
SAME_PLACE(level, pte_range_new, level);
SAME_PLACE(first, pte_range_new, first);
SAME_PLACE(len, pte_range_new, len);
SAME_PLACE(level, pte_range_old, level);
SAME_PLACE(first, pte_range_old, first);
SAME_PLACE(len, pte_range_old, len);

size_t trace_decode(const uint8_t *p, size_t room, uint64_t last, struct trace_event *e)
{
    const uint8_t *end =
        room >= EVENT_MIN && load32(p) != 0 ? decode_event(p, p + room, last, e) : NULL;
    return end != NULL ? (size_t)(end - p) : 0;
}

void trace_find_tail(const uint8_t *packet, size_t size, uint64_t not_before,
                     struct trace_tail *tail)
{
    struct trace_event e;
    size_t n;

    *tail = (struct trace_tail){ .content = PACKET_HEADER,
                                 .start = PACKET_HEADER,
                                 .first = not_before };
    if (size > PACKET_HEADER && packet[PACKET_HEADER] == TRACE_ID_EXTENDED)
        while ((n = trace_decode(packet + tail->content, size - tail->content, tail->last, &e)) !=
               0) {
            if (tail->events == 0 && e.tsc < not_before) {
                tail->start += n;
                tail->before = e.tsc;
            } else if (tail->events++ == 0) {
                tail->first = e.tsc;
            }
            tail->last = e.tsc;
            tail->content += n;
        }
    tail->last = tail->last > not_before ? tail->last : not_before;
}

size_t trace_cut_front(uint8_t *packet, size_t content, size_t from, uint64_t before,
                       uint64_t not_before, uint64_t *first)
{
    struct trace_event e = { .tsc = before };
    size_t to = PACKET_HEADER, at = from;
    const uint8_t *next;
    *first = not_before;
    /* One, mostly; what a CPU was slow to write may be older, and then there are more. */
    while (at < content && (to == PACKET_HEADER || e.tsc < not_before) &&
           (next = decode_event(packet + at, packet + content, e.tsc, &e)) != NULL) {
        size_t n = (size_t)(next - packet) - at;
        bool is_long = (packet[at] & 31) == TRACE_ID_EXTENDED;
        size_t head =
            is_long ? sizeof(struct trace_header_extended) : sizeof(struct trace_header_compact);
        struct trace_header_extended h = { TRACE_ID_EXTENDED, e.id,
                                           e.tsc > not_before ? e.tsc : not_before };
        if (to == PACKET_HEADER)
            *first = h.tsc;
        else if (to + sizeof(h) > at + head)
            break;
        memmove(packet + to + sizeof(h), packet + at + head, n - head);
        memcpy(packet + to, &h, sizeof(h));
        to += sizeof(h) + n - head;
        at += n;
    }
    memmove(packet + to, packet + at, content - at);
    return to + content - at;
}
