/* trace_cpu.h - where a CPU writes its next trace event. */
#ifndef TRACE_TRACE_CPU_H
#define TRACE_TRACE_CPU_H

#include <stdint.h>

struct trace_cpu {
    uint8_t *window;        /* TRACE_WINDOW_BYTES, NULL: no trace */
    uint8_t *next;          /* in the window: where the next event goes */
    uint8_t *limit;         /* last place where a single event surely fits */
    uint64_t last_tsc;      /* of the last event; of the doorbell in a fresh packet */
    uint64_t first_tsc;     /* of the packet's first event */
};

#endif
