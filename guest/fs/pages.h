/* pages.h - the index of a file's frames by page number.  inode->pages_lock held. */
#ifndef FS_PAGES_H
#define FS_PAGES_H

#include "lib/base.h"

#define PAGES_SLOT_BITS 6

struct page_index {  /* all, and the nodes: the inode's pages_lock */
    unsigned height; /* levels of nodes */
    union {
        pfn_t pfn;  /* height 0 */
        void *node; /* of pointers to nodes, or of frames at height 1 (pages.c) */
    };
};

pfn_t pages_get(const struct page_index *x, uint64_t i);
int pages_set(struct page_index **x, uint64_t i, pfn_t pfn); /* slot was empty; 0 or -ENOMEM */
/* First page at or after *i: its frame and *i, or 0. */
pfn_t pages_next(const struct page_index *x, uint64_t *i);
/* Takes the pages of [first, last] out and puts their frames; returns how many. */
uint64_t pages_drop(struct page_index **x, uint64_t first, uint64_t last);
/* The same for the first of them, a node's at most; false: there are none. */
bool pages_drop_some(struct page_index **x, uint64_t first, uint64_t last, uint64_t *dropped);

#endif
