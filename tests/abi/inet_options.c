/* Options of sockets: what is told at first and after it was set, who may not set it; what MSG_MORE, TCP_CORK and
 * UDP_CORK hold back; what IP_PKTINFO and the others bring along; groups of multicast; IPV6_ADDRFORM; UDP-Lite. */
#include "check.h"
#include <sys/time.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifndef IPPROTO_UDPLITE
#define IPPROTO_UDPLITE 136
#endif

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons(port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* --- told and set ---------------------------------------------------------------------------- */

#define OPTION(level, option) \
    { \
        level, option, #level " " #option \
    }
static const struct {
    int level, option;
    const char *name;
} options[] = {
    OPTION(SOL_SOCKET, SO_DEBUG),
    OPTION(SOL_SOCKET, SO_TYPE),
    OPTION(SOL_SOCKET, SO_NO_CHECK),
    OPTION(SOL_SOCKET, SO_PRIORITY),
    OPTION(SOL_SOCKET, SO_LINGER),
    OPTION(SOL_SOCKET, SO_BSDCOMPAT),
    OPTION(SOL_SOCKET, SO_REUSEPORT),
    OPTION(SOL_SOCKET, SO_PASSCRED),
    OPTION(SOL_SOCKET, SO_RCVTIMEO),
    OPTION(SOL_SOCKET, SO_BINDTODEVICE),
    OPTION(SOL_SOCKET, SO_PEERNAME),
    OPTION(SOL_SOCKET, SO_TIMESTAMP),
    OPTION(SOL_SOCKET, SO_TIMESTAMPNS),
    OPTION(SOL_SOCKET, SO_PASSSEC),
    OPTION(SOL_SOCKET, SO_MARK),
    OPTION(SOL_SOCKET, SO_PROTOCOL),
    OPTION(SOL_SOCKET, SO_DOMAIN),
    OPTION(SOL_SOCKET, SO_RXQ_OVFL),
    OPTION(SOL_SOCKET, SO_BUSY_POLL),
    OPTION(SOL_SOCKET, SO_MAX_PACING_RATE),
    OPTION(SOL_SOCKET, SO_INCOMING_CPU),
    OPTION(SOL_SOCKET, 62 /* SO_BINDTOIFINDEX */),
    OPTION(SOL_SOCKET, 200),
    OPTION(SOL_TCP, TCP_NODELAY),
    OPTION(SOL_TCP, TCP_MAXSEG),
    OPTION(SOL_TCP, TCP_KEEPIDLE),
    OPTION(SOL_TCP, TCP_LINGER2),
    OPTION(SOL_TCP, TCP_DEFER_ACCEPT),
    OPTION(SOL_TCP, TCP_WINDOW_CLAMP),
    OPTION(SOL_TCP, TCP_THIN_LINEAR_TIMEOUTS),
    OPTION(SOL_TCP, 200),
    OPTION(SOL_IP, IP_TOS),
    OPTION(SOL_IP, IP_TTL),
    OPTION(SOL_IP, IP_HDRINCL),
    OPTION(SOL_IP, IP_PKTINFO),
    OPTION(SOL_IP, IP_RECVTTL),
    OPTION(SOL_IP, IP_FREEBIND),
    OPTION(SOL_IP, IP_TRANSPARENT),
    OPTION(SOL_IP, IP_MTU),
    OPTION(SOL_IP, IP_MINTTL),
    OPTION(SOL_IP, IP_MULTICAST_IF),
    OPTION(SOL_IP, IP_MULTICAST_TTL),
    OPTION(SOL_IP, IP_MULTICAST_LOOP),
    OPTION(SOL_IP, IP_MULTICAST_ALL),
    OPTION(SOL_IP, 500),
    OPTION(SOL_IPV6, IPV6_ADDRFORM),
    OPTION(SOL_IPV6, IPV6_UNICAST_HOPS),
    OPTION(SOL_IPV6, IPV6_MULTICAST_IF),
    OPTION(SOL_IPV6, IPV6_MULTICAST_HOPS),
    OPTION(SOL_IPV6, IPV6_MULTICAST_LOOP),
    OPTION(SOL_IPV6, IPV6_RECVPKTINFO),
    OPTION(SOL_IPV6, IPV6_RECVHOPLIMIT),
    OPTION(SOL_IPV6, IPV6_DONTFRAG),
    OPTION(SOL_IPV6, IPV6_AUTOFLOWLABEL),
    OPTION(SOL_IPV6, 500),
    OPTION(SOL_UDP, UDP_CORK),
    OPTION(SOL_UDP, 500),
    OPTION(500, 1),
    OPTION(-1, 1),
};

static void tell(int fd, int level, int option)
{
    unsigned char value[64] = { 0 };
    socklen_t len = sizeof(value);

    if (getsockopt(fd, level, option, value, &len) != 0) {
        SAY(" %s", strerror(errno));
        return;
    }
    SAY(" ");
    for (unsigned i = 0; i < len; i++)
        SAY("%02x", value[i]);
}

static void told_and_set(const char *what, int family, int type)
{
    int fd = socket(family, type, 0);

    for (unsigned i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        SAY("%s %s:", what, options[i].name);
        tell(fd, options[i].level, options[i].option);
        for (int value = 1; value >= -1; value--) {
            int set = setsockopt(fd, options[i].level, options[i].option, &value, sizeof(value));
            SAY(", %d %s", value, set == 0 ? "set" : strerror(errno));
            tell(fd, options[i].level, options[i].option);
        }
        SAY("\n");
    }
    close(fd);
}

static void names_of_peers(void)
{
    int s[2], got = 0;
    struct sockaddr_un a;
    socklen_t len = sizeof(a);
    char name[16];

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
    CHECK(getsockopt(s[0], SOL_SOCKET, SO_PEERNAME, &a, &len) == -1 && errno == EINVAL);
    len = 2;
    CHECK(getsockopt(s[0], SOL_SOCKET, SO_PEERNAME, &a, &len) == 0 && a.sun_family == AF_UNIX);
    uint64_t cookie[2] = { 0, 0 };
    len = sizeof(cookie[0]);
    CHECK(getsockopt(s[0], SOL_SOCKET, SO_COOKIE, &cookie[0], &len) == 0);
    CHECK(getsockopt(s[1], SOL_SOCKET, SO_COOKIE, &cookie[1], &len) == 0);
    CHECK(cookie[0] != 0 && cookie[1] != 0 && cookie[0] != cookie[1]);
    CHECK(setsockopt(s[0], SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) == 0);
    len = sizeof(name);
    CHECK(getsockopt(s[0], SOL_SOCKET, SO_BINDTODEVICE, name, &len) == 0 && len == 3);
    len = sizeof(got);
    CHECK(getsockopt(s[0], SOL_SOCKET, SO_BINDTODEVICE, &got, &len) == -1 && errno == EINVAL);
    CHECK(setsockopt(s[0], SOL_SOCKET, SO_BINDTODEVICE, "eth77", 6) == -1 && errno == ENODEV);
    close(s[0]);
    close(s[1]);
}

/* --- held back --------------------------------------------------------------------------------- */

struct way {
    int type, protocol, connect, level, cork;
};

static int sends(const struct way *w, int s, const struct sockaddr_in *to, size_t n, int flags)
{
    static const char bytes[40000];

    return (int)sendto(s, bytes, n, flags, w->connect ? NULL : (const void *)to,
                       w->connect ? 0 : sizeof(*to));
}

/* How many bytes are there at once; -1: none. */
static int there(int fd)
{
    char bytes[64];

    return (int)recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
}

static int there_soon(int fd)
{
    char bytes[64];

    return (int)recv(fd, bytes, sizeof(bytes), 0);
}

static void held_back(const struct way *w)
{
    struct sockaddr_in to = loopback(0);
    socklen_t len = sizeof(to);
    int listener = socket(AF_INET, w->type, w->protocol), d = listener, on = 1, off = 0;
    int s = socket(AF_INET, w->type, w->protocol);

    CHECK(bind(listener, (void *)&to, sizeof(to)) == 0);
    CHECK(getsockname(listener, (void *)&to, &len) == 0);
    CHECK(w->type != SOCK_STREAM || listen(listener, 1) == 0);
    CHECK(!w->connect || connect(s, (void *)&to, sizeof(to)) == 0);
    if (w->type == SOCK_STREAM)
        d = accept(listener, NULL, NULL);
    CHECK(sends(w, s, &to, 16, 0) == 16 && there_soon(d) == 16);
    CHECK(sends(w, s, &to, 16, MSG_MORE) == 16 && there(d) == -1);
    CHECK(sends(w, s, &to, 1, 0) == 1 && there_soon(d) == 17);
    CHECK(setsockopt(s, w->level, w->cork, &on, sizeof(on)) == 0);
    CHECK(sends(w, s, &to, 5, 0) == 5 && sends(w, s, &to, 6, 0) == 6 && there(d) == -1);
    CHECK(setsockopt(s, w->level, w->cork, &off, sizeof(off)) == 0 && there_soon(d) == 11);
    if (w->type == SOCK_STREAM) { /* for a while; and what closes sends it */
        CHECK(sends(w, s, &to, 3, MSG_MORE) == 3 && there_soon(d) == 3);
        CHECK(sends(w, s, &to, 4, MSG_MORE) == 4 && shutdown(s, SHUT_WR) == 0);
        CHECK(there_soon(d) == 4 && there_soon(d) == 0);
    } else { /* too much: all of it is lost */
        CHECK(sends(w, s, &to, 40000, MSG_MORE) == 40000);
        CHECK(sends(w, s, &to, 40000, MSG_MORE) == -1 && errno == EMSGSIZE);
        CHECK(sends(w, s, &to, 2, 0) == 2 && there_soon(d) == 2);
    }
    close(s);
    close(d);
    close(listener);
}

/* --- what comes along ------------------------------------------------------------------------------ */

static void brings(int family)
{
    static const int asked4[] = { IP_PKTINFO, IP_RECVTTL, IP_RECVTOS };
    static const int asked6[] = { IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS };
    int level = family == AF_INET ? SOL_IP : SOL_IPV6, on = 1, hops = 77, traffic = 0x28;
    struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    int d = socket(family, SOCK_DGRAM, 0), s = socket(family, SOCK_DGRAM, 0);
    socklen_t len = sizeof(a);
    char byte, control[256];
    struct iovec v = { &byte, 1 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control };

    if (family == AF_INET)
        *(struct sockaddr_in *)&a = loopback(0);
    CHECK(bind(d, (void *)&a, len) == 0 && getsockname(d, (void *)&a, &len) == 0);
    for (int i = 0; i < 3; i++)
        CHECK(setsockopt(d, level, (family == AF_INET ? asked4 : asked6)[i], &on, sizeof(on)) == 0);
    CHECK(setsockopt(s, level, family == AF_INET ? IP_TTL : IPV6_UNICAST_HOPS, &hops,
                     sizeof(hops)) == 0);
    CHECK(setsockopt(s, level, family == AF_INET ? IP_TOS : IPV6_TCLASS, &traffic,
                     sizeof(traffic)) == 0);
    for (int i = 0; i < 2; i++) {
        m.msg_controllen = i == 0 ? sizeof(control) : 20;
        CHECK(sendto(s, "x", 1, 0, (void *)&a, len) == 1 && recvmsg(d, &m, 0) == 1);
        SAY("family %d, flags %x\n", family, m.msg_flags);
        for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h != NULL; h = CMSG_NXTHDR(&m, h)) {
            SAY("  %d %d:", h->cmsg_level, h->cmsg_type);
            for (size_t k = 0; k < h->cmsg_len - CMSG_LEN(0); k++)
                SAY(" %02x", CMSG_DATA(h)[k]);
            SAY("\n");
        }
    }
    m.msg_controllen = CMSG_SPACE(sizeof(int)); /* of one datagram only */
    memset(control, 0, sizeof(control));
    *CMSG_FIRSTHDR(&m) =
        (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
                          .cmsg_level = level,
                          .cmsg_type = family == AF_INET ? IP_TTL : IPV6_HOPLIMIT };
    memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &(int){ 42 }, sizeof(int));
    m.msg_name = &a;
    m.msg_namelen = len;
    CHECK(sendmsg(s, &m, 0) == 1);
    m.msg_name = NULL;
    m.msg_controllen = sizeof(control);
    CHECK(recvmsg(d, &m, 0) == 1);
    hops = 0;
    for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h != NULL; h = CMSG_NXTHDR(&m, h))
        if (h->cmsg_type == (family == AF_INET ? IP_TTL : IPV6_HOPLIMIT))
            memcpy(&hops, CMSG_DATA(h), sizeof(hops));
    CHECK(hops == 42);
    CHECK(setsockopt(d, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on)) == 0);
    struct timeval stamp, before, after;
    int in_time = 0;
    /* It is told when it came, not when it is read; on Linux from some moment after setsockopt() on. */
    for (int tries = 200; !in_time && tries > 0; tries--) {
        m.msg_controllen = sizeof(control);
        gettimeofday(&before, NULL);
        CHECK(sendto(s, "x", 1, 0, (void *)&a, len) == 1);
        gettimeofday(&after, NULL);
        msleep(5);
        CHECK(recvmsg(d, &m, 0) == 1);
        struct cmsghdr *h = CMSG_FIRSTHDR(&m);
        CHECK(h->cmsg_level == SOL_SOCKET && h->cmsg_type == SO_TIMESTAMP);
        memcpy(&stamp, CMSG_DATA(h), sizeof(stamp));
        in_time = !timercmp(&stamp, &before, <) && !timercmp(&stamp, &after, >);
        CHECK(in_time || !is_forkscope());
    }
    CHECK(in_time);
    close(s);
    close(d);
}

