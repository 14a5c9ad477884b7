/* attributes.c - what chattr(1) changes, by a name: file_getattr(2) and file_setattr(2), Linux 6.17. */
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/file.h"
#include "fs/file_ioctl.h"
#include "fs/inode.h"
#include "lib/string.h"
#include "sys/target.h"
#include <linux/fcntl.h>

struct attributes { /* struct file_attr */
    uint64_t xflags;
    uint32_t extsize, nextents, projid, cowextsize;
};

static long target_at(struct target *t, int dfd, uaddr_t name, uint32_t flags)
{
    long err = target_get(t, dfd, name, flags);

    if (err)
        return err;
    err = t->file && t->inode->sb->refuses ? t->inode->sb->refuses
          : inode_has_attributes(t->inode) ? 0
                                           : -EOPNOTSUPP;
    if (err)
        target_put(t);
    return err;
}

static long check(uint32_t flags, size_t size)
{
    if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    return size > PAGE_SIZE ? -E2BIG : size < sizeof(struct attributes) ? -EINVAL : 0;
}

/* What a later Linux has behind it is 0. */
static long put(uaddr_t to, size_t size, const struct attributes *a)
{
    static const uint8_t zeros[64];
    size_t n;

    if (copy_to_user(to, a, sizeof(*a)) != 0)
        return -EFAULT;
    for (size_t at = sizeof(*a); at < size; at += n) {
        n = MIN(size - at, sizeof(zeros));
        if (copy_to_user(to + at, zeros, n) != 0)
            return -EFAULT;
    }
    return 0;
}

SYSCALL5(file_getattr, int, dfd, uaddr_t, name, uaddr_t, to, size_t, size, uint32_t, flags)
{
    struct target t;
    struct fsxattr x;
    long err = check(flags, size);

    if (!err)
        err = target_at(&t, dfd, name, flags);
    if (err)
        return err;
    inode_get_xflags(t.inode, &x);
    target_put(&t);
    return put(to, size, &(struct attributes){ .xflags = x.fsx_xflags });
}

SYSCALL5(file_setattr, int, dfd, uaddr_t, name, uaddr_t, from, size_t, size, uint32_t, flags)
{
    struct target t;
    struct attributes a;
    long err = check(flags, size);

    if (!err)
        err = copy_struct_from_user(&a, sizeof(a), from, size);
    if (!err && !xflags_known(a.xflags))
        err = -EINVAL;
    if (!err)
        err = target_at(&t, dfd, name, flags);
    if (err)
        return err;
    err = inode_set_xflags(t.path.mnt, t.inode,
                           &(struct fsxattr){ .fsx_xflags = (uint32_t)a.xflags,
                                              .fsx_extsize = a.extsize,
                                              .fsx_projid = a.projid,
                                              .fsx_cowextsize = a.cowextsize });
    target_put(&t);
    return err;
}
