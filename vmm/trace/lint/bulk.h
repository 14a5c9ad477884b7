/* bulk.h - the events of which a trace has most: the ranges that fork copies, that exit and
 * exec tear down, the copy of a shared table, the fresh memory that a fault brings.
 *
 * lint_bulk() looks at all entries of such an event at once.  Either it can see that no rule is
 * broken by any of them, and the event happens, to the counts and to the replayed table; or
 * nothing happens, and each entry has to be looked at by the checks themselves, which
 * then say what is wrong.  So it need not know how to say it. */
#ifndef VMM_TRACE_LINT_BULK_H
#define VMM_TRACE_LINT_BULK_H

#include "vmm/trace/lint/state.h"

/* The event is a range of entries of l->table, l->mm and l->copied_from are set.
 * True: done. */
bool lint_bulk(struct lint *l, const struct trace_event *e);

#define USUAL_BITS  (PTE_NX | PTE_ADDR | 0xfffull)
#define USER_LOWEST 0x10000ull
#define USER_END    (1ull << 47)

/* n entries of a program's have been written. */
static inline void lint_bulk_count(struct lint *l, uint64_t n)
{
    l->writes += n;
    l->mm->writes += n;
}

#endif
