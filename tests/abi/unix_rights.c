/* Open files in messages: they come as others' descriptors, with their bytes, cut where there
 * is no room; credentials; sockets that only messages hold end. */
#include "check.h"
#include <sys/socket.h>
#include <sys/un.h>

union control {
    char room[CMSG_SPACE(sizeof(int) * 8) + CMSG_SPACE(sizeof(struct ucred))];
    struct cmsghdr align;
};

static long give(int s, const char *text, const int *fd, unsigned n)
{
    union control c;
    struct iovec v = { (char *)text, strlen(text) };
    struct msghdr m = { .msg_iov = &v,
                        .msg_iovlen = 1,
                        .msg_control = &c,
                        .msg_controllen = CMSG_SPACE(n * sizeof(int)) };
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);

    memset(&c, 0, sizeof(c));
    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(n * sizeof(int));
    memcpy(CMSG_DATA(h), fd, n * sizeof(int));
    return sendmsg(s, &m, 0);
}

/* How many descriptors came, with up to `bytes` of room for control. */
static int take(const char *what, int s, int flags, size_t bytes, int *fd)
{
    union control c;
    char b[32] = "";
    struct iovec v = { b, 31 };
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = bytes
    };
    long len = recvmsg(s, &m, flags);
    int n = 0;

    SAY("%s: %ld %s, flags %x, control %zu:", what, len, b, (unsigned)m.msg_flags,
        (size_t)m.msg_controllen);
    for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); len >= 0 && h != NULL; h = CMSG_NXTHDR(&m, h)) {
        SAY(" %d/%d/%u", h->cmsg_level, h->cmsg_type, (unsigned)h->cmsg_len);
        if (h->cmsg_type == SCM_RIGHTS) {
            n = (int)((h->cmsg_len - CMSG_LEN(0)) / sizeof(int));
            memcpy(fd, CMSG_DATA(h), (size_t)n * sizeof(int));
        } else if (h->cmsg_type == SCM_CREDENTIALS) {
            struct ucred u;
            memcpy(&u, CMSG_DATA(h), sizeof(u));
            SAY(" %d %u %u", u.pid == getpid(), u.uid, u.gid);
        }
    }
    SAY("\n");
    return n;
}

#define ROOM sizeof(union control)

static void passing(int type)
{
    int s[2], p[2], fd[8], n;
    char b[16] = "";

    CHECK(socketpair(AF_UNIX, type, 0, s) == 0 && pipe(p) == 0);
    CHECK_EQ(give(s[0], "one", p, 2), 3);
    n = take("two pipes", s[1], 0, ROOM, fd);
    CHECK_EQ(n, 2);
    CHECK(fd[0] != p[0] && fcntl(fd[0], F_GETFD) == 0);
    CHECK_EQ(write(fd[1], "through", 7), 7);
    CHECK_EQ(read(p[0], b, 16), 7);
    close(fd[0]);
    close(fd[1]);
    CHECK_EQ(give(s[0], "two", &p[0], 1), 3);
    n = take("close on exec", s[1], MSG_CMSG_CLOEXEC, ROOM, fd);
    CHECK(n == 1 && fcntl(fd[0], F_GETFD) == FD_CLOEXEC);
    close(fd[0]);
    /* Only the message has it. */
    int q[2];
    CHECK(pipe(q) == 0);
    CHECK_EQ(write(q[1], "kept", 4), 4);
    CHECK_EQ(give(s[0], "x", q, 1), 1);
    close(q[0]);
    close(q[1]);
    n = take("last", s[1], 0, ROOM, fd);
    CHECK(n == 1 && read(fd[0], b, 16) == 4);
    close(fd[0]);
    /* Nobody asks for it, or there is no room. */
    int three[3] = { p[0], p[1], s[0] };
    CHECK(pipe(q) == 0);
    CHECK_EQ(give(s[0], "ignored", &q[1], 1), 7);
    close(q[1]);
    CHECK_EQ(read(s[1], b, 16), 7);
    CHECK_EQ(read(q[0], b, 1), 0); /* it is closed */
    close(q[0]);
    CHECK_EQ(give(s[0], "three", three, 3), 5);
    n = take("room for two", s[1], 0, CMSG_LEN(2 * sizeof(int)), fd);
    for (int i = 0; i < n; i++)
        close(fd[i]);
    CHECK_EQ(give(s[0], "three", three, 3), 5);
    n = take("room for none", s[1], 0, 8, fd);
    CHECK_EQ(n, 0);
    /* Looked at twice, there are two of it. */
    CHECK_EQ(give(s[0], "peek", p, 1), 4);
    n = take("peek", s[1], MSG_PEEK, ROOM, fd);
    CHECK_EQ(n, 1);
    n = take("and take", s[1], 0, ROOM, fd + 1);
    CHECK_EQ(n, 1);
    CHECK(fd[0] != fd[1]);
    close(fd[0]);
    close(fd[1]);
    /* Bytes of a stream flow together, but not over files. */
    CHECK_EQ(write(s[0], "ab", 2), 2);
    CHECK_EQ(give(s[0], "cd", p, 1), 2);
    CHECK_EQ(write(s[0], "ef", 2), 2);
    while ((n = take("flow", s[1], MSG_DONTWAIT, ROOM, fd)) >= 0 &&
           recv(s[1], b, 1, MSG_DONTWAIT | MSG_PEEK) > 0)
        if (n > 0)
            close(fd[0]);
    if (n > 0)
        close(fd[0]);
    CHECK_ERR(EBADF, give(s[0], "x", &(int){ 99 }, 1));
    for (int i = 0; i < 2; i++)
        close(s[i]), close(p[i]);
}

