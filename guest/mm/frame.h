/* frame.h - page frames. Boot touches none: a watermark moves through RAM, and only what was freed goes to a list.
 * Frames above the watermark are zero, because the host hands RAM out zeroed.  Page tables have a region of their own
 * (frame_alloc_table), so that a VMM can watch it.  Each frame has a 32-bit reference count. The root image's frames
 * are immortal: get and put do nothing to them. Any CPU, any context; takes only its own spinlocks. */
#ifndef MM_FRAME_H
#define MM_FRAME_H

#include "arch/layout.h"

/* Each frame's count and, for its owner, a word: the number of used entries of a
 * table, the state of a slab, the next free frame.  refs 0: immortal, or never
 * handed out. */
struct frame {
    uint32_t refs, tag;
}; /* refs [a]; tag: its owner's lock */

/* frame_pool.c */
void frame_init(void);            /* from boot_info */
extern struct frame *frames;      /* [k] by frame number, below nframes */
extern pfn_t nframes;             /* [k] */
extern uint64_t frames_total;     /* [k] frame_counts.total */
uint64_t frames_free_about(void); /* a hint, at once */
/* pfn is not counted: how many from it on are not, at least (1). */
pfn_t frames_uncounted_from(pfn_t pfn);

/* frame.c */
static inline bool frame_counted(pfn_t pfn)
{
    return likely(pfn < nframes) && frames[pfn].refs != 0;
}

#define FRAME_FREE  0x80000000u /* refs of one in a free list */
#define FRAME_STUCK 0x40000000u /* so many, and it is never freed: a count that could wrap */
SLOW_PATH void frame_stuck(pfn_t pfn, uint32_t was);
/* Neither immortal nor stuck nor free.  A look before the count changes is enough: it lies farther
 * below its end than there are CPUs that may have looked, too. */
static inline bool frame_ordinary(uint32_t refs) { return likely(refs - 1 < FRAME_STUCK - 1); }
/* One more reference to a frame that is counted: no device, not the root image. */
static inline void frame_get_counted(pfn_t pfn, struct frame *f)
{
    uint32_t refs = __atomic_load_n(&f->refs, __ATOMIC_RELAXED);
    if (frame_ordinary(refs))
        __atomic_fetch_add(&f->refs, 1, __ATOMIC_RELAXED);
    else
        frame_stuck(pfn, refs);
}
/* For a loop over many: where the counts are is read once. */
struct frame_counts_at {
    struct frame *of;
    pfn_t n;
};
static inline struct frame_counts_at frame_counts_at(void)
{
    return (struct frame_counts_at){ frames, nframes };
}
/* frame_counted() */
static inline bool frame_counted_in(struct frame_counts_at all, pfn_t pfn)
{
    return likely(pfn < all.n) && all.of[pfn].refs != 0;
}
/* frame_get() */
static inline void frame_get_in(struct frame_counts_at all, pfn_t pfn)
{
    if (unlikely(pfn >= all.n))
        return;
    uint32_t refs = __atomic_load_n(&all.of[pfn].refs, __ATOMIC_RELAXED);
    if (frame_ordinary(refs))
        __atomic_fetch_add(&all.of[pfn].refs, 1, __ATOMIC_RELAXED);
    else if (refs != 0)
        frame_stuck(pfn, refs);
}
static inline void frame_get_inline(pfn_t pfn) { frame_get_in(frame_counts_at(), pfn); }

/* One frame, one reference; 0 when memory is out (callers: -ENOMEM). */
pfn_t frame_alloc(void); /* content: anything */
pfn_t frame_alloc_zeroed(void);
pfn_t frame_alloc_table(void); /* zeroed, from the table region; one reference */
void frame_get(pfn_t pfn);
void frame_put(pfn_t pfn); /* the last put frees it */
void frame_put_all(const pfn_t *pfn, unsigned n);
/* HUGE_FRAMES in a row, aligned, with one reference each; 0: there are none.  *zero: all zero, else
 * anything.  frame_put_huge(): each still has that one, and they go as they came. */
#define HUGE_FRAMES 512u
pfn_t frame_alloc_huge(bool *zero);
void frame_put_huge(pfn_t first);
/* That every one of them has one reference only. */
bool frame_huge_alone(pfn_t first);
/* One reference goes, but the last one: then true, and the frame is the caller's alone. */
bool frame_leave(pfn_t pfn);
uint32_t frame_refs(pfn_t pfn);                       /* immortal: UINT32_MAX */
void frame_copy_head(pfn_t to, pfn_t from, size_t n); /* n bytes; the rest becomes 0 */
static inline void frame_copy(pfn_t to, pfn_t from) { frame_copy_head(to, from, PAGE_SIZE); }
void frame_clear(pfn_t pfn);
static inline void *frame_va(pfn_t pfn) { return phys_to_virt((paddr_t)pfn << PAGE_SHIFT); }

struct frame_counts {
    uint64_t total, free, tables_used, tables_total, image;
}; /* in frames */
/* Exact while nobody allocates; what CPUs keep for themselves is free. */
void frame_count(struct frame_counts *c);

static inline void frame_set_tag(pfn_t pfn, uint32_t tag) { frames[pfn].tag = tag; }
static inline uint32_t frame_tag(pfn_t pfn) { return frames[pfn].tag; }
/* Sets bits of a tag that several owners read. */
static inline void frame_mark_tag(pfn_t pfn, uint32_t bits)
{
    __atomic_fetch_or(&frames[pfn].tag, bits, __ATOMIC_RELAXED);
}

#endif
