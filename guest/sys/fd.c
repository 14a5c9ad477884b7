/* fd.c - calls on descriptors: close, dup, fcntl, flock, ioctl. */
#include "arch/preempt.h"
#include "arch/uaccess.h"
#include "event/async.h"
#include "event/inotify.h"
#include "event/lease.h"
#include "fs/anon_file.h"
#include "fs/dentry.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/file_ioctl.h"
#include "fs/file_lock.h"
#include "fs/inode.h"
#include "fs/pages_io.h"
#include "fs/pipe.h"
#include "fs/seal.h"
#include "fs/secret.h"
#include "proc/pid_ns.h"
#include "sched/task.h"
#include "arch/syscall.h"
#include <asm/ioctls.h>
#include <asm/sockios.h>
#include <linux/close_range.h>
#include <linux/fs.h>

/* --- close --- */

SYSCALL1(close, int, fd) { return fd_close(fd); }

#define WORK_CLOSE 500u /* instructions to find one and close it, about */

SYSCALL3(close_range, uint32_t, first, uint32_t, last, uint32_t, flags)
{
    if (flags & ~(uint32_t)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) || first > last)
        return -EINVAL;
    int err = flags & CLOSE_RANGE_UNSHARE ? files_unshare() : 0;
    if (err)
        return err;
    for (int fd = first < FD_MAX ? (int)first : -1; fd >= 0;) {
        fd = files_next(current->files, fd);
        if (fd < 0 || (uint32_t)fd > last)
            break;
        if (flags & CLOSE_RANGE_CLOEXEC)
            fd_set_flags(fd, FD_CLOEXEC);
        else
            fd_close(fd);
        fd++;
        preempt_work(WORK_CLOSE);
    }
    return 0;
}

SYSCALL2(memfd_create, uaddr_t, name, uint32_t, flags)
{
    char text[NAME_MAX_BYTES + 1] = "memfd:"; /* with the prefix no longer than a name */
    struct file *f;
    long len;
    int err;

    uint32_t sizes = flags & MFD_HUGETLB ? (uint32_t)MFD_HUGE_MASK << MFD_HUGE_SHIFT : 0;
    if (flags &
            ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC | MFD_HUGETLB | sizes) ||
        (flags & (MFD_NOEXEC_SEAL | MFD_EXEC)) == (MFD_NOEXEC_SEAL | MFD_EXEC))
        return -EINVAL;
    len = strncpy_from_user(text + 6, name, sizeof(text) - 6);
    if (len < 0)
        return len == -ENAMETOOLONG ? -EINVAL : len;
    if (flags & MFD_HUGETLB)
        return -ENODEV; /* no size of huge pages has a pool */
    err = anon_file_create(text, flags & MFD_NOEXEC_SEAL ? 0666 : 0777, 0, &f);
    if (err)
        return err;
    f->inode->takes_seals = (flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL)) != 0;
    f->inode->seals = flags & MFD_NOEXEC_SEAL ? F_SEAL_EXEC : 0;
    return fd_open_add(f, flags & MFD_CLOEXEC ? O_CLOEXEC : 0);
}

SYSCALL1(memfd_secret, uint32_t, flags)
{
    struct file *f;

    if (flags & ~(uint32_t)O_CLOEXEC)
        return -EINVAL;
    int err = secret_create(&f);
    return err ? err : fd_open_add(f, flags);
}

/* --- dup --- */

static long dup_from(struct file *f, int from, uint32_t flags)
{
    int fd = fd_alloc(from, flags);

    if (fd >= 0) {
        file_get(f);
        fd_install(fd, f);
    }
    return fd;
}

SYSCALL1(dup, int, fd)
{
    WITH_FILE(f, fd);

    return f ? dup_from(f, 0, 0) : -EBADF;
}

static long dup_to(int from, int to, uint32_t flags)
{
    WITH_FILE(f, from);
    long err = f ? fd_replace(to, f, flags) : -EBADF;

    return err ? err : to;
}

