/* verdicts.h - what summary and lint say as JSON, also for a report: into an object that the
 * caller has begun and will end. */
#ifndef VMM_TRACE_VERDICTS_H
#define VMM_TRACE_VERDICTS_H

#include "vmm/trace/lib/calls.h"
#include "vmm/trace/lib/json.h"
#include "vmm/trace/lint/checks.h"

/* summary.c */
void summary_json(struct json *j, struct calls *c, const struct trace *t);
/* lint.c */
void lint_json(struct json *j, const struct lint_result *r, const struct trace_meta *m);

#endif
