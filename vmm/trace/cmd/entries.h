/* entries.h - what events did to page-table entries: sums, and rows of neighbours. */
#ifndef VMM_TRACE_ENTRIES_H
#define VMM_TRACE_ENTRIES_H

#include "vmm/trace/lib/changes.h"
#include "vmm/trace/lib/follow.h"
#include "vmm/trace/lib/json.h"

struct entry_sums {
    uint64_t writes[PT_REASON_MAX + 1]; /* the last: reasons not known here */
    uint64_t allocated, freed, faults, flushes;
};
void sums_event(struct entry_sums *s, const struct trace_event *e);
void sums_print(const struct entry_sums *s); /* two lines */
void sums_json(const struct entry_sums *s, struct json *j);
const char *reason_name(unsigned reason);

/* Neighbours written one after the other. */
struct run {
    uint64_t va, event, n, changed;
    struct trace_change first;
    uint32_t mm, pid;
    uint8_t level, reason;
};
struct runs {
    struct run *at;
    size_t n, capacity;
};
void runs_event(struct runs *r, const struct follow *f, const struct trace_event *e);
void runs_print(const struct runs *r, size_t most);
void runs_json(const struct runs *r, struct json *j);
void runs_free(struct runs *r);

#endif
