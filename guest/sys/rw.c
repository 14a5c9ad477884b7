/* rw.c - read(2), write(2) and their relatives.
 * One function for each direction does the work: the calls differ in where the
 * bytes lie (one buffer or a vector) and in which position they use (the file's,
 * under its lock, or their own).  A call moves MAX_RW bytes at most, as on Linux. */
#include "arch/uaccess.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/notify.h"
#include "fs/pages_io.h"
#include "fs/uio.h"
#include "mm/heap.h"
#include "sched/task.h"
#include "arch/syscall.h"
#include <linux/fs.h>

#define MAX_RW UIO_BYTES_MAX

enum direction { READ, WRITE };

static long move(struct file *f, struct uio *u, uint64_t *pos, enum direction dir)
{
    if (dir == WRITE ? !file_writable(f) : !file_readable(f))
        return -EBADF;
    if (dir == WRITE)
        return f->ops->write ? f->ops->write(f, u, pos) : -EINVAL;
    if (!f->ops->read)
        return is_dir(f->inode) ? -EISDIR : -EINVAL;
    return f->ops->read(f, u, pos);
}

/* At the file's own position. */
static long move_here(struct file *f, struct uio *u, enum direction dir)
{
    long n;

    if (f->ops->nonseekable)
        return move(f, u, &f->pos, dir);
    mutex_lock(&f->lock);
    n = move(f, u, &f->pos, dir);
    mutex_unlock(&f->lock);
    return n;
}

/* What pwritev2(2) says about O_APPEND, in the place of a position. */
struct told {
    int64_t none; /* < 0: this is no position */
    int64_t pos;  /* -1: the file's own */
    bool at_end;
};

static SLOW_PATH long move_told(struct file *f, struct uio *u, const struct told *t)
{
    uint64_t at = (uint64_t)t->pos;
    long n;

    if (t->pos >= 0 && f->ops->nonseekable)
        return -ESPIPE;
    if (!file_writable(f) || f->ops->write != file_regular_write)
        return t->pos < 0 ? move_here(f, u, WRITE) : move(f, u, &at, WRITE);
    if (!t->at_end && f->inode->attributes & INODE_APPEND)
        return -EPERM;
    mutex_lock(&f->lock);
    n = file_regular_write_told(f, u, t->pos < 0 ? &f->pos : &at, t->at_end);
    mutex_unlock(&f->lock);
    return n;
}

/* pos is one: who calls has looked. */
static long move_at(struct file *f, struct uio *u, int64_t pos, enum direction dir)
{
    uint64_t at = (uint64_t)pos;

    return f->ops->nonseekable ? -ESPIPE : move(f, u, &at, dir);
}

/* It is counted, and who watches the file is told.  In the calls themselves, not in move(), which so ends in the file's
 * own function. */
static inline void tell(struct file *f, long n, enum direction dir)
{
    if (n != -EBADF)
        task_count_io(dir, n);
    if (notify_wanted() && n > 0)
        notify_file(f, dir == WRITE ? IN_MODIFY : IN_ACCESS);
}

/* What a call gives that has no bytes to move, or none that it could: 0: the file does not mind. */
static SLOW_PATH long refusal(struct file *f, const int64_t *pos, enum direction dir)
{
    if (pos && *pos >= 0 && f->ops->nonseekable)
        return -ESPIPE;
    if (dir == WRITE ? !file_writable(f) : !file_readable(f))
        return -EBADF;
    return (dir == WRITE ? f->ops->write != NULL : f->ops->read != NULL) || is_dir(f->inode)
               ? 0
               : -EINVAL;
}

static inline long one_buffer(int fd, uaddr_t buf, size_t n, const int64_t *pos, enum direction dir)
{
    WITH_FILE(f, fd);
    struct iovec one;
    struct uio u;

    if (!f)
        return -EBADF;
    if (!user_range(buf, n)) {
        long no = refusal(f, pos, dir);
        return no ? no : -EFAULT;
    }
    uio_user(&u, &one, buf, MIN(n, MAX_RW));
    long done = pos ? move_at(f, &u, *pos, dir) : move_here(f, &u, dir);
    tell(f, done, dir);
    return done;
}

