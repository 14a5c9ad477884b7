/* export.c - see export.h. */
#include "vmm/trace/export/export.h"

#include "vmm/trace/export/database.h"

const struct export_format export_formats[] = {
    { "chrome",
      "Chrome's JSON: slices, arrows and counters, for ui.perfetto.dev or chrome://tracing", false,
      false, NULL, export_chrome },
    { "perfetto", "The same as Perfetto's protobuf, smaller and exact to the nanosecond", true,
      false, NULL, export_perfetto },
    { "sqlite", "A database of tasks, calls, waits, events and entries; needs -o", true, true,
      database_prepare, export_sqlite },
    { "csv", "Events as comma-separated values, one line for each entry that changed", false, false,
      NULL, export_csv },
    { "mermaid", "The process tree as a mermaid flowchart", false, false, NULL, export_mermaid },
    { "dot", "The process tree for graphviz", false, false, NULL, export_dot },
    { "flame", "Entries written by call path, as folded stacks for flame graphs", false, false,
      NULL, export_flame },
    { 0 },
};

const struct trace_event *export_next(struct export *x)
{
    if (ferror(x->out))
        return NULL;
    const struct trace_event *e = trace_next(x->trace);
    if (e != NULL && !x->begun) {
        x->begun = true;
        x->first_tsc = e->tsc;
    }
    return e;
}

uint64_t export_ns(const struct export *x, uint64_t tsc)
{
    return trace_ns(trace_meta(x->trace), tsc - x->first_tsc);
}
