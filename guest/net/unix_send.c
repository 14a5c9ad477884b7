/* unix_send.c - messages, and sending them.
 *
 * A message's memory is charged to its sender until somebody has read it: sndbuf bounds
 * that.  A sender waits for room before it copies; senders that copy at one time may go beyond
 * the bound by a message each. */
#include "arch/clock.h"
#include "arch/preempt.h"
#include "fs/uio.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "net/rights.h"
#include "net/inet.h"
#include "proc/signal.h"
#include "sched/task.h"

#include <linux/eventpoll.h>
#include <linux/signal.h>

#define INLINE_MAX (KMALLOC_MAX / 2 - sizeof(struct unix_message)) /* beyond: in frames */
#define STREAM_MAX (8 * PAGE_SIZE)                                 /* bytes of a stream's message */
#define OVERHEAD   768u /* charged for a message besides its bytes, as Linux's are about */
#define DGRAMS_MAX 10u  /* that wait for one socket; one more gets in */
#define WORK_FREE  800u /* instructions a message, about (arch/preempt.h) */
#define WORK_COPY  700u /* instructions a page, about (arch/preempt.h) */

struct waitq unix_full_wait = WAITQ_INIT(unix_full_wait);

bool unix_room(const struct unix_socket *s)
{
    return __atomic_load_n(&s->sent, __ATOMIC_ACQUIRE) < s->sndbuf + s->beyond;
}

bool unix_full(const struct unix_socket *s)
{
    return __atomic_load_n(&s->nqueued, __ATOMIC_ACQUIRE) > DGRAMS_MAX;
}

/* --- messages ----------------------------------------------------------------------------- */

static void free_memory(struct unix_message *m)
{
    for (uint32_t i = 0; i < m->npages; i++)
        if (m->page[i] != 0)
            frame_put(m->page[i]);
    kfree(m);
}

static struct unix_message *message_alloc(size_t len)
{
    uint32_t npages = len > INLINE_MAX ? (uint32_t)((len + PAGE_SIZE - 1) / PAGE_SIZE) : 0;
    struct unix_message *m = kmalloc(sizeof(*m) + (npages ? npages * sizeof(pfn_t) : len));

    if (m == NULL)
        return NULL;
    memset(m, 0, sizeof(*m));
    list_init(&m->link);
    list_init(&m->carrier_link);
    m->len = len;
    m->npages = npages;
    m->charge = OVERHEAD + len;
    for (uint32_t i = 0; i < npages; i++)
        m->page[i] = 0;
    for (uint32_t i = 0; i < npages; i++) {
        m->page[i] = frame_alloc();
        if (m->page[i] == 0) {
            free_memory(m);
            return NULL;
        }
    }
    return m;
}

/* 0 or -EFAULT. */
static int fill(struct unix_message *m, struct uio *u)
{
    for (size_t at = 0; at < m->len;) {
        size_t n = m->npages ? MIN(m->len - at, PAGE_SIZE) : m->len;
        char *to = m->npages ? frame_va(m->page[at / PAGE_SIZE]) : m->bytes;
        if (uio_get(u, to, n) != (long)n)
            return -EFAULT;
        at += n;
        preempt_work(WORK_COPY);
    }
    return 0;
}

int unix_message_make(size_t len, struct uio *u, struct unix_message **out)
{
    struct unix_message *m = message_alloc(len);

    if (m == NULL)
        return -ENOMEM;
    if (fill(m, u) != 0) {
        free_memory(m);
        return -EFAULT;
    }
    *out = m;
    return 0;
}

char *unix_message_at(struct unix_message *m, size_t at, size_t *n)
{
    size_t off = m->npages ? at % PAGE_SIZE : at;

    *n = MIN(*n, m->npages ? PAGE_SIZE - off : m->len - off);
    return (m->npages ? (char *)frame_va(m->page[at / PAGE_SIZE]) : m->bytes) + off;
}

/* len bytes from `from` on, to `at` of m. */
static void put_bytes(struct unix_message *m, size_t at, const char *from, size_t len)
{
    while (len > 0) {
        size_t n = len;
        char *to = unix_message_at(m, at, &n);
        memcpy(to, from, n);
        at += n;
        from += n;
        len -= n;
    }
}

