/* netlink.c - sockets of AF_NETLINK, of the protocols NETLINK_ROUTE and NETLINK_SOCK_DIAG.
 *
 * What is sent to port 0, the kernel, is read and answered before the call returns, as on Linux
 * (netlink_request.c).
 *
 * Such a socket is one of unix.h with a part of its own, struct netlink, under unix_lock.  It has a
 * port as soon as it is bound or has sent something: the number of its process, if nobody has that.
 * Programs cannot send to each other (ECONNREFUSED), and as nothing here ever changes, nobody in a
 * multicast group hears of anything. */
#include "net/netlink.h"
#include "arch/random.h"
#include "arch/uaccess.h"
#include "fs/poll.h"
#include "fs/uio.h"
#include "lib/rbtree.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "proc/pid_ns.h"
#include "sched/task.h"

#include <linux/capability.h>
#include <linux/eventpoll.h>

#define PORTS_OF_NONE 0x80000000u /* from here up to -4097: of those whose process has another */
#define PORTS_COUNT   0x7fffefffu
#define PORT_TRIES    64

static struct rb_root bound; /* [u] */

/* --- life and names ------------------------------------------------------------------------- */

int netlink_make(int type, int protocol, struct unix_socket **out)
{
    struct unix_socket *s = unix_alloc(type);
    struct netlink *n = kzalloc(sizeof(*n));

    if (s == NULL || n == NULL) {
        if (s != NULL)
            unix_put(s);
        kfree(n);
        return -ENOMEM;
    }
    n->protocol = protocol;
    s->netlink = n;
    s->family = &netlink_family;
    *out = s;
    return 0;
}

static void netlink_free(struct unix_socket *s) { kfree(s->netlink); }

static uint64_t key(const struct netlink *n, uint32_t port)
{
    return (uint64_t)n->protocol << 32 | port;
}

/* unix_lock held.  False: somebody has it. */
static bool take_port(struct netlink *n, uint32_t port)
{
    struct rb_node **at = &bound.node, *parent = NULL;

    ASSERT_SPIN_HELD(&unix_lock);
    while (*at != NULL) {
        const struct netlink *o = rb_entry(*at, struct netlink, link);
        if (key(o, o->port) == key(n, port))
            return false;
        parent = *at;
        at = key(n, port) < key(o, o->port) ? &parent->left : &parent->right;
    }
    n->port = port;
    n->bound = true;
    rb_insert(&bound, parent, at, &n->link);
    return true;
}

/* unix_lock held: 0 or -EADDRINUSE. */
static int take_any_port(struct netlink *n)
{
    uint32_t port = pid_told(current->proc->tgid);

    for (int i = 0; i < PORT_TRIES; i++) {
        if (take_port(n, port))
            return 0;
        random_bytes(&port, sizeof(port));
        port = PORTS_OF_NONE + port % PORTS_COUNT;
    }
    return -EADDRINUSE;
}

static void netlink_leave(struct unix_socket *s, struct unix_socket *peer __attribute__((unused)),
                          bool accepted __attribute__((unused)))
{
    if (s->netlink->bound)
        rb_erase(&bound, &s->netlink->link);
    s->netlink->bound = false;
}

/* A dump may have got as far as the socket that asked for it. */
static void netlink_ended(struct unix_socket *s)
{
    diag_free(s->netlink->diag);
    s->netlink->diag = NULL;
}

static int check_address(const struct sockaddr_nl *a, int len)
{
    return len < (int)sizeof(*a) || a->nl_family != AF_NETLINK ? -EINVAL : 0;
}

static int netlink_bind(struct unix_socket *s, const union socket_address *a, int len)
{
    struct netlink *n = s->netlink;
    int err = check_address(&a->nl, len);

    if (err != 0)
        return err;
    spin_lock(&unix_lock);
    if (n->bound)
        err = a->nl.nl_pid != n->port ? -EINVAL : 0;
    else if (a->nl.nl_pid == 0)
        err = take_any_port(n);
    else
        err = take_port(n, a->nl.nl_pid) ? 0 : -EADDRINUSE;
    if (err == 0 && (a->nl.nl_groups != 0 || (uint32_t)n->groups != 0)) {
        n->groups = (n->groups & ~(uint64_t)UINT32_MAX) | a->nl.nl_groups;
        n->grouped = true;
    }
    spin_unlock(&unix_lock);
    return err;
}

/* Only who may change the network may send to anybody but the kernel. */
static int may_send_to(const struct sockaddr_nl *a)
{
    return (a->nl_pid == 0 && a->nl_groups == 0) || has_cap(CAP_NET_ADMIN) ? 0 : -EPERM;
}

