/* Raw sockets of IPv4 and IPv6, and sockets of ICMP's echoes: who may have one, what each sees, headers that the kernel or the
 * user makes, checksums, filters, echoes answered, ports that nobody has. */
#include "inet.h"
#include <arpa/inet.h>
#include <netinet/ip_icmp.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#ifndef ICMP_FILTER
#define ICMP_FILTER 1 /* linux/icmp.h does not go with net/if.h */
#endif
#define GROUPS "/proc/sys/net/ipv4/ping_group_range"

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

static socklen_t address(union address *a, int family, int port)
{
    memset(a, 0, sizeof(*a));
    a->any.sa_family = family;
    if (family == AF_INET) {
        a->in.sin_port = htons(port);
        a->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return sizeof(a->in);
    }
    a->in6.sin6_port = htons(port);
    a->in6.sin6_addr = in6addr_loopback;
    return sizeof(a->in6);
}

static int send_to(int fd, int family, int port, const void *b, size_t n)
{
    union address a;
    socklen_t len = address(&a, family, port);

    return try(sendto(fd, b, n, 0, &a.any, len));
}

static unsigned sum(const unsigned char *b, int n)
{
    unsigned s = 0;

    for (int i = 0; i < n; i++)
        s += i % 2 ? b[i] : b[i] << 8;
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return s;
}

/* What a packet has, but for what is another number each time. */
static void show_v4(const char *what, int fd)
{
    unsigned char b[2048];
    struct iphdr *h = (struct iphdr *)b;
    struct icmphdr *i = (struct icmphdr *)(b + 20);
    struct pollfd p = { fd, POLLIN, 0 };
    union address a;
    socklen_t len = sizeof(a);

    memset(&a, 0, sizeof(a));
    poll(&p, 1, 2000);
    int n = try(recvfrom(fd, b, sizeof(b), MSG_DONTWAIT, &a.any, &len));
    SAY("%s: %d", what, n);
    if (n >= 28) {
        SAY(", ip %d.%d tos %x len %d frag %x ttl %d proto %d %x to %x, sum %x", h->version, h->ihl,
            h->tos, ntohs(h->tot_len), ntohs(h->frag_off), h->ttl, h->protocol, ntohl(h->saddr),
            ntohl(h->daddr), sum(b, 20));
        SAY("; type %d code %d, %x", i->type, i->code, ntohl(i->un.gateway));
        if (h->protocol == IPPROTO_ICMP)
            SAY(", sum %x", sum(b + 20, n - 20));
        SAY("; from %d:%d %x", a.any.sa_family, ntohs(a.in.sin_port), ntohl(a.in.sin_addr.s_addr));
    }
    SAY("\n");
}

static void make_echo(struct icmphdr *h, int n, int id, int seq)
{
    memset(h, 0, n);
    h->type = ICMP_ECHO;
    h->un.echo.id = htons(id);
    h->un.echo.sequence = htons(seq);
    for (int i = 8; i < n; i++)
        ((unsigned char *)h)[i] = (unsigned char)i;
    h->checksum = htons((unsigned short)~sum((unsigned char *)h, n));
}

static void who_may(void)
{
    static const int wanted[][3] = {
        { AF_INET, SOCK_RAW, 0 },    { AF_INET6, SOCK_RAW, 0 },    { AF_INET, SOCK_DGRAM, 1 },
        { AF_INET, SOCK_DGRAM, 58 }, { AF_INET6, SOCK_DGRAM, 1 },  { AF_INET6, SOCK_DGRAM, 58 },
        { AF_INET, SOCK_RAW, 1 },    { AF_INET6, SOCK_RAW, 58 },   { AF_INET, SOCK_RAW, 263 },
        { AF_INET, SOCK_RAW, -1 },   { AF_INET, SOCK_STREAM, 17 }, { AF_INET, SOCK_RAW, 255 },
    };

    for (unsigned i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        int s = socket(wanted[i][0], wanted[i][1], wanted[i][2]);
        SAY("%d%s", s >= 0 ? 0 : -errno, i + 1 < sizeof(wanted) / sizeof(wanted[0]) ? " " : "\n");
        close(s);
    }
    pid_t child = fork();
    if (child == 0) {
        CHECK(setuid(12345) == 0);
        SAY("without the right: %d", try(socket(AF_INET, SOCK_RAW, 1)));
        SAY(" %d", try(socket(AF_INET, SOCK_RAW, 0)));
        SAY(" %d\n", try(socket(AF_INET6, SOCK_RAW, 58)));
        _exit(0);
    }
    CHECK(waitpid(child, NULL, 0) == child);
}

