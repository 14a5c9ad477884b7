/* fill.h - pages that userfaultfd(2) puts where none is.  All: mm->lock held, va in v and the start of a page; each puts one
 * page, whatever v's rights, and -EEXIST says that something is there. */
#ifndef MM_FILL_H
#define MM_FILL_H

#include "mm/mm.h"

/* Is the page, which is not mapped, one that a userfaultfd asks about?  v has a file; where that has ended none is. */
bool fill_asks(const struct vma *v, uaddr_t va);
/* That frame, whose reference goes to the entry or to v's file; protect: a write is asked about.  Shared memory, beyond
 * the end of its file: -EFAULT.  -ENOMEM, -ENOSPC. */
int fill_page(struct vma *v, uaddr_t va, pfn_t pfn, bool protect);
/* The page that v's file has there; -EFAULT: it has none.  -ENOMEM. */
int fill_from_file(struct vma *v, uaddr_t va);
/* Each access is a SIGBUS from now on.  -ENOMEM. */
int fill_lost(struct vma *v, uaddr_t va);
/* The page at src in `from`, both private and anonymous: -ENOENT: there is none, -EBUSY: it is not v's process's alone.
 * -ENOMEM. */
int fill_by_move(struct vma *v, uaddr_t va, struct vma *from, uaddr_t src);
/* Writes to what is in [start, end) of v, which owns its tables, are asked about from now on, or not. */
void fill_protect(struct vma *v, uaddr_t start, uaddr_t end, bool protect);

#endif
