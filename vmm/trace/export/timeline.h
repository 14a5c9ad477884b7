/* timeline.h - a trace as slices, arrows and counters on tracks, which is what Chrome's and
 * Perfetto's viewers show.
 *
 * A track is a task or a vCPU.  On a task's: what it is called; in that its calls; in those
 * what it waits for, and rows of page-table writes that followed one another with nothing in
 * between.  Everything is given in the order of time, and on each track slices nest: what is
 * begun last ends first.  Both hold whatever the trace says. */
#ifndef VMM_TRACE_EXPORT_TIMELINE_H
#define VMM_TRACE_EXPORT_TIMELINE_H

#include "vmm/trace/export/export.h"

/* How the viewers tell tracks apart.  A task has its own numbers where they are its first
 * owner's; a pid that is used again would be drawn on the track of the one before. */
struct track {
    uint32_t pid, tid;
};
#define VCPUS_PID  1000000u /* the process whose threads are the vCPUs */
#define AGAIN_FROM 2000000u /* and from here on, numbers of later owners: plus that of the life */

struct timeline_arg {
    const char *key; /* NULL ends a list */
    enum { ARG_COUNT, ARG_SIGNED, ARG_HEX, ARG_TEXT } kind;
    uint64_t value;
    const char *text; /* perhaps the guest's */
};

/* Names may hold bytes of the guest's.  args may be NULL. */
struct timeline_sink {
    /* Before the first use of a track, and again when its name has become longer; last: it is
     * not used any more. */
    void (*describe)(void *sink, const struct track *t, const char *process, const char *thread,
                     bool last);
    void (*begin)(void *sink, uint64_t ns, const struct track *t, const char *category,
                  const char *name, const struct timeline_arg *args);
    void (*end)(void *sink, uint64_t ns, const struct track *t, const struct timeline_arg *args);
    void (*instant)(void *sink, uint64_t ns, const struct track *t, const char *category,
                    const char *name, const struct timeline_arg *args);
    /* An arrow between the slices that are open there. */
    void (*arrow)(void *sink, uint64_t ns, const struct track *from, const struct track *to,
                  const char *name, uint64_t number);
    void (*count)(void *sink, uint64_t ns, const struct track *process, const char *counter,
                  const char *key, uint64_t value);
};

void timeline_run(struct export *x, const struct timeline_sink *sink, void *arg);

#endif
