/* inet_group.c - which groups of multicast a socket has joined: IP_ADD_MEMBERSHIP, MCAST_JOIN_GROUP and so on.
 *
 * All are joined on lo, the only interface, also by those who name none.  A group belongs to the socket that joined
 * it: what accept(2) gives out has none.
 *
 * What is sent to a group, or to all, has copies for all who have its port; to a group for those who have joined, and
 * for those who have not said that they want what they have joined only, if anybody has. */
#include "arch/preempt.h"
#include "arch/uaccess.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "net/inet.h"

#define WORK_LOOK  200u /* instructions a socket, about (arch/preempt.h) */
#define GROUPS_MAX 20u  /* of a socket; net.ipv4.igmp_max_memberships */

struct group {
    struct list link; /* [u] */
    struct inet_end address;
};

static uint32_t be32(uint32_t x) { return __builtin_bswap32(x); }

void inet_groups_free(struct unix_socket *s)
{
    while (!list_empty(&s->in->groups)) {
        struct group *g = list_first(&s->in->groups, struct group, link);
        list_remove(&g->link);
        kfree(g);
    }
}

/* --- what the user says ------------------------------------------------------------------------- */

static void set_v4(struct inet_end *e, uint32_t net_order)
{
    *e = (struct inet_end){ .a = { 0, 0, be32(0xffff), net_order } };
}

static int check_interface(uint32_t index) { return index <= LO_INDEX ? 0 : -ENODEV; }

/* struct ip_mreq, or struct ip_mreqn. */
static int read_v4(uaddr_t at, unsigned len, struct inet_end *group)
{
    struct ip_mreqn m = { .imr_ifindex = 0 };

    if (len < sizeof(struct ip_mreq))
        return -EINVAL;
    size_t n = len < sizeof(m) ? sizeof(struct ip_mreq) : sizeof(m);
    if (copy_from_user(&m, at, n) != 0)
        return -EFAULT;
    set_v4(group, m.imr_multiaddr.s_addr);
    if (m.imr_ifindex == 0 && m.imr_address.s_addr != 0 && !IN_IS_LO(be32(m.imr_address.s_addr)))
        return -ENODEV;
    return check_interface((uint32_t)m.imr_ifindex);
}

static int read_v6(uaddr_t at, unsigned len, struct inet_end *group)
{
    struct ipv6_mreq m;

    if (len < sizeof(m))
        return -EINVAL;
    if (copy_from_user(&m, at, sizeof(m)) != 0)
        return -EFAULT;
    memcpy(group->a, &m.ipv6mr_multiaddr, sizeof(group->a));
    return check_interface((uint32_t)m.ipv6mr_ifindex);
}

static int read_any(int level, uaddr_t at, unsigned len, struct inet_end *group)
{
    struct group_req r;
    union socket_address a;

    if (len < sizeof(r))
        return -EINVAL;
    if (copy_from_user(&r, at, sizeof(r)) != 0)
        return -EFAULT;
    a.room = r.gr_group;
    if (level == SOL_IP && a.in.sin_family == AF_INET)
        set_v4(group, a.in.sin_addr.s_addr);
    else if (level == SOL_IPV6 && a.in6.sin6_family == AF_INET6)
        memcpy(group->a, &a.in6.sin6_addr, sizeof(group->a));
    else
        return level == SOL_IP ? -EINVAL : -EADDRNOTAVAIL;
    return check_interface(r.gr_interface);
}

/* --- joining and leaving ---------------------------------------------------------------------------- */

static struct group *find(const struct unix_socket *s, const struct inet_end *address)
{
    struct group *g;

    list_for_each(g, &s->in->groups, link)
        if (inet_same(&g->address, address))
            return g;
    return NULL;
}

static int join(struct unix_socket *s, const struct inet_end *address)
{
    struct group *g = kzalloc(sizeof(*g));
    int err = 0;

    if (g == NULL)
        return -ENOMEM;
    g->address = *address;
    spin_lock(&unix_lock);
    if (find(s, address) != NULL)
        err = -EADDRINUSE;
    else if (s->in->ngroups == GROUPS_MAX)
        err = -ENOBUFS;
    if (err == 0) {
        list_push_back(&s->in->groups, &g->link);
        s->in->ngroups++;
    }
    spin_unlock(&unix_lock);
    if (err != 0)
        kfree(g);
    return err;
}

static int leave(struct unix_socket *s, const struct inet_end *address)
{
    spin_lock(&unix_lock);
    struct group *g = find(s, address);
    if (g != NULL) {
        list_remove(&g->link);
        s->in->ngroups--;
    }
    spin_unlock(&unix_lock);
    if (g == NULL)
        return -EADDRNOTAVAIL;
    kfree(g);
    return 0;
}

