/* timerfd: once and again, absolute and relative, what is left, ticks that nobody read, the clock
 * being set, epoll on it, errors. */
#include "check.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>

#define MS 1000000L
#ifndef TFD_TIMER_CANCEL_ON_SET
#define TFD_TIMER_CANCEL_ON_SET 2
#endif
#define SET_TICKS 0x40085400ul

static uint64_t get(int fd)
{
    uint64_t n = 0;

    return read(fd, &n, 8) == 8 ? n : ~0ull;
}

static int set(int fd, int flags, long ms, long interval_ms)
{
    struct itimerspec s = { { interval_ms / 1000, interval_ms % 1000 * MS },
                            { ms / 1000, ms % 1000 * MS } };

    return timerfd_settime(fd, flags, &s, NULL);
}

static int polled(int fd, int ms)
{
    struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDNORM, 0 };

    return poll(&p, 1, ms) >= 0 ? p.revents : -1;
}

static void once(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct itimerspec s;
    uint64_t n;
    char path[64], link[64] = "";

    SAY("flags %x %x\n", fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
    CHECK_ERR(EAGAIN, read(fd, &n, 8));
    CHECK_ERR(EINVAL, read(fd, &n, 7));
    CHECK_ERR(EINVAL, write(fd, &n, 8));
    CHECK(timerfd_gettime(fd, &s) == 0 && s.it_value.tv_sec == 0 && s.it_value.tv_nsec == 0);
    CHECK(set(fd, 0, 300, 0) == 0);
    CHECK(timerfd_gettime(fd, &s) == 0);
    CHECK(s.it_value.tv_nsec > 0 && s.it_value.tv_nsec <= 300 * MS);
    CHECK_EQ(polled(fd, 0), 0);
    long start = now_ms();
    SAY("fired: %x\n", polled(fd, 5000));
    CHECK(now_ms() - start <= 4000);
    CHECK(timerfd_gettime(fd, &s) == 0 && s.it_value.tv_sec == 0 && s.it_value.tv_nsec == 0);
    CHECK_EQ(get(fd), 1);
    CHECK_ERR(EAGAIN, read(fd, &n, 8));
    /* Setting it anew forgets what has come. */
    CHECK(set(fd, 0, 1, 0) == 0);
    polled(fd, 5000);
    CHECK(set(fd, 0, 100000, 0) == 0);
    CHECK_ERR(EAGAIN, read(fd, &n, 8));
    struct itimerspec off = { { 0, 0 }, { 0, 0 } };
    CHECK(timerfd_settime(fd, 0, &off, &s) == 0 && s.it_value.tv_sec >= 95);
    CHECK(timerfd_gettime(fd, &s) == 0 && s.it_value.tv_sec == 0);
    CHECK_EQ(lseek(fd, 4, SEEK_SET), 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    CHECK(readlink(path, link, sizeof(link) - 1) > 0);
    SAY("%s\n", link);
    CHECK(set(fd, 0, 0, 5) == 0); /* an interval of what never begins */
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    const char *info = strstr(slurp(path), "clockid:");
    SAY("%s", info ? info : "none\n");
    close(fd);
}

static void rows(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, 0), ep = epoll_create1(0);
    struct epoll_event e = { .events = EPOLLIN | EPOLLET };
    struct itimerspec s;

    CHECK(set(fd, 0, 10, 10) == 0);
    CHECK(get(fd) >= 1); /* more, where others keep the CPU */
    msleep(55);
    uint64_t n = get(fd);
    CHECK(n >= 5);
    if (n < 5)
        SAY("     %llu\n", (unsigned long long)n);
    CHECK(timerfd_gettime(fd, &s) == 0);
    CHECK(s.it_interval.tv_nsec == 10 * MS && s.it_value.tv_nsec <= 10 * MS);
    CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) == 0);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(epoll_wait(ep, &e, 1, 5000), 1);
        CHECK(get(fd) >= 1);
    }
    CHECK(set(fd, 0, 1, 0) == 0);
    CHECK_EQ(epoll_wait(ep, &e, 1, 5000), 1);
    struct itimerspec shortest = { { 0, 1 }, { 0, 1 } };
    CHECK(timerfd_settime(fd, 0, &shortest, NULL) == 0);
    msleep(5);
    CHECK(get(fd) >= 5000000);
    CHECK(get(fd) >= 1);
    close(fd);
    close(ep);
}

