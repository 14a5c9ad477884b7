/* clock_set.c - what waits for a moment on the clock of the wall, when that is set: for
 * clock_set.t.  Not in tests/abi, because it would set the clock of whoever runs these. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    WAIT_UNTIL = 9 | 128 | 256,
    LOCK_PI = 6 | 128
}; /* of FUTEX_*: musl's programs see no header of Linux */

static int failures;
static void check(int holds, const char *what, int line)
{
    if (!holds)
        printf("FAIL line %d: %s (errno %d)\n", line, what, errno), failures++;
}
#define CHECK(...) check(!!(__VA_ARGS__), #__VA_ARGS__, __LINE__)

static void set_by(long seconds)
{
    struct timespec now;

    CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
    now.tv_sec += seconds;
    CHECK(clock_settime(CLOCK_REALTIME, &now) == 0);
}

static int timer(int clock, int flags, long seconds)
{
    int fd = timerfd_create(clock, TFD_NONBLOCK);
    struct itimerspec s = { { 0, 0 }, { 0, 0 } };

    if (flags & TFD_TIMER_ABSTIME)
        CHECK(clock_gettime(clock, &s.it_value) == 0);
    s.it_value.tv_sec += seconds;
    CHECK(timerfd_settime(fd, flags, &s, NULL) == 0);
    return fd;
}

static long ticks(int fd)
{
    uint64_t n;

    return read(fd, &n, 8) == 8 ? (long)n : -errno;
}

/* In a child: until `seconds` from now on the clock, in a wait of that kind; it ends with 0 if the time has come. */
static pid_t waits(int op, long seconds)
{
    struct timespec until;
    static uint32_t word;
    int ready[2];
    char c;

    CHECK(pipe(ready) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(clock_gettime(CLOCK_REALTIME, &until) == 0);
        until.tv_sec += seconds;
        word = op == LOCK_PI ? getppid() : 0;
        CHECK(write(ready[1], "x", 1) == 1);
        long rc = syscall(SYS_futex, &word, op, 0, &until, NULL, -1);
        _exit(rc == -1 && errno == ETIMEDOUT ? 0 : 1);
    }
    CHECK(read(ready[0], &c, 1) == 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void futexes(void)
{
    pid_t pid[] = { waits(WAIT_UNTIL, 1000), waits(LOCK_PI, 1000), waits(WAIT_UNTIL, 100000) };
    int status = -1;

    usleep(20000); /* they most likely sleep by now; else they look at the clock later */
    set_by(-500);
    set_by(1600);
    for (int i = 0; i < 2; i++)
        CHECK(waitpid(pid[i], &status, 0) == pid[i] && status == 0);
    CHECK(waitpid(pid[2], &status, WNOHANG) == 0);
    CHECK(kill(pid[2], SIGKILL) == 0 && waitpid(pid[2], &status, 0) == pid[2] && status == SIGKILL);
}

int main(void)
{
    futexes();
    int absolute = timer(CLOCK_REALTIME, TFD_TIMER_ABSTIME, 1000);
    int relative = timer(CLOCK_REALTIME, 0, 1000);
    int monotonic = timer(CLOCK_MONOTONIC, TFD_TIMER_ABSTIME, 1000);
    int canceled = timer(CLOCK_REALTIME, TFD_TIMER_ABSTIME | 2, 100000);
    int ep = epoll_create1(0);
    struct epoll_event e = { .events = EPOLLIN };
    struct itimerspec s;

    CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, canceled, &e) == 0);
    CHECK(epoll_wait(ep, &e, 1, 0) == 0);
    set_by(-500);
    CHECK(epoll_wait(ep, &e, 1, 0) == 1);
    CHECK(ticks(canceled) == -ECANCELED);
    CHECK(ticks(canceled) == -EAGAIN);
    CHECK(timerfd_gettime(absolute, &s) == 0 && s.it_value.tv_sec > 1400 &&
          s.it_value.tv_sec <= 1500);
    set_by(1600);
    struct pollfd p = { absolute, POLLIN, 0 };
    CHECK(poll(&p, 1, 10000) == 1);
    CHECK(ticks(absolute) == 1);
    CHECK(ticks(canceled) == -ECANCELED);
    CHECK(ticks(relative) == -EAGAIN && ticks(monotonic) == -EAGAIN);
    CHECK(timerfd_gettime(relative, &s) == 0 && s.it_value.tv_sec > 900 &&
          s.it_value.tv_sec < 1000);
    printf(failures ? "failed\n" : "all is well\n");
    return failures != 0;
}
