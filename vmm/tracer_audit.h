/* tracer_audit.h - the VMM reads its own trace.  All vCPUs have stopped. */
#ifndef VMM_TRACER_AUDIT_H
#define VMM_TRACER_AUDIT_H

#include <stdio.h>

struct gmem;
struct tracer;

/* Replays the trace and compares every live table with guest memory, Accessed
 * and Dirty aside.  After tracer_finish().  Violations are lines in `report`.
 * 0: none; 1: some; -errno. */
int tracer_audit_final(struct tracer *t, const struct gmem *m, FILE *report);

/* The last n events of all vCPUs, a line each, oldest first. */
void tracer_last_events(struct tracer *t, unsigned n, FILE *out);

#endif