static void credentials(void)
{
    int s[2], fd[8], on = 1;
    union control c;
    struct iovec v = { "me", 2 };
    struct msghdr m = { .msg_iov = &v,
                        .msg_iovlen = 1,
                        .msg_control = &c,
                        .msg_controllen = CMSG_SPACE(sizeof(struct ucred)) };
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
    CHECK(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0);
    CHECK_EQ(write(s[0], "plain", 5), 5);
    take("asked for", s[1], 0, ROOM, fd);
    memset(&c, 0, sizeof(c));
    *h = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
                           .cmsg_type = SCM_CREDENTIALS,
                           .cmsg_len = CMSG_LEN(sizeof(struct ucred)) };
    struct ucred u = { getpid(), 5, 6 };
    memcpy(CMSG_DATA(h), &u, sizeof(u));
    CHECK_EQ(sendmsg(s[0], &m, 0), 2);
    take("said", s[1], 0, ROOM, fd);
    u.pid = 999999;
    memcpy(CMSG_DATA(h), &u, sizeof(u));
    CHECK_ERR(ESRCH, sendmsg(s[0], &m, 0));
    u.pid = 1;
    memcpy(CMSG_DATA(h), &u, sizeof(u));
    CHECK_EQ(sendmsg(s[0], &m, 0), 2);
    take("of another", s[1], 0, ROOM, fd);
    CHECK_EQ(
        CHILD(if (setgid(1000) == 0 && setuid(1000) == 0 && sendmsg(s[0], &m, 0) < 0) _exit(errno)),
        EXITED(EPERM));
    /* Two senders are told apart. */
    CHECK_EQ(write(s[0], "mine", 4), 4);
    CHECK_EQ(CHILD(CHECK_EQ(write(s[0], "its", 3), 3)), EXITED(0));
    take("first", s[1], 0, ROOM, fd);
    take("second", s[1], 0, ROOM, fd);
    close(s[0]);
    close(s[1]);
}

/* What has no way to it goes: the pipe in it is closed then. */
static void hold_pipe(int s, int *reader)
{
    int p[2];

    CHECK(pipe(p) == 0);
    CHECK_EQ(give(s, "pipe", &p[1], 1), 4);
    close(p[1]);
    *reader = p[0];
}

