/* Pipes of packets (O_DIRECT): a read gets one, what it leaves of it is gone, each takes a
 * page, long writes are several; streams before and behind them; who waits, and sizes. */
#include "check.h"
#include <poll.h>
#include <sys/ioctl.h>

static char bytes[16 * PAGE];
static char got[16 * PAGE];

static int queued(int fd)
{
    int n = -1;

    CHECK(ioctl(fd, FIONREAD, &n) == 0);
    return n;
}

static void set_flags(int fd, int flags) { CHECK(fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0); }

/* Reads n at most and says so: how many came, and that they are those from `at` on. */
static void gets(int fd, size_t n, long expected, size_t at)
{
    CHECK_EQ(read(fd, got, n), expected);
    CHECK(expected <= 0 || memcmp(got, bytes + at, expected) == 0);
}

static void slots(void)
{
    int p[2], full = 0;
    struct pollfd out;

    CHECK(pipe2(p, O_DIRECT | O_NONBLOCK) == 0);
    CHECK_EQ(fcntl(p[0], F_GETFL) & O_DIRECT, 0);
    CHECK_EQ(fcntl(p[1], F_GETFL) & O_DIRECT, O_DIRECT);
    while (full < 99 && write(p[1], bytes + full, 1) == 1)
        full++;
    CHECK_EQ(full, 16);
    CHECK_EQ(queued(p[0]), 16);
    out = (struct pollfd){ p[1], POLLOUT, 0 };
    CHECK_EQ(poll(&out, 1, 0), 0);
    gets(p[0], 100, 1, 0);
    CHECK_EQ(poll(&out, 1, 0), 1);
    CHECK_EQ(write(p[1], bytes, 5000), PAGE); /* one page is free */
    CHECK_ERR(EAGAIN, write(p[1], bytes, 5000));
    for (int i = 1; i < 16; i++)
        gets(p[0], 100, 1, i);
    gets(p[0], 3000, 3000, 0); /* and the rest is lost */
    CHECK_ERR(EAGAIN, read(p[0], got, 1));
    CHECK_EQ(write(p[1], "", 0), 0); /* no packet */
    CHECK_ERR(EAGAIN, read(p[0], got, 1));
    CHECK_EQ(write(p[1], bytes, 9000), 9000);
    gets(p[0], 9000, PAGE, 0);
    gets(p[0], 9000, PAGE, PAGE);
    gets(p[0], 9000, 808, 2 * PAGE);
    CHECK_EQ(write(p[1], bytes, sizeof bytes), sizeof bytes);
    CHECK_EQ(queued(p[0]), sizeof bytes);
    for (int i = 0; i < 16; i++)
        gets(p[0], 2 * PAGE, PAGE, i * PAGE);
    CHECK_EQ(write(p[1], bytes, 10), 10);
    close(p[1]);
    gets(p[0], 9, 9, 0);
    gets(p[0], 9, 0, 0);
    close(p[0]);
}

/* A read goes from a stream into a packet, and no further. */
static void mixed(void)
{
    int p[2];

    CHECK(pipe2(p, O_NONBLOCK) == 0);
    CHECK_EQ(write(p[1], bytes, 100), 100);
    set_flags(p[1], O_DIRECT);
    CHECK_EQ(write(p[1], bytes + 100, 4050), 4050); /* does not fit behind the stream */
    CHECK_EQ(write(p[1], bytes, 30), 30);
    gets(p[0], 60, 60, 0);
    gets(p[0], 9000, 40 + 4050, 60);
    CHECK_EQ(queued(p[0]), 30);
    set_flags(p[1], 0);
    CHECK_EQ(write(p[1], bytes + 30, 10), 10);
    CHECK_EQ(write(p[1], bytes + 40, 10), 10);
    gets(p[0], 9000, 30, 0);
    gets(p[0], 5, 5, 30);
    CHECK_EQ(write(p[1], bytes + 50, 10), 10);
    set_flags(p[1], O_DIRECT);
    CHECK_EQ(write(p[1], bytes + 60, 7), 7); /* fits behind the stream: part of it */
    CHECK_EQ(write(p[1], bytes + 67, 4095), 4095);
    gets(p[0], 9000, 32 + 4095, 35);
    CHECK_ERR(EAGAIN, read(p[0], got, 1));
    close(p[0]);
    close(p[1]);
}

