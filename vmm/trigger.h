/* trigger.h - at which event a trace starts or stops: what --trace-start and --trace-stop say. */
#ifndef VMM_TRIGGER_H
#define VMM_TRIGGER_H

#include <stdbool.h>
#include <stdint.h>

struct trace_event;

struct trigger {
    enum trigger_kind {
        TRIGGER_NONE,
        TRIGGER_TIME,   /* value: ns since the first event */
        TRIGGER_NUMBER, /* value: of the event */
        TRIGGER_EVENT,  /* value: its kind */
        TRIGGER_CALL,   /* value: of the system call */
        TRIGGER_PID,    /* value: of the task; start: it is made, stop: it has ended */
    } kind;
    uint64_t value;
    uint64_t left; /* how many of those are still to come, this one included */
};

#define TRIGGER_SPELLED "a time (1.5, 250ms), #EVENT, event=NAME[:N], call=NAME[:N] or pid=N"

/* False: it is none of the above. */
bool trigger_parse(struct trigger *t, const char *text);

/* To be asked at every event, in order.  number: the event's, from 1 on; ns: since the first. */
bool trigger_starts(struct trigger *t, const struct trace_event *e, uint64_t number, uint64_t ns);
bool trigger_stops(struct trigger *t, const struct trace_event *e, uint64_t number, uint64_t ns);

#endif
