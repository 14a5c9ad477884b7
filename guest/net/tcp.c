/* tcp.c - connections of AF_INET and AF_INET6.
 *
 * Both ends are in this machine, so a connection is two sockets that are peers, as in unix.c, and
 * its bytes are messages in their queues.  No segment is made, so none is lost, late or doubled:
 * what is kept of TCP is what its users see of it.
 *
 *   connect()  The listener's row has a place: established at once (a non-blocking one is told
 *              EINPROGRESS, as always on Linux, and finds it done).  It has none: the caller stands
 *              in the listener's list and gets the next place.  Nobody listens: ECONNREFUSED.
 *   FIN        shutdown(SHUT_WR) or close(): the peer's `fin` and SHUT_RD; it may still send.
 *   RST        close() with bytes unread, or with SO_LINGER and 0; to who sends to a socket that is
 *              closed: the first such send is lost and says nothing, the next one fails.
 *              ECONNRESET, or EPIPE if there was a FIN before.  Bytes that came before stay.
 *
 * A sender may have sent what its buffer and its peer's hold (`beyond`).  Nagle and delayed
 * acknowledgements have nothing to hold back: all bytes are there when send(2) is over, but for
 * what the sender wants held back (cork.c).
 *
 * Left out: TIME_WAIT (a closed port is free at once),
 * time-outs of a connection that waits for a place unless its caller waits. */
#include "net/inet.h"
#include "arch/clock.h"
#include "arch/preempt.h"
#include "lib/string.h"
#include "sched/task.h"

#include <linux/eventpoll.h>

#define SYN_TIMEOUT (127 * NSEC_PER_SEC) /* six tries, as long as Linux makes them */
#define WORK_CALLER 600u                 /* instructions, about (arch/preempt.h) */
#define SNDBUF_OPEN 2626560u             /* Linux's for a connection by lo */
#define HEADS_V4    52u                  /* of IP and TCP with a time stamp, as they are counted */
#define HEADS_V6    72u

enum { /* as /proc/net/tcp and TCP_INFO number them */
       TCP_ESTABLISHED = 1,
       TCP_SYN_SENT,
       TCP_FIN_WAIT2 = 5,
       TCP_CLOSE = 7,
       TCP_CLOSE_WAIT,
       TCP_LISTEN = 10,
};

int tcp_state(const struct unix_socket *s)
{
    switch (s->state) {
    case UNIX_LISTENING: return s->shut ? TCP_CLOSE : TCP_LISTEN;
    case UNIX_CONNECTING: return TCP_SYN_SENT;
    case UNIX_FRESH: return TCP_CLOSE;
    case UNIX_CONNECTED: break;
    }
    if (s->reset || (s->fin && (s->shut & SHUT_WR)))
        return TCP_CLOSE;
    if (s->shut & SHUT_WR)
        return TCP_FIN_WAIT2;
    return s->fin ? TCP_CLOSE_WAIT : TCP_ESTABLISHED;
}

static void wake_both(struct unix_socket *s)
{
    waitq_wake(&s->read_wait);
    waitq_wake(&s->write_wait);
}

/* The connection is over for s.  unix_lock held. */
static void reset(struct unix_socket *s, int error)
{
    s->error = error;
    s->shut = SHUT_RD | SHUT_WR;
    s->reset = true;
    wake_both(s);
}

/* A FIN comes to s.  unix_lock held. */
static void finish(struct unix_socket *s)
{
    if (s->reset)
        return;
    s->fin = true;
    s->shut |= SHUT_RD;
    wake_both(s);
}

/* --- connecting --------------------------------------------------------------------------- */

static bool row_is_full(const struct unix_socket *s) { return s->nqueued > s->backlog; }

/* What accept(2) gives out is as its listener is. */
static void inherit(struct unix_socket *end, const struct unix_socket *from)
{
    end->options = from->options;
    end->rcvbuf = from->rcvbuf;
    end->sndbuf = from->sndbuf;
    end->sized = from->sized;
    end->lowat = from->lowat;
    end->not_peek_at = from->not_peek_at;
    end->rcvtimeo = from->rcvtimeo;
    end->sndtimeo = from->sndtimeo;
    end->in->uid = from->in->uid;
    end->linger = from->linger;
    memcpy(end->in->value, from->in->value, sizeof(end->in->value));
    end->in->corked = from->in->value[INET_CORK];
    end->in->tells = from->in->tells;
}

static void open_buffers(struct unix_socket *s, const struct unix_socket *peer)
{
    if (!s->sized)
        s->sndbuf = SNDBUF_OPEN;
    s->beyond = peer->rcvbuf;
}