static void names(void)
{
    int s = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), one = 1, n = -1;
    union address a;
    socklen_t len = sizeof(a);
    char big[70000] = "";

    CHECK(getsockname(s, &a.any, &len) == 0);
    SAY("fresh: %x:%d, peer %d, send %d, too long %d", ntohl(a.in.sin_addr.s_addr),
        ntohs(a.in.sin_port), try(getpeername(s, &a.any, &len)), try(send(s, "x", 1, 0)),
        send_to(s, AF_INET, 0, big, sizeof(big)));
    SAY(" %d %d, urgent %d\n", send_to(s, AF_INET, 0, big, 65516),
        send_to(s, AF_INET, 0, big, 65515), try(sendto(s, big, 9, MSG_OOB, &a.any, sizeof(a.in))));
    len = address(&a, AF_INET, 77);
    SAY("bind %d, again %d, ", try(bind(s, &a.any, len)), try(bind(s, &a.any, len)));
    a.in.sin_addr.s_addr = htonl(0x0a000001);
    SAY("elsewhere %d, ", try(bind(s, &a.any, len)));
    len = address(&a, AF_INET, 78);
    SAY("connect %d, ", try(connect(s, &a.any, len)));
    CHECK(getsockname(s, &a.any, &len) == 0);
    SAY("own %x:%d, ", ntohl(a.in.sin_addr.s_addr), ntohs(a.in.sin_port));
    CHECK(getpeername(s, &a.any, &len) == 0);
    SAY("peer %x:%d, bind %d, ", ntohl(a.in.sin_addr.s_addr), ntohs(a.in.sin_port),
        try(bind(s, &a.any, len)));
    SAY("listen %d, accept %d\n", try(listen(s, 1)), try(accept(s, NULL, NULL)));
    len = sizeof(n);
    SAY("type %d", try(getsockopt(s, SOL_SOCKET, SO_PROTOCOL, &n, &len)));
    SAY(" %d, head %d", n, try(getsockopt(s, IPPROTO_IP, IP_HDRINCL, &n, &len)));
    SAY(" %d, filter %d", n, try(getsockopt(s, IPPROTO_RAW, ICMP_FILTER, &n, &len)));
    SAY(" %d %d\n", try(setsockopt(s, IPPROTO_RAW, ICMP_FILTER, &one, 4)),
        try(setsockopt(s, IPPROTO_RAW, 2, &one, 4)));
    close(s);
    s = socket(AF_INET, SOCK_RAW, 253);
    SAY("another's filter %d\n", try(setsockopt(s, 255, ICMP_FILTER, &one, 4)));
    close(s);
}

static void echoes_v4(void)
{
    int s = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), other = socket(AF_INET, SOCK_RAW, 253), n;
    struct icmphdr *h = (struct icmphdr *)malloc(9000);
    unsigned filter = 1u << ICMP_ECHO;

    make_echo(h, 64, 0x1234, 1);
    SAY("echo %d\n", send_to(s, AF_INET, 0, h, 64));
    show_v4("question", s);
    show_v4("answer", s);
    CHECK(setsockopt(s, IPPROTO_RAW, ICMP_FILTER, &filter, sizeof(filter)) == 0);
    h->checksum ^= 1;
    SAY("wrong sum %d, ", send_to(s, AF_INET, 0, h, 64));
    make_echo(h, 8, 7, 2);
    SAY("shortest %d\n", send_to(s, AF_INET, 0, h, 8));
    show_v4("no question", s);
    n = 77;
    CHECK(setsockopt(s, IPPROTO_IP, IP_TTL, &n, sizeof(n)) == 0);
    n = 0x10;
    CHECK(setsockopt(s, IPPROTO_IP, IP_TOS, &n, sizeof(n)) == 0);
    n = 0;
    CHECK(setsockopt(s, IPPROTO_IP, IP_MTU_DISCOVER, &n, sizeof(n)) == 0);
    filter = 1u << ICMP_ECHOREPLY;
    CHECK(setsockopt(s, IPPROTO_RAW, ICMP_FILTER, &filter, sizeof(filter)) == 0);
    make_echo(h, 9000, 7, 3);
    SAY("long %d\n", send_to(s, AF_INET, 0, h, 9000));
    show_v4("no answer", s);
    SAY("another protocol: %d\n", send_to(other, AF_INET, 0, "0123456789", 10));
    show_v4("its own", other);
    show_v4("nothing", s);
    free(h);
    close(s);
    close(other);
}

