/* map.h - what mmap(2), munmap(2) and mprotect(2) do to an address space. */
#ifndef MM_MAP_H
#define MM_MAP_H

#include "mm/mm.h"

extern uint32_t max_map_count; /* [a] an address space has about so many VMAs at most */

/* The calls behind mmap(2) and friends, on an mm that may still be private to
 * exec.  Addresses and lengths as in the man pages; mm->lock is taken inside.
 * file: a reference of its own is taken.  prot: PROT_*, flags: MAP_*. */
long mm_map(struct mm *mm, uaddr_t at, size_t len, int prot, int flags, struct file *file,
            uint64_t off);
long mm_unmap(struct mm *mm, uaddr_t at, size_t len);
long mm_protect(struct mm *mm, uaddr_t at, size_t len, int prot);
/* Where mmap(2) would put so many bytes, at `at` if that is free and not 0: an address or -ENOMEM.
 * mm->lock held. */
long mm_place(struct mm *mm, uaddr_t at, size_t len);
/* The initial stack of an image, growing down to RLIMIT_STACK: the given frames
 * end at `top`, with room below.  Takes their references over if it succeeds.
 * prot may hold PROT_EXEC. */
int mm_map_stack(struct mm *mm, uaddr_t top, const pfn_t *pages, unsigned npages, int prot);

#endif
