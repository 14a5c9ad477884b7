/* AF_NETLINK, NETLINK_ROUTE: which sockets there are and what their calls say; names and ports;
 * requests, answers, acknowledgements and errors, and lengths that cannot be; dumps in parts;
 * what does not fit; options; poll and epoll; who may do what. */
#include "check.h"
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define BUFFER 8192
#define LO     1

struct request {
    struct nlmsghdr h;
    char body[256];
};

static int netlink_socket(void)
{
    int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

    CHECK(s >= 0);
    return s;
}

static void option(int s, int what)
{
    CHECK(setsockopt(s, SOL_NETLINK, what, &(int){ 1 }, sizeof(int)) == 0);
}

static void make(struct request *r, int type, int flags, const void *body, size_t n)
{
    memset(r, 0, sizeof(*r));
    r->h.nlmsg_len = NLMSG_HDRLEN + n;
    r->h.nlmsg_type = type;
    r->h.nlmsg_flags = flags;
    r->h.nlmsg_seq = 4711;
    memcpy(r->body, body, n);
}

static void ask(int s, int type, int flags, const void *body, size_t n)
{
    struct request r;

    make(&r, type, flags, body, n);
    CHECK_EQ(send(s, &r, r.h.nlmsg_len, 0), r.h.nlmsg_len);
}

static const struct ifinfomsg any_link, link_lo = { .ifi_index = LO };
static const struct rtmsg any_route;

/* --- sockets and names ----------------------------------------------------------------------- */

static void which(void)
{
    for (int type = 0; type <= 11; type++) {
        int s = socket(AF_NETLINK, type, NETLINK_ROUTE);
        SAY("type %d: %d; ", type, s < 0 ? errno : 0);
        close(s);
    }
    int never[] = { 1, 3, 13, 31, 32, 4711, INT32_MIN };
    for (unsigned i = 0; i < sizeof(never) / sizeof(never[0]); i++)
        CHECK_ERR(EPROTONOSUPPORT, socket(AF_NETLINK, SOCK_RAW, never[i]));
    int pair[2];
    CHECK_ERR(EOPNOTSUPP, socketpair(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, pair));
    int s = netlink_socket(), value;
    socklen_t len = sizeof(value);
    CHECK_ERR(EOPNOTSUPP, listen(s, 1));
    CHECK_ERR(EOPNOTSUPP, accept(s, NULL, NULL));
    CHECK_ERR(EOPNOTSUPP, shutdown(s, SHUT_RDWR));
    CHECK_ERR(EOPNOTSUPP, send(s, "x", 1, MSG_OOB));
    CHECK_ERR(EOPNOTSUPP, recv(s, &value, 1, MSG_OOB));
    CHECK_ERR(ENOTTY, ioctl(s, FIONREAD, &value));
    CHECK(getsockopt(s, SOL_SOCKET, SO_DOMAIN, &value, &len) == 0 && value == AF_NETLINK);
    CHECK(getsockopt(s, SOL_SOCKET, SO_PROTOCOL, &value, &len) == 0 && value == NETLINK_ROUTE);
    CHECK(getsockopt(s, SOL_SOCKET, SO_TYPE, &value, &len) == 0 && value == SOCK_RAW);
    CHECK_ERR(EAGAIN, recv(s, &value, sizeof(value), 0));
    close(s);
    SAY("\n");
}

static struct sockaddr_nl nl(unsigned pid, unsigned groups)
{
    return (struct sockaddr_nl){ .nl_family = AF_NETLINK, .nl_pid = pid, .nl_groups = groups };
}

static int bind_to(int s, unsigned pid, unsigned groups)
{
    struct sockaddr_nl a = nl(pid, groups);

    return bind(s, (struct sockaddr *)&a, sizeof(a));
}

static struct sockaddr_nl name_of(int s, int peer)
{
    struct sockaddr_nl a;
    socklen_t len = sizeof(a);

    CHECK((peer ? getpeername : getsockname)(s, (struct sockaddr *)&a, &len) == 0);
    CHECK(len == sizeof(a) && a.nl_family == AF_NETLINK && a.nl_pad == 0);
    return a;
}

