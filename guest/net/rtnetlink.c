/* rtnetlink.c - what NETLINK_ROUTE is asked: about the interface lo, its addresses, and, in
 * rtnetlink_route.c, the routes by it.
 *
 * Nothing can be changed: who may not is refused (EPERM), and who may is told that it is not
 * supported, unless it asks for what is already so.  Attributes are those that Linux gives and that
 * mean something here; of a request, those that choose among several answers are looked at. */
#include "net/netlink.h"
#include "lib/string.h"
#include "sched/task.h"

#include <linux/capability.h>

#define _SYS_SOCKET_H /* as in interface.c */
#include <linux/if.h>

#define AF_BRIDGE     7
#define LO_FLAGS      (IFF_UP | IFF_LOOPBACK | IFF_RUNNING | IFF_LOWER_UP)
#define KIND_OF(type) (((type)-RTM_BASE) & 3u) /* new, delete, get, set */
#define KIND_GET      2u

static const uint8_t no_hardware[6];
static const uint8_t ip4[4] = { 127, 0, 0, 1 }, ip6[16] = { [15] = 1 };

/* --- links --------------------------------------------------------------------------------- */

static void put_link(struct answer *a)
{
    struct ifinfomsg head = { .ifi_family = AF_UNSPEC,
                              .ifi_type = ARPHRD_LOOPBACK,
                              .ifi_index = LO_INDEX,
                              .ifi_flags = LO_FLAGS };
    struct lo_traffic t = interface_traffic();
    struct rtnl_link_stats64 all = {
        .rx_packets = t.packets, .tx_packets = t.packets, .rx_bytes = t.bytes, .tx_bytes = t.bytes
    };
    struct rtnl_link_stats few = { .rx_packets = (uint32_t)t.packets,
                                   .tx_packets = (uint32_t)t.packets,
                                   .rx_bytes = (uint32_t)t.bytes,
                                   .tx_bytes = (uint32_t)t.bytes };

    answer_begin(a, RTM_NEWLINK, &head, sizeof(head));
    answer_attr(a, IFLA_IFNAME, LO_NAME, sizeof(LO_NAME));
    answer_u32(a, IFLA_TXQLEN, LO_QUEUE_LEN);
    answer_u8(a, IFLA_OPERSTATE, IF_OPER_UNKNOWN);
    answer_u8(a, IFLA_LINKMODE, IF_LINK_MODE_DEFAULT);
    answer_u32(a, IFLA_MTU, LO_MTU);
    answer_u32(a, IFLA_MIN_MTU, 0);
    answer_u32(a, IFLA_MAX_MTU, 0);
    answer_u32(a, IFLA_GROUP, 0);
    answer_u32(a, IFLA_PROMISCUITY, 0);
    answer_u32(a, IFLA_ALLMULTI, 0);
    answer_u32(a, IFLA_NUM_TX_QUEUES, 1);
    answer_u32(a, IFLA_NUM_RX_QUEUES, 1);
    answer_u8(a, IFLA_CARRIER, 1);
    answer_u32(a, IFLA_CARRIER_CHANGES, 0);
    answer_u32(a, IFLA_CARRIER_UP_COUNT, 0);
    answer_u32(a, IFLA_CARRIER_DOWN_COUNT, 0);
    answer_u8(a, IFLA_PROTO_DOWN, 0);
    answer_attr(a, IFLA_ADDRESS, no_hardware, sizeof(no_hardware));
    answer_attr(a, IFLA_BROADCAST, no_hardware, sizeof(no_hardware));
    answer_attr(a, IFLA_STATS64, &all, sizeof(all));
    answer_attr(a, IFLA_STATS, &few, sizeof(few));
    answer_attr(a, IFLA_QDISC, LO_QDISC, sizeof(LO_QDISC));
    answer_end(a);
}

