/* raw.c - raw sockets of AF_INET and AF_INET6, and sockets of ICMP's echoes ("ping"): sending, and their options.
 *
 * What is sent reaches this machine, as all does, and is handed to icmp.c at once.  A raw socket has a protocol of IP where
 * others have a port, and stands in no table: who looks for it looks at all sockets, as there are few who are raw.
 * A socket of echoes has a port, which is the "identifier" in what it sends; answers find it by that. */
#include "arch/uaccess.h"
#include "fs/groups.h"
#include "lib/string.h"
#include "net/inet.h"
#include "sched/task.h"

#define _SYS_SOCKET_H /* as in interface.c */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#define SOL_RAW    255
#define SOL_ICMPV6 58
#define PACKET_MAX 65535u

uint32_t ping_groups[2] = { 1, 0 };

static uint16_t be16(uint16_t x) { return __builtin_bswap16(x); }

bool is_ping(const struct inet *in)
{
    return in->socket->type == SOCK_DGRAM &&
           (in->protocol == IPPROTO_ICMP || in->protocol == IPPROTO_ICMPV6);
}

bool ping_allowed(void)
{
    uint32_t low = ping_groups[0], high = ping_groups[1], gid = current->cred.egid;

    return (gid >= low && gid <= high) || groups_between(current->groups, low, high);
}

/* --- sending ---------------------------------------------------------------------------- */

/* The first n bytes of m, which has as many, and lie together as all heads do. */
static void *head_of(struct unix_message *m, size_t n) { return unix_message_at(m, 0, &n); }

/* Whom it is for; unix_lock held. */
static int name_ends(struct unix_socket *s, const struct inet_end *given, struct unix_message *m)
{
    struct inet *in = s->in;

    if (given == NULL && !in->connected)
        return -EDESTADDRREQ;
    m->to = given != NULL ? *given : in->remote;
    if (inet_is_v4(&m->to) != (in->family == AF_INET))
        return -EINVAL;
    int err = inet_route(s, &m->to);
    if (err == 0 && is_ping(in) && !in->in_table && inet_take_port(s, &in->local) != 0)
        err = -EAGAIN;
    if (err == 0) {
        udp_set_source(s, m);
        if (s->type == SOCK_RAW)
            m->source.port = m->to.port = 0;
        err = -s->error;
        s->error = 0;
    }
    return err;
}

/* IPv4, with the header that the user has made: a packet of its own, or NULL for no memory. */
static struct unix_message *split_v4(struct unix_message *m, struct iphdr *h)
{
    *h = *(struct iphdr *)head_of(m, sizeof(*h));
    struct unix_message *inside = unix_message_behind(NULL, 0, m, h->ihl * 4u, PACKET_MAX);
    if (inside == NULL)
        return NULL;
    if (h->saddr == 0)
        h->saddr = m->source.a[3];
    inside->source.a[3] = h->saddr;
    inside->to.a[3] = h->daddr;
    inside->source.hops = h->ttl;
    inside->source.traffic = h->tos;
    return inside;
}

static struct unix_message *split_v6(struct unix_message *m, int *protocol)
{
    struct ipv6hdr *h = head_of(m, sizeof(*h));
    struct unix_message *inside = unix_message_behind(NULL, 0, m, sizeof(*h), PACKET_MAX);

    if (inside == NULL)
        return NULL;
    *protocol = h->nexthdr;
    memcpy(inside->source.a, &h->saddr, sizeof(inside->source.a));
    memcpy(inside->to.a, &h->daddr, sizeof(inside->to.a));
    inside->source.hops = h->hop_limit;
    return inside;
}

