/* ldt.h - a program's own table of segment descriptors, modify_ldt(2).  ldt.c has the argument. */
#ifndef MM_LDT_H
#define MM_LDT_H

#include "arch/segments.h"
#include "sched/task.h"

/* Is there more, or less, to switch of it than of most?  kthread and segments, at once. */
static inline bool task_unlike(const struct task *t)
{
    uint16_t both;
    _Static_assert(offsetof(struct task, segments) == offsetof(struct task, kthread) + 1, "");
    __builtin_memcpy(&both, &t->kthread, sizeof both);
    return both != 0;
}

struct segments segments_of(const struct task *t); /* current, or one that does not run */

/* Entry i of mm's becomes `descriptor`.  mm->lock held: 0 or -ENOMEM.  Other CPUs have the old table until they
 * come to ldt_return(). */
int ldt_set(struct mm *mm, unsigned i, uint64_t descriptor);
/* How many there are, and n of them from `from` on: those that there are not are 0.  mm->lock held. */
unsigned ldt_count(const struct mm *mm);
void ldt_get(const struct mm *mm, unsigned from, unsigned n, uint64_t *to);
/* current's child has one as well.  copied: its memory is a copy. */
void ldt_inherit(struct task *child, bool copied);
/* mm ends, and has an LDT or userfaultfds. */
void mm_end_rare(struct mm *mm);

/* t, which has task.segments, leaves this CPU, or comes to it: switch_to(). */
void ldt_leave(struct task *t);
void ldt_enter(struct task *t);
/* current runs another program, without one. */
void ldt_drop(void);
/* On the way of such a task to user mode: this CPU has the table as it is.  False: CS or SS of r may not be
 * loaded; *error is the processor's error code, *present whether it was for another reason than that the segment is
 * not there. */
bool ldt_return(struct regs *r, uint32_t *error, bool *present);

#endif
