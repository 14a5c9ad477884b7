/* frames.c - see frames.h. */
#include "vmm/trace/lint/frames.h"

#include <stdlib.h>
#include <string.h>

#define UNKNOWN_RAM (64ull << 30)
#define LARGEST_RAM (16ull << 40) /* no machine's; a damaged metadata file's */

bool frames_init(struct frames *f, uint64_t ram_end)
{
    memset(f, 0, sizeof(*f));
    f->n = (ram_end == 0 ? UNKNOWN_RAM : ram_end < LARGEST_RAM ? ram_end : LARGEST_RAM) >> 12;
    f->use = calloc(f->n + 1, sizeof(f->use[0]));
    f->owner = calloc(f->n + 1, sizeof(f->owner[0]));
    f->duties = calloc(f->n + 1, sizeof(f->duties[0]));
    f->links = calloc(f->n + 1, sizeof(f->links[0]));
    return f->use != NULL && f->owner != NULL && f->duties != NULL && f->links != NULL;
}

void frames_free(struct frames *f)
{
    free(f->use);
    free(f->owner);
    free(f->duties);
    free(f->links);
}
