/* UDP on the loopback interface: names, who gets what, connected or not, nobody there, sizes,
 * several messages at a time, what poll says, errors; IPv4, IPv6 and both; its broadcast address. */
#include "inet.h"
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

static socklen_t address(union address *a, int family, int local, int port)
{
    memset(a, 0, sizeof(*a));
    a->any.sa_family = family;
    if (family == AF_INET) {
        a->in.sin_port = htons(port);
        a->in.sin_addr.s_addr = htonl(local ? INADDR_LOOPBACK : INADDR_ANY);
        return sizeof(a->in);
    }
    a->in6.sin6_port = htons(port);
    a->in6.sin6_addr = local ? in6addr_loopback : in6addr_any;
    return sizeof(a->in6);
}

static int port_of(int fd)
{
    union address a;
    socklen_t len = sizeof(a);

    CHECK(getsockname(fd, &a.any, &len) == 0);
    return ntohs(a.in.sin_port);
}

static int bind_to(int fd, int family, int port)
{
    union address a;
    socklen_t len = address(&a, family, 1, port);

    return bind(fd, &a.any, len);
}

static int connect_to(int fd, int family, int port)
{
    union address a;
    socklen_t len = address(&a, family, 1, port);

    return connect(fd, &a.any, len);
}

static long send_to(int fd, int family, int port, const void *b, size_t n)
{
    union address a;
    socklen_t len = address(&a, family, 1, port);

    return sendto(fd, b, n, 0, &a.any, len);
}

static int bound(int family)
{
    int s = socket(family, SOCK_DGRAM, 0);

    CHECK(s >= 0 && bind_to(s, family, 0) == 0);
    return s;
}

static int polled(int fd)
{
    struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDHUP, 0 };

    return poll(&p, 1, 0) >= 0 ? p.revents : -1;
}

static int received(int fd, void *b, size_t n)
{
    struct pollfd p = { fd, POLLIN, 0 };

    poll(&p, 1, 5000);
    return try(recv(fd, b, n, MSG_DONTWAIT));
}

static void unconnected(int family)
{
    int a = bound(family), b = socket(family, SOCK_DGRAM, 0), n = -1;
    union address from;
    socklen_t len = sizeof(from);
    char t[32] = "";

    SAY("family %d: poll %x, port %d\n", family, polled(b), port_of(b));
    SAY("send to nobody %d, recv %d\n", try(send(b, "x", 1, 0)), try(recv(b, t, 1, MSG_DONTWAIT)));
    CHECK(send_to(b, family, port_of(a), "one", 3) == 3);
    CHECK(send_to(b, family, port_of(a), "", 0) == 0);
    CHECK(send_to(b, family, port_of(a), "three", 5) == 5);
    SAY("poll %x, next has ", polled(a));
    CHECK(ioctl(a, FIONREAD, &n) == 0);
    SAY("%d, peek %d\n", n, try(recv(a, t, 2, MSG_PEEK | MSG_TRUNC)));
    CHECK(recvfrom(a, t, sizeof(t), 0, &from.any, &len) == 3 && memcmp(t, "one", 3) == 0);
    SAY("from a socket of %d, len %d, right port: %d\n", from.any.sa_family, (int)len,
        ntohs(from.in.sin_port) == port_of(b));
    SAY("empty %d, ", received(a, t, sizeof(t)));
    struct iovec v = { t, 2 };
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_name = &from, .msg_namelen = sizeof(from)
    };
    SAY("cut %d, flags ", try(recvmsg(a, &m, 0)));
    SAY("%x, name of %d\n", m.msg_flags, (int)m.msg_namelen);
    SAY("no more %d\n", try(recv(a, t, 1, MSG_DONTWAIT)));
    SAY("port 0 %d\n", try(send_to(b, family, 0, "x", 1)));
    CHECK_ERR(ENOTCONN, getpeername(b, &from.any, &len));
    SAY("shutdown %d, listen %d, ", try(shutdown(a, SHUT_RD)), try(listen(b, 1)));
    SAY("accept %d\n", try(accept(b, NULL, NULL)));
    close(a);
    close(b);
}

