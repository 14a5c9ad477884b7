/* load.h - load averages. */
#ifndef SCHED_LOAD_H
#define SCHED_LOAD_H

#include "lib/base.h"

void load_init(void);
uint64_t sched_loadavg(unsigned i); /* 0..2: 1, 5, 15 minutes, << 16 */
void load_update(uint64_t now_ns);
extern uint64_t load_next; /* [a] ns: when the averages are due */
/* Before the number of runnable tasks changes. */
static inline void load_look(uint64_t now_ns)
{
    if (unlikely(now_ns >= load_next))
        load_update(now_ns);
}

#endif
