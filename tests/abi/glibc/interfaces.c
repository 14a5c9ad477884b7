/* Network interfaces, of which lo is one on every machine: getifaddrs, if_nameindex and what SIOCGIF*
 * say of it; its link, addresses and routes by netlink, attribute by attribute; where packets to
 * it go; what has gone over it, and that /proc/net has the same. */
#include "check.h"
#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* --- by the library -------------------------------------------------------------------------- */

static void say_hex(const void *data, unsigned n)
{
    char line[256];

    for (unsigned i = 0; i < n && i < sizeof(line) / 2 - 1; i++)
        sprintf(line + 2 * i, "%02x", ((const unsigned char *)data)[i]);
    line[2 * n] = 0;
    SAY("%s", n ? line : "-");
}

/* The address alone: of lo no other field means anything. */
static void say_address(const char *what, const struct sockaddr *a)
{
    SAY(", %s ", what);
    if (a == NULL)
        SAY("none");
    else if (a->sa_family == AF_INET)
        say_hex(&((const struct sockaddr_in *)a)->sin_addr, 4);
    else if (a->sa_family == AF_INET6)
        say_hex(&((const struct sockaddr_in6 *)a)->sin6_addr, 16);
    else
        say_hex((const char *)a + 4, 16); /* index, kind and hardware address */
}

static int is_own(const struct ifaddrs *i)
{
    static const struct in6_addr ip6 = IN6ADDR_LOOPBACK_INIT;

    if (strcmp(i->ifa_name, "lo") != 0 || i->ifa_addr == NULL)
        return 0;
    switch (i->ifa_addr->sa_family) {
    case AF_INET:
        return ((struct sockaddr_in *)i->ifa_addr)->sin_addr.s_addr == htonl(INADDR_LOOPBACK);
    case AF_INET6:
        return memcmp(&((struct sockaddr_in6 *)i->ifa_addr)->sin6_addr, &ip6, sizeof(ip6)) == 0;
    }
    return 1;
}

static void by_library(void)
{
    struct if_nameindex *all = if_nameindex();
    struct ifaddrs *list, *i;
    char name[IF_NAMESIZE];

    CHECK(all != NULL);
    for (int k = 0; all != NULL && all[k].if_index != 0; k++)
        if (strcmp(all[k].if_name, "lo") == 0)
            SAY("lo is number %u of %s\n", all[k].if_index, k == 0 ? "all, the first" : "all");
    if_freenameindex(all);
    CHECK_EQ(if_nametoindex("lo"), 1);
    CHECK(if_indextoname(1, name) != NULL && strcmp(name, "lo") == 0);
    CHECK(if_nametoindex("nosuch") == 0 && errno == ENODEV);
    CHECK(if_indextoname(4711, name) == NULL && errno == ENXIO);
    CHECK(getifaddrs(&list) == 0);
    for (i = list; i != NULL; i = i->ifa_next) {
        if (!is_own(i))
            continue;
        SAY("%s flags %x family %d", i->ifa_name, i->ifa_flags, i->ifa_addr->sa_family);
        say_address("address", i->ifa_addr);
        say_address("mask", i->ifa_netmask);
        say_address("to", i->ifa_ifu.ifu_dstaddr);
        SAY(", data: %d\n", i->ifa_data != NULL);
    }
    freeifaddrs(list);
}

/* --- by ioctl ------------------------------------------------------------------------------------ */

static void by_ioctl(int family)
{
    static const struct {
        const char *what;
        unsigned long call;
        unsigned bytes;
    } all[] = {
        { "index", SIOCGIFINDEX, 4 },       { "flags", SIOCGIFFLAGS, 2 },
        { "mtu", SIOCGIFMTU, 4 },           { "metric", SIOCGIFMETRIC, 4 },
        { "queue", SIOCGIFTXQLEN, 4 },      { "hardware", SIOCGIFHWADDR, 8 },
        { "address", SIOCGIFADDR, 8 },      { "mask", SIOCGIFNETMASK, 8 },
        { "broadcast", SIOCGIFBRDADDR, 8 }, { "other end", SIOCGIFDSTADDR, 8 },
    };
    int s = socket(family, SOCK_DGRAM, 0);

    CHECK(s >= 0);
    SAY("family %d:", family);
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct ifreq r = { .ifr_name = "lo" };
        SAY(" %s ", all[i].what);
        if (ioctl(s, all[i].call, &r) == 0)
            say_hex(&r.ifr_ifru, all[i].bytes);
        else
            SAY("error %d", errno);
        strcpy(r.ifr_name, "nosuch");
        CHECK_ERR(family != AF_INET && all[i].bytes == 8 && i > 5 ? errno : ENODEV,
                  ioctl(s, all[i].call, &r));
    }
    SAY("\n");
    close(s);
}

