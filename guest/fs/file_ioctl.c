/* file_ioctl.c - ioctls of files in general: how much is stored, the size of a block, the attributes
 * that chattr(1) changes.
 *
 * A file in memory has INODE_ATTRIBUTES, as on Linux's tmpfs.  What wants a disk behind the file is
 * refused as that tmpfs refuses it: block numbers, extents, shared extents, freezing. */
#include "fs/file_ioctl.h"
#include "arch/uaccess.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/tmpfs.h"
#include "sched/task.h"

static bool has_attributes(const struct inode *in)
{
    return on_tmpfs(in) || (S_ISREG(in->mode) && in->fops == &tmpfs_file_ops);
}

/* in->lock held */
static long attributes_set(struct inode *in, uint32_t to)
{
    if (!inode_owner_or_root(in) ||
        ((to ^ in->attributes) & INODE_KEPT && !has_cap(CAP_LINUX_IMMUTABLE)))
        return -EPERM;
    if (to & ~INODE_ATTRIBUTES)
        return -EOPNOTSUPP;
    in->attributes = to;
    inode_changed(in);
    return 0;
}

static long set_attributes(struct file *f, uaddr_t arg)
{
    uint32_t to;
    long err;

    if (get_user(to, arg) != 0)
        return -EFAULT;
    if (mount_readonly(f->path.mnt))
        return -EROFS;
    mutex_lock(&f->inode->lock);
    err = attributes_set(f->inode, to);
    mutex_unlock(&f->inode->lock);
    return err;
}

/* The same as bits of xfs, where nothing else of it is kept. */
static uint32_t as_xflags(uint32_t a)
{
    return (a & INODE_IMMUTABLE ? FS_XFLAG_IMMUTABLE : 0) |
           (a & INODE_APPEND ? FS_XFLAG_APPEND : 0) | (a & INODE_NODUMP ? FS_XFLAG_NODUMP : 0) |
           (a & INODE_NOATIME ? FS_XFLAG_NOATIME : 0);
}

static long attributes(struct file *f, uint32_t cmd, uaddr_t arg)
{
    struct fsxattr x = { .fsx_xflags = as_xflags(f->inode->attributes) };
    uint32_t now = f->inode->attributes;

    if (!has_attributes(f->inode))
        return -ENOTTY;
    switch (cmd) {
    case FS_IOC_GETFLAGS: return put_user(now, arg);
    case FS_IOC_SETFLAGS: return set_attributes(f, arg);
    case FS_IOC_FSGETXATTR: return copy_to_user(arg, &x, sizeof(x));
    }
    if (copy_from_user(&x, arg, sizeof(x)) != 0)
        return -EFAULT;
    return inode_owner_or_root(f->inode) ? -EOPNOTSUPP : -EPERM;
}

static long stored_bytes(const struct inode *in, uaddr_t arg)
{
    int64_t bytes = (int64_t)(in->npages * PAGE_SIZE);

    if (!S_ISREG(in->mode) && !is_dir(in) && !S_ISLNK(in->mode))
        return -ENOTTY;
    return copy_to_user(arg, &bytes, sizeof(bytes));
}

/* No file here is made of numbered blocks. */
static long block_number(const struct inode *in, uaddr_t arg)
{
    int block;

    if (!S_ISREG(in->mode))
        return -ENOTTY;
    if (!has_cap(CAP_SYS_RAWIO))
        return -EPERM;
    return get_user(block, arg) != 0 ? -EFAULT : -EINVAL;
}

long file_ioctl(struct file *f, uint32_t cmd, uaddr_t arg)
{
    switch (cmd) {
    case FIOQSIZE: return stored_bytes(f->inode, arg);
    case FIGETBSZ: return put_user((int)PAGE_SIZE, arg);
    case FIBMAP: return block_number(f->inode, arg);
    case FIFREEZE: return capable() ? -EOPNOTSUPP : -EPERM;
    case FITHAW: return capable() ? -EINVAL : -EPERM; /* nothing is frozen */
    case FS_IOC_GETFLAGS:
    case FS_IOC_SETFLAGS:
    case FS_IOC_FSGETXATTR:
    case FS_IOC_FSSETXATTR: return attributes(f, cmd, arg);
    }
    return -EOPNOTSUPP;
}
