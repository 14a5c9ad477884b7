/* udp.c - datagrams of AF_INET and AF_INET6.
 *
 * A datagram goes into the queue of who is meant when it is sent, and its memory is charged to
 * that one's receive buffer: when that is full it is lost, and the sender is not told.  If nobody is
 * there, a sender that is connected finds ECONNREFUSED at its next call, as if by ICMP. */
#include "net/inet.h"
#include "sched/task.h"

#include <linux/eventpoll.h>

#define HEADS_V4 28u /* of IP and UDP, as they are counted */
#define HEADS_V6 48u

void udp_set_source(const struct unix_socket *s, struct unix_message *m)
{
    const struct inet *in = s->in;
    bool v4 = inet_is_v4(&m->to);

    m->source = in->local;
    if (inet_is_any(&in->local) || inet_is_for_many(&in->local)) /* that is not where one is */
        inet_set_source(&m->to, &m->source);
    m->source.port = in->local.port;
    m->source.hops = (uint8_t)in->value[inet_is_group(&m->to) ? INET_MULTICAST_TTL
                                        : v4                  ? INET_TTL
                                                              : INET_HOPS];
    m->source.traffic = (uint8_t)in->value[v4 ? INET_TOS : INET_TCLASS];
}

/* Where it goes, and s's own name on the way: 0 or -errno.  unix_lock held. */
int udp_name_ends(struct unix_socket *s, const struct inet_end *given, struct unix_message *m)
{
    struct inet *in = s->in;

    if (given == NULL && !in->connected)
        return -EDESTADDRREQ;
    m->to = given != NULL ? *given : in->remote;
    if (m->to.port == 0)
        return -EINVAL;
    int err = inet_route(s, &m->to);
    if (err == 0 && !in->in_table)
        err = inet_take_port(s, &in->local);
    if (err != 0)
        return err == -EADDRINUSE ? -EAGAIN : err;
    udp_set_source(s, m);
    return 0;
}

/* unix_lock held.  False: it is lost. */
bool udp_deliver(struct unix_socket *s, struct unix_message *m)
{
    struct unix_socket *to = inet_find(s->in->protocol, &m->to, &m->source);

    lo_count(m->len, inet_is_v4(&m->to) ? HEADS_V4 : HEADS_V6);
    if (to == NULL) {
        bool concerns = !s->in->connected ||
                        (s->in->remote.port == m->to.port && inet_same(&s->in->remote, &m->to));
        if (!concerns) /* ICMP finds the socket by both ends */
            return false;
        bool wanted = s->in->value[inet_is_v4(&m->to) ? INET_RECVERR : INET_RECVERR6];
        bool kept = wanted && inet_keep_error(s, m);
        if (s->in->connected || wanted) {
            s->error = ECONNREFUSED;
            waitq_wake(&s->read_wait);
        }
        return kept;
    }
    if ((to->shut & SHUT_RD) || to->sent + m->charge > to->rcvbuf + to->rcvbuf / 4)
        return false;
    unix_charge(m, to);
    return unix_enqueue(m, to) == 0;
}

long udp_send(struct unix_socket *s, struct uio *u, uint32_t flags, const struct inet_end *to,
              const struct unix_control *c)
{
    struct unix_message *m;
    long len = (long)u->left;

    if (flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (u->left > (s->in->family == AF_INET ? UDP_LEN_MAX : UDP6_LEN_MAX))
        return -EMSGSIZE;
    int err = s->shut & SHUT_WR ? -EPIPE : unix_message_make(u->left, u, &m);
    if (err != 0)
        return err;
    if (unlikely((flags & MSG_MORE) || s->in->corked)) {
        err = udp_hold(s, m, to, flags & MSG_MORE);
        return err != 0 ? err : len;
    }
    spin_lock(&unix_lock);
    err = udp_name_ends(s, to, m);
    if (err == 0) {
        err = -s->error;
        s->error = 0;
    }
    if (unlikely(__atomic_load_n(&raw_sockets, __ATOMIC_RELAXED) != 0) && err == 0) {
        spin_unlock(&unix_lock);
        ip_see_udp(s, m);
        spin_lock(&unix_lock);
    }
    if (c->hops != 0)
        m->source.hops = (uint8_t)(c->hops - 1);
    if (c->traffic != 0)
        m->source.traffic = (uint8_t)(c->traffic - 1);
    bool many = err == 0 && inet_is_for_many(&m->to), gone = err == 0 && !many && udp_deliver(s, m);
    spin_unlock(&unix_lock);
    if (unlikely(many))
        udp_to_many(s, m);
    if (!gone)
        unix_message_free(m);
    return err != 0 ? err : len;
}

int udp_connect(struct unix_socket *s, const struct inet_end *to)
{
    struct inet *in = s->in;
    int err = 0;

    spin_lock(&unix_lock);
    if (to == NULL) {
        in->connected = false;
        in->remote.port = 0;
        if (!in->bound_port) {
            inet_leave_port(s);
            in->local.port = 0;
        }
        if (!in->bound_address)
            inet_set_any(s, &in->local);
    } else {
        err = inet_autobind(s, to);
        if (err == 0) {
            in->remote = *to;
            in->connected = true;
        }
    }
    spin_unlock(&unix_lock);
    return err == -EADDRINUSE ? -EAGAIN : err;
}
