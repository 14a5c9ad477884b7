/* epoll.c - what is ready of many files, and who waits for it.
 *
 * epoll_ctl() puts an item for a descriptor into the queues that its file's poll operation
 * names, and there it stays.  A wake of such a queue calls epoll_notify(), which appends the item
 * to the epoll's list of what may be ready.  epoll_wait() goes through that list and asks each
 * file: so it costs what is ready, not what is watched.
 *
 * No event is lost.
 *
 *   source                                  epoll_wait(), epoll.lock held
 *   S1 makes the condition true             E1 takes the item from the list (ready_lock)
 *   S2 under its queue's lock:              E2 asks the file
 *      epoll_notify(), under ready_lock:    E3 not ready: the item stays off the list;
 *      puts the item on the list, unless       level-triggered: back to its end
 *      it is there; takes the first waiter
 *      off its list and wakes it
 *
 * If S2 finds the item on the list, E1 comes later, and E2 sees what S1 did.  If S2 comes after
 * E1, the item is on the list again.  The same for who comes to wait: he looks whether the list
 * is empty and enters the row of waiters in one section under ready_lock.  He whom S2 has
 * woken looks at the list before he looks at signals or the time; and whoever leaves something on
 * the list after a look wakes the next one.  So of many threads one is woken for an event,
 * and none waits while something is there.  A change of an item (epoll_ctl) sets the new events
 * under ready_lock first and asks the file then: a wake that was compared with the old ones has
 * made its condition true before.
 *
 * An item that is being looked at is on `scanned`, and only what was on the list at the
 * beginning is looked at: so a file that is always ready comes once in an answer.
 *
 * Locks.  notify() comes with the lock of a queue held, and whatever the waker holds besides.
 * ready_lock is of a class of its own below that of queues, and the tasks in epoll_wait() stand in
 * a list of their own under it, no queue: so they are woken at once.  Who waits for this epoll's own
 * descriptor, in poll() or in other epolls, is in a queue, which is woken when the first one's
 * lock was given back (sched/watch.c).  epoll.lock is a mutex: user memory is written under it.
 * Two of them nest, if an epoll watches another and asks whether that is ready: from watcher to
 * watched.  Each who holds one and waits for the next holds what keeps that edge in place; a
 * deadlock would be a circle of such edges at one time, which epoll_ctl() does not let come.
 *
 * A watched file's life is not prolonged.  The last file_put() takes the items away first, each
 * under its epoll's lock, and then ends what they ask; so an item's file is there
 * for who holds that lock.  A descriptor that was closed while others lead to the same
 * file stays watched, as in Linux. */
#include "event/epoll_internal.h"
#include "arch/clock.h"
#include "arch/preempt.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "event/epoll.h"
#include "fs/anon_inode.h"
#include "fs/fd.h"
#include "fs/inode.h"
#include "mm/heap.h"
#include "proc/signal.h"

#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/time_types.h>

#define WORK_LOOK  400u /* instructions an item, about (arch/preempt.h) */
#define EVENTS_MAX (INT32_MAX / (int)sizeof(struct epoll_event))

struct epoll_waiter {
    struct list link; /* [r] */
    struct task *task;
};

static struct superblock epoll_sb = ANON_INODES("[eventpoll]");

void epoll_put(struct epoll *ep)
{
    if (ref_put(&ep->refs))
        kfree(ep);
}

/* --- becoming ready ------------------------------------------------------------------ */

/* ready_lock held. */
static bool wake_first(struct epoll *ep)
{
    if (list_empty(&ep->waiters))
        return false;
    struct epoll_waiter *w = list_first(&ep->waiters, struct epoll_waiter, link);
    list_remove(&w->link);
    wake_task(w->task);
    return true;
}

/* ready_lock held.  Was somebody woken? */
static bool append(struct epoll_item *item)
{
    struct epoll *ep = item->ep;

    if (list_empty(&item->ready_link))
        list_push_back(&ep->ready, &item->ready_link);
    bool woken = wake_first(ep);
    if (!waitq_idle(&ep->wait) && later_add(&ep->later))
        ref_get(&ep->refs);
    return woken;
}

bool epoll_notify(struct watch *w, uint32_t events)
{
    struct epoll_item *item = container_of(w, struct epoll_watch, watch)->item;
    struct epoll *ep = item->ep;
    bool woken = false;

    spin_lock(&ep->ready_lock);
    if (events & item->events & ~(uint32_t)EPOLL_MODES)
        woken = append(item);
    spin_unlock(&ep->ready_lock);
    return woken;
}

void epoll_item_queue(struct epoll_item *item)
{
    spin_lock(&item->ep->ready_lock);
    append(item);
    spin_unlock(&item->ep->ready_lock);
    later_run();
}

static void wake_pollers(struct later *l)
{
    struct epoll *ep = container_of(l, struct epoll, later);

    waitq_wake_for(&ep->wait, EPOLLIN | EPOLLRDNORM);
    epoll_put(ep);
}

