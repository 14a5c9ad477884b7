/* AF_UNIX datagrams: whole or cut, from whom, who may send to whom, full queues, names that go;
 * and sendmmsg, recvmmsg. */
#include "check.h"
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

static int polled(int fd)
{
    struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDHUP, 0 };

    return poll(&p, 1, 0) >= 0 ? p.revents : -1;
}

static struct sockaddr_un at(const char *name, socklen_t *len)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };

    memcpy(a.sun_path + 1, name, strlen(name));
    *len = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name);
    return a;
}

static int named(const char *name, int flags)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | flags, 0);
    socklen_t len;
    struct sockaddr_un a = at(name, &len);

    CHECK(bind(fd, (struct sockaddr *)&a, len) == 0);
    return fd;
}

static int to(int fd, const char *name, const char *text)
{
    socklen_t len;
    struct sockaddr_un a = at(name, &len);

    return (int)sendto(fd, text, strlen(text), 0, (struct sockaddr *)&a, len);
}

static int call(int fd, const char *name)
{
    socklen_t len;
    struct sockaddr_un a = at(name, &len);

    return connect(fd, (struct sockaddr *)&a, len);
}

static void get(int fd)
{
    struct sockaddr_un a = { 0 };
    socklen_t len = sizeof(a);
    char b[32] = "";
    int n = (int)recvfrom(fd, b, 31, MSG_DONTWAIT, (struct sockaddr *)&a, &len);

    SAY("got %d %s from %u %s\n", n, b, len, len > 3 ? a.sun_path + 1 : "");
}

static void test(void)
{
    int a = named("fs-a", 0), b = named("fs-b", 0), c = socket(AF_UNIX, SOCK_DGRAM, 0), n;
    char text[64] = "";

    SAY("fresh %x\n", polled(a));
    CHECK_EQ(to(a, "fs-b", "one"), 3);
    CHECK_EQ(to(a, "fs-b", "two, longer"), 11);
    CHECK_EQ(to(c, "fs-b", ""), 0);
    SAY("waits %x\n", polled(b));
    get(b);
    CHECK_EQ(recv(b, text, 3, MSG_PEEK | MSG_TRUNC), 11);
    struct iovec v = { text, 3 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
    n = (int)recvmsg(b, &m, 0);
    SAY("cut %d flags %x\n", n, m.msg_flags);
    get(b);
    CHECK_ERR(EAGAIN, recv(b, text, 3, MSG_DONTWAIT));
    CHECK_ERR(ENOTCONN, send(a, "x", 1, 0));
    CHECK_ERR(ECONNREFUSED, to(a, "fs-none", "x"));
    CHECK_ERR(EOPNOTSUPP, listen(a, 1));
    CHECK_ERR(EOPNOTSUPP, accept(a, NULL, NULL));
    /* Connected: whom it sends to, and who may send to it. */
    CHECK(call(a, "fs-b") == 0);
    CHECK_EQ(send(a, "by default", 10, 0), 10);
    get(b);
    CHECK_ERR(EPERM, to(c, "fs-a", "x"));
    CHECK_EQ(to(b, "fs-a", "back"), 4);
    get(a);
    CHECK(connect(a, &(struct sockaddr){ AF_UNSPEC, "" }, sizeof(struct sockaddr)) == 0);
    CHECK_ERR(ENOTCONN, send(a, "x", 1, 0));
    CHECK_EQ(to(c, "fs-a", "x"), 1);
    get(a);
    /* One that is full. */
    fcntl(c, F_SETFL, O_NONBLOCK);
    for (n = 0; to(c, "fs-b", "many") == 4; n++)
        ;
    CHECK_EQ(errno, EAGAIN);
    SAY("full after %d\n", n);
    CHECK(call(c, "fs-b") == 0);
    SAY("writable %x\n", polled(c));
    pid_t child = START(fcntl(c, F_SETFL, 0); CHECK_EQ(send(c, "last", 4, 0), 4));
    CHECK(WAIT_UNTIL(state_of(child) == 'S'));
    CHECK_EQ(recv(b, text, 64, 0), 4);
    CHECK_EQ(status_of(child), EXITED(0));
    while (recv(b, text, 64, MSG_DONTWAIT) > 0)
        ;
    SAY("writable %x\n", polled(c));
    /* The other one goes. */
    close(b);
    CHECK_ERR(ECONNREFUSED, send(c, "x", 1, 0));
    CHECK_ERR(ENOTCONN, send(c, "x", 1, 0));
    /* Shut. */
    int p[2];
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, p) == 0);
    for (n = 0; n < 30; n++) /* a pair has no bound of messages */
        CHECK_EQ(send(p[0], "m", 1, MSG_DONTWAIT), 1);
    CHECK(shutdown(p[1], SHUT_RD) == 0);
    SAY("shut %x %x\n", polled(p[0]), polled(p[1]));
    CHECK_ERR(EPIPE, send(p[0], "m", 1, MSG_NOSIGNAL));
    for (n = 0; recv(p[1], text, 9, 0) == 1; n++)
        ;
    SAY("left %d\n", n);
    close(p[0]);
    SAY("peer closed %x\n", polled(p[1]));
    close(p[1]);
    /* Many in one call. */
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, p) == 0);
    struct iovec piece[4] = { { "a", 1 }, { "bc", 2 }, { "def", 3 }, { "ghij", 4 } };
    struct mmsghdr many[4];
    memset(many, 0, sizeof(many));
    for (int i = 0; i < 4; i++)
        many[i].msg_hdr = (struct msghdr){ .msg_iov = &piece[i], .msg_iovlen = 1 };
    n = (int)syscall(SYS_sendmmsg, p[0], many, 4, 0);
    SAY("sent %d: %u %u %u %u\n", n, many[0].msg_len, many[1].msg_len, many[2].msg_len,
        many[3].msg_len);
    static char room[6][8];
    struct iovec into[6];
    struct mmsghdr more[6];
    memset(more, 0, sizeof(more));
    for (int i = 0; i < 6; i++) {
        into[i] = (struct iovec){ room[i], 3 };
        more[i].msg_hdr = (struct msghdr){ .msg_iov = &into[i], .msg_iovlen = 1 };
    }
    n = (int)syscall(SYS_recvmmsg, p[1], more, 6, MSG_WAITFORONE, NULL);
    SAY("received %d: %s %s %s %s, flags %x\n", n, room[0], room[1], room[2], room[3],
        more[3].msg_hdr.msg_flags);
    CHECK_ERR(EAGAIN, syscall(SYS_recvmmsg, p[1], more, 6, MSG_DONTWAIT, NULL));
    struct timespec bad = { 0, -1 };
    CHECK_ERR(EINVAL, syscall(SYS_recvmmsg, p[1], more, 6, 0, &bad));
    CHECK_EQ(sendmsg(p[0], &(struct msghdr){ .msg_iov = piece, .msg_iovlen = 4 }, 0), 10);
    CHECK_EQ(recv(p[1], text, 64, 0), 10);
    SAY("%.10s\n", text);
    CHECK_ERR(EMSGSIZE, sendmsg(p[0], &(struct msghdr){ .msg_iov = piece, .msg_iovlen = 1025 }, 0));
    close(p[0]);
    close(p[1]);
    close(a);
    close(c);
}
