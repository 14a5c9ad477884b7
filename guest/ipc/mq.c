/* mq.c - POSIX message queues as files: mq_open(3) and what can be done with a descriptor of one.
 * mq_name.c has their names.
 *
 * A queue is an inode that has no place in the tree; a name holds a reference on it, and so
 * does each open file.  Messages stand in one list, by priority, the oldest of one first.
 *
 * Who waits looks at the count without the lock; it is changed first and the queue of
 * waiters woken afterwards (sched/block.h).  How many wait to receive stands beside it, as a
 * message that somebody waits for is no news for mq_notify(3). */
#include "arch/clock.h"
#include "arch/preempt.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/poll.h"
#include "ipc/message.h"
#include "ipc/mq.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "net/netlink.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include "proc/signal.h"

#include <linux/fcntl.h>

#define WORK_LOOK 20u /* instructions a message, about (arch/preempt.h) */
#define WORK_FREE 150u

static uint64_t count_now(const struct mqueue *q)
{
    return __atomic_load_n(&q->count, __ATOMIC_ACQUIRE);
}

/* --- messages; lock held ------------------------------------------------------------------------ */

static void insert(struct mqueue *q, struct message *m)
{
    struct list *at = q->messages.prev;

    while (at != &q->messages && list_entry(at, struct message, link)->type < m->type) {
        at = at->prev;
        preempt_work(WORK_LOOK);
    }
    list_push_front(at, &m->link);
    q->bytes += m->size;
    __atomic_store_n(&q->count, q->count + 1, __ATOMIC_RELEASE);
}

static struct message *remove_first(struct mqueue *q)
{
    struct message *m = list_first(&q->messages, struct message, link);

    list_remove(&m->link);
    q->bytes -= m->size;
    __atomic_store_n(&q->count, q->count - 1, __ATOMIC_RELEASE);
    return m;
}

void mqueue_free(struct mqueue *q)
{
    while (q->count != 0) {
        message_free(remove_first(q));
        preempt_work(WORK_FREE);
    }
    if (q->notify.ready != NULL) /* whoever closed it was another process, with the same table */
        unix_message_free(q->notify.ready);
    kfree(q);
}

/* --- notification ------------------------------------------------------------------------------- */

/* Once, to who asked; then nobody is told any more.  Lock held. */
static struct mqueue_notify take_notify(struct mqueue *q)
{
    struct mqueue_notify to = q->notify;

    q->notify = (struct mqueue_notify){ 0 };
    return to;
}

/* why: NOTIFY_*.  A signal says only that there is a message; for SIGEV_THREAD the library has a
 * thread that reads from a socket, and is told of each end.  The lock is not held. */
static void notify(const struct mqueue_notify *to, int why)
{
    siginfo_t info;

    if (to->ready != NULL)
        netlink_post(to->ready, (char)why);
    if (to->pid == 0 || to->how != SIGEV_SIGNAL || why != NOTIFY_WOKENUP)
        return;
    siginfo_user(&info, to->signo, SI_MESGQ);
    info.si_value = to->value;
    spin_lock(&tree_lock);
    struct process *p = process_find(to->pid);
    info.si_pid = (int)pid_seen_by(to->pid, current->proc->tgid);
    if (p != NULL)
        signal_send_process_locked(p, to->signo, &info);
    spin_unlock(&tree_lock);
}

/* current's process closes a descriptor. */
static void mqueue_closed(struct file *f)
{
    struct mqueue_notify was = { 0 };
    struct mqueue *q = f->private;

    mutex_lock(&q->lock);
    if (q->notify.pid == current->proc->tgid)
        was = take_notify(q);
    mutex_unlock(&q->lock);
    notify(&was, NOTIFY_REMOVED);
}

/* --- the file ----------------------------------------------------------------------------------- */

static uint32_t mqueue_poll(struct file *f, struct poll_table *pt)
{
    struct mqueue *q = f->private;

    poll_wait(pt, &q->wait);
    uint64_t n = count_now(q);
    return (n != 0 ? EPOLLIN | EPOLLRDNORM : 0) |
           (n < q->max_messages ? EPOLLOUT | EPOLLWRNORM : 0);
}

static long mqueue_read(struct file *f, struct uio *u, uint64_t *pos)
{
    struct mqueue *q = f->private;
    char text[128];

    mutex_lock(&q->lock);
    int n = ksnprintf(text, sizeof(text), "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6u\n",
                      q->bytes, q->notify.pid != 0 ? q->notify.how : 0,
                      q->notify.pid != 0 && q->notify.how == SIGEV_SIGNAL ? q->notify.signo : 0,
                      pid_told(q->notify.pid));
    mutex_unlock(&q->lock);
    if (*pos >= (uint64_t)n)
        return 0;
    long put = uio_put(u, text + *pos, (size_t)n - *pos);
    *pos += put > 0 ? (uint64_t)put : 0;
    return put;
}