/* --- groups, families, protocols ---------------------------------------------------------------------- */

static void groups(void)
{
    struct group_req g = { .gr_interface = 1 };
    struct sockaddr_in *group = (void *)&g.gr_group, a = loopback(0);
    int s = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t len = sizeof(a);

    group->sin_family = AF_INET;
    group->sin_addr.s_addr = htonl(0xe0000000);
#define GROUP(fd, option) setsockopt(fd, SOL_IP, option, &g, sizeof(g))
    CHECK(GROUP(s, MCAST_JOIN_GROUP) == 0);
    CHECK(GROUP(s, MCAST_JOIN_GROUP) == -1 && errno == EADDRINUSE);
    CHECK(bind(s, (void *)&a, len) == 0 && listen(s, 1) == 0 &&
          getsockname(s, (void *)&a, &len) == 0);
    CHECK(connect(c, (void *)&a, len) == 0);
    int d = accept(s, NULL, NULL);
    CHECK(GROUP(d, MCAST_LEAVE_GROUP) == -1 && errno == EADDRNOTAVAIL);
    CHECK(GROUP(s, MCAST_LEAVE_GROUP) == 0);
    CHECK(GROUP(s, MCAST_LEAVE_GROUP) == -1 && errno == EADDRNOTAVAIL);
    group->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(GROUP(s, MCAST_JOIN_GROUP) == -1 && errno == EINVAL);
    CHECK(setsockopt(s, SOL_IP, MCAST_JOIN_GROUP, &g, 8) == -1 && errno == EINVAL);
    g.gr_interface = 12345;
    group->sin_addr.s_addr = htonl(0xe0000000);
    CHECK(GROUP(s, MCAST_JOIN_GROUP) == -1 && errno == ENODEV);
    close(c);
    close(d);
    close(s);
}