static long vector(int fd, uaddr_t vec, size_t n, const int64_t *pos, enum direction dir)
{
    WITH_FILE(f, fd);
    struct uio_vector v;

    if (!f)
        return -EBADF;
    long ret = n > UIO_MAXIOV ? -EINVAL : uio_vector_get(&v, vec, n);
    if (ret <= 0) {
        long no = refusal(f, pos, dir);
        if (ret == 0)
            uio_vector_put(&v);
        return no ? no : ret;
    }
    ret = !pos       ? move_here(f, &v.u, dir)
          : *pos < 0 ? move_told(f, &v.u, container_of(pos, struct told, none))
                     : move_at(f, &v.u, *pos, dir);
    tell(f, ret, dir);
    uio_vector_put(&v);
    return ret;
}

SYSCALL3(read, int, fd, uaddr_t, buf, size_t, n) { return one_buffer(fd, buf, n, NULL, READ); }

SYSCALL3(write, int, fd, uaddr_t, buf, size_t, n) { return one_buffer(fd, buf, n, NULL, WRITE); }

SYSCALL4(pread64, int, fd, uaddr_t, buf, size_t, n, int64_t, pos)
{
    return pos < 0 ? -EINVAL : one_buffer(fd, buf, n, &pos, READ);
}

SYSCALL4(pwrite64, int, fd, uaddr_t, buf, size_t, n, int64_t, pos)
{
    return pos < 0 ? -EINVAL : one_buffer(fd, buf, n, &pos, WRITE);
}

SYSCALL3(readv, int, fd, uaddr_t, vec, size_t, n) { return vector(fd, vec, n, NULL, READ); }

SYSCALL3(writev, int, fd, uaddr_t, vec, size_t, n) { return vector(fd, vec, n, NULL, WRITE); }

/* The position's upper half, the fifth argument, only matters to 32-bit callers. */
SYSCALL4(preadv, int, fd, uaddr_t, vec, size_t, n, int64_t, pos)
{
    return pos < 0 ? -EINVAL : vector(fd, vec, n, &pos, READ);
}

SYSCALL4(pwritev, int, fd, uaddr_t, vec, size_t, n, int64_t, pos)
{
    return pos < 0 ? -EINVAL : vector(fd, vec, n, &pos, WRITE);
}

#ifndef RWF_NOAPPEND /* Linux 6.9 */
#define RWF_NOAPPEND 0x20
#endif

/* preadv2, pwritev2; position -1: the file's own.  Memory is what is stored, so HIPRI, DSYNC
 * and SYNC ask for nothing more; where bytes are appended means nothing to a read; NOWAIT and the
 * others are refused, as by a file that lacks them. */
static long vector_flags(int fd, uaddr_t vec, size_t n, int64_t pos, uint32_t flags,
                         enum direction dir)
{
    const uint32_t appends = RWF_APPEND | RWF_NOAPPEND;
    struct told t = { -1, pos, flags & RWF_APPEND };

    if (pos < -1)
        return -EINVAL;
    if (flags & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | appends))
        return -EOPNOTSUPP;
    if ((flags & appends) == appends)
        return -EINVAL;
    if (flags & appends && dir == WRITE)
        return vector(fd, vec, n, &t.none, dir);
    return vector(fd, vec, n, pos == -1 ? NULL : &pos, dir);
}

SYSCALL6(preadv2, int, fd, uaddr_t, vec, size_t, n, int64_t, pos, uint64_t, high, uint32_t, flags)
{
    (void)high;
    return vector_flags(fd, vec, n, pos, flags, READ);
}

SYSCALL6(pwritev2, int, fd, uaddr_t, vec, size_t, n, int64_t, pos, uint64_t, high, uint32_t, flags)
{
    (void)high;
    return vector_flags(fd, vec, n, pos, flags, WRITE);
}

SYSCALL3(lseek, int, fd, int64_t, off, int, whence)
{
    WITH_FILE(f, fd);
    long ret;

    if (!f || f->flags & O_PATH)
        return -EBADF;
    if ((uint32_t)whence > SEEK_HOLE)
        return -EINVAL;
    if (f->ops->nonseekable && !f->ops->seek)
        return -ESPIPE;
    mutex_lock(&f->lock);
    ret = f->ops->seek ? f->ops->seek(f, off, whence) : file_regular_seek(f, off, whence);
    mutex_unlock(&f->lock);
    return ret;
}
