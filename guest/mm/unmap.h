/* unmap.h - taking pages out of an address space.  mm->lock held, or the mm
 * has no user left. */
#ifndef MM_UNMAP_H
#define MM_UNMAP_H

#include "mm/mm.h"

/* VMAs and shared tables are split at the ends of [start, end): what mm_drop() and mm_zap() ask
 * for first.  0 or -ENOMEM; -EPERM: something in it is sealed. */
int mm_cut(struct mm *mm, uaddr_t start, uaddr_t end);
/* No page is mapped in [start, end) afterwards; empty tables are freed, TLBs
 * flushed.  VMAs are not touched. */
void mm_zap(struct mm *mm, uaddr_t start, uaddr_t end, enum pt_reason why);
/* The same, and the VMAs go, too; the range is made of whole ones. */
void mm_drop(struct mm *mm, uaddr_t start, uaddr_t end, enum pt_reason why);

/* The two frames counters of an mm: one more or less leaf entry. */
enum page_kind { PAGE_OF_FILE, PAGE_ANON };
static inline void mm_count_page(struct mm *mm, enum page_kind kind, int by)
{
    mm->pages_mapped += (uint64_t)by;
    mm->pages_anon += kind == PAGE_ANON ? (uint64_t)by : 0;
    if (mm->pages_mapped > mm->hiwater_rss)
        mm->hiwater_rss = mm->pages_mapped;
}

#endif
