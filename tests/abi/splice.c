/* splice(2), tee(2), vmsplice(2): what moves, what stays, where positions go, and who waits. */
#include "check.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

static int in_pipe(int fd)
{
    int n = -1;
    CHECK_EQ(ioctl(fd, FIONREAD, &n), 0);
    return n;
}

static void take(int fd, const char *wanted)
{
    char b[64] = "";
    CHECK_EQ(read(fd, b, strlen(wanted)), (long)strlen(wanted));
    CHECK(strcmp(b, wanted) == 0);
}

static void put(int fd, const char *text)
{
    CHECK_EQ(write(fd, text, strlen(text)), (long)strlen(text));
}

static int file_of(const char *text)
{
    int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
    CHECK(fd >= 0);
    put(fd, text);
    CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static int p[2], q[2];

static void errors(void)
{
    int f = file_of("abc"), g = file_of(""), ro = open("/proc/self/stat", O_RDONLY),
        dir = open("/tmp", O_RDONLY);
    int append = open("/tmp/splice_append", O_CREAT | O_RDWR | O_APPEND, 0600);
    loff_t off = 0;
    CHECK_EQ(splice(-1, NULL, -1, NULL, 0, 0), 0);
    CHECK_EQ(splice(f, NULL, p[1], NULL, 0, 16), 0);
    CHECK_ERR(EINVAL, splice(f, NULL, p[1], NULL, 1, 16));
    CHECK_ERR(EINVAL, tee(p[0], q[1], 1, 16));
    CHECK_ERR(EINVAL, tee(p[0], q[1], 0, 16));
    CHECK_ERR(EINVAL, vmsplice(p[1], NULL, 0, 16));
    CHECK_ERR(EBADF, splice(-1, NULL, p[1], NULL, 1, 0));
    CHECK_ERR(EBADF, splice(f, NULL, -1, NULL, 1, 0));
    CHECK_ERR(EINVAL, splice(f, NULL, g, NULL, 1, 0));
    CHECK_ERR(EBADF, splice(f, NULL, p[0], NULL, 1, 0));
    CHECK_ERR(EBADF, splice(p[1], NULL, f, NULL, 1, 0));
    CHECK_ERR(EBADF, splice(p[0], NULL, ro, NULL, 1, 0));
    CHECK_ERR(EINVAL, splice(p[0], NULL, p[1], NULL, 1, 0));
    CHECK_ERR(ESPIPE, splice(p[0], &off, g, NULL, 1, 0));
    CHECK_ERR(ESPIPE, splice(f, NULL, p[1], &off, 1, 0));
    CHECK_ERR(EINVAL, splice(p[0], NULL, append, NULL, 1, 0));
    CHECK_ERR(EINVAL, splice(dir, NULL, p[1], NULL, 1, 0));
    CHECK_ERR(EFAULT, splice(f, (loff_t *)8, p[1], NULL, 1, 0));
    CHECK_EQ(tee(-1, -1, 0, 0), 0);
    CHECK_ERR(EINVAL, tee(p[0], p[1], 1, 0));
    CHECK_ERR(EINVAL, tee(f, p[1], 1, 0));
    CHECK_ERR(EBADF, tee(p[1], q[1], 1, 0));
    CHECK_ERR(EBADF, tee(p[0], -1, 1, 0));
    struct iovec v = { (void *)8, 4 };
    CHECK_ERR(EBADF, vmsplice(f, &v, 1, 0));
    CHECK_ERR(EFAULT, vmsplice(p[1], &v, 1, 0));
    CHECK_ERR(EINVAL, vmsplice(p[1], &v, 1025, 0));
    CHECK_EQ(vmsplice(p[1], &v, 0, 0), 0);
    CHECK_ERR(EAGAIN, splice(p[0], NULL, g, NULL, 1, SPLICE_F_NONBLOCK));
    CHECK_ERR(EAGAIN, tee(p[0], q[1], 1, SPLICE_F_NONBLOCK));
    CHECK_EQ(in_pipe(p[0]), 0);
    close(f), close(g), close(ro), close(dir), close(append);
    unlink("/tmp/splice_append");
}

static void positions(void)
{
    int f = file_of("0123456789"), g = file_of("..........");
    loff_t at = 4, to = 7;
    CHECK_EQ(splice(f, NULL, p[1], NULL, 3, 0), 3);
    CHECK_EQ(lseek(f, 0, SEEK_CUR), 3);
    CHECK_EQ(splice(f, &at, p[1], NULL, 2, 0), 2);
    CHECK_EQ(at, 6);
    CHECK_EQ(lseek(f, 0, SEEK_CUR), 3);
    CHECK_EQ(in_pipe(p[0]), 5);
    CHECK_EQ(splice(p[0], NULL, g, &to, 2, 0), 2);
    CHECK_EQ(to, 9);
    CHECK_EQ(lseek(g, 0, SEEK_CUR), 0);
    CHECK_EQ(splice(p[0], NULL, g, NULL, 100, 0), 3);
    CHECK_EQ(lseek(g, 0, SEEK_CUR), 3);
    CHECK_EQ(lseek(g, 0, SEEK_SET), 0);
    take(g, "245....01.");
    at = 100; /* behind the end */
    CHECK_EQ(splice(f, &at, p[1], NULL, 5, 0), 0);
    CHECK_EQ(at, 100);
    close(f), close(g);
}

static void between(void)
{
    put(p[1], "abcdef");
    CHECK_EQ(tee(p[0], q[1], 4, 0), 4);
    CHECK_EQ(in_pipe(p[0]), 6);
    take(q[0], "abcd");
    CHECK_EQ(tee(p[0], q[1], 100, 0), 6);
    CHECK_EQ(splice(p[0], NULL, q[1], NULL, 2, 0), 2);
    CHECK_EQ(in_pipe(p[0]), 4);
    take(q[0], "abcdefab");
    CHECK_EQ(splice(p[0], NULL, q[1], NULL, 100, 0), 4);
    take(q[0], "cdef");
}

/* What cannot be written stays in the pipe. */
static void refused(void)
{
    int s[2];
    put(p[1], "stays");
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s), 0);
    char b[4096] = "";
    while (write(s[0], b, sizeof(b)) > 0)
        ;
    while (write(s[0], b, 1) > 0)
        ;
    CHECK_ERR(EAGAIN, splice(p[0], NULL, s[0], NULL, 5, 0));
    take(p[0], "stays");
    while (read(s[1], b, sizeof(b)) > 0)
        ;
    put(p[1], "goes");
    CHECK_EQ(splice(p[0], NULL, s[0], NULL, 5, 0), 4);
    CHECK_EQ(splice(s[1], NULL, p[1], NULL, 100, 0), 4);
    take(p[0], "goes");
    close(s[0]), close(s[1]);
}

