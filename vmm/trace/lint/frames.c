/* frames.c - see frames.h. */
#include "vmm/trace/lint/frames.h"

#include <stdlib.h>
#include <string.h>

#include "vmm/trace/lib/status.h"

#define BLOCK (1u << FRAME_BLOCK_BITS)

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

struct frame *frames_block(struct frames *f, uint32_t n)
{
    if (n >= f->blocks) {
        f->block = need(realloc(f->block, (n + 1) * sizeof(f->block[0])));
        memset(f->block + f->blocks, 0, (n + 1 - f->blocks) * sizeof(f->block[0]));
        f->blocks = n + 1;
    }
    struct frame *b = need(calloc(BLOCK, sizeof(*b)));
    for (uint32_t i = 0; i < BLOCK; i++)
        b[i].pfn = n << FRAME_BLOCK_BITS | i;
    return f->block[n] = b;
}