/* As IPv6 sees it. */
static void put_link6(struct answer *a)
{
    struct ifinfomsg head = { .ifi_family = AF_INET6,
                              .ifi_type = ARPHRD_LOOPBACK,
                              .ifi_index = LO_INDEX,
                              .ifi_flags = LO_FLAGS };

    answer_begin(a, RTM_NEWLINK, &head, sizeof(head));
    answer_attr(a, IFLA_IFNAME, LO_NAME, sizeof(LO_NAME));
    answer_attr(a, IFLA_ADDRESS, no_hardware, sizeof(no_hardware));
    answer_u32(a, IFLA_MTU, LO_MTU);
    answer_u8(a, IFLA_OPERSTATE, IF_OPER_UNKNOWN);
    answer_end(a);
}

/* The links of one master, or of one kind, are none. */
static int choose_links(struct netlink_request *r, bool *none)
{
    size_t at = sizeof(struct ifinfomsg), data;
    struct ifinfomsg head;
    struct nlattr attr;

    bool whole = request_get(r, 0, &head, sizeof(head));
    if (r->strict && (!whole || head.__ifi_pad || head.ifi_type || head.ifi_index ||
                      head.ifi_flags || head.ifi_change))
        return -EINVAL;
    while (request_attr(r, &at, &attr, &data)) {
        if (attr.nla_type == IFLA_MASTER || attr.nla_type == IFLA_LINKINFO) {
            *none = true;
            r->dump_flags = NLM_F_DUMP_FILTERED;
        } else if (r->strict && attr.nla_type != IFLA_EXT_MASK) {
            return -EINVAL;
        }
    }
    return r->strict && at < r->len ? -EINVAL : 0;
}

static int dump_links(struct netlink_request *r, int family, struct answer *a)
{
    bool none = family == AF_BRIDGE;
    int err = choose_links(r, &none);

    a->flags |= r->dump_flags;
    if (err != 0 || none)
        return err;
    if (family == AF_INET6)
        put_link6(a);
    else
        put_link(a);
    return 0;
}

/* Which one is meant: 0 for lo, -EINVAL, -ENODEV, -ERANGE for a name that none can have. */
static int find_link(const struct netlink_request *r, struct ifinfomsg *head)
{
    size_t at = sizeof(*head), data;
    char name[IFNAMSIZ + 1];
    struct nlattr attr;
    int found = -EINVAL;

    if (!request_get(r, 0, head, sizeof(*head)))
        return -EINVAL;
    while (request_attr(r, &at, &attr, &data)) {
        if (attr.nla_type != IFLA_IFNAME && attr.nla_type != IFLA_ALT_IFNAME)
            continue;
        size_t n = MIN((size_t)attr.nla_len, sizeof(name));
        memset(name, 0, sizeof(name));
        if (!request_get(r, data, name, n) || name[IFNAMSIZ] != 0 ||
            (n >= IFNAMSIZ && name[IFNAMSIZ - 1] != 0))
            return -ERANGE;
        found = strcmp(name, LO_NAME) == 0 ? 0 : -ENODEV;
    }
    if (head->ifi_index > 0) /* it goes before the name */
        found = head->ifi_index == LO_INDEX ? 0 : -ENODEV;
    return found;
}

static int get_link(const struct netlink_request *r, struct answer *a)
{
    struct ifinfomsg head;
    int err = find_link(r, &head);

    if (err == 0)
        put_link(a);
    return err;
}

/* lo is up, and whoever wants that has it. */
static int set_link(const struct netlink_request *r)
{
    size_t at = sizeof(struct ifinfomsg), data;
    struct ifinfomsg head;
    struct nlattr attr;
    int err = find_link(r, &head);

    if (err != 0)
        return err;
    if (r->head.nlmsg_flags & NLM_F_EXCL)
        return -EEXIST;
    while (request_attr(r, &at, &attr, &data))
        if (attr.nla_type != IFLA_IFNAME && attr.nla_type != IFLA_EXT_MASK)
            return -EOPNOTSUPP;
    uint32_t change = head.ifi_change != 0 || head.ifi_flags == 0 ? head.ifi_change : UINT32_MAX;
    return (head.ifi_flags ^ LO_FLAGS) & change & ~(uint32_t)IFF_LOWER_UP & ~(uint32_t)IFF_RUNNING
               ? -EOPNOTSUPP
               : 0;
}