uint32_t epoll_item_ready(const struct epoll_item *item, struct poll_table *pt)
{
    return item->file->ops->poll(item->file, pt) & item->events;
}

/* --- looking at the list; ep->lock held ------------------------------------------------ */

static void scan_begin(struct epoll *ep)
{
    spin_lock(&ep->ready_lock);
    list_splice_back(&ep->scanned, &ep->ready);
    spin_unlock(&ep->ready_lock);
}

/* The next that was on the list, off it; NULL: that was all. */
static struct epoll_item *scan_next(struct epoll *ep)
{
    struct epoll_item *item = NULL;

    spin_lock(&ep->ready_lock);
    if (!list_empty(&ep->scanned)) {
        item = list_first(&ep->scanned, struct epoll_item, ready_link);
        list_remove(&item->ready_link);
    }
    spin_unlock(&ep->ready_lock);
    return item;
}

static void scan_put_back(struct epoll_item *item, bool first)
{
    struct epoll *ep = item->ep;

    spin_lock(&ep->ready_lock);
    list_remove(&item->ready_link); /* a wake may have put it there meanwhile */
    if (first)
        list_push_front(&ep->scanned, &item->ready_link);
    else
        list_push_back(&ep->ready, &item->ready_link);
    spin_unlock(&ep->ready_lock);
}

/* What was not looked at comes first next time. */
static void scan_end(struct epoll *ep)
{
    spin_lock(&ep->ready_lock);
    list_splice_back(&ep->scanned, &ep->ready);
    list_splice_back(&ep->ready, &ep->scanned);
    if (!list_empty(&ep->ready))
        wake_first(ep);
    spin_unlock(&ep->ready_lock);
}

/* ready is what it found to be true of the item, which was reported. */
static void reported(struct epoll_item *item)
{
    struct epoll *ep = item->ep;

    if (item->events & EPOLLONESHOT) {
        spin_lock(&ep->ready_lock);
        item->events &= (uint32_t)EPOLL_MODES;
        spin_unlock(&ep->ready_lock);
    } else if (!(item->events & EPOLLET)) {
        scan_put_back(item, false);
    }
}

/* How many events were written, 0: nothing is ready; or -EFAULT. */
static long report(struct epoll *ep, uaddr_t to, int max)
{
    struct epoll_item *item;
    long n = 0;

    mutex_lock(&ep->lock);
    scan_begin(ep);
    while (n < max && !preempt_ends(WORK_LOOK) && (item = scan_next(ep)) != NULL) {
        struct epoll_event e = { epoll_item_ready(item, NULL), item->data };
        if (e.events == 0)
            continue;
        if (copy_to_user(to + (uaddr_t)n * sizeof(e), &e, sizeof(e)) != 0) {
            scan_put_back(item, true);
            n = n > 0 ? n : -EFAULT;
            break;
        }
        reported(item);
        n++;
    }
    scan_end(ep);
    mutex_unlock(&ep->lock);
    return n;
}

static bool may_be_ready(struct epoll *ep)
{
    return !list_empty((const struct list *)&ep->ready) ||
           !list_empty((const struct list *)&ep->scanned);
}

/* --- waiting --------------------------------------------------------------------------- */

/* Until something may be ready: 0, -ETIMEDOUT, -ERESTARTSYS. */
static int sleep(struct epoll *ep, uint64_t deadline)
{
    struct epoll_waiter w = { .task = current };
    int err = 0;

    list_init(&w.link);
    spin_lock(&ep->ready_lock);
    bool wait = !may_be_ready(ep);
    if (wait)
        list_push_back(&ep->waiters, &w.link);
    spin_unlock(&ep->ready_lock);
    if (!wait)
        return 0;
    err = block(BLOCK_epoll, 0, BLOCK_INTERRUPTIBLE, deadline);
    spin_lock(&ep->ready_lock);
    list_remove(&w.link);
    spin_unlock(&ep->ready_lock);
    return err;
}

static long wait_on(struct epoll *ep, uaddr_t events, int max, uint64_t deadline)
{
    bool over = deadline == 0;

    for (;;) {
        long n = may_be_ready(ep) ? report(ep, events, max) : 0;
        if (n != 0 || over)
            return n;
        if (signal_pending(current)) /* what is on the list need not be ready, and comes anew */
            return -EINTR;
        int err = sleep(ep, deadline);
        over = err == -ETIMEDOUT; /* and one last look; one, too, if a signal ended it */
    }
}

static long wait_fd(int fd, uaddr_t events, int max, uint64_t deadline)
{
    if (max <= 0 || max > EVENTS_MAX)
        return -EINVAL;
    if (!user_range(events, (size_t)max * sizeof(struct epoll_event)))
        return -EFAULT;
    WITH_FILE(f, fd);
    if (f == NULL || (f->flags & O_PATH))
        return -EBADF;
    struct epoll *ep = epoll_of(f);
    return ep != NULL ? wait_on(ep, events, max, deadline) : -EINVAL;
}

