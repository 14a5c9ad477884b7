/* inet_address.c - addresses of AF_INET and AF_INET6.  Within, all are those of IPv6, and those
 * of IPv4 are mapped (::ffff:a.b.c.d), so that a socket of either family finds the other. */
#include "lib/string.h"
#include "net/inet.h"

#define MAPPED  be32(0xffff)
#define ANY_LEN (int)sizeof(uint16_t)

static uint32_t be32(uint32_t x) { return __builtin_bswap32(x); }
static uint16_t be16(uint16_t x) { return __builtin_bswap16(x); }

static void set_v4(struct inet_end *e, uint32_t host_order)
{
    e->a[0] = e->a[1] = 0;
    e->a[2] = MAPPED;
    e->a[3] = be32(host_order);
}

bool inet_is_v4(const struct inet_end *e)
{
    return e->a[0] == 0 && e->a[1] == 0 && e->a[2] == MAPPED;
}

bool inet_is_any(const struct inet_end *e)
{
    return e->a[3] == 0 && e->a[0] == 0 && e->a[1] == 0 && (e->a[2] == 0 || e->a[2] == MAPPED);
}

bool inet_is_local(const struct inet_end *e)
{
    if (inet_is_v4(e))
        return IN_IS_LO(be32(e->a[3]));
    return e->a[0] == 0 && e->a[1] == 0 && e->a[2] == 0 && e->a[3] == be32(1);
}

bool inet_same(const struct inet_end *a, const struct inet_end *b)
{
    return memcmp(a->a, b->a, sizeof(a->a)) == 0;
}

void inet_set_any(const struct unix_socket *s, struct inet_end *e)
{
    memset(e->a, 0, sizeof(e->a));
    if (s->in->family == AF_INET)
        e->a[2] = MAPPED;
}

void inet_set_source(const struct inet_end *e, struct inet_end *source)
{
    if (inet_is_v4(e)) {
        set_v4(source, LO_ADDRESS);
    } else {
        memset(source->a, 0, sizeof(source->a));
        source->a[3] = be32(1);
    }
}

/* 255.255.255.255: to all of one interface, whose addresses say nothing of which. */
static bool is_limited(const struct inet_end *e) { return e->a[3] == UINT32_MAX; }

bool inet_is_broadcast(const struct inet_end *e)
{
    return (be32(e->a[3]) == LO_BROADCAST || is_limited(e)) && inet_is_v4(e);
}

bool inet_is_group(const struct inet_end *e)
{
    return inet_is_v4(e) ? be32(e->a[3]) >> 28 == 14 : (e->a[0] & 0xff) == 0xff;
}

bool inet_is_for_many(const struct inet_end *e) { return inet_is_broadcast(e) || inet_is_group(e); }

/* Groups and "all" have no route: who sends to them says by which interface, or where from.  Groups of IPv6 lo has not. */
static int route_to_many(const struct unix_socket *s, const struct inet_end *to)
{
    const struct inet *in = s->in;
    bool chosen = s->device != 0 || (in->bound_address && inet_is_local(&in->local)) ||
                  (inet_is_group(to) && in->group_lo);

    if (!inet_is_v4(to) || s->type != SOCK_DGRAM || !chosen)
        return -ENETUNREACH;
    return inet_is_group(to) || (s->options & 1ull << SO_BROADCAST) ? 0 : -EACCES;
}

int inet_route(const struct unix_socket *s, struct inet_end *to)
{
    const struct inet *in = s->in;

    if (inet_is_any(to)) {
        uint16_t port = to->port;
        bool v4 = inet_is_v4(to);
        inet_set_source(to, to); /* the address of lo of that kind */
        to->port = port;
        if (!v4 && in->bound_address && inet_is_v4(&in->local))
            set_v4(to, LO_ADDRESS);
    }
    if (unlikely(inet_is_group(to) || (is_limited(to) && inet_is_v4(to))))
        return route_to_many(s, to);
    if (!inet_is_local(to))
        return -ENETUNREACH;
    if (inet_is_v4(to) && in->family == AF_INET6 && in->value[INET_V6ONLY])
        return -ENETUNREACH;
    if (in->bound_address && !inet_is_any(&in->local) && inet_is_v4(&in->local) != inet_is_v4(to))
        return inet_is_v4(to) ? -EINVAL : -ENETUNREACH;
    if (unlikely(inet_is_broadcast(to)))
        return s->type == SOCK_STREAM              ? -ENETUNREACH
               : s->options & 1ull << SO_BROADCAST ? 0
                                                   : -EACCES;
    return 0;
}

static int read_v4(const struct sockaddr_in *a, int len, struct inet_end *to)
{
    if (len < (int)sizeof(*a))
        return -EINVAL;
    set_v4(to, be32(a->sin_addr.s_addr));
    to->port = be16(a->sin_port);
    return 0;
}

int inet_read(const struct unix_socket *s, const union socket_address *a, int len,
              struct inet_end *to)
{
    if (len < ANY_LEN)
        return -EINVAL;
    if (s->in->family == AF_INET) {
        if (len < (int)sizeof(a->in))
            return -EINVAL;
        return a->in.sin_family == AF_INET ? read_v4(&a->in, len, to) : -EAFNOSUPPORT;
    }
    if (a->in6.sin6_family == AF_INET && s->type == SOCK_DGRAM)
        return s->in->value[INET_V6ONLY] ? -ENETUNREACH : read_v4(&a->in, len, to);
    if (len < (int)offsetof(struct sockaddr_in6, sin6_scope_id))
        return -EINVAL;
    if (a->in6.sin6_family != AF_INET6)
        return -EAFNOSUPPORT;
    memcpy(to->a, &a->in6.sin6_addr, sizeof(to->a));
    to->port = be16(a->in6.sin6_port);
    return 0;
}

int inet_write(const struct unix_socket *s, const struct inet_end *e, union socket_address *a)
{
    memset(a, 0, sizeof(*a));
    if (s->in->family == AF_INET) {
        a->in.sin_family = AF_INET;
        a->in.sin_port = be16(e->port);
        a->in.sin_addr.s_addr = e->a[3];
        return sizeof(a->in);
    }
    a->in6.sin6_family = AF_INET6;
    a->in6.sin6_port = be16(e->port);
    memcpy(&a->in6.sin6_addr, e->a, sizeof(e->a));
    return sizeof(a->in6);
}
