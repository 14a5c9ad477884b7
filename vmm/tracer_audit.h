/* tracer_audit.h - the VMM reads its own trace.  All vCPUs have stopped. */
#ifndef VMM_TRACER_AUDIT_H
#define VMM_TRACER_AUDIT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "vmm/trace/lib/replay.h"

struct gmem;
struct tracer;

/* Replays the trace and compares every live table with guest memory, Accessed
 * and Dirty aside; m NULL: recording ended before the machine, so that its events have only to fit
 * together.  After tracer_finish().  Violations are lines in `report`.
 * How many, a trace that does not read to its end being one; or -errno. */
int64_t tracer_audit_final(struct tracer *t, const struct gmem *m, FILE *report);

/* How a violation is told.  event: the number of the last event that was replayed, as
 * vmm-trace counts; first_tsc: of event 1. */
#define AUDIT_LINES_MAX 40 /* after that only counted */
struct audit_report {
    FILE *out;
    unsigned lines;
    const struct trace_meta *meta;
    uint64_t event, first_tsc;
};
void audit_print(void *report, const struct replay_violation *v);

/* The last n events of all vCPUs, a line each, oldest first. */
void tracer_last_events(struct tracer *t, unsigned n, FILE *out);

#endif
