/* changes.c - see changes.h. */
#include "vmm/trace/lib/changes.h"

struct entries entries_of(const struct trace_event *e)
{
    const struct trace_ev_pte_write *w = e->fields;
    const struct trace_ev_pte_range *r = e->fields;
    switch (e->id) {
    case TRACE_EV_pte_write:
        return (struct entries){ w->va, w->table_pfn, 1, w->index, w->level, w->reason };
    case TRACE_EV_pte_range:
    case TRACE_EV_pte_range_new:
    case TRACE_EV_pte_range_old:
    case TRACE_EV_pte_range_step:
        return (struct entries){ r->va,    r->table_pfn, trace_changes(e),
                                 r->first, r->level,     r->reason };
    }
    return (struct entries){ .n = 0 };
}

struct trace_change entries_change(const struct trace_event *e, uint32_t i)
{
    const struct trace_ev_pte_write *w = e->fields;
    if (e->id == TRACE_EV_pte_write)
        return (struct trace_change){ w->old, w->new };
    return trace_change(e, i);
}