static void names(void)
{
    int a = netlink_socket(), b = netlink_socket(), c = netlink_socket();
    unsigned mine = 0x40000000u + check_self; /* nobody's process */
    struct sockaddr_nl to = nl(mine, 0);

    CHECK(name_of(a, 0).nl_pid == 0 && name_of(a, 1).nl_pid == 0);
    CHECK_ERR(EINVAL, bind(a, (struct sockaddr *)&to, sizeof(to) - 1));
    to.nl_family = AF_UNIX;
    CHECK_ERR(EINVAL, bind(a, (struct sockaddr *)&to, sizeof(to)));
    to.nl_family = AF_NETLINK;
    CHECK(bind_to(a, 0, 0) == 0);
    CHECK_EQ(name_of(a, 0).nl_pid, getpid());
    CHECK_ERR(EINVAL, bind_to(a, 0, 0));
    CHECK(bind_to(a, getpid(), 5) == 0);
    CHECK_EQ(name_of(a, 0).nl_groups, 5);
    CHECK(bind_to(a, getpid(), 0) == 0);
    CHECK_EQ(name_of(a, 0).nl_groups, 0);
    CHECK_ERR(EADDRINUSE, bind_to(b, getpid(), 0));
    CHECK(bind_to(b, 0, 0) == 0); /* another one, as that is taken */
    CHECK((int)name_of(b, 0).nl_pid < -4096);
    CHECK(bind_to(c, mine, 0) == 0 && name_of(c, 0).nl_pid == mine);
    CHECK_ERR(EADDRINUSE, bind_to(netlink_socket(), mine, 0));
    CHECK(connect(b, (struct sockaddr *)&to, sizeof(to)) == 0 && name_of(b, 1).nl_pid == mine);
    CHECK_ERR(EINVAL, connect(b, (struct sockaddr *)&to, sizeof(to) - 1));
    to.nl_family = AF_UNSPEC;
    CHECK(connect(b, (struct sockaddr *)&to, sizeof(to)) == 0 && name_of(b, 1).nl_pid == 0);
    close(c);
    to = nl(mine, 0); /* it is free again, and nobody is there */
    ask(b, NLMSG_NOOP, 0, "", 0);
    CHECK_ERR(ECONNREFUSED,
              sendto(b, "sixteen bytes...", 16, 0, (struct sockaddr *)&to, sizeof(to)));
    CHECK(bind_to(c = netlink_socket(), mine, 0) == 0);
    close(a);
    a = netlink_socket();
    ask(a, NLMSG_NOOP, 0, "", 0); /* who sends has a port */
    CHECK_EQ(name_of(a, 0).nl_pid, getpid());
    close(a), close(b), close(c);
}

/* --- answers --------------------------------------------------------------------------------- */

/* One message; `last` is the type of the one before. */
static void show_one(const struct nlmsghdr *h, int last)
{
    if (h->nlmsg_type != last) /* of those that follow each other there are as many as there are */
        SAY(" %d flags %x", h->nlmsg_type, h->nlmsg_flags);
    if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
        SAY(": %d, %u bytes", *(int *)NLMSG_DATA(h), h->nlmsg_len);
    if (h->nlmsg_type == NLMSG_ERROR)
        SAY(" about %d", ((struct nlmsgerr *)NLMSG_DATA(h))->msg.nlmsg_type);
}

/* Says what comes, but for its contents and in how many parts. */
static void show(int s)
{
    char b[BUFFER] __attribute__((aligned(4)));
    struct sockaddr_nl from;
    struct iovec v = { b, sizeof(b) };
    unsigned mine = name_of(s, 0).nl_pid;
    int last = -1;

    for (;;) {
        struct msghdr m = {
            .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &v, .msg_iovlen = 1
        };
        int left = recvmsg(s, &m, 0);
        if (left < 0)
            break;
        CHECK(m.msg_namelen == sizeof(from) && from.nl_family == AF_NETLINK && from.nl_pid == 0);
        CHECK(from.nl_groups == 0 && m.msg_flags == 0);
        for (struct nlmsghdr *h = (void *)b; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
            CHECK_EQ(h->nlmsg_pid, mine);
            CHECK_EQ(h->nlmsg_seq, 4711);
            show_one(h, last);
            last = h->nlmsg_type;
        }
        CHECK_EQ(left, 0);
    }
    SAY(", end %d\n", errno);
}

