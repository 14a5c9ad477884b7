/* pte.h - page-table entries as the kernel makes them; the bits are in shared/pte.h. */
#ifndef ARCH_PTE_H
#define ARCH_PTE_H

#include "arch/layout.h"
#include "shared/pte.h"

typedef uint64_t pte_t;

/* Not by pte_frame(): from its 64 bits GCC would clear the upper ones first. */
static inline pfn_t pte_pfn(pte_t e) { return (pfn_t)((e & PTE_ADDR) >> PAGE_SHIFT); }
static inline pte_t pte_make(pfn_t pfn, pte_t flags) { return (uint64_t)pfn << PAGE_SHIFT | flags; }

#endif
