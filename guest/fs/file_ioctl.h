/* file_ioctl.h - what ioctl(2) asks of a file because it is one, whatever kind of file it is. */
#ifndef FS_FILE_IOCTL_H
#define FS_FILE_IOCTL_H

#include "lib/base.h"
#include <asm/ioctls.h>
#include <linux/fiemap.h>
#include <linux/fs.h>

struct file;
struct inode;
struct mount;

#define FILE_IOCTLS \
    FIOQSIZE: \
    case FIGETBSZ: \
    case FIBMAP: \
    case FIFREEZE: \
    case FITHAW: \
    case FICLONE: \
    case FICLONERANGE: \
    case FIDEDUPERANGE: \
    case FS_IOC_FIEMAP: \
    case FS_IOC_GETFLAGS: \
    case FS_IOC_SETFLAGS: \
    case FS_IOC_FSGETXATTR: \
    case FS_IOC_FSSETXATTR

/* One of FILE_IOCTLS.  -ENOTTY: not of this file, whose own function may know it. */
long file_ioctl(struct file *f, uint32_t cmd, uaddr_t arg);

/* Attributes in the form of xfs, which file_getattr(2) has, too: of a regular file or directory in
 * memory.  Known: Linux has such bits, though no file here.  Set: 0, -EROFS, -EPERM, -EINVAL, -EOPNOTSUPP. */
bool inode_has_attributes(const struct inode *in);
bool xflags_known(uint64_t xflags);
void inode_get_xflags(const struct inode *in, struct fsxattr *x);
long inode_set_xflags(const struct mount *m, struct inode *in, const struct fsxattr *x);

#endif
