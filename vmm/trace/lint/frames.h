/* frames.h - what is known of each frame of the guest's memory: who maps it, who links
 * to it if it is a table, which flushes are owed before it has a new use.
 *
 * A frame's record is found by its number in two steps, in blocks that are made when
 * the first of their frames is named; so they take what the guest's memory in use takes,
 * divided by 85. */
#ifndef VMM_TRACE_LINT_FRAMES_H
#define VMM_TRACE_LINT_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

struct duty;

struct frame {
    struct duty *duties;
    uint32_t pfn;
    uint32_t maps;     /* entries of programs that are not 0 and lead here */
    uint32_t writable; /* of those, with W */
    uint32_t owner;    /* the address space of the first one; 0: not known */
    uint32_t links;    /* entries that lead to it as a table */
    uint16_t writable_links;
    uint16_t used;       /* of a user's table: entries that are not 0 */
    bool is_shared;      /* has been mapped by more than one address space since maps was 0 */
    bool is_table;       /* of a user's address space, or a kernel's */
    bool is_kernel_text; /* the kernel executes it */
};

#define FRAME_BLOCK_BITS 9 /* frames in a block */

struct frames {
    struct frame **block; /* NULL: none of its frames was named yet */
    uint32_t blocks;
};
struct frames *frames_new(void); /* NULL: no memory */
void frames_free(struct frames *f);
struct frame *frames_block(struct frames *f,
                           uint32_t n); /* makes it; ends the program if memory is out */

static inline struct frame *frame_at(struct frames *f, uint32_t pfn)
{
    uint32_t n = pfn >> FRAME_BLOCK_BITS;
    struct frame *b = n < f->blocks ? f->block[n] : 0;
    if (b == 0)
        b = frames_block(f, n);
    return b + (pfn & ((1u << FRAME_BLOCK_BITS) - 1));
}

#endif