static int set(int s, unsigned long call, struct ifreq r)
{
    strcpy(r.ifr_name, "lo");
    return ioctl(s, call, &r);
}

/* As ifconfig does for lo at boot: it is so already.  Others may not even ask. */
static void as_it_is(void)
{
    struct ifreq r = { .ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING };
    int s = socket(AF_INET, SOCK_DGRAM, 0);

    CHECK(set(s, SIOCSIFFLAGS, r) == 0);
    CHECK(set(s, SIOCSIFMTU, (struct ifreq){ .ifr_mtu = 65536 }) == 0);
    CHECK(setresuid(1000, 1000, 1000) == 0);
    CHECK_ERR(EPERM, set(s, SIOCSIFFLAGS, r));
    CHECK_ERR(EPERM, set(s, SIOCSIFMTU, r));
    CHECK_ERR(EPERM, set(s, SIOCSIFADDR, r));
    CHECK_ERR(EPERM, set(s, SIOCSIFHWADDR, r));
}

/* --- by netlink ------------------------------------------------------------------------------------- */

static char answer[65536] __attribute__((aligned(4)));

static void ask(int s, int type, int flags, const void *body, unsigned n)
{
    struct {
        struct nlmsghdr h;
        char body[64];
    } r = { { NLMSG_HDRLEN + n, type, NLM_F_REQUEST | flags, 1, 0 }, { 0 } };

    memcpy(r.body, body, n);
    CHECK_EQ(send(s, &r, r.h.nlmsg_len, 0), r.h.nlmsg_len);
}

/* Those of which there is something to compare: no times, counts or other people's numbers. */
static int is_compared(int type, int attribute)
{
    static const char link[] = {
        IFLA_IFNAME,      IFLA_TXQLEN,           IFLA_OPERSTATE,         IFLA_LINKMODE,
        IFLA_MTU,         IFLA_MIN_MTU,          IFLA_MAX_MTU,           IFLA_GROUP,
        IFLA_PROMISCUITY, IFLA_CARRIER,          IFLA_CARRIER_CHANGES,   IFLA_NUM_TX_QUEUES,
        IFLA_ADDRESS,     IFLA_BROADCAST,        IFLA_NUM_RX_QUEUES,     IFLA_PROTO_DOWN,
        IFLA_QDISC,       IFLA_CARRIER_UP_COUNT, IFLA_CARRIER_DOWN_COUNT
    };

    if (type == RTM_NEWLINK)
        return memchr(link, attribute, sizeof(link)) != NULL;
    return type == RTM_NEWADDR ? attribute != IFA_CACHEINFO && attribute <= IFA_FLAGS
                               : attribute != RTA_CACHEINFO;
}

static void say_attributes(int type, struct rtattr *a, int left)
{
    char seen[128] = { 0 };

    for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
        int kind = a->rta_type & NLA_TYPE_MASK;
        if (kind >= 128 || !is_compared(type, kind))
            continue;
        CHECK(!seen[kind]++);
        SAY(" %d:", kind);
        say_hex(RTA_DATA(a), RTA_PAYLOAD(a));
    }
    CHECK(left <= 0);
    SAY("\n");
}

static unsigned head_bytes(int type)
{
    return type == RTM_NEWLINK   ? sizeof(struct ifinfomsg)
           : type == RTM_NEWADDR ? sizeof(struct ifaddrmsg)
                                 : sizeof(struct rtmsg);
}

/* Of lo itself, its own two addresses, and the routes to them.  Others may have been added. */
static int is_about_lo(const struct nlmsghdr *h)
{
    static const unsigned char ip4[] = { 127 }, ip6[16] = { [15] = 1 };
    const struct rtmsg *m = NLMSG_DATA(h);
    int left = h->nlmsg_len - NLMSG_HDRLEN - head_bytes(h->nlmsg_type), lo = 0, own = 0;

    if (h->nlmsg_type == RTM_NEWLINK)
        return ((struct ifinfomsg *)NLMSG_DATA(h))->ifi_index == 1;
    for (struct rtattr *a = (void *)((char *)m + head_bytes(h->nlmsg_type)); RTA_OK(a, left);
         a = RTA_NEXT(a, left)) {
        if (a->rta_type == RTA_OIF)
            lo = *(unsigned *)RTA_DATA(a) == 1;
        if (a->rta_type == RTA_DST) /* and IFA_ADDRESS */
            own = m->rtm_family == AF_INET ? memcmp(RTA_DATA(a), ip4, 1) == 0
                                           : memcmp(RTA_DATA(a), ip6, 16) == 0;
    }
    if (h->nlmsg_type == RTM_NEWADDR)
        return own && ((struct ifaddrmsg *)NLMSG_DATA(h))->ifa_index == 1;
    return own && lo;
}