static void connected(int family)
{
    int a = bound(family), b = bound(family), c = bound(family);
    union address name;
    socklen_t len = sizeof(name);
    char t[8];

    CHECK(connect_to(a, family, port_of(b)) == 0);
    CHECK(getpeername(a, &name.any, &len) == 0 && ntohs(name.in.sin_port) == port_of(b));
    CHECK(send(a, "hi", 2, 0) == 2);
    SAY("connected: %d\n", received(b, t, sizeof(t)));
    CHECK(send_to(c, family, port_of(a), "strange", 7) == 7);
    SAY("a stranger's %d\n", try(recv(a, t, sizeof(t), MSG_DONTWAIT)));
    CHECK(send_to(b, family, port_of(a), "friend", 6) == 6);
    SAY("a friend's %d\n", received(a, t, sizeof(t)));
    SAY("to another one %d", try(send_to(a, family, port_of(c), "x", 1)));
    SAY(", %d\n", received(c, t, sizeof(t)));
    close(b);
    SAY("nobody there: %d", try(send(a, "1", 1, 0)));
    SAY(", poll %x", (WAIT_UNTIL(polled(a) & POLLERR), polled(a)));
    SAY(", recv %d", try(recv(a, t, 1, MSG_DONTWAIT)));
    SAY(", recv %d\n", try(recv(a, t, 1, MSG_DONTWAIT)));
    CHECK(send(a, "1", 1, 0) == 1);
    WAIT_UNTIL(polled(a) & POLLERR);
    SAY("send %d", try(send(a, "2", 1, 0)));
    WAIT_UNTIL(polled(a) & POLLERR);
    SAY(", shutdown %d, poll %x\n", try(shutdown(a, SHUT_RDWR)), polled(a));
    CHECK(send_to(c, family, 9, "x", 1) == 1);
    usleep(10000);
    SAY("not connected: %d\n", try(recv(c, t, 1, MSG_DONTWAIT)));
    name.any.sa_family = AF_UNSPEC;
    CHECK(connect_to(c, family, port_of(a)) == 0 && connect(c, &name.any, len) == 0);
    CHECK_ERR(ENOTCONN, getpeername(c, &name.any, &len));
    SAY("its port, which it did not name, is gone: %d\n", port_of(c) == 0);
    close(a);
    close(c);
}

static void sizes(int family)
{
    static char big[70000], got[70000];
    int a = bound(family), b = bound(family), most = family == AF_INET ? 65507 : 65527;

    for (int i = 0; i < most; i++)
        big[i] = (char)(i * 7 % 251);
    SAY("too big %d", try(send_to(a, family, port_of(b), big, most + 1)));
    CHECK(send_to(a, family, port_of(b), big, most) == most);
    SAY(", not too big %d", received(b, got, sizeof(got)) == most);
    SAY(", the same %d\n", memcmp(big, got, most) == 0);
    for (int i = 0; i < 5000; i++) /* more than has room: lost, and nobody waits */
        CHECK(send_to(a, family, port_of(b), big, 1000) == 1000);
    int n = 0;
    while (recv(b, got, sizeof(got), MSG_DONTWAIT) == 1000)
        n++;
    SAY("some are lost %d, some are not %d\n", n<5000, n> 50);
    close(a);
    close(b);
}

static void many(int family)
{
    int a = bound(family), b = bound(family);
    struct iovec out[3] = { { "a", 1 }, { "bb", 2 }, { "ccc", 3 } }, in[4];
    struct mmsghdr m[4];
    char t[4][8];

    memset(m, 0, sizeof(m));
    for (int i = 0; i < 3; i++)
        m[i].msg_hdr = (struct msghdr){ .msg_iov = &out[i], .msg_iovlen = 1 };
    CHECK(connect_to(a, family, port_of(b)) == 0);
    SAY("sent %d: %u %u %u\n", sendmmsg(a, m, 3, 0), m[0].msg_len, m[1].msg_len, m[2].msg_len);
    for (int i = 0; i < 4; i++) {
        in[i] = (struct iovec){ t[i], 8 };
        m[i].msg_hdr = (struct msghdr){ .msg_iov = &in[i], .msg_iovlen = 1 };
    }
    struct pollfd p = { b, POLLIN, 0 };
    poll(&p, 1, 5000);
    SAY("got %d", recvmmsg(b, m, 4, MSG_WAITFORONE, NULL));
    SAY(": %u %u %u\n", m[0].msg_len, m[1].msg_len, m[2].msg_len);
    close(a);
    close(b);
}

