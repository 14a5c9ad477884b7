/* eventfd.c - a counter as a file: eventfd(2).
 *
 * A write adds to it, a read takes all of it, or 1 from a semaphore.  Who waits looks at the
 * counter without its lock; it is changed first, and the queue is woken afterwards
 * (sched/block.h).  Readers and writers share one queue: who is not meant sleeps again. */
#include "event/eventfd.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/anon_inode.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/poll.h"
#include "mm/heap.h"

#include <linux/fcntl.h>
#include <linux/magic.h>

/* <linux/eventfd.h> is newer than some systems' headers. */
#define EFD_SEMAPHORE 1u
#define EFD_CLOEXEC   ((uint32_t)O_CLOEXEC)
#define EFD_NONBLOCK  ((uint32_t)O_NONBLOCK)

#define COUNT_MAX (UINT64_MAX - 1)

struct eventfd {
    struct spinlock lock;
    uint64_t count; /* [lock], read without */
    bool semaphore; /* [k] */
    uint32_t id;    /* [k] no other's; fdinfo shows it */
    struct waitq wait;
};

static struct superblock eventfd_sb = ANON_INODES("[eventfd]");

static uint64_t count_now(const struct eventfd *e)
{
    return __atomic_load_n(&e->count, __ATOMIC_ACQUIRE);
}

/* What a read gives; 0: nothing is there. */
static uint64_t take(struct eventfd *e)
{
    spin_lock(&e->lock);
    uint64_t n = e->semaphore ? e->count != 0 : e->count;
    __atomic_store_n(&e->count, e->count - n, __ATOMIC_RELEASE);
    spin_unlock(&e->lock);
    if (n != 0)
        waitq_wake_for(&e->wait, EPOLLOUT);
    return n;
}

static bool fits(const struct eventfd *e, uint64_t n)
{
    uint64_t count = count_now(e);

    return count <= COUNT_MAX && COUNT_MAX - count >= n;
}

static bool add(struct eventfd *e, uint64_t n)
{
    spin_lock(&e->lock);
    bool done = fits(e, n);
    if (done)
        __atomic_store_n(&e->count, e->count + n, __ATOMIC_RELEASE);
    spin_unlock(&e->lock);
    if (done)
        waitq_wake_for(&e->wait, EPOLLIN);
    return done;
}

static long eventfd_read(struct file *f, struct uio *u, uint64_t *pos __attribute__((unused)))
{
    struct eventfd *e = f->private;
    uint64_t n;

    if (u->left < sizeof(n))
        return -EINVAL;
    while ((n = take(e)) == 0) {
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        int err = WAIT_EVENT(&e->wait, count_now(e) != 0, BLOCK_eventfd, 0, BLOCK_INTERRUPTIBLE,
                             NO_DEADLINE);
        if (err)
            return err;
    }
    long put = uio_put(u, &n, sizeof(n));
    return put == sizeof(n) ? put : -EFAULT;
}

static long eventfd_write(struct file *f, struct uio *u, uint64_t *pos __attribute__((unused)))
{
    struct eventfd *e = f->private;
    uint64_t n;

    if (u->left < sizeof(n))
        return -EINVAL;
    if (uio_get(u, &n, sizeof(n)) != sizeof(n))
        return -EFAULT;
    if (n == UINT64_MAX)
        return -EINVAL;
    while (!add(e, n)) {
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        int err = WAIT_EVENT(&e->wait, fits(e, n), BLOCK_eventfd_write, 0, BLOCK_INTERRUPTIBLE,
                             NO_DEADLINE);
        if (err)
            return err;
    }
    return sizeof(n);
}

static uint32_t eventfd_poll(struct file *f, struct poll_table *pt)
{
    struct eventfd *e = f->private;

    poll_wait(pt, &e->wait);
    uint64_t count = count_now(e);
    return (count != 0 ? EPOLLIN : 0) | (count < COUNT_MAX ? EPOLLOUT : 0) |
           (count == UINT64_MAX ? EPOLLERR : 0);
}

static void eventfd_release(struct file *f) { kfree(f->private); }

static void eventfd_info(struct file *f, struct file_info *to)
{
    const struct eventfd *e = f->private;

    file_info_printf(to, "eventfd-count: %16llx\neventfd-id: %u\neventfd-semaphore: %d\n",
                     (unsigned long long)__atomic_load_n(&e->count, __ATOMIC_ACQUIRE), e->id,
                     e->semaphore);
}

static const struct file_ops eventfd_ops = {
    .read = eventfd_read,
    .write = eventfd_write,
    .poll = eventfd_poll,
    .release = eventfd_release,
    .info = eventfd_info,
    .seek = anon_inode_seek,
    .nonseekable = true,
};

bool eventfd_is(const struct file *f) { return f->ops == &eventfd_ops; }

/* By the kernel, which does not wait: the last value, which nobody can write, says that some were lost. */
void eventfd_tell(struct file *f)
{
    struct eventfd *e = f->private;

    spin_lock(&e->lock);
    if (e->count != UINT64_MAX)
        __atomic_store_n(&e->count, e->count + 1, __ATOMIC_RELEASE);
    spin_unlock(&e->lock);
    waitq_wake_for(&e->wait, EPOLLIN);
}

static long create(unsigned count, uint32_t flags)
{
    if (flags & ~(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK))
        return -EINVAL;
    struct eventfd *e = kzalloc(sizeof(*e));
    if (e == NULL)
        return -ENOMEM;
    spin_class(&e->lock, LOCK_event);
    waitq_init(&e->wait);
    e->count = count;
    static uint32_t last_id; /* [a] */
    e->semaphore = flags & EFD_SEMAPHORE;
    e->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
    int fd =
        anon_inode_fd(&eventfd_sb, &eventfd_ops, O_RDWR | (flags & ~(uint32_t)EFD_SEMAPHORE), e);
    if (fd < 0)
        kfree(e);
    return fd;
}

SYSCALL1(eventfd, unsigned, count) { return create(count, 0); }
SYSCALL2(eventfd2, unsigned, count, uint32_t, flags) { return create(count, flags); }
