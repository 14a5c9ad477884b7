/* file_ioctl.c - ioctls of files in general: how much is stored, the size of a block, the attributes
 * that chattr(1) changes.
 *
 * A file in memory has INODE_ATTRIBUTES, as on Linux's tmpfs.  What wants a disk behind the file is
 * refused as that tmpfs refuses it: block numbers, extents, shared extents, freezing. */
#include "fs/file_ioctl.h"
#include "arch/uaccess.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/tmpfs.h"
#include "sched/task.h"

/* The same bits as xfs has them. */
static const struct {
    uint32_t ours, xfs;
} both[] = {
    { INODE_IMMUTABLE, FS_XFLAG_IMMUTABLE },
    { INODE_APPEND, FS_XFLAG_APPEND },
    { INODE_NODUMP, FS_XFLAG_NODUMP },
    { INODE_NOATIME, FS_XFLAG_NOATIME },
};
/* All that Linux knows; and those that change nothing: sizes that are 0, and what only it tells. */
#define XFLAGS_KNOWN 0x8001fffbu
#define XFLAGS_IGNORED \
    (FS_XFLAG_EXTSIZE | FS_XFLAG_EXTSZINHERIT | FS_XFLAG_COWEXTSIZE | FS_XFLAG_PREALLOC | \
     FS_XFLAG_HASATTR)

bool inode_has_attributes(const struct inode *in)
{
    return (on_tmpfs(in) && (is_dir(in) || S_ISREG(in->mode))) ||
           (S_ISREG(in->mode) && in->fops == &tmpfs_file_ops);
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

static long set_on(const struct mount *m, struct inode *in, uint32_t to)
{
    if (mount_readonly(m))
        return -EROFS;
    mutex_lock(&in->lock);
    long err = attributes_set(in, to);
    mutex_unlock(&in->lock);
    return err;
}

void inode_get_xflags(const struct inode *in, struct fsxattr *x)
{
    *x = (struct fsxattr){ 0 };
    for (size_t i = 0; i < ARRAY_SIZE(both); i++)
        x->fsx_xflags |= in->attributes & both[i].ours ? both[i].xfs : 0;
}

long inode_set_xflags(const struct mount *m, struct inode *in, const struct fsxattr *x)
{
    uint32_t to = 0, rest = x->fsx_xflags & ~XFLAGS_IGNORED;

    for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
        to |= rest & both[i].xfs ? both[i].ours : 0;
        rest &= ~both[i].xfs;
    }
    if (mount_readonly(m))
        return -EROFS;
    if (!inode_owner_or_root(in))
        return -EPERM;
    if ((x->fsx_xflags & FS_XFLAG_EXTSIZE && !S_ISREG(in->mode)) ||
        (x->fsx_xflags & FS_XFLAG_EXTSZINHERIT && !is_dir(in)))
        return -EINVAL;
    if (rest || x->fsx_extsize || x->fsx_projid || x->fsx_cowextsize)
        return -EOPNOTSUPP;
    return set_on(m, in, to);
}

bool xflags_known(uint64_t xflags) { return !(xflags & ~(uint64_t)XFLAGS_KNOWN); }

static long attributes(struct file *f, uint32_t cmd, uaddr_t arg)
{
    struct inode *in = f->inode;
    struct fsxattr x;
    uint32_t to;

    if (!inode_has_attributes(in))
        return -ENOTTY;
    switch (cmd) {
    case FS_IOC_GETFLAGS: return put_user(in->attributes, arg);
    case FS_IOC_SETFLAGS: return get_user(to, arg) != 0 ? -EFAULT : set_on(f->path.mnt, in, to);
    case FS_IOC_FSGETXATTR: inode_get_xflags(in, &x); return copy_to_user(arg, &x, sizeof(x));
    }
    if (copy_from_user(&x, arg, sizeof(x)) != 0)
        return -EFAULT;
    return xflags_known(x.fsx_xflags) ? inode_set_xflags(f->path.mnt, in, &x) : -EOPNOTSUPP;
}

/* FICLONE and FICLONERANGE: parts of one file as another's.  Files in memory share none. */
static long clone_refused(const struct file *to, int fd)
{
    WITH_FILE(from, fd);

    if (!from || from->flags & O_PATH)
        return -EBADF;
    if (from->inode->sb != to->inode->sb)
        return -EXDEV;
    if (is_dir(from->inode) || is_dir(to->inode))
        return -EISDIR;
    if (!S_ISREG(from->inode->mode) || !S_ISREG(to->inode->mode))
        return -EINVAL;
    return file_readable(from) && file_writable(to) && !(to->flags & O_APPEND) ? -EOPNOTSUPP
                                                                               : -EBADF;
}

static long clone_range(const struct file *to, uaddr_t arg)
{
    struct file_clone_range r;

    return copy_from_user(&r, arg, sizeof(r)) != 0 ? -EFAULT : clone_refused(to, (int)r.src_fd);
}

static long dedupe_refused(const struct file *f, uaddr_t arg)
{
    struct file_dedupe_range r;

    if (copy_from_user(&r, arg, sizeof(r)) != 0)
        return -EFAULT;
    if (sizeof(r) + r.dest_count * sizeof(struct file_dedupe_range_info) > PAGE_SIZE)
        return -ENOMEM;
    if (!file_readable(f) || r.reserved1 || r.reserved2)
        return -EINVAL;
    return is_dir(f->inode) ? -EISDIR : S_ISREG(f->inode->mode) ? -EOPNOTSUPP : -EINVAL;
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
    case FICLONE: return clone_refused(f, (int)arg);
    case FICLONERANGE: return clone_range(f, arg);
    case FIDEDUPERANGE: return dedupe_refused(f, arg);
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
