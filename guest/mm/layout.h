/* layout.h - the kernel half of every address space.  Two root entries make it
 * up, so a new root costs two stores.
 *
 *   0xffff800000000000  direct map of physical memory, up to 512 GiB
 *                       (root entry 256), 2 MiB pages, RW and NX, mapped as far
 *                       as the frame allocator has come
 *   0xffffffff80000000  kernel image at its physical address (root entry 511)
 *   0xffffffffc0000000  VMAP: stacks with guard pages, device registers */
#ifndef MM_LAYOUT_H
#define MM_LAYOUT_H

#include "lib/base.h"

#define DIRECT_MAP  0xffff800000000000ull
#define KERNEL_BASE 0xffffffff80000000ull
#define VMAP_BASE   0xffffffffc0000000ull
#define VMAP_END    0xffffffffff000000ull
#define KERNEL_ROOT_SLOTS \
    { \
        256, 511 \
    }

static inline void *phys_to_virt(paddr_t pa) { return (void *)(DIRECT_MAP + pa); }
/* Of a direct map or kernel image address. */
static inline paddr_t virt_to_phys(const void *va)
{
    uint64_t a = (uint64_t)va;
    return a >= KERNEL_BASE ? a - KERNEL_BASE : a - DIRECT_MAP;
}

#endif
