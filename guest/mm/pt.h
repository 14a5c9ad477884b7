/* pt.h - page tables: x86-64, four levels.  pt.c is the only place in the
 * kernel that stores to a table, user's or kernel's; each store carries its
 * reason and is reported to the trace. */
#ifndef MM_PT_H
#define MM_PT_H

#include "mm/mm.h"

typedef uint64_t pte_t;
#define PTE_P    (1ull << 0)
#define PTE_W    (1ull << 1)
#define PTE_U    (1ull << 2)
#define PTE_PWT  (1ull << 3)
#define PTE_PCD  (1ull << 4)
#define PTE_A    (1ull << 5)
#define PTE_D    (1ull << 6)
#define PTE_PS   (1ull << 7)
#define PTE_G    (1ull << 8)
#define PTE_COW  (1ull << 9)    /* software: write-protected only for COW */
#define PTE_NX   (1ull << 63)
#define PTE_ADDR 0x000ffffffffff000ull

static inline pfn_t pte_pfn(pte_t e) { return (pfn_t)((e & PTE_ADDR) >> PAGE_SHIFT); }
static inline pte_t pte_make(pfn_t pfn, pte_t flags) { return (uint64_t)pfn << PAGE_SHIFT | flags; }

#endif
