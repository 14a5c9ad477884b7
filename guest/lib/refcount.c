/* refcount.c - what has gone too far; see refcount.h.
 * Whoever counts a stuck one up or down puts it back into the middle of the range, which is
 * farther from its ends than there can be CPUs on the way. */
#include "lib/refcount.h"

SLOW_PATH void ref_overflow(struct refcount *r)
{
    __atomic_store_n(&r->n, REF_STUCK, __ATOMIC_RELAXED);
}

SLOW_PATH void ref_underflow(struct refcount *r)
{
    if (ref_read(r) > REF_STUCK / 2)
        panic("a reference too many was put: count %d", ref_read(r));
    __atomic_store_n(&r->n, REF_STUCK, __ATOMIC_RELAXED);
}

void ref_dead(struct refcount *r)
{
    panic("a reference was taken of what nobody holds: %lx", (unsigned long)(uintptr_t)r);
}
