/* tlb.h - what was unmapped leaves the TLBs before it is used for anything else.
 *
 * Whoever takes entries out of tables collects the frames (and the tables that
 * got empty) in a struct gather.  They are put only after the flush that
 * gather_flush() does, so that no CPU can reach memory through a stale
 * translation once that memory has a new owner. */
#ifndef MM_TLB_H
#define MM_TLB_H

#include "arch/cpu.h"
#include "mm/mm.h"

/* Translations of [start, end) leave the TLB of every CPU that has mm's root
 * (kernel_mm: of all).  Returns when they are gone.  Any locks may be held. */
void tlb_flush(struct mm *mm, uint64_t start, uint64_t end);
void tlb_flush_mm(struct mm *mm);
/* The entry of va got more rights and kept its frame: this CPU shall know at once.
 * Others may fault once more and find it so. */
void tlb_flush_here(struct mm *mm, uaddr_t va);
/* May a CPU other than this one have a translation of mm before its lock is released?
 * mm->lock held. */
static inline bool tlb_others(const struct mm *mm)
{
    /* A single user is current, and who is not there cannot make another. */
    return unlikely(ncpus > 1) && ref_read(&mm->users) > 1;
}
/* This CPU runs in that mm from now on (NULL: in none; it keeps the root). */
void mm_activate(struct mm *mm);
/* No CPU has mm's root afterwards; mm has no user left. */
void tlb_leave(struct mm *mm);

/* Does what other CPUs have asked of this one.  Every loop that waits for another
 * CPU calls it (by cpu_relax_poll()), and the handler of IRQ_TLB. */
void tlb_serve(void);
static inline void tlb_poll(void)
{
    if (unlikely(__atomic_load_n(&this_cpu()->tlb.inbox, __ATOMIC_RELAXED) != 0))
        tlb_serve();
}

/* In between, no other CPU does anything: each stands in an interrupt from user mode or the idle loop, or in a
 * loop that waits for another CPU.  One caller at a time. */
void cpus_hold(void);
void cpus_release(void);

/* For gather.c: tlb_flush() that may be about freed tables, too. */
void tlb_flush_wish(struct mm *mm, uint64_t start, uint64_t end, enum tlb_wish wish);

#endif
