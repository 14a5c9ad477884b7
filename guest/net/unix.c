/* unix.c - sockets of AF_UNIX: their life, and connections.
 *
 * One lock, unix_lock, guards how sockets hang together: peers, names, rows of connections that
 * wait to be accepted, queues of messages.  What is done under it is short: bytes are copied from
 * user memory into a message before, and out of it after, under the reader's read_lock, a
 * mutex, which keeps the first message where it is.
 *
 *   stream, seqpacket   connect() makes the other end and hangs it into the listening socket's
 *                       row; from then on the two are peers, and may send.  accept() gives it
 *                       a file.  An end that is closed shuts the other one, both ways.
 *   datagram            connect() only says whom to send to, and whom to receive from.
 *
 * Who waits looks without the lock at words that change under it, before the queue is woken
 * (sched/block.h).  A socket's queues are entered by those who have its file or a reference, so
 * they are there; for an epoll, which has neither, they are the file's own.  Who waits for another
 * one's queue of datagrams to have room stands in a queue for all such: unix_full_wait.
 *
 * References go in circles (two peers); unix_end(), when the file is closed, breaks them. */
#include "net/unix.h"
#include "arch/clock.h"
#include "arch/preempt.h"
#include "arch/uaccess.h"
#include "fs/inode.h"
#include "fs/poll.h"
#include "mm/heap.h"
#include "net/rights.h"
#include "net/socket.h"
#include "proc/pid_ns.h"
#include "sched/task.h"

#include <asm/ioctls.h>
#include <asm/sockios.h>
#include <linux/fcntl.h>
#include <linux/magic.h>

#define BUFFER_DEFAULT 212992
#define WORK_END       800u /* instructions a message or socket, about (arch/preempt.h) */

struct spinlock unix_lock = SPINLOCK_INIT(LOCK_unix);
static struct list all = LIST_INIT(all); /* [u] */
static struct superblock socket_sb = { .type = "sockfs",
                                       .magic = SOCKFS_MAGIC,
                                       .dev = DEV_OF_KIND(KIND_SOCKETS) };

struct unix_socket *unix_of(const struct file *f)
{
    return f->ops == &unix_ops ? f->private : NULL;
}

/* --- life ----------------------------------------------------------------------------- */

struct unix_socket *unix_alloc(int type)
{
    struct unix_socket *s = kzalloc(sizeof(*s));

    if (s == NULL)
        return NULL;
    ref_init(&s->refs, 1);
    s->family = &unix_family;
    s->type = type;
    list_init(&s->name_link);
    list_init(&s->queue);
    list_init(&s->row);
    list_init(&s->accept_link);
    list_init(&s->flight_link);
    list_init(&s->carriers);
    s->sndbuf = s->rcvbuf = BUFFER_DEFAULT;
    s->lowat = 1;
    mutex_init(&s->read_lock, LOCK_socket_read);
    waitq_init(&s->read_wait);
    waitq_init(&s->write_wait);
    spin_lock(&unix_lock);
    list_push_back(&all, &s->all_link);
    spin_unlock(&unix_lock);
    return s;
}

void unix_get(struct unix_socket *s) { ref_get(&s->refs); }

void unix_put(struct unix_socket *s)
{
    if (!ref_put(&s->refs))
        return;
    spin_lock(&unix_lock);
    list_remove(&s->all_link);
    spin_unlock(&unix_lock);
    if (s->name != NULL)
        unix_name_put(s->name);
    if (s->family->free != NULL)
        s->family->free(s);
    socket_filter_free(s->filter);
    kfree(s);
}

struct unix_socket *unix_next(struct unix_socket *s)
{
    struct unix_socket *next = NULL;

    spin_lock(&unix_lock);
    struct list *at = s != NULL ? s->all_link.next : all.next;
    for (; at != &all && next == NULL; at = at->next) {
        next = list_entry(at, struct unix_socket, all_link);
        if (!ref_get_unless_dead(&next->refs))
            next = NULL;
    }
    spin_unlock(&unix_lock);
    if (s != NULL)
        unix_put(s);
    return next;
}

