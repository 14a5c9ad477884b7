/* tmpfs_mount.h - tmpfs as a kind of file system, and its options. */
#ifndef FS_TMPFS_MOUNT_H
#define FS_TMPFS_MOUNT_H

#include "lib/base.h"

struct superblock;

void tmpfs_register(void);
int tmpfs_remount(struct superblock *sb, char *data); /* its limit; or nothing changes */
/* Pages that one tmpfs may have unless told: half of RAM less the image. */
uint64_t tmpfs_share(void);
/* Of any file system: ",size=64k,mode=700"; "": none. */
#define SB_OPTIONS_ROOM 192
void sb_options(const struct superblock *sb, char text[SB_OPTIONS_ROOM]);

#endif
