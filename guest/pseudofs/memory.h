/* memory.h - what memory is used for, in KiB, as /proc/meminfo and a node's meminfo tell it. */
#ifndef PSEUDOFS_MEMORY_H
#define PSEUDOFS_MEMORY_H

#include "lib/base.h"

struct memory_use {
    uint64_t total, free, available;
    uint64_t files; /* as on Linux, those of a tmpfs are cached and shared */
    uint64_t slab, slab_reclaimable, slab_used;
    uint64_t reclaimable; /* of the kernel's: the slab's, and stacks that are kept */
    uint64_t stacks, tables, huge;
};

void memory_use_ask(struct memory_use *m);
/* Pages of data and stacks that programs may fill, and of files: what overcommit_memory 2 limits. */
uint64_t memory_promised(void);

#endif
