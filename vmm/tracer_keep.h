/* tracer_keep.h - which part of a machine's life its trace keeps: from an event on, up to an
 * event, no more than a size, or the last of it (a ring).
 *
 * The guest always tells everything.  What is not kept is followed (standing.h), so that what is kept
 * begins with a checkpoint of all that stands. */
#ifndef VMM_TRACER_KEEP_H
#define VMM_TRACER_KEEP_H

#include "vmm/keep_options.h"

struct keep;
struct tracer;

/* Before the guest runs.  NULL: no memory.  tsc_khz: the guest's. */
struct keep *keep_new(struct tracer *t, const struct keep_options *o);
void keep_free(struct keep *k);

/* Instead of tracer_doorbell(), with no vCPU in the guest; the same result. */
int keep_doorbell(struct keep *k, unsigned cpu, uint64_t content_bytes, uint64_t first_tsc,
                  uint64_t last_tsc);

/* All vCPUs have stopped, before tracer_finish().  0 or -errno. */
int keep_end(struct keep *k);
/* When recording stopped before the machine; 0: it did not. */
uint64_t keep_stopped(const struct keep *k);
/* What the user should know, a line on stderr: it never began, or was full. */
void keep_say(const struct keep *k);

/* tracer_ring.c: after tracer_finish(), the files shrink to what is in them.  0 or -errno. */
int keep_close_holes(struct keep *k);

#endif
