/* anon_inode.h - files that are nothing but their operations: "anon_inode:TYPE" of /proc. */
#ifndef FS_ANON_INODE_H
#define FS_ANON_INODE_H

#include "lib/base.h"

struct file;
struct file_ops;
struct superblock;

/* A superblock for each kind; its type is the name that is shown. */
#define ANON_INODES(name) \
    { \
        .type = (name), .magic = ANON_INODE_FS_MAGIC, .dev = DEV_OF_KIND(KIND_ANON), \
        .refuses = -EOPNOTSUPP \
    }

/* flags: O_RDWR and so on, O_NONBLOCK; `private` is the operations' own.  0 or -ENOMEM. */
int anon_inode_open(struct superblock *sb, const struct file_ops *ops, uint32_t flags,
                    void *private, struct file **out);
/* The same as a descriptor.  flags: O_CLOEXEC, too.  On failure `private` is still the
 * caller's. */
int anon_inode_fd(struct superblock *sb, const struct file_ops *ops, uint32_t flags, void *private);

/* Their operation `seek`: there is no position, and lseek(2) says 0. */
long anon_inode_seek(struct file *f, int64_t off, int whence);

#endif
