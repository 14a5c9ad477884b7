/* frames.h - what is known of each frame of the guest's memory: who maps it, who links
 * to it if it is a table, which flushes are owed before it has a new use.
 *
 * Flat arrays with an element for each frame of RAM, so that the neighbours which most
 * ranges of entries lead to are neighbours here, too (bulk.h).  They are as large as
 * the guest's memory divided by 128, but only what belongs to frames that are named is ever
 * touched. */
#ifndef VMM_TRACE_LINT_FRAMES_H
#define VMM_TRACE_LINT_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct duty;

/* How a frame is used, in one word: two counts and three flags. */
#define FRAME_MAP    1ull               /* an entry of a program that is not 0 leads here */
#define FRAME_MAPS   0xffffffull        /* how many do */
#define FRAME_W      (1ull << 24)       /* one of them has W */
#define FRAME_WS     (FRAME_MAPS << 24) /* how many do */
#define FRAME_SHARED (1ull << 48)       /* by more than one address space since nobody had it */
#define FRAME_TABLE  (1ull << 49)       /* a page table */
#define FRAME_TEXT   (1ull << 50)       /* the kernel executes it */
#define FRAME_MULTI  (1ull << 51)       /* a table that has had several parents */

/* A table's parents: the entries that lead to it, and those of them with W. */
struct frame_links {
    uint32_t all, writable;
};

struct frames {
    uint64_t n; /* RAM ends here: no other frame has a place in the arrays */
    uint64_t *use;
    uint32_t *owner; /* the address space that mapped it when nobody did */
    struct duty **duties;
    struct frame_links *links;
    void *memory; /* with all of them */
    size_t bytes;
};

/* ram_end in bytes; 0: not known.  False: no memory. */
bool frames_init(struct frames *f, uint64_t ram_end);
void frames_free(struct frames *f);

static inline uint32_t frame_maps(const struct frames *f, uint64_t pfn)
{
    return (uint32_t)(f->use[pfn] & FRAME_MAPS);
}

static inline uint32_t frame_writable(const struct frames *f, uint64_t pfn)
{
    return (uint32_t)((f->use[pfn] & FRAME_WS) / FRAME_W);
}

/* One entry less leads to it.  Counts that a broken trace would take below 0 stay there. */
static inline void frame_unmap(struct frames *f, uint64_t pfn, bool writable)
{
    uint64_t use = f->use[pfn];
    use -= writable && (use & FRAME_WS) ? FRAME_W : 0;
    use -= (use & FRAME_MAPS) ? FRAME_MAP : 0;
    f->use[pfn] = (use & FRAME_MAPS) ? use : use & ~FRAME_SHARED;
}

/* One more does, of this address space. */
static inline void frame_map(struct frames *f, uint64_t pfn, uint32_t mm, bool writable)
{
    uint64_t use = f->use[pfn];
    if (!(use & FRAME_MAPS))
        f->owner[pfn] = mm;
    else if (f->owner[pfn] != mm)
        use |= FRAME_SHARED;
    f->use[pfn] = use + FRAME_MAP + (writable ? FRAME_W : 0);
}

#endif
