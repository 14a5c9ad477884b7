/* cpio_tree.h - makes a tmpfs's tree from an archive that stays in memory.  Tree held. */
#ifndef FS_CPIO_TREE_H
#define FS_CPIO_TREE_H

#include "lib/base.h"

struct dentry;
struct superblock;

int cpio_unpack(struct superblock *sb, const char *image, size_t bytes, pfn_t first);
/* A later entry, of no directory, has d's name: it goes; false: it is a directory with something in it. */
bool dentry_replace(struct dentry *d);

#endif