int unix_file(struct unix_socket *s, uint32_t flags, struct file **out)
{
    struct inode *in = inode_alloc(&socket_sb, S_IFSOCK | 0777);
    int err = in != NULL ? file_alloc(in, &unix_ops, O_RDWR | (flags & O_NONBLOCK), out) : -ENOMEM;

    if (in != NULL)
        inode_put(in); /* the file has a reference of its own */
    if (err != 0) {
        unix_end(s, false);
        return err;
    }
    (*out)->private = s;
    spin_lock(&unix_lock);
    s->file = *out;
    spin_unlock(&unix_lock);
    return 0;
}

/* unix_lock held. */
static void wake_both(struct unix_socket *s)
{
    waitq_wake(&s->read_wait);
    waitq_wake(&s->write_wait);
}

/* The other end sees it.  unix_lock held. */
static void unix_leave(struct unix_socket *s, struct unix_socket *peer, bool accepted)
{
    unix_unbind(s);
    if (peer == NULL || s->type == SOCK_DGRAM)
        return;
    peer->shut = SHUT_RD | SHUT_WR;
    if (!list_empty(&s->queue) || !accepted)
        peer->error = ECONNRESET; /* what it has sent is lost */
    wake_both(peer);
}

/* Off the row; NULL: it is empty. */
static struct unix_socket *first_of_row(struct unix_socket *s)
{
    struct unix_socket *end = NULL;

    spin_lock(&unix_lock);
    if (!list_empty(&s->row)) {
        end = list_first(&s->row, struct unix_socket, accept_link);
        list_remove(&end->accept_link);
        rights_accepted(s, end);
        s->nqueued--;
        waitq_wake(&s->write_wait);
    }
    spin_unlock(&unix_lock);
    return end;
}

void unix_end(struct unix_socket *s, bool accepted)
{
    struct list messages = LIST_INIT(messages);
    struct unix_socket *e;

    spin_lock(&unix_lock);
    struct unix_socket *peer = s->peer;
    s->peer = NULL;
    s->dead = true;
    s->file = NULL;
    s->shut = SHUT_RD | SHUT_WR;
    s->family->leave(s, peer, accepted);
    list_splice_back(&messages, &s->queue);
    s->oob = NULL;
    wake_both(s); /* who wants to connect */
    spin_unlock(&unix_lock);
    waitq_wake(&unix_full_wait);
    if (s->family->ended != NULL)
        s->family->ended(s);
    unix_messages_free(&messages);
    while ((e = first_of_row(s)) != NULL) { /* these have no row of their own */
        unix_end(e, false);
        preempt_work(WORK_END);
    }
    if (peer != NULL)
        unix_put(peer);
    unix_put(s);
}

/* --- connections ------------------------------------------------------------------------ */

struct unix_cred unix_my_cred(void)
{
    return (struct unix_cred){ pid_stamp(current->proc->tgid), current->cred.euid,
                               current->cred.egid };
}

struct ucred unix_cred_told(const struct unix_cred *c)
{
    return (struct ucred){ pid_stamp_told(c->pid), c->uid, c->gid };
}

uint64_t unix_deadline(uint64_t timeo)
{
    return timeo == 0 ? NO_DEADLINE : clock_mono_ns() + timeo;
}

int unix_wait_error(int err, uint64_t timeo)
{
    if (err == -ETIMEDOUT)
        return -EAGAIN;
    return err == -ERESTARTSYS && timeo != 0 ? -EINTR : err;
}

int unix_take_error(struct unix_socket *s)
{
    if (__atomic_load_n(&s->error, __ATOMIC_RELAXED) == 0)
        return 0;
    spin_lock(&unix_lock);
    int error = s->error;
    s->error = 0;
    spin_unlock(&unix_lock);
    return -error;
}

void unix_join(struct unix_socket *a, struct unix_socket *b)
{
    unix_get(a);
    unix_get(b);
    a->peer = b;
    b->peer = a;
    if (a->type != SOCK_DGRAM)
        a->state = b->state = UNIX_CONNECTED;
}

void unix_pair(struct unix_socket *a, struct unix_socket *b)
{
    a->peer_cred = b->peer_cred = unix_my_cred();
    unix_join(a, b);
}