SYSCALL2(dup2, int, from, int, to)
{
    if (from == to)
        return fd_flags(from) < 0 ? -EBADF : to;
    return dup_to(from, to, 0);
}

SYSCALL3(dup3, int, from, int, to, uint32_t, flags)
{
    if (flags & ~(uint32_t)O_CLOEXEC || from == to)
        return -EINVAL;
    return dup_to(from, to, flags);
}

/* --- fcntl --- */

#define SETTABLE ((uint32_t)(O_APPEND | O_NONBLOCK | O_NOATIME | O_DIRECT | FASYNC))

/* Of the flags in `which`, which can be set, those in `to` are set and the others not. */
static long set_flags(int fd, struct file *f, uint32_t which, uint32_t to)
{
    int err = 0;

    if ((which & FASYNC) && !f->ops->async)
        which &= ~(uint32_t)FASYNC; /* of others it is never on */
    if (~to & f->flags & O_APPEND && f->inode->attributes & INODE_APPEND)
        return -EPERM;
    if (which & to & ~f->flags & O_NOATIME && !inode_owner_or_root(f->inode))
        return -EPERM;
    if (which & to & O_DIRECT && !S_ISFIFO(f->inode->mode) && f->ops->write != file_regular_write)
        return -EINVAL;
    mutex_lock(&f->lock);
    if (unlikely((to ^ f->flags) & which & FASYNC))
        err = async_set(f, fd, to & FASYNC);
    if (err == 0 && unlikely((to ^ f->flags) & which & O_DIRECT) && S_ISFIFO(f->inode->mode))
        err = pipe_set_packets(f, to & O_DIRECT);
    if (err == 0)
        f->flags = (f->flags & ~which) | (which & to);
    mutex_unlock(&f->lock);
    return err;
}

/* l_whence and l_start, l_len, which may be negative, as inclusive bounds. */
static int lock_bounds(struct file *f, const struct flock *l, struct lock_range *r)
{
    int64_t start = l->l_start, end, base = 0;

    switch (l->l_whence) {
    case SEEK_SET: break;
    case SEEK_CUR: base = (int64_t)f->pos; break;
    case SEEK_END: base = (int64_t)f->inode->size; break;
    default: return -EINVAL;
    }
    if (__builtin_add_overflow(start, base, &start))
        return -EOVERFLOW;
    if (start < 0)
        return -EINVAL;
    if (l->l_len > 0) {
        if (__builtin_add_overflow(start, l->l_len - 1, &end))
            return -EOVERFLOW;
    } else if (l->l_len < 0) {
        end = start - 1;
        start += l->l_len;
        if (start < 0)
            return -EINVAL;
    } else {
        end = INT64_MAX;
    }
    *r = (struct lock_range){ (uint64_t)start, (uint64_t)end };
    return 0;
}

static long get_lock(struct file *f, const void *owner, struct flock *l, uaddr_t at)
{
    struct lock_range r;
    int err, pid = 0;

    if (l->l_type != F_RDLCK && l->l_type != F_WRLCK)
        return -EINVAL;
    err = lock_bounds(f, l, &r);
    if (err)
        return err;
    lock_posix_test(f, owner, &l->l_type, &r, &pid);
    if (l->l_type != F_UNLCK) {
        l->l_whence = SEEK_SET;
        l->l_start = (int64_t)r.start;
        l->l_len = r.end == INT64_MAX ? 0 : (int64_t)(r.end - r.start + 1);
        l->l_pid = pid > 0 ? (int)pid_told((uint32_t)pid) : pid;
    }
    return copy_to_user(at, l, sizeof(*l));
}

/* Another thread may have closed fd meanwhile, before there was a lock to drop: then it
 * would outlive its descriptor, and later its inode. */
static long unless_closed(int fd, struct file *f, const void *owner)
{
    WITH_FILE(now, fd);

    if (now == f)
        return 0;
    locks_drop_owner(f->inode, owner);
    return -EBADF;
}

