/* What comes back of a datagram that nobody takes: IP_RECVERR and MSG_ERRQUEUE, of IPv4, IPv6 and both. */
#include "inet.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

struct extended_error { /* linux/errqueue.h does not go with every C library */
    uint32_t number;
    uint8_t origin, type, code, pad;
    uint32_t info, data;
};

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

static void show_address(const union address *a)
{
    char host[64] = "";

    inet_ntop(a->any.sa_family,
              a->any.sa_family == AF_INET ? (void *)&a->in.sin_addr : (void *)&a->in6.sin6_addr,
              host, sizeof(host));
    SAY("%s", host);
}

static int port; /* that nobody has */

static void show(const char *what, int s, int flags, size_t room, size_t control)
{
    struct pollfd p = { s, POLLIN | POLLPRI, 0 };
    union address from = { .any.sa_family = 0 };
    char b[2048] = "", c[512];
    struct iovec v = { b, room };
    struct msghdr m = { .msg_name = &from,
                        .msg_namelen = sizeof(from),
                        .msg_iov = &v,
                        .msg_iovlen = 1,
                        .msg_control = c,
                        .msg_controllen = control };

    poll(&p, 1, 0);
    int n = try(recvmsg(s, &m, flags | MSG_DONTWAIT));
    SAY("%s: poll %x, %d", what, p.revents, n);
    if (n >= 0) {
        SAY(" '%.8s' flags %x, to ", b, m.msg_flags);
        show_address(&from);
        SAY(", its port: %d", ntohs(from.in.sin_port) == port);
    }
    struct cmsghdr *h = n >= 0 ? CMSG_FIRSTHDR(&m) : NULL;
    if (h != NULL) {
        struct extended_error e;
        union address by;
        memcpy(&e, CMSG_DATA(h), sizeof(e));
        memcpy(&by, CMSG_DATA(h) + sizeof(e), sizeof(by.in6));
        SAY("; %d/%d of %d: %d by %d, %d/%d, ", h->cmsg_level, h->cmsg_type, (int)h->cmsg_len,
            e.number, e.origin, e.type, e.code);
        if (h->cmsg_len >= CMSG_LEN(sizeof(e) + sizeof(by.in)))
            show_address(&by);
    }
    SAY("\n");
}

static int error_of(int s)
{
    int e = -1;
    socklen_t len = sizeof(e);

    CHECK(getsockopt(s, SOL_SOCKET, SO_ERROR, &e, &len) == 0);
    return e;
}

static void nobody(int family, int mapped)
{
    union address a = { .any.sa_family = family };
    int s = socket(family, SOCK_DGRAM, 0), on = 1, off = 0;
    int level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
    int option = family == AF_INET ? IP_RECVERR : IPV6_RECVERR;
    socklen_t len = family == AF_INET ? sizeof(a.in) : sizeof(a.in6);
    char big[2000];

    memset(big, 'z', sizeof(big));
    SAY("family %d%s\n", family, mapped ? ", of the other one" : "");
    a.in.sin_port = htons(port);
    if (family == AF_INET)
        a.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        inet_pton(AF_INET6, mapped ? "::ffff:127.0.0.1" : "::1", &a.in6.sin6_addr);
    show("nothing", s, MSG_ERRQUEUE, 64, 512);
    SAY("not wanted: %d, error %d\n", try(sendto(s, "one", 3, 0, &a.any, len)), error_of(s));
    CHECK(setsockopt(s, level, option, &on, sizeof(on)) == 0);
    if (mapped)
        CHECK(setsockopt(s, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)) == 0);
    SAY("wanted: %d", try(sendto(s, "two", 3, 0, &a.any, len)));
    SAY(", the next %d", try(sendto(s, "three", 5, 0, &a.any, len)));
    SAY(", the one after that %d\n", try(sendto(s, big, sizeof(big), 0, &a.any, len)));
    show("read", s, 0, 64, 512);
    show("what", s, MSG_ERRQUEUE, 64, 512);
    show("and", s, MSG_ERRQUEUE, 2048, 40);
    show("no more", s, MSG_ERRQUEUE, 64, 512);
    SAY("error %d, ", error_of(s));
    SAY("connect %d, ", try(connect(s, &a.any, len)));
    SAY("send %d, ", try(send(s, "four", 4, 0)));
    SAY("error %d\n", error_of(s));
    CHECK(setsockopt(s, SOL_SOCKET, SO_SELECT_ERR_QUEUE, &on, sizeof(on)) == 0);
    show("cut", s, MSG_ERRQUEUE, 2, 512);
    SAY("once more %d\n", try(send(s, "five", 4, 0)));
    CHECK(setsockopt(s, level, option, &off, sizeof(off)) == 0);
    if (mapped)
        CHECK(setsockopt(s, IPPROTO_IP, IP_RECVERR, &off, sizeof(off)) == 0);
    show("dropped", s, MSG_ERRQUEUE, 64, 512);
    close(s);
}

static void test(void)
{
    union address a = { .in = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } } };
    socklen_t len = sizeof(a.in);

    if (!alone()) /* the port is to be nobody's */
        return;
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(bind(s, &a.any, len) == 0 && getsockname(s, &a.any, &len) == 0);
    port = ntohs(a.in.sin_port);
    close(s);
    nobody(AF_INET, 0);
    nobody(AF_INET6, 0);
    nobody(AF_INET6, 1);
}