static void tell(const char *what, int type, int flags, const void *body, size_t n)
{
    int s = netlink_socket();

    ask(s, type, flags, body, n);
    SAY("%s:", what);
    show(s);
    close(s);
}

static void answers(void)
{
    const int get = NLM_F_REQUEST, ack = NLM_F_REQUEST | NLM_F_ACK;

    tell("link", RTM_GETLINK, get, &link_lo, sizeof(link_lo));
    tell("link and ack", RTM_GETLINK, ack, &link_lo, sizeof(link_lo));
    tell("no request", RTM_GETLINK, 0, &link_lo, sizeof(link_lo));
    tell("no request, ack", RTM_GETLINK, NLM_F_ACK, &link_lo, sizeof(link_lo));
    tell("noop and ack", NLMSG_NOOP, ack, "", 0);
    tell("no body", RTM_GETLINK, ack, "", 0);
    tell("short body", RTM_GETLINK, get, &link_lo, 4);
    tell("which link?", RTM_GETLINK, get, &any_link, sizeof(any_link));
    tell("no such link", RTM_GETLINK, get, &(struct ifinfomsg){ .ifi_index = 4711 },
         sizeof(any_link));
    tell("link -1", RTM_GETLINK, get, &(struct ifinfomsg){ .ifi_index = -1 }, sizeof(any_link));
    tell("one address", RTM_GETADDR, get, "\2\0\0\0\1\0\0\0", 8);
    tell("answer as question", RTM_NEWLINK + 4 * 60, get, "\0", 1);
    tell("no such question", RTM_MAX + 40, get, "\0", 1);
    tell("unknown change", RTM_MAX + 37, ack, "\0", 1);
    tell("lo up", RTM_NEWLINK, ack,
         &(struct ifinfomsg){ .ifi_index = LO, .ifi_flags = 1, .ifi_change = 1 }, sizeof(any_link));
    tell("lo as it is", RTM_NEWLINK, ack, &link_lo, sizeof(link_lo));
    tell("lo anew", RTM_NEWLINK, ack | NLM_F_EXCL | NLM_F_CREATE, &link_lo, sizeof(link_lo));
    tell("nothing up", RTM_NEWLINK, ack,
         &(struct ifinfomsg){ .ifi_index = 4711, .ifi_flags = 1, .ifi_change = 1 },
         sizeof(any_link));
}

/* A message's length is less than its head's, more than there is, or not a multiple of 4. */
static void lengths(void)
{
    static const unsigned len[] = { 0,          1,          15,         33,        100,
                                    0x7fffffff, 0x80000010, 0xfffffff0, 0xffffffff };
    struct request r[2];
    int s = netlink_socket();

    CHECK_ERR(ENODATA, send(s, "", 0, 0));
    CHECK(write(s, "", 1) == 1 && write(s, "fifteen bytes..", 15) == 15);
    CHECK_ERR(EFAULT, send(s, (void *)8, 32, 0));
    for (unsigned i = 0; i < sizeof(len) / sizeof(len[0]); i++) {
        make(&r[0], RTM_GETLINK, NLM_F_REQUEST, &link_lo, sizeof(link_lo));
        r[0].h.nlmsg_len = len[i];
        CHECK_EQ(send(s, r, 32, 0), 32);
        SAY("len %u:", len[i]);
        show(s);
    }
    char both[80] = { 0 };
    make(&r[0], NLMSG_NOOP, NLM_F_ACK, "abc", 3);
    make(&r[1], NLMSG_NOOP, NLM_F_ACK, "", 0);
    memcpy(both, &r[0], 19);
    memcpy(both + 20, &r[1], 16);
    CHECK_EQ(write(s, both, 36), 36);
    SAY("two:");
    show(s);
    CHECK_EQ(write(s, both, 35), 35);
    SAY("one and a half:");
    show(s);
    close(s);
}