/* What a ring held, from its middle on and full, is there when its file gets O_DIRECT. */
static void conversion(void)
{
    int p[2];

    CHECK(pipe2(p, O_NONBLOCK) == 0);
    CHECK_EQ(write(p[1], bytes, 9000), 9000);
    gets(p[0], 8192, 8192, 0);
    CHECK_EQ(write(p[1], bytes + 9000, 10000), 10000);
    set_flags(p[1], O_DIRECT);
    CHECK_EQ(queued(p[0]), 10808);
    gets(p[0], 20000, 10808, 8192);
    CHECK_EQ(write(p[1], bytes, 3), 3);
    gets(p[0], 20000, 3, 0);
    close(p[0]);
    close(p[1]);
}

static void sizes(void)
{
    int p[2];

    CHECK(pipe2(p, O_DIRECT | O_NONBLOCK) == 0);
    CHECK_EQ(fcntl(p[1], F_SETPIPE_SZ, 2 * PAGE), 2 * PAGE);
    CHECK_EQ(write(p[1], bytes, 1), 1);
    CHECK_EQ(write(p[1], bytes + 1, 1), 1);
    CHECK_ERR(EAGAIN, write(p[1], bytes, 1));
    CHECK_ERR(EBUSY, fcntl(p[1], F_SETPIPE_SZ, PAGE));
    CHECK_EQ(fcntl(p[1], F_SETPIPE_SZ, 4 * PAGE), 4 * PAGE);
    CHECK_EQ(write(p[1], bytes + 2, 9000), 8192);
    gets(p[0], 9, 1, 0);
    gets(p[0], 9, 1, 1);
    gets(p[0], PAGE, PAGE, 2);
    close(p[0]);
    close(p[1]);
}

/* A FIFO cannot be opened so, but be made so, and forgets packets with its last user. */
static void fifo(void)
{
    CHECK(mkfifo("fifo", 0600) == 0);
    CHECK_ERR(EINVAL, open("fifo", O_RDWR | O_DIRECT));
    int f = open("fifo", O_RDWR | O_NONBLOCK);
    set_flags(f, O_DIRECT);
    CHECK_EQ(write(f, bytes, 2), 2);
    CHECK_EQ(write(f, bytes + 2, 2), 2);
    gets(f, 9, 2, 0);
    close(f);
    f = open("fifo", O_RDWR | O_NONBLOCK);
    CHECK_ERR(EAGAIN, read(f, got, 9));
    CHECK_EQ(write(f, bytes, 2), 2);
    CHECK_EQ(write(f, bytes + 2, 2), 2);
    gets(f, 9, 4, 0);
    close(f);
}

/* Three times as much as there is room for, while the other side takes packets. */
static void waiting(void)
{
    int p[2];

    CHECK(pipe2(p, O_DIRECT) == 0);
    pid_t writer =
        START(for (int i = 0; i < 48; i++) CHECK_EQ(write(p[1], bytes + i, 10 + i), 10 + i));
    CHECK(WAIT_UNTIL(queued(p[0]) == 16 * 10 + 120));
    for (int i = 0; i < 48; i++)
        gets(p[0], PAGE, 10 + i, i);
    CHECK_EQ(status_of(writer), 0);
    pid_t reader = START(gets(p[0], PAGE, 5, 3));
    CHECK(WAIT_UNTIL(state_of(reader) == 'S'));
    CHECK_EQ(write(p[1], bytes + 3, 5), 5);
    CHECK_EQ(status_of(reader), 0);
    close(p[0]);
    signal(SIGPIPE, SIG_IGN);
    CHECK_ERR(EPIPE, write(p[1], bytes, 1));
    close(p[1]);
}

static void test(void)
{
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    slots();
    mixed();
    conversion();
    sizes();
    fifo();
    waiting();
}
