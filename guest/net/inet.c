/* inet.c - sockets of AF_INET and AF_INET6, inside this machine: life, names, and what they are asked as files.
 *
 * There is one interface, lo, with 127.0.0.0/8 and ::1; all else is out of reach (ENETUNREACH).
 * Such a socket is one of unix.h with a part of its own, struct inet, and unix_lock guards that, too:
 * queues, rows, buffers, waiting and what messages carry are the same thing for both.  What differs is names
 * (inet_address.c, inet_port.c), how connections begin and end (tcp.c), and datagrams (udp.c). */
#include "net/inet.h"
#include "arch/uaccess.h"
#include "fs/poll.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "sched/task.h"

#include <linux/capability.h>
#include <asm/ioctls.h>
#include <asm/sockios.h>

#define SNDBUF_STREAM 16384u /* Linux's */
#define RCVBUF_STREAM 131072u

uint32_t inet_somaxconn = SOMAXCONN;

/* --- life ---------------------------------------------------------------------------------- */

int inet_make(int family, int type, int protocol, struct unix_socket **out)
{
    struct unix_socket *s = unix_alloc(type);
    struct inet *in = kzalloc(sizeof(*in));

    if (s == NULL || in == NULL) {
        if (s != NULL)
            unix_put(s);
        kfree(in);
        return -ENOMEM;
    }
    in->socket = s;
    in->family = family;
    in->protocol = protocol;
    in->uid = current->cred.euid;
    list_init(&in->port_link);
    list_init(&in->callers);
    list_init(&in->caller_link);
    list_init(&in->held);
    list_init(&in->held_link);
    list_init(&in->errors);
    list_init(&in->groups);
    inet_options_begin(in);
    s->in = in;
    s->family = family == AF_INET ? &inet_family : &inet6_family;
    if (type == SOCK_STREAM) {
        s->sndbuf = SNDBUF_STREAM;
        s->rcvbuf = RCVBUF_STREAM;
    }
    inet_set_any(s, &in->local);
    inet_set_any(s, &in->remote);
    if (type == SOCK_RAW || is_ping(in))
        s->options = 1ull << SO_REUSEADDR;
    if (type == SOCK_RAW) {
        in->local.port = (uint16_t)protocol;
        in->bound_port = true;
        in->with_head = protocol == IPPROTO_RAW;
        __atomic_add_fetch(&raw_sockets, 1, __ATOMIC_RELAXED);
    }
    *out = s;
    return 0;
}

void inet_free(struct unix_socket *s)
{
    inet_groups_free(s);
    if (s->type == SOCK_RAW)
        __atomic_sub_fetch(&raw_sockets, 1, __ATOMIC_RELAXED);
    kfree(s->in);
}

int inet_autobind(struct unix_socket *s, const struct inet_end *to)
{
    struct inet_end at = s->in->local;
    uint16_t port = at.port;

    if (inet_is_any(&at))
        inet_set_source(to, &at);
    at.port = port;
    if (!s->in->in_table && s->type != SOCK_RAW)
        return inet_take_port(s, &at);
    s->in->local = at;
    return 0;
}

/* unix_lock held; nobody has it as a file any more. */
static void inet_leave(struct unix_socket *s, struct unix_socket *peer, bool accepted)
{
    if (s->type == SOCK_STREAM)
        tcp_leave(s, peer, accepted);
    list_remove(&s->in->caller_link);
    list_init(&s->in->caller_link);
    inet_leave_port(s);
}

static void inet_ended(struct unix_socket *s)
{
    struct list held = LIST_INIT(held);

    if (s->in->corked || !list_empty(&s->in->errors)) {
        spin_lock(&unix_lock);
        cork_drop(s, &held);
        inet_drop_errors(s, &held);
        spin_unlock(&unix_lock);
        unix_messages_free(&held);
    }
    tcp_dismiss(s);
    if (s->in->end != NULL)
        unix_put(s->in->end);
    s->in->end = NULL;
}

/* --- names ----------------------------------------------------------------------------------- */

/* It may have an address that is not this machine's. */
static bool anywhere(const struct unix_socket *s)
{
    const int *v = s->in->value;

    return v[INET_FREEBIND] || v[INET_TRANSPARENT] || v[INET_FREEBIND6] || v[INET_TRANSPARENT6];
}