static bool row_is_full(const struct unix_socket *s)
{
    return __atomic_load_n(&s->nqueued, __ATOMIC_RELAXED) > s->backlog;
}

static bool listens(const struct unix_socket *s)
{
    return s->state == UNIX_LISTENING && !s->dead && !(s->shut & SHUT_RD);
}

/* Joins s to `end`, which goes into to's row: 0, -EAGAIN if that is full, or what is in the
 * way. */
static int try_connect(struct unix_socket *s, struct unix_socket *to, struct unix_socket *end)
{
    int err = 0;

    spin_lock(&unix_lock);
    if (!listens(to))
        err = -ECONNREFUSED;
    else if (s->state != UNIX_FRESH)
        err = s->state == UNIX_CONNECTED ? -EISCONN : -EINVAL;
    else if (row_is_full(to))
        err = -EAGAIN;
    if (err == 0) {
        s->peer_cred = to->peer_cred;
        end->peer_cred = unix_my_cred();
        end->name = to->name;
        ref_get(&end->name->refs);
        unix_join(s, end);
        list_push_back(&to->row, &end->accept_link);
        end->in_row_of = to;
        to->nqueued++;
        wake_both(s);
        waitq_wake_for(&to->read_wait, EPOLLIN | EPOLLRDNORM);
    }
    spin_unlock(&unix_lock);
    return err;
}

static int connect_stream(struct unix_socket *s, struct unix_socket *to, bool nonblock)
{
    uint64_t deadline = unix_deadline(s->sndtimeo);
    struct unix_socket *end = unix_alloc(s->type);

    if (end == NULL)
        return -ENOMEM;
    for (;;) {
        int err = try_connect(s, to, end);
        if (err == 0)
            return 0; /* the row has end's reference */
        if (err == -EAGAIN && !nonblock) {
            err = WAIT_EVENT(&to->write_wait, !row_is_full(to) || !listens(to), BLOCK_connect, 0,
                             BLOCK_INTERRUPTIBLE, deadline);
            if (err == 0)
                continue;
            err = unix_wait_error(err, s->sndtimeo);
        }
        unix_put(end);
        return err;
    }
}

/* to NULL: from now on nobody in particular. */
static int connect_dgram(struct unix_socket *s, struct unix_socket *to)
{
    int err = 0;

    spin_lock(&unix_lock);
    struct unix_socket *old = s->peer;
    if (to != NULL && to->dead)
        err = -ECONNREFUSED;
    else if (to != NULL && to->peer != NULL && to->peer != s)
        err = -EPERM; /* it is connected with somebody else */
    if (err == 0) {
        s->peer = to;
        if (to != NULL)
            unix_get(to);
    }
    spin_unlock(&unix_lock);
    if (err == 0 && old != NULL)
        unix_put(old);
    waitq_wake(&unix_full_wait);
    return err;
}

static int unix_connect(struct unix_socket *s, const union socket_address *addr, int len,
                        bool nonblock)
{
    const struct sockaddr_un *a = &addr->un;
    struct unix_socket *to;

    if (s->type == SOCK_DGRAM && a->sun_family == AF_UNSPEC)
        return connect_dgram(s, NULL);
    int err = unix_check_name(a, len);
    if (err == 0 && (s->options & 1ull << SO_PASSCRED) && s->name == NULL)
        err = unix_autobind(s);
    if (err == 0)
        err = unix_find(a, len, s->type, &to);
    if (err != 0)
        return err;
    err = s->type == SOCK_DGRAM ? connect_dgram(s, to) : connect_stream(s, to, nonblock);
    unix_put(to);
    return err;
}

static int unix_listen(struct unix_socket *s, int backlog)
{
    int err = 0;

    if (s->type == SOCK_DGRAM)
        return -EOPNOTSUPP;
    spin_lock(&unix_lock);
    if (s->name == NULL || s->state == UNIX_CONNECTED) {
        err = -EINVAL;
    } else {
        s->backlog = (unsigned)backlog > SOMAXCONN ? SOMAXCONN : (unsigned)backlog;
        s->state = UNIX_LISTENING;
        s->peer_cred = unix_my_cred();
        waitq_wake(&s->write_wait);
    }
    spin_unlock(&unix_lock);
    return err;
}

