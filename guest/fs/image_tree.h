/* image_tree.h - a tmpfs's tree out of a root image with an index (shared/root_index.h).  Tree held. */
#ifndef FS_IMAGE_TREE_H
#define FS_IMAGE_TREE_H

#include "fs/stored.h"
#include "lib/rbtree.h"

struct inode;
struct root_entry;
struct root_inode;
struct root_xattrs;
struct superblock;

struct image_dir { /* dentry->stored */
    struct stored_names head;
    uint32_t first, count; /* entries: within the table */
};

/* A file with several names, from the first that is made to the last. */
struct image_link {
    struct rb_node node;
    uint32_t inode, left; /* its number; names that are not made yet */
    struct inode *in;     /* a reference */
};

struct image_tree { /* [fs_tree] one image a machine */
    uint32_t inodes, entries, text_bytes;
    const struct root_inode *inode;
    struct root_entry *entry;
    const char *text;
    pfn_t data; /* first frame of the files' data */
    uint64_t data_pages;
    struct rb_root links; /* by number */
    const struct root_xattrs *xattrs;
    uint64_t nxattrs;
};
extern struct image_tree image_tree;
extern const struct stored_ops image_tree_ops;

/* The index lies at `index`, whose frame is `first`; all of it is mapped.  Nothing is made of it but
 * the root directory.  0, -EINVAL, -ENOMEM. */
int image_tree_place(struct superblock *sb, void *index, uint64_t bytes, pfn_t first);

#endif
