/* socket.c - sockets in each other's queues, files in messages, much to read, many who call. */
#include "tests/vm/long_calls/calls.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static long give(int s, const int *fd, unsigned n)
{
    static char control[CMSG_SPACE(253 * sizeof(int))];
    struct iovec v = { "x", 1 };
    struct msghdr m = { .msg_iov = &v,
                        .msg_iovlen = 1,
                        .msg_control = control,
                        .msg_controllen = CMSG_SPACE(n * sizeof(int)) };
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(n * sizeof(int));
    memcpy(CMSG_DATA(h), fd, n * sizeof(int));
    return syscall(SYS_sendmsg, s, &m, MSG_DONTWAIT); /* musl has no room for that many */
}

static void many_files(void)
{
    struct rlimit r = { 10000, 10000 };
    NEED(setrlimit(RLIMIT_NOFILE, &r) == 0);
}

/* 250 pairs, each with an end of the next one in its queue, in a circle; the last descriptor goes. */
static void in_socket_garbage(void)
{
    static int s[500];
    many_files();
    again = false;
    for (int i = 0; i < 250; i++)
        NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, s + 2 * i) == 0);
    for (int i = 0; i < 250; i++)
        NEED(give(s[2 * i], &s[(2 * i + 3) % 500], 1) == 1);
    for (int i = 0; i < 500; i++)
        if (i != 1)
            close(s[i]);
    GO(close(s[1]));
}
static void in_socket_rights(void)
{
    static int fd[253];
    int s[2];
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
    for (int i = 0; i < 253; i++)
        fd[i] = dup(2);
    int end = dup(2);
    GO(char b[4096], c; struct iovec v = { &c, 1 }; struct msghdr m = { .msg_iov = &v,
                                                                        .msg_iovlen = 1,
                                                                        .msg_control = b,
                                                                        .msg_controllen = 4096 };
       NEED(give(s[0], fd, 253) == 1 && syscall(SYS_recvmsg, s[1], &m, 0) == 1);
       syscall(SYS_close_range, end, ~0u, 0);
       NEED(give(s[0], fd, 253) == 1 && read(s[1], &c, 1) == 1));
}
static void in_socket_bytes(void)
{
    char *p = memory(MB, true);
    int s[2];
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
    GO(for (int i = 0; i < 8; i++) {
        NEED(send(s[0], p, 200000, MSG_DONTWAIT) > 0);
        while (recv(s[1], p, 200000, MSG_DONTWAIT) > 0)
            ;
    });
}
/* One who listens goes, with many in his row. */
static void in_socket_row(void)
{
    struct sockaddr_un a = { AF_UNIX, "/tmp/long_socket" };
    many_files();
    again = false;
    unlink(a.sun_path);
    int l = socket(AF_UNIX, SOCK_STREAM, 0);
    NEED(bind(l, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(l, 4000) == 0);
    for (int i = 0; i < 2000; i++) {
        int c = socket(AF_UNIX, SOCK_STREAM, 0);
        NEED(connect(c, (struct sockaddr *)&a, sizeof(a)) == 0);
    }
    GO(close(l));
}

static int at_port(unsigned port)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int s = socket(AF_INET, SOCK_DGRAM, 0), on = 1;
    NEED(s >= 0 && setsockopt(s, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0);
    if (bind(s, (struct sockaddr *)&a, sizeof(a)) != 0) {
        close(s);
        return -1;
    }
    return s;
}
static void in_ports(void) /* as many sockets as may be where one is looked for */
{
    struct rlimit r = { 20000, 20000 };
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(2048),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int s;
    NEED(setrlimit(RLIMIT_NOFILE, &r) == 0);
    for (unsigned n = 0; n < 3000; n++)
        at_port(2048 + 256 * (n / 200));
    NEED((s = socket(AF_INET, SOCK_DGRAM, 0)) >= 0);
    GO(sendto(s, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to));
       close(at_port(2048 + 256 * 20)));
}

/* Requests of the shortest, each with an answer; and one with attributes of the shortest. */
static void in_netlink(void)
{
    struct {
        uint32_t len;
        uint16_t type, flags;
        uint32_t seq, port;
    } head = { sizeof(head), 1, 4 /* NLMSG_NOOP, NLM_F_ACK */, 1, 0 };
    uint32_t n = 200000, *p = (void *)memory(MB, true);
    int s = socket(AF_NETLINK, SOCK_RAW, 0);
    NEED(s >= 0);
    for (uint32_t at = 0; at < n; at += sizeof(head))
        memcpy((char *)p + at, &head, sizeof(head));
    GO(NEED(send(s, p, n, 0) == (long)n));
    head.len = n;
    head.type = 18; /* RTM_GETLINK */
    head.flags = 1; /* NLM_F_REQUEST */
    for (uint32_t i = 0; i < n / 4; i++)
        p[i] = 4 | 11 << 16;
    memcpy(p, &head, sizeof(head));
    GO(NEED(send(s, p, n, 0) == (long)n));
}

/* clang-format off */
const struct call socket_calls[] = {
    CALL(socket_garbage),
    CALL(socket_rights),
    CALL(socket_bytes),
    CALL(socket_row),
    CALL(ports),
    CALL(netlink),
    { 0 },
};
/* clang-format on */
