/* share.h - tables that several address spaces lead to: S1, S2, S3, F1 and F7 for links. */
#ifndef VMM_TRACE_LINT_SHARE_H
#define VMM_TRACE_LINT_SHARE_H

#include "vmm/trace/lint/state.h"

/* An event is about to write to a lowest table that not exactly one entry, with W, leads to. */
void lint_share_table(struct lint *l, uint32_t pfn);
/* An entry of level 2 changes that leads, or led, to a lowest table. */
void lint_share_link(struct lint *l, const struct lint_write *w);
/* An entry of level 2 changes that is, or was, a huge page. */
void lint_share_huge(struct lint *l, const struct lint_write *w);
/* A table is freed.  True: nobody led to it, so it is no address space's. */
bool lint_share_freed(struct lint *l, uint32_t pfn);
void lint_share_end(struct lint *l);

#endif
