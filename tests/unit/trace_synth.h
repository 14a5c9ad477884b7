/* trace_synth.h - makes traces without a guest: writes events into a tracer's
 * window the way the guest does, at times that the test chooses. */
#ifndef TESTS_TRACE_SYNTH_H
#define TESTS_TRACE_SYNTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/trace_schema.h"
#include "vmm/tracer.h"

struct synth {
    struct tracer *tracer;
    unsigned cpu;
    uint8_t *window;
    size_t at;                 /* offset of the next event */
    uint64_t tsc, first, last; /* now; of the packet's first event; of the last one */
    uint32_t pid;
    uint64_t events;
};

/* A fresh directory under /tmp; the string is static. */
const char *synth_dir(void);
/* Removes a directory and the files in it. */
void synth_remove(const char *dir);

struct tracer *synth_tracer(const char *dir, unsigned ncpus);
void synth_start(struct synth *s, struct tracer *t, unsigned cpu, uint64_t tsc);

/* Appends an event one tick later than the last; rings when it does not fit. */
void synth_event(struct synth *s, uint32_t id, uint32_t mm, const void *fields, size_t size,
                 const uint64_t *words, unsigned n);
void synth_doorbell(struct synth *s);

#define SYNTH(s, name, mm, ...) \
    do { \
        struct trace_ev_##name fields_ = { __VA_ARGS__ }; \
        synth_event(s, TRACE_EV_##name, mm, &fields_, sizeof(fields_), NULL, 0); \
    } while (0)

void synth_write(struct synth *s, uint32_t mm, uint32_t table, unsigned index, unsigned level,
                 unsigned reason, uint64_t old, uint64_t new);
void synth_range_new(struct synth *s, uint32_t mm, uint32_t table, unsigned first, unsigned reason,
                     const uint64_t *words, unsigned n);
void synth_table(struct synth *s, uint32_t mm, uint32_t table, unsigned level, unsigned reason);
void synth_enter(struct synth *s, uint32_t mm, unsigned nr, uint64_t a0, uint64_t a1);
void synth_exit(struct synth *s, uint32_t mm, unsigned nr, int64_t ret);
/* The CPU goes on with that task.  One changes its state; who runs goes to sleep; who runs wakes one. */
void synth_switch(struct synth *s, uint32_t pid);
void synth_state(struct synth *s, uint32_t task, unsigned prev, unsigned next, unsigned reason,
                 uint32_t on, uint32_t by);
void synth_block(struct synth *s, unsigned reason, uint32_t on);
void synth_wake(struct synth *s, uint32_t task, unsigned reason);

/* Runs a command of vmm-trace with these arguments, up to a NULL; what it prints, up to
 * size - 1 bytes, comes into text, and what it says on stderr nowhere.  Its status. */
int synth_run(int (*command)(int, char **), char *text, size_t size, ...);

#endif