static void memory(void)
{
    char a[3] = "abc", b[5] = "defgh", c[16] = "";
    struct iovec v[] = { { a, 3 }, { b, 5 } }, w[] = { { c, 2 }, { c + 8, 8 } };
    CHECK_EQ(vmsplice(p[1], v, 2, 0), 8);
    CHECK_EQ(vmsplice(p[0], w, 2, 0), 8);
    CHECK(memcmp(c, "ab\0\0\0\0\0\0cdefgh", 14) == 0);
    CHECK_ERR(EAGAIN, vmsplice(p[0], w, 2, SPLICE_F_NONBLOCK));
}

/* A pipe that is full, or has nobody at its end. */
static void ends(void)
{
    int f = file_of("x"), r[2];
    size_t n = 0;
    char b[4096] = "";
    struct iovec v = { b, 1 };
    CHECK_EQ(fcntl(p[1], F_SETFL, O_NONBLOCK), 0);
    while (write(p[1], b, sizeof(b)) > 0)
        n += sizeof(b);
    CHECK_ERR(EAGAIN, splice(f, NULL, p[1], NULL, 1, 0));
    CHECK_EQ(fcntl(p[1], F_SETFL, 0), 0);
    CHECK_ERR(EAGAIN, splice(f, NULL, p[1], NULL, 1, SPLICE_F_NONBLOCK));
    CHECK_ERR(EAGAIN, vmsplice(p[1], &v, 1, SPLICE_F_NONBLOCK));
    CHECK_EQ(lseek(f, 0, SEEK_CUR), 0);
    for (; n > 0; n -= sizeof(b))
        CHECK_EQ(read(p[0], b, sizeof(b)), (long)sizeof(b));
    CHECK_EQ(pipe(r), 0);
    close(r[0]);
    CHECK_DIES(SIGPIPE, splice(f, NULL, r[1], NULL, 1, 0));
    handle(SIGPIPE, SIG_IGN, 0);
    CHECK_ERR(EPIPE, splice(f, NULL, r[1], NULL, 1, 0));
    CHECK_ERR(EPIPE, vmsplice(r[1], &v, 1, 0));
    put(p[1], "y");
    CHECK_ERR(EPIPE, tee(p[0], r[1], 1, 0));
    take(p[0], "y");
    close(r[1]);
    CHECK_EQ(pipe(r), 0);
    close(r[1]);
    CHECK_EQ(splice(r[0], NULL, f, NULL, 1, 0), 0);
    CHECK_EQ(tee(r[0], p[1], 1, 0), 0);
    close(r[0]), close(f);
}