static bool may_accept(const struct unix_socket *s)
{
    return __atomic_load_n(&s->nqueued, __ATOMIC_ACQUIRE) > 0 || (s->shut & SHUT_RD);
}

int unix_accept(struct unix_socket *s, bool nonblock, struct unix_socket **out)
{
    uint64_t deadline = unix_deadline(s->rcvtimeo);

    if (s->type == SOCK_DGRAM || s->type == SOCK_RAW)
        return -EOPNOTSUPP;
    if (s->state != UNIX_LISTENING)
        return -EINVAL;
    while ((*out = first_of_row(s)) == NULL) {
        if (s->shut & SHUT_RD)
            return -EINVAL;
        if (nonblock)
            return -EAGAIN;
        int err = WAIT_EVENT(&s->read_wait, may_accept(s), BLOCK_accept, 0, BLOCK_INTERRUPTIBLE,
                             deadline);
        if (err != 0)
            return unix_wait_error(err, s->rcvtimeo);
    }
    if (s->family->accepted != NULL)
        s->family->accepted(s);
    return 0;
}

static int unix_shutdown(struct unix_socket *s, uint32_t how)
{
    spin_lock(&unix_lock);
    s->shut |= how;
    if (s->type != SOCK_DGRAM && s->peer != NULL) {
        s->peer->shut |= (how & SHUT_RD ? SHUT_WR : 0) | (how & SHUT_WR ? SHUT_RD : 0);
        wake_both(s->peer);
    }
    wake_both(s);
    spin_unlock(&unix_lock);
    return 0;
}

/* --- the file ------------------------------------------------------------------------------ */

static uint32_t poll_ends(const struct unix_socket *s)
{
    uint32_t ready = __atomic_load_n(&s->error, __ATOMIC_RELAXED) != 0 ? EPOLLERR : 0;

    if (s->shut == (SHUT_RD | SHUT_WR))
        ready |= EPOLLHUP;
    if (s->shut & SHUT_RD)
        ready |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
    if (s->type != SOCK_DGRAM && s->state == UNIX_FRESH)
        ready |= EPOLLHUP;
    return ready;
}

/* A datagram for whom it is connected with would have to wait. */
static bool peer_is_full(struct unix_socket *s)
{
    spin_lock(&unix_lock);
    bool full = s->peer != NULL && s->peer->peer != s && unix_full(s->peer);
    spin_unlock(&unix_lock);
    return full;
}

static uint32_t unix_poll(struct unix_socket *s, struct poll_table *pt)
{
    poll_wait(pt, &s->read_wait);
    poll_wait(pt, &s->write_wait);
    if (s->type == SOCK_DGRAM)
        poll_wait(pt, &unix_full_wait);
    uint32_t ready = poll_ends(s);
    if (__atomic_load_n(&s->nqueued, __ATOMIC_ACQUIRE) > 0)
        ready |= EPOLLIN | EPOLLRDNORM;
    if (s->oob != NULL)
        ready |= EPOLLPRI;
    /* Half of the buffer is free before it counts as writable, three quarters as in Linux. */
    if (s->state != UNIX_LISTENING &&
        __atomic_load_n(&s->sent, __ATOMIC_RELAXED) * 4 <= s->sndbuf &&
        !(s->type == SOCK_DGRAM && peer_is_full(s)))
        ready |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
    return ready;
}

static long read_bytes(struct unix_socket *s, struct uio *u, bool nonblock)
{
    struct unix_received r = { 0 };

    if (u->left == 0) /* whatever the socket's state: System V's way, and so Linux's */
        return 0;
    long n = s->family->recv(s, u, nonblock ? MSG_DONTWAIT : 0, &r);
    if (r.name != NULL)
        unix_name_put(r.name);
    if (r.control.rights != NULL)
        rights_free(r.control.rights);
    return n;
}

static long socket_read(struct file *f, struct uio *u, uint64_t *pos __attribute__((unused)))
{
    return read_bytes(f->private, u, f->flags & O_NONBLOCK);
}

