/* pipe.c - pipes and FIFOs.
 *
 * The bytes are a ring over pages that are allocated when first written to; an
 * empty pipe starts again at its first page, so one that never fills uses one.
 * The state belongs to the inode and lives as long as that does.
 *
 *   pipe.lock (a mutex, because bytes come from and go to user memory) guards
 *   the ring; the counts of ends are atomic, so that closing needs no mutex.
 *   Who waits looks at `used` and the counts without the lock: a change is made
 *   first, the queue woken afterwards (sched/block.h).
 *
 * Atomicity: a write of up to PIPE_BUF bytes waits until all of it fits, and the
 * mutex keeps others out meanwhile.  Longer ones go in pieces of at least PIPE_BUF.
 *
 * Opening a FIFO waits for a partner.  "There was one" is told by counters that
 * only grow, so a partner that came and went at once is not missed.
 * A page's bytes come or go as a whole: where some of them meet bad memory, those bytes stay in the
 * pipe, or have never been in it, as on Linux.  There the pages of a write begin at its own begin,
 * but what is more than whole pages goes to the last page in use, if it fits; put_fails() works
 * out how much of that has arrived.
 *
 * pipe_packet.c has packets (O_DIRECT), pipe_splice.c what splice(2) needs, pipe_size.c the ring's size. */
#include "fs/pipe_internal.h"
#include "arch/preempt.h"
#include "arch/uaccess.h"
#include "fs/poll.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "proc/signal.h"

#include <asm/ioctls.h>
#include <linux/limits.h>
#include <linux/magic.h>

#define PAGES_DEFAULT 16u /* 64 KiB */

static struct superblock pipe_sb = { .type = "pipefs",
                                     .magic = PIPEFS_MAGIC,
                                     .dev = DEV_OF_KIND(KIND_PIPES) };
static const struct inode_ops pipe_inode_ops = { .evict = fifo_evict };

static bool reads(const struct file *f) { return file_readable(f); }
static bool writes(const struct file *f) { return file_writable(f); }

/* --- life ------------------------------------------------------------------------ */

static struct pipe *pipe_alloc(int *err)
{
    struct pipe *p = kzalloc(sizeof(*p));
    pfn_t *page = kzalloc(PAGES_DEFAULT * sizeof(*page));
    if (p == NULL || page == NULL) {
        kfree(p);
        kfree(page);
        *err = -ENOMEM;
        return NULL;
    }
    p->npages = PAGES_DEFAULT;
    *err = pipe_user_new(p);
    if (*err != 0) {
        kfree(p);
        kfree(page);
        return NULL;
    }
    mutex_init(&p->lock, LOCK_pipe);
    waitq_init(&p->read_wait);
    waitq_init(&p->write_wait);
    waitq_init(&p->open_wait);
    p->page = page;
    return p;
}

#define WORK_FREE 100u /* instructions a page, about (arch/preempt.h) */

/* Spinlocks may be held, and a megabyte is not too much for one step, but it counts. */
static void pipe_free(struct pipe *p)
{
    pipe_slots_free(p);
    pipe_user_end(p);
    preempt_tell(p->npages * WORK_FREE);
    for (uint32_t i = 0; i < p->npages; i++)
        if (p->page[i] != 0)
            frame_put(p->page[i]);
    kfree(p->page);
    kfree(p);
}

void fifo_evict(struct inode *in)
{
    if (in->private != NULL)
        pipe_free(in->private);
}

static void add_end(struct pipe *p, const struct file *f)
{
    if (reads(f)) {
        __atomic_add_fetch(&p->readers, 1, __ATOMIC_ACQ_REL);
        __atomic_add_fetch(&p->reads_opened, 1, __ATOMIC_ACQ_REL);
    }
    if (writes(f)) {
        __atomic_add_fetch(&p->writers, 1, __ATOMIC_ACQ_REL);
        __atomic_add_fetch(&p->writes_opened, 1, __ATOMIC_ACQ_REL);
    }
    waitq_wake(&p->open_wait);
}

