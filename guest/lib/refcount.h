/* refcount.h - how many hold an object.
 *
 * A count that has gone too far in either direction is never trusted again.  More references
 * than 2^31 stick: the object is lost, and stays.  A put too many stops the machine, and so
 * does in a kernel with MEMCHECK a get of what nobody holds.  Both cost one instruction, a jump
 * on the sign that the addition has left.
 *
 * The last put is the last access: it comes after all others' accesses, in program order. */
#ifndef LIB_REFCOUNT_H
#define LIB_REFCOUNT_H

#include "lib/base.h"

struct refcount { /* [a] */
    int32_t n;
};
#define REF_STUCK (INT32_MIN / 2)

KEEPS_REGISTERS void ref_overflow(struct refcount *r); /* refcount.c */
KEEPS_REGISTERS void ref_underflow(struct refcount *r);
void ref_dead(struct refcount *r) __attribute__((noreturn));

static inline void ref_init(struct refcount *r, int32_t n) { r->n = n; }

/* Exact for who holds all of them, else a hint. */
static inline int32_t ref_read(const struct refcount *r)
{
    return __atomic_load_n(&r->n, __ATOMIC_ACQUIRE);
}

/* The first reference, or one more. */
static inline void ref_get_any(struct refcount *r)
{
    if (unlikely(__atomic_add_fetch(&r->n, 1, __ATOMIC_RELAXED) < 0))
        CALL_KEEPING(ref_overflow, r);
}

/* One more, by somebody who has one. */
static inline void ref_get(struct refcount *r)
{
    if (MEMCHECK && ref_read(r) == 0)
        ref_dead(r);
    ref_get_any(r);
}

/* True: that was the last.  In assembler, as one jump tells both 0 and less. */
static inline bool ref_put(struct refcount *r)
{
    __asm__ goto("lock decl %0\n\tjle %l[low]" : : "m"(r->n) : "memory", "cc" : low);
    return false;
low: /* if it was ours that led to 0, nobody counts on from there */
    if (likely(r->n == 0))
        return true;
    CALL_KEEPING(ref_underflow, r);
    return false;
}

/* One more, unless there is none: for who found the object in a list.  False: it is dying. */
static inline bool ref_get_unless_dead(struct refcount *r)
{
    int32_t n = ref_read(r);

    do {
        if (n == 0)
            return false;
    } while (!__atomic_compare_exchange_n(&r->n, &n, (int32_t)((uint32_t)n + 1), false,
                                          __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
    if (unlikely(n < 0 || n == INT32_MAX))
        ref_overflow(r);
    return true;
}

#endif
