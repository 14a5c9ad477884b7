/* huge.h - huge pages: 2 MiB of anonymous memory by one entry.  huge.c has the rules.
 * All under mm->lock of the address space that is named. */
#ifndef MM_HUGE_H
#define MM_HUGE_H

#include "mm/frame.h"
#include "mm/pt.h"

/* The tag of a table in use: how many entries it has, and these.  A huge page's reserve counts
 * as full; HUGE_TAG | the page's place << HUGE_PLACE | 512. */
#define TABLE_USED   0x3ffu
#define TABLE_COPIED 0x80000000u /* a copy of it was made: frames of it may be counted elsewhere */
#define HUGE_TAG     0x40000000u
#define HUGE_PLACE   10

/* The table that an entry of level 2 leads to, or a huge page's in reserve. */
static inline pfn_t huge_or_table(pte_t link)
{
    return unlikely(link & PTE_PS) ? frame_tag(pte_pfn(link)) : pte_pfn(link);
}

/* A fault at va, where no lowest table is.  True: all of its 2 MiB are mapped now. */
bool huge_map(struct vma *v, uaddr_t va);
/* What is mapped in the 2 MiB at base becomes a huge page, whatever the mode: 0, also if it is one;
 * -EINVAL: v may have none there, or nothing is mapped; -ENOMEM. */
int huge_collapse(struct vma *v, uaddr_t base);
/* Could some of v become one by a fault? */
bool huge_eligible(const struct vma *v);
/* A fault below link, a huge page's.  True: it is settled; else va needs a table. */
bool huge_settle(struct mm *mm, uaddr_t va, pte_t *link, bool write);
/* A table of mm's own takes the huge page's place.  The entry for va in it; NULL: no memory,
 * which is only so while the page has other users. */
pte_t *huge_split(struct mm *mm, uaddr_t va, pte_t *link);
/* For share.c: the page has no user any more; nor has its reserve. */
void huge_free(pfn_t table);

/* For a page of a huge one that is to be used without mm->lock: a reference to its frame. */
pfn_t huge_get_part(pte_t huge, uaddr_t va);
/* In use, in the whole system. */
uint64_t huge_count(void);

/* Who gets them from now on: huge.c's head. */
enum huge_mode { HUGE_ALWAYS = 1, HUGE_MADVISE, HUGE_NEVER };
unsigned huge_mode(void);
void huge_set_mode(unsigned mode);

#endif
