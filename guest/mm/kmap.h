/* kmap.h - the kernel's own mappings. */
#ifndef MM_KMAP_H
#define MM_KMAP_H

#include "arch/pte.h"
#include "mm/mm.h"

extern struct mm kernel_mm; /* id 0: owner of kernel tables; has no user half */
void mm_init(void);         /* the kernel's own tables: W^X; adopts boot's */

/* Kernel memory with its own mappings. */
void *map_device(paddr_t at, size_t n); /* uncached registers; for ever */
void *map_window(paddr_t at, size_t n); /* write-back memory outside RAM; for ever */

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

/* For kstack.c.  A range of VMAP for ever, 0: there is none; vmap_lock held, as for all writes
 * to its entries. */
extern struct spinlock vmap_lock;
uint64_t kmap_range(size_t n, size_t align);
pte_t kmap_page(pte_t flags); /* an entry's flags besides */

#endif
