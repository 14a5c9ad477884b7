/* AF_UNIX streams and packets: pairs, bytes and their ends, names, listening, accepting, waiting,
 * what poll says, options, errors. */
#include "check.h"
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

static int polled(int fd)
{
    struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDHUP, 0 };

    return poll(&p, 1, 0) >= 0 ? p.revents : -1;
}

static struct sockaddr_un address(const char *name, socklen_t *len)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };

    if (name[0] == '@') {
        memcpy(a.sun_path + 1, name + 1, strlen(name + 1));
        *len = offsetof(struct sockaddr_un, sun_path) + strlen(name);
    } else {
        strcpy(a.sun_path, name);
        *len = sizeof(a);
    }
    return a;
}

static int bind_to(int fd, const char *name)
{
    socklen_t len;
    struct sockaddr_un a = address(name, &len);

    return bind(fd, (struct sockaddr *)&a, len);
}

static int connect_to(int fd, const char *name)
{
    socklen_t len;
    struct sockaddr_un a = address(name, &len);

    return connect(fd, (struct sockaddr *)&a, len);
}

static void say_name(const char *what, int r, const struct sockaddr_un *a, socklen_t len)
{
    SAY("%s: %d %u %u", what, r < 0 ? errno : r, len, a->sun_family);
    if (len > 2)
        SAY(" %s%s", a->sun_path[0] ? "" : "@", a->sun_path[0] ? a->sun_path : a->sun_path + 1);
    SAY("\n");
}

static void names_of(const char *what, int fd)
{
    struct sockaddr_un a;
    socklen_t len = sizeof(a);

    memset(&a, 0, sizeof(a));
    int r = getsockname(fd, (struct sockaddr *)&a, &len);
    say_name(what, r, &a, len);
    memset(&a, 0, sizeof(a));
    len = sizeof(a);
    r = getpeername(fd, (struct sockaddr *)&a, &len);
    say_name("  peer", r, &a, r < 0 ? 0 : len);
}

static void pairs(int type)
{
    int s[2], n;
    char b[64] = "";
    struct stat st;

    CHECK(socketpair(AF_UNIX, type, 0, s) == 0);
    SAY("pair: %x %x\n", polled(s[0]), fcntl(s[0], F_GETFL));
    names_of("pair", s[0]);
    CHECK(fstat(s[0], &st) == 0);
    SAY("mode %o\n", st.st_mode);
    CHECK_EQ(write(s[0], "hello", 5), 5);
    CHECK_EQ(send(s[0], " you", 4, 0), 4);
    CHECK(ioctl(s[1], FIONREAD, &n) == 0);
    SAY("waiting %d, poll %x\n", n, polled(s[1]));
    CHECK(recv(s[1], b, 3, MSG_PEEK) == 3);
    memset(b, 0, sizeof(b));
    n = (int)recv(s[1], b, 3, 0);
    SAY("read %d %s\n", n, b);
    memset(b, 0, sizeof(b));
    n = (int)recv(s[1], b, sizeof(b), MSG_DONTWAIT);
    SAY("read %d %s\n", n, b);
    if (type == SOCK_SEQPACKET) {
        CHECK_ERR(EAGAIN, recv(s[1], b, 9, MSG_DONTWAIT));
        CHECK_EQ(write(s[0], "four", 4), 4);
        CHECK_EQ(recv(s[1], b, 2, MSG_TRUNC), 4);
        CHECK_EQ(send(s[0], b, 0, 0), 0);
        CHECK_EQ(recv(s[1], b, 2, 0), 0);
    }
    CHECK_ERR(EAGAIN, recv(s[1], b, 9, MSG_DONTWAIT));
    /* One way is shut. */
    CHECK(shutdown(s[0], SHUT_WR) == 0);
    SAY("shut: %x %x\n", polled(s[0]), polled(s[1]));
    CHECK_EQ(read(s[1], b, 9), 0);
    CHECK_ERR(EPIPE, send(s[0], "x", 1, MSG_NOSIGNAL));
    CHECK_EQ(write(s[1], "back", 4), 4);
    CHECK_EQ(read(s[0], b, 9), 4);
    CHECK_ERR(EINVAL, shutdown(s[0], 3));
    close(s[0]);
    SAY("closed: %x\n", polled(s[1]));
    CHECK_EQ(read(s[1], b, 9), 0);
    CHECK_ERR(EPIPE, send(s[1], "x", 1, MSG_NOSIGNAL));
    int status = CHILD(CHECK(write(s[1], "x", 1) < 0));
    SAY("write dies of %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    close(s[1]);
    /* Closed with something unread. */
    CHECK(socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, s) == 0);
    SAY("flags %x %x\n", fcntl(s[0], F_GETFL), fcntl(s[0], F_GETFD));
    CHECK_EQ(write(s[0], "lost", 4), 4);
    CHECK_EQ(write(s[1], "kept", 4), 4);
    close(s[1]);
    SAY("reset: %x\n", polled(s[0]));
    n = (int)read(s[0], b, 9);
    SAY("read %d", n);
    n = (int)read(s[0], b, 9);
    SAY(" %d %d", n, n < 0 ? errno : 0);
    n = (int)read(s[0], b, 9);
    SAY(" %d %d\n", n, n < 0 ? errno : 0);
    close(s[0]);
}

