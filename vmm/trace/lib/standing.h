/* standing.h - what stands at a moment of a trace: address spaces with their tables, tasks and what
 * each is amid, which task each CPU runs.
 *
 * It is fed the events that a trace is not to keep, and then tells a short history of ordinary events that
 * leads to the same: a checkpoint, with which what is kept begins.  In it each task is
 * made, runs its program, enters the call that it is in, and waits, if it does. */
#ifndef VMM_TRACE_STANDING_H
#define VMM_TRACE_STANDING_H

#include "vmm/trace/lib/reader.h"

struct standing;
struct standing *standing_new(void); /* NULL: no memory */
void standing_free(struct standing *s);

int standing_event(struct standing *s, const struct trace_event *e); /* 0 or -ENOMEM */

/* Events, one behind the other, each with an extended header. */
struct standing_text {
    uint8_t *at; /* to be freed */
    size_t size, room;
    bool failed; /* no memory */
};

/* told.c: the checkpoint without its end, all that is no CPU's own, and the marks around it. */
void standing_tell(const struct standing *s, uint64_t tsc, struct standing_text *out);
/* Who runs on a CPU, in which address space; nothing for one that has not been heard of. */
void standing_tell_cpu(const struct standing *s, unsigned cpu, uint64_t tsc,
                       struct standing_text *out);
void standing_tell_end(uint64_t tsc, struct standing_text *out);

#endif