static void say_message(struct nlmsghdr *h)
{
    unsigned n = head_bytes(h->nlmsg_type);

    SAY(" %d ", h->nlmsg_type);
    say_hex(NLMSG_DATA(h), n);
    say_attributes(h->nlmsg_type, (void *)((char *)NLMSG_DATA(h) + n),
                   h->nlmsg_len - NLMSG_HDRLEN - n);
}

static void by_netlink(const char *what, int type, int flags, const void *body, unsigned n)
{
    int s = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), more = 1;

    ask(s, type, flags, body, n);
    SAY("%s:\n", what);
    while (more) {
        int left = recv(s, answer, sizeof(answer), 0);
        CHECK(left > 0);
        more = flags && left > 0;
        for (struct nlmsghdr *h = (void *)answer; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
            if (h->nlmsg_type == NLMSG_DONE)
                more = 0;
            else if (h->nlmsg_type == NLMSG_ERROR)
                SAY(" error %d\n", *(int *)NLMSG_DATA(h));
            else if (is_about_lo(h))
                say_message(h);
        }
    }
    close(s);
}

static void routes_to(const char *what, int family, const char *address, unsigned flags)
{
    unsigned n = family == AF_INET ? 4 : 16;
    struct {
        struct rtmsg m;
        struct rtattr a;
        char address[16];
    } r = { { .rtm_family = family, .rtm_dst_len = n * 8, .rtm_flags = flags },
            { RTA_LENGTH(n), RTA_DST },
            { 0 } };

    memcpy(r.address, address, n);
    by_netlink(what, RTM_GETROUTE, 0, &r, sizeof(r.m) + RTA_LENGTH(n));
}

static void link_named(const char *what, int attribute, const char *name, unsigned n)
{
    struct {
        struct ifinfomsg m;
        struct rtattr a;
        char name[32];
    } r = { .a = { RTA_LENGTH(n), attribute } };

    memcpy(r.name, name, n);
    by_netlink(what, RTM_GETLINK, 0, &r, sizeof(r.m) + RTA_SPACE(n));
}

static void netlink(void)
{
    struct ifinfomsg lo = { .ifi_index = 1 };
    struct rtmsg family = { 0 };

    by_netlink("links", RTM_GETLINK, NLM_F_DUMP, &family, sizeof(family));
    by_netlink("link 1", RTM_GETLINK, 0, &lo, sizeof(lo));
    link_named("link lo", IFLA_IFNAME, "lo", 3);
    link_named("link lo, by its other name", IFLA_ALT_IFNAME, "lo", 3);
    link_named("link lo, not ended", IFLA_IFNAME, "lo", 2);
    link_named("link with a long name", IFLA_IFNAME, "fifteen letters", 16);
    link_named("link with too long a name", IFLA_IFNAME, "sixteen letters!", 17);
    link_named("no link", IFLA_IFNAME, "nosuch", 7);
    by_netlink("addresses", RTM_GETADDR, NLM_F_DUMP, &family, sizeof(family));
    by_netlink("routes", RTM_GETROUTE, NLM_F_DUMP, &family, sizeof(family));
    family.rtm_family = AF_INET6;
    by_netlink("addresses of IPv6", RTM_GETADDR, NLM_F_DUMP, &family, sizeof(family));
    routes_to("to 127.0.0.1", AF_INET, "\177\0\0\1", 0);
    routes_to("to 127.1.2.3", AF_INET, "\177\1\2\3", 0);
    routes_to("to all", AF_INET, "\177\377\377\377", 0);
    routes_to("to ::1", AF_INET6, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 0);
    routes_to("the route to 127.0.0.1", AF_INET, "\177\0\0\1", RTM_F_FIB_MATCH);
    routes_to("the route to 127.1.2.3", AF_INET, "\177\1\2\3", RTM_F_FIB_MATCH);
}

static void test(void)
{
    by_library();
    by_ioctl(AF_INET);
    by_ioctl(AF_UNIX);
    by_ioctl(AF_NETLINK);
    CHECK_EQ(CHILD(as_it_is()), EXITED(0));
    netlink();
}