static void drop_end(struct pipe *p, const struct file *f)
{
    if (reads(f))
        __atomic_sub_fetch(&p->readers, 1, __ATOMIC_ACQ_REL);
    if (writes(f))
        __atomic_sub_fetch(&p->writers, 1, __ATOMIC_ACQ_REL);
    waitq_wake(&p->read_wait);
    waitq_wake(&p->write_wait);
}

static void pipe_release(struct file *f) { drop_end(pipe_of(f), f); }

/* --- moving bytes; lock held -------------------------------------------------------- */

#define WORK_MOVE 600u /* instructions a page, about (arch/preempt.h) */

static inline long move_piece(struct pipe *p, size_t at, size_t n, struct uio *u,
                              enum pipe_direction dir)
{
    size_t ring = p->npages * PAGE_SIZE;
    at = at >= ring ? at - ring : at;
    pfn_t *page = &p->page[at / PAGE_SIZE];
    if (unlikely(*page == 0)) {
        if (p->slots != NULL)
            return pipe_slot_move(p, n, u, dir);
        if ((*page = frame_alloc()) == 0)
            return -ENOMEM;
    }
    char *bytes = (char *)frame_va(*page) + at % PAGE_SIZE;
    n = MIN(n, PAGE_SIZE - at % PAGE_SIZE);
    return dir == OUT_OF_RING ? uio_put_whole(u, bytes, n) : uio_get_whole(u, bytes, n);
}

static inline long take_bytes(struct pipe *p, struct uio *u)
{
    long done = 0;
    while (p->used > 0 && u->left > 0) {
        long n = move_piece(p, p->start, p->used, u, OUT_OF_RING);
        if (n < 0)
            return done > 0 ? done : n;
        p->start = (p->start + (size_t)n) % (p->npages * PAGE_SIZE);
        __atomic_store_n(&p->used, p->used - (size_t)n, __ATOMIC_RELEASE);
        done += n;
        preempt_work(WORK_MOVE);
    }
    if (p->used == 0 && p->claimed == 0)
        p->start = 0;
    return done;
}

/* done bytes have arrived, and the next piece fails with err: how many stay; then it ends there. */
static SLOW_PATH long put_fails(struct pipe *p, struct uio *u, size_t done, long err)
{
    size_t before = p->used - done, last = (p->start + before) % PAGE_SIZE,
           odd = (u->left + done) % PAGE_SIZE, keep = done / PAGE_SIZE * PAGE_SIZE;

    if (p->slots != NULL)
        return done > 0 ? (long)done : err;
    if (before > 0 && last != 0 && last + odd <= PAGE_SIZE)
        keep = done < odd ? 0 : odd + (done - odd) / PAGE_SIZE * PAGE_SIZE;
    __atomic_store_n(&p->used, before + keep, __ATOMIC_RELEASE);
    if (keep > 0)
        u->left = 0;
    return keep > 0 ? (long)keep : err;
}

static inline long put_bytes(struct pipe *p, struct uio *u)
{
    long done = 0;
    while (u->left > 0 && pipe_room(p) > 0) {
        long n = move_piece(p, p->start + p->used, pipe_room(p), u, INTO_RING);
        if (n < 0)
            return put_fails(p, u, (size_t)done, n);
        __atomic_store_n(&p->used, p->used + (size_t)n, __ATOMIC_RELEASE);
        done += n;
        preempt_work(WORK_MOVE);
    }
    return done;
}

/* For others; a read and a write have them in line. */
long pipe_move_piece(struct pipe *p, size_t at, size_t n, struct uio *u, enum pipe_direction dir)
{
    return move_piece(p, at, n, u, dir);
}
long pipe_take_bytes(struct pipe *p, struct uio *u) { return take_bytes(p, u); }
long pipe_put_bytes(struct pipe *p, struct uio *u) { return put_bytes(p, u); }