static int may_bind(struct unix_socket *s, const union socket_address *a, int len,
                    struct inet_end *at)
{
    bool any4 = s->in->family == AF_INET && len >= (int)sizeof(a->in) &&
                a->in.sin_family == AF_UNSPEC && a->in.sin_addr.s_addr == 0;
    union socket_address in4 = *a;

    if (any4)
        in4.in.sin_family = AF_INET; /* as Linux lets it pass */
    int err =
        s->in->family == AF_INET6 && a->in6.sin6_family != AF_INET6
            ? len < (int)offsetof(struct sockaddr_in6, sin6_scope_id) ? -EINVAL : -EAFNOSUPPORT
            : inet_read(s, &in4, len, at);
    if (err != 0)
        return err;
    if (inet_is_v4(at) && s->in->family == AF_INET6 && s->in->value[INET_V6ONLY])
        return -EINVAL;
    if (!inet_is_any(at) && !inet_is_local(at) && !anywhere(s) &&
        !(s->type != SOCK_STREAM && inet_is_for_many(at)))
        return -EADDRNOTAVAIL;
    if (s->type == SOCK_RAW || is_ping(s->in))
        return 0;
    return at->port != 0 && at->port < PRIVILEGED && !has_cap(CAP_NET_BIND_SERVICE) ? -EACCES : 0;
}

static int inet_bind(struct unix_socket *s, const union socket_address *a, int len)
{
    struct inet_end at;
    int err = may_bind(s, a, len, &at);

    if (err != 0)
        return err;
    spin_lock(&unix_lock);
    if (s->in->in_table || s->state != UNIX_FRESH || s->in->connected)
        err = -EINVAL;
    else if (s->type != SOCK_RAW)
        err = inet_take_port(s, &at);
    if (err == 0) {
        s->in->bound_address = !inet_is_any(&at);
        s->in->bound_port = at.port != 0 || s->type == SOCK_RAW;
        if (s->type == SOCK_RAW) {
            at.port = (uint16_t)s->in->protocol;
            s->in->local = at;
        }
    }
    spin_unlock(&unix_lock);
    return err;
}

static int inet_connect(struct unix_socket *s, const union socket_address *a, int len,
                        bool nonblock)
{
    struct inet_end to;

    if (a->in.sin_family == AF_UNSPEC)
        return s->type == SOCK_STREAM ? tcp_disconnect(s) : udp_connect(s, NULL);
    int err = inet_read(s, a, len, &to);
    if (err == 0)
        err = inet_route(s, &to);
    if (err != 0)
        return err;
    return s->type == SOCK_STREAM ? tcp_connect(s, &to, nonblock) : udp_connect(s, &to);
}

static int inet_listen(struct unix_socket *s, int backlog)
{
    if (s->type != SOCK_STREAM)
        return -EOPNOTSUPP;
    int err = tcp_listen(s, backlog);
    if (err == 0)
        tcp_accepted(s); /* the row may be longer now */
    return err;
}

static int inet_shutdown(struct unix_socket *s, uint32_t how)
{
    if (s->type == SOCK_STREAM)
        return tcp_shutdown(s, how);
    spin_lock(&unix_lock);
    int err = s->in->connected ? 0 : -ENOTCONN;
    s->shut |= how;
    waitq_wake(&s->read_wait);
    waitq_wake(&s->write_wait);
    spin_unlock(&unix_lock);
    return err;
}

static bool has_peer(const struct unix_socket *s)
{
    if (s->type != SOCK_STREAM)
        return s->in->connected && s->in->remote.port != 0;
    return s->state == UNIX_CONNECTED && tcp_state(s) != 7;
}

static int inet_name(struct unix_socket *s, bool peer, union socket_address *a)
{
    spin_lock(&unix_lock);
    int len =
        peer && !has_peer(s) ? -ENOTCONN : inet_write(s, peer ? &s->in->remote : &s->in->local, a);
    spin_unlock(&unix_lock);
    return len;
}

static int inet_from(struct unix_socket *s, const struct unix_received *r, union socket_address *a)
{
    const uint32_t *from = r->source.a;

    return s->type != SOCK_STREAM && (from[0] | from[1] | from[2] | from[3])
               ? inet_write(s, &r->source, a)
               : 0;
}

/* The other end's name, also when it has gone. */
static int inet_caller(struct unix_socket *s, union socket_address *a)
{
    return inet_write(s, &s->in->remote, a);
}

