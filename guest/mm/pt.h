/* pt.h - page tables: x86-64, four levels.  pt.c is the only place in the
 * kernel that stores to a table, user's or kernel's; each store carries its
 * reason and is reported to the trace. */
#ifndef MM_PT_H
#define MM_PT_H

#include "arch/pte.h"
#include "arch/ring3.h"
#include "mm/mm.h"

/* Entries are found and named by their address in the direct map: it tells the
 * table's frame and the index.  A table's frame_tag() is the number of its
 * entries that are not 0, so that an empty one is known without a look at it. */
#define PT_SPAN    (PAGE_SIZE * 512) /* what one lowest table maps */
#define WORK_TABLE 60u               /* instructions to the next one in a loop, about (preempt.h) */
static inline pfn_t pt_table_of(const pte_t *e) { return (pfn_t)(virt_to_phys(e) >> PAGE_SHIFT); }
static inline unsigned pt_index(const pte_t *e)
{
    return ((uintptr_t)e & (PAGE_SIZE - 1)) / sizeof *e;
}

#define PT_USER_TABLE (PTE_P | PTE_W | PTE_U)
static inline pte_t pt_kernel_table(void) { return PTE_P | PTE_W | (ring3() ? PTE_U : 0); }

/* A root with the kernel half in place: mm->root.  0 or -ENOMEM.  pt_root_free:
 * the user half is empty; no CPU has it in CR3. */
int pt_root_new(struct mm *mm, uint32_t from_mm);
void pt_root_free(struct mm *mm, enum pt_reason why);

/* The lowest-level entry for va; NULL if there is no table with one. */
pte_t *pt_find(const struct mm *mm, uint64_t va);
/* What the processor makes of it: 0 without a table, and no W in a shared one; its part of a huge
 * page. */
pte_t pt_entry(const struct mm *mm, uint64_t va);
/* The same, to be written: makes the tables, and one of mm's own of a shared one or of a huge page
 * (share.h).
 * NULL: no memory. */
pte_t *pt_make(struct mm *mm, uint64_t va, enum pt_reason why);
/* The same where there is a table of mm's own; else NULL. */
pte_t *pt_own(const struct mm *mm, uint64_t va);
/* Entry of the given level (2: of 2 MiB); tables above are made. */
pte_t *pt_make_level(struct mm *mm, uint64_t va, unsigned level, enum pt_reason why);
/* Entry of level 2 that leads to va's lowest table, or is a huge page's; NULL: there is none. */
pte_t *pt_link(const struct mm *mm, uint64_t va);
/* To a table that mm may write to: neither shared, nor a huge page. */
static inline bool pt_link_own(pte_t link) { return (link & (PTE_W | PTE_PS)) == PTE_W; }
/* A lowest table that no entry leads to yet; 0: no memory. */
pfn_t pt_table_new(struct mm *mm, uint64_t va, enum pt_reason why);
/* Moves *va on to the first address below end that has a lowest table, and
 * returns its entry there; NULL: there is none.  No huge page is on the way. */
pte_t *pt_next_table(const struct mm *mm, uaddr_t *va, uaddr_t end);
/* The entry leading there, or a huge page's. */
pte_t *pt_next_link(const struct mm *mm, uaddr_t *va, uaddr_t end);
static inline pte_t *pt_entry_in(pte_t link, uaddr_t va)
{
    return (pte_t *)phys_to_virt(link & PTE_ADDR) + ((va >> PAGE_SHIFT) & 511);
}
/* What the processor makes of a huge page's entry at va: as a lowest table would have it. */
static inline pte_t pt_huge_part(pte_t huge, uaddr_t va)
{
    return (huge & ~PTE_PS) + (va & (PT_SPAN - 1) & PAGE_MASK);
}

/* First entry in [e, stop) that is not 0, or stop. */
pte_t *pt_next_used(pte_t *e, pte_t *stop);

/* The stores.  Each adds to cpu.pte_writes and is reported. */
void pt_write(struct mm *mm, uint64_t va, pte_t *e, unsigned level, enum pt_reason why, pte_t new);
/* n entries in one table, of the lowest level where none is named: all 0 before; all 0 after;
 * all used, with the bits `off` removed and `on` added (how many changed is returned). */
void pt_fill(struct mm *mm, uint64_t va, pte_t *e, unsigned level, unsigned n, enum pt_reason why,
             const pte_t *new);
/* The frames from first's on, one after the other, until an entry is used or n are
 * filled.  How many. */
unsigned pt_fill_run(struct mm *mm, uint64_t va, pte_t *e, unsigned n, enum pt_reason why,
                     pte_t first);
void pt_clear(struct mm *mm, uint64_t va, pte_t *e, unsigned level, unsigned n, enum pt_reason why);
unsigned pt_change(struct mm *mm, uint64_t va, pte_t *e, unsigned level, unsigned n,
                   enum pt_reason why, pte_t off, pte_t on);

/* If the lowest table at va is there and empty, it and what gets empty above it
 * is unlinked and given to the gather. */
struct gather;
void pt_prune(struct mm *mm, uaddr_t va, struct gather *g);

#endif
