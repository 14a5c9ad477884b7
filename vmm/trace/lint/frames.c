/* frames.c - see frames.h. */
#include "vmm/trace/lint/frames.h"

#include <stdlib.h>
#include <string.h>

#include "vmm/trace/lib/status.h"

#define BLOCK_BITS 9 /* frames in a block */
#define BLOCK      (1u << BLOCK_BITS)

struct frames {
    struct frame **block; /* NULL: none of its frames was named yet */
    uint32_t blocks;
};

struct frames *frames_new(void) { return calloc(1, sizeof(struct frames)); }

void frames_free(struct frames *f)
{
    if (f == NULL)
        return;
    for (uint32_t i = 0; i < f->blocks; i++)
        free(f->block[i]);
    free(f->block);
    free(f);
}

static struct frame *new_block(struct frames *f, uint32_t n)
{
    if (n >= f->blocks) {
        f->block = need(realloc(f->block, (n + 1) * sizeof(f->block[0])));
        memset(f->block + f->blocks, 0, (n + 1 - f->blocks) * sizeof(f->block[0]));
        f->blocks = n + 1;
    }
    struct frame *b = need(calloc(BLOCK, sizeof(*b)));
    for (uint32_t i = 0; i < BLOCK; i++)
        b[i].pfn = n << BLOCK_BITS | i;
    return f->block[n] = b;
}

struct frame *frame_at(struct frames *f, uint32_t pfn)
{
    uint32_t n = pfn >> BLOCK_BITS;
    struct frame *b = n < f->blocks ? f->block[n] : NULL;
    if (b == NULL)
        b = new_block(f, n);
    return b + (pfn & (BLOCK - 1));
}