static void own_head(void)
{
    int out = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), in = socket(AF_INET, SOCK_RAW, 253);
    int icmp = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), n = 0;
    socklen_t len = sizeof(n);
    unsigned char b[40] = "";
    struct iphdr *h = (struct iphdr *)b;

    CHECK(getsockopt(out, IPPROTO_IP, IP_HDRINCL, &n, &len) == 0);
    SAY("its user's head: %d, ", n);
    h->version = 4;
    h->ihl = 5;
    h->ttl = 9;
    h->protocol = 253;
    h->id = htons(99);
    h->daddr = htonl(INADDR_LOOPBACK);
    memset(b + 20, 'x', 20);
    SAY("%d, ", send_to(out, AF_INET, 0, b, 40));
    SAY("short %d, ", send_to(out, AF_INET, 0, b, 19));
    h->ihl = 15;
    SAY("longer than all %d\n", send_to(out, AF_INET, 0, b, 40));
    show_v4("came", in);
    h->ihl = 5;
    h->saddr = htonl(0x7f000009);
    h->protocol = 252;
    SAY("nobody's: %d\n", send_to(out, AF_INET, 0, b, 40));
    show_v4("said of it", icmp); /* to 127.0.0.9 */
    close(out);
    close(in);
    close(icmp);
}

static void datagrams(void)
{
    int in = socket(AF_INET, SOCK_RAW, IPPROTO_UDP), icmp = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    int u = socket(AF_INET, SOCK_DGRAM, 0);
    union address a;
    socklen_t len = address(&a, AF_INET, 0);
    struct udphdr h;
    unsigned char b[64] = "";
    struct pollfd p = { u, POLLIN, 0 };

    CHECK(bind(u, &a.any, len) == 0 && getsockname(u, &a.any, &len) == 0);
    CHECK(sendto(u, "hello", 5, 0, &a.any, len) == 5);
    int n = try(recv(in, b, sizeof(b), MSG_DONTWAIT));
    memcpy(&h, b + 20, sizeof(h));
    SAY("a datagram: %d, ports %d %d, len %d, text %.5s, in the socket %d\n", n,
        h.source == a.in.sin_port, h.dest == a.in.sin_port, ntohs(h.len), b + 28,
        try(recv(u, b, 9, MSG_DONTWAIT)));
    memset(b, 0, sizeof(b));
    h = (struct udphdr){ .source = htons(5), .dest = a.in.sin_port, .len = htons(11) };
    memcpy(b, &h, sizeof(h));
    memcpy(b + 8, "raw", 4);
    SAY("made by hand %d, ", try(sendto(in, b, 12, 0, &a.any, len)));
    poll(&p, 1, 2000);
    n = try(recvfrom(u, b, sizeof(b), MSG_DONTWAIT, &a.any, &len));
    SAY("came %d %.3s from %d\n", n, b, ntohs(a.in.sin_port));
    CHECK(getsockname(u, &a.any, &len) == 0);
    close(u);
    u = socket(AF_INET, SOCK_DGRAM, 0);
    SAY("to nobody %d\n", try(sendto(u, "gone", 4, 0, &a.any, len)));
    unsigned char e[600] = "";
    p.fd = icmp;
    poll(&p, 1, 2000);
    n = try(recv(icmp, e, sizeof(e), MSG_DONTWAIT));
    SAY("ICMP: %d, type %d code %d tos %x, of proto %d with %.4s\n", n, e[20], e[21], e[1],
        e[28 + 9], e + 28 + 28);
    close(u);
    close(in);
    close(icmp);
}