/* s, with its `end`, into the row of `to`.  unix_lock held. */
static void establish(struct unix_socket *s, struct unix_socket *to)
{
    struct unix_socket *end = s->in->end;

    s->in->end = NULL;
    inherit(end, to);
    end->family = to->family;
    end->in->family = to->in->family;
    end->in->local = s->in->remote;
    end->in->remote = s->in->local;
    unix_join(s, end);
    open_buffers(s, end);
    open_buffers(end, s);
    list_push_back(&to->row, &end->accept_link);
    end->in_row_of = to;
    to->nqueued++;
    wake_both(s);
    waitq_wake_for(&to->read_wait, EPOLLIN | EPOLLRDNORM);
}

/* The end that s does not need any more, for unix_put() without unix_lock, which is held now. */
static struct unix_socket *fail(struct unix_socket *s, int error)
{
    struct unix_socket *end = s->in->end;

    s->in->end = NULL;
    s->state = UNIX_FRESH;
    reset(s, error);
    s->reset = false;
    if (!s->in->bound_port) {
        inet_leave_port(s);
        s->in->local.port = 0;
    }
    if (!s->in->bound_address)
        inet_set_any(s, &s->in->local);
    return end;
}

/* Both ends are one: it reads what it has sent. */
static void join_self(struct unix_socket *s)
{
    unix_get(s);
    s->peer = s;
    s->state = UNIX_CONNECTED;
    open_buffers(s, s);
    wake_both(s);
}

/* unix_lock held.  It has gone off: established, in a list, or failed already, which *spare,
 * to be put, and s->error say; or -errno, and nothing has changed. */
static int start(struct unix_socket *s, const struct inet_end *dest, struct unix_socket **spare)
{
    struct inet *in = s->in;

    if (s->state != UNIX_FRESH)
        return s->state == UNIX_CONNECTING ? -EALREADY : -EISCONN;
    int err = inet_autobind(s, dest);
    if (err != 0)
        return err == -EADDRINUSE ? -EADDRNOTAVAIL : err;
    s->shut = 0;
    s->error = 0;
    s->fin = s->reset = false;
    in->remote = *dest;
    in->asked = true;
    if (dest->port == in->local.port && inet_same(dest, &in->local)) {
        join_self(s);
        return 0;
    }
    in->end = *spare;
    *spare = NULL;
    struct unix_socket *to = inet_find(IPPROTO_TCP, dest, &in->local);
    if (to == NULL) {
        *spare = fail(s, ECONNREFUSED);
    } else if (row_is_full(to)) {
        s->state = UNIX_CONNECTING;
        list_push_back(&to->in->callers, &in->caller_link);
    } else {
        establish(s, to);
    }
    return 0;
}

static bool still_connecting(const struct unix_socket *s)
{
    return __atomic_load_n(&s->state, __ATOMIC_ACQUIRE) == UNIX_CONNECTING;
}

static int wait_connected(struct unix_socket *s, uint64_t deadline)
{
    return WAIT_EVENT(&s->write_wait, !still_connecting(s), BLOCK_connect, 0, BLOCK_INTERRUPTIBLE,
                      deadline);
}

/* How it has ended.  Told once. */
static int outcome(struct unix_socket *s)
{
    spin_lock(&unix_lock);
    s->in->asked = false;
    int err = s->state == UNIX_CONNECTED ? 0 : s->error != 0 ? -s->error : -ECONNABORTED;
    if (err != 0) { /* it is as one that never tried */
        s->error = 0;
        s->shut = 0;
    }
    spin_unlock(&unix_lock);
    return err;
}

/* Nobody made room for so long. */
static void give_up(struct unix_socket *s)
{
    struct unix_socket *spare = NULL;

    spin_lock(&unix_lock);
    if (s->state == UNIX_CONNECTING) {
        list_remove(&s->in->caller_link);
        list_init(&s->in->caller_link);
        spare = fail(s, ETIMEDOUT);
    }
    spin_unlock(&unix_lock);
    if (spare != NULL)
        unix_put(spare);
}

int tcp_connect(struct unix_socket *s, const struct inet_end *dest, bool nonblock)
{
    if (!s->in->asked) {
        struct unix_socket *spare;
        int err = inet_make(s->in->family, SOCK_STREAM, IPPROTO_TCP, &spare);
        if (err != 0)
            return err;
        spin_lock(&unix_lock);
        err = start(s, dest, &spare);
        spin_unlock(&unix_lock);
        if (spare != NULL)
            unix_put(spare);
        if (err != 0)
            return err;
        if (nonblock)
            return -EINPROGRESS;
    }
    if (still_connecting(s)) {
        if (nonblock)
            return -EALREADY;
        int err = wait_connected(s, unix_deadline(s->sndtimeo ? s->sndtimeo : SYN_TIMEOUT));
        if (err == -ETIMEDOUT && s->sndtimeo != 0)
            return -EINPROGRESS;
        if (err == -ETIMEDOUT)
            give_up(s);
        else if (err != 0)
            return unix_wait_error(err, s->sndtimeo);
    }
    return outcome(s);
}

