/* Urgent data, of TCP and of AF_UNIX: the mark, what reads see of it, in line or not, the next urgent byte, SIGURG, poll. */
#include "inet.h"
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static int counts;

static void pair(int family, int s[2])
{
    struct sockaddr_in a = { .sin_family = AF_INET };
    socklen_t len = sizeof(a);

    if (family == AF_UNIX) {
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
        return;
    }
    int l = socket(AF_INET, SOCK_STREAM, 0);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(l, (void *)&a, len) == 0 && listen(l, 1) == 0);
    CHECK(getsockname(l, (void *)&a, &len) == 0);
    s[0] = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(s[0], (void *)&a, len) == 0);
    s[1] = accept(l, NULL, NULL);
    CHECK(s[1] >= 0);
    close(l);
}

static void state(const char *what, int s)
{
    struct pollfd p = { s, POLLIN | POLLPRI | POLLRDBAND, 0 };
    int mark = -1, n = -1;

    poll(&p, 1, 0);
    CHECK(ioctl(s, SIOCATMARK, &mark) == 0);
    CHECK(ioctl(s, FIONREAD, &n) == 0);
    SAY("%s: poll %x, at mark %d", what, p.revents, mark);
    if (counts) /* of AF_UNIX Linux goes on counting the byte that a read has passed by */
        SAY(", %d to read", n);
    SAY("\n");
}

static void text(const char *what, int s, size_t n, int flags)
{
    char b[64] = "";
    struct iovec v = { b, n };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
    int got = try(recvmsg(s, &m, flags | MSG_DONTWAIT));

    SAY("%s: %d '%.*s' flags %x\n", what, got, got < 0 ? 0 : got, b, m.msg_flags);
}

static void put(int s, const char *t, int flags)
{
    CHECK(send(s, t, strlen(t), flags) == (int)strlen(t));
}

/* What is sent has come: TCP says so a moment later. */
static void settle(int s, int events)
{
    struct pollfd p = { s, events, 0 };

    CHECK(poll(&p, 1, 5000) == 1);
}

static void apart(int family)
{
    int s[2];

    pair(family, s);
    state("nothing", s[1]);
    text("no urgent byte", s[1], 9, MSG_OOB);
    put(s[0], "abc", 0);
    put(s[0], "xY", MSG_OOB);
    put(s[0], "def", 0);
    settle(s[1], POLLPRI);
    state("sent", s[1]);
    text("up to the mark", s[1], 64, 0);
    state("there", s[1]);
    text("peek", s[1], 9, MSG_OOB | MSG_PEEK);
    text("the byte", s[1], 9, MSG_OOB);
    text("no more", s[1], 9, MSG_OOB);
    state("read", s[1]);
    text("behind", s[1], 64, 0);
    state("after", s[1]);
    put(s[0], "1", MSG_OOB);
    settle(s[1], POLLPRI);
    state("only that", s[1]);
    text("nothing to read", s[1], 9, 0);
    text("nothing to peek", s[1], 9, MSG_PEEK);
    put(s[0], "23", 0);
    settle(s[1], POLLIN);
    state("more", s[1]);
    text("past the mark", s[1], 64, 0);
    text("lost", s[1], 9, MSG_OOB);
    state("and", s[1]);
    close(s[0]);
    close(s[1]);
}

static void again(int family)
{
    int s[2];

    pair(family, s);
    put(s[0], "aB", MSG_OOB);
    settle(s[1], POLLPRI);
    put(s[0], "cD", MSG_OOB);
    put(s[0], "e", 0);
    usleep(20000);
    state("two", s[1]);
    text("the second", s[1], 9, MSG_OOB);
    text("the first part", s[1], 64, 0);
    text("peek", s[1], 64, MSG_PEEK);
    text("the rest", s[1], 64, 0);
    text("none", s[1], 64, 0);
    put(s[0], "F", MSG_OOB);
    settle(s[1], POLLPRI);
    text("read", s[1], 1, MSG_OOB);
    put(s[0], "G", MSG_OOB);
    settle(s[1], POLLPRI);
    state("next to it", s[1]);
    text("none", s[1], 9, 0);
    text("the new one", s[1], 1, MSG_OOB);
    close(s[0]);
    settle(s[1], POLLRDHUP);
    text("end", s[1], 9, 0);
    text("end", s[1], 9, MSG_OOB);
    close(s[1]);
}

static void in_line(int family)
{
    int s[2], on = 1;

    pair(family, s);
    CHECK(setsockopt(s[1], SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on)) == 0);
    put(s[0], "abX", MSG_OOB);
    put(s[0], "yz", 0);
    settle(s[1], POLLPRI);
    state("in line", s[1]);
    text("not apart", s[1], 9, MSG_OOB);
    text("before", s[1], 64, 0);
    state("at it", s[1]);
    text("from it on", s[1], 64, 0);
    state("behind", s[1]);
    close(s[0]);
    close(s[1]);
}

static volatile sig_atomic_t urgent;
static void note(int sig) { urgent += sig == SIGURG; }

static void signals(int family)
{
    struct sigaction a = { .sa_handler = note };
    int s[2];

    urgent = 0;
    sigaction(SIGURG, &a, NULL);
    pair(family, s);
    put(s[0], "a", MSG_OOB);
    settle(s[1], POLLPRI);
    SAY("no owner: %d", urgent);
    CHECK(fcntl(s[1], F_SETOWN, getpid()) == 0);
    put(s[0], "b", MSG_OOB);
    for (int i = 0; i < 500 && urgent == 0; i++)
        usleep(10000);
    SAY(", an owner: %d, empty %d\n", urgent, try(send(s[0], "", 0, MSG_OOB)));
    close(s[0]);
    close(s[1]);
}

static void others(void)
{
    int s[2], n;

    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s) == 0);
    SAY("datagrams: %d", try(send(s[0], "a", 1, MSG_OOB)));
    SAY(" %d %d", try(recv(s[0], &n, 1, MSG_OOB | MSG_DONTWAIT)), try(ioctl(s[0], SIOCATMARK, &n)));
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s) == 0);
    SAY(", packets: %d %d\n", try(send(s[0], "a", 1, MSG_OOB)),
        try(recv(s[0], &n, 1, MSG_OOB | MSG_DONTWAIT)));
    n = socket(AF_INET, SOCK_STREAM, 0);
    SAY("fresh: %d", try(recv(n, s, 1, MSG_OOB)));
    SAY(" %d\n", try(send(n, "a", 1, MSG_OOB | MSG_NOSIGNAL)));
    n = socket(AF_UNIX, SOCK_STREAM, 0);
    SAY("fresh: %d", try(recv(n, s, 1, MSG_OOB)));
    SAY(" %d\n", try(send(n, "a", 1, MSG_OOB | MSG_NOSIGNAL)));
    n = socket(AF_INET, SOCK_DGRAM, 0);
    SAY("UDP: %d %d\n", try(ioctl(n, SIOCATMARK, s)), try(recv(n, s, 1, MSG_OOB | MSG_DONTWAIT)));
}

static void test(void)
{
    static const int families[] = { AF_INET, AF_UNIX };

    int pair[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    if (send(pair[0], "!", 1, MSG_OOB) < 0 && errno == EOPNOTSUPP && !is_forkscope()) {
        SAY("# this Linux has none of AF_UNIX: not compared\n");
        return;
    }
    close(pair[0]);
    close(pair[1]);
    for (int i = 0; i < 2; i++) {
        counts = families[i] == AF_INET;
        SAY("family %d\n", families[i]);
        apart(families[i]);
        again(families[i]);
        in_line(families[i]);
        signals(families[i]);
    }
    others();
}