static uint64_t deadline_of_ms(int ms)
{
    if (ms <= 0)
        return ms < 0 ? NO_DEADLINE : 0;
    return clock_mono_ns() + (uint64_t)ms * (NSEC_PER_SEC / 1000);
}

SYSCALL4(epoll_wait, int, fd, uaddr_t, events, int, max, int, ms)
{
    return wait_fd(fd, events, max, deadline_of_ms(ms));
}

/* A signal that ends the wait is delivered under the temporary mask. */
static long wait_masked(int fd, uaddr_t events, int max, uint64_t deadline, uaddr_t mask,
                        size_t bytes)
{
    long n = signal_take_temp_mask(mask, bytes);

    if (n != 0)
        return n;
    n = wait_fd(fd, events, max, deadline);
    if (n != -EINTR)
        signal_restore_temp_mask();
    return n;
}

SYSCALL6(epoll_pwait, int, fd, uaddr_t, events, int, max, int, ms, uaddr_t, mask, size_t, bytes)
{
    return wait_masked(fd, events, max, deadline_of_ms(ms), mask, bytes);
}

SYSCALL6(epoll_pwait2, int, fd, uaddr_t, events, int, max, uaddr_t, timeout, uaddr_t, mask, size_t,
         bytes)
{
    struct __kernel_timespec t;
    uint64_t deadline = NO_DEADLINE;

    if (timeout != 0) {
        if (get_user(t, timeout) != 0)
            return -EFAULT;
        if (t.tv_sec < 0 || (uint64_t)t.tv_nsec >= NSEC_PER_SEC)
            return -EINVAL;
        if (t.tv_sec == 0 && t.tv_nsec == 0)
            deadline = 0;
        else if ((uint64_t)t.tv_sec <= NO_DEADLINE / NSEC_PER_SEC / 2)
            deadline = clock_mono_ns() + (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
    }
    return wait_masked(fd, events, max, deadline, mask, bytes);
}

/* --- the file --------------------------------------------------------------------------- */

/* Readable, if something is ready indeed. */
static uint32_t epoll_poll(struct file *f, struct poll_table *pt)
{
    struct epoll *ep = f->private;
    struct epoll_item *item;
    uint32_t ready = 0;

    poll_wait(pt, &ep->wait);
    if (!may_be_ready(ep))
        return 0;
    mutex_lock(&ep->lock);
    scan_begin(ep);
    while (ready == 0 && !preempt_ends(WORK_LOOK) && (item = scan_next(ep)) != NULL) {
        if (epoll_item_ready(item, NULL) == 0)
            continue;
        ready = EPOLLIN | EPOLLRDNORM;
        scan_put_back(item, true);
    }
    scan_end(ep);
    mutex_unlock(&ep->lock);
    return ready;
}

static void epoll_release(struct file *f) { epoll_watch_end(f->private); }

static void epoll_info(struct file *f, struct file_info *to)
{
    struct epoll *ep = f->private;

    mutex_lock(&ep->lock);
    for (struct rb_node *n = rb_first(&ep->items); n != NULL; n = rb_next(n)) {
        const struct epoll_item *i = rb_entry(n, struct epoll_item, node);

        file_info_printf(to, "tfd: %8d events: %8x data: %16llx  pos:%lli ino:%lx sdev:%x\n", i->fd,
                         i->events, (unsigned long long)i->data, (long long)i->file->pos,
                         i->file->inode->ino, i->file->inode->sb->dev);
        if (preempt_ends(8 * WORK_LOOK))
            break;
    }
    mutex_unlock(&ep->lock);
}

static const struct file_ops epoll_ops = {
    .poll = epoll_poll,
    .release = epoll_release,
    .info = epoll_info,
    .seek = anon_inode_seek,
    .nonseekable = true,
};

struct epoll *epoll_of(const struct file *f) { return f->ops == &epoll_ops ? f->private : NULL; }

static long create(uint32_t flags)
{
    struct epoll *ep = kzalloc(sizeof(*ep));
    int fd = ep != NULL ? fd_alloc(0, flags) : -ENOMEM;

    if (fd < 0) {
        kfree(ep);
        return fd;
    }
    mutex_init(&ep->lock, LOCK_epoll);
    spin_class(&ep->ready_lock, LOCK_epoll_ready);
    list_init(&ep->ready);
    list_init(&ep->scanned);
    list_init(&ep->waiters);
    list_init(&ep->nested);
    waitq_init(&ep->wait);
    ep->later.run = wake_pollers;
    ref_init(&ep->refs, 1);
    int err = anon_inode_open(&epoll_sb, &epoll_ops, O_RDWR, ep, &ep->file);
    if (err != 0) {
        fd_cancel(fd);
        kfree(ep);
        return err;
    }
    fd_install(fd, ep->file);
    return fd;
}

SYSCALL1(epoll_create, int, size) { return size > 0 ? create(0) : -EINVAL; }

SYSCALL1(epoll_create1, uint32_t, flags)
{
    return flags & ~(uint32_t)EPOLL_CLOEXEC ? -EINVAL : create(flags);
}
