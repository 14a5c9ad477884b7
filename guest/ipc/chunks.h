/* chunks.h - arrays that may be longer than a page of the heap: elements of a size that is a
 * power of two, in pages of their own. */
#ifndef IPC_CHUNKS_H
#define IPC_CHUNKS_H

#include "lib/base.h"

struct chunks {
    void **page; /* NULL: no array */
    uint32_t npages, per_page, size;
};

#define CHUNKS_MAX (512u * 512u) /* elements, of 8 bytes at most */

int chunks_alloc(struct chunks *c, size_t n, uint32_t size); /* zeroed: 0 or -ENOMEM */
void chunks_free(struct chunks *c);

static inline void *chunk_at(const struct chunks *c, size_t i)
{
    return (char *)c->page[i / c->per_page] + i % c->per_page * c->size;
}

#endif
