/* rw_copy.c - sendfile(2) and copy_file_range(2): from file to file through one
 * kernel page. */
#include "arch/preempt.h"
#include "arch/uaccess.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/notify.h"
#include "fs/pages_io.h"
#include "fs/uio.h"
#include "mm/heap.h"
#include "sched/sched.h"
#include "arch/syscall.h"
#include "sys/rw_copy.h"

#define MAX_RW 0x7ffff000ul

#define WORK_COPY 1500u /* instructions a page, about (arch/preempt.h) */

/* Copies up to n bytes.  What was read but could not be written does not count:
 * *in_pos only moves by what arrived. */
static long copy(struct file *in, uint64_t *in_pos, struct file *out, uint64_t *out_pos, size_t n,
                 bool nonblock __attribute__((unused)))
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
        preempt_work(WORK_COPY);
    }
    kfree(page);
    return done ? done : err;
}

/* --- positions --- */

/* A file whose own position is used is locked while that moves, as in read(2); two of
 * them by address.  But not while bytes wait for room in a pipe or terminal, which may
 * be for ever: as on Linux, two such copies from one file may then get the same bytes. */
static void positions_lock(struct file *a, struct file *b)
{
    if (a > b) {
        struct file *low = b;

        b = a;
        a = low;
    }
    if (a)
        mutex_lock(&a->lock);
    if (b && b != a)
        mutex_lock(&b->lock);
}

static void positions_unlock(struct file *a, struct file *b)
{
    if (b && b != a)
        mutex_unlock(&b->lock);
    if (a)
        mutex_unlock(&a->lock);
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
    return 0;
}

static int position_put(struct file *f, uaddr_t user, uint64_t pos)
{
    if (user)
        return put_user(pos, user);
    f->pos = pos;
    return 0;
}

enum overlap { MAY_OVERLAP, NO_OVERLAP }; /* within one file */

/* copy_file_range(2)'s: what would be written must be allowed, though there may be less to read. */
static int range_check(struct transfer *t)
{
    uint64_t size = t->in->inode->size;

    t->n = size > t->in_pos ? MIN(t->n, size - t->in_pos) : 0;
    long room = file_write_limit(t->out_pos, t->n);
    if (room < 0)
        return (int)room;
    t->n = (size_t)room;
    return t->in->inode == t->out->inode && t->in_pos < t->out_pos + t->n &&
                   t->out_pos < t->in_pos + t->n
               ? -EINVAL
               : 0;
}

/* The positions of both, checked; of one that has none, 0. */
static int positions_get(struct transfer *t, enum overlap overlap)
{
    int err = t->in->ops->nonseekable ? 0 : position_get(t->in, t->in_off, &t->in_pos);

    if (err == 0 && !t->out->ops->nonseekable)
        err = position_get(t->out, t->out_off, &t->out_pos);
    if (err == 0 && overlap == NO_OVERLAP &&
        (t->in_pos + t->n < t->in_pos || t->out_pos + t->n < t->out_pos))
        err = -EOVERFLOW;
    if (err == 0 && (t->in_pos > INT64_MAX || t->out_pos > INT64_MAX))
        err = -EINVAL;
    return err || overlap == MAY_OVERLAP ? err : range_check(t);
}

static bool positions_put(struct transfer *t)
{
    return (t->in->ops->nonseekable || position_put(t->in, t->in_off, t->in_pos) == 0) &&
           (t->out->ops->nonseekable || position_put(t->out, t->out_off, t->out_pos) == 0);
}

static long copy_files(struct transfer *t, enum overlap overlap)
{
    struct file *in = t->in, *out = t->out;
    bool may_wait = out->ops->nonseekable || in->ops->nonseekable;
    struct file *own_in = t->in_off || in->ops->nonseekable ? NULL : in,
                *own_out = t->out_off || out->ops->nonseekable ? NULL : out;

    t->n = MIN(t->n, MAX_RW);
    positions_lock(own_in, own_out);
    long done = positions_get(t, overlap);
    if (!done) {
        if (may_wait)
            positions_unlock(own_in, own_out);
        done = t->copy(in, &t->in_pos, out, &t->out_pos, t->n, t->nonblock);
        if (may_wait)
            positions_lock(own_in, own_out);
        if (done > 0) {
            notify_file(in, IN_ACCESS);
            notify_file(out, IN_MODIFY);
        }
    }
    if (done > 0 && !positions_put(t))
        done = -EFAULT;
    positions_unlock(own_in, own_out);
    return done;
}

long transfer(struct transfer *t) { return copy_files(t, MAY_OVERLAP); }

static long send_file(struct file *in, struct file *out, uaddr_t offset, int64_t pos, size_t n)
{
    if (!in || !file_readable(in))
        return -EBADF;
    if (offset && in->ops->nonseekable)
        return -ESPIPE;
    if (pos < 0 || (int64_t)n < 0)
        return -EINVAL;
    if (!out || !file_writable(out))
        return -EBADF;
    if (in->ops->nonseekable || out->flags & O_APPEND)
        return -EINVAL;
    if (n == 0)
        return 0;
    if (!in->ops->read || in->ops->no_splice_read || !out->ops->write || out->ops->no_splice_write)
        return -EINVAL;
    struct transfer t = { .in = in, .in_off = offset, .out = out, .n = n, .copy = copy };
    return copy_files(&t, MAY_OVERLAP);
}

/* The position is read before anything else, and written back whatever has come of it. */
SYSCALL4(sendfile, int, out_fd, int, in_fd, uaddr_t, offset, size_t, n)
{
    int64_t pos = 0;

    if (offset != 0 && get_user(pos, offset) != 0)
        return -EFAULT;
    WITH_FILE(in, in_fd);
    WITH_FILE(out, out_fd);
    long sent = send_file(in, out, offset, pos, n);
    if (sent != -EBADF) {
        task_count_io(0, sent);
        task_count_io(1, sent);
    }
    return offset != 0 && sent <= 0 && put_user(pos, offset) != 0 ? -EFAULT : sent;
}

static long copy_range_check(const struct transfer *t, uint32_t flags)
{
    const struct file *in = t->in, *out = t->out;
    uint64_t pos;

    if (!in || !out || (in->flags | out->flags) & O_PATH)
        return -EBADF;
    if ((t->in_off && get_user(pos, t->in_off) != 0) ||
        (t->out_off && get_user(pos, t->out_off) != 0))
        return -EFAULT;
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

SYSCALL6(copy_file_range, int, in_fd, uaddr_t, in_off, int, out_fd, uaddr_t, out_off, size_t, n,
         uint32_t, flags)
{
    WITH_FILE(in, in_fd);
    WITH_FILE(out, out_fd);
    struct transfer t = {
        .in = in, .in_off = in_off, .out = out, .out_off = out_off, .n = n, .copy = copy
    };
    long err = copy_range_check(&t, flags);

    if (err)
        return err;
    long copied = copy_files(&t, NO_OVERLAP);
    task_count_io(0, copied);
    task_count_io(1, copied);
    return copied;
}