static long set_lock(struct file *f, const void *owner, const struct flock *l, bool wait)
{
    struct lock_range r;
    int err;

    if (l->l_type != F_RDLCK && l->l_type != F_WRLCK && l->l_type != F_UNLCK)
        return -EINVAL;
    err = lock_bounds(f, l, &r);
    if (err)
        return err;
    if ((l->l_type == F_RDLCK && !file_readable(f)) || (l->l_type == F_WRLCK && !file_writable(f)))
        return -EBADF;
    return lock_posix(f, owner, l->l_type, r, wait);
}

static long record_lock(int fd, struct file *f, int cmd, uaddr_t at)
{
    bool ofd = cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
    const void *owner = ofd ? (const void *)f : current->files;
    struct flock l;

    if (copy_from_user(&l, at, sizeof(l)) != 0)
        return -EFAULT;
    if (ofd && l.l_pid)
        return -EINVAL;
    if (cmd == F_GETLK || cmd == F_OFD_GETLK)
        return get_lock(f, owner, &l, at);
    long ret = set_lock(f, owner, &l, cmd == F_SETLKW || cmd == F_OFD_SETLKW);
    return ret == 0 && !ofd && l.l_type != F_UNLCK ? unless_closed(fd, f, owner) : ret;
}

static long dup_fcntl(struct file *f, uint64_t from, uint32_t flags)
{
    if (from >= current->proc->rlim[RLIMIT_NOFILE].rlim_cur || from >= FD_MAX)
        return -EINVAL;
    return dup_from(f, (int)from, flags);
}

#ifndef F_DUPFD_QUERY /* Linux 6.10, 6.12 */
#define F_DUPFD_QUERY   (F_LINUX_SPECIFIC_BASE + 3)
#define F_CREATED_QUERY (F_LINUX_SPECIFIC_BASE + 4)
#endif

static long same_file(const struct file *f, int other)
{
    WITH_FILE(g, other);

    return g ? f == g : -EBADF;
}

/* How long what is written will live: kept with the file, as on any Linux without such a disk. */
static long set_hint(struct inode *in, uaddr_t at)
{
    uint64_t hint;

    if (!inode_owner_or_root(in))
        return -EPERM;
    if (get_user(hint, at) != 0)
        return -EFAULT;
    if (hint > RWH_WRITE_LIFE_EXTREME)
        return -EINVAL;
    in->rw_hint = (uint8_t)hint;
    return 0;
}

static long fcntl_on(int fd, struct file *f, int cmd, uint64_t arg)
{
    if (f->flags & O_PATH && cmd != F_DUPFD && cmd != F_DUPFD_CLOEXEC && cmd != F_GETFD &&
        cmd != F_SETFD && cmd != F_GETFL && cmd != F_DUPFD_QUERY && cmd != F_CREATED_QUERY)
        return -EBADF;
    switch (cmd) {
    case F_DUPFD: return dup_fcntl(f, arg, 0);
    case F_DUPFD_CLOEXEC: return dup_fcntl(f, arg, O_CLOEXEC);
    case F_GETFD: return fd_flags(fd);
    case F_SETFD: return fd_set_flags(fd, (int)(arg & FD_CLOEXEC));
    case F_GETFL: /* what open(2) adds: a pipe or a pidfd has no place */
        return f->flags | (f->path.dentry && !(f->flags & O_PATH) ? O_LARGEFILE : 0);
    case F_SETFL: return set_flags(fd, f, SETTABLE, (uint32_t)arg);
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW: return record_lock(fd, f, cmd, arg);
    case F_GETOWN: return async_get_owner(f);
    case F_SETOWN: return async_set_owner(f, (int)arg);
    case F_GETOWN_EX: return async_get_owner_ex(f, arg);
    case F_SETOWN_EX: return async_set_owner_ex(f, arg);
    case F_GETOWNER_UIDS: return async_get_owner_uids(f, arg);
    case F_GETSIG: return async_get_signal(f);
    case F_SETSIG: return async_set_signal(f, arg);
    case F_SETLEASE: return lease_set(f, fd, (int)arg);
    case F_GETLEASE: return lease_get(f);
    case F_NOTIFY: return dnotify_set(f, fd, (uint32_t)arg);
    case F_GETPIPE_SZ: return pipe_get_size(f);
    case F_SETPIPE_SZ: return pipe_set_size(f, (uint32_t)arg);
    case F_ADD_SEALS: return file_add_seals(f, (uint32_t)arg);
    case F_GET_SEALS: return file_get_seals(f);
    case F_GET_RW_HINT: return put_user((uint64_t)f->inode->rw_hint, arg);
    case F_SET_RW_HINT: return set_hint(f->inode, arg);
    case F_DUPFD_QUERY: return same_file(f, (int)arg);
    case F_CREATED_QUERY: return f->created;
    }
    return -EINVAL;
}

