/* layout.h - the kernel's part of every address space.  One root entry makes it up, so a
 * new root costs one store.  Linked, that is slot 511:
 *
 *   0xffffff8000000000  direct map of physical memory, up to 510 GiB, 2 MiB pages, RW
 *                       and NX, mapped as far as the frame allocator has come
 *   0xffffffff80000000  kernel image at its physical address
 *   0xffffffffc0000000  VMAP: stacks with guard pages, device registers
 *
 * The image is position-independent, and the other two lie where the image lies. */
#ifndef ARCH_LAYOUT_H
#define ARCH_LAYOUT_H

#include "arch/machine.h"
#include "lib/base.h"

extern const uint64_t kernel_base, direct_map, vmap_base;
/* The same for an initializer. */
#define KERNEL_LOAD 0x100000ull /* kernel.ld */
#define KERNEL_BASE ((uint64_t)kernel_start - KERNEL_LOAD)
#define VMAP_BASE   (KERNEL_BASE + (1ull << 30))

#define DIRECT_MAX       (510ull << 30) /* bytes */
#define VMAP_BYTES       0x3f000000ull
#define KERNEL_ROOT_SLOT 511

static inline void *phys_to_virt(paddr_t pa) { return (void *)(direct_map + pa); }
/* Of a direct map or kernel image address. */
static inline paddr_t virt_to_phys(const void *va)
{
    uint64_t a = (uint64_t)va;
    return a >= kernel_base ? a - kernel_base : a - direct_map;
}

#endif
