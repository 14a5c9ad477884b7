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

#include "vmm/trace/lib/event.h"
#include "vmm/trace/lib/metadata.h"

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

#endif
