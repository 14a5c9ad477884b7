/* pipe_splice.c - a pipe as one side of splice(2), tee(2) and vmsplice(2).
 *
 * Bytes go through a page of the caller's, which may have to wait for the other side for ever; so
 * no lock of the pipe is held meanwhile, and a pipe between its caller and everybody else
 * keeps its promises by a claim: room that nobody else fills.
 *
 *   into a pipe:   claim room, read the other side, fill: what was claimed is given back and
 *                  what was read follows the ring's last byte.
 *   out of a pipe: take, which leaves the room of what was taken claimed, write to the
 *                  other side, settle: what could not be written goes back in front.  It finds
 *                  its room, and in pages that are there, as none is given back while something is
 *                  claimed.  (Who reads the same pipe meanwhile gets later bytes sooner, as two
 *                  readers of one pipe must expect.)
 *
 * A claim is of a page at most, so a pipe of more than one never looks full for one alone. */
#include "arch/preempt.h"
#include "fs/pipe_internal.h"
#include "lib/string.h"

/* What a splice could not give back in front of others' packets would be lost: such a pipe has none.
 * Whoever has asked before there were slots finds out under the lock. */
struct pipe *pipe_state(struct file *f)
{
    return file_is_pipe(f) && !pipe_in_slots(pipe_of(f)) ? pipe_of(f) : NULL;
}

static void set_claimed(struct pipe *p, size_t n)
{
    __atomic_store_n(&p->claimed, n, __ATOMIC_RELEASE);
}

long pipe_await_bytes(struct pipe *p, bool nonblock)
{
    for (;;) {
        bool ended = pipe_load(&p->writers) == 0; /* before `used`, as in pipe_read() */
        if (pipe_used(p) > 0)
            return 1;
        if (ended)
            return 0;
        if (nonblock)
            return -EAGAIN;
        int err = WAIT_EVENT(&p->read_wait, pipe_used(p) > 0 || pipe_load(&p->writers) == 0,
                             BLOCK_pipe_read, 0, BLOCK_INTERRUPTIBLE, NO_DEADLINE);
        if (err)
            return err;
    }
}

long pipe_claim(struct pipe *p, size_t most, bool nonblock)
{
    for (;;) {
        if (pipe_load(&p->readers) == 0)
            return pipe_broken();
        mutex_lock(&p->lock);
        bool packets = p->slots != NULL;
        size_t n = packets ? 0 : MIN(MIN(most, (size_t)PAGE_SIZE), pipe_room(p));
        set_claimed(p, p->claimed + n);
        mutex_unlock(&p->lock);
        if (packets)
            return -EINVAL;
        if (n > 0)
            return (long)n;
        if (nonblock)
            return -EAGAIN;
        int err = WAIT_EVENT(&p->write_wait, pipe_room(p) > 0 || pipe_load(&p->readers) == 0,
                             BLOCK_pipe_write, 0, BLOCK_INTERRUPTIBLE, NO_DEADLINE);
        if (err)
            return err;
    }
}

long pipe_fill(struct pipe *p, size_t claimed, void *bytes, size_t n)
{
    struct uio u;

    uio_kernel(&u, bytes, n);
    mutex_lock(&p->lock);
    set_claimed(p, p->claimed - claimed);
    long done = n > 0 ? pipe_put_bytes(p, &u) : 0;
    mutex_unlock(&p->lock);
    if (done > 0)
        pipe_wake(&p->read_wait);
    if (done != (long)claimed)
        pipe_wake(&p->write_wait);
    return done;
}

long pipe_take(struct pipe *p, void *bytes, size_t most)
{
    struct uio u;

    uio_kernel(&u, bytes, MIN(most, (size_t)PAGE_SIZE));
    mutex_lock(&p->lock);
    size_t start = p->start;
    long n = p->slots != NULL ? -EINVAL : pipe_take_bytes(p, &u);
    if (n > 0) {
        set_claimed(p, p->claimed + (size_t)n);
        p->start =
            (start + (size_t)n) % (p->npages * PAGE_SIZE); /* an empty ring would begin anew */
    }
    mutex_unlock(&p->lock);
    return n;
}

void pipe_settle(struct pipe *p, size_t took, void *rest, size_t n)
{
    size_t ring = p->npages * PAGE_SIZE;
    struct uio u;

    uio_kernel(&u, rest, n);
    mutex_lock(&p->lock);
    set_claimed(p, p->claimed - took);
    p->start = (p->start + ring - n) % ring;
    for (size_t at = p->start; u.left > 0;) {
        long moved = pipe_move_piece(p, at, u.left, &u, INTO_RING);
        ASSERT(moved > 0); /* the page is there, and so are the bytes */
        at += (size_t)moved;
    }
    __atomic_store_n(&p->used, p->used + n, __ATOMIC_RELEASE);
    mutex_unlock(&p->lock);
    if (n > 0)
        pipe_wake(&p->read_wait);
    if (n < took)
        pipe_wake(&p->write_wait);
}

long pipe_peek(struct pipe *p, size_t at, void *bytes, size_t most)
{
    struct uio u;
    long n = 0;

    mutex_lock(&p->lock);
    if (p->slots != NULL) {
        n = -EINVAL;
    } else if (at < p->used) {
        uio_kernel(&u, bytes, MIN(most, (size_t)PAGE_SIZE));
        n = pipe_move_piece(p, p->start + at, MIN(u.left, p->used - at), &u, OUT_OF_RING);
    }
    mutex_unlock(&p->lock);
    return n;
}

long pipe_take_user(struct pipe *p, struct uio *u, bool nonblock)
{
    long n = pipe_await_bytes(p, nonblock);

    while (n > 0) {
        mutex_lock(&p->lock);
        long done = pipe_take_bytes(p, u);
        mutex_unlock(&p->lock);
        if (done > 0)
            pipe_wake(&p->write_wait);
        if (done != 0)
            return done;
        n = pipe_await_bytes(p, nonblock); /* somebody else was first */
    }
    return n;
}

long pipe_put_user(struct pipe *p, struct uio *u, bool nonblock)
{
    for (;;) {
        if (pipe_load(&p->readers) == 0)
            return pipe_broken();
        mutex_lock(&p->lock);
        long done = pipe_put_bytes(p, u);
        mutex_unlock(&p->lock);
        if (done > 0)
            pipe_wake(&p->read_wait);
        if (done != 0)
            return done;
        if (nonblock)
            return -EAGAIN;
        int err = WAIT_EVENT(&p->write_wait, pipe_room(p) > 0 || pipe_load(&p->readers) == 0,
                             BLOCK_pipe_write, 0, BLOCK_INTERRUPTIBLE, NO_DEADLINE);
        if (err)
            return err;
    }
}
