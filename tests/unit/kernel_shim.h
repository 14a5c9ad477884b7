/* kernel_shim.h - what kernel sources need to run in a host program: a CPU (GS
 * points to it), a current task, a heap that can be told to fail, frames that
 * are only counted, mutexes that check their use.  One thread.
 * The kernel's headers bring Linux's own types, which the C library's <stdlib.h>,
 * <sys/...> and <time.h> redefine: a file has either these or those. */
#ifndef KERNEL_SHIM_H
#define KERNEL_SHIM_H

#include "mm/frame.h"
#include "mm/heap.h"
#include "sched/task.h"

void shim_init(void);               /* first thing in main() */
extern struct task shim_task;       /* current: root, in no file system yet */
extern struct process shim_process; /* its process: RLIM_INFINITY everywhere */
extern long shim_fail_after;        /* that many allocations succeed, then none; -1: all do */
long shim_objects(void);            /* kmalloc'ed and not freed */
unsigned shim_random(void);         /* the same in every run */
long shim_frames(void);             /* frames allocated and not freed */

#endif