/* connect(2) with AF_UNSPEC: the peer sees a reset, and s may connect again. */
int tcp_disconnect(struct unix_socket *s)
{
    struct unix_socket *peer, *spare = NULL;
    struct list messages = LIST_INIT(messages);

    if (s->state == UNIX_LISTENING) {
        tcp_shutdown(s, SHUT_RD);
        return 0;
    }
    mutex_lock(&s->read_lock); /* its queue goes */
    spin_lock(&unix_lock);
    peer = s->peer;
    s->peer = NULL;
    if (s->state == UNIX_CONNECTING)
        list_remove(&s->in->caller_link);
    list_init(&s->in->caller_link);
    if (peer != NULL && !peer->dead && tcp_state(s) != TCP_CLOSE)
        reset(peer, peer->fin ? EPIPE : ECONNRESET);
    list_splice_back(&messages, &s->queue);
    cork_drop(s, &messages);
    s->queued = s->nqueued = 0;
    s->oob = NULL;
    spare = fail(s, 0);
    s->shut = 0;
    s->fin = s->in->asked = false;
    s->in->remote.port = 0;
    spin_unlock(&unix_lock);
    mutex_unlock(&s->read_lock);
    unix_messages_free(&messages);
    if (peer != NULL)
        unix_put(peer);
    if (spare != NULL)
        unix_put(spare);
    return 0;
}

/* --- listening ------------------------------------------------------------------------------ */

int tcp_listen(struct unix_socket *s, int backlog)
{
    struct inet_end any = { .port = 0 };
    int err = 0;

    spin_lock(&unix_lock);
    inet_set_any(s, &any);
    if (s->state == UNIX_CONNECTED || s->state == UNIX_CONNECTING)
        err = -EINVAL;
    else if (!s->in->in_table)
        err = inet_take_port(s, &any);
    else if (s->state != UNIX_LISTENING && !inet_may_listen(s))
        err = -EADDRINUSE;
    if (err == 0) {
        s->backlog = MIN((unsigned)backlog, inet_somaxconn);
        s->state = UNIX_LISTENING;
        s->shut = 0;
    }
    spin_unlock(&unix_lock);
    return err;
}

/* One that stands in the list of s: into its row, or away. */
static bool serve_caller(struct unix_socket *s, bool refuse)
{
    struct unix_socket *spare = NULL;
    bool more = false;

    spin_lock(&unix_lock);
    if (!list_empty(&s->in->callers) && (refuse || !row_is_full(s))) {
        struct inet *caller = list_first(&s->in->callers, struct inet, caller_link);
        list_remove(&caller->caller_link);
        list_init(&caller->caller_link);
        if (refuse)
            spare = fail(caller->socket, ECONNREFUSED);
        else
            establish(caller->socket, s);
        more = true;
    }
    spin_unlock(&unix_lock);
    if (spare != NULL)
        unix_put(spare);
    return more;
}

void tcp_accepted(struct unix_socket *s)
{
    while (serve_caller(s, false))
        preempt_work(WORK_CALLER);
}

void tcp_dismiss(struct unix_socket *s)
{
    while (serve_caller(s, true))
        preempt_work(WORK_CALLER);
}

/* --- ends ------------------------------------------------------------------------------------ */

void tcp_leave(struct unix_socket *s, struct unix_socket *peer, bool accepted)
{
    bool abort = s->linger.l_onoff && s->linger.l_linger == 0;

    ASSERT_SPIN_HELD(&unix_lock);
    if (peer == NULL || peer->dead || s->reset)
        return;
    s->peer = peer; /* for what is held back; unix_end() has taken it */
    tcp_push(s);
    s->peer = NULL;
    if (!list_empty(&s->queue) || !accepted || abort)
        reset(peer, peer->fin ? EPIPE : ECONNRESET);
    else
        finish(peer);
}

