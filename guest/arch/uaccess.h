/* uaccess.h - the only way to user memory.
 * A user page may be missing, read-only for COW or not there at all; the page
 * fault handler settles that (and takes mm->lock: so hold no spinlock, nor the
 * current mm's lock).  All: 0 or -EFAULT, with part of it perhaps copied. */
#ifndef ARCH_UACCESS_H
#define ARCH_UACCESS_H

#include "lib/base.h"

extern uint64_t user_end; /* [k] where the kernel runs in ring 3 it has the last root slot */
#define USER_END user_end /* first address that is not user memory */

static inline bool user_range(uaddr_t at, size_t n) { return n <= USER_END && at <= USER_END - n; }

int copy_from_user(void *to, uaddr_t from, size_t n);
int copy_to_user(uaddr_t to, const void *from, size_t n);
int clear_user(uaddr_t at, size_t n);
/* Length without the NUL, -EFAULT, or -ENAMETOOLONG if there is no NUL in room bytes. */
long strncpy_from_user(char *to, uaddr_t from, size_t room);
/* A structure that grows with the versions of the ABI: what is missing of ours is 0, what is more
 * must be, or -E2BIG. */
int copy_struct_from_user(void *to, size_t ours, uaddr_t from, size_t theirs);
/* One aligned word, atomically: for futexes.  *old gets what was there. */
int user_cmpxchg32(uaddr_t at, uint32_t *old, uint32_t expected, uint32_t desired);

/* Where user memory is not mapped in the kernel, these find it (mm/reach.c). */
struct user_reach {
    /* Kernel address of that byte, good up to the end of its page; NULL: -EFAULT. */
    char *(*begin)(uaddr_t at, bool write);
    void (*end)(void);
};
void uaccess_reach_by(const struct user_reach *r); /* from now on */

#define get_user(value, at) copy_from_user(&(value), (at), sizeof(value)) /* value: an lvalue */
#define put_user(value, at) \
    ({ \
        __typeof__(value) v_ = (value); \
        copy_to_user((at), &v_, sizeof(v_)); \
    })

#endif
