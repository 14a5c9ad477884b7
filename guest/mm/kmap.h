/* kmap.h - the kernel's own mappings. */
#ifndef MM_KMAP_H
#define MM_KMAP_H

#include "mm/mm.h"

extern struct mm kernel_mm; /* id 0: owner of kernel tables; has no user half */
void mm_init(void);         /* the kernel's own tables: W^X; adopts boot's */

/* Kernel memory with its own mappings. */
#define KSTACK_BYTES (3 * PAGE_SIZE)
uintptr_t kstack_alloc(void); /* top of a stack of that size above a guard page; 0: no memory.
                                 * Reuses freed ones: then no entry is written */
void kstack_free(uintptr_t top);
void *map_device(paddr_t at, size_t n); /* uncached registers; for ever */
void *map_window(paddr_t at, size_t n); /* write-back memory outside RAM; for ever */
/* Called by the trace once it records: emits all live tables as the checkpoint. */
void mm_trace_checkpoint(void);

/* kernel_mm gets the tables that boot.asm began with. */
void kmap_adopt_boot(void);
/* The direct map reaches up to this physical address, whole 2 MiB pages. */
extern paddr_t kmap_direct_end; /* [a] only grows */
static inline bool kmap_direct_covers(paddr_t at)
{
    return at < __atomic_load_n(&kmap_direct_end, __ATOMIC_ACQUIRE);
}
/* Makes it reach `end` at least.  0 or -ENOMEM.  Takes table frames. */
int kmap_direct(paddr_t end);
/* A part above that: a module that the loader put at the top of RAM.  Stays. */
int kmap_direct_part(paddr_t start, paddr_t end);
/* Keeps some stacks ready, so that a vfork or clone need not map one.  Called
 * where entries are written anyway; running out of memory is no failure here. */
void kstack_replenish(void);
/* Stacks that there are, and those of them that are kept for the next task. */
void kstack_count(uint64_t *all, uint64_t *kept);

#endif
