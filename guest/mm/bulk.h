/* bulk.h - copies of more than some hundred bytes, where the VMM makes them cheaper. */
#ifndef MM_BULK_H
#define MM_BULK_H

#include "arch/hypercall.h"
#include "arch/layout.h"

enum bulk { BULK_TO_USER, BULK_FROM_USER, BULK_CLEAR_USER };

#define BULK_MIN 1024 /* bytes for which a hypercall and a walk of the tables pay */

/* Is a copy of n bytes from or to that kernel memory one for the functions below?
 * It has to lie in the direct map or the kernel image. */
static inline bool bulk_pays(const void *kernel, size_t n)
{
    return n >= BULK_MIN && (hc_caps & HC_CAP_BYTE_OPS) && (uintptr_t)kernel < vmap_base;
}

/* Between user memory of current and kernel memory; 0 or -EFAULT, after which any
 * part may have been done.  No spinlock held. */
int bulk_user(uaddr_t at, void *kernel, size_t n, enum bulk what);
void bulk_copy(void *to, const void *from, size_t n); /* kernel memory, may overlap */

#endif