static void amounts(void)
{
    static char big[1 << 20];
    int s[2];
    unsigned char *back = (unsigned char *)map_pages(256);

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
    for (unsigned i = 0; i < sizeof(big); i++)
        big[i] = (char)(i * 7 + i / 4096);
    pid_t child = START(close(s[1]); CHECK_EQ(write(s[0], big, sizeof(big)), sizeof(big)));
    close(s[0]);
    CHECK(WAIT_UNTIL(state_of(child) == 'S')); /* it does not fit */
    CHECK_EQ(recv(s[1], back, sizeof(big), MSG_WAITALL), sizeof(big));
    CHECK(memcmp(big, back, sizeof(big)) == 0);
    CHECK_EQ(status_of(child), EXITED(0));
    CHECK_EQ(read(s[1], back, 1), 0);
    close(s[1]);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s) == 0);
    long n = 0, all = 0;
    while ((n = write(s[0], big, 1000)) > 0)
        all += n;
    CHECK(n < 0 && errno == EAGAIN && all > 50000);
    CHECK_EQ(polled(s[0]) & POLLOUT, 0);
    while ((n = read(s[1], back, 70000)) > 0)
        all -= n;
    CHECK_EQ(all, 0);
    SAY("empty again: %x\n", polled(s[0]));
    /* Messages larger than the buffer. */
    int p[2], size = 0;
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p) == 0);
    CHECK(setsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &(int){ 10000 }, 4) == 0);
    CHECK(getsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &size, &(socklen_t){ 4 }) == 0);
    SAY("sndbuf %d\n", size);
    CHECK_ERR(EMSGSIZE, send(p[0], big, 20000, 0));
    CHECK_EQ(send(p[0], big, 15000, 0), 15000);
    CHECK_EQ(recv(p[1], back, 20000, 0), 15000);
    CHECK(memcmp(big, back, 15000) == 0);
    close(p[0]);
    close(p[1]);
    close(s[0]);
    close(s[1]);
}

static void listening(int type, const char *name)
{
    int l = socket(AF_UNIX, type, 0), c = socket(AF_UNIX, type, 0), a, d;
    struct sockaddr_un from;
    socklen_t len = sizeof(from);
    char b[16] = "";

    SAY("fresh: %x\n", polled(l));
    CHECK_ERR(EINVAL, listen(l, 5));
    CHECK_ERR(EINVAL, accept(l, NULL, NULL));
    CHECK(connect_to(c, name) < 0);
    SAY("nobody: %d\n", errno);
    CHECK(bind_to(l, name) == 0);
    CHECK(bind_to(l, name) < 0);
    SAY("twice: %d\n", errno);
    CHECK_ERR(ECONNREFUSED, connect_to(c, name));
    CHECK(listen(l, 1) == 0);
    SAY("listens: %x\n", polled(l));
    CHECK(connect_to(c, name) == 0);
    SAY("called: %x %x\n", polled(l), polled(c));
    CHECK_ERR(EISCONN, connect_to(c, name));
    CHECK_EQ(write(c, "early", 5), 5);
    memset(&from, 0, sizeof(from));
    a = accept4(l, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
    say_name("accepted", a >= 0 ? 0 : -1, &from, len);
    SAY("flags %x %x\n", fcntl(a, F_GETFL), fcntl(a, F_GETFD));
    names_of("server's", a);
    names_of("client's", c);
    CHECK_EQ(read(a, b, 16), 5);
    CHECK_EQ(write(a, "hi", 2), 2);
    CHECK_EQ(read(c, b, 16), 2);
    struct ucred cred;
    CHECK(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &cred, &(socklen_t){ sizeof(cred) }) == 0);
    CHECK(cred.pid == getpid() && cred.uid == 0 && cred.gid == 0);
    /* The row is full: a third one waits, or not. */
    int q[3];
    for (int i = 0; i < 3; i++)
        q[i] = socket(AF_UNIX, type | (i == 2 ? SOCK_NONBLOCK : 0), 0);
    CHECK(connect_to(q[0], name) == 0 && connect_to(q[1], name) == 0);
    CHECK_ERR(EAGAIN, connect_to(q[2], name));
    pid_t child = START(int w = socket(AF_UNIX, type, 0); CHECK(connect_to(w, name) == 0);
                        CHECK_EQ(read(w, b, 4), 4));
    CHECK(WAIT_UNTIL(state_of(child) == 'S'));
    for (int i = 0; i < 3; i++) {
        d = accept(l, NULL, NULL);
        CHECK(d >= 0 && write(d, "go on", 4) == 4);
        close(d);
    }
    CHECK_EQ(status_of(child), EXITED(0));
    fcntl(l, F_SETFL, O_NONBLOCK);
    CHECK_ERR(EAGAIN, accept(l, NULL, NULL));
    fcntl(l, F_SETFL, 0);
    /* Waiting for a call; calls that nobody takes. */
    child = START(d = accept(l, NULL, NULL); CHECK(d >= 0 && write(d, "x", 1) == 1));
    CHECK(WAIT_UNTIL(state_of(child) == 'S'));
    d = socket(AF_UNIX, type, 0);
    CHECK(connect_to(d, name) == 0 && read(d, b, 9) == 1);
    CHECK_EQ(status_of(child), EXITED(0));
    close(d);
    d = socket(AF_UNIX, type, 0);
    CHECK(connect_to(d, name) == 0);
    close(l);
    SAY("refused at last: %x", polled(d));
    int n = (int)read(d, b, 9);
    SAY(" %d %d\n", n, n < 0 ? errno : 0);
    CHECK(connect_to(q[2], name) < 0);
    SAY("gone: %d\n", errno);
    CHECK_EQ(write(a, "still", 5), 5);
    for (int i = 0; i < 3; i++)
        close(q[i]);
    close(a);
    close(c);
    close(d);
    unlink(name);
}

