/* A pidfd names one process: clone3 and clone give it with the child (also to a
 * parent in vfork), poll says when the process ended, waitid waits for it,
 * signals go to it, and never to another process once it was reaped. */
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sys/syscall.h>
#include "check.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static long clone_with(uint64_t flags, int *fd)
{
    struct clone_args a = { .flags = flags, .pidfd = (uintptr_t)fd, .exit_signal = SIGCHLD };
    return syscall(SYS_clone3, &a, sizeof(a));
}

static int readable(int fd, int timeout)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    return poll(&p, 1, timeout);
}

static void show_end(const char *how, int fd)
{
    siginfo_t info;
    memset(&info, 0, sizeof(info));
    long rc = syscall(SYS_waitid, P_PIDFD, fd, &info, WEXITED, NULL);
    SAY("%s: waitid %ld, code %d status %d\n", how, rc, info.si_code, info.si_status);
    rc = syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0);
    SAY("%s: signal to the reaped: %ld errno %d, still readable %d\n", how, rc, rc ? errno : 0,
        readable(fd, 0));
    close(fd);
}

static void from_vfork(void)
{
    int fd = -1;
    long pid = clone_with(CLONE_VFORK | CLONE_PIDFD, &fd);
    if (pid == 0) {
        usleep(20000);
        _exit(7);
    }
    CHECK(pid > 0);
    SAY("vfork: close-on-exec %d, ended %d\n", fcntl(fd, F_GETFD), readable(fd, 5000));
    show_end("vfork", fd);
}

static void killed(void)
{
    int fd = -1;
    long pid = clone_with(CLONE_PIDFD, &fd);
    if (pid == 0)
        for (;;)
            pause();
    int again = (int)syscall(SYS_pidfd_open, pid, O_NONBLOCK);
    siginfo_t info;
    long rc = syscall(SYS_waitid, P_PIDFD, again, &info, WEXITED, NULL);
    SAY("running: readable %d, nonblocking waitid %ld errno %d\n", readable(fd, 0), rc, errno);
    SAY("kill %ld\n", syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
    SAY("readable %d\n", readable(again, 5000));
    close(again);
    show_end("killed", fd);
}

static void old_clone(void)
{
    int fd = -1;
    long pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &fd, 0, 0);
    if (pid == 0)
        _exit(fcntl(fd, F_GETFD) == -1); /* the child's table does not have it */
    show_end("clone", fd);
}

static void errors(void)
{
    int fd, not_one = open("/dev/null", O_RDONLY);
    siginfo_t info;
#define TRY(call) \
    do { \
        errno = 0; \
        long r_ = (call); \
        SAY(#call " = %ld errno %d\n", r_ < 0 ? r_ : 0, errno); \
    } while (0)
    TRY(clone_with(CLONE_PIDFD | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, &fd));
    TRY(clone_with(CLONE_PIDFD, (int *)8));
    TRY(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, &fd, 0, 0));
    TRY(syscall(SYS_pidfd_open, 0, 0));
    TRY(syscall(SYS_pidfd_open, -1, 0));
    TRY(syscall(SYS_pidfd_open, 0x3fffff, 0));
    TRY(syscall(SYS_pidfd_open, getpid(), 1 << 20));
    TRY(syscall(SYS_pidfd_send_signal, not_one, SIGTERM, NULL, 0));
    TRY(syscall(SYS_pidfd_send_signal, -1, SIGTERM, NULL, 0));
    TRY(syscall(SYS_waitid, P_PIDFD, not_one, &info, WEXITED, NULL));
    TRY(syscall(SYS_waitid, P_PIDFD, -1, &info, WEXITED, NULL));
    fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    TRY(syscall(SYS_pidfd_send_signal, fd, 99, NULL, 0));
    TRY(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
    TRY(syscall(SYS_waitid, P_PIDFD, fd, &info, WEXITED, NULL));
    char c;
    TRY(read(fd, &c, 1));
}

static void test(void)
{
    from_vfork();
    killed();
    old_clone();
    errors();
}
