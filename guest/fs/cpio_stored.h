/* cpio_stored.h - symlinks that stand in the image instead of their directory's tree.  Tree held. */
#ifndef FS_CPIO_STORED_H
#define FS_CPIO_STORED_H

#include "fs/cpio.h"
#include "fs/stored.h"

struct dentry;
struct inode;
struct superblock;

struct stored_run { /* dentry->stored */
    struct stored_names head;
    struct cpio_run run;
    uint8_t taken[]; /* a bit for each entry */
};
extern const struct stored_ops cpio_stored_ops;

int stored_add(struct dentry *dir, const struct cpio_run *run); /* 0 or -ENOMEM */
int symlink_inode(struct superblock *sb, const struct cpio_entry *e, struct inode **out);

#endif
