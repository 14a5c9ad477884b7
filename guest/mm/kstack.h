/* kstack.h - kernel stacks. */
#ifndef MM_KSTACK_H
#define MM_KSTACK_H

#include "lib/base.h"

#define KSTACK_BYTES (3 * PAGE_SIZE)
/* Top of a stack of that size above a guard page; 0: no memory.  Reuses freed ones: then no
 * entry is written. */
uintptr_t kstack_alloc(void);
void kstack_free(uintptr_t top); /* no CPU is on it */
/* Keeps some stacks ready, so that a vfork or clone need not map one.  Called
 * where entries are written anyway; running out of memory is no failure here. */
void kstack_replenish(void);
/* Memory is short: all that are kept go.  False: there were none, or it cannot be done now. */
bool kstack_give_back(void);
/* Stacks that there are, and those of them that are kept for the next task. */
void kstack_count(uint64_t *all, uint64_t *kept);

#endif
