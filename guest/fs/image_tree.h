/* image_tree.h - a tmpfs's tree out of a root image with an index (shared/root_index.h).  Tree held. */
#ifndef FS_IMAGE_TREE_H
#define FS_IMAGE_TREE_H

#include "lib/base.h"

struct superblock;

/* The index lies at `index`, whose frame is `first`; all of it is mapped.  Nothing is made of it but
 * the root directory.  0, -EINVAL, -ENOMEM. */
int image_tree_place(struct superblock *sb, void *index, uint64_t bytes, pfn_t first);

#endif
