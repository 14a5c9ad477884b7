/* frame_pool.h - between frame.c and frame_pool.c: what no CPU keeps for itself. */
#ifndef MM_FRAME_POOL_H
#define MM_FRAME_POOL_H

#include "mm/frame.h"

enum frame_kind { FRAME_USUAL, FRAME_TABLES, FRAME_KINDS };
#define FRESH_RUN 16u /* frames that a CPU takes from a watermark at once */
#define CHAIN     32u /* freed frames that go together, linked by their tags */

extern pfn_t tables_start, tables_end; /* [k] the region of page tables */

/* Chains that are full: the first frame's refs are FRAME_FREE and the first of the next
 * chain.  [the pool's lock] */
extern struct full_chains {
    pfn_t first;
    uint64_t n;
} full_chains[FRAME_KINDS];
/* Are there any?  A hint: without the lock. */
static inline bool pool_any_chain(enum frame_kind kind)
{
    return __atomic_load_n(&full_chains[kind].first, __ATOMIC_RELAXED) != 0;
}
pfn_t pool_take_chain(enum frame_kind kind); /* its first frame; 0: there is none */
void pool_put_chain(enum frame_kind kind, pfn_t first);
/* Up to n that were never handed out: how many, from *first on; 0: there are none. */
unsigned pool_take_fresh(enum frame_kind kind, unsigned n, pfn_t *first);
/* HUGE_FRAMES usual ones, aligned: the first; 0: there are none.  *fresh: never handed out. */
pfn_t pool_take_huge(bool *fresh);
void pool_put_huge(pfn_t first);
bool pool_break_huge(void); /* a free one becomes chains; false: there is none */
uint64_t pool_free(enum frame_kind kind);
uint64_t pool_image_frames(void);

/* frame.c: called by frame_init() */
void frame_caches_init(void);

#endif