static long pipe_read(struct file *f, struct uio *u, uint64_t *pos __attribute__((unused)))
{
    struct pipe *p = pipe_of(f);
    if (u->left == 0)
        return 0;
    for (;;) {
        /* Writers first: one that writes and closes is then seen by `used`. */
        bool ended = pipe_load(&p->writers) == 0;
        mutex_lock(&p->lock);
        long n = take_bytes(p, u);
        mutex_unlock(&p->lock);
        if (n > 0)
            pipe_wake(&p->write_wait);
        if (n != 0 || ended)
            return n;
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        int err = WAIT_EVENT(&p->read_wait, pipe_used(p) > 0 || pipe_load(&p->writers) == 0,
                             BLOCK_pipe_read, 0, BLOCK_INTERRUPTIBLE, NO_DEADLINE);
        if (err)
            return err;
    }
}

long pipe_broken(void)
{
    siginfo_t info;
    siginfo_user(&info, SIGPIPE, SI_USER);
    signal_send_task(current, SIGPIPE, &info);
    return -EPIPE;
}

/* How much room a write of that many bytes waits for. */
static size_t room_wanted(size_t left) { return MIN(left, (size_t)PIPE_BUF); }

static long pipe_write(struct file *f, struct uio *u, uint64_t *pos __attribute__((unused)))
{
    struct pipe *p = pipe_of(f);
    bool atomic = u->left <= PIPE_BUF;
    long done = 0, err = 0;
    while (u->left > 0) {
        if (pipe_load(&p->readers) == 0) {
            err = pipe_broken();
            break;
        }
        mutex_lock(&p->lock);
        size_t enough = atomic ? u->left : 1;
        long n = pipe_room(p) >= enough ? put_bytes(p, u) : 0;
        mutex_unlock(&p->lock);
        if (n != 0)
            pipe_wake(&p->read_wait);
        if (n < 0) {
            err = n;
            break;
        }
        done += n;
        if (u->left == 0 || (n > 0 && atomic))
            break;
        if (f->flags & O_NONBLOCK) {
            err = -EAGAIN;
            break;
        }
        err = WAIT_EVENT(&p->write_wait,
                         pipe_room(p) >= room_wanted(u->left) || pipe_load(&p->readers) == 0,
                         BLOCK_pipe_write, 0, BLOCK_INTERRUPTIBLE, NO_DEADLINE);
        if (err)
            break;
    }
    return done > 0 ? done : err;
}

/* --- asking ----------------------------------------------------------------------- */

static uint32_t pipe_poll(struct file *f, struct poll_table *pt)
{
    struct pipe *p = pipe_of(f);
    uint32_t ready = 0;
    if (reads(f)) {
        poll_wait(pt, &p->read_wait);
        if (pipe_used(p) > 0)
            ready |= EPOLLIN | EPOLLRDNORM;
        /* A FIFO that no writer has opened since this end exists is not hung up. */
        if (pipe_load(&p->writers) == 0 &&
            pipe_load(&p->writes_opened) != (uint32_t)(uintptr_t)f->private)
            ready |= EPOLLHUP;
    }
    if (writes(f)) {
        poll_wait(pt, &p->write_wait);
        if (pipe_room(p) >= PIPE_BUF)
            ready |= EPOLLOUT | EPOLLWRNORM;
        if (pipe_load(&p->readers) == 0)
            ready |= EPOLLERR;
    }
    return ready;
}

static long pipe_ioctl(struct file *f, uint32_t cmd, uaddr_t arg)
{
    if (cmd != FIONREAD)
        return -ENOTTY;
    int used = (int)pipe_used(pipe_of(f));
    return put_user(used, arg);
}

/* --- opening ---------------------------------------------------------------------- */

