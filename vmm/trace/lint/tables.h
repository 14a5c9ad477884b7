/* tables.h - what an entry may say: T5's links, M2's frames, M5. */
#ifndef VMM_TRACE_LINT_TABLES_H
#define VMM_TRACE_LINT_TABLES_H

#include "vmm/trace/lint/state.h"

/* Before the replay. */
void lint_tables_write(struct lint *l, const struct lint_write *w);
void lint_tables_before(struct lint *l, const struct trace_event *e);
void lint_tables_end(struct lint *l); /* what was counted */

#endif
