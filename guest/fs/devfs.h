/* devfs.h - /dev. */
#ifndef FS_DEVFS_H
#define FS_DEVFS_H

void devfs_register(void); /* as a kind of file system, "devtmpfs" */

#endif