/* --- addresses ------------------------------------------------------------------------------ */

static void put_address(struct answer *a, int family)
{
    struct ifaddrmsg head = { .ifa_family = (uint8_t)family,
                              .ifa_prefixlen = family == AF_INET ? 8 : 128,
                              .ifa_flags = IFA_F_PERMANENT,
                              .ifa_scope = RT_SCOPE_HOST,
                              .ifa_index = LO_INDEX };
    /* It has been there since the machine came up. */
    struct ifa_cacheinfo since = { .ifa_prefered = UINT32_MAX, .ifa_valid = UINT32_MAX };

    answer_begin(a, RTM_NEWADDR, &head, sizeof(head));
    if (family == AF_INET) {
        answer_attr(a, IFA_ADDRESS, ip4, sizeof(ip4));
        answer_attr(a, IFA_LOCAL, ip4, sizeof(ip4));
        answer_attr(a, IFA_LABEL, LO_NAME, sizeof(LO_NAME));
    } else {
        answer_attr(a, IFA_ADDRESS, ip6, sizeof(ip6));
    }
    answer_attr(a, IFA_CACHEINFO, &since, sizeof(since));
    answer_u32(a, IFA_FLAGS, IFA_F_PERMANENT);
    answer_end(a);
}

static int dump_addresses(struct netlink_request *r, int family, struct answer *a)
{
    struct ifaddrmsg head;

    if (r->strict) {
        if (!request_get(r, 0, &head, sizeof(head)) || r->len > sizeof(head) ||
            head.ifa_prefixlen || head.ifa_flags || head.ifa_scope)
            return -EINVAL;
        if (head.ifa_index != 0)
            r->dump_flags = NLM_F_DUMP_FILTERED;
        if (head.ifa_index != 0 && head.ifa_index != LO_INDEX)
            return -ENODEV;
    }
    a->flags |= r->dump_flags;
    if (family != AF_INET6)
        put_address(a, AF_INET);
    if (family != AF_INET)
        put_address(a, AF_INET6);
    return 0;
}

/* --- one request ------------------------------------------------------------------------------ */

/* Families that have nothing of their own are given what there is of all. */
static int known_family(int family)
{
    return family == AF_INET || family == AF_INET6 || family == AF_BRIDGE ? family : AF_UNSPEC;
}

static int dump(struct netlink_request *r, int family, struct answer *a)
{
    r->dump = true;
    a->flags = NLM_F_MULTI;
    switch (r->head.nlmsg_type) {
    case RTM_GETLINK: r->dump_error = dump_links(r, family, a); return 0;
    case RTM_GETADDR: r->dump_error = dump_addresses(r, family, a); return 0;
    case RTM_GETROUTE: r->dump_error = route_dump(r, family, a); return 0;
    case RTM_GETNEIGH: return 0; /* lo has none */
    }
    r->dump = false;
    return -EOPNOTSUPP;
}

int rtnetlink_request(struct netlink_request *r, struct answer *a)
{
    unsigned type = r->head.nlmsg_type;
    struct rtgenmsg head;

    if (type > RTM_MAX)
        return -EOPNOTSUPP;
    if (!request_get(r, 0, &head, sizeof(head)))
        return 0;
    if (KIND_OF(type) != KIND_GET && !has_cap(CAP_NET_ADMIN))
        return -EPERM;
    int family = known_family(head.rtgen_family);
    if (KIND_OF(type) == KIND_GET && (r->head.nlmsg_flags & NLM_F_DUMP))
        return dump(r, family, a);
    switch (type) {
    case RTM_GETLINK: return get_link(r, a);
    case RTM_GETROUTE: return route_get(r, family, a);
    case RTM_NEWLINK: return set_link(r);
    }
    return -EOPNOTSUPP;
}