static int fifo_state(struct inode *in)
{
    if (__atomic_load_n(&in->private, __ATOMIC_ACQUIRE) != NULL)
        return 0;
    void *nobody = NULL;
    int err;
    struct pipe *p = pipe_alloc(&err);
    if (p == NULL)
        return err;
    if (!__atomic_compare_exchange_n(&in->private, &nobody, p, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
        pipe_free(p);
    return 0;
}

static int fifo_open(struct inode *in, struct file *f)
{
    bool wrong = f->flags & O_DIRECT || !(reads(f) || writes(f)); /* only F_SETFL sets O_DIRECT */
    int err = wrong ? -EINVAL : fifo_state(in);
    if (err)
        return err;
    struct pipe *p = in->private;
    bool nonblock = f->flags & O_NONBLOCK;
    if (!reads(f) && nonblock && pipe_load(&p->readers) == 0)
        return -ENXIO;
    mutex_lock(&p->lock);
    if (pipe_load(&p->readers) == 0 && pipe_load(&p->writers) == 0) {
        p->start = p->used = 0; /* what its last users left unread is gone */
        pipe_slots_empty(p);
    }
    uint32_t reads_seen = pipe_load(&p->reads_opened), writes_seen = pipe_load(&p->writes_opened);
    add_end(p, f);
    mutex_unlock(&p->lock);
    f->private = (void *)(uintptr_t)(pipe_load(&p->writers) == 0 ? writes_seen : writes_seen - 1);
    if ((reads(f) && writes(f)) || in->sb == &pipe_sb)
        return 0; /* a pipe opened by /proc/PID/fd/N does not wait for the other end */
    if (reads(f) && !nonblock && pipe_load(&p->writers) == 0)
        err = WAIT_EVENT(&p->open_wait, pipe_load(&p->writes_opened) != writes_seen,
                         BLOCK_fifo_open, 0, BLOCK_INTERRUPTIBLE, NO_DEADLINE);
    else if (writes(f) && pipe_load(&p->readers) == 0)
        err = WAIT_EVENT(&p->open_wait, pipe_load(&p->reads_opened) != reads_seen, BLOCK_fifo_open,
                         0, BLOCK_INTERRUPTIBLE, NO_DEADLINE);
    if (err)
        drop_end(p, f);
    return err;
}

#define FIFO_OPS(write_op) \
    { \
        .open = fifo_open, .read = pipe_read, .write = (write_op), .ioctl = pipe_ioctl, \
        .poll = pipe_poll, .async = true, .release = pipe_release, .nonseekable = true, \
    }
const struct file_ops fifo_fops = FIFO_OPS(pipe_write);
const struct file_ops packet_fops = FIFO_OPS(pipe_write_packets);

int pipe_create(uint32_t flags, struct file *ends[2])
{
    if (flags & ~(uint32_t)(O_NONBLOCK | O_CLOEXEC | O_DIRECT))
        return -EINVAL;
    struct inode *in = inode_alloc(&pipe_sb, S_IFIFO | 0600);
    if (in == NULL)
        return -ENOMEM;
    in->ops = &pipe_inode_ops;
    in->fops = &fifo_fops;
    uint32_t keep = flags & O_NONBLOCK;
    int err = fifo_state(in);
    if (!err)
        err = file_alloc(in, &fifo_fops, O_RDONLY | keep, &ends[0]);
    if (!err) {
        add_end(in->private, ends[0]);
        err = file_alloc(in, &fifo_fops, O_WRONLY | keep, &ends[1]);
        if (err)
            file_put(ends[0]);
        else
            add_end(in->private, ends[1]);
    }
    if (!err && unlikely(flags & O_DIRECT) && (err = pipe_set_packets(ends[1], true)) != 0) {
        file_put(ends[0]);
        file_put(ends[1]);
    } else if (!err) {
        ends[1]->flags |= flags & O_DIRECT;
    }
    inode_put(in); /* the files have references of their own */
    return err;
}