static void none(int sig) { (void)sig; }

static void waiting(void)
{
    int f = file_of("");
    pid_t pid = START(CHECK_EQ(splice(p[0], NULL, f, NULL, 100, 0), 5));
    CHECK(WAIT_UNTIL(state_of(pid) == 'S'));
    put(p[1], "later");
    CHECK_EQ(status_of(pid), 0);
    CHECK_EQ(lseek(f, 0, SEEK_SET), 0);
    take(f, "later");
    handle(SIGUSR1, none, 0);
    pid = START(CHECK_ERR(EINTR, splice(p[0], NULL, q[1], NULL, 1, 0)));
    CHECK(WAIT_UNTIL(state_of(pid) == 'S'));
    kill(pid, SIGUSR1);
    CHECK_EQ(status_of(pid), 0);
    close(f);
}

#define MUCH (3u << 20)

/* A file through three pipes into another, by three processes. */
static void pump(void)
{
    int f = open("/tmp", O_TMPFILE | O_RDWR, 0600), g = open("/tmp", O_TMPFILE | O_RDWR, 0600),
        r[2];
    unsigned *a = malloc(MUCH), *b = malloc(MUCH);
    for (unsigned i = 0; i < MUCH / 4; i++)
        a[i] = i * 2654435761u;
    CHECK_EQ(pwrite(f, a, MUCH, 0), MUCH);
    CHECK_EQ(pipe(r), 0);
    pid_t one = START({
        long n, sum = 0;
        while ((n = splice(f, NULL, p[1], NULL, 10001, 0)) > 0)
            sum += n;
        CHECK_EQ(sum, MUCH);
    });
    pid_t two = START({
        close(p[1]);
        for (long n, left = MUCH; left > 0; left -= n)
            CHECK((n = splice(p[0], NULL, r[1], NULL, left < 30011 ? left : 30011, 0)) > 0);
    });
    for (long n, left = MUCH; left > 0; left -= n)
        CHECK((n = splice(r[0], NULL, g, NULL, left, SPLICE_F_MOVE | SPLICE_F_MORE)) > 0);
    CHECK_EQ(status_of(one), 0);
    CHECK_EQ(status_of(two), 0);
    CHECK_EQ(pread(g, b, MUCH, 0), MUCH);
    CHECK(memcmp(a, b, MUCH) == 0);
    close(f), close(g), close(r[0]), close(r[1]);
}

/* A stream of AF_UNIX is not waited for, if splice says so; one of TCP only heeds its own flag. */
static void from_socket(void)
{
    char b[8] = "";
    int s[2];

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
    CHECK_ERR(EAGAIN, splice(s[0], NULL, p[1], NULL, 4, SPLICE_F_NONBLOCK));
    CHECK(write(s[1], "abcdef", 6) == 6);
    CHECK_EQ(splice(s[0], NULL, p[1], NULL, 4, SPLICE_F_NONBLOCK), 4);
    CHECK_EQ(read(p[0], b, sizeof(b)), 4);
    CHECK(memcmp(b, "abcd", 4) == 0);
    close(s[0]);
    close(s[1]);
}

static void test(void)
{
    CHECK_EQ(pipe(p), 0);
    CHECK_EQ(pipe(q), 0);
    errors();
    positions();
    between();
    refused();
    from_socket();
    memory();
    ends();
    waiting();
    pump();
}
