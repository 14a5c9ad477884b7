/* chunks.c - arrays over pages of the heap. */
#include "ipc/chunks.h"
#include "arch/preempt.h"
#include "mm/heap.h"

#define WORK_PAGE 700u /* instructions, about (arch/preempt.h) */

int chunks_alloc(struct chunks *c, size_t n, uint32_t size)
{
    uint32_t per_page = (uint32_t)(n * size <= PAGE_SIZE ? n : PAGE_SIZE / size);

    *c = (struct chunks){ .per_page = per_page, .size = size };
    uint32_t npages = (uint32_t)((n + per_page - 1) / per_page);
    c->page = kzalloc(npages * sizeof(void *));
    if (c->page == NULL)
        return -ENOMEM;
    for (; c->npages < npages; c->npages++) {
        c->page[c->npages] = kzalloc((size_t)per_page * size);
        if (c->page[c->npages] == NULL) {
            chunks_free(c);
            return -ENOMEM;
        }
        preempt_tell(WORK_PAGE);
    }
    return 0;
}

void chunks_free(struct chunks *c)
{
    for (uint32_t i = 0; i < c->npages; i++)
        kfree(c->page[i]);
    kfree(c->page);
    c->page = NULL;
    c->npages = 0;
}
