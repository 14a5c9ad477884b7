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

/* The same for one entry, which a fault has led to a fresh page of the program's own, or a copy: a
 * pte_write.  Here only l->table is set. */
bool lint_bulk_fault(struct lint *l, const struct trace_event *e);

#endif
