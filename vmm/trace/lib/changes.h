/* changes.h - which page-table entries an event is about, whatever its kind, and what became of
 * each of them. */
#ifndef VMM_TRACE_CHANGES_H
#define VMM_TRACE_CHANGES_H

#include "vmm/trace/lib/reader.h"

/* Bytes of the address space that an entry of that level stands for. */
static inline uint64_t entry_span(unsigned level) { return 1ull << (12 + 9 * (level - 1)); }

/* The entries that one page-table event is about; n 0: another kind of event. */
struct entries {
    uint64_t va;
    uint32_t table_pfn, n;
    unsigned first, level, reason;
};
struct entries entries_of(const struct trace_event *e);
struct trace_change entries_change(const struct trace_event *e, uint32_t i);

#endif