/* The same from another one, whose bytes begin at `skip`. */
static void put_message(struct unix_message *m, size_t at, struct unix_message *from, size_t skip,
                        size_t len)
{
    while (len > 0) {
        size_t n = len;
        put_bytes(m, at, unix_message_at(from, skip, &n), n);
        at += n;
        skip += n;
        len -= n;
        preempt_work(WORK_COPY);
    }
}

struct unix_message *unix_message_behind(const void *head, size_t headlen, struct unix_message *of,
                                         size_t skip, size_t most)
{
    size_t len = MIN(of->len - skip, most);
    struct unix_message *m = message_alloc(headlen + len);

    if (m == NULL)
        return NULL;
    m->source = of->source;
    m->to = of->to;
    put_bytes(m, 0, head, headlen);
    put_message(m, headlen, of, skip, len);
    return m;
}

int unix_message_join(const struct list *messages, size_t len, struct unix_message **out)
{
    struct unix_message *m = message_alloc(len), *piece;
    size_t at = 0;

    if (m == NULL)
        return -ENOMEM;
    list_for_each(piece, messages, link) {
        put_message(m, at, piece, 0, piece->len);
        at += piece->len;
    }
    *out = m;
    return 0;
}

void unix_charge(struct unix_message *m, struct unix_socket *s)
{
    m->from = s;
    unix_get(s);
    s->sent += m->charge;
}

/* The same with what goes along, charged to s. */
static int message_from(struct unix_socket *s, size_t len, struct uio *u, struct unix_control *c,
                        struct unix_message **out)
{
    struct unix_message *m;
    int err = unix_message_make(len, u, &m);

    if (err != 0)
        return err;
    m->cred = c->cred;
    spin_lock(&unix_lock);
    m->name = s->name;
    if (m->name != NULL)
        ref_get(&m->name->refs);
    unix_charge(m, s);
    spin_unlock(&unix_lock);
    m->rights = c->rights;
    c->rights = NULL;
    *out = m;
    return 0;
}

