/* trace_cpu.h - where a CPU writes its next trace event. */
#ifndef TRACE_TRACE_CPU_H
#define TRACE_TRACE_CPU_H

#include <stdint.h>

struct trace_cpu {      /* [o], once its CPU runs; but: trace_long_stamps() */
    uint8_t *next;      /* in the window: where the next event goes */
    uint8_t *limit;     /* up to here an event without a sequence surely fits */
    uint8_t *window;    /* TRACE_WINDOW_BYTES, NULL: no trace */
    uint32_t epoch;     /* TSC >> TRACE_TSC_BITS of the last event */
    uint32_t pid;       /* of the task that runs here */
    uint64_t first_tsc; /* of the packet's first event */
};

#endif
