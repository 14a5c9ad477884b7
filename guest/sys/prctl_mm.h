/* prctl_mm.h - the part of prctl(2) that is about the program's memory. */
#ifndef SYS_PRCTL_MM_H
#define SYS_PRCTL_MM_H

#include "lib/base.h"

/* PR_SET_MM: what /proc tells of the memory, and where the heap is, as the caller says. */
long set_mm(uint64_t what, uint64_t a, uint64_t b, uint64_t c);
/* PR_SET_MDWE, PR_GET_MDWE: code comes from files, or stays what it is. */
long set_no_new_code(uint64_t bits);
long no_new_code(void);

#endif