static void absolute(void)
{
    static const int clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, 8, 9 };
    uint64_t n;

    for (unsigned i = 0; i < sizeof(clocks) / sizeof(*clocks); i++) {
        int fd = timerfd_create(clocks[i], 0);
        struct timespec now;
        if (fd < 0) {
            SAY("clock %d: %d\n", clocks[i], errno);
            continue;
        }
        CHECK(clock_gettime(clocks[i] == 8 ? 0 : clocks[i] == 9 ? 7 : clocks[i], &now) == 0);
        struct itimerspec s = { { 0, 0 }, now };
        long start = now_ms();
        s.it_value.tv_nsec += 40 * MS;
        if (s.it_value.tv_nsec >= 1000 * MS)
            s.it_value.tv_sec++, s.it_value.tv_nsec -= 1000 * MS;
        CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &s, NULL) == 0);
        CHECK_EQ(get(fd), 1);
        CHECK(now_ms() - start >= 39);
        s.it_value = (struct timespec){ 0, 1 }; /* long ago */
        CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &s, NULL) == 0);
        CHECK_EQ(get(fd), 1);
        CHECK(clock_gettime(clocks[i] == 8 ? 0 : clocks[i] == 9 ? 7 : clocks[i], &s.it_value) == 0);
        s.it_value.tv_nsec -= 50 * MS; /* a machine is older than that */
        if (s.it_value.tv_nsec < 0)
            s.it_value.tv_sec--, s.it_value.tv_nsec += 1000 * MS;
        s.it_interval = (struct timespec){ 0, 10 * MS };
        CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &s, NULL) == 0);
        n = get(fd);
        CHECK(n >= 6 && n < 1000);
        close(fd);
    }
}

/* The clock of the wall is older than the machine. */
static void before_boot(void)
{
    int fd = timerfd_create(CLOCK_REALTIME, 0);
    struct itimerspec s = { { 1 << 20, 0 }, { 1 << 20, 0 } };
    struct timespec now;

    CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
    CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &s, NULL) == 0);
    CHECK_EQ(get(fd), now.tv_sec >> 20);
    CHECK(timerfd_gettime(fd, &s) == 0);
    CHECK((s.it_value.tv_sec + now.tv_sec + 2) >> 20 == (now.tv_sec >> 20) + 1);
    close(fd);
}

static void canceled(void)
{
    int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
    struct timespec now;

    CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
    struct itimerspec s = { { 0, 0 }, { now.tv_sec + 1000, 0 } };
    uint64_t n;
    CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &s, NULL) == 0);
    CHECK_ERR(EAGAIN, read(fd, &n, 8));
    CHECK(timerfd_settime(fd, TFD_TIMER_CANCEL_ON_SET, &s, NULL) == 0); /* means nothing */
    CHECK_ERR(EAGAIN, read(fd, &n, 8));
    close(fd);
}

static void ticks(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    uint64_t n = 17;

    int r = ioctl(fd, SET_TICKS, &n);
    SAY("set ticks %d\n", r);
    if (r == 0)
        CHECK_EQ(get(fd), 17);
    n = 0;
    CHECK(ioctl(fd, SET_TICKS, &n) < 0);
    CHECK_ERR(ENOTTY, ioctl(fd, 0x5401, &n));
    close(fd);
}

static void errors(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec s = { { 0, 0 }, { 0, 1000 * MS } };

    CHECK_ERR(EINVAL, timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0));
    CHECK_ERR(EINVAL, timerfd_create(CLOCK_MONOTONIC_RAW, 0));
    CHECK_ERR(EINVAL, timerfd_create(-1, 0));
    CHECK_ERR(EINVAL, timerfd_create(CLOCK_MONOTONIC, 1));
    CHECK_ERR(EINVAL, timerfd_settime(fd, 0, &s, NULL));
    s.it_value.tv_nsec = -1;
    CHECK_ERR(EINVAL, timerfd_settime(fd, 0, &s, NULL));
    s.it_value = (struct timespec){ -1, 0 };
    CHECK_ERR(EINVAL, timerfd_settime(fd, 0, &s, NULL));
    s.it_value = (struct timespec){ INT64_MAX, 0 };
    CHECK(timerfd_settime(fd, 0, &s, NULL) == 0);
    CHECK_EQ(polled(fd, 0), 0);
    CHECK_ERR(EINVAL, timerfd_settime(fd, 4, &s, NULL));
    CHECK_ERR(EINVAL, timerfd_settime(1, 0, &s, NULL));
    CHECK_ERR(EBADF, timerfd_settime(99, 0, &s, NULL));
    CHECK_ERR(EINVAL, timerfd_gettime(1, &s));
    CHECK_ERR(EBADF, timerfd_gettime(99, &s));
    CHECK_ERR(EFAULT, timerfd_gettime(fd, (struct itimerspec *)8));
    CHECK_ERR(EFAULT, timerfd_settime(fd, 0, (struct itimerspec *)8, NULL));
    close(fd);
    CHECK_EQ(CHILD(if (setuid(1000) == 0 && timerfd_create(8, 0) < 0) _exit(errno)), EXITED(EPERM));
    /* Signals end a read; the timer is the same one in a child. */
    fd = timerfd_create(CLOCK_MONOTONIC, 0);
    pid_t child = START(get(fd));
    CHECK(WAIT_UNTIL(state_of(child) == 'S'));
    kill(child, SIGTERM);
    CHECK_EQ(status_of(child), KILLED(SIGTERM));
    child = START(CHECK_EQ(get(fd), 1));
    CHECK(WAIT_UNTIL(state_of(child) == 'S'));
    CHECK(set(fd, 0, 1, 0) == 0);
    CHECK_EQ(status_of(child), EXITED(0));
    close(fd);
}

static void test(void)
{
    once();
    rows();
    absolute();
    before_boot();
    canceled();
    ticks();
    errors();
}