static int send_with_head(const struct unix_socket *s, struct unix_message *m)
{
    bool v4 = s->in->family == AF_INET;
    struct unix_message *inside;
    int protocol = 0;
    struct iphdr h;

    if (m->len < (v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)))
        return -EINVAL;
    if (v4 && m->len < ((struct iphdr *)head_of(m, sizeof(h)))->ihl * 4u)
        return -EINVAL;
    if (v4 && ((struct iphdr *)head_of(m, sizeof(h)))->ihl < 5)
        return 0; /* IP loses such a one */
    inside = v4 ? split_v4(m, &h) : split_v6(m, &protocol);
    if (inside == NULL)
        return -ENOMEM;
    if (v4)
        ip_finish_head(&h, inside, h.protocol);
    if (inet_is_local(&inside->to))
        ip_input(inside, v4 ? h.protocol : protocol, v4 ? &h : NULL);
    unix_message_free(inside);
    return 0;
}

static void set_word(struct unix_message *m, size_t at, uint16_t word)
{
    size_t n = 1;

    memcpy(unix_message_at(m, at, &n), &word, 1); /* it may lie across two pages */
    memcpy(unix_message_at(m, at + 1, &n), (char *)&word + 1, 1);
}

/* IPv6: whoever has asked for it has IP compute a checksum. */
static int put_checksum(const struct unix_socket *s, struct unix_message *m)
{
    int at = ~s->in->not_checksum_at;

    if (s->in->protocol == IPPROTO_ICMPV6)
        at = offsetof(struct icmp6hdr, icmp6_cksum);
    else if (at < 0)
        return 0;
    if ((size_t)at + 2 > m->len)
        return -EINVAL;
    set_word(m, (size_t)at, 0);
    uint16_t sum = ip_checksum(m, s->in->protocol, true);
    set_word(m, (size_t)at, sum != 0 ? sum : UINT16_MAX);
    return 0;
}

/* Only a question may be sent; whose it is, and its checksum, is the kernel's to say. */
static int check_echo(const struct unix_socket *s, struct unix_message *m)
{
    struct icmphdr *h = head_of(m, sizeof(*h)); /* ICMPv6 has the same places */

    if (h->type != (s->in->family == AF_INET ? ICMP_ECHO : ICMPV6_ECHO_REQUEST) || h->code != 0)
        return -EINVAL;
    return 0;
}

static int send_message(struct unix_socket *s, struct unix_message *m, int protocol,
                        const struct unix_control *c)
{
    bool v4 = s->in->family == AF_INET;
    struct iphdr h = { .ihl = 5, .frag_off = be16(s->in->value[INET_MTU_DISCOVER] ? 0x4000 : 0) };

    if (s->in->with_head)
        return send_with_head(s, m);
    if (c->hops != 0)
        m->source.hops = (uint8_t)(c->hops - 1);
    if (c->traffic != 0)
        m->source.traffic = (uint8_t)(c->traffic - 1);
    if (is_ping(s->in)) {
        struct icmphdr *echo = head_of(m, sizeof(*echo));
        echo->un.echo.id = be16(s->in->local.port);
        echo->checksum = 0;
        echo->checksum = ip_checksum(m, protocol, !v4);
        m->source.port = m->to.port = 0;
    } else if (!v4) {
        int err = put_checksum(s, m);
        if (err != 0)
            return err;
    }
    ip_finish_head(&h, m, protocol);
    ip_input(m, protocol, v4 ? &h : NULL);
    return 0;
}

/* What a raw socket's address of IPv6 says besides: a protocol in the port's place. */
static int protocol_of(const struct unix_socket *s, struct inet_end *to)
{
    int own = s->in->protocol, port = to != NULL ? to->port : 0;

    if (to != NULL)
        to->port = 0;
    if (s->type != SOCK_RAW || s->in->family == AF_INET || port == 0)
        return own;
    return port > 255 || (port != own && own != IPPROTO_RAW) ? -EINVAL : port;
}

