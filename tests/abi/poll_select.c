/* poll and select on pipes, files and bad descriptors: events, hang-up, time-outs,
 * waking up. */
#include "check.h"
#include <poll.h>
#include <sys/select.h>

static void test(void)
{
    int fds[2], file = open("file", O_RDWR | O_CREAT, 0644);
    char c;

    CHECK(pipe(fds) == 0);
    struct pollfd p[4] = { { fds[0], POLLIN | POLLPRI, 0 },
                           { fds[1], POLLOUT, 0 },
                           { 99, POLLIN, 0 },
                           { -1, POLLIN, 77 } };
    int n = poll(p, 4, 0);
    SAY("poll %d: %x %x %x %x\n", n, p[0].revents, p[1].revents, p[2].revents, p[3].revents);
    CHECK(write(fds[1], "x", 1) == 1);
    n = poll(p, 1, -1);
    SAY("poll %d: %x\n", n, p[0].revents);
    struct pollfd f = { file, POLLIN | POLLOUT, 0 };
    n = poll(&f, 1, -1);
    SAY("file %d: %x\n", n, f.revents);
    close(fds[1]);
    n = poll(p, 1, -1);
    SAY("closed, data left %d: %x\n", n, p[0].revents);
    CHECK(read(fds[0], &c, 1) == 1);
    n = poll(p, 1, -1);
    SAY("closed %d: %x\n", n, p[0].revents);
    close(fds[0]);

    CHECK(pipe(fds) == 0);
    close(fds[0]);
    p[0] = (struct pollfd){ fds[1], POLLOUT, 0 };
    n = poll(p, 1, -1);
    SAY("no reader %d: %x\n", n, p[0].revents);
    close(fds[1]);
    long start = now_ms();
    CHECK_EQ(poll(NULL, 0, 60), 0);
    CHECK(now_ms() - start >= 60);

    CHECK(pipe(fds) == 0);
    pid_t pid = START(msleep(50); CHECK(write(fds[1], "y", 1) == 1));
    p[0] = (struct pollfd){ fds[0], POLLIN, 0 };
    CHECK_EQ(poll(p, 1, 3000), 1);
    status_of(pid);

    fd_set in, out;
    struct timeval t = { 1, 0 };
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(fds[0], &in);
    FD_SET(fds[1], &in);
    FD_SET(fds[1], &out);
    n = select(fds[1] + 1, &in, &out, NULL, &t);
    SAY("select %d: %d %d %d\n", n, !!FD_ISSET(fds[0], &in), !!FD_ISSET(fds[1], &in),
        !!FD_ISSET(fds[1], &out));
    CHECK(read(fds[0], &c, 1) == 1);
    FD_ZERO(&in);
    FD_SET(fds[0], &in);
    t = (struct timeval){ 0, 50000 };
    start = now_ms();
    CHECK_EQ(syscall(SYS_select, fds[0] + 1, &in, NULL, NULL, &t), 0);
    CHECK(now_ms() - start >= 50 && !FD_ISSET(fds[0], &in));
    CHECK(t.tv_sec == 0 && t.tv_usec == 0);
    FD_ZERO(&in);
    FD_SET(40, &in); /* Linux does not look above the size of the table: 64 or more */
    CHECK_ERR(EBADF, select(41, &in, NULL, NULL, &t));
    CHECK_ERR(EINVAL, select(-1, &in, NULL, NULL, &t));
    CHECK_ERR(EFAULT, poll((struct pollfd *)8, 1, 0));
}
