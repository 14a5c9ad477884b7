/* devfs.h - /dev. */
#ifndef FS_DEVFS_H
#define FS_DEVFS_H

struct device_table;
struct stored_ops;

void devfs_register(void); /* as a kind of file system, "devtmpfs" */
/* These have nodes, too, but only when somebody looks for them; 32 at most in all tables.  Their numbers are
 * found by device_register_major(). */
void devfs_later(struct device_table *t);
extern const struct stored_ops devfs_later_ops; /* of /dev, until all of them have nodes */

#endif
