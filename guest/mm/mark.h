/* mark.h - entries that stand for no page: guards (MADV_GUARD_INSTALL) and lost memory (UFFDIO_POISON).
 *
 * A mark is an entry without P that leads to frame 0, which is immortal, so that fork copies it, mremap moves it and munmap
 * clears it as any other.  A VMA that may have some has VM_MARKED.  What must not meet one looks for PTE_MARK: mprotect,
 * which gives P back; whoever takes pages out and leaves the mapping, as guards stay; smaps, pagemap and mincore.
 * Marks count as resident pages of a file (VmRSS).
 *
 * All: mm->lock held. */
#ifndef MM_MARK_H
#define MM_MARK_H

#include "mm/gather.h"

/* An access to an entry that is a mark: the signal, and *code. */
int mark_fault(pte_t e, int *code);
/* A write to a read-only entry of a mapping that is shared or VM_MARKED: as mm_fault(), or MARK_NONE: it is
 * private memory like any other. */
#define MARK_NONE (-1)
int mark_write(struct vma *v, uaddr_t va, pte_t *e, int *code);
/* No page is in [start, end) of v afterwards, and each access is a SIGSEGV.  -ENOMEM: a part of it is done. */
int mark_guards(struct vma *v, uaddr_t start, uaddr_t end);
void mark_remove_guards(struct vma *v, uaddr_t start, uaddr_t end);
/* mm_zap() of memory whose mapping stays: guards do. */
void mark_zap(struct vma *v, uaddr_t start, uaddr_t end, enum pt_reason why);
/* gather_change() of all of v but its marks. */
void mark_change(struct gather *g, const struct vma *v, pte_t off, pte_t on);
/* fork: the guards of a mapping whose pages are not copied.  0 or -ENOMEM. */
int mark_copy(struct mm *to, const struct vma *v);

#endif
