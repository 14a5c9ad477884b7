/* seccomp.h - which system calls a task may make: none but four (strict), or what its filters
 * say.  Once there, a filter never goes: not by fork, not by exec; others come on top. */
#ifndef PROC_SECCOMP_H
#define PROC_SECCOMP_H

#include "sched/task.h"
#include <linux/filter.h>

long seccomp_set_strict(void); /* current; 0 or -EINVAL */
/* A filter of n instructions at `prog` in user memory.  flags: SECCOMP_FILTER_FLAG_*.
 * 0, -errno, or with TSYNC the number of a thread that cannot take it; with NEW_LISTENER a descriptor. */
long seccomp_add_filter(uaddr_t prog, unsigned n, uint64_t flags);
bool seccomp_action_known(uint32_t action);
/* The instructions of t's filter number `at`, the oldest being 0, to user memory, or only
 * how many there are; t stands still.  -ENOENT: there are fewer filters; -EINVAL: none. */
long seccomp_get_filter(struct task *t, uint64_t at, uaddr_t to);
/* struct seccomp_metadata of one of them, which `at` says by its first field; the bytes written, or the same errors. */
long seccomp_get_metadata(struct task *t, uint64_t bytes, uaddr_t at);
unsigned seccomp_filters(const struct task *t); /* tree_lock held */

/* current is about to make the call in r (its number: r->error).  False: it may not, and
 * r->rax is what it gets.  Or current ends here. */
bool seccomp_allows(struct regs *r);

/* tree_lock held.  A new task begins with current's. */
void seccomp_inherit(struct task *child);
/* tree_lock held: the filters that a dying task had, for seccomp_put() when it is not held. */
struct seccomp *seccomp_leave(struct task *t);
void seccomp_put(struct seccomp *f); /* NULL is fine */

#endif
