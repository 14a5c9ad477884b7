/* vfork.h - the contract of vfork: V1 to V9. */
#ifndef VMM_TRACE_LINT_VFORK_H
#define VMM_TRACE_LINT_VFORK_H

#include "vmm/trace/lint/state.h"

/* After the event was applied. */
void lint_vfork_event(struct lint *l, const struct trace_event *e);
void lint_vfork_end(struct lint *l);

#endif
