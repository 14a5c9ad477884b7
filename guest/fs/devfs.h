/* devfs.h - /dev. */
#ifndef FS_DEVFS_H
#define FS_DEVFS_H

struct device;

void devfs_register(void); /* as a kind of file system, "devtmpfs" */
/* These have nodes, too, but only when somebody looks for them; 32 at most. */
void devfs_later(const struct device *d, unsigned n);

#endif
