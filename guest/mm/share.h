/* share.h - lowest page tables that fork shares instead of copying.  share.c has the rules.
 * All under mm->lock of the address space that is named. */
#ifndef MM_SHARE_H
#define MM_SHARE_H

#include "mm/gather.h"
#include "mm/pt.h"

/* Unless the kernel's command line has mm.fork=copy. */
bool share_by_default(void);
/* The tables of [va, end), as far as they follow one another and pay, get mm as one more
 * user; both lose W in the entry that leads there.  Sets *lost_w if from did.  The address up
 * to which that is done; va: not one of them.  0: no memory. */
uaddr_t share_tables(struct mm *mm, struct mm *from, const struct vma *v, uaddr_t va, bool *lost_w);

/* link leads to a shared table: mm gets one of its own, by a copy or because it is the last
 * user.  The entry for va in it; NULL: no memory, nothing is changed. */
pte_t *share_own(struct mm *mm, uaddr_t va, pte_t *link);
/* The same for all shared tables that [start, end) touches, or for those at its ends
 * that it covers in part: before a change that must not fail half way.  0 or -ENOMEM. */
int share_own_range(struct mm *mm, uaddr_t start, uaddr_t end);
int share_own_ends(struct mm *mm, uaddr_t start, uaddr_t end);

/* g->mm has no more to do with the shared tables from va on, as far as they follow one
 * another and lie below end.  How many it left; link is the first one's. */
unsigned share_leave(struct gather *g, uaddr_t va, uaddr_t end, pte_t *link);
/* For gather.c, after the flush: the reference goes, and with the last one the table. */
void share_put(struct mm *mm, uaddr_t va, pfn_t table, enum pt_reason why);

#endif
