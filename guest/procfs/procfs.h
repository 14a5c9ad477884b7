/* procfs.h - /proc. */
#ifndef PROCFS_PROCFS_H
#define PROCFS_PROCFS_H

void procfs_register(void); /* as a kind of file system; what mounts it makes the instance */

#endif
