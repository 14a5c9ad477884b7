/* inet_along.c - what a datagram brings along to who asks for it: where it was sent to, and what its sender set its
 * TTL and TOS to.  IPv6 has the same by other names. */
#include "lib/string.h"
#include "net/inet.h"

#include <linux/ipv6.h>

static uint32_t v4(const struct inet_end *e) { return e->a[3]; }

static int put_number(struct control_out *o, int level, int type, int number)
{
    return control_put(o, level, type, &number, sizeof(number));
}

static int put_v4(struct control_out *o, const int *asked, const struct unix_received *r)
{
    struct in_pktinfo info = { .ipi_ifindex = LO_INDEX,
                               .ipi_spec_dst = { v4(&r->to) },
                               .ipi_addr = { v4(&r->to) } };
    uint8_t tos = r->source.traffic;
    int err = 0;

    if (asked[INET_PKTINFO])
        err = control_put(o, SOL_IP, IP_PKTINFO, &info, sizeof(info));
    if (err == 0 && asked[INET_RECVTTL])
        err = put_number(o, SOL_IP, IP_TTL, r->source.hops);
    if (err == 0 && asked[INET_RECVTOS])
        err = control_put(o, SOL_IP, IP_TOS, &tos, sizeof(tos));
    return err;
}

static int put_v6(struct control_out *o, const int *asked, const struct unix_received *r)
{
    struct in6_pktinfo info = { .ipi6_ifindex = LO_INDEX };
    int err = 0;

    memcpy(&info.ipi6_addr, r->to.a, sizeof(info.ipi6_addr));
    if (asked[INET_RECVPKTINFO6])
        err = control_put(o, SOL_IPV6, IPV6_PKTINFO, &info, sizeof(info));
    if (err == 0 && asked[INET_OLD_PKTINFO6])
        err = control_put(o, SOL_IPV6, IPV6_2292PKTINFO, &info, sizeof(info));
    if (err == 0 && asked[INET_OLD_HOPS6] && !inet_is_v4(&r->to))
        err = put_number(o, SOL_IPV6, IPV6_2292HOPLIMIT, r->source.hops);
    if (err == 0 && asked[INET_RECVHOPS6] && !inet_is_v4(&r->to))
        err = put_number(o, SOL_IPV6, IPV6_HOPLIMIT, r->source.hops);
    if (err == 0 && asked[INET_RECVTCLASS6] && !inet_is_v4(&r->to))
        err = put_number(o, SOL_IPV6, IPV6_TCLASS, r->source.traffic);
    return err;
}

int inet_put_along(struct control_out *o, const struct unix_socket *s,
                   const struct unix_received *r)
{
    const int *asked = s->in->value;
    int err = s->in->family == AF_INET6 ? put_v6(o, asked, r) : 0;

    return err == 0 && inet_is_v4(&r->to) ? put_v4(o, asked, r) : err;
}