/* A request that fails comes back with its error: all of it, or its head only. */
static void echoes(void)
{
    char b[BUFFER], body[64];
    int s = netlink_socket();

    for (unsigned i = 0; i < sizeof(body); i++)
        body[i] = i;
    body[0] = 0;
    ask(s, RTM_GETACTION + 200, NLM_F_REQUEST, body, sizeof(body));
    CHECK_EQ(recv(s, b, sizeof(b), 0), 16 + 4 + 16 + (int)sizeof(body));
    CHECK(memcmp(b + 36, body, sizeof(body)) == 0);
    option(s, NETLINK_CAP_ACK);
    ask(s, RTM_GETACTION + 200, NLM_F_REQUEST, body, sizeof(body));
    CHECK_EQ(recv(s, b, sizeof(b), 0), 36);
    CHECK(((struct nlmsghdr *)b)->nlmsg_flags & NLM_F_CAPPED);
    close(s);
}

/* --- dumps --------------------------------------------------------------------------------------- */

/* Reads to the end of a dump: how many bytes, all of them in b. */
static int drain(int s, char *b, int room)
{
    int n = 0;

    for (;;) {
        int got = recv(s, b + n, room - n, 0);
        if (got < 0)
            break;
        n += got;
    }
    CHECK_EQ(errno, EAGAIN);
    return n;
}

static void dumps(void)
{
    static const struct {
        const char *what;
        int type;
        unsigned char family;
    } all[] = {
        { "links", RTM_GETLINK, AF_UNSPEC },         { "links of IPv4", RTM_GETLINK, AF_INET },
        { "links of IPv6", RTM_GETLINK, AF_INET6 },  { "links of packets", RTM_GETLINK, 17 },
        { "addresses", RTM_GETADDR, AF_UNSPEC },     { "addresses of IPv4", RTM_GETADDR, AF_INET },
        { "addresses of packets", RTM_GETADDR, 17 }, { "routes", RTM_GETROUTE, AF_UNSPEC },
        { "routes of IPv4", RTM_GETROUTE, AF_INET }, { "nothing known", RTM_MAX + 40, AF_UNSPEC },
    };
    char whole[sizeof(struct rtmsg)] = { 0 };

    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        whole[0] = all[i].family;
        tell(all[i].what, all[i].type, NLM_F_REQUEST | NLM_F_DUMP, whole, sizeof(whole));
        whole[0] = 0;
    }
    tell("one byte", RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, "", 1);
    tell("root only", RTM_GETLINK, NLM_F_REQUEST | NLM_F_ROOT, whole, sizeof(whole));
    tell("and ack", RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP | NLM_F_ACK, whole, sizeof(whole));
    int s = netlink_socket();
    ask(s, RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, whole, sizeof(whole));
    ask(s, RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, whole, sizeof(whole));
    SAY("one after the other, without looking:");
    show(s);
    ask(s, RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, whole, sizeof(whole));
    SAY("after the end of the first:");
    show(s);
    close(s);
}

/* Strict sockets are told what does not belong into a dump's request. */
static void strict_one(const char *what, int type, const void *body, size_t n)
{
    int s = netlink_socket();

    option(s, NETLINK_GET_STRICT_CHK);
    ask(s, type, NLM_F_REQUEST | NLM_F_DUMP, body, n);
    SAY("strict %s:", what);
    show(s);
    close(s);
}

struct route_and {
    struct rtmsg m;
    struct rtattr a;
    unsigned value;
};

static void strict_route(const char *what, struct rtmsg m, int type, unsigned value)
{
    struct route_and r = { m, { RTA_LENGTH(sizeof(value)), type }, value };

    strict_one(what, RTM_GETROUTE, &r, type ? sizeof(r) : sizeof(m));
}

