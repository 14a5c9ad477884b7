/* Reads and writes of a pipe some of whose memory is not there: what stays in the pipe, what has
 * gone into it, what the call says; and sendfile with a position that cannot be written. */
#include "check.h"
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

static char bytes[3 * PAGE], got[4 * PAGE];
static char *edge; /* from here on no memory */

static long two(long (*how)(int, const struct iovec *, int), int fd, size_t good, size_t bad)
{
    struct iovec v[2] = { { how == readv ? got : bytes, good }, { edge, bad } };

    return how(fd, v, 2);
}

static int queued(int fd)
{
    int n = -1;

    CHECK(ioctl(fd, FIONREAD, &n) == 0);
    return n;
}

static void drain(int fd, long expected)
{
    CHECK_EQ(queued(fd), expected);
    CHECK_EQ(read(fd, got, sizeof got), expected);
}

static void writes(const int p[2])
{
    CHECK_ERR(EFAULT, write(p[1], edge - 6, 10));
    CHECK_ERR(EFAULT, two(writev, p[1], 50, 50));
    CHECK_ERR(EAGAIN, read(p[0], got, 1));
    CHECK_EQ(two(writev, p[1], PAGE, PAGE), PAGE); /* whole pages arrive */
    drain(p[0], PAGE);
    CHECK_EQ(two(writev, p[1], 5000, 10), PAGE);
    drain(p[0], PAGE);
    CHECK_EQ(write(p[1], bytes, 100), 100);
    CHECK_EQ(two(writev, p[1], 5000, 10), 914); /* behind what is there, what is odd */
    drain(p[0], 1014);
    CHECK_EQ(memcmp(got + 100, bytes, 914), 0);
    CHECK_EQ(write(p[1], bytes, 4000), 4000);
    CHECK_ERR(EFAULT, two(writev, p[1], 150, 50));
    CHECK_ERR(EFAULT, two(writev, p[1], 60, 10));
    CHECK_EQ(write(p[1], bytes + 4000, 10), 10);
    drain(p[0], 4010);
    CHECK_EQ(memcmp(got, bytes, 4010), 0);
}

static void reads(const int p[2])
{
    CHECK_EQ(write(p[1], bytes, 100), 100);
    CHECK_ERR(EFAULT, read(p[0], edge - 6, 10));
    CHECK_ERR(EFAULT, two(readv, p[0], 99, 50));
    CHECK_EQ(read(p[0], edge - 6, 6), 6);
    CHECK_EQ(two(readv, p[0], 94, 50), 94);
    CHECK_EQ(memcmp(got, bytes + 6, 94), 0);
    CHECK_EQ(write(p[1], bytes, 5000), 5000);
    CHECK_EQ(two(readv, p[0], 4500, 100), PAGE);
    CHECK_EQ(two(readv, p[0], 904, 100), 904);
    CHECK_EQ(memcmp(got, bytes + PAGE, 904), 0);
    CHECK_ERR(EAGAIN, read(p[0], got, 1));
}

static void sends(const int p[2])
{
    char *readonly = map_pages(1);

    write_file("file", "0123456789");
    int f = open("file", O_RDONLY);
    *(off_t *)readonly = 3;
    CHECK(mprotect(readonly, PAGE, PROT_READ) == 0);
    CHECK_ERR(EFAULT, sendfile(p[1], f, (off_t *)readonly, 4));
    CHECK_EQ(read(p[0], got, 9), 4); /* and yet they were sent */
    CHECK_EQ(memcmp(got, "3456", 4), 0);
    CHECK_ERR(EFAULT, sendfile(p[1], f, (off_t *)readonly, 0));
    CHECK_ERR(EFAULT, sendfile(-1, f, (off_t *)readonly, 4));
    CHECK_ERR(EFAULT, sendfile(-1, f, (off_t *)edge, 4));
    CHECK_ERR(EBADF, sendfile(-1, f, NULL, 4));
    CHECK_EQ(sendfile(p[1], f, NULL, 4), 4);
    drain(p[0], 4);
    close(f);
}

static void test(void)
{
    int p[2];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    edge = map_pages(2) + PAGE;
    CHECK(munmap(edge, PAGE) == 0);
    CHECK(pipe2(p, O_NONBLOCK) == 0);
    writes(p);
    reads(p);
    sends(p);
}
