/* devfs.h - device nodes.  A node is found by its number, whoever made it
 * (mknod too), so opening an inode goes through dev_fops(). */
#ifndef FS_DEVFS_H
#define FS_DEVFS_H

#include "lib/base.h"

struct file_ops;
struct inode;
struct superblock;

const struct file_ops *dev_fops(uint32_t mode, uint32_t rdev); /* NULL: -ENXIO */
void dev_open_prepare(struct inode *in);                       /* private of a tty's node */
int devfs_get(struct superblock **out); /* the only instance; made at the first call */
/* The nodes that /dev starts with: name, mode, rdev; ends with NULL. */
struct dev_node {
    const char *name;
    uint32_t mode, rdev;
};
extern const struct dev_node dev_nodes[];

#endif
