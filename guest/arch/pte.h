/* pte.h - page-table entries as the kernel makes them; the bits are in shared/pte.h. */
#ifndef ARCH_PTE_H
#define ARCH_PTE_H

#include "arch/layout.h"
#include "shared/pte.h"

typedef uint64_t pte_t;

static inline pfn_t pte_pfn(pte_t e) { return (pfn_t)pte_frame(e); }
static inline pte_t pte_make(pfn_t pfn, pte_t flags) { return (uint64_t)pfn << PAGE_SHIFT | flags; }

#endif
