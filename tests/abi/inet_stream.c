/* TCP on the loopback interface: names and ports, connecting in all ways, bytes, the ends of a
 * connection (FIN and RST), what poll says, options, errors; IPv4, IPv6 and both. */
#include "inet.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

/* 1: an address of this machine, 0: any. */
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

static int bind_to(int fd, int family, int local, int port)
{
    union address a;
    socklen_t len = address(&a, family, local, port);

    return bind(fd, &a.any, len);
}

static int connect_to(int fd, int family, int port)
{
    union address a;
    socklen_t len = address(&a, family, 1, port);

    return connect(fd, &a.any, len);
}

static int listener(int family, int backlog)
{
    int fd = socket(family, SOCK_STREAM, 0);

    CHECK(fd >= 0 && bind_to(fd, family, 1, 0) == 0 && listen(fd, backlog) == 0);
    return fd;
}

static int polled(int fd)
{
    struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDHUP | POLLPRI, 0 };

    return poll(&p, 1, 0) >= 0 ? p.revents : -1;
}

/* What it says once all of `bits` are there. */
static int polled_for(int fd, int bits)
{
    WAIT_UNTIL((polled(fd) & bits) == bits);
    return polled(fd);
}

static void pair(int family, int s[2])
{
    int l = listener(family, 5);

    s[0] = socket(family, SOCK_STREAM, 0);
    CHECK(connect_to(s[0], family, port_of(l)) == 0);
    s[1] = accept(l, NULL, NULL);
    CHECK(s[1] >= 0);
    close(l);
}

static int error_of(int fd)
{
    int e = -1;
    socklen_t len = sizeof(e);

    CHECK(getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len) == 0);
    return e;
}

static void names(int family)
{
    int l = socket(family, SOCK_STREAM, 0);
    union address a, b;
    socklen_t len = sizeof(a), blen = sizeof(b);

    SAY("family %d: fresh poll %x, port %d\n", family, polled(l), port_of(l));
    CHECK_ERR(ENOTCONN, getpeername(l, &a.any, &len));
    SAY("recv %d\n", try(recv(l, &a, 1, 0)));
    SAY("send %d\n", try(send(l, &a, 1, MSG_NOSIGNAL)));
    SAY("accept %d shutdown %d\n", try(accept(l, NULL, NULL)), try(shutdown(l, SHUT_RD)));
    CHECK(bind_to(l, family, 1, 0) == 0);
    CHECK_ERR(EINVAL, bind_to(l, family, 1, 0));
    CHECK(port_of(l) > 0);
    CHECK(listen(l, 5) == 0);
    SAY("listening poll %x\n", polled(l));
    int c = socket(family, SOCK_STREAM, 0);
    CHECK(connect_to(c, family, port_of(l)) == 0);
    CHECK_ERR(EISCONN, connect_to(c, family, port_of(l)));
    SAY("listening poll %x, connected %x\n", polled_for(l, POLLIN), polled(c));
    int s = accept4(l, &a.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    CHECK(s >= 0);
    CHECK_EQ(ntohs(a.in.sin_port), port_of(c));
    SAY("accepted: family %d, len %d, flags %x\n", a.any.sa_family, (int)len, fcntl(s, F_GETFL));
    CHECK(getsockname(s, &a.any, &len) == 0 && getpeername(c, &b.any, &blen) == 0);
    CHECK(len == blen && memcmp(&a, &b, len) == 0);
    CHECK_EQ(port_of(s), port_of(l));
    CHECK_ERR(EINVAL, listen(c, 5));
    close(l);
    close(c);
    close(s);
}

static void bytes(int family)
{
    int s[2], n = 0;
    char b[64] = "";

    pair(family, s);
    CHECK(send(s[0], "hello world", 11, 0) == 11);
    CHECK(polled_for(s[1], POLLIN) != 0);
    CHECK(ioctl(s[1], FIONREAD, &n) == 0);
    SAY("%d to read, peek %zd", n, recv(s[1], b, 5, MSG_PEEK));
    SAY(" %s", b);
    CHECK(recv(s[1], b, 11, MSG_WAITALL) == 11);
    SAY(" %s, none: %d\n", b, try(recv(s[1], b, 1, MSG_DONTWAIT)));
    pid_t child = START(usleep(20000); CHECK(write(s[0], "abc", 3) == 3); usleep(20000);
                        CHECK(write(s[0], "def", 3) == 3));
    CHECK(recv(s[1], b, 6, MSG_WAITALL) == 6 && memcmp(b, "abcdef", 6) == 0);
    status_of(child);
    struct iovec v[2] = { { "12", 2 }, { "345", 3 } };
    struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };
    CHECK(sendmsg(s[1], &m, 0) == 5);
    SAY("two pieces: %zd", recv(s[0], b, sizeof(b), 0));
    SAY(" %.5s\n", b);
    close(s[0]);
    close(s[1]);
}

