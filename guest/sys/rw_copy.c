/* rw_copy.c - sendfile(2) and copy_file_range(2): from file to file through one
 * kernel page. */
#include "fs/internal.h"
#include "arch/uaccess.h"
#include "mm/heap.h"
#include "proc/task.h"
#include "sys/syscall.h"

#define MAX_RW 0x7ffff000ul

/* Copies up to n bytes.  What was read but could not be written does not count:
 * *in_pos only moves by what arrived. */
static long copy(struct file *in, uint64_t *in_pos, struct file *out, uint64_t *out_pos, size_t n)
{
    void *page = kmalloc(PAGE_SIZE);
    long done = 0, err = 0;

    if (!page)
        return -ENOMEM;
    while ((size_t)done < n) {
        uint64_t at = *in_pos;
        struct uio u;

        uio_kernel(&u, page, MIN(n - (size_t)done, PAGE_SIZE));
        long got = in->ops->read(in, &u, &at);
        if (got <= 0) {
            err = got;
            break;
        }
        uio_kernel(&u, page, (size_t)got);
        long put = out->ops->write(out, &u, out_pos);
        if (put <= 0) {
            err = put;
            break;
        }
        *in_pos += (uint64_t)put;
        done += put;
        if (put < got || signal_pending(current))
            break;
        preempt_point();
    }
    kfree(page);
    return done ? done : err;
}

/* The position to use: at the user's address, or the file's own. */
static int position_get(struct file *f, uaddr_t user, uint64_t *pos)
{
    if (!user) {
        *pos = f->pos;
        return 0;
    }
    if (get_user(*pos, user) != 0)
        return -EFAULT;
    if (f->ops->nonseekable)
        return -ESPIPE;
    return *pos > INT64_MAX ? -EINVAL : 0;
}

static int position_put(struct file *f, uaddr_t user, uint64_t pos)
{
    if (user)
        return put_user(pos, user);
    f->pos = pos;
    return 0;
}

static long copy_files(struct file *in, uaddr_t in_off, struct file *out, uaddr_t out_off, size_t n)
{
    uint64_t in_pos, out_pos;
    int err = position_get(in, in_off, &in_pos);
    long done;

    if (!err)
        err = position_get(out, out_off, &out_pos);
    if (err)
        return err;
    done = copy(in, &in_pos, out, &out_pos, MIN(n, MAX_RW));
    if (done > 0 && (position_put(in, in_off, in_pos) != 0 || position_put(out, out_off, out_pos) != 0))
        return -EFAULT;
    return done;
}

SYSCALL4(sendfile, int, out_fd, int, in_fd, uaddr_t, offset, size_t, n)
{
    struct file *in = fd_get(in_fd), *out = fd_get(out_fd);
    long ret;

    if (!in || !out || !file_readable(in) || !file_writable(out))
        ret = -EBADF;
    else if (!in->ops->read || in->ops->nonseekable || !out->ops->write || out->flags & O_APPEND)
        ret = -EINVAL;
    else
        ret = copy_files(in, offset, out, 0, n);
    if (in)
        file_put(in);
    if (out)
        file_put(out);
    return ret;
}

static long copy_range_check(struct file *in, struct file *out, uint32_t flags)
{
    if (flags)
        return -EINVAL;
    if (is_dir(in->inode) || is_dir(out->inode))
        return -EISDIR;
    if (!S_ISREG(in->inode->mode) || !S_ISREG(out->inode->mode))
        return -EINVAL;
    if (!file_readable(in) || !file_writable(out) || out->flags & O_APPEND)
        return -EBADF;
    if (!in->ops->read || !out->ops->write)
        return -EINVAL;
    return in->inode->sb == out->inode->sb ? 0 : -EXDEV;
}

/* Within one file the ranges may not overlap. */
static long copy_range(struct file *in, uaddr_t in_off, struct file *out, uaddr_t out_off, size_t n)
{
    uint64_t from, to;
    int err = position_get(in, in_off, &from);

    if (!err)
        err = position_get(out, out_off, &to);
    if (err)
        return err;
    n = MIN(n, MAX_RW);
    if (in->inode == out->inode && from < to + n && to < from + n)
        return -EINVAL;
    return copy_files(in, in_off, out, out_off, n);
}

SYSCALL6(copy_file_range, int, in_fd, uaddr_t, in_off, int, out_fd, uaddr_t, out_off, size_t, n,
         uint32_t, flags)
{
    struct file *in = fd_get(in_fd), *out = fd_get(out_fd);
    long ret = -EBADF;

    if (in && out)
        ret = copy_range_check(in, out, flags);
    if (in && out && ret == 0)
        ret = copy_range(in, in_off, out, out_off, n);
    if (in)
        file_put(in);
    if (out)
        file_put(out);
    return ret;
}
