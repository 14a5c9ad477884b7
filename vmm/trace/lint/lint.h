/* lint.h - does a trace obey the rules?
 *
 * lint_run() reads a trace to its end and checks, event by event, what must hold in
 * every run of the kernel; docs/trace.md defines each check.  A check fails at an
 * event; what comes later is judged as if that event had been right.
 *
 * Where something is missing from the trace (lost packets, a broken stream), what
 * looks wrong afterwards may only be unknown: that makes a check inconclusive,
 * not failed. */
#ifndef VMM_TRACE_LINT_H
#define VMM_TRACE_LINT_H

#include "vmm/trace/lib/reader.h"
#include "vmm/trace/lint/checks.h"

/* Reads t to its end.  0 or -ENOMEM. */
int lint_run(struct trace *t, struct lint_result *result);

#endif
