/* file.c - calls that change a file's size or its state on storage.  Everything
 * is in memory, so the sync family only checks its arguments. */
#include "fs/dentry.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/notify.h"
#include "fs/mount.h"
#include "fs/pages_io.h"
#include "fs/path.h"
#include "fs/secret.h"
#include "fs/tmpfs.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include <linux/fadvise.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mman.h>
#include <linux/version.h>

static long truncate_inode(struct inode *in, uint64_t size)
{
    long err;

    mutex_lock(&in->lock);
    err = inode_truncate(in, size);
    if (!err) {
        inode_strip_suid(in);
        inode_modified(in);
    }
    mutex_unlock(&in->lock);
    return err;
}

static long truncate_path(const struct path *p, uint64_t size)
{
    struct inode *in = p->dentry->inode;
    long err;

    if (is_dir(in))
        return -EISDIR;
    if (!S_ISREG(in->mode))
        return -EINVAL;
    if (mount_readonly(p->mnt))
        return -EROFS;
    err = inode_may_write(in, MAY_WRITE);
    if (!err && in->fops != &tmpfs_file_ops) /* a text that the kernel makes has no size to set */
        return in->sb->refuses;
    if (!err && in->attributes & INODE_APPEND)
        err = -EPERM;
    if (!err)
        err = inode_write_begin(in);
    if (err)
        return err;
    err = notify_leases(in, O_WRONLY);
    if (!err)
        err = truncate_inode(in, size);
    inode_write_end(in);
    if (!err)
        notify_dentry(p->dentry, IN_MODIFY);
    return err;
}

SYSCALL2(truncate, uaddr_t, name, int64_t, size)
{
    struct path p;
    long err;

    if (size < 0)
        return -EINVAL;
    err = path_lookup_user(AT_FDCWD, name, WALK_FOLLOW, &p);
    if (err)
        return err;
    err = truncate_path(&p, (uint64_t)size);
    path_put(&p);
    return err;
}

SYSCALL2(ftruncate, int, fd, int64_t, size)
{
    if (size < 0)
        return -EINVAL;
    WITH_FILE(f, fd);
    if (!f || f->flags & O_PATH)
        return -EBADF;
    if (!S_ISREG(f->inode->mode) || !file_writable(f))
        return -EINVAL;
    if (inode_secret(f->inode))
        return secret_set_size(f->inode, (uint64_t)size);
    if (f->ops != &tmpfs_file_ops)
        return 0;
    if (f->inode->attributes & INODE_APPEND)
        return -EPERM;
    long err = truncate_inode(f->inode, (uint64_t)size);
    if (!err)
        notify_file(f, IN_MODIFY);
    return err;
}

static long allocate(struct file *f, uint32_t mode, int64_t off, int64_t len)
{
    const uint32_t known = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE;
    int64_t end;

    if (off < 0 || len <= 0)
        return -EINVAL;
    if (mode & ~known ||
        (mode & FALLOC_FL_PUNCH_HOLE && mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)))
        return -EOPNOTSUPP;
    if (!file_writable(f))
        return -EBADF;
    if (f->inode->attributes & INODE_IMMUTABLE ||
        (f->inode->attributes & INODE_APPEND && mode & ~(uint32_t)FALLOC_FL_KEEP_SIZE))
        return -EPERM;
    if (S_ISFIFO(f->inode->mode))
        return -ESPIPE;
    if (is_dir(f->inode))
        return -EISDIR;
    if (f->ops != &tmpfs_file_ops)
        return S_ISREG(f->inode->mode) ? -EOPNOTSUPP : -ENODEV;
    if (__builtin_add_overflow(off, len, &end))
        return -EFBIG;
    return inode_allocate(f->inode, (int)mode, (uint64_t)off, (uint64_t)len);
}

SYSCALL4(fallocate, int, fd, uint32_t, mode, int64_t, off, int64_t, len)
{
    WITH_FILE(f, fd);

    long err = f && !(f->flags & O_PATH) ? allocate(f, mode, off, len) : -EBADF;
    if (!err)
        notify_file(f, IN_MODIFY);
    return err;
}

