/* splice.c - splice(2), tee(2), vmsplice(2).
 * Bytes are copied, once into a page of the kernel's and once out of it, where Linux may hand pages
 * on: what a program can see is the same, but that a page given by vmsplice(2) and changed afterwards
 * does not change in the pipe, which it need not on Linux either. */
#include "arch/preempt.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/pipe.h"
#include "fs/uio.h"
#include "mm/heap.h"
#include "net/unix.h"
#include "sched/sched.h"
#include "sys/rw_copy.h"
#include <linux/fcntl.h>
#include <linux/uio.h>

#define SPLICE_F_MOVE     1u
#define SPLICE_F_NONBLOCK 2u
#define SPLICE_F_MORE     4u
#define SPLICE_F_GIFT     8u
#define SPLICE_F_ALL      15u

#define WORK_COPY 1500u /* instructions a page, about (arch/preempt.h) */

/* --- one page at a time; page: what it goes through.  Bytes, or -errno ------------------------ */

/* The pipe has as much as is there, not as much as is asked for. */
static long file_to_pipe_step(struct file *in, uint64_t *in_pos, struct pipe *out, void *page,
                              size_t n, bool nonblock)
{
    uint64_t at = *in_pos;
    struct uio u;
    long claimed = pipe_claim(out, n, nonblock);

    if (claimed < 0)
        return claimed;
    uio_kernel(&u, page, (size_t)claimed);
    long got = in->ops == &unix_ops ? socket_splice(in, &u, nonblock) : in->ops->read(in, &u, &at);
    long put = pipe_fill(out, (size_t)claimed, page, got > 0 ? (size_t)got : 0);
    if (got <= 0)
        return got;
    *in_pos += put > 0 ? (uint64_t)put : 0;
    return put;
}

static long file_to_pipe(struct file *in, uint64_t *in_pos, struct file *out,
                         uint64_t *out_pos __attribute__((unused)), size_t n, bool nonblock)
{
    void *page = kmalloc(PAGE_SIZE);
    long done = 0, got = page != NULL ? 1 : -ENOMEM;

    while (got > 0 && (size_t)done < n && !(done > 0 && signal_pending(current))) {
        /* Only the first part of a file that may let wait. */
        if (done > 0 && in->ops->nonseekable)
            break;
        got = file_to_pipe_step(in, in_pos, pipe_state(out), page, n - (size_t)done,
                                nonblock || done > 0);
        done += got > 0 ? got : 0;
        preempt_work(WORK_COPY);
    }
    kfree(page);
    return done > 0 ? done : got;
}

static long pipe_to_file_step(struct pipe *in, struct file *out, uint64_t *out_pos, char *page,
                              size_t n, bool nonblock)
{
    struct uio u;
    long got = pipe_await_bytes(in, nonblock);

    if (got > 0)
        got = pipe_take(in, page, n);
    if (got <= 0)
        return got;
    uio_kernel(&u, page, (size_t)got);
    long put = out->ops->write(out, &u, out_pos);
    size_t written = put > 0 ? (size_t)put : 0;
    pipe_settle(in, (size_t)got, page + written, (size_t)got - written);
    return put;
}

static long pipe_to_file(struct file *in, uint64_t *in_pos __attribute__((unused)),
                         struct file *out, uint64_t *out_pos, size_t n, bool nonblock)
{
    void *page = kmalloc(PAGE_SIZE);
    long done = 0, put = page != NULL ? 1 : -ENOMEM;

    while (put > 0 && (size_t)done < n && !(done > 0 && signal_pending(current))) {
        put = pipe_to_file_step(pipe_state(in), out, out_pos, page, n - (size_t)done,
                                nonblock || done > 0);
        done += put > 0 ? put : 0;
        preempt_work(WORK_COPY);
    }
    kfree(page);
    return done > 0 ? done : put;
}

enum keep { TAKE, LEAVE }; /* splice, tee */

/* From the at-th byte on, if they stay.  0: there is nothing, now or ever. */
static long pipe_to_pipe_step(struct pipe *in, size_t at, struct pipe *out, void *page, size_t n,
                              bool nonblock, enum keep keep)
{
    long claimed = pipe_claim(out, n, nonblock);

    if (claimed < 0)
        return claimed;
    long got = keep == LEAVE ? pipe_peek(in, at, page, (size_t)claimed)
                             : pipe_take(in, page, (size_t)claimed);
    long put = pipe_fill(out, (size_t)claimed, page, got > 0 ? (size_t)got : 0);
    if (got > 0 && keep == TAKE) {
        size_t moved = put > 0 ? (size_t)put : 0;
        pipe_settle(in, (size_t)got, (char *)page + moved, (size_t)got - moved);
    }
    return got > 0 ? put : got;
}