static void strict(void)
{
    struct ifaddrmsg one = { .ifa_index = LO }, none = { .ifa_index = 4711 },
                     prefix = { .ifa_prefixlen = 8 };
    char long_one[9] = { 0 };

    strict_one("links", RTM_GETLINK, &any_link, sizeof(any_link));
    strict_one("links by index", RTM_GETLINK, &link_lo, sizeof(link_lo));
    strict_one("links, short", RTM_GETLINK, &any_link, 4);
    strict_one("addresses of lo", RTM_GETADDR, &one, sizeof(one));
    strict_one("addresses of none", RTM_GETADDR, &none, sizeof(none));
    strict_one("addresses by prefix", RTM_GETADDR, &prefix, sizeof(prefix));
    strict_one("addresses, short", RTM_GETADDR, &one, 4);
    strict_one("addresses, long", RTM_GETADDR, long_one, sizeof(long_one));
    strict_route("routes", any_route, 0, 0);
    strict_route("local", (struct rtmsg){ .rtm_table = RT_TABLE_LOCAL }, 0, 0);
    strict_route("local, said twice", any_route, RTA_TABLE, RT_TABLE_LOCAL);
    strict_route("no table", (struct rtmsg){ .rtm_family = AF_INET }, RTA_TABLE, 4711);
    strict_route("no table, any family", any_route, RTA_TABLE, 4711);
    strict_route("by lo", (struct rtmsg){ .rtm_family = AF_INET }, RTA_OIF, LO);
    strict_route("by none", (struct rtmsg){ .rtm_family = AF_INET }, RTA_OIF, 4711);
    strict_route("by goal", (struct rtmsg){ .rtm_family = AF_INET }, RTA_DST, 0x100007f);
    strict_route("wide", (struct rtmsg){ .rtm_family = AF_INET, .rtm_dst_len = 8 }, 0, 0);
    strict_route("broadcast", (struct rtmsg){ .rtm_family = AF_INET, .rtm_type = RTN_BROADCAST }, 0,
                 0);
    strict_route("of ospf", (struct rtmsg){ .rtm_family = AF_INET, .rtm_protocol = 188 }, 0, 0);
}

/* --- reading --------------------------------------------------------------------------------------- */

static void reading(void)
{
    int s = netlink_socket(), p = epoll_create1(0);
    struct pollfd f = { .fd = s, .events = POLLIN | POLLOUT };
    struct epoll_event e = { .events = EPOLLIN | EPOLLET };
    char b[BUFFER];

    CHECK(epoll_ctl(p, EPOLL_CTL_ADD, s, &e) == 0 && epoll_wait(p, &e, 1, 0) == 0);
    CHECK(poll(&f, 1, 0) == 1);
    SAY("ready: %x", f.revents);
    ask(s, RTM_GETLINK, NLM_F_REQUEST, &link_lo, sizeof(link_lo));
    CHECK(poll(&f, 1, -1) == 1 && epoll_wait(p, &e, 1, -1) == 1);
    SAY(", then %x, %x\n", f.revents, e.events);
    int whole = recv(s, NULL, 0, MSG_PEEK | MSG_TRUNC);
    CHECK(whole > 100 && whole == recv(s, b, 20, MSG_PEEK | MSG_TRUNC));
    CHECK_EQ(((struct nlmsghdr *)b)->nlmsg_len, whole);
    CHECK_EQ(recv(s, b, 20, MSG_PEEK), 20);
    struct iovec v = { b, 20 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
    CHECK(recvmsg(s, &m, 0) == 20 && (m.msg_flags & MSG_TRUNC)); /* the rest of it is gone */
    CHECK_ERR(EAGAIN, recv(s, b, 20, 0));
    ask(s, RTM_GETLINK, NLM_F_REQUEST, &link_lo, sizeof(link_lo));
    CHECK_EQ(read(s, b, sizeof(b)), whole);
    ask(s, RTM_GETLINK, NLM_F_REQUEST, &link_lo, sizeof(link_lo));
    CHECK_ERR(EFAULT, recv(s, (void *)8, sizeof(b), 0));
    close(s), close(p);
    s = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE); /* one that waits */
    struct timeval t = { .tv_usec = 1000 };
    CHECK(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) == 0);
    CHECK_ERR(EAGAIN, recv(s, b, sizeof(b), 0));
    CHECK_ERR(EAGAIN, recv(s, b, sizeof(b), 0));
    close(s);
}

static void along(void)
{
    char b[BUFFER], c[256] __attribute__((aligned(8)));
    struct iovec v = { b, sizeof(b) };
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof(c)
    };
    int s = netlink_socket();

    option(s, NETLINK_PKTINFO);
    CHECK(setsockopt(s, SOL_SOCKET, SO_PASSCRED, &(int){ 1 }, sizeof(int)) == 0);
    ask(s, NLMSG_NOOP, NLM_F_ACK, "", 0);
    CHECK_EQ(recvmsg(s, &m, 0), 36);
    for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h != NULL; h = CMSG_NXTHDR(&m, h)) {
        SAY("along: level %d type %d,", h->cmsg_level, h->cmsg_type);
        for (unsigned i = 0; i < (h->cmsg_len - sizeof(*h)) / 4; i++)
            SAY(" %u", ((unsigned *)CMSG_DATA(h))[i]);
        SAY("\n");
    }
    close(s);
}