static int no_mmap(struct file *f __attribute__((unused)), struct vma *v __attribute__((unused)))
{
    return -ENODEV;
}

/* By /proc/PID/fd/N: else mq_open() makes the file. */
static int mqueue_reopen(struct inode *in, struct file *f)
{
    f->private = in->private;
    f->sent_once = true;
    return 0;
}

const struct file_ops mqueue_fops = {
    .open = mqueue_reopen,
    .read = mqueue_read,
    .poll = mqueue_poll,
    .mmap = no_mmap,
    .closed = mqueue_closed,
};

static struct mqueue *mqueue_of(struct file *f)
{
    return f != NULL && f->ops == &mqueue_fops ? f->private : NULL;
}

/* --- calls -------------------------------------------------------------------------------------- */

/* A moment on CLOCK_REALTIME as one on CLOCK_MONOTONIC; `at` 0: none. */
static int read_deadline(uaddr_t at, uint64_t *deadline)
{
    struct __kernel_timespec t;

    *deadline = NO_DEADLINE;
    if (at == 0)
        return 0;
    if (get_user(t, at) != 0)
        return -EFAULT;
    if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec >= (long long)NSEC_PER_SEC)
        return -EINVAL;
    if (t.tv_sec >= INT64_MAX / (long long)NSEC_PER_SEC)
        return 0;
    uint64_t moment = (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec,
             now = clock_real_ns();
    *deadline = clock_mono_ns() + (moment > now ? moment - now : 0);
    return 0;
}

/* False: it is full. */
static bool put(struct mqueue *q, struct message *m)
{
    struct mqueue_notify to = { 0 };

    mutex_lock(&q->lock);
    bool fits = q->count < q->max_messages;
    if (fits && q->count == 0 && q->receivers == 0)
        to = take_notify(q);
    if (fits)
        insert(q, m);
    mutex_unlock(&q->lock);
    if (fits)
        waitq_wake_for(&q->wait, EPOLLIN | EPOLLRDNORM);
    notify(&to, NOTIFY_WOKENUP);
    return fits;
}

static long send(struct file *f, struct mqueue *q, uaddr_t from, size_t n, uint32_t priority,
                 uint64_t deadline)
{
    struct message *m;

    if (!file_writable(f))
        return -EBADF;
    if (n > q->max_bytes)
        return -EMSGSIZE;
    long err = message_take(from, n, &m);
    if (err != 0)
        return err;
    m->type = priority;
    while (err == 0 && !put(q, m))
        err = f->flags & O_NONBLOCK ? -EAGAIN
                                    : WAIT_EVENT(&q->wait, count_now(q) < q->max_messages,
                                                 BLOCK_msg_send, 0, BLOCK_INTERRUPTIBLE, deadline);
    if (err != 0)
        message_free(m);
    return err;
}

SYSCALL5(mq_timedsend, int, fd, uaddr_t, from, size_t, n, uint32_t, priority, uaddr_t, timeout)
{
    uint64_t deadline;
    int err = read_deadline(timeout, &deadline);

    if (err != 0)
        return err;
    if (priority >= MQ_PRIO_MAX)
        return -EINVAL;
    WITH_FILE(f, fd);
    struct mqueue *q = mqueue_of(f);
    return q != NULL ? send(f, q, from, n, priority, deadline) : -EBADF;
}

/* NULL: there is none, and current counts as one who waits if it is going to. */
static struct message *take(struct mqueue *q, bool *waits, bool nonblock)
{
    struct message *m = NULL;

    mutex_lock(&q->lock);
    if (*waits)
        q->receivers--;
    if (q->count != 0)
        m = remove_first(q);
    *waits = m == NULL && !nonblock;
    if (*waits)
        q->receivers++;
    mutex_unlock(&q->lock);
    if (m != NULL)
        waitq_wake_for(&q->wait, EPOLLOUT | EPOLLWRNORM);
    return m;
}

static void give_up(struct mqueue *q)
{
    mutex_lock(&q->lock);
    q->receivers--;
    mutex_unlock(&q->lock);
}

