/* export.h - a trace in the formats of other tools, a file each; cmd/export.c picks one.
 *
 * An exporter reads events until export_next() gives NULL and writes as it goes: what it
 * remembers is bounded by what lives at a time.  It opens nothing: it may run confined, with
 * no way to a file but what is open. */
#ifndef VMM_TRACE_EXPORT_EXPORT_H
#define VMM_TRACE_EXPORT_EXPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "vmm/trace/lib/reader.h"

struct export
{
    struct trace *trace;
    FILE *out;
    uint64_t first_tsc; /* of the first event: times are from there on */
    bool begun;
};

/* The next event; NULL at the end, or when the output cannot be written any more. */
const struct trace_event *export_next(struct export *x);
/* Nanoseconds since the first event. */
uint64_t export_ns(const struct export *x, uint64_t tsc);

struct export_format {
    const char *name, *what;
    bool binary; /* not for a terminal */
    bool seeks;  /* only to a file; prepare() before the files are closed */
    bool (*prepare)(int fd, const char *file); /* false after one line */
    bool (*run)(struct export *x);             /* false after one line */
};
extern const struct export_format export_formats[]; /* ends with name NULL */

/* chrome.c */
bool export_chrome(struct export *x);
/* perfetto.c */
bool export_perfetto(struct export *x);
/* sqlite.c */
bool export_sqlite(struct export *x);
/* csv.c */
bool export_csv(struct export *x);
/* graph.c */
bool export_mermaid(struct export *x);
/* graph.c */
bool export_dot(struct export *x);
/* flame.c */
bool export_flame(struct export *x);

#endif
