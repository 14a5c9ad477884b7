/* pte.h - page-table entries of x86-64: the bits that the processor knows, and those that
 * it leaves to us. */
#ifndef ARCH_PTE_H
#define ARCH_PTE_H

#include "arch/layout.h"

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
#define PTE_COW  (1ull << 9)  /* software: write-protected only for COW */
#define PTE_ANON (1ull << 10) /* software: memory of this process, no page of a file */
#define PTE_NX   (1ull << 63)
#define PTE_ADDR 0x000ffffffffff000ull

static inline pfn_t pte_pfn(pte_t e) { return (pfn_t)((e & PTE_ADDR) >> PAGE_SHIFT); }
static inline pte_t pte_make(pfn_t pfn, pte_t flags) { return (uint64_t)pfn << PAGE_SHIFT | flags; }

#endif
