/* tree_priv.h - a tree from within: what tree.c makes, tree_index.c writes down. */
#ifndef VMM_ROOT_TREE_PRIV_H
#define VMM_ROOT_TREE_PRIV_H

#include <stdbool.h>
#include <stddef.h>

#include "shared/root_index.h"

struct node {
    uint32_t name; /* offset in text */
    uint32_t parent, inode, child, sibling, chain;
    uint16_t len, layer;
    bool gone;
};

struct root_tree {
    struct node *node;
    struct root_inode *inode; /* lost: its number in the index, and 1; nlink: names met there */
    char *text;
    uint32_t *bucket; /* a power of two of them */
    uint32_t nodes, nodes_room, inodes, inodes_room, buckets;
    size_t text_bytes, text_room;
    uint16_t layer;
    const char *wrong;
    struct root_xattrs *xattr; /* inode: as in node; the last of an inode counts */
    uint32_t xattrs, xattrs_room;
    /* of the walk */
    uint32_t *order;
    uint32_t steps, kept;
};

#endif