SYSCALL4(fadvise64, int, fd, int64_t, off, int64_t, len, int, advice)
{
    WITH_FILE(f, fd);

    (void)off;
    if (!f || f->flags & O_PATH)
        return -EBADF;
    if (S_ISFIFO(f->inode->mode))
        return -ESPIPE;
    return len < 0 || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE ? -EINVAL : 0;
}

/* --- what is in memory --- */

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0) /* newer than Debian 12's <linux/mman.h> */
struct cachestat_range {
    __u64 off;
    __u64 len;
};
struct cachestat {
    __u64 nr_cache;
    __u64 nr_dirty;
    __u64 nr_writeback;
    __u64 nr_evicted;
    __u64 nr_recently_evicted;
};
#endif

static bool may_ask(const struct file *f)
{
    return file_writable(f) || inode_owner_or_root(f->inode) ||
           inode_permission(f->inode, MAY_WRITE) == 0;
}

/* cachestat(2).  A file's pages are the file: nothing is dirty, on its way, or was put out. */
SYSCALL4(cachestat, int, fd, uaddr_t, range, uaddr_t, to, uint32_t, flags)
{
    struct cachestat_range part;
    struct cachestat st = { 0 };
    WITH_FILE(f, fd);

    if (!f || f->flags & O_PATH)
        return -EBADF;
    if (copy_from_user(&part, range, sizeof(part)) != 0)
        return -EFAULT;
    if (!may_ask(f))
        return -EPERM;
    if (flags != 0)
        return -EINVAL;
    if (S_ISREG(f->inode->mode))
        st.nr_cache =
            inode_count_pages(f->inode, part.off >> PAGE_SHIFT,
                              part.len ? (part.off + part.len - 1) >> PAGE_SHIFT : UINT64_MAX);
    return copy_to_user(to, &st, sizeof(st)) ? -EFAULT : 0;
}

/* --- sync --- */

enum sync_what { SYNC_FILE, SYNC_FS };

static long sync_fd(int fd, enum sync_what what)
{
    WITH_FILE(f, fd);

    if (!f || f->flags & O_PATH)
        return -EBADF;
    if (what == SYNC_FILE && !is_dir(f->inode) && !S_ISBLK(f->inode->mode) &&
        (!S_ISREG(f->inode->mode) || f->inode->sb->magic == PROC_SUPER_MAGIC ||
         inode_secret(f->inode)))
        return -EINVAL; /* pipes, terminals, what /proc says: nothing to synchronize */
    return 0;
}

SYSCALL1(fsync, int, fd) { return sync_fd(fd, SYNC_FILE); }

SYSCALL1(fdatasync, int, fd) { return sync_fd(fd, SYNC_FILE); }

/* There is no disk behind any file: what is to be written is. */
SYSCALL4(sync_file_range, int, fd, int64_t, off, int64_t, len, uint32_t, flags)
{
    WITH_FILE(f, fd);
    int64_t end;

    if (!f || f->flags & O_PATH)
        return -EBADF;
    if (flags & ~(SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER))
        return -EINVAL;
    if (off < 0 || __builtin_add_overflow(off, len, &end) || end < off)
        return -EINVAL;
    return S_ISREG(f->inode->mode) || S_ISBLK(f->inode->mode) || S_ISDIR(f->inode->mode) ? 0
                                                                                         : -ESPIPE;
}

/* ... and what is to be read is in memory. */
SYSCALL3(readahead, int, fd, int64_t, off, size_t, len)
{
    WITH_FILE(f, fd);

    (void)off;
    if (!f || !file_readable(f))
        return -EBADF;
    return (S_ISREG(f->inode->mode) || S_ISBLK(f->inode->mode)) && len <= INT64_MAX ? 0 : -EINVAL;
}

SYSCALL1(syncfs, int, fd) { return sync_fd(fd, SYNC_FS); }

SYSCALL0(sync) { return 0; }
