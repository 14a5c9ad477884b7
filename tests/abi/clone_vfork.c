/* CLONE_VFORK blocks the caller whatever else is asked for: without CLONE_VM
 * (memory is a copy), with a stack of its own (as posix_spawn does), with
 * CLONE_FILES (descriptors are shared until exec).  CLONE_VM alone does not block. */
#include "check.h"

static char stack[65536] __attribute__((aligned(16)));
static volatile int value, fd_made = -1;

static int nap(void *arg)
{
    (void)arg;
    msleep(600);
    value = 2;
    return 4;
}

static int make_fd(void *arg)
{
    fd_made = dup2(1, 41);
    return arg != NULL;
}

static int exec_sleep(void *arg)
{
    (void)arg;
    fcntl(41, F_SETFD, FD_CLOEXEC);
    execlp("true", "true", (char *)NULL);
    return 127;
}

static pid_t go(int (*f)(void *), int flags)
{
    return clone(f, stack + sizeof(stack), flags, NULL);
}

static void test(void)
{
    long start = now_ms();

    value = 1;
    pid_t pid = go(nap, CLONE_VFORK | SIGCHLD);
    CHECK(now_ms() - start >= 600);
    CHECK_EQ(value, 1);
    CHECK_EQ(status_of(pid), EXITED(4));

    start = now_ms();
    pid = go(nap, CLONE_VM | CLONE_VFORK | SIGCHLD);
    CHECK(now_ms() - start >= 600);
    CHECK_EQ(value, 2);
    CHECK_EQ(status_of(pid), EXITED(4));

    value = 1;
    start = now_ms();
    pid = go(nap, CLONE_VM | SIGCHLD);
    CHECK(now_ms() - start < 600);
    CHECK_EQ(value, 1);
    CHECK_EQ(status_of(pid), EXITED(4));
    CHECK_EQ(value, 2);

    pid = go(make_fd, CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD);
    CHECK_EQ(status_of(pid), 0);
    CHECK_EQ(fd_made, 41);
    CHECK(fcntl(41, F_GETFD) >= 0);
    /* exec parts the table before it closes: the caller's stays open */
    pid = go(exec_sleep, CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD);
    CHECK_EQ(status_of(pid), 0);
    CHECK_EQ(fcntl(41, F_GETFD), FD_CLOEXEC);
}