/* What a socket of IPv6 accepted from one of IPv4 becomes one of IPv4. */
static void address_form(void)
{
    struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
    struct sockaddr_in to = loopback(0), any4 = { .sin_family = AF_INET };
    struct sockaddr none = { .sa_family = AF_UNSPEC };
    int s = socket(AF_INET6, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), value = AF_INET;
    socklen_t len = sizeof(any);

    CHECK(bind(s, (void *)&any, len) == 0 && listen(s, 1) == 0);
    CHECK(getsockname(s, (void *)&any, &len) == 0);
#define FORM(fd) setsockopt(fd, SOL_IPV6, IPV6_ADDRFORM, &value, sizeof(value))
    CHECK(FORM(s) == -1 && errno == ENOTCONN);
    to.sin_port = any.sin6_port;
    CHECK(connect(c, (void *)&to, sizeof(to)) == 0);
    int d = accept(s, NULL, NULL);
    CHECK(FORM(d) == 0);
    CHECK(FORM(d) == -1 && errno == ENOPROTOOPT);
    len = sizeof(to);
    CHECK(getpeername(d, (void *)&to, &len) == 0 && len == sizeof(to) && to.sin_family == AF_INET);
    CHECK(connect(d, &none, sizeof(none)) == 0 && bind(d, (void *)&any4, sizeof(any4)) == 0);
    CHECK(listen(d, 1) == 0 && getsockname(d, (void *)&to, &len) == 0);
    close(c);
    c = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(connect(c, (void *)&to, sizeof(to)) == 0);
    close(accept(d, NULL, NULL));
    close(d);
    close(c);
    close(s);
}