long socket_splice(struct file *f, struct uio *u, bool nonblock)
{
    const struct unix_socket *s = f->private;

    nonblock = nonblock && s->family == &unix_family && s->type == SOCK_STREAM;
    return read_bytes(f->private, u, nonblock || (f->flags & O_NONBLOCK));
}

static long socket_write(struct file *f, struct uio *u, uint64_t *pos __attribute__((unused)))
{
    struct unix_control c = { .cred = unix_my_cred() };
    struct unix_socket *s = f->private;

    return s->family->send(s, u, f->flags & O_NONBLOCK ? MSG_DONTWAIT : 0, NULL, 0, &c);
}

int socket_at_mark(struct unix_socket *s, uaddr_t to)
{
    spin_lock(&unix_lock);
    int at = unix_at_mark(s);
    spin_unlock(&unix_lock);
    return put_user(at, to);
}

static long unix_ioctl(struct unix_socket *s, uint32_t cmd, uaddr_t arg)
{
    int n;

    if (cmd == SIOCATMARK && s->type == SOCK_STREAM)
        return socket_at_mark(s, arg);
    if (cmd == SIOCATMARK)
        return -EOPNOTSUPP;
    if (cmd != FIONREAD && cmd != TIOCOUTQ)
        return interface_ioctl(AF_UNIX, cmd, arg);
    if (cmd == FIONREAD && s->state == UNIX_LISTENING)
        return -EINVAL;
    spin_lock(&unix_lock);
    if (cmd == TIOCOUTQ)
        n = (int)s->sent;
    else if (s->type == SOCK_DGRAM)
        n = list_empty(&s->queue) ? 0 : (int)list_first(&s->queue, struct unix_message, link)->len;
    else
        n = (int)s->queued;
    spin_unlock(&unix_lock);
    return put_user(n, arg);
}

static long socket_ioctl(struct file *f, uint32_t cmd, uaddr_t arg)
{
    struct unix_socket *s = f->private;

    return s->family->ioctl(s, cmd, arg);
}

static uint32_t socket_poll(struct file *f, struct poll_table *pt)
{
    struct unix_socket *s = f->private;

    return s->family->poll(s, pt);
}

static void socket_release(struct file *f)
{
    unix_end(f->private, true);
    rights_collect();
    preempt_work(WORK_END);
}

const struct file_ops unix_ops = {
    .read = socket_read,
    .write = socket_write,
    .ioctl = socket_ioctl,
    .poll = socket_poll,
    .async = true,
    .release = socket_release,
    .nonseekable = true,
};

/* --- the family --------------------------------------------------------------------------- */

static int unix_bind_to(struct unix_socket *s, const union socket_address *a, int len)
{
    return unix_bind(s, &a->un, len);
}

static int unix_socket_name(struct unix_socket *s, bool peer, union socket_address *a)
{
    spin_lock(&unix_lock);
    const struct unix_socket *who = peer ? s->peer : s;
    int len = who != NULL ? unix_name_out(who->name, &a->un) : -ENOTCONN;
    spin_unlock(&unix_lock);
    return len;
}

static int unix_caller(struct unix_socket *s, union socket_address *a)
{
    int len = unix_socket_name(s, true, a);

    return len < 0 ? -ECONNABORTED : len;
}

static int unix_from(struct unix_socket *s, const struct unix_received *r, union socket_address *a)
{
    return r->name != NULL && s->type != SOCK_SEQPACKET ? unix_name_out(r->name, &a->un) : 0;
}

static long unix_send_to(struct unix_socket *s, struct uio *u, uint32_t flags,
                         const union socket_address *a, int len, struct unix_control *c)
{
    return unix_send(s, u, flags, &a->un, len, c);
}

const struct socket_family unix_family = {
    .number = AF_UNIX,
    .bind = unix_bind_to,
    .connect = unix_connect,
    .listen = unix_listen,
    .shutdown = unix_shutdown,
    .name = unix_socket_name,
    .caller = unix_caller,
    .from = unix_from,
    .send = unix_send_to,
    .recv = unix_recv,
    .poll = unix_poll,
    .ioctl = unix_ioctl,
    .leave = unix_leave,
};
