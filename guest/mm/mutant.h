/* mutant.h - the kernel with one fault put in on purpose (-DMUTANTS=1, guest-locks.elf), chosen by
 * debug.mutant=NAME on the command line.  tests/vm/kernel_mutants.t wants that lint or the audit names each
 * by the right check.  In guest.elf mutant() is constant, and nothing of this is there. */
#ifndef MM_MUTANT_H
#define MM_MUTANT_H

#include "lib/base.h"

/* clang-format off */
#define MUTANT_LIST(X)      /* name, what the kernel does wrong */ \
    X(none)                 \
    X(cow_no_flush)         /* a COW copy takes the place of a frame, and no TLB is flushed */ \
    X(fork_keeps_w)         /* fork leaves pages writable in both */ \
    X(fork_swaps_frames)    /* fork exchanges the child's frames of two neighbouring pages */ \
    X(writable_exec)        /* data that is writable is executable, too */ \
    X(wrong_until_flush)    /* a COW break stores a wrong entry, right after the next TLB flush */ \
    X(wrong_for_a_moment)   /* ... right before anything is reported */ \
    X(wrong_and_back)       /* after a COW break its entry is set wrong and put right, both unreported */ \
    X(flush_not_done)       /* a TLB flush is reported, and not done */ \
    X(munmap_leaves_one)    /* munmap leaves the last of several entries, and puts its frame */ \
    X(table_leaked)         /* a table is unlinked, and never freed */ \
    X(table_freed_early)    /* ... and freed before the flush */ \
    X(store_unreported)     /* a COW break is not reported */ \
    X(report_not_stored)    /* ... is reported, and not stored */ \
    X(share_no_flush)       /* fork shares tables, and the parent's TLBs are not flushed */ \
    X(share_keeps_w)        /* ... and the parent's entry that leads there keeps W */ \
    X(unshare_keeps_w)      /* a copy of a shared table keeps W in its entries */ \
    X(unshare_drops_one)    /* ... leaves its last entry out */ \
    X(unshare_unmarked)     /* the last user is not told that copies were made */ \
    X(shared_leaked)        /* the last user of a shared table does not free it */ \
    X(split_drops_one)      /* the table in a huge page's place lacks an entry */ \
    X(split_no_flush)       /* ... is led to while TLBs have the page */ \
    X(cow_copies_wrong)     /* the copy of a page has one byte that is not the page's */ \
    X(zeroes_all_but_one)   /* memory that begins as zeros has a byte that is none */ \
    X(huge_keeps_w)         /* fork leaves W in the parent's entry of a huge page */
enum mutant {
#define X(name) MUTANT_##name,
    MUTANT_LIST(X)
#undef X
};
/* clang-format on */

#if MUTANTS
extern enum mutant mutant_chosen;
void mutant_init(void); /* panics if there is none of that name */
static inline bool mutant(enum mutant m) { return unlikely(mutant_chosen == m); }
#else
static inline bool mutant(enum mutant m)
{
    (void)m;
    return false;
}
#endif

#endif