static void udp_lite(void)
{
    struct sockaddr_in a = loopback(0);
    socklen_t len = sizeof(a);
    int u = socket(AF_INET, SOCK_DGRAM, 0), l = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE);
    int other = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE);

    CHECK(bind(u, (void *)&a, len) == 0 && getsockname(u, (void *)&a, &len) == 0);
    CHECK(bind(l, (void *)&a, len) == 0); /* its ports are its own */
    CHECK(bind(other, (void *)&a, len) == -1 && errno == EADDRINUSE);
    CHECK(sendto(other, "x", 1, 0, (void *)&a, len) == 1 && there_soon(l) == 1 && there(u) == -1);
    close(u);
    close(l);
    close(other);
}

static void unprivileged(void)
{
    int s = socket(AF_INET, SOCK_STREAM, 0), yes = 1, no = 0;

    CHECK_EQ(CHILD(CHECK_EQ(setuid(12345), 0);
                   CHECK_ERR(EACCES, setsockopt(s, SOL_SOCKET, SO_DEBUG, &yes, sizeof(yes)));
                   CHECK_EQ(setsockopt(s, SOL_SOCKET, SO_DEBUG, &no, sizeof(no)), 0)),
             0);
    CHECK_EQ(setsockopt(s, SOL_SOCKET, SO_DEBUG, &yes, sizeof(yes)), 0);
    close(s);
}

static void test(void)
{
    static const struct way ways[] = {
        { SOCK_STREAM, 0, 1, SOL_TCP, TCP_CORK },
        { SOCK_DGRAM, 0, 1, SOL_UDP, UDP_CORK },
        { SOCK_DGRAM, 0, 0, SOL_UDP, UDP_CORK },
    };

    told_and_set("tcp", AF_INET, SOCK_STREAM);
    told_and_set("udp", AF_INET, SOCK_DGRAM);
    told_and_set("tcp6", AF_INET6, SOCK_STREAM);
    told_and_set("udp6", AF_INET6, SOCK_DGRAM);
    told_and_set("unix", AF_UNIX, SOCK_STREAM);
    names_of_peers();
    unprivileged();
    for (unsigned i = 0; i < 3; i++)
        held_back(&ways[i]);
    brings(AF_INET);
    brings(AF_INET6);
    groups();
    address_form();
    udp_lite();
}
