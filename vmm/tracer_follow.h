/* tracer_follow.h - the events of all vCPUs as they come, straight from the windows: what a
 * reader of the files would get, merged by time, as far as it is there.
 *
 * No vCPU is in the guest meanwhile (world.h), and each packet is read to its end before its
 * doorbell slides the window; then no event is missed, and none seen twice. */
#ifndef VMM_TRACER_FOLLOW_H
#define VMM_TRACER_FOLLOW_H

#include "vmm/trace/lib/reader.h"

struct tracer;
struct follow;

struct follow *follow_new(struct tracer *t); /* NULL: no memory */
void follow_free(struct follow *f);

/* The next event, good until the next call; NULL: there is none now. */
const struct trace_event *follow_next(struct follow *f);
/* The byte of a vCPU's window at which its first event lies that was not returned, and the time
 * before it; with `again`, the one that was returned last, if it is this vCPU's. */
size_t follow_at(const struct follow *f, unsigned cpu, bool again, uint64_t *before);
/* The vCPU in whose packet there is something that is no event, since the guest wrote it; or -1. */
int follow_broken(const struct follow *f);

const struct trace_meta *follow_meta(const struct follow *f);

#endif