static int netlink_connect(struct unix_socket *s, const union socket_address *a, int len,
                           bool nonblock __attribute__((unused)))
{
    static const struct sockaddr_nl nobody = { .nl_family = AF_NETLINK };
    const struct sockaddr_nl *to = &a->nl;
    struct netlink *n = s->netlink;
    int err = 0;

    if (a->nl.nl_family == AF_UNSPEC)
        to = &nobody;
    else if ((err = check_address(to, len)) == 0)
        err = may_send_to(to);
    if (err != 0)
        return err;
    spin_lock(&unix_lock);
    if (to != &nobody && !n->bound)
        err = take_any_port(n);
    if (err == 0) {
        n->to_port = to->nl_pid;
        n->to_group = to->nl_groups & -to->nl_groups;
    }
    spin_unlock(&unix_lock);
    return err;
}

static int netlink_name(struct unix_socket *s, bool peer, union socket_address *a)
{
    const struct netlink *n = s->netlink;

    memset(a, 0, sizeof(*a));
    a->nl.nl_family = AF_NETLINK;
    spin_lock(&unix_lock);
    a->nl.nl_pid = peer ? n->to_port : n->port;
    a->nl.nl_groups = peer ? n->to_group : (uint32_t)n->groups;
    spin_unlock(&unix_lock);
    return sizeof(a->nl);
}

/* Whoever is heard, it is the kernel. */
static int netlink_from(struct unix_socket *s __attribute__((unused)),
                        const struct unix_received *r __attribute__((unused)),
                        union socket_address *a)
{
    memset(a, 0, sizeof(*a));
    a->nl.nl_family = AF_NETLINK;
    return sizeof(a->nl);
}

static int netlink_listen(struct unix_socket *s __attribute__((unused)),
                          int backlog __attribute__((unused)))
{
    return -EOPNOTSUPP;
}

static int netlink_shutdown(struct unix_socket *s __attribute__((unused)),
                            uint32_t how __attribute__((unused)))
{
    return -EOPNOTSUPP;
}

/* --- sending and receiving ------------------------------------------------------------------- */

/* Where it goes, and s's own port: 0 or -errno. */
static int find_ports(struct unix_socket *s, const union socket_address *a, int len, uint32_t *to,
                      uint32_t *port)
{
    struct netlink *n = s->netlink;
    int err = 0;

    if (len != 0 && (err = check_address(&a->nl, len)) == 0)
        err = may_send_to(&a->nl);
    if (err != 0)
        return err;
    spin_lock(&unix_lock);
    *to = len != 0 ? a->nl.nl_pid : n->to_port;
    if (!n->bound)
        err = take_any_port(n);
    *port = n->port;
    spin_unlock(&unix_lock);
    return err;
}

static long netlink_send(struct unix_socket *s, struct uio *u, uint32_t flags,
                         const union socket_address *a, int len,
                         struct unix_control *c __attribute__((unused)))
{
    long bytes = (long)u->left;
    struct unix_message *m;
    uint32_t to, port;

    if (flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (u->left == 0)
        return -ENODATA;
    int err = find_ports(s, a, len, &to, &port);
    if (err == 0 && u->left > s->sndbuf - 32)
        err = -EMSGSIZE;
    if (err == 0)
        err = unix_message_make(u->left, u, &m);
    if (err != 0)
        return err == -ENOMEM ? -ENOBUFS : err;
    err = to == 0 ? netlink_requests(s, m, port) : -ECONNREFUSED;
    unix_message_free(m);
    return err != 0 ? err : bytes;
}

static long netlink_recv(struct unix_socket *s, struct uio *u, uint32_t flags,
                         struct unix_received *r)
{
    long n = unix_recv(s, u, flags, r);

