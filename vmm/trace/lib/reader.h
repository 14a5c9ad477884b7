/* reader.h - read a trace, all vCPUs merged by time.  What two vCPUs did within the
 * same nanosecond comes in the order of their numbers, as in babeltrace2.
 *
 * The bytes come from a guest, so nothing in them is believed: whatever
 * trace_next() returns has been checked to lie inside its packet, to be of a
 * known kind, and, for page-table events, to name a level 1..4 and slots below
 * 512.  A stream that breaks a rule ends there, and trace_problem() says where
 * and why; what came before stays good. */
#ifndef VMM_TRACE_READER_H
#define VMM_TRACE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/trace/lib/metadata.h"
#include "vmm/trace/lib/schema.h"

struct trace_event {
    uint64_t tsc;
    uint32_t id; /* enum trace_event_id */
    uint32_t cpu, pid, mm;
    const struct trace_class *class;
    const void *fields; /* struct trace_ev_NAME, not aligned */
    const uint8_t *seq; /* the words of the sequence, not aligned */
    uint32_t count;     /* and how many.  Use this, not fields->len */
    uint32_t bytes;     /* header and all */
};

/* What is known of one stream so far; complete when trace_next() gave NULL. */
struct trace_stream_info {
    char name[64];
    uint32_t cpu;
    uint64_t file_bytes, content_bytes, packets, events;
    uint64_t lost_packets, lost_events;
    uint64_t late_events; /* later than their packet's end by its header */
    bool open_packet;     /* ends in a packet that nobody closed */
};

struct trace;

/* Is a vmm recording into this directory?  It holds a lock (flock) on the metadata file
 * until it ends. */
bool trace_is_live(int dirfd);

/* Opens a directory; 0, or -1 with one line in err.  A packet that nobody has closed, since vmm was
 * killed or runs, is read as far as its events are whole. */
int trace_open(struct trace **out, const char *dir, char *err, size_t err_size);
/* The same in two steps, so that no byte is interpreted before a sandbox is closed between them:
 * everything that needs a descriptor or a path; then the metadata.  When the second fails, the
 * trace is still to be closed. */
int trace_open_files(struct trace **out, const char *dir, char *err, size_t err_size);
int trace_read_meta(struct trace *t, char *err, size_t err_size);

/* A stream file of the directory, which is a regular file: its descriptor and size, or -errno. */
int trace_open_stream(int dirfd, const char *name, int flags, size_t *size);

/* Reads streams that are in memory already, each from a packet's start on.
 * With open_packets, the packet that nobody has closed is read, too. */
struct trace_slice {
    const uint8_t *at;
    size_t size;
    uint32_t cpu;
};
int trace_open_slices(struct trace **out, const struct trace_slice *slice, unsigned n,
                      bool open_packets); /* 0 or -ENOMEM */
void trace_close(struct trace *t);

/* The next event of all, valid until the call after; NULL at the end. */
const struct trace_event *trace_next(struct trace *t);

const struct trace_meta *trace_meta(const struct trace *t);
unsigned trace_stream_count(const struct trace *t);
const struct trace_stream_info *trace_stream(const struct trace *t, unsigned i);
bool trace_live(const struct trace *t);           /* it was being recorded when it was opened */
const char *trace_problem(const struct trace *t); /* NULL: none so far */

/* Has anything been missing so far: lost packets or events, the rest of a stream
 * that broke, an open packet that was not read?  Streams are read a little ahead. */
bool trace_has_gap(const struct trace *t);

/* Ticks as nanoseconds at the trace's clock rate. */
uint64_t trace_ns(const struct trace_meta *m, uint64_t ticks);

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

#endif
