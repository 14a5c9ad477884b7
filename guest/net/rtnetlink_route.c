/* rtnetlink_route.c - routes: those by lo to this machine's own addresses, which is all that there
 * are.  They are in the table "local", where Linux has them, and there is none in "main". */
#include "net/inet.h"
#include "net/netlink.h"
#include "lib/string.h"
#include "sched/task.h"

/* How IPv4 flags what a lookup found; in no UAPI header. */
#define RTCF_LOCAL     0x80000000u
#define RTCF_BROADCAST 0x10000000u

struct route {
    int family;
    uint8_t bits, type, scope, address[16];
};
static const struct route routes[] = {
    { AF_INET, 8, RTN_LOCAL, RT_SCOPE_HOST, { 127 } },
    { AF_INET, 32, RTN_LOCAL, RT_SCOPE_HOST, { 127, 0, 0, 1 } },
    { AF_INET, 32, RTN_BROADCAST, RT_SCOPE_LINK, { 127, 255, 255, 255 } },
    { AF_INET6, 128, RTN_LOCAL, RT_SCOPE_UNIVERSE, { [15] = 1 } },
};
static const uint8_t ip4[4] = { 127, 0, 0, 1 }, no_address[16];

static size_t address_bytes(int family) { return family == AF_INET ? 4 : 16; }

/* --- one of them ------------------------------------------------------------------------------ */

static struct rtmsg head_of(const struct route *x, uint8_t table)
{
    return (struct rtmsg){ .rtm_family = (uint8_t)x->family,
                           .rtm_dst_len = x->bits,
                           .rtm_table = table,
                           .rtm_protocol = RTPROT_KERNEL,
                           .rtm_scope = x->scope,
                           .rtm_type = x->type };
}

static void put_metric6(struct answer *a)
{
    struct rta_cacheinfo unused = { 0 };

    answer_attr(a, RTA_CACHEINFO, &unused, sizeof(unused));
    answer_u8(a, RTA_PREF, 0); /* medium, of RFC 4191 */
}

static void put_route(struct answer *a, const struct route *x, uint8_t table)
{
    struct rtmsg head = head_of(x, table);

    answer_begin(a, RTM_NEWROUTE, &head, sizeof(head));
    answer_u32(a, RTA_TABLE, table);
    answer_attr(a, RTA_DST, x->address, address_bytes(x->family));
    if (x->family == AF_INET)
        answer_attr(a, RTA_PREFSRC, ip4, sizeof(ip4));
    else
        answer_u32(a, RTA_PRIORITY, 0);
    answer_u32(a, RTA_OIF, LO_INDEX);
    if (x->family == AF_INET6)
        put_metric6(a);
    answer_end(a);
}

/* What a packet to `to` does. */
static void put_lookup4(struct answer *a, const struct route *x, const uint8_t *to)
{
    struct rta_cacheinfo unused = { 0 };
    struct rtmsg head = head_of(x, RT_TABLE_MAIN); /* as if that were one with "local" */

    head.rtm_dst_len = 32;
    head.rtm_protocol = RTPROT_UNSPEC;
    head.rtm_scope = RT_SCOPE_UNIVERSE;
    head.rtm_flags = RTM_F_CLONED | RTCF_LOCAL | (x->type == RTN_BROADCAST ? RTCF_BROADCAST : 0);
    answer_begin(a, RTM_NEWROUTE, &head, sizeof(head));
    answer_u32(a, RTA_TABLE, RT_TABLE_MAIN);
    answer_attr(a, RTA_DST, to, 4);
    answer_u32(a, RTA_OIF, LO_INDEX);
    answer_attr(a, RTA_PREFSRC, ip4, sizeof(ip4));
    answer_u32(a, RTA_UID, current->cred.euid);
    answer_attr(a, RTA_CACHEINFO, &unused, sizeof(unused));
    answer_end(a);
}

static void put_lookup6(struct answer *a, const struct route *x)
{
    struct rtmsg head = head_of(x, RT_TABLE_LOCAL);

    head.rtm_src_len = 128;
    answer_begin(a, RTM_NEWROUTE, &head, sizeof(head));
    answer_u32(a, RTA_TABLE, RT_TABLE_LOCAL);
    answer_attr(a, RTA_DST, x->address, sizeof(x->address));
    answer_attr(a, RTA_SRC, no_address, sizeof(no_address));
    answer_attr(a, RTA_PREFSRC, x->address, sizeof(x->address));
    answer_u32(a, RTA_PRIORITY, 0);
    answer_u32(a, RTA_OIF, LO_INDEX);
    put_metric6(a);
    answer_end(a);
}

/* --- all, or some --------------------------------------------------------------------------------- */

struct filter {
    uint32_t table, oif;
    uint8_t protocol, type;
    bool cached; /* what lookups have left; here nothing */
};

