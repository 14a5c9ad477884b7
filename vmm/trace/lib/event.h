/* event.h - one event, as readers of a trace see it (reader.h says what has been checked), and
 * which entries it is about. */
#ifndef VMM_TRACE_EVENT_H
#define VMM_TRACE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/trace/lib/schema.h"

struct trace_event {
    uint64_t tsc;
    uint32_t id; /* enum trace_event_id */
    uint32_t cpu, pid, mm;
    const void *fields; /* struct trace_ev_NAME, not aligned */
    const uint8_t *seq; /* the words of the sequence, not aligned */
    uint32_t count;     /* and how many.  Use this, not fields->len */
    const uint8_t *start;
};

/* Header and all. */
static inline size_t trace_event_bytes(const struct trace_event *e)
{
    return (size_t)(e->seq - e->start) + 8 * (size_t)e->count;
}

/* Word i of the event's sequence. */
static inline uint64_t trace_word(const struct trace_event *e, uint32_t i)
{
    uint64_t v;
    __builtin_memcpy(&v, e->seq + 8 * (size_t)i, 8);
    return v;
}

/* Entries of a table: one, or a range of neighbours. */
static inline bool is_pte_event(uint32_t id)
{
    return id <= TRACE_EV_pte_range_old || id == TRACE_EV_pte_range_step;
}
static inline bool is_pte_range(uint32_t id)
{
    return is_pte_event(id) && id != TRACE_EV_pte_write;
}

/* The i-th of the neighbours that a range is about. */
struct trace_change {
    uint64_t old, new;
};
static inline struct trace_change trace_change(const struct trace_event *e, uint32_t i)
{
    if (e->id == TRACE_EV_pte_range)
        return (struct trace_change){ trace_word(e, 2 * i), trace_word(e, 2 * i + 1) };
    if (e->id == TRACE_EV_pte_range_new)
        return (struct trace_change){ 0, trace_word(e, i) };
    if (e->id == TRACE_EV_pte_range_old)
        return (struct trace_change){ trace_word(e, i), 0 };
    const struct trace_ev_pte_range_step *s = e->fields;
    return (struct trace_change){ s->old + (uint64_t)i * s->old_step,
                                  s->new + (uint64_t)i * s->new_step };
}
static inline uint32_t trace_changes(const struct trace_event *e)
{
    if (e->id == TRACE_EV_pte_range_step)
        return ((const struct trace_ev_pte_range_step *)e->fields)->n;
    return e->id == TRACE_EV_pte_range ? e->count / 2 : e->count;
}

#endif
