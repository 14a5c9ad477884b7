/* stat.c - what is known about files: the stat family, statfs, access, readlink. */
#include "arch/clock.h"
#include "arch/uaccess.h"
#include "fs/dentry.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/path.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "sched/task.h"
#include "sys/target.h"
#include "arch/syscall.h"
#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/magic.h>
#include <linux/securebits.h>

#define AT_STATX_ALL (AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC)

/* --- stat --- */

static uint64_t blocks_of(const struct inode *in) { return in->npages * (PAGE_SIZE / 512); }

static long stat_put(struct inode *in, uaddr_t to)
{
    struct stat st = { 0 };

    if (in->ops && in->ops->refresh)
        in->ops->refresh(in);
    st.st_dev = in->sb->dev;
    st.st_ino = in->ino;
    st.st_nlink = in->nlink;
    st.st_mode = in->mode;
    st.st_uid = in->uid;
    st.st_gid = in->gid;
    st.st_rdev = in->rdev;
    st.st_size = (long)in->size;
    st.st_blksize = PAGE_SIZE;
    st.st_blocks = (long)blocks_of(in);
    st.st_atime = (unsigned long)in->atime.tv_sec;
    st.st_atime_nsec = (unsigned long)in->atime.tv_nsec;
    st.st_mtime = (unsigned long)in->mtime.tv_sec;
    st.st_mtime_nsec = (unsigned long)in->mtime.tv_nsec;
    st.st_ctime = (unsigned long)in->ctime.tv_sec;
    st.st_ctime_nsec = (unsigned long)in->ctime.tv_nsec;
    return copy_to_user(to, &st, sizeof(st));
}

static struct statx_timestamp statx_time(const struct __kernel_timespec *t)
{
    return (struct statx_timestamp){ .tv_sec = t->tv_sec, .tv_nsec = (uint32_t)t->tv_nsec };
}

/* The upper and lower parts of a device number, as makedev() composed it. */
static uint32_t dev_major(uint32_t dev) { return dev >> 8 & 0xfff; }
static uint32_t dev_minor(uint32_t dev) { return (dev & 0xff) | (dev >> 12 & 0xfff00); }

#ifndef STATX_MNT_ID_UNIQUE /* Linux 6.8 */
#define STATX_MNT_ID_UNIQUE 0x4000U
#endif

/* What a file system can tell besides what all can. As on Linux's tmpfs there is no STATX_DIOALIGN:
 * a file with O_DIRECT is read and written like any other. */
static void statx_extra(struct statx *st, const struct inode *in, const struct path *p,
                        uint32_t mask)
{
    st->stx_attributes_mask = STATX_ATTR_AUTOMOUNT | STATX_ATTR_MOUNT_ROOT | STATX_ATTR_DAX;
    if (p->mnt && mask & STATX_MNT_ID_UNIQUE) {
        st->stx_mask |= STATX_MNT_ID_UNIQUE;
        st->stx_mnt_id = mount_unique_id(p->mnt->id);
    } else if (p->mnt) {
        st->stx_mask |= STATX_MNT_ID;
        st->stx_mnt_id = p->mnt->id;
    }
    if (p->mnt && p->dentry == p->mnt->root)
        st->stx_attributes |= STATX_ATTR_MOUNT_ROOT;
    if (in->sb->magic != TMPFS_MAGIC)
        return;
    _Static_assert(INODE_IMMUTABLE == STATX_ATTR_IMMUTABLE && INODE_APPEND == STATX_ATTR_APPEND &&
                       INODE_NODUMP == STATX_ATTR_NODUMP,
                   "one bit means one thing");
    st->stx_attributes_mask |= STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND | STATX_ATTR_NODUMP;
    st->stx_attributes |= in->attributes & (INODE_KEPT | INODE_NODUMP);
    if (mask & STATX_BTIME) {
        st->stx_mask |= STATX_BTIME;
        st->stx_btime.tv_sec = (int64_t)(in->born_ns / NSEC_PER_SEC);
        st->stx_btime.tv_nsec = in->born_ns % NSEC_PER_SEC;
        if (in->born_ns == 0) /* as if it had been unpacked when the machine began */
            st->stx_btime.tv_sec = (int64_t)((clock_real_ns() - clock_mono_ns()) / NSEC_PER_SEC);
    }
}

