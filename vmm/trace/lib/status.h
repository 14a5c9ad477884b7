/* status.h - how vmm-trace ends, and the one way to end it from anywhere.
 * The files that vmm links, too, do not use this: they return -ENOMEM. */
#ifndef VMM_TRACE_STATUS_H
#define VMM_TRACE_STATUS_H

/* 0 done; 1 a check found something; 2 bad usage, or the trace cannot be read, or not
 * to its end (what could be read was shown). */
enum { STATUS_OK = 0, STATUS_FOUND = 1, STATUS_TROUBLE = 2 };

void out_of_memory(void) __attribute__((noreturn));

/* What an allocation gave. */
static inline void *need(void *p)
{
    if (p == 0)
        out_of_memory();
    return p;
}

#endif
