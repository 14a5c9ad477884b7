/* pte.h - page-table entries of x86-64: the bits that the processor knows, with short
 * forms of the SDM's names, and those that it leaves to the kernel.  Source: SDM volume 3A,
 * 4.5.5.  The kernel writes entries; the trace, the audit and the report read them. */
#ifndef SHARED_PTE_H
#define SHARED_PTE_H

#include <stdint.h>

#define PTE_P    (1ull << 0) /* present */
#define PTE_W    (1ull << 1) /* writable */
#define PTE_U    (1ull << 2) /* user mode may use it */
#define PTE_PWT  (1ull << 3)
#define PTE_PCD  (1ull << 4)
#define PTE_A    (1ull << 5)  /* accessed: set by the processor behind the kernel's back */
#define PTE_D    (1ull << 6)  /* dirty: same */
#define PTE_PS   (1ull << 7)  /* a 2 MiB or 1 GiB page, levels PMD and PUD */
#define PTE_G    (1ull << 8)  /* global */
#define PTE_COW  (1ull << 9)  /* software: write-protected only for copy on write */
#define PTE_ANON (1ull << 10) /* software: memory of this process, no page of a file */
#define PTE_MARK \
    (1ull << 11) /* software: not present, leads nowhere, and says what an access gets */
#define PTE_WP   (1ull << 52) /* software: a write is for userfaultfd(2) to decide */
#define PTE_LOST (1ull << 53) /* software: with PTE_MARK, memory that is lost; without, a guard */
#define PTE_NX   (1ull << 63) /* not executable */
#define PTE_ADDR 0x000ffffffffff000ull

/* What two entries are compared without. */
#define PTE_AD (PTE_A | PTE_D)

/* The frame, or the table, that an entry leads to. */
static inline uint64_t pte_frame(uint64_t entry) { return (entry & PTE_ADDR) >> 12; }

#endif