static long receive(struct file *f, struct mqueue *q, uaddr_t to, size_t room, uaddr_t priority,
                    uint64_t deadline)
{
    bool waits = false, nonblock = f->flags & O_NONBLOCK;
    struct message *m;

    if (!file_readable(f))
        return -EBADF;
    if (room < q->max_bytes)
        return -EMSGSIZE;
    while ((m = take(q, &waits, nonblock)) == NULL) {
        if (nonblock)
            return -EAGAIN;
        int err = WAIT_EVENT(&q->wait, count_now(q) != 0, BLOCK_msg_receive, 0, BLOCK_INTERRUPTIBLE,
                             deadline);
        if (err != 0) {
            give_up(q);
            return err;
        }
    }
    long n = (long)m->size;
    uint32_t its = (uint32_t)m->type;
    if (message_give(m, to, m->size) != 0 || (priority != 0 && put_user(its, priority) != 0))
        n = -EFAULT;
    message_free(m);
    return n;
}

SYSCALL5(mq_timedreceive, int, fd, uaddr_t, to, size_t, room, uaddr_t, priority, uaddr_t, timeout)
{
    uint64_t deadline;
    int err = read_deadline(timeout, &deadline);

    if (err != 0)
        return err;
    WITH_FILE(f, fd);
    struct mqueue *q = mqueue_of(f);
    return q != NULL ? receive(f, q, to, room, priority, deadline) : -EBADF;
}

/* The socket is the descriptor `signo`, and what it will be sent is at `value`. */
static int thread_get(const struct sigevent *ev, struct mqueue_notify *to)
{
    char cookie[NOTIFY_COOKIE_LEN];

    if (get_user(cookie, (uaddr_t)ev->sigev_value.sival_ptr) != 0)
        return -EFAULT;
    WITH_FILE(f, ev->sigev_signo);
    return netlink_reserve(f, cookie, sizeof(cookie), &to->ready);
}

static int event_get(uaddr_t from, struct mqueue_notify *to)
{
    struct sigevent ev;

    if (get_user(ev, from) != 0)
        return -EFAULT;
    if (ev.sigev_notify != SIGEV_NONE && ev.sigev_notify != SIGEV_SIGNAL &&
        ev.sigev_notify != SIGEV_THREAD)
        return -EINVAL;
    if (ev.sigev_notify == SIGEV_SIGNAL && (ev.sigev_signo < 0 || ev.sigev_signo > SIG_MAX))
        return -EINVAL;
    to->pid = current->proc->tgid;
    to->how = ev.sigev_notify;
    to->signo = ev.sigev_signo;
    to->value = ev.sigev_value;
    return ev.sigev_notify == SIGEV_THREAD ? thread_get(&ev, to) : 0;
}

/* `to` from now on, or nobody: 0 or -EBUSY. */
static int set_notify(struct mqueue *q, bool somebody, const struct mqueue_notify *to)
{
    struct mqueue_notify was = { 0 };
    int err = 0;

    mutex_lock(&q->lock);
    if (somebody && q->notify.pid != 0)
        err = -EBUSY;
    else if (somebody)
        q->notify = *to;
    else if (q->notify.pid == current->proc->tgid)
        was = take_notify(q);
    mutex_unlock(&q->lock);
    notify(&was, NOTIFY_REMOVED);
    return err;
}

SYSCALL2(mq_notify, int, fd, uaddr_t, event)
{
    struct mqueue_notify to = { 0 };
    int err = event != 0 ? event_get(event, &to) : 0;

    if (err != 0)
        return err;
    WITH_FILE(f, fd);
    struct mqueue *q = mqueue_of(f);
    err = q != NULL ? set_notify(q, event != 0, &to) : -EBADF;
    if (err != 0 && to.ready != NULL)
        unix_message_free(to.ready);
    return err;
}

SYSCALL3(mq_getsetattr, int, fd, uaddr_t, from, uaddr_t, old)
{
    struct mq_attr to, was = { 0 };

    if (from != 0 && get_user(to, from) != 0)
        return -EFAULT;
    if (from != 0 && to.mq_flags & ~(long)O_NONBLOCK)
        return -EINVAL;
    WITH_FILE(f, fd);
    struct mqueue *q = mqueue_of(f);
    if (q == NULL)
        return -EBADF;
    mutex_lock(&q->lock);
    was.mq_flags = f->flags & O_NONBLOCK;
    was.mq_maxmsg = (long)q->max_messages;
    was.mq_msgsize = (long)q->max_bytes;
    was.mq_curmsgs = (long)q->count;
    if (from != 0)
        f->flags = (f->flags & ~(uint32_t)O_NONBLOCK) | (uint32_t)to.mq_flags;
    mutex_unlock(&q->lock);
    return old != 0 && put_user(was, old) != 0 ? -EFAULT : 0;
}