void unix_message_free(struct unix_message *m)
{
    struct unix_socket *from = m->from;

    spin_lock(&unix_lock);
    struct unix_rights *r = rights_land(m);
    if (from != NULL) {
        from->sent -= m->charge;
        waitq_wake_for(&from->write_wait, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
    }
    spin_unlock(&unix_lock);
    if (from != NULL)
        unix_put(from);
    if (m->name != NULL)
        unix_name_put(m->name);
    free_memory(m);
    if (r != NULL)
        rights_free(r);
}

void unix_messages_free(struct list *messages)
{
    while (!list_empty(messages)) {
        struct unix_message *m = list_first(messages, struct unix_message, link);
        list_remove(&m->link);
        unix_message_free(m);
        preempt_work(WORK_FREE);
    }
}

int unix_enqueue(struct unix_message *m, struct unix_socket *to)
{
    if (unlikely(to->filter != NULL) && !socket_filter_passes(to, m))
        return -ENOMSG;
    int err = m->rights != NULL ? rights_go(m, to) : 0;
    if (err != 0)
        return err;
    m->came_ns = unlikely(to->options & OPTION_STAMPS) ? clock_real_ns() : 0;
    list_push_back(&to->queue, &m->link);
    to->queued += m->len;
    __atomic_store_n(&to->arrived, to->arrived + 1, __ATOMIC_RELEASE);
    __atomic_store_n(&to->nqueued, to->nqueued + 1, __ATOMIC_RELEASE);
    waitq_wake_for(&to->read_wait, EPOLLIN | EPOLLRDNORM);
    return 0;
}

static int wait_for_room(struct unix_socket *s, uint32_t flags, uint64_t deadline)
{
    if (unix_room(s))
        return 0;
    if (flags & MSG_DONTWAIT)
        return -EAGAIN;
    int err = WAIT_EVENT(&s->write_wait, unix_room(s) || (s->shut & SHUT_WR), BLOCK_socket_send, 0,
                         BLOCK_INTERRUPTIBLE, deadline);
    return unix_wait_error(err, s->sndtimeo);
}

/* --- streams ---------------------------------------------------------------------------------- */

void (*unix_tell_urgent)(struct file *f);

/* The next one to be read, m, is the urgent byte.  One before it, that nobody has passed, is an ordinary byte again; of TCP, one that
 * is next to be read is lost.  unix_lock held. */
static void mark_urgent(struct unix_socket *to, struct unix_message *m)
{
    if (to->in != NULL && to->oob != NULL && to->to_oob == 0 && !unix_in_line(to)) {
        to->oob->hole = true;
        to->queued--;
    }
    to->oob = m;
    to->oob_taken = false;
    to->to_oob = to->queued - 1;
    waitq_wake_for(&to->read_wait, EPOLLIN | EPOLLRDNORM | EPOLLPRI | EPOLLRDBAND);
}

/* Into the queue of `to`; *owned: its file, with a reference, if it has one.  unix_lock held. */
static int enqueue_urgent(struct unix_socket *s, struct unix_message *m, struct unix_socket *to,
                          struct file **owned)
{
    if (s->in != NULL)
        tcp_push(s); /* what is held back is in front of it */
    int err = unix_enqueue(m, to);
    if (err != 0)
        return err;
    mark_urgent(to, m);
    if (to->file != NULL && ref_get_unless_dead(&to->file->refs))
        *owned = to->file;
    return 0;
}

/* To its peer: 0 or an error, with m freed. */
static int send_connected(struct unix_socket *s, struct unix_message *m, bool more, bool urgent)
{
    struct file *owned = NULL;
    int err = -EPIPE;

    spin_lock(&unix_lock);
    struct unix_socket *peer = s->peer;
    if (s->in != NULL)
        err = tcp_may_send(s, m->len);
    else if (peer != NULL && !peer->dead && !(s->shut & SHUT_WR) && !(peer->shut & SHUT_RD))
        err = 0;
    if (err == 0 && unlikely(urgent))
        err = enqueue_urgent(s, m, peer, &owned);
    else if (err == 0 && !(s->in != NULL && (more || s->in->corked) && tcp_hold(s, m, more)))
        err = unix_enqueue(m, peer);
    spin_unlock(&unix_lock);
    if (unlikely(owned != NULL)) {
        unix_tell_urgent(owned);
        file_put(owned);
    }
    if (err != 0)
        unix_message_free(m);
    return err < 0 ? err : 0; /* lost, of TCP, is not an error */
}

static int send_chunk(struct unix_socket *s, struct uio *u, uint32_t flags, uint64_t deadline,
                      struct unix_control *c)
{
    struct unix_message *m;
    int err = s->shut & SHUT_WR ? -EPIPE : wait_for_room(s, flags, deadline);

    bool urgent = (flags & MSG_OOB) && u->left == 1; /* the last one */
    size_t len = flags & MSG_OOB && !urgent ? u->left - 1 : u->left;
    if (err == 0)
        err = message_from(s, MIN(len, MIN(STREAM_MAX, s->sndbuf / 2)), u, c, &m);
    return err != 0 ? err : send_connected(s, m, flags & MSG_MORE, urgent);
}

long unix_send_stream(struct unix_socket *s, struct uio *u, uint32_t flags, struct unix_control *c)
{
    uint64_t deadline = unix_deadline(s->sndtimeo);
    size_t all = u->left;
    int err = 0;

    if (s->shut & SHUT_WR)
        err = -EPIPE;
    while (err == 0 && u->left > 0) {
        size_t left = u->left;
        err = send_chunk(s, u, flags, deadline, c);
        if (err != 0)
            u->left = left; /* what was copied was not sent */
    }
    return all > u->left ? (long)(all - u->left) : err;
}

int unix_broken(int err, uint32_t flags)
{
    if (err == -EPIPE && !(flags & MSG_NOSIGNAL)) {
        siginfo_t info;
        siginfo_user(&info, SIGPIPE, SI_USER);
        signal_send_task(current, SIGPIPE, &info);
    }
    return err;
}

/* --- datagrams --------------------------------------------------------------------------------- */

/* What is in the way of a message from s to `to`; unix_lock held. */
static int may_send(const struct unix_socket *s, const struct unix_socket *to)
{
    if (to->dead)
        return s->type == SOCK_DGRAM ? -ECONNREFUSED : -EPIPE;
    if (s->shut & SHUT_WR || to->shut & SHUT_RD)
        return -EPIPE;
    if (s->type == SOCK_DGRAM && to->peer != NULL && to->peer != s)
        return -EPERM;
    return to != s && to->peer != s && unix_full(to) ? -EAGAIN : 0;
}

static int deliver(struct unix_socket *s, struct unix_socket *to, struct unix_message *m,
                   uint32_t flags, uint64_t deadline)
{
    for (;;) {
        spin_lock(&unix_lock);
        int err = may_send(s, to);
        if (err == 0)
            err = unix_enqueue(m, to);
        spin_unlock(&unix_lock);
        if (err != -EAGAIN || (flags & MSG_DONTWAIT))
            return err;
        err = WAIT_EVENT(&unix_full_wait, !unix_full(to) || to->dead, BLOCK_socket_send, 0,
                         BLOCK_INTERRUPTIBLE, deadline);
        if (err != 0)
            return unix_wait_error(err, s->sndtimeo);
    }
}

/* Whom s is connected with, with a reference; NULL: nobody. */
static struct unix_socket *peer_of(struct unix_socket *s)
{
    spin_lock(&unix_lock);
    struct unix_socket *peer = s->peer;
    if (peer != NULL)
        unix_get(peer);
    spin_unlock(&unix_lock);
    return peer;
}

/* It is gone: s is connected with it no longer. */
static void forget_peer(struct unix_socket *s, struct unix_socket *peer)
{
    spin_lock(&unix_lock);
    bool is = s->peer == peer && s->type == SOCK_DGRAM;
    if (is)
        s->peer = NULL;
    spin_unlock(&unix_lock);
    if (is)
        unix_put(peer);
}

static long send_dgram(struct unix_socket *s, struct uio *u, uint32_t flags, struct unix_socket *to,
                       struct unix_control *c)
{
    uint64_t deadline = unix_deadline(s->sndtimeo);
    long len = (long)u->left;
    struct unix_message *m;

    if (u->left > s->sndbuf - 32)
        return -EMSGSIZE;
    int err = s->shut & SHUT_WR ? -EPIPE : wait_for_room(s, flags, deadline);
    if (err == 0)
        err = message_from(s, u->left, u, c, &m);
    if (err != 0)
        return err;
    err = deliver(s, to, m, flags, deadline);
    if (err == 0)
        return len;
    if (err == -ECONNREFUSED)
        forget_peer(s, to);
    unix_message_free(m);
    return err == -ENOMSG ? len : err; /* nobody is told of it */
}

long unix_send(struct unix_socket *s, struct uio *u, uint32_t flags, const struct sockaddr_un *a,
               int alen, struct unix_control *c)
{
    struct unix_socket *to = NULL;
    int err = 0;

    if ((flags & MSG_OOB) && (s->type != SOCK_STREAM || u->left == 0))
        return -EOPNOTSUPP;
    if (s->type == SOCK_STREAM) {
        if (alen != 0)
            return s->state == UNIX_CONNECTED ? -EISCONN : -EOPNOTSUPP;
        if (s->state != UNIX_CONNECTED)
            return -ENOTCONN;
        long sent = unix_send_stream(s, u, flags, c);
        return sent == -EPIPE ? unix_broken(-EPIPE, flags) : sent;
    }
    if (s->type == SOCK_SEQPACKET) {
        err = unix_take_error(s);
        if (err == 0 && s->state != UNIX_CONNECTED)
            err = -ENOTCONN;
        alen = 0;
    }
    if (err == 0 && (s->options & 1ull << SO_PASSCRED) && s->name == NULL)
        err = unix_autobind(s);
    if (err == 0 && alen != 0)
        err = unix_check_name(a, alen);
    if (err == 0 && alen != 0)
        err = unix_find(a, alen, s->type, &to);
    if (err == 0 && alen == 0)
        err = (to = peer_of(s)) != NULL ? 0 : -ENOTCONN;
    if (err != 0)
        return err;
    long n = send_dgram(s, u, flags, to, c);
    unix_put(to);
    return n;
}
