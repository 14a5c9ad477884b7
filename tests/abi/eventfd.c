/* eventfd: counts, semaphores, limits, blocking both ways, polling, errors, fdinfo. */
#include "check.h"
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

static uint64_t get(int fd)
{
    uint64_t n = 0;

    return read(fd, &n, 8) == 8 ? n : ~0ull;
}

static int put(int fd, uint64_t n) { return write(fd, &n, 8) == 8 ? 0 : -1; }

static int polled(int fd)
{
    struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM, 0 };

    CHECK(poll(&p, 1, 0) >= 0);
    return p.revents;
}

static void counts(void)
{
    int fd = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC);
    char link[64] = "", path[32], longer[16];
    struct stat st;

    SAY("flags %x %x\n", fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
    CHECK_EQ(get(fd), 3);
    CHECK_ERR(EAGAIN, read(fd, longer, 8));
    CHECK(put(fd, 5) == 0 && put(fd, 0) == 0 && put(fd, 7) == 0);
    CHECK_EQ(get(fd), 12);
    CHECK_ERR(EINVAL, read(fd, longer, 7));
    CHECK_ERR(EINVAL, write(fd, longer, 4));
    CHECK_ERR(EINVAL, put(fd, ~0ull));
    CHECK_ERR(EFAULT, write(fd, (char *)8, 8));
    CHECK(put(fd, 1) == 0);
    CHECK_EQ(read(fd, longer, sizeof(longer)), 8);
    struct iovec halves[2] = { { longer, 4 }, { longer + 4, 4 } };
    CHECK(put(fd, 0x500000006) == 0);
    CHECK_EQ(readv(fd, halves, 2), 8);
    CHECK_EQ(((uint32_t *)longer)[1], 5);
    CHECK_EQ(lseek(fd, 5, SEEK_SET), 0);
    CHECK_ERR(ESPIPE, pread(fd, longer, 8, 0));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    CHECK(readlink(path, link, sizeof(link) - 1) > 0);
    SAY("%s\n", link);
    CHECK(fstat(fd, &st) == 0);
    SAY("mode %o\n", st.st_mode);
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    CHECK(put(fd, 0x1f) == 0);
    const char *count = strstr(slurp(path), "eventfd-count:");
    SAY("%.31s\n", count ? count : "none");
    close(fd);
    CHECK_ERR(EINVAL, eventfd(0, 0x10000000));
    int old = (int)syscall(SYS_eventfd, 9);
    SAY("flags %x %x\n", fcntl(old, F_GETFL), fcntl(old, F_GETFD));
    CHECK_EQ(get(old), 9);
    close(old);
}

static void semaphore(void)
{
    int fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
    uint64_t n;

    CHECK_EQ(get(fd), 1);
    CHECK_EQ(get(fd), 1);
    CHECK_ERR(EAGAIN, read(fd, &n, 8));
    close(fd);
}

static void limits(void)
{
    int fd = eventfd(0, EFD_NONBLOCK);

    SAY("0: %x\n", polled(fd));
    CHECK(put(fd, ~0ull - 1) == 0);
    SAY("full: %x\n", polled(fd));
    CHECK_ERR(EAGAIN, put(fd, 1));
    CHECK(put(fd, 0) == 0);
    CHECK_EQ(get(fd), ~0ull - 1);
    CHECK(put(fd, 4) == 0);
    SAY("4: %x\n", polled(fd));
    CHECK_ERR(EAGAIN, put(fd, ~0ull - 4));
    close(fd);
}

static void blocking(void)
{
    int fd = eventfd(0, 0);
    pid_t reader = START(CHECK_EQ(get(fd), 6));

    CHECK(WAIT_UNTIL(state_of(reader) == 'S'));
    CHECK(put(fd, 6) == 0);
    CHECK_EQ(status_of(reader), EXITED(0));
    CHECK(put(fd, ~0ull - 1) == 0);
    pid_t writer = START(CHECK(put(fd, 10) == 0));
    CHECK(WAIT_UNTIL(state_of(writer) == 'S'));
    CHECK_EQ(get(fd), ~0ull - 1);
    CHECK_EQ(status_of(writer), EXITED(0));
    CHECK_EQ(get(fd), 10);
    pid_t poller = START(struct pollfd p = { fd, POLLIN, 0 }; CHECK_EQ(poll(&p, 1, 5000), 1));
    CHECK(WAIT_UNTIL(state_of(poller) == 'S'));
    CHECK(put(fd, 1) == 0);
    CHECK_EQ(status_of(poller), EXITED(0));
    get(fd);
    signal(SIGALRM, SIG_DFL);
    reader = START(get(fd));
    CHECK(WAIT_UNTIL(state_of(reader) == 'S'));
    kill(reader, SIGTERM);
    CHECK_EQ(status_of(reader), KILLED(SIGTERM));
    close(fd);
}

static void flags(void)
{
    int fd = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK);

    CHECK_EQ(fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK); /* what kind it is is no flag of the file */
    close(fd);
}

static void test(void)
{
    counts();
    semaphore();
    limits();
    blocking();
    flags();
}