static void echoes_v6(void)
{
    int s = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6), other = socket(AF_INET6, SOCK_RAW, 253);
    int n = 2, on = 1;
    struct icmp6_filter f;
    union address a;
    socklen_t len = sizeof(n);
    unsigned char b[100] = { ICMP6_ECHO_REQUEST }, c[64];
    struct iovec v = { b, sizeof(b) };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = c, .msg_controllen = 64 };

    SAY("v6: sum's place %d", try(getsockopt(s, IPPROTO_IPV6, IPV6_CHECKSUM, &n, &len)));
    SAY(" %d, set %d %d", n, try(setsockopt(s, IPPROTO_IPV6, IPV6_CHECKSUM, &n, sizeof(n))),
        try(setsockopt(s, 255, IPV6_CHECKSUM, &n, sizeof(n))));
    n = 3;
    SAY(" %d", try(setsockopt(other, IPPROTO_IPV6, IPV6_CHECKSUM, &n, sizeof(n))));
    CHECK(getsockopt(other, IPPROTO_IPV6, IPV6_CHECKSUM, &n, &len) == 0);
    SAY(" %d\n", n);
    CHECK(setsockopt(s, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof(on)) == 0);
    SAY("send %d, ", send_to(s, AF_INET6, 0, b, 20));
    SAY("as another %d, ", send_to(s, AF_INET6, 6, b, 20));
    len = address(&a, AF_INET, 0);
    SAY("to IPv4 %d, ", try(sendto(s, b, 20, 0, &a.any, len)));
    a.in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6 };
    inet_pton(AF_INET6, "2001:db8::1", &a.in6.sin6_addr);
    SAY("elsewhere %d\n", try(sendto(s, b, 20, 0, &a.any, sizeof(a.in6))));
    for (int i = 0; i < 2; i++) {
        struct pollfd p = { s, POLLIN, 0 };
        poll(&p, 1, 2000);
        n = try(recvmsg(s, &m, MSG_DONTWAIT));
        struct cmsghdr *h = CMSG_FIRSTHDR(&m);
        SAY("%d of type %d, ", n, b[0]);
        if (h != NULL)
            SAY("along %d %d %d\n", h->cmsg_level, h->cmsg_type, *(int *)CMSG_DATA(h));
    }
    ICMP6_FILTER_SETBLOCKALL(&f);
    ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &f);
    SAY("filter %d, ", try(setsockopt(s, IPPROTO_ICMPV6, ICMP6_FILTER, &f, sizeof(f))));
    b[0] = ICMP6_ECHO_REQUEST;
    SAY("send %d, ", send_to(s, AF_INET6, 0, b, 20));
    struct pollfd p = { s, POLLIN, 0 };
    poll(&p, 1, 2000);
    n = try(recv(s, b, sizeof(b), MSG_DONTWAIT));
    SAY("%d of type %d, then %d\n", n, b[0], try(recv(s, b, sizeof(b), MSG_DONTWAIT)));
    n = 4;
    CHECK(setsockopt(other, IPPROTO_IPV6, IPV6_CHECKSUM, &n, sizeof(n)) == 0);
    memset(b, 0, sizeof(b));
    SAY("with a sum: short %d, ", send_to(other, AF_INET6, 253, b, 5));
    SAY("%d, ", send_to(other, AF_INET6, 253, b, 21));
    n = try(recv(other, b, sizeof(b), MSG_DONTWAIT));
    SAY("%d, sum %02x%02x\n", n, b[4], b[5]);
    close(s);
    close(other);
}

static void ping(int family)
{
    int v4 = family == AF_INET;
    int s = socket(family, SOCK_DGRAM, v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6), port;
    int t = socket(family, SOCK_DGRAM, v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
    unsigned char b[64] = { v4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST };
    struct pollfd p = { s, POLLIN, 0 };
    union address a;
    socklen_t len = sizeof(a);

    SAY("ping %d: short %d, ", family, send_to(s, family, 0, b, 7));
    SAY("no place %d, ", try(send(s, b, 16, 0)));
    b[0]++;
    SAY("no question %d, ", send_to(s, family, 0, b, 16));
    b[0]--;
    memcpy(b + 8, "abcdefgh", 8);
    SAY("a question %d, ", send_to(s, family, 9, b, 16));
    CHECK(getsockname(s, &a.any, &len) == 0);
    port = ntohs(a.in.sin_port);
    SAY("a port: %d\n", port != 0);
    poll(&p, 1, 2000);
    memset(&a, 0, sizeof(a));
    int n = try(recvfrom(s, b, sizeof(b), MSG_DONTWAIT, &a.any, &len));
    SAY("%d of type %d, to its port: %d, %.8s, from %d:%d len %d\n", n, b[0],
        (b[4] << 8 | b[5]) == port, b + 8, a.any.sa_family, ntohs(a.in.sin_port), (int)len);
    len = address(&a, family, port);
    SAY("taken %d", try(bind(t, &a.any, len)));
    len = address(&a, family, 7);
    SAY(", low %d, again %d", try(bind(t, &a.any, len)), try(bind(t, &a.any, len)));
    SAY(", connect %d", try(connect(t, &a.any, len)));
    b[0] = v4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
    SAY(", send %d", try(send(t, b, 8, 0)));
    p.fd = t;
    poll(&p, 1, 2000);
    SAY(", receive %d, the other %d\n", try(recv(t, b, sizeof(b), MSG_DONTWAIT)),
        try(recv(s, b, sizeof(b), MSG_DONTWAIT)));
    close(s);
    close(t);
}

static void groups(const char *set)
{
    int fd = open(GROUPS, O_RDWR);
    char b[64] = "";

    SAY("%s: %d, ", set, try(write(fd, set, strlen(set))));
    CHECK(pread(fd, b, sizeof(b) - 1, 0) > 0);
    SAY("%s", b);
    close(fd);
}

static void test(void)
{
    if (!alone()) /* other raw sockets see what is sent here, and its packets come here */
        return;
    who_may();
    names();
    echoes_v4();
    own_head();
    datagrams();
    echoes_v6();
    groups("5 4");
    groups("-1 0");
    groups("0 0");
    ping(AF_INET);
    ping(AF_INET6);
}