static void paths(void)
{
    int s = socket(AF_UNIX, SOCK_STREAM, 0), d = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    struct stat st;
    socklen_t len = sizeof(a);

    umask(027);
    CHECK(bind_to(s, "node") == 0);
    umask(022);
    CHECK(stat("node", &st) == 0);
    SAY("node %o\n", st.st_mode);
    CHECK_ERR(ENXIO, open("node", O_RDWR));
    CHECK(listen(s, 1) == 0);
    CHECK_ERR(EPROTOTYPE, connect_to(d, "node"));
    CHECK_ERR(EADDRINUSE, bind_to(d, "node"));
    CHECK_ERR(ENOENT, bind_to(d, "no/node"));
    write_file("plain", "x");
    CHECK_ERR(ECONNREFUSED, connect_to(d, "plain"));
    CHECK_ERR(ENOTDIR, connect_to(d, "plain/x"));
    CHECK_EQ(CHILD(int c = socket(AF_UNIX, SOCK_STREAM, 0); chmod("node", 0600);
                   if (setuid(1000) == 0 && connect_to(c, "node") < 0) _exit(errno)),
             EXITED(EACCES));
    CHECK(rename("node", "other") == 0);
    int c = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(connect_to(c, "other") == 0);
    CHECK(getpeername(c, (struct sockaddr *)&a, &len) == 0);
    say_name("renamed", 0, &a, len);
    close(c);
    unlink("other");
    /* Without a name of its own: the kernel's. */
    a.sun_family = AF_UNIX;
    CHECK(bind(d, (struct sockaddr *)&a, 2) == 0);
    len = sizeof(a);
    CHECK(getsockname(d, (struct sockaddr *)&a, &len) == 0);
    SAY("autobind %u %d\n", len, a.sun_path[0]);
    close(s);
    close(d);
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_ERR(EINVAL, bind(s, (struct sockaddr *)&a, 1));
    CHECK_ERR(EINVAL, bind(s, (struct sockaddr *)&a, 200));
    CHECK_ERR(EFAULT, bind(s, (struct sockaddr *)8, 20));
    a.sun_family = AF_INET;
    CHECK_ERR(EINVAL, bind(s, (struct sockaddr *)&a, sizeof(a)));
    CHECK_ERR(EINVAL, connect(s, (struct sockaddr *)&a, sizeof(a)));
    /* A short room for the name. */
    CHECK(bind_to(s, "@short") == 0);
    len = 5;
    memset(&a, 0x55, sizeof(a));
    CHECK(getsockname(s, (struct sockaddr *)&a, &len) == 0);
    SAY("cut %u %d %c %x\n", len, a.sun_path[0], a.sun_path[1], a.sun_path[3]);
    close(s);
}

