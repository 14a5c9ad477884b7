/* ending.h - what ends by a mutex, and is put where none may be taken. */
#ifndef PROC_ENDING_H
#define PROC_ENDING_H

#include "sched/namespace.h"

/* fn(l) is called before current is in user mode again, or has ended; with no lock held.  Here spinlocks above
 * LOCK_tree must not be held.  l is the caller's memory, once at a time. */
void end_later(struct ending *l, void (*fn)(struct ending *l));
void endings_run(void); /* current is on its way there */

#endif