/* A socket that is strict chooses among them, and errs if anything else is said. */
static int filter_get(struct netlink_request *r, int family, struct filter *f)
{
    size_t at = sizeof(struct rtmsg), data;
    struct nlattr attr;
    struct rtmsg head;

    if (!request_get(r, 0, &head, sizeof(head)) || head.rtm_dst_len || head.rtm_src_len ||
        head.rtm_tos || head.rtm_scope || (head.rtm_flags & ~(RTM_F_CLONED | RTM_F_PREFIX)))
        return -EINVAL;
    *f = (struct filter){ .table = head.rtm_table,
                          .protocol = head.rtm_protocol,
                          .type = head.rtm_type,
                          .cached = head.rtm_flags & RTM_F_CLONED };
    while (request_attr(r, &at, &attr, &data)) {
        int err = attr.nla_type == RTA_TABLE ? request_u32(r, &attr, data, &f->table)
                  : attr.nla_type == RTA_OIF ? request_u32(r, &attr, data, &f->oif)
                                             : -EINVAL;
        if (err != 0)
            return err;
        if (f->oif != 0 && f->oif != LO_INDEX)
            return -ENODEV;
    }
    if (at < r->len)
        return -EINVAL;
    if (f->table || f->protocol || f->type || f->oif || f->cached)
        r->dump_flags = NLM_F_DUMP_FILTERED;
    bool known = f->table == 0 || f->table == RT_TABLE_MAIN || f->table == RT_TABLE_LOCAL;
    return known || family == AF_UNSPEC ? 0 : -ENOENT;
}

static bool is_chosen(const struct filter *f, const struct route *x)
{
    return !f->cached && (f->table == 0 || f->table == RT_TABLE_LOCAL) &&
           (f->protocol == 0 || f->protocol == RTPROT_KERNEL) &&
           (f->type == 0 || f->type == x->type);
}

int route_dump(struct netlink_request *r, int family, struct answer *a)
{
    struct filter f = { 0 };
    int err = r->strict ? filter_get(r, family, &f) : 0;

    if (r->strict) /* those of lookups are never among them */
        a->flags |= NLM_F_DUMP_FILTERED;
    for (unsigned i = 0; err == 0 && i < ARRAY_SIZE(routes); i++)
        if ((family == AF_INET || family == AF_INET6 ? routes[i].family == family : true) &&
            is_chosen(&f, &routes[i]))
            put_route(a, &routes[i], RT_TABLE_LOCAL);
    return err;
}

/* --- where to? -------------------------------------------------------------------------------------- */

/* The narrowest. */
static const struct route *look_up(int family, const uint8_t *to)
{
    const struct route *best = NULL;

    for (const struct route *x = routes; x < routes + ARRAY_SIZE(routes); x++)
        if (x->family == family && memcmp(x->address, to, x->bits / 8) == 0 &&
            (best == NULL || x->bits > best->bits))
            best = x;
    return best;
}

/* The address it is about, or none; 0, -EINVAL, -ENODEV, -ERANGE. */
static int destination(const struct netlink_request *r, int family, uint8_t *to)
{
    size_t at = sizeof(struct rtmsg), data;
    struct nlattr attr;
    uint32_t index;

    while (request_attr(r, &at, &attr, &data)) {
        if (attr.nla_type == RTA_DST) {
            if (attr.nla_len < address_bytes(family) ||
                !request_get(r, data, to, address_bytes(family)))
                return -EINVAL;
        } else if (attr.nla_type == RTA_OIF || attr.nla_type == RTA_IIF) {
            int err = request_u32(r, &attr, data, &index);
            if (err != 0 || (index != 0 && index != LO_INDEX))
                return err != 0 ? err : -ENODEV;
        }
    }
    return 0;
}

int route_get(const struct netlink_request *r, int family, struct answer *a)
{
    uint8_t to[16] = { 0 };
    struct rtmsg head;

    if (family != AF_INET && family != AF_INET6)
        return -EOPNOTSUPP;
    if (!request_get(r, 0, &head, sizeof(head)))
        return -EINVAL;
    int err = destination(r, family, to);
    if (err != 0)
        return err;
    bool nowhere = family == AF_INET && memcmp(to, no_address, 4) == 0; /* this machine */
    const struct route *x = look_up(family, nowhere ? ip4 : to);
    if (x == NULL)
        return -ENETUNREACH;
    if (head.rtm_flags & RTM_F_FIB_MATCH)
        put_route(a, x, family == AF_INET ? RT_TABLE_MAIN : RT_TABLE_LOCAL);
    else if (family == AF_INET)
        put_lookup4(a, x, to);
    else
        put_lookup6(a, x);
    return 0;
}