static long statx_put(struct inode *in, const struct path *p, uint32_t mask, uaddr_t to)
{
    struct statx st = { 0 };

    if (in->ops && in->ops->refresh)
        in->ops->refresh(in);
    st.stx_mask = STATX_BASIC_STATS;
    statx_extra(&st, in, p, mask);
    st.stx_blksize = PAGE_SIZE;
    st.stx_nlink = in->nlink;
    st.stx_uid = in->uid;
    st.stx_gid = in->gid;
    st.stx_mode = (uint16_t)in->mode;
    st.stx_ino = in->ino;
    st.stx_size = in->size;
    st.stx_blocks = blocks_of(in);
    st.stx_atime = statx_time(&in->atime);
    st.stx_mtime = statx_time(&in->mtime);
    st.stx_ctime = statx_time(&in->ctime);
    st.stx_rdev_major = dev_major(in->rdev);
    st.stx_rdev_minor = dev_minor(in->rdev);
    st.stx_dev_major = dev_major(in->sb->dev);
    st.stx_dev_minor = dev_minor(in->sb->dev);
    return copy_to_user(to, &st, sizeof(st));
}

static long stat_at(int dfd, uaddr_t name, uaddr_t to, uint32_t flags)
{
    struct target t;
    long err;

    if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_ALL))
        return -EINVAL;
    err = target_get(&t, dfd, name, flags);
    if (err)
        return err;
    err = stat_put(t.inode, to);
    target_put(&t);
    return err;
}

SYSCALL2(stat, uaddr_t, name, uaddr_t, to) { return stat_at(AT_FDCWD, name, to, 0); }

SYSCALL2(lstat, uaddr_t, name, uaddr_t, to)
{
    return stat_at(AT_FDCWD, name, to, AT_SYMLINK_NOFOLLOW);
}

SYSCALL4(newfstatat, int, dfd, uaddr_t, name, uaddr_t, to, uint32_t, flags)
{
    return stat_at(dfd, name, to, flags);
}

SYSCALL2(fstat, int, fd, uaddr_t, to)
{
    WITH_FILE(f, fd);

    return f ? stat_put(f->inode, to) : -EBADF;
}

SYSCALL5(statx, int, dfd, uaddr_t, name, uint32_t, flags, uint32_t, mask, uaddr_t, to)
{
    struct target t;
    long err;

    if (mask & STATX__RESERVED ||
        flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_ALL) ||
        (flags & AT_STATX_ALL) == AT_STATX_ALL)
        return -EINVAL;
    err = target_get(&t, dfd, name, flags);
    if (err)
        return err;
    err = statx_put(t.inode, &t.path, mask, to);
    target_put(&t);
    return err;
}

/* --- statfs --- */

/* The kernel's ST_ flags are MS_ flags where those are of one byte, or of the times; ST_VALID is 0x20. */
static long statfs_flags(uint32_t f)
{
    const uint32_t same =
        MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS | MS_NOATIME | MS_NODIRATIME;

    return (f & same) | (f & MOUNT_READONLY ? MS_RDONLY : 0) | (f & MS_RELATIME ? 0x1000 : 0) |
           (f & MS_NOSYMFOLLOW ? 0x2000 : 0);
}

static long statfs_put(const struct superblock *sb, const struct mount *m, uaddr_t to)
{
    struct statfs st = { 0 };
    struct frame_counts c;

    st.f_type = sb->magic;
    st.f_bsize = st.f_frsize = PAGE_SIZE;
    st.f_namelen = NAME_MAX_BYTES;
    st.f_fsid.val[0] = (int)sb->dev;
    if (!sb->no_storage && m) {
        frame_count(&c);
        st.f_blocks = (long)(sb->max_pages ? sb->max_pages : sb->pages + c.free);
        st.f_bfree = st.f_bavail =
            (long)(st.f_blocks > (long)sb->pages ? MIN((uint64_t)st.f_blocks - sb->pages, c.free)
                                                 : 0);
        st.f_files = (long)(sb->max_inodes ? sb->max_inodes : sb->inodes + c.free);
        st.f_ffree = MAX(st.f_files - (long)sb->inodes, 0l);
    }
    st.f_flags = 0x20 | (m ? statfs_flags(m->flags) : 0);
    return copy_to_user(to, &st, sizeof(st));
}