static long pipe_to_pipe(struct pipe *in, struct pipe *out, size_t n, bool nonblock, enum keep keep)
{
    void *page = kmalloc(PAGE_SIZE);
    long done = 0, got = page != NULL ? pipe_await_bytes(in, nonblock) : -ENOMEM;

    while (got > 0 && (size_t)done < n && !(done > 0 && signal_pending(current))) {
        got = pipe_to_pipe_step(in, (size_t)done, out, page, n - (size_t)done, nonblock || done > 0,
                                keep);
        if (got == 0 && done == 0) /* somebody else has taken them */
            got = pipe_await_bytes(in, nonblock);
        else if (got > 0)
            done += got;
        preempt_work(WORK_COPY);
    }
    kfree(page);
    return done > 0 ? done : got;
}

/* --- calls -------------------------------------------------------------------------------------- */

/* What can be at the other end: files, devices, sockets, but nothing whose reads are records. */
static bool can_splice(const struct file *f)
{
    uint32_t type = f->inode->mode & S_IFMT;

    return type == S_IFREG || type == S_IFCHR || type == S_IFBLK || type == S_IFSOCK;
}

/* A file at the other side of the pipe, with the position at `off`. */
static long file_check(const struct file *f, uaddr_t off, bool has_op)
{
    if (!can_splice(f) || !has_op || (off != 0 && f->ops->nonseekable))
        return -EINVAL;
    return 0;
}

static bool nonblocking(const struct file *pipe, uint32_t flags)
{
    return flags & SPLICE_F_NONBLOCK || pipe->flags & O_NONBLOCK;
}

static long splice(struct file *in, uaddr_t in_off, struct file *out, uaddr_t out_off, size_t n,
                   uint32_t flags)
{
    struct pipe *from = pipe_state(in), *to = pipe_state(out);
    struct transfer t = { .in = in, .in_off = in_off, .out = out, .out_off = out_off, .n = n };
    int64_t off;
    long err = 0;

    if ((from != NULL && in_off != 0) || (to != NULL && out_off != 0))
        return -ESPIPE;
    if ((in_off != 0 && get_user(off, in_off) != 0) ||
        (out_off != 0 && get_user(off, out_off) != 0))
        return -EFAULT;
    if (!file_readable(in) || !file_writable(out))
        return -EBADF;
    if (from != NULL && to != NULL)
        return from == to ? -EINVAL
                          : pipe_to_pipe(from, to, n,
                                         nonblocking(in, flags) || nonblocking(out, flags), TAKE);
    if (from != NULL) {
        err = out->flags & O_APPEND
                  ? -EINVAL
                  : file_check(out, out_off, out->ops->write && !out->ops->no_splice_write);
        t.copy = pipe_to_file;
        t.nonblock = nonblocking(in, flags);
    } else if (to != NULL) {
        err = file_check(in, in_off, in->ops->read && !in->ops->no_splice_read);
        t.copy = file_to_pipe;
        t.nonblock = nonblocking(out, flags);
    } else {
        err = -EINVAL;
    }
    return err != 0 ? err : transfer(&t);
}

SYSCALL6(splice, int, in_fd, uaddr_t, in_off, int, out_fd, uaddr_t, out_off, size_t, n, uint32_t,
         flags)
{
    if (n == 0)
        return 0;
    if (flags & ~SPLICE_F_ALL)
        return -EINVAL;
    WITH_FILE(in, in_fd);
    WITH_FILE(out, out_fd);
    return in != NULL && out != NULL ? splice(in, in_off, out, out_off, n, flags) : -EBADF;
}

SYSCALL4(tee, int, in_fd, int, out_fd, size_t, n, uint32_t, flags)
{
    if (flags & ~SPLICE_F_ALL)
        return -EINVAL;
    if (n == 0)
        return 0;
    WITH_FILE(in, in_fd);
    WITH_FILE(out, out_fd);
    if (in == NULL || out == NULL || !file_readable(in) || !file_writable(out))
        return -EBADF;
    struct pipe *from = pipe_state(in), *to = pipe_state(out);
    if (from == NULL || to == NULL || from == to)
        return -EINVAL;
    return pipe_to_pipe(from, to, n, nonblocking(in, flags) || nonblocking(out, flags), LEAVE);
}

static long vmsplice(struct file *f, uaddr_t vec, size_t n, uint32_t flags)
{
    struct pipe *p = pipe_state(f);
    struct uio_vector v;

    if (n > UIO_MAXIOV)
        return -EINVAL;
    long bytes = uio_vector_get(&v, vec, n);
    if (bytes < 0)
        return bytes;
    if (bytes > 0 && p == NULL) {
        bytes = -EBADF; /* of nothing nobody asks where it goes */
    } else if (bytes > 0) {
        bytes = file_writable(f) ? pipe_put_user(p, &v.u, nonblocking(f, flags))
                                 : pipe_take_user(p, &v.u, nonblocking(f, flags));
    }
    uio_vector_put(&v);
    return bytes;
}

SYSCALL4(vmsplice, int, fd, uaddr_t, vec, size_t, n, uint32_t, flags)
{
    if (flags & ~SPLICE_F_ALL)
        return -EINVAL;
    WITH_FILE(f, fd);
    return f != NULL && !(f->flags & O_PATH) ? vmsplice(f, vec, n, flags) : -EBADF;
}
