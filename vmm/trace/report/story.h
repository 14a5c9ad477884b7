/* story.h - who did what in a trace, for a report: tables of pack.h.
 *
 *     names    from an event on, a task is called so
 *     owners   from an event on, a task has that address space
 *     runs     a vCPU had a task, from one switch to the next
 *     waits    why, on whom, what ended it: the words of `vmm-trace blocked`
 *     calls    each call and its sums: those of `vmm-trace call`
 *     tasks    by which call made, born, ended, reaped
 *
 * A row goes out when it is whole, so they are in the order of their ends.  What is remembered
 * grows with the tasks only. */
#ifndef VMM_TRACE_STORY_H
#define VMM_TRACE_STORY_H

#include "vmm/trace/lib/follow.h"
#include "vmm/trace/report/pack.h"

#define STORY_CPUS 256u

struct story_run {
    uint32_t pid;
    uint64_t ns;
};

struct story {
    struct trace *trace;
    struct follow follow;
    struct pack names, owners, runs, waits, calls, tasks;
    struct story_run run[STORY_CPUS];
    bool used_call[512]; /* numbers of system calls that occur, the small ones */
    uint64_t now;        /* ns since the first event */
};

void story_init(struct story *s, FILE *out, unsigned trace, struct trace *t);
void story_event(struct story *s, const struct trace_event *e);
void story_end(struct story *s); /* writes what is still under way */
void story_free(struct story *s);

#endif
