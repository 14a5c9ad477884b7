/* trace.h - the checks of the trace itself: T1, T2, T5, T7, T8. */
#ifndef VMM_TRACE_LINT_TRACE_H
#define VMM_TRACE_LINT_TRACE_H

#include "vmm/trace/lint/state.h"

/* What the replay found; arg: struct lint. */
void lint_trace_replayed(void *arg, const struct replay_violation *v);

/* Whether the event may happen now.  Before it is applied. */
void lint_trace_event(struct lint *l, const struct trace_event *e);
/* The event happens to the state; what it does to the replayed tables is replay_event()'s. */
void lint_trace_apply(struct lint *l, const struct trace_event *e);
/* All have happened; what the reader found on the way. */
void lint_trace_end(struct lint *l);

#endif
