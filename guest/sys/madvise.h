/* madvise.h - advice on memory, for system calls. */
#ifndef SYS_MADVISE_H
#define SYS_MADVISE_H

#include "lib/base.h"

struct mm;

/* What madvise(2) does, in any address space: 0 or -errno. */
int madvise_range(struct mm *mm, uaddr_t at, size_t len, int advice);

#endif