static void errors(void)
{
    int s[2], p[2], n;
    char b[8];

    CHECK_ERR(EINVAL, socket(AF_UNIX, SOCK_STREAM | 0x10, 0));
    CHECK_ERR(ESOCKTNOSUPPORT, socket(AF_UNIX, SOCK_RDM, 0));
    CHECK_ERR(EPROTONOSUPPORT, socket(AF_UNIX, SOCK_STREAM, 5));
    CHECK_ERR(EAFNOSUPPORT, socket(77, SOCK_STREAM, 0));
    CHECK_ERR(EFAULT, socketpair(AF_UNIX, SOCK_STREAM, 0, (int *)8));
    CHECK(pipe(p) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
    CHECK_ERR(ENOTSOCK, send(p[1], b, 1, 0));
    CHECK_ERR(ENOTSOCK, getsockname(p[1], NULL, NULL));
    CHECK_ERR(EBADF, recv(99, b, 1, 0));
    CHECK_ERR(EFAULT, send(s[0], (void *)8, 4, 0));
    CHECK_EQ(write(s[0], "abc", 3), 3);
    CHECK_ERR(EFAULT, recv(s[1], (void *)8, 4, 0));
    CHECK_EQ(recv(s[1], b, 4, 0), 3);
    CHECK_ERR(EISCONN,
              sendto(s[0], b, 1, 0, (struct sockaddr *)&(struct sockaddr_un){ AF_UNIX, "x" }, 4));
    CHECK_ERR(ESPIPE, lseek(s[0], 0, SEEK_SET));
    CHECK_ERR(ESPIPE, pread(s[0], b, 1, 0));
    CHECK_ERR(EOPNOTSUPP, setsockopt(s[0], SOL_SOCKET + 5, 1, b, 4));
    CHECK_ERR(ENOPROTOOPT, setsockopt(s[0], SOL_SOCKET, 9999, b, 4));
    CHECK_ERR(ENOPROTOOPT, getsockopt(s[0], SOL_SOCKET, 9999, b, &(socklen_t){ 4 }));
    CHECK_ERR(EINVAL, listen(s[0], 1));
    CHECK_ERR(EINVAL, accept(s[0], NULL, NULL));
    static const int options[] = { SO_TYPE,       SO_DOMAIN,    SO_PROTOCOL, SO_ERROR,
                                   SO_ACCEPTCONN, SO_REUSEADDR, SO_RCVLOWAT, SO_SNDBUF,
                                   SO_RCVBUF,     SO_PASSCRED,  SO_KEEPALIVE };
    for (unsigned i = 0; i < sizeof(options) / sizeof(*options); i++) {
        socklen_t len = sizeof(n);
        int r = getsockopt(s[0], SOL_SOCKET, options[i], &n, &len);
        SAY("option %d: %d %d %u\n", options[i], r, n, len);
    }
    /* Waiting ends by time, or a signal. */
    struct timeval t = { 0, 50000 };
    CHECK(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) == 0);
    long start = now_ms();
    CHECK_ERR(EAGAIN, recv(s[0], b, 1, 0));
    CHECK(now_ms() - start >= 45);
    CHECK_ERR(EDOM, setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ 0, 2000000 },
                               sizeof(t)));
    pid_t child = START(if (read(s[1], b, 1) < 0) _exit(1));
    CHECK(WAIT_UNTIL(state_of(child) == 'S'));
    kill(child, SIGTERM);
    CHECK_EQ(status_of(child), KILLED(SIGTERM));
    int u = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_ERR(ENOTCONN, send(u, b, 1, 0));
    CHECK_ERR(EINVAL, recv(u, b, 1, 0));
    CHECK_ERR(ENOTCONN, getpeername(u, (struct sockaddr *)b, &(socklen_t){ 8 }));
    close(u);
    u = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    CHECK_ERR(ENOTCONN, send(u, b, 1, 0));
    CHECK_ERR(ENOTCONN, recv(u, b, 1, 0));
    close(u);
    for (int i = 0; i < 2; i++)
        close(s[i]), close(p[i]);
}

/* Of no bytes, whatever the socket and its state; a message that waits stays. */
static void reads_nothing(void)
{
    static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
    char byte;
    int p[2];

    for (unsigned i = 0; i < 3; i++) {
        int s = socket(AF_UNIX, types[i] | SOCK_NONBLOCK, 0);
        CHECK_EQ(read(s, &byte, 0), 0);
        close(s);
        CHECK_EQ(socketpair(AF_UNIX, types[i] | SOCK_NONBLOCK, 0, p), 0);
        CHECK_EQ(read(p[0], &byte, 0), 0);
        CHECK_EQ(write(p[1], "x", 1), 1);
        CHECK_EQ(read(p[0], &byte, 0), 0);
        CHECK_EQ(read(p[0], &byte, 1), 1);
        close(p[0]);
        close(p[1]);
    }
}

static void test(void)
{
    SAY("streams\n");
    pairs(SOCK_STREAM);
    SAY("packets\n");
    pairs(SOCK_SEQPACKET);
    amounts();
    listening(SOCK_STREAM, "place");
    listening(SOCK_SEQPACKET, "@forkscope-test");
    paths();
    errors();
    reads_nothing();
}