static int is_closed(int reader)
{
    char c;
    fcntl(reader, F_SETFL, O_NONBLOCK);
    return WAIT_UNTIL(read(reader, &c, 1) == 0);
}

static void garbage(void)
{
    int s[2], t[2], r[4], chain[40];

    /* In its own queue. */
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
    hold_pipe(s[1], &r[0]);
    CHECK_EQ(give(s[1], "self", &s[0], 1), 4);
    close(s[0]);
    close(s[1]);
    CHECK(is_closed(r[0]));
    /* In each other's. */
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0 &&
          socketpair(AF_UNIX, SOCK_DGRAM, 0, t) == 0);
    hold_pipe(s[1], &r[1]);
    CHECK_EQ(give(s[1], "t", &t[0], 1), 1);
    CHECK_EQ(give(t[1], "s", &s[0], 1), 1);
    close(s[0]);
    close(t[0]);
    close(t[1]);
    close(s[1]);
    CHECK(is_closed(r[1]));
    /* A chain of queues, the first of which goes. */
    for (int i = 0; i < 20; i++)
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, chain + 2 * i) == 0);
    hold_pipe(chain[39], &r[2]);
    int sent = 0;
    for (int i = 18; i >= 0; i--)
        sent += give(chain[2 * i + 1], "next", &chain[2 * i + 2], 1) == 4;
    for (int i = 0; i < 40; i++)
        close(chain[i]);
    CHECK(is_closed(r[2]));
    CHECK(sent > 0);
    /* Waiting to be accepted in a listening one that is in flight. */
    struct sockaddr_un a = { AF_UNIX, "listens" };
    int l = socket(AF_UNIX, SOCK_STREAM, 0), caller = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(bind(l, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(l, 5) == 0);
    CHECK(connect(caller, (struct sockaddr *)&a, sizeof(a)) == 0);
    hold_pipe(caller, &r[3]);
    CHECK_EQ(give(caller, "you", &l, 1), 3);
    close(l);
    int again = socket(AF_UNIX, SOCK_STREAM, 0);
    close(caller);
    close(again);
    CHECK(is_closed(r[3]));
    for (int i = 0; i < 4; i++)
        close(r[i]);
    /* Taken out again, it is all there. */
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
    CHECK_EQ(give(s[1], "self", &s[0], 1), 4);
    int copy[8], n = take("itself", s[0], 0, ROOM, copy);
    close(s[0]);
    CHECK_EQ(write(s[1], "alive", 5), 5);
    char b[8];
    CHECK(n == 1 && read(copy[0], b, 8) == 5);
    close(copy[0]);
    close(s[1]);
}

/* Descriptors in two pieces of control data arrive in one. */
static void in_two_pieces(void)
{
    int s[2], fd = open("/dev/null", O_RDONLY);
    char byte = 'x', control[2 * CMSG_SPACE(sizeof(int))];
    struct iovec v = { &byte, 1 };
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
    };

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
    memset(control, 0, sizeof(control));
    for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h != NULL; h = CMSG_NXTHDR(&m, h)) {
        h->cmsg_level = SOL_SOCKET;
        h->cmsg_type = SCM_RIGHTS;
        h->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(h), &fd, sizeof(fd));
    }
    CHECK(sendmsg(s[0], &m, 0) == 1 && recvmsg(s[1], &m, 0) == 1);
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    CHECK(h->cmsg_len == CMSG_LEN(2 * sizeof(int)) && CMSG_NXTHDR(&m, h) == NULL);
    for (int i = 0; i < 2; i++) {
        int got;
        memcpy(&got, CMSG_DATA(h) + (size_t)i * sizeof(got), sizeof(got));
        CHECK(close(got) == 0);
    }
    close(fd);
    close(s[0]);
    close(s[1]);
}

static void test(void)
{
    in_two_pieces();
    SAY("stream\n");
    passing(SOCK_STREAM);
    SAY("datagram\n");
    passing(SOCK_DGRAM);
    credentials();
    garbage();
}