/* What does not fit is lost; the next call is told, once, and again after the queue was empty. */
static void overrun(void)
{
    char b[BUFFER];
    int s = netlink_socket(), quiet = netlink_socket(), first, n = 0;

    for (int i = 0; i < 2; i++)
        CHECK(setsockopt(i ? quiet : s, SOL_SOCKET, SO_RCVBUF, &(int){ 1 }, sizeof(int)) == 0);
    option(quiet, NETLINK_NO_ENOBUFS);
    for (int i = 0; i < 20; i++) {
        ask(s, NLMSG_NOOP, NLM_F_ACK, "", 0);
        ask(quiet, NLMSG_NOOP, NLM_F_ACK, "", 0);
    }
    struct pollfd f = { .fd = s, .events = POLLIN };
    CHECK(poll(&f, 1, 0) == 1);
    SAY("too much: %x", f.revents);
    CHECK_ERR(ENOBUFS, recv(s, b, sizeof(b), 0));
    ask(s, NLMSG_NOOP, NLM_F_ACK, "", 0); /* lost as well, which is no news */
    CHECK((first = drain(s, b, sizeof(b))) >= 36 && first < 20 * 36);
    while (recv(quiet, b, sizeof(b), 0) == 36)
        n++;
    CHECK(n > 0 && n < 20);
    ask(s, NLMSG_NOOP, NLM_F_ACK, "", 0);
    CHECK_EQ(drain(s, b, sizeof(b)), 36);
    for (int i = 0; i < 20; i++)
        ask(s, NLMSG_NOOP, NLM_F_ACK, "", 0);
    CHECK_ERR(ENOBUFS, recv(s, b, sizeof(b), 0));
    CHECK_EQ(drain(s, b, sizeof(b)), first);
    SAY(", then it goes on\n");
    CHECK(setsockopt(s, SOL_SOCKET, SO_SNDBUF, &(int){ 1 }, sizeof(int)) == 0);
    CHECK_ERR(EMSGSIZE, send(s, b, 5000, 0));
    close(s), close(quiet);
}

static void options(void)
{
    int s = netlink_socket(), v;
    unsigned groups[2] = { 0 };
    socklen_t len;

    for (int i = 0; i < 16; i++) {
        if (i == 6 || i == 7) /* rings, of old */
            continue;
        len = sizeof(v);
        SAY("%d: get %d", i, getsockopt(s, SOL_NETLINK, i, &v, &len) < 0 ? errno : 0);
        SAY(", set %d; ", setsockopt(s, SOL_NETLINK, i, &(int){ 1 }, sizeof(v)) < 0 ? errno : 0);
    }
    SAY("\n");
    for (int i = 3; i <= 12; i++) {
        len = sizeof(v);
        if ((i <= 5 || i == 8 || i >= 10) && i != 6)
            CHECK(getsockopt(s, SOL_NETLINK, i, &v, &len) == 0 && v == 1 && len == sizeof(v));
    }
    CHECK(setsockopt(s, SOL_NETLINK, NETLINK_CAP_ACK, NULL, 0) == 0); /* short: off */
    len = sizeof(v);
    CHECK(getsockopt(s, SOL_NETLINK, NETLINK_CAP_ACK, &v, &len) == 0 && v == 0);
    CHECK_ERR(ENOPROTOOPT, getsockopt(s, SOL_SOCKET + 5, 1, &v, &len));
    close(s);
    s = netlink_socket();
    len = sizeof(groups);
    CHECK(getsockopt(s, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, groups, &len) == 0 && len == 0);
    v = RTNLGRP_LINK;
    CHECK(setsockopt(s, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &v, sizeof(v)) == 0);
    v = RTNLGRP_IPV6_ROUTE;
    CHECK(setsockopt(s, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &v, sizeof(v)) == 0);
    len = sizeof(groups);
    CHECK(getsockopt(s, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, groups, &len) == 0);
    SAY("groups %x %x in %d, %x\n", groups[0], groups[1], (int)len, name_of(s, 0).nl_groups);
    CHECK(setsockopt(s, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, &v, sizeof(v)) == 0);
    CHECK_EQ(name_of(s, 0).nl_groups, 1);
    v = 1000;
    CHECK_ERR(EINVAL, setsockopt(s, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &v, sizeof(v)));
    close(s);
}