SYSCALL3(fcntl, int, fd, int, cmd, uint64_t, arg)
{
    WITH_FILE(f, fd);

    return f ? fcntl_on(fd, f, cmd, arg) : -EBADF;
}

SYSCALL2(flock, int, fd, int, op)
{
    short type;

    if (op & LOCK_MAND)
        return 0; /* Linux has dropped these, and says nothing */
    switch (op & ~LOCK_NB) {
    case LOCK_SH: type = F_RDLCK; break;
    case LOCK_EX: type = F_WRLCK; break;
    case LOCK_UN: type = F_UNLCK; break;
    default: return -EINVAL;
    }
    WITH_FILE(f, fd);
    return f && !(f->flags & O_PATH) ? lock_flock(f, type, !(op & LOCK_NB)) : -EBADF;
}

/* --- ioctl --- */

static long set_flag_from(int fd, struct file *f, uint32_t flag, uaddr_t arg)
{
    int on;

    if (get_user(on, arg) != 0)
        return -EFAULT;
    return set_flags(fd, f, flag, on ? flag : 0);
}

/* Unlike F_SETFL it says so when the file cannot. */
static long set_async_from(int fd, struct file *f, uaddr_t arg)
{
    int on;

    if (get_user(on, arg) != 0)
        return -EFAULT;
    if (!f->ops->async)
        return !on == !(f->flags & FASYNC) ? 0 : -ENOTTY;
    return set_flags(fd, f, FASYNC, on ? FASYNC : 0);
}

static long socket_owner(struct file *f, uint32_t cmd, uaddr_t arg)
{
    int who = (int)async_get_owner(f);

    if (cmd == FIOGETOWN || cmd == SIOCGPGRP)
        return put_user(who, arg);
    return get_user(who, arg) != 0 ? -EFAULT : async_set_owner(f, who);
}

static long ioctl_on(int fd, struct file *f, uint32_t cmd, uaddr_t arg)
{
    long err;

    if (f->flags & O_PATH)
        return -EBADF;
    switch (cmd) {
    case FIOCLEX: return fd_set_flags(fd, FD_CLOEXEC);
    case FIONCLEX: return fd_set_flags(fd, 0);
    case FIONBIO: return set_flag_from(fd, f, O_NONBLOCK, arg);
    case FIOASYNC: return set_async_from(fd, f, arg);
    case FIOSETOWN:
    case SIOCSPGRP:
    case FIOGETOWN:
    case SIOCGPGRP:
        if (S_ISSOCK(f->inode->mode))
            return socket_owner(f, cmd, arg);
        break;
    case FILE_IOCTLS:
        err = file_ioctl(f, cmd, arg);
        if (err != -ENOTTY)
            return err;
        break;
    case FIONREAD:
        if (S_ISREG(f->inode->mode))
            return put_user((int)(f->inode->size - f->pos), arg);
        break;
    }
    return f->ops->ioctl ? f->ops->ioctl(f, cmd, arg) : -ENOTTY;
}

SYSCALL3(ioctl, int, fd, uint32_t, cmd, uaddr_t, arg)
{
    WITH_FILE(f, fd);

    return f ? ioctl_on(fd, f, cmd, arg) : -EBADF;
}
