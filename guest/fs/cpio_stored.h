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
/* Puts the one of that name, if it is stored, into the tree.  dir->stored is set.  0 or -ENOMEM. */
int stored_take(struct dentry *dir, uint64_t key, const char *name, size_t len);
int stored_take_all(struct dentry *dir); /* 0 or -ENOMEM */
int symlink_inode(struct superblock *sb, const struct cpio_entry *e, struct inode **out);

#endif