/* Questions with anything behind their heads: whatever is answered is whole. */
static void hostile(void)
{
    static const int type[] = { RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE };
    char b[BUFFER] __attribute__((aligned(4)));
    unsigned dice = 1;
    struct request r;

    for (int i = 0; i < 3000; i++) {
        int s = netlink_socket(), n = (dice = dice * 1103515245 + 12345) >> 8 & 127, left;
        if (i % 3 == 0)
            option(s, NETLINK_GET_STRICT_CHK);
        make(&r, type[(dice >> 16) % 3], NLM_F_REQUEST | (i % 2 ? NLM_F_DUMP : 0), "", 0);
        for (int k = 0; k < n; k++) /* lengths and types are small, mostly */
            r.body[k] = (dice = dice * 1103515245 + 12345) >> 28 & (k % 2 ? 0 : 15);
        r.body[0] = i % 5 == 0 ? AF_INET : i % 5 == 1 ? AF_INET6 : 0;
        r.h.nlmsg_len += n;
        CHECK_EQ(send(s, &r, r.h.nlmsg_len, 0), r.h.nlmsg_len);
        while ((left = recv(s, b, sizeof(b), 0)) > 0) {
            for (struct nlmsghdr *h = (void *)b; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left))
                CHECK(h->nlmsg_seq == 4711);
            CHECK_EQ(left, 0);
        }
        CHECK_EQ(errno, EAGAIN);
        close(s);
    }
    int s = netlink_socket(), n = 100000; /* and attributes without end */
    char *all = calloc(1, n);
    make(&r, RTM_GETLINK, NLM_F_REQUEST, &any_link, sizeof(any_link));
    r.h.nlmsg_len = n;
    memcpy(all, &r, 32);
    for (int at = 32; at < n; at += 4)
        *(struct rtattr *)(all + at) = (struct rtattr){ 4, IFLA_WIRELESS };
    CHECK_EQ(send(s, all, n, 0), n);
    CHECK(recv(s, b, sizeof(b), 0) >= 36);
    CHECK_EQ(((struct nlmsgerr *)(b + 16))->error, -EINVAL);
    for (int at = 0; at < n; at += 16) /* and requests */
        memcpy(all + at, &(struct nlmsghdr){ 16, NLMSG_NOOP, NLM_F_ACK, 4711, 0 }, 16);
    CHECK_EQ(send(s, all, n, 0), n);
    CHECK_ERR(ENOBUFS, recv(s, b, sizeof(b), 0));
    CHECK_EQ(recv(s, b, sizeof(b), 0), 36);
    free(all);
    close(s);
}

static void unprivileged(void)
{
    struct sockaddr_nl a = nl(4711, 0);
    int s;

    CHECK(setresuid(1000, 1000, 1000) == 0);
    tell("dump", RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, "", 1);
    tell("change", RTM_NEWLINK, NLM_F_REQUEST, &link_lo, sizeof(link_lo));
    tell("unknown change", RTM_MAX + 37, NLM_F_REQUEST, &link_lo, sizeof(link_lo));
    CHECK(bind_to(s = netlink_socket(), 0, 1) == 0);
    CHECK_ERR(EPERM, connect(s, (struct sockaddr *)&a, sizeof(a)));
    CHECK_ERR(EPERM, sendto(s, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)));
    CHECK_ERR(EPERM, setsockopt(s, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &(int){ 1 }, 4));
}

static void test(void)
{
    which();
    names();
    answers();
    lengths();
    echoes();
    dumps();
    strict();
    reading();
    along();
    overrun();
    options();
    hostile();
    CHECK_EQ(CHILD(unprivileged()), EXITED(0));
}