/* A stream larger than all buffers, both ways at a time. */
static void much(int family)
{
    enum { TOTAL = 6 << 20, PIECE = 70000 };
    static char b[PIECE];
    int s[2];

    pair(family, s);
    pid_t child = START(close(s[0]); long got = 0; unsigned sum = 0; ssize_t n;
                        while ((n = read(s[1], b, sizeof(b))) > 0) {
                            for (ssize_t i = 0; i < n; i++)
                                sum += (unsigned char)b[i] * (unsigned)((got + i) % 251 + 1);
                            got += n;
                        } SAY("got %ld, sum %u\n", got, sum);
                        CHECK(write(s[1], "done", 4) == 4));
    close(s[1]);
    for (long at = 0; at < TOTAL;) {
        long n = TOTAL - at < PIECE ? TOTAL - at : PIECE;
        for (long i = 0; i < n; i++)
            b[i] = (char)((at + i) * 7 % 253);
        ssize_t put = write(s[0], b, n);
        CHECK(put > 0);
        if (put <= 0)
            break;
        at += put;
    }
    CHECK(shutdown(s[0], SHUT_WR) == 0);
    CHECK(recv(s[0], b, 4, MSG_WAITALL) == 4);
    CHECK_EQ(status_of(child), 0);
    close(s[0]);
}

static void refused(int family)
{
    int l = listener(family, 5), port = port_of(l), c = socket(family, SOCK_STREAM, 0);

    close(l);
    SAY("refused %d", try(connect_to(c, family, port)));
    SAY(", poll %x, error %d\n", polled(c), error_of(c));
    close(c);
    c = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    SAY("nonblocking %d", try(connect_to(c, family, port)));
    SAY(", poll %x, error %d", polled_for(c, POLLERR), error_of(c));
    SAY(", poll %x, then %d\n", polled(c), try(connect_to(c, family, port)));
    close(c);
    l = listener(family, 5);
    c = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    SAY("nonblocking %d", try(connect_to(c, family, port_of(l))));
    SAY(", poll %x", polled_for(c, POLLOUT));
    SAY(", error %d, then %d", error_of(c), try(connect_to(c, family, port_of(l))));
    SAY(", then %d\n", try(connect_to(c, family, port_of(l))));
    SAY("not yet: %d\n", try(recv(c, &port, 1, 0)));
    close(c);
    close(l);
}

