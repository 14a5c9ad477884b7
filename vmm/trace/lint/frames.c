/* frames.c - see frames.h. */
#include "vmm/trace/lint/frames.h"

#include <string.h>
#include <sys/mman.h>

#define UNKNOWN_RAM (64ull << 30)
#define LARGEST_RAM (16ull << 40) /* no machine's; a damaged metadata file's */

/* The arrays lie one behind the other.  Those of a small machine are all touched sooner or later,
 * each page for a page fault of its own, which was a third of all of lint. */
#define SMALL      ((size_t)32 << 20)
#define LARGE_PAGE ((size_t)2 << 20)

bool frames_init(struct frames *f, uint64_t ram_end)
{
    memset(f, 0, sizeof(*f));
    f->n = (ram_end == 0 ? UNKNOWN_RAM : ram_end < LARGEST_RAM ? ram_end : LARGEST_RAM) >> 12;
    size_t n = (f->n + 512) & ~(size_t)511; /* at least one more, and whole pages */
    f->bytes = n * (sizeof(*f->use) + sizeof(*f->duties) + sizeof(*f->links) + sizeof(*f->owner));
    bool is_small = f->bytes <= SMALL;
    f->bytes += is_small ? LARGE_PAGE : 0;
    f->memory = mmap(NULL, f->bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (f->memory == MAP_FAILED)
        return false;
    uint8_t *at = f->memory;
    if (is_small) {
        at += -(uintptr_t)at & (LARGE_PAGE - 1);
        madvise(at, f->bytes - LARGE_PAGE, MADV_HUGEPAGE);
    }
    f->use = (uint64_t *)at;
    f->duties = (struct duty **)(f->use + n);
    f->links = (struct frame_links *)(f->duties + n);
    f->owner = (uint32_t *)(f->links + n);
    return true;
}

void frames_free(struct frames *f)
{
    if (f->use != NULL)
        munmap(f->memory, f->bytes);
}
