/* copy.h - what fork copies. */
#ifndef MM_COPY_H
#define MM_COPY_H

#include "mm/mm.h"

/* VMAs and private pages of from into the empty mm.  Both locks held.  -ENOMEM:
 * part of it is there, to be put. */
int mm_copy(struct mm *mm, struct mm *from);

#endif
