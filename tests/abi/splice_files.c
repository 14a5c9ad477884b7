/* splice, tee and vmsplice: between pipes and files, sockets, terminals' like; positions, short files, full and
 * empty pipes, what a full file leaves in the pipe; errors are Linux's. */
#include "check.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

static char big[200000], got[200000];
static int p[2], q[2];

static long in_pipe(int fd)
{
    int n = -1;
    ioctl(fd, FIONREAD, &n);
    return n;
}

static void drain(int fd)
{
    while (in_pipe(fd) > 0)
        CHECK(read(fd, got, sizeof got) > 0);
}

static int file(size_t n)
{
    int fd = open("/tmp/splice.file", O_RDWR | O_CREAT | O_TRUNC, 0600);

    CHECK_EQ(write(fd, big, n), n);
    CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
    unlink("/tmp/splice.file");
    return fd;
}

static void from_file(void)
{
    int fd = file(10000);
    loff_t off = 5000;

    CHECK_EQ(splice(fd, NULL, p[1], NULL, 3000, 0), 3000);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 3000);
    CHECK_EQ(splice(fd, &off, p[1], NULL, 4096, 0), 4096);
    CHECK_EQ(off, 9096);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 3000);
    CHECK_EQ(splice(fd, &off, p[1], NULL, 4096, 0), 904);
    CHECK_EQ(splice(fd, &off, p[1], NULL, 4096, 0), 0);
    CHECK_EQ(in_pipe(p[0]), 8000);
    CHECK_EQ(read(p[0], got, sizeof got), 8000);
    CHECK(memcmp(got, big, 3000) == 0 && memcmp(got + 3000, big + 5000, 5000) == 0);
    close(fd);
    fd = file(200000);
    CHECK_EQ(splice(fd, NULL, p[1], NULL, 200000, 0), 65536); /* what there is room for */
    CHECK_ERR(EAGAIN, splice(fd, NULL, p[1], NULL, 1, SPLICE_F_NONBLOCK));
    pid_t a = START(_exit(splice(fd, NULL, p[1], NULL, 4096, 0) == 4096 ? 3 : 4));
    CHECK(WAIT_UNTIL(state_of(a) == 'S'));
    CHECK_EQ(read(p[0], got, 65536), 65536);
    CHECK(memcmp(got, big, 65536) == 0);
    CHECK_EQ(status_of(a), EXITED(3));
    CHECK_EQ(read(p[0], got, sizeof got), 4096);
    CHECK(memcmp(got, big + 65536, 4096) == 0);
    close(fd);
}

static void to_file(void)
{
    int fd = file(0);
    loff_t off = 100000;
    struct rlimit limit = { 8192, RLIM_INFINITY };

    CHECK_EQ(write(p[1], big, 60000), 60000);
    CHECK_EQ(splice(p[0], NULL, fd, NULL, 10000, 0), 10000);
    CHECK_EQ(splice(p[0], NULL, fd, &off, 10000, SPLICE_F_MOVE), 10000);
    CHECK_EQ(off, 110000);
    CHECK_EQ(splice(p[0], NULL, fd, NULL, 100000, 0), 40000);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 50000);
    CHECK_EQ(pread(fd, got, 200000, 0), 110000);
    CHECK(memcmp(got, big, 10000) == 0 && memcmp(got + 10000, big + 20000, 40000) == 0);
    CHECK(memcmp(got + 100000, big + 10000, 10000) == 0);
    CHECK_ERR(EAGAIN, splice(p[0], NULL, fd, NULL, 1, SPLICE_F_NONBLOCK));
    close(fd);
    /* what the file does not take stays in the pipe, in order */
    fd = file(0);
    CHECK_EQ(write(p[1], big, 20000), 20000);
    CHECK_EQ(CHILD(setrlimit(RLIMIT_FSIZE, &limit); signal(SIGXFSZ, SIG_IGN);
                   CHECK_EQ(splice(p[0], NULL, fd, NULL, 20000, 0), 8192)),
             0);
    CHECK_EQ(in_pipe(p[0]), 20000 - 8192);
    CHECK_EQ(read(p[0], got, sizeof got), 20000 - 8192);
    CHECK(memcmp(got, big + 8192, 20000 - 8192) == 0);
    close(fd);
    fd = open("/dev/null", O_WRONLY);
    CHECK_EQ(write(p[1], big, 5000), 5000);
    CHECK_EQ(splice(p[0], NULL, fd, NULL, 9999, 0), 5000);
    close(fd);
}