int tcp_shutdown(struct unix_socket *s, uint32_t how)
{
    struct unix_socket *spare = NULL;
    bool dismiss = false;
    int err = 0;

    spin_lock(&unix_lock);
    int state = tcp_state(s);
    if (state == TCP_CLOSE) {
        err = -ENOTCONN;
    } else if (state == TCP_SYN_SENT) {
        list_remove(&s->in->caller_link);
        list_init(&s->in->caller_link);
        spare = fail(s, 0);
        s->in->asked = false;
    } else if (state == TCP_LISTEN) {
        if (how & SHUT_RD) {
            s->shut = SHUT_RD | SHUT_WR;
            dismiss = true;
        }
    } else {
        if ((how & SHUT_WR) && !(s->shut & SHUT_WR) && s->peer != NULL && !s->peer->dead) {
            tcp_push(s);
            finish(s->peer);
        }
        s->shut |= how;
    }
    wake_both(s);
    spin_unlock(&unix_lock);
    if (dismiss)
        tcp_dismiss(s);
    if (spare != NULL)
        unix_put(spare);
    return err;
}

/* --- bytes ------------------------------------------------------------------------------------ */

int tcp_may_send(struct unix_socket *s, size_t bytes)
{
    struct unix_socket *peer = s->peer;

    ASSERT_SPIN_HELD(&unix_lock);
    if ((s->shut & SHUT_WR) || peer == NULL)
        return -EPIPE;
    if (!peer->dead) {
        lo_count(bytes, inet_is_v4(&s->in->remote) ? HEADS_V4 : HEADS_V6);
        return 0;
    }
    reset(s, s->fin ? EPIPE : ECONNRESET);
    return 1;
}

/* 0 once it is established, or has failed. */
static int past_connecting(struct unix_socket *s, uint32_t flags, uint64_t timeo)
{
    if (!still_connecting(s))
        return 0;
    if (flags & MSG_DONTWAIT)
        return -EAGAIN;
    return unix_wait_error(wait_connected(s, unix_deadline(timeo)), timeo);
}

long tcp_send(struct unix_socket *s, struct uio *u, uint32_t flags)
{
    struct unix_control c = { 0 };
    long n = past_connecting(s, flags, s->sndtimeo);

    if (n != 0)
        return n;
    if (s->state != UNIX_CONNECTED || s->error != 0)
        n = -EPIPE;
    else
        n = unix_send_stream(s, u, flags, &c);
    if (n != -EPIPE)
        return n;
    int err = unix_take_error(s);
    return unix_broken(err != 0 ? err : -EPIPE, flags);
}

long tcp_recv(struct unix_socket *s, struct uio *u, uint32_t flags, struct unix_received *r)
{
    long n = past_connecting(s, flags, s->rcvtimeo);

    if (n != 0)
        return n;
    if (flags & MSG_OOB)
        return unix_recv_urgent(s, u, flags, r);
    if (flags & MSG_ERRQUEUE)
        return -EAGAIN;
    if (s->state == UNIX_CONNECTED)
        return unix_recv(s, u, flags, r);
    int err = s->state == UNIX_FRESH ? unix_take_error(s) : 0;
    return err != 0 ? err : s->shut && s->state == UNIX_FRESH ? 0 : -ENOTCONN;
}

/* As many bytes as its user wants to be woken for, besides an urgent one that is next. */
static bool is_readable(const struct unix_socket *s)
{
    size_t n = __atomic_load_n(&s->queued, __ATOMIC_ACQUIRE);

    if (s->oob != NULL && s->to_oob == 0 && !unix_in_line(s))
        n -= MIN(n, 1u);
    return n > 0 && n >= s->lowat;
}

uint32_t tcp_poll(struct unix_socket *s)
{
    uint32_t ready = __atomic_load_n(&s->error, __ATOMIC_RELAXED) != 0 ? EPOLLERR : 0;
    int state = tcp_state(s);

    if (state == TCP_LISTEN)
        return s->nqueued > 0 ? EPOLLIN | EPOLLRDNORM : 0;
    if (s->shut == (SHUT_RD | SHUT_WR) || state == TCP_CLOSE)
        ready |= EPOLLHUP;
    if (s->shut & SHUT_RD)
        ready |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
    if (state == TCP_SYN_SENT)
        return ready;
    if (s->state == UNIX_CONNECTED && is_readable(s))
        ready |= EPOLLIN | EPOLLRDNORM;
    if (s->oob != NULL && !s->oob_taken)
        ready |= EPOLLPRI;
    /* A third of the room is free before it counts as writable, as on Linux. */
    if ((s->shut & SHUT_WR) ||
        __atomic_load_n(&s->sent, __ATOMIC_RELAXED) * 3 <= (s->sndbuf + s->beyond) * 2)
        ready |= EPOLLOUT | EPOLLWRNORM;
    return ready;
}
