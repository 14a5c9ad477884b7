/* pipe_size.c - the size of a pipe's ring: fcntl(2)'s F_GETPIPE_SZ and F_SETPIPE_SZ. */
#include "fs/pipe_internal.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "sched/task.h"

uint32_t pipe_max_size = PIPE_PAGES_MAX * PAGE_SIZE;

/* A power of two of pages, as Linux rounds. */
static uint32_t pipe_round(uint32_t bytes)
{
    uint32_t size = PAGE_SIZE;

    while (size < bytes)
        size *= 2;
    return size;
}

int pipe_set_max_size(uint64_t bytes)
{
    if (bytes > PIPE_PAGES_MAX * PAGE_SIZE)
        return -EINVAL;
    pipe_max_size = pipe_round((uint32_t)bytes);
    return 0;
}

long pipe_get_size(struct file *f)
{
    return file_is_pipe(f) ? (long)(pipe_of(f)->npages * PAGE_SIZE) : -EBADF;
}

/* The new ring, with the old one's pages in order.  Lock held. */
static int resize(struct pipe *p, uint32_t npages)
{
    if (p->slots != NULL)
        return pipe_slots_resize(p, npages);
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
    if (!file_is_pipe(f))
        return -EBADF;
    if (bytes > 1u << 31)
        return -EINVAL; /* no power of two that a pipe could round it up to */
    if (bytes > PIPE_PAGES_MAX * PAGE_SIZE)
        return -EPERM;
    uint32_t npages = pipe_round(bytes) / PAGE_SIZE;
    struct pipe *p = pipe_of(f);
    mutex_lock(&p->lock);
    if (npages > p->npages && npages * PAGE_SIZE > pipe_max_size && !has_cap(CAP_SYS_RESOURCE)) {
        mutex_unlock(&p->lock);
        return -EPERM;
    }
    int err = pipe_user_resize(p, npages);
    if (err == 0 && npages != p->npages) {
        err = resize(p, npages);
        if (err != 0)
            pipe_user_resized_not(p, npages);
    }
    mutex_unlock(&p->lock);
    pipe_wake(&p->write_wait);
    return err ? err : (long)(npages * PAGE_SIZE);
}