SYSCALL2(statfs, uaddr_t, name, uaddr_t, to)
{
    struct path p;
    long err = path_lookup_user(AT_FDCWD, name, WALK_FOLLOW, &p);

    if (err)
        return err;
    err = statfs_put(p.dentry->inode->sb, p.mnt, to);
    path_put(&p);
    return err;
}

SYSCALL2(fstatfs, int, fd, uaddr_t, to)
{
    WITH_FILE(f, fd);

    return f ? statfs_put(f->inode->sb, f->path.mnt, to) : -EBADF;
}

/* --- access --- */

static long access_check(const struct target *t, uint32_t mode)
{
    struct inode *in = t->inode;
    int err;

    if (mode & MAY_EXEC && S_ISREG(in->mode) && t->path.mnt && t->path.mnt->flags & MS_NOEXEC)
        return -EACCES;
    err = mode & MAY_WRITE ? inode_may_write(in, mode) : inode_permission(in, mode);
    if (!err && mode & MAY_WRITE && mount_readonly(t->path.mnt) &&
        (S_ISREG(in->mode) || is_dir(in) || S_ISLNK(in->mode)))
        err = -EROFS;
    return err;
}

/* By the real user's rights, unless AT_EACCESS: for this call they are the ones
 * that count for files. */
static long access_at(int dfd, uaddr_t name, uint32_t mode, uint32_t flags)
{
    struct cred *c = &current->cred;
    uint32_t fsuid = c->fsuid, fsgid = c->fsgid;
    uint64_t caps = c->cap_effective;
    struct target t;
    long err;

    if (mode & ~7u || flags & ~(uint32_t)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (!(flags & AT_EACCESS)) {
        c->fsuid = c->uid;
        c->fsgid = c->gid;
        if (!(c->securebits & SECBIT_NO_SETUID_FIXUP))
            c->cap_effective = c->uid == 0 ? c->cap_permitted : 0;
    }
    err = target_get(&t, dfd, name, flags & ~(uint32_t)AT_EACCESS);
    if (!err) {
        err = access_check(&t, mode);
        target_put(&t);
    }
    c->fsuid = fsuid;
    c->fsgid = fsgid;
    c->cap_effective = caps;
    return err;
}

SYSCALL2(access, uaddr_t, name, uint32_t, mode) { return access_at(AT_FDCWD, name, mode, 0); }

SYSCALL3(faccessat, int, dfd, uaddr_t, name, uint32_t, mode)
{
    return access_at(dfd, name, mode, 0);
}

SYSCALL4(faccessat2, int, dfd, uaddr_t, name, uint32_t, mode, uint32_t, flags)
{
    return access_at(dfd, name, mode, flags);
}

/* --- readlink --- */

static long read_link(struct path *p, bool empty_name, uaddr_t to, size_t room)
{
    struct inode *in = p->dentry->inode;
    const char *text = in->private;
    char *own = NULL;
    long n = (long)in->size;

    if (!S_ISLNK(in->mode))
        return empty_name ? -ENOENT : -EINVAL;
    if (in->ops->readlink) {
        own = kmalloc(PATH_MAX_BYTES);
        if (!own)
            return -ENOMEM;
        n = in->ops->readlink(in, own, PATH_MAX_BYTES);
        text = own;
    } else {
        inode_accessed(in, p->mnt, 0);
    }
    if (n >= 0) {
        n = (long)MIN((size_t)n, room);
        if (copy_to_user(to, text, (size_t)n) != 0)
            n = -EFAULT;
    }
    kfree(own);
    return n;
}

static long readlink_at(int dfd, uaddr_t name, uaddr_t to, int room)
{
    struct user_name n;
    struct path p;
    long ret;

    if (room <= 0)
        return -EINVAL;
    ret = name_get(&n, name);
    if (ret)
        return ret;
    ret = path_lookup(dfd, n.text, n.len, dfd == AT_FDCWD ? 0 : WALK_EMPTY, &p);
    name_put(&n);
    if (ret)
        return ret;
    ret = read_link(&p, n.len == 0, to, (size_t)room);
    path_put(&p);
    return ret;
}

SYSCALL3(readlink, uaddr_t, name, uaddr_t, to, int, room)
{
    return readlink_at(AT_FDCWD, name, to, room);
}

SYSCALL4(readlinkat, int, dfd, uaddr_t, name, uaddr_t, to, int, room)
{
    return readlink_at(dfd, name, to, room);
}