long raw_send(struct unix_socket *s, struct uio *u, uint32_t flags, const union socket_address *a,
              int alen, const struct unix_control *c)
{
    bool v4 = s->in->family == AF_INET, ping = is_ping(s->in);
    size_t len = u->left, head = v4 && !s->in->with_head ? sizeof(struct iphdr) : 0;
    struct unix_message *m;
    struct inet_end to;
    int protocol, err = 0;

    if (len > PACKET_MAX)
        return -EMSGSIZE;
    if (ping && len < sizeof(struct icmphdr))
        return -EINVAL;
    if (flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (len + head > PACKET_MAX)
        return -EMSGSIZE;
    if ((err = unix_message_make(len, u, &m)) != 0)
        return err;
    err = ping ? check_echo(s, m) : 0;
    if (err == 0 && alen != 0)
        err = inet_read(s, a, alen, &to);
    if (err == 0)
        err = (protocol = protocol_of(s, alen != 0 ? &to : NULL)) < 0 ? protocol : 0;
    if (err == 0) {
        spin_lock(&unix_lock);
        err = name_ends(s, alen != 0 ? &to : NULL, m);
        spin_unlock(&unix_lock);
    }
    if (err == 0)
        err = send_message(s, m, protocol, c);
    unix_message_free(m);
    return err != 0 ? err : (long)len;
}

/* --- options ------------------------------------------------------------------------------- */

/* Is it one of a raw socket?  Then, whether s has it: 0, -ENOPROTOOPT, -EOPNOTSUPP; else -ENOTTY. */
static int has_option(const struct unix_socket *s, int level, int option)
{
    bool raw = s->type == SOCK_RAW, v4 = s->in->family == AF_INET;

    if (level == SOL_RAW && raw && v4)
        return option != ICMP_FILTER             ? -ENOPROTOOPT
               : s->in->protocol == IPPROTO_ICMP ? 0
                                                 : -EOPNOTSUPP;
    if (level == SOL_ICMPV6 && raw && !v4)
        return s->in->protocol != IPPROTO_ICMPV6 ? -EOPNOTSUPP
               : option == ICMPV6_FILTER         ? 0
                                                 : -ENOPROTOOPT;
    if (level == SOL_IP && option == IP_HDRINCL && v4)
        return raw ? 0 : -ENOTTY;
    if ((level == SOL_IPV6 || level == SOL_RAW) && raw && !v4 &&
        (option == IPV6_CHECKSUM || (option == IPV6_HDRINCL && level == SOL_IPV6)))
        return 0;
    return -ENOTTY;
}

static int set_filter(struct unix_socket *s, uaddr_t at, unsigned len)
{
    size_t n = s->in->family == AF_INET ? sizeof(uint32_t) : sizeof(s->in->filter);

    return copy_from_user(s->in->filter, at, MIN((size_t)len, n)) != 0 ? -EFAULT : 0;
}

int raw_set_option(struct unix_socket *s, int level, int option, uaddr_t at, unsigned len)
{
    int value, err = has_option(s, level, option);

    if (err != 0)
        return err;
    if (level == SOL_ICMPV6 || (level == SOL_RAW && s->in->family == AF_INET))
        return set_filter(s, at, len);
    if (len < sizeof(value))
        return -EINVAL;
    if (get_user(value, at) != 0)
        return -EFAULT;
    if (level == SOL_IP || option == IPV6_HDRINCL) {
        s->in->with_head = value != 0;
        return 0;
    }
    if ((s->in->protocol == IPPROTO_ICMPV6 && level == SOL_IPV6) || (value > 0 && value % 2 != 0))
        return -EINVAL;
    s->in->not_checksum_at = ~MAX(value, -1);
    return 0;
}

int raw_get_option(const struct unix_socket *s, int level, int option, union option_value *v)
{
    int err = has_option(s, level, option);

    if (err != 0)
        return err;
    if (level == SOL_ICMPV6 || (level == SOL_RAW && s->in->family == AF_INET)) {
        size_t n = s->in->family == AF_INET ? sizeof(uint32_t) : sizeof(s->in->filter);
        memcpy(v, s->in->filter, n);
        return (int)n;
    }
    if (level == SOL_IP || option == IPV6_HDRINCL)
        v->number = s->in->with_head;
    else
        v->number = s->in->protocol == IPPROTO_ICMPV6 ? (int)offsetof(struct icmp6hdr, icmp6_cksum)
                                                      : ~s->in->not_checksum_at;
    return sizeof(v->number);
}
