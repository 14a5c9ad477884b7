/* file_lock.h - record locks (fcntl) and flock(2). */
#ifndef FS_FILE_LOCK_H
#define FS_FILE_LOCK_H

#include "lib/base.h"

struct file;
struct inode;

/* Both inclusive. */
struct lock_range {
    uint64_t start, end;
};
int lock_posix(struct file *f, const void *owner, short type, struct lock_range r, bool wait);
void lock_posix_test(struct file *f, const void *owner, short *type, struct lock_range *r,
                     int *pid);
int lock_flock(struct file *f, short type, bool wait);
/* As /proc/locks shows one. */
struct lock_seen {
    const struct inode *inode;
    const char *kind, *type;
    int pid;
    struct lock_range range;
};
/* All, or with `through` those that came through that file. */
void locks_each(const struct file *through, void (*seen)(void *to, const struct lock_seen *l),
                void *to);
void locks_drop_owner(struct inode *in, const void *owner); /* spinlocks only */

#endif
