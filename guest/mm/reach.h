/* reach.h - user memory through the tables, for a kernel that has none of it mapped. */
#ifndef MM_REACH_H
#define MM_REACH_H

#include "lib/base.h"

/* Settles a fault that the kernel found itself: entry/trap.c.  0: look again. */
typedef int reach_fault(uaddr_t at, uint32_t error);
void reach_init(reach_fault *fault);

#endif
