/* procfs.h - /proc. */
#ifndef PROCFS_PROCFS_H
#define PROCFS_PROCFS_H

#include "fs/vfs.h"

/* A new instance: its superblock and root inode.  0 or -ENOMEM. */
int procfs_mount(struct superblock **sb, struct inode **root);

/* For readdir: hands one entry out.  false: no more room, stop. */
bool dirent_emit(struct dirent_sink *sink, const char *name, size_t len, uint64_t ino,
                 uint8_t d_type, uint64_t next_pos);

#endif
