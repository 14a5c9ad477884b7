/* time.h - clocks, for the system calls on them. */
#ifndef SYS_TIME_H
#define SYS_TIME_H

#include "lib/base.h"

/* Sets CLOCK_REALTIME; who waits for a moment on it is told.  No lock held. */
void time_set_clock(uint64_t ns);
bool time_has_clock(int id); /* is there a clock of that number? */

#endif
