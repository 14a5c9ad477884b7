/* target.h - what a (dfd, name, flags) triple means: an inode and its mount.  An empty name with
 * AT_EMPTY_PATH also reaches files without a place. */
#ifndef SYS_TARGET_H
#define SYS_TARGET_H

#include "fs/path.h"

struct file;
struct inode;

struct target {
    struct path path;  /* of a file without a place: NULL, NULL, or no mount */
    struct file *file; /* by a descriptor; holds all the others then */
    struct inode *inode;
};

/* flags: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH. */
int target_get(struct target *t, int dfd, uaddr_t name, uint32_t flags);
void target_put(struct target *t);

#endif
