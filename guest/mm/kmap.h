/* kmap.h - the kernel's own mappings, as far as the rest of mm/ needs them. */
#ifndef MM_KMAP_H
#define MM_KMAP_H

#include "mm/mm.h"

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
