/* sysfs.h - /sys. */
#ifndef SYSFS_SYSFS_H
#define SYSFS_SYSFS_H

void sysfs_register(void); /* as a kind of file system; what mounts it makes the instance */

#endif
