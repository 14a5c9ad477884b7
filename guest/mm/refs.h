/* refs.h - which pages were used, or written, since somebody asked. */
#ifndef MM_REFS_H
#define MM_REFS_H

#include "mm/pt.h"

/* What /proc/PID/clear_refs is told: pages count as not used (all of them, those of mappings without a
 * file, with one), or as not written. */
enum refs_of { REFS_ALL = 1, REFS_ANON, REFS_FILE, REFS_WRITTEN };
int mm_clear_refs(struct mm *mm, enum refs_of of); /* 0 or -ENOMEM, and nothing is changed */
/* Has the page been written since, or is it new?  e: its entry, or 0.  mm->lock held. */
bool mm_soft_dirty(const struct vma *v, pte_t e);

#endif
