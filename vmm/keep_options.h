/* keep_options.h - which part of a machine's life its trace is to keep: tracer_keep.h. */
#ifndef VMM_KEEP_OPTIONS_H
#define VMM_KEEP_OPTIONS_H

#include "vmm/trigger.h"

struct keep_options {
    struct trigger start, stop;
    uint64_t size; /* of all files together; 0: any */
    bool ring;     /* the oldest is dropped, where else the end would be */
};

#define KEEP_SIZE_MIN (1ull << 20) /* and that much for each vCPU on top */

/* Does anything of it ask for more than a plain trace? */
static inline bool keep_wanted(const struct keep_options *o)
{
    return o->start.kind != TRIGGER_NONE || o->stop.kind != TRIGGER_NONE || o->size != 0;
}

/* May recording end before the machine does? */
static inline bool keep_ends_early(const struct keep_options *o)
{
    return o->stop.kind != TRIGGER_NONE || (o->size != 0 && !o->ring);
}

#endif
