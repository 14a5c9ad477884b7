/* root.h - the root of page tables, and what this CPU has translated below it.
 *
 * In ring 3 the kernel has a root of its own, in which no program's page is, and each way
 * out to a program loads that one's: so all that was translated there is gone before it is
 * used again, and neither a change of roots nor of a program's entries costs anything. */
#ifndef ARCH_ROOT_H
#define ARCH_ROOT_H

#include "arch/cpu.h"
#include "arch/msr.h"
#include "arch/ring3.h"

#define FLUSH_PAGES 32 /* beyond that, all that is not global is cheaper */

static inline void root_reload(void)
{
    uint64_t root;
    __asm__ volatile("mov %%cr3, %0; mov %0, %%cr3" : "=r"(root) : : "memory");
}

static inline void root_flush_page(uint64_t va)
{
    __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

/* Programs run on this one from now on. */
static inline void root_load(uint64_t root)
{
    if (ring3())
        this_cpu()->user_root = root;
    else
        __asm__ volatile("mov %0, %%cr3" : : "r"(root) : "memory");
}

/* Translations of [start, end) go: a program's, or the kernel's, global or not. */
static inline void root_flush_user(uint64_t start, uint64_t end)
{
    if (ring3())
        return;
    if (end - start <= FLUSH_PAGES * PAGE_SIZE)
        for (uint64_t va = start; va < end; va += PAGE_SIZE)
            root_flush_page(va);
    else
        root_reload();
}

static inline void root_flush_kernel(uint64_t start, uint64_t end)
{
    if (ring3()) {
        ring3_flush();
    } else if (end - start <= FLUSH_PAGES * PAGE_SIZE || !cpu_has.pge) {
        root_flush_user(start, end);
    } else { /* a change of PGE drops global ones, too */
        uint64_t cr4 = read_cr4();
        write_cr4(cr4 & ~CR4_PGE);
        write_cr4(cr4);
    }
}

#endif