static void fins(int family)
{
    int s[2];
    char b[16];
    union address a;
    socklen_t len = sizeof(a);

    pair(family, s);
    CHECK(write(s[0], "last", 4) == 4);
    CHECK(shutdown(s[0], SHUT_WR) == 0);
    SAY("FIN sent: %x, got: %x\n", polled(s[0]), polled_for(s[1], POLLRDHUP));
    SAY("write after it: %d\n", try(send(s[0], "x", 1, MSG_NOSIGNAL)));
    SAY("read %zd, ", read(s[1], b, sizeof(b)));
    SAY("end %zd %zd\n", read(s[1], b, sizeof(b)), read(s[1], b, sizeof(b)));
    CHECK(write(s[1], "back", 4) == 4);
    SAY("back %zd\n", recv(s[0], b, 4, MSG_WAITALL));
    CHECK(shutdown(s[1], SHUT_WR) == 0);
    SAY("both: %x %x\n", polled_for(s[0], POLLHUP), polled_for(s[1], POLLHUP));
    SAY("names: %d %d\n", try(getpeername(s[0], &a.any, &len)),
        try(getpeername(s[1], &a.any, &len)));
    SAY("again: %d, read %zd\n", try(shutdown(s[0], SHUT_WR)), read(s[0], b, 1));
    close(s[0]);
    close(s[1]);
    pair(family, s);
    CHECK(shutdown(s[0], SHUT_RD) == 0);
    SAY("SHUT_RD: %x %x, read %zd\n", polled(s[0]), polled(s[1]), read(s[0], b, 1));
    close(s[0]);
    close(s[1]);
}

static void resets(int family)
{
    int s[2];
    char b[16];
    struct linger now = { 1, 0 };

    pair(family, s);
    close(s[0]);
    CHECK(polled_for(s[1], POLLRDHUP) != 0);
    SAY("closed: %x, first %d", polled(s[1]), try(send(s[1], "x", 1, MSG_NOSIGNAL)));
    SAY(", %x", polled_for(s[1], POLLERR));
    SAY(", second %d", try(send(s[1], "x", 1, MSG_NOSIGNAL)));
    SAY(", third %d, read %d\n", try(send(s[1], "x", 1, MSG_NOSIGNAL)), try(read(s[1], b, 1)));
    close(s[1]);
    pair(family, s);
    CHECK(write(s[1], "unread", 6) == 6 && write(s[0], "kept", 4) == 4);
    CHECK(polled_for(s[0], POLLIN) != 0);
    close(s[0]);
    SAY("unread: %x", polled_for(s[1], POLLERR));
    SAY(", read %d", try(read(s[1], b, sizeof(b))));
    SAY(", %d", try(read(s[1], b, sizeof(b))));
    SAY(", %d, write %d\n", try(read(s[1], b, 1)), try(send(s[1], "x", 1, MSG_NOSIGNAL)));
    close(s[1]);
    pair(family, s);
    CHECK(setsockopt(s[0], SOL_SOCKET, SO_LINGER, &now, sizeof(now)) == 0);
    close(s[0]);
    SAY("linger 0: %x, write %d", polled_for(s[1], POLLERR), try(send(s[1], "x", 1, MSG_NOSIGNAL)));
    SAY(", %d\n", try(send(s[1], "x", 1, MSG_NOSIGNAL)));
    CHECK_DIES(SIGPIPE, write(s[1], "x", 1));
    close(s[1]);
}