bool inet_in_group(const struct unix_socket *s, const struct inet_end *group)
{
    ASSERT_SPIN_HELD(&unix_lock);
    return find(s, group) != NULL;
}

/* --- sending ------------------------------------------------------------------------------------- */

/* Is m for s?  In a group, or of all. */
static bool wants(const struct unix_socket *s, int protocol, const struct unix_message *m)
{
    bool group = inet_is_group(&m->to);

    spin_lock(&unix_lock);
    bool is = s->in != NULL && s->type == SOCK_DGRAM && s->in->in_table &&
              inet_is_for(s->in, protocol, &m->to, &m->source) &&
              (!group || s->in->value[INET_MULTICAST_ALL] || inet_in_group(s, &m->to));
    spin_unlock(&unix_lock);
    return is;
}

static bool anybody_joined(const struct inet_end *group)
{
    struct unix_socket *s = NULL;
    bool any = false;

    while ((s = unix_next(s)) != NULL) {
        spin_lock(&unix_lock);
        any = any || (s->in != NULL && inet_in_group(s, group));
        spin_unlock(&unix_lock);
        preempt_work(WORK_LOOK);
    }
    return any;
}

void udp_to_many(const struct unix_socket *from, struct unix_message *m)
{
    struct unix_socket *s = NULL;

    if (inet_is_group(&m->to) && !anybody_joined(&m->to))
        return;
    while ((s = unix_next(s)) != NULL) {
        if (wants(s, from->in->protocol, m))
            ip_give(s, unix_message_behind(NULL, 0, m, 0, m->len));
        preempt_work(WORK_LOOK);
    }
}

/* --- options -------------------------------------------------------------------------------------- */

/* What multicast goes out of. */
static int choose_interface(struct unix_socket *s, int level, uaddr_t at, unsigned len)
{
    struct in_addr a;
    int index;

    if (s->type == SOCK_STREAM)
        return level == SOL_IP ? -EINVAL : -ENOPROTOOPT;
    if (len < sizeof(a))
        return -EINVAL;
    if (level == SOL_IPV6) {
        if (get_user(index, at) != 0)
            return -EFAULT;
        if (index != 0 && index != LO_INDEX)
            return -ENODEV;
        s->in->group_interface = index;
        return 0;
    }
    index = 0;
    if (len >= sizeof(struct ip_mreqn) &&
        get_user(index, at + offsetof(struct ip_mreqn, imr_ifindex)) != 0)
        return -EFAULT;
    if (len >= sizeof(struct ip_mreq)) /* the address comes second there */
        at += sizeof(a);
    if (get_user(a, at) != 0)
        return -EFAULT;
    if (index < 0 || index > LO_INDEX || (index == 0 && a.s_addr != 0 && !IN_IS_LO(be32(a.s_addr))))
        return -EADDRNOTAVAIL;
    s->in->group_source = a.s_addr;
    s->in->group_lo = index != 0 || a.s_addr != 0;
    return 0;
}

int inet_group_option(struct unix_socket *s, int level, int option, uaddr_t at, unsigned len)
{
    struct inet_end group = { .port = 0 };
    bool joins;
    int err;

    if (level == SOL_IPV6 && s->in->family != AF_INET6)
        return -ENOPROTOOPT;
    if (option == (level == SOL_IP ? IP_MULTICAST_IF : IPV6_MULTICAST_IF))
        return choose_interface(s, level, at, len);
    if (level == SOL_IP && option == IP_ROUTER_ALERT)
        return -EINVAL; /* for raw sockets */
    if (option == MCAST_JOIN_GROUP || option == MCAST_LEAVE_GROUP) {
        joins = option == MCAST_JOIN_GROUP;
        err = read_any(level, at, len, &group);
    } else if (level == SOL_IP && (option == IP_ADD_MEMBERSHIP || option == IP_DROP_MEMBERSHIP)) {
        joins = option == IP_ADD_MEMBERSHIP;
        err = read_v4(at, len, &group);
    } else if (level == SOL_IPV6 &&
               (option == IPV6_ADD_MEMBERSHIP || option == IPV6_DROP_MEMBERSHIP)) {
        joins = option == IPV6_ADD_MEMBERSHIP;
        err = read_v6(at, len, &group);
    } else {
        return -ENOPROTOOPT;
    }
    if (err == 0 && joins && !inet_is_group(&group))
        err = -EINVAL;
    if (err != 0)
        return err;
    return joins ? join(s, &group) : leave(s, &group);
}
