/* pipe_size.c - the size of a pipe's ring: fcntl(2)'s F_GETPIPE_SZ and F_SETPIPE_SZ. */
#include "fs/pipe_internal.h"
#include "mm/frame.h"
#include "mm/heap.h"

long pipe_get_size(struct file *f)
{
    return f->ops == &fifo_fops ? (long)(pipe_of(f)->npages * PAGE_SIZE) : -EBADF;
}

/* The new ring, with the old one's pages in order.  Lock held. */
static int resize(struct pipe *p, uint32_t npages)
{
    uint32_t first = (uint32_t)(p->start / PAGE_SIZE);
    uint32_t keep = (uint32_t)((p->start % PAGE_SIZE + p->used + PAGE_SIZE - 1) / PAGE_SIZE);
    if (keep > npages || keep > p->npages ||
        p->claimed != 0) /* the second: start and end share a page */
        return -EBUSY;
    pfn_t *page = kzalloc(npages * sizeof(*page));
    if (page == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < p->npages; i++) {
        pfn_t pfn = p->page[(first + i) % p->npages];
        if (i < keep)
            page[i] = pfn;
        else if (pfn != 0)
            frame_put(pfn);
    }
    kfree(p->page);
    p->page = page;
    p->npages = npages;
    p->start %= PAGE_SIZE;
    return 0;
}

long pipe_set_size(struct file *f, uint32_t bytes)
{
    if (f->ops != &fifo_fops)
        return -EBADF;
    if (bytes > 1u << 31)
        return -EINVAL; /* no power of two that a pipe could round it up to */
    if (bytes > PIPE_PAGES_MAX * PAGE_SIZE)
        return -EPERM;
    uint32_t npages = 1; /* a power of two, as Linux rounds */
    while (npages * PAGE_SIZE < bytes)
        npages *= 2;
    struct pipe *p = pipe_of(f);
    mutex_lock(&p->lock);
    int err = npages == p->npages ? 0 : resize(p, npages);
    mutex_unlock(&p->lock);
    pipe_wake(&p->write_wait);
    return err ? err : (long)(npages * PAGE_SIZE);
}
