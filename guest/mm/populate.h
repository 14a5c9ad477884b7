/* populate.h - pages that are wanted before anybody touches them.  mm->lock held. */
#ifndef MM_POPULATE_H
#define MM_POPULATE_H

#include "mm/mm.h"

/* All of [start, end) that is mapped, as by faults, as far as it can.  0; -EFAULT: something must not
 * be touched, or lies beyond the end of a file; -ENOMEM; -EINTR. */
int mm_populate(struct mm *mm, uaddr_t start, uaddr_t end);
/* The same to be read or to be written, all of it: 0; -ENOMEM: a hole, or no memory; -EINVAL: not
 * allowed; -EFAULT: beyond the end of a file; -EINTR. */
int mm_populate_all(struct mm *mm, uaddr_t start, uaddr_t end, bool write);

#endif