    if (netlink_has(s, NETLINK_PKTINFO))
        r->along |= RECEIVED_GROUP;
    netlink_go_on(s);
    return n;
}

static uint32_t netlink_poll(struct unix_socket *s, struct poll_table *pt)
{
    poll_wait(pt, &s->read_wait);
    uint32_t ready = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
    if (__atomic_load_n(&s->error, __ATOMIC_RELAXED) != 0)
        ready |= EPOLLERR;
    if (__atomic_load_n(&s->nqueued, __ATOMIC_ACQUIRE) > 0)
        ready |= EPOLLIN | EPOLLRDNORM;
    return ready;
}

static long netlink_ioctl(struct unix_socket *s __attribute__((unused)), uint32_t cmd, uaddr_t arg)
{
    return interface_ioctl(AF_NETLINK, cmd, arg);
}

/* --- messages that are not answers ---------------------------------------------------------------- */

int netlink_reserve(const struct file *f, const void *bytes, size_t n, struct unix_message **out)
{
    struct unix_socket *s;
    struct unix_message *m;
    struct uio u;
    int err = socket_of(f, &s);

    if (err == 0 && s->netlink == NULL)
        err = -EINVAL;
    if (err != 0)
        return err;
    uio_kernel(&u, (void *)bytes, n);
    err = unix_message_make(n, &u, &m);
    if (err != 0)
        return err;
    spin_lock(&unix_lock);
    if (s->sent != 0 && s->sent + m->charge > s->rcvbuf)
        err = -EAGAIN;
    else
        unix_charge(m, s);
    spin_unlock(&unix_lock);
    if (err != 0)
        unix_message_free(m);
    else
        *out = m;
    return err;
}

void netlink_post(struct unix_message *m, char last)
{
    ASSERT(m->npages == 0 && m->len > 0);
    m->bytes[m->len - 1] = last;
    spin_lock(&unix_lock);
    bool gone = m->from->dead;
    if (!gone)
        (void)unix_enqueue(m, m->from);
    spin_unlock(&unix_lock);
    if (gone)
        unix_message_free(m);
}

/* --- options ------------------------------------------------------------------------------------ */

#define SWITCHES \
    (1u << NETLINK_PKTINFO | 1u << NETLINK_BROADCAST_ERROR | 1u << NETLINK_NO_ENOBUFS | \
     1u << NETLINK_LISTEN_ALL_NSID | 1u << NETLINK_CAP_ACK | 1u << NETLINK_EXT_ACK | \
     1u << NETLINK_GET_STRICT_CHK)

static bool is_switch(int option) { return option >= 0 && option < 32 && (SWITCHES >> option & 1); }

static int set_group(struct netlink *n, uint32_t group, bool member)
{
    if (group == 0 || group > RTNLGRP_MAX)
        return -EINVAL;
    spin_lock(&unix_lock);
    n->grouped = true;
    if (member)
        n->groups |= 1ul << (group - 1);
    else
        n->groups &= ~(1ul << (group - 1));
    spin_unlock(&unix_lock);
    return 0;
}

static int netlink_set_option(struct unix_socket *s, int level, int option, uaddr_t at,
                              unsigned len)
{
    uint32_t value = 0;

    if (level != SOL_NETLINK)
        return -ENOPROTOOPT;
    if (len >= sizeof(value) && get_user(value, at) != 0)
        return -EFAULT;
    if (option == NETLINK_ADD_MEMBERSHIP || option == NETLINK_DROP_MEMBERSHIP)
        return set_group(s->netlink, value, option == NETLINK_ADD_MEMBERSHIP);
    if (!is_switch(option))
        return -ENOPROTOOPT;
    if (option == NETLINK_LISTEN_ALL_NSID && !has_cap(CAP_NET_BROADCAST))
        return -EPERM;
    if (value != 0)
        __atomic_fetch_or(&s->netlink->options, 1u << option, __ATOMIC_RELAXED);
    else
        __atomic_fetch_and(&s->netlink->options, ~(1u << option), __ATOMIC_RELAXED);
    return 0;
}

static int netlink_get_option(struct unix_socket *s, int level, int option, union option_value *v)
{
    const struct netlink *n = s->netlink;

    if (level != SOL_NETLINK)
        return -ENOPROTOOPT;
    if (option == NETLINK_LIST_MEMBERSHIPS) {
        spin_lock(&unix_lock);
        v->words = n->groups;
        int len = n->grouped ? sizeof(v->words) : 0;
        spin_unlock(&unix_lock);
        return len;
    }
    if (!is_switch(option))
        return -ENOPROTOOPT;
    v->number = netlink_has(s, option);
    return sizeof(v->number);
}

const struct socket_family netlink_family = {
    .number = AF_NETLINK,
    .bind = netlink_bind,
    .connect = netlink_connect,
    .listen = netlink_listen,
    .shutdown = netlink_shutdown,
    .name = netlink_name,
    .caller = NULL, /* nobody connects to one */
    .from = netlink_from,
    .send = netlink_send,
    .recv = netlink_recv,
    .poll = netlink_poll,
    .ioctl = netlink_ioctl,
    .set_option = netlink_set_option,
    .get_option = netlink_get_option,
    .leave = netlink_leave,
    .ended = netlink_ended,
    .free = netlink_free,
};
