/* head.h - what a report must know of a trace before its tables: the machine, the schema by
 * which events are shown, the sums, lint's verdicts.  One JSON object. */
#ifndef VMM_TRACE_HEAD_H
#define VMM_TRACE_HEAD_H

#include "vmm/trace/lib/calls.h"
#include "vmm/trace/lint/checks.h"
#include "vmm/trace/report/story.h"

struct head {
    const char *dir; /* as the user calls it */
    struct trace *trace;
    struct calls *calls;
    struct lint_result *lint;
    const struct story *story;
};
/* As a <script> element of a type that no browser runs. */
void head_write(FILE *out, unsigned trace, const struct head *h);

#endif
