/* cpio_stored.h - symlinks that stand in the image instead of their directory's tree.  Tree held. */
#ifndef FS_CPIO_STORED_H
#define FS_CPIO_STORED_H

#include "lib/base.h"

struct cpio_entry;
struct cpio_run;
struct dentry;
struct inode;
struct superblock;

int stored_add(struct dentry *dir, const struct cpio_run *run); /* 0 or -ENOMEM */
int symlink_inode(struct superblock *sb, const struct cpio_entry *e, struct inode **out);

#endif