static void sockets(void)
{
    int s[2];

    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
    CHECK_EQ(write(p[1], big, 3000), 3000);
    CHECK_EQ(splice(p[0], NULL, s[0], NULL, 3000, 0), 3000);
    CHECK_EQ(splice(s[1], NULL, p[1], NULL, 9000, 0), 3000);
    CHECK_EQ(read(p[0], got, sizeof got), 3000);
    CHECK(memcmp(got, big, 3000) == 0);
    close(s[0]);
    CHECK_EQ(splice(s[1], NULL, p[1], NULL, 9000, 0), 0);
    close(s[1]);
}

static void pipes(void)
{
    CHECK_EQ(write(p[1], big, 30000), 30000);
    CHECK_EQ(tee(p[0], q[1], 10000, 0), 10000);
    CHECK_EQ(in_pipe(p[0]), 30000);
    CHECK_EQ(read(q[0], got, sizeof got), 10000);
    CHECK(memcmp(got, big, 10000) == 0);
    CHECK_EQ(splice(p[0], NULL, q[1], NULL, 12345, 0), 12345);
    CHECK_EQ(in_pipe(p[0]), 30000 - 12345);
    CHECK_EQ(read(q[0], got, sizeof got), 12345);
    CHECK(memcmp(got, big, 12345) == 0);
    drain(p[0]);
    CHECK_ERR(EAGAIN, tee(p[0], q[1], 1, SPLICE_F_NONBLOCK));
    CHECK_ERR(EAGAIN, splice(p[0], NULL, q[1], NULL, 1, SPLICE_F_NONBLOCK));
    CHECK_ERR(EINVAL, splice(p[0], NULL, p[1], NULL, 1, 0));
    CHECK_ERR(EINVAL, tee(p[0], p[1], 1, 0));
    CHECK_EQ(CHILD(close(p[1]); int r[2]; CHECK_EQ(pipe(r), 0); close(r[1]);
                   CHECK_EQ(splice(r[0], NULL, q[1], NULL, 1, 0), 0);
                   CHECK_EQ(tee(r[0], q[1], 1, 0), 0)),
             0);
    CHECK_DIES(SIGPIPE, int r[2]; pipe(r); close(r[0]); write(p[1], "x", 1);
               splice(p[0], NULL, r[1], NULL, 1, 0));
    drain(p[0]);
}

static void memory(void)
{
    struct iovec v[3] = { { big, 1000 }, { big + 5000, 4096 }, { big, 7 } };
    struct iovec back[2] = { { got, 2000 }, { got + 2000, 100000 } };

    CHECK_EQ(vmsplice(p[1], v, 3, 0), 5103);
    CHECK_EQ(in_pipe(p[0]), 5103);
    CHECK_EQ(vmsplice(p[0], back, 2, 0), 5103);
    CHECK(memcmp(got, big, 1000) == 0 && memcmp(got + 1000, big + 5000, 4096) == 0);
    CHECK_ERR(EAGAIN, vmsplice(p[0], back, 2, SPLICE_F_NONBLOCK));
    CHECK_EQ(vmsplice(p[1], NULL, 0, 0), 0);
    v[0].iov_base = (void *)8;
    CHECK_ERR(EFAULT, vmsplice(p[1], v, 1, 0));
    CHECK_ERR(EBADF, vmsplice(0, v, 1, 0));
    CHECK_ERR(EINVAL, vmsplice(p[1], v, 2000, 0));
}

