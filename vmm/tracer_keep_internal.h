/* tracer_keep_internal.h - for tracer_keep.c and tracer_ring.c. */
#ifndef VMM_TRACER_KEEP_INTERNAL_H
#define VMM_TRACER_KEEP_INTERNAL_H

#include "vmm/keep_options.h"
#include "vmm/trace/lib/standing.h"
#include "vmm/tracer_internal.h"

#define HEADER sizeof(struct trace_packet)

struct keep {
    struct tracer *tracer;
    struct keep_options o;
    enum { KEEP_WAITING, KEEP_ON, KEEP_OVER } phase;
    struct follow *follow;
    struct standing *standing; /* after what was dropped */
    uint64_t events, first_tsc, stopped;
    uint64_t told_bytes;  /* of the checkpoint in the files */
    uint64_t dropped_tsc; /* standing is that of this time */
    bool was_full;
};

/* A checkpoint: each vCPU's part. */
struct told {
    uint64_t begin, end;
    struct standing_text of[];
};

/* tracer_keep.c: */
uint64_t keep_aligned(uint64_t n);
uint64_t keep_bytes(const struct keep *k);

struct told *keep_new_told(const struct keep *k);
void keep_free_told(const struct keep *k, struct told *told);
int keep_tell(const struct keep *k, unsigned holder, uint64_t start, struct told *told);
int keep_write_told(const struct keep *k, unsigned cpu, const struct told *told, uint64_t seq,
                    uint64_t size);
int keep_move_window(const struct keep *k, unsigned cpu, uint64_t room);

/* tracer_ring.c: drops the oldest packets.  0, also where it has to wait; or -errno. */
int keep_drop(struct keep *k);

#endif
