/* cork.c - bytes that are held back because more is to come: MSG_MORE, TCP_CORK, UDP_CORK.
 *
 * TCP   What is sent stays with the sender as long as it is less than a segment, until something is sent
 *       without MSG_MORE, the option is taken back, the sender's side is closed, or 200 ms are over, as on Linux: a
 *       program that forgets to go on waits no longer than that.  One timer looks at all who hold
 *       something back, the oldest first.
 * UDP   The pieces become one datagram, which goes where the first of them was to go.  Nothing but a send
 *       without MSG_MORE, or the option's end, sends it. */
#include "arch/clock.h"
#include "net/inet.h"
#include "sched/timer.h"

#include <linux/eventpoll.h>

#define HOLD_NS (200 * 1000000ull)
#define SEGMENT 32768u
#define PUSH_AT_ONCE \
    16 /* sockets that one visit of the timer looks at, some 300 instructions each */

static void fire(struct timer *t);
static struct timer timer = { .fire = fire };
static struct list holders = LIST_INIT(holders); /* [u] struct inet.held_link, the oldest first */

static bool wanted(const struct inet *in)
{
    return in->value[in->socket->type == SOCK_STREAM ? INET_CORK : INET_UDP_CORK] != 0;
}

static void emptied(struct inet *in)
{
    in->held_bytes = in->nheld = 0;
    list_remove(&in->held_link);
    list_init(&in->held_link);
    in->corked = wanted(in);
}

static void hold(struct inet *in, struct unix_message *m)
{
    list_push_back(&in->held, &m->link);
    in->held_bytes += m->len;
    in->nheld++;
    in->corked = true;
}

void cork_drop(struct unix_socket *s, struct list *messages)
{
    ASSERT_SPIN_HELD(&unix_lock);
    list_splice_back(messages, &s->in->held);
    emptied(s->in);
}

/* --- streams ------------------------------------------------------------------------------- */

void tcp_push(struct unix_socket *s)
{
    struct unix_socket *peer = s->peer;
    struct inet *in = s->in;

    ASSERT_SPIN_HELD(&unix_lock);
    if (list_empty(&in->held) || peer == NULL || peer->dead)
        return; /* cork_drop() has it when s ends */
    list_splice_back(&peer->queue, &in->held);
    peer->queued += in->held_bytes;
    __atomic_store_n(&peer->arrived, peer->arrived + 1, __ATOMIC_RELEASE);
    __atomic_store_n(&peer->nqueued, peer->nqueued + in->nheld, __ATOMIC_RELEASE);
    waitq_wake_for(&peer->read_wait, EPOLLIN | EPOLLRDNORM);
    emptied(in);
}

static void fire(struct timer *t)
{
    uint64_t now = clock_mono_ns();

    spin_lock(&unix_lock);
    for (int i = 0; !list_empty(&holders); i++) {
        struct inet *in = list_first(&holders, struct inet, held_link);
        if (in->held_until > now || i == PUSH_AT_ONCE) {
            timer_start(t, i == PUSH_AT_ONCE ? now : in->held_until);
            break;
        }
        tcp_push(in->socket);
        list_remove(&in->held_link); /* also where its peer has gone */
        list_init(&in->held_link);
    }
    spin_unlock(&unix_lock);
}

bool tcp_hold(struct unix_socket *s, struct unix_message *m, bool more)
{
    struct inet *in = s->in;

    ASSERT_SPIN_HELD(&unix_lock);
    more = more || wanted(in);
    if (list_empty(&in->held) && (!more || m->len >= SEGMENT))
        return false;
    hold(in, m);
    if (!more || in->held_bytes >= SEGMENT) {
        tcp_push(s);
    } else if (list_empty(&in->held_link)) {
        in->held_until = clock_mono_ns() + HOLD_NS;
        list_push_back(&holders, &in->held_link);
        if (holders.next == &in->held_link)
            timer_start(&timer, in->held_until);
    }
    return true;
}

/* --- datagrams ------------------------------------------------------------------------------- */

/* unix_lock held, and given back: what is held becomes one datagram. */
static int udp_push(struct unix_socket *s)
{
    struct list pieces = LIST_INIT(pieces);
    size_t len = s->in->held_bytes;
    struct unix_message *m;

    cork_drop(s, &pieces);
    spin_unlock(&unix_lock);
    int err = unix_message_join(&pieces, len, &m);
    if (err == 0) {
        struct unix_message *first = list_first(&pieces, struct unix_message, link);
        m->to = first->to;
        m->source = first->source;
        spin_lock(&unix_lock);
        bool many = inet_is_for_many(&m->to), gone = !many && udp_deliver(s, m);
        spin_unlock(&unix_lock);
        if (many)
            udp_to_many(s, m);
        if (!gone)
            unix_message_free(m);
    }
    unix_messages_free(&pieces);
    return err;
}

int udp_hold(struct unix_socket *s, struct unix_message *m, const struct inet_end *to, bool more)
{
    struct list dropped = LIST_INIT(dropped);
    struct inet *in = s->in;
    int err = 0;

    spin_lock(&unix_lock);
    more = more || wanted(in);
    if (list_empty(&in->held)) {
        err = udp_name_ends(s, to, m);
        if (err == 0) {
            err = -s->error;
            s->error = 0;
        }
    } else if (in->held_bytes + m->len > (in->family == AF_INET ? UDP_LEN_MAX : UDP6_LEN_MAX)) {
        err = -EMSGSIZE;
    }
    hold(in, m);
    if (err != 0)
        cork_drop(s, &dropped);
    else if (!more)
        return udp_push(s);
    spin_unlock(&unix_lock);
    unix_messages_free(&dropped);
    return err;
}

void cork_changed(struct unix_socket *s)
{
    struct inet *in = s->in;

    spin_lock(&unix_lock);
    if (!list_empty(&in->held) && s->type == SOCK_STREAM) {
        if (!wanted(in) || in->value[INET_NODELAY])
            tcp_push(s);
    } else if (!list_empty(&in->held) && !wanted(in)) {
        udp_push(s);
        return;
    }
    in->corked = wanted(in) || !list_empty(&in->held);
    spin_unlock(&unix_lock);
}