static void errors(void)
{
    int fd = file(100);
    loff_t off = 0;

    CHECK_ERR(EBADF, splice(-1, NULL, p[1], NULL, 1, 0));
    CHECK_ERR(EBADF, splice(p[1], NULL, p[1], NULL, 1, 0));
    CHECK_ERR(EBADF, splice(fd, NULL, p[0], NULL, 1, 0));
    CHECK_ERR(EINVAL, splice(fd, NULL, fd, NULL, 1, 0));
    CHECK_ERR(EINVAL, splice(fd, NULL, p[1], NULL, 1, 16));
    CHECK_EQ(splice(-1, NULL, -1, NULL, 0, 0), 0);
    CHECK_ERR(ESPIPE, splice(fd, NULL, p[1], &off, 1, 0));
    CHECK_ERR(ESPIPE, splice(p[0], &off, fd, NULL, 1, 0));
    CHECK_ERR(EFAULT, splice(fd, (void *)8, p[1], NULL, 1, 0));
    off = -1;
    CHECK_ERR(EINVAL, splice(fd, &off, p[1], NULL, 1, 0));
    CHECK_EQ(fcntl(fd, F_SETFL, O_APPEND), 0);
    write(p[1], "x", 1);
    CHECK_ERR(EINVAL, splice(p[0], NULL, fd, NULL, 1, 0));
    drain(p[0]);
    close(fd);
    fd = open("/", O_RDONLY);
    CHECK_ERR(EINVAL, splice(fd, NULL, p[1], NULL, 1, 0));
    CHECK_ERR(EINVAL, tee(fd, p[1], 1, 0));
    close(fd);
}

/* /dev/null takes all and /dev/full nothing, neither gives or takes what is spliced. */
static void null_and_full(void)
{
    int null = open("/dev/null", O_RDWR), full = open("/dev/full", O_RDWR);
    int fd = open("/proc/self/exe", O_RDONLY);

    write(p[1], "hello", 5);
    CHECK_EQ(splice(p[0], NULL, null, NULL, 3, 0), 3);
    CHECK_ERR(EINVAL, splice(p[0], NULL, full, NULL, 2, 0));
    CHECK_ERR(EINVAL, splice(null, NULL, p[1], NULL, 9, 0));
    CHECK_EQ(splice(full, NULL, p[1], NULL, 9, 0), 9);
    CHECK_EQ(in_pipe(p[0]), 11);
    drain(p[0]);
    CHECK_EQ(sendfile(null, fd, NULL, 5), 5);
    CHECK_ERR(EINVAL, sendfile(full, fd, NULL, 5));
    CHECK_ERR(EINVAL, sendfile(null, null, NULL, 5));
    CHECK_ERR(EINVAL, sendfile(null, fd, NULL, -1));
    close(null);
    close(full);
    close(fd);
}

/* Two that fill and one that drains: every byte arrives once. */
static void race(void)
{
    int fd = open("/dev/zero", O_RDONLY), sink = open("/dev/null", O_WRONLY);
    pid_t a =
        START(long n = 0; while (n < 2000000) n += splice(fd, NULL, p[1], NULL, 2000000 - n, 0));
    pid_t b = START(long n = 0; while (n < 2000000) n +=
                                write(p[1], big, 7777 < 2000000 - n ? 7777 : 2000000 - n));
    long n = 0;

    while (n < 4000000) {
        long one = splice(p[0], NULL, n % 2 ? sink : q[1], NULL, 100000, 0);
        if (one <= 0)
            break;
        if (!(n % 2))
            drain(q[0]);
        n += one;
    }
    CHECK_EQ(n, 4000000);
    CHECK_EQ(status_of(a), 0);
    CHECK_EQ(status_of(b), 0);
    CHECK_EQ(in_pipe(p[0]), 0);
}

static void test(void)
{
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 7 + i / 251);
    CHECK_EQ(pipe(p), 0);
    CHECK_EQ(pipe(q), 0);
    from_file();
    to_file();
    sockets();
    pipes();
    memory();
    errors();
    null_and_full();
    race();
}