static void ports(int family)
{
    int a = bound(family), b = socket(family, SOCK_DGRAM, 0), on = 1;

    CHECK_ERR(EADDRINUSE, bind_to(b, family, port_of(a)));
    CHECK(setsockopt(a, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
    CHECK_ERR(EADDRINUSE, bind_to(b, family, port_of(a)));
    CHECK(setsockopt(b, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
    CHECK(bind_to(b, family, port_of(a)) == 0);
    CHECK_ERR(EINVAL, bind_to(b, family, 0));
    close(a);
    close(b);
}

static void dual(void)
{
    int s = socket(AF_INET6, SOCK_DGRAM, 0), c = bound(AF_INET), off = 0;
    union address a;
    socklen_t len = address(&a, AF_INET6, 0, 0);
    char t[4];

    CHECK(setsockopt(s, SOL_IPV6, IPV6_V6ONLY, &off, sizeof(off)) == 0);
    CHECK(bind(s, &a.any, len) == 0);
    CHECK(send_to(c, AF_INET, port_of(s), "x", 1) == 1);
    CHECK(recvfrom(s, t, 4, 0, &a.any, &len) == 1);
    SAY("mapped %d\n", IN6_IS_ADDR_V4MAPPED(&a.in6.sin6_addr));
    CHECK(sendto(s, "back", 4, 0, &a.any, len) == 4);
    SAY("back %d\n", received(c, t, 4));
    close(s);
    close(c);
}

/* lo's broadcast address is for who asked for that, and nobody's own. */
static void broadcast(void)
{
    int to = socket(AF_INET, SOCK_DGRAM, 0), s = socket(AF_INET, SOCK_DGRAM, 0),
        t = socket(AF_INET, SOCK_STREAM, 0), six = socket(AF_INET6, SOCK_DGRAM, 0);
    union address a, from;
    socklen_t len = address(&a, AF_INET, 0, 0), flen = sizeof(from);
    char c;

    CHECK(bind(to, &a.any, len) == 0);
    int port = port_of(to);
    a.in.sin_port = htons(port);
    a.in.sin_addr.s_addr = htonl(0x7fffffff);
    CHECK_ERR(EACCES, sendto(s, "x", 1, 0, &a.any, len));
    CHECK_ERR(EACCES, connect(s, &a.any, len));
    CHECK_ERR(ENETUNREACH, connect(t, &a.any, len));
    CHECK(setsockopt(s, SOL_SOCKET, SO_BROADCAST, &(int){ 1 }, sizeof(int)) == 0);
    CHECK(sendto(s, "x", 1, 0, &a.any, len) == 1);
    CHECK(recvfrom(to, &c, 1, 0, &from.any, &flen) == 1 && c == 'x');
    CHECK(from.in.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    CHECK(connect(s, &a.any, len) == 0 && send(s, "y", 1, 0) == 1);
    CHECK(recv(to, &c, 1, 0) == 1 && c == 'y');
    close(s);
    s = socket(AF_INET, SOCK_DGRAM, 0);
    a.in.sin_port = 0;
    CHECK(bind(s, &a.any, len) == 0); /* to hear, not to speak */
    CHECK(send_to(s, AF_INET, port, "z", 1) == 1);
    flen = sizeof(from);
    CHECK(recvfrom(to, &c, 1, 0, &from.any, &flen) == 1 && c == 'z');
    CHECK(from.in.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    len = address(&a, AF_INET6, 0, port);
    memcpy(&a.in6.sin6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\xff\xff\xff", 16);
    CHECK_ERR(EACCES, sendto(six, "x", 1, 0, &a.any, len));
    close(s), close(to), close(t), close(six);
}

static void test(void)
{
    for (int i = 0; i < 2; i++) {
        int family = i ? AF_INET6 : AF_INET;
        unconnected(family);
        connected(family);
        sizes(family);
        many(family);
        ports(family);
    }
    dual();
    broadcast();
}