static void ports(int family)
{
    int a = socket(family, SOCK_STREAM, 0), b = socket(family, SOCK_STREAM, 0), on = 1;

    CHECK(bind_to(a, family, 1, 0) == 0);
    int port = port_of(a);
    CHECK_ERR(EADDRINUSE, bind_to(b, family, 1, port));
    CHECK_ERR(EADDRINUSE, bind_to(b, family, 0, port));
    CHECK(setsockopt(b, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
    CHECK_ERR(EADDRINUSE, bind_to(b, family, 1, port));
    CHECK(setsockopt(a, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
    CHECK(bind_to(b, family, 1, port) == 0);
    CHECK(listen(a, 1) == 0);
    CHECK_ERR(EADDRINUSE, listen(b, 1));
    close(a);
    close(b);
    a = socket(family, SOCK_STREAM, 0);
    b = socket(family, SOCK_STREAM, 0);
    CHECK(setsockopt(a, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0);
    CHECK(setsockopt(b, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0);
    CHECK(bind_to(a, family, 1, 0) == 0 && bind_to(b, family, 1, port_of(a)) == 0);
    CHECK(listen(a, 1) == 0 && listen(b, 1) == 0);
    close(a);
    close(b);
}

/* A row that is full: who calls waits for a place. */
static void backlog(void)
{
    int l = listener(AF_INET, 0), c[2], n;

    c[0] = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect_to(c[0], AF_INET, port_of(l)) == 0);
    c[1] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    SAY("second %d", try(connect_to(c[1], AF_INET, port_of(l))));
    SAY(", poll %x, again %d", polled(c[1]), try(connect_to(c[1], AF_INET, port_of(l))));
    SAY(", send %d\n", try(send(c[1], "x", 1, 0)));
    n = accept(l, NULL, NULL);
    CHECK(n >= 0);
    close(n);
    SAY("a place: %x, %d\n", polled_for(c[1], POLLOUT), error_of(c[1]));
    n = accept(l, NULL, NULL);
    CHECK(n >= 0 && send(c[1], "x", 1, 0) == 1);
    for (int i = 0; i < 2; i++)
        close(c[i]);
    close(n);
    close(l);
}

static int get(int fd, int level, int option)
{
    int v = 0;
    socklen_t len = sizeof(v);

    return getsockopt(fd, level, option, &v, &len) == 0 ? v : -errno;
}

static int set(int fd, int level, int option, int v)
{
    return try(setsockopt(fd, level, option, &v, sizeof(v)));
}

static void options(void)
{
    static const struct {
        int level, option, value;
    } o[] = {
        { SOL_TCP, TCP_NODELAY, 5 },
        { SOL_TCP, TCP_CORK, 1 },
        { SOL_TCP, TCP_KEEPIDLE, 60 },
        { SOL_TCP, TCP_KEEPIDLE, 0 },
        { SOL_TCP, TCP_KEEPINTVL, 9 },
        { SOL_TCP, TCP_KEEPCNT, 128 },
        { SOL_TCP, TCP_USER_TIMEOUT, 7 },
        { SOL_TCP, TCP_SYNCNT, 3 },
        { SOL_TCP, 9999, 1 },
        { SOL_IP, IP_TTL, 1000 },
        { SOL_IP, IP_TTL, 9 },
        { SOL_IP, IP_RECVERR, 1 },
        { SOL_IP, IP_TOS, 16 },
        { SOL_IP, 9999, 1 },
        { SOL_IPV6, IPV6_V6ONLY, 1 },
        { SOL_SOCKET, SO_KEEPALIVE, 3 },
        { SOL_SOCKET, SO_REUSEADDR, 1 },
        { 77, 1, 1 },
    };
    int s = socket(AF_INET, SOCK_STREAM, 0), s6 = socket(AF_INET6, SOCK_STREAM, 0);

    for (unsigned i = 0; i < sizeof(o) / sizeof(*o); i++) {
        SAY("option %d %d: %d ", o[i].level, o[i].option, get(s, o[i].level, o[i].option));
        SAY("set %d ", set(s, o[i].level, o[i].option, o[i].value));
        SAY("%d\n", get(s, o[i].level, o[i].option));
    }
    SAY("v6only %d set %d", get(s6, SOL_IPV6, IPV6_V6ONLY), set(s6, SOL_IPV6, IPV6_V6ONLY, 1));
    SAY(" %d\n", get(s6, SOL_IPV6, IPV6_V6ONLY));
    SAY("type %d domain %d protocol %d\n", get(s, SOL_SOCKET, SO_TYPE),
        get(s6, SOL_SOCKET, SO_DOMAIN), get(s, SOL_SOCKET, SO_PROTOCOL));
    close(s);
    close(s6);
}

static void errors(void)
{
    union address a;
    int s = socket(AF_INET, SOCK_STREAM, 0), s6 = socket(AF_INET6, SOCK_STREAM, 0), p[2];

    socklen_t len = address(&a, AF_INET, 1, 9);
    CHECK_ERR(EINVAL, bind(s, &a.any, len - 1));
    CHECK_ERR(EINVAL, connect(s6, &a.any, 4));
    int d6 = socket(AF_INET6, SOCK_DGRAM, 0);
    CHECK_ERR(EINVAL, bind(d6, &a.any, len)); /* it may send there */
    close(d6);
    a.any.sa_family = AF_UNIX;
    CHECK_ERR(EAFNOSUPPORT, bind(s, &a.any, len));
    CHECK_ERR(EAFNOSUPPORT, connect(s, &a.any, len));
    address(&a, AF_INET, 1, 0);
    a.in.sin_addr.s_addr = htonl(0xc6336401); /* a documentation net */
    CHECK_ERR(EADDRNOTAVAIL, bind(s, &a.any, len));
    CHECK_ERR(EPROTONOSUPPORT, socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    CHECK_ERR(ESOCKTNOSUPPORT, socket(AF_INET, SOCK_SEQPACKET, 0));
    CHECK_ERR(EINVAL, socket(AF_INET, 99, 0));
    CHECK_ERR(EAFNOSUPPORT, socket(99, SOCK_STREAM, 0));
    CHECK_ERR(EOPNOTSUPP, socketpair(AF_INET, SOCK_STREAM, 0, p));
    close(s);
    close(s6);
}

/* One that is bound to :: has callers of both families. */
static void dual(void)
{
    int l = socket(AF_INET6, SOCK_STREAM, 0), off = 0, c = socket(AF_INET, SOCK_STREAM, 0);
    union address a;
    socklen_t len = sizeof(a);

    CHECK(setsockopt(l, SOL_IPV6, IPV6_V6ONLY, &off, sizeof(off)) == 0);
    CHECK(bind_to(l, AF_INET6, 0, 0) == 0 && listen(l, 3) == 0);
    CHECK(connect_to(c, AF_INET, port_of(l)) == 0);
    int s = accept(l, &a.any, &len);
    SAY("mapped: %d %d\n", a.any.sa_family, IN6_IS_ADDR_V4MAPPED(&a.in6.sin6_addr));
    close(s);
    close(c);
    c = socket(AF_INET6, SOCK_STREAM, 0);
    CHECK(connect_to(c, AF_INET6, port_of(l)) == 0);
    int b = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_ERR(EADDRINUSE, bind_to(b, AF_INET, 0, port_of(l)));
    close(b);
    close(c);
    close(l);
}

static void waiting(void)
{
    int s[2], l = listener(AF_INET, 4), status;
    char b[4];
    struct timeval short_time = { 0, 30000 };
    struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET };

    CHECK(setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &short_time, sizeof(short_time)) == 0);
    SAY("accept in vain: %d\n", try(accept(l, NULL, NULL)));
    close(l);
    pair(AF_INET, s);
    CHECK(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &short_time, sizeof(short_time)) == 0);
    SAY("recv in vain: %d\n", try(recv(s[0], b, 1, 0)));
    int ep = epoll_create1(0);
    CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, s[0], &e) == 0);
    CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
    pid_t child = START(usleep(20000); CHECK(write(s[1], "ab", 2) == 2));
    CHECK_EQ(epoll_wait(ep, &e, 1, 5000), 1);
    SAY("epoll %x\n", e.events);
    CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
    status = status_of(child);
    CHECK_EQ(status, 0);
    close(s[1]);
    CHECK_EQ(epoll_wait(ep, &e, 1, 5000), 1);
    SAY("the end: %x\n", e.events);
    close(ep);
    close(s[0]);
}

/* /proc/net has who listens, both ends of a connection, and no port that was closed. */
static void listed(void)
{
    int l = listener(AF_INET, 5), c = socket(AF_INET, SOCK_STREAM, 0), port = port_of(l);
    char line[64];

    snprintf(line, sizeof(line), ": 0100007F:%04X 00000000:0000 0A ", port);
    SAY("listens: %d", strstr(slurp("/proc/net/tcp"), line) != NULL);
    CHECK(connect_to(c, AF_INET, port) == 0);
    int s = accept(l, NULL, NULL);
    snprintf(line, sizeof(line), ": 0100007F:%04X 0100007F:%04X 01 ", port, port_of(c));
    SAY(", accepted: %d", strstr(slurp("/proc/net/tcp"), line) != NULL);
    snprintf(line, sizeof(line), ": 0100007F:%04X 0100007F:%04X 01 ", port_of(c), port);
    SAY(", connected: %d", strstr(slurp("/proc/net/tcp"), line) != NULL);
    close(l);
    snprintf(line, sizeof(line), ": 0100007F:%04X 00000000:0000 0A ", port);
    SAY(", closed: %d", strstr(slurp("/proc/net/tcp"), line) != NULL);
    SAY(", in tcp6: %d\n", strstr(slurp("/proc/net/tcp6"), line) != NULL);
    close(c);
    close(s);
}

/* A socket that connects to its own port has itself for a peer. */
static void with_itself(int family)
{
    union address a, b;
    socklen_t len = address(&a, family, 1, 0), n = sizeof(b);
    int s = socket(family, SOCK_STREAM, 0);
    char t[16] = "";

    CHECK(bind(s, &a.any, len) == 0 && getsockname(s, &a.any, &len) == 0);
    CHECK(connect(s, &a.any, len) == 0 && getpeername(s, &b.any, &n) == 0);
    SAY("itself: the same %d, sent %d, ", memcmp(&a, &b, len) == 0, (int)send(s, "me", 2, 0));
    SAY("read %d %s, ", (int)recv(s, t, sizeof(t), 0), t);
    CHECK(send(s, "last", 4, 0) == 4 && shutdown(s, SHUT_WR) == 0);
    SAY("last %d %s, ", (int)recv(s, t, sizeof(t), MSG_WAITALL), t);
    SAY("end %d\n", (int)recv(s, t, sizeof(t), 0));
    close(s);
}

/* Who sends first may connect by it. */
static void fast_open(int family)
{
    union address a;
    socklen_t len = address(&a, family, 1, 0);
    int l = socket(family, SOCK_STREAM, 0), s = socket(family, SOCK_STREAM, 0);
    char t[16] = "";

    CHECK(bind(l, &a.any, len) == 0 && listen(l, 5) == 0 && getsockname(l, &a.any, &len) == 0);
    SAY("fast open: %d", (int)sendto(s, "fast", 4, MSG_FASTOPEN, &a.any, len));
    int c = accept(l, NULL, NULL);
    SAY(", came %d %s", (int)recv(c, t, sizeof(t), 0), t);
    CHECK_ERR(EISCONN, sendto(s, "fast", 4, MSG_FASTOPEN, &a.any, len));
    close(c);
    close(l);
    close(s);
    s = socket(family, SOCK_STREAM, 0);
    CHECK_ERR(ECONNREFUSED, sendto(s, "fast", 4, MSG_FASTOPEN, &a.any, len));
    a.any.sa_family = AF_UNSPEC;
    CHECK_ERR(EOPNOTSUPP, sendto(s, "fast", 4, MSG_FASTOPEN, &a.any, len));
    close(s);
    SAY("\n");
}

static void test(void)
{
    signal(SIGPIPE, SIG_DFL);
    for (int i = 0; i < 2; i++) {
        int family = i ? AF_INET6 : AF_INET;
        names(family);
        bytes(family);
        much(family);
        refused(family);
        fins(family);
        resets(family);
        ports(family);
        with_itself(family);
        fast_open(family);
    }
    backlog();
    options();
    errors();
    dual();
    waiting();
    listed();
}
