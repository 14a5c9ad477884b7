/* procfs.h - /proc. */
#ifndef PROCFS_PROCFS_H
#define PROCFS_PROCFS_H

struct inode;
struct superblock;

/* A new instance: its superblock and root inode.  0 or -ENOMEM. */
int procfs_mount(struct superblock **sb, struct inode **root);

#endif
