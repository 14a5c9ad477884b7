/* feed.h - all events of a trace, for a report: table "events" of pack.h.
 *
 * Its columns are those that every event has, and then those of each kind of event, named
 * "kind.field", from the schema: a new kind, or a new field, comes along by itself.  Page-table
 * events have what they do to entries in columns of their own, entry by entry, in order:
 *     n      how many entries the event is about (one row an event)
 *     old    the old entry, exclusive-or what the replayed tables hold there (mostly 0)
 *     new    the new entry
 * An address (field va) is the difference to the address before, of whatever kind of event. */
#ifndef VMM_TRACE_FEED_H
#define VMM_TRACE_FEED_H

#include "vmm/trace/lib/follow.h"
#include "vmm/trace/lib/replay.h"
#include "vmm/trace/report/pack.h"

struct feed {
    struct pack pack;
    struct replay *replay;
    unsigned own[TRACE_ID_LIMIT]; /* the first column of a kind's own */
    uint64_t va;                  /* the last address in this block */
};

void feed_init(struct feed *f, FILE *out, unsigned trace);
/* At each event, after follow_event(); ns: since the first one. */
void feed_event(struct feed *f, const struct follow *now, const struct trace_event *e, uint64_t ns);
void feed_end(struct feed *f);

#endif