/* --- bytes ------------------------------------------------------------------------------------ */

static long inet_send(struct unix_socket *s, struct uio *u, uint32_t flags,
                      const union socket_address *a, int len, struct unix_control *c)
{
    struct inet_end to;

    if (s->type == SOCK_STREAM &&
        unlikely(flags & MSG_FASTOPEN)) { /* it says whom to connect with, first */
        int err = len == 0                        ? -EINVAL
                  : a->in.sin_family == AF_UNSPEC ? -EOPNOTSUPP
                                                  : inet_connect(s, a, len, flags & MSG_DONTWAIT);
        if (err != 0)
            return err;
    }
    if (s->type == SOCK_STREAM)
        return tcp_send(s, u, flags);
    if (s->type == SOCK_RAW || is_ping(s->in))
        return raw_send(s, u, flags, a, len, c);
    if (len == 0)
        return udp_send(s, u, flags, NULL, c);
    int err = inet_read(s, a, len, &to);
    if (err == -EAFNOSUPPORT && a->in.sin_family == AF_UNSPEC && s->in->family == AF_INET6)
        return udp_send(s, u, flags, NULL, c);
    return err != 0 ? err : udp_send(s, u, flags, &to, c);
}

static long inet_recv(struct unix_socket *s, struct uio *u, uint32_t flags, struct unix_received *r)
{
    if (s->type == SOCK_STREAM)
        return tcp_recv(s, u, flags, r);
    if (flags & MSG_ERRQUEUE)
        return inet_recv_error(s, u, r);
    if (s->in->protocol == IPPROTO_UDP)
        flags &= ~MSG_OOB; /* it does not say that it knows nothing of that */
    long n = unix_recv(s, u, flags, r);
    if (n >= 0 && s->in->tells)
        r->along |= RECEIVED_INET;
    return n;
}

static uint32_t inet_poll(struct unix_socket *s, struct poll_table *pt)
{
    poll_wait(pt, &s->read_wait);
    poll_wait(pt, &s->write_wait);
    if (s->type == SOCK_STREAM)
        return tcp_poll(s);
    uint32_t ready = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
    if (__atomic_load_n(&s->error, __ATOMIC_RELAXED) != 0 || !list_empty(&s->in->errors))
        ready |= EPOLLERR | (s->options >> SO_SELECT_ERR_QUEUE & 1 ? EPOLLPRI : 0);
    if (s->shut == (SHUT_RD | SHUT_WR))
        ready |= EPOLLHUP;
    if (s->shut & SHUT_RD)
        ready |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
    if (__atomic_load_n(&s->nqueued, __ATOMIC_ACQUIRE) > 0)
        ready |= EPOLLIN | EPOLLRDNORM;
    return ready;
}

static long inet_ioctl(struct unix_socket *s, uint32_t cmd, uaddr_t arg)
{
    int n = 0;

    if (cmd == SIOCATMARK && s->type == SOCK_STREAM)
        return socket_at_mark(s, arg);
    if (cmd != FIONREAD && cmd != TIOCOUTQ)
        return interface_ioctl(s->in->family, cmd, arg);
    if (s->state == UNIX_LISTENING)
        return -EINVAL;
    spin_lock(&unix_lock);
    if (cmd == FIONREAD && s->type == SOCK_STREAM)
        n = (int)(s->oob != NULL && !unix_in_line(s) ? s->to_oob : s->queued);
    else if (cmd == FIONREAD && !list_empty(&s->queue))
        n = (int)list_first(&s->queue, struct unix_message, link)->len;
    spin_unlock(&unix_lock); /* TIOCOUTQ: what was sent has arrived */
    return put_user(n, arg);
}

#define OF_FAMILY(family) \
    { \
        .number = family, .bind = inet_bind, .connect = inet_connect, .listen = inet_listen, \
        .shutdown = inet_shutdown, .name = inet_name, .caller = inet_caller, .from = inet_from, \
        .send = inet_send, .recv = inet_recv, .poll = inet_poll, .ioctl = inet_ioctl, \
        .set_option = inet_set_option, .get_option = inet_get_option, .leave = inet_leave, \
        .ended = inet_ended, .free = inet_free, .accepted = tcp_accepted, \
    }
const struct socket_family inet_family = OF_FAMILY(AF_INET);
const struct socket_family inet6_family = OF_FAMILY(AF_INET6);
