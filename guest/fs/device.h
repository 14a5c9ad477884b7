/* device.h - devices by number.  A node is only a number: whoever makes one, opening it
 * leads to what has registered that number.  Block devices are majors of their own. */
#ifndef FS_DEVICE_H
#define FS_DEVICE_H

#include "lib/base.h"

struct file_ops;
struct inode;

/* As st_rdev has it, for a minor number below 256. */
#define DEV(major, minor) ((uint32_t)(major) << 8 | (minor))

struct device {
    const char *name; /* of its node in /dev */
    uint32_t mode, rdev;
    const struct file_ops *ops;
    void *private; /* the driver's */
};
struct device_table {
    const struct device *device;
    unsigned n;
    struct device_table *next; /* the list's */
};
extern const struct device_table *devices; /* in the order in which they registered */

/* Numbers of a major that come and go: find() gives the device that has one now, or NULL. */
struct device_major {
    uint32_t major;
    bool block; /* or of characters */
    const struct device *(*find)(uint32_t minor);
    struct device_major *next; /* the list's */
};
void device_register_major(struct device_major *m);

void device_register(struct device_table *table);       /* before fs_init() makes their nodes */
const struct device *device_of(const struct inode *in); /* NULL: -ENXIO */

#endif
