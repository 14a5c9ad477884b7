/* kcmp(2): which of a child's things are its parent's, by the flags it was cloned with; open files, and those
 * that an epoll watches; who may not ask, and what is refused. */
#include "check.h"
#include <sys/epoll.h>

enum { FILE_, VM, FILES, FS, SIGHAND, IO, SYSVSEM, EPOLL_TFD };
struct epoll_slot {
    uint32_t efd, tfd, toff;
};

static long cmp(pid_t a, pid_t b, int type, unsigned long i, unsigned long j)
{
    return syscall(SYS_kcmp, a, b, type, i, j);
}

static char stack[16384];

static int waits(void *fd)
{
    char c;

    return read(*(int *)fd, &c, 1) != 0;
}

/* A child that shares what the flags say; bit N of the answer: thing N is the same. */
static unsigned shared_with(int flags)
{
    int pipes[2];
    unsigned same = 0;

    CHECK_EQ(pipe(pipes), 0);
    pid_t child = clone(waits, stack + sizeof stack, flags | SIGCHLD, &pipes[0]);
    CHECK(child > 0);
    for (int type = VM; type <= FS + 1; type++) {
        long rc = cmp(getpid(), child, type, 0, 0);
        CHECK(rc >= 0 && rc <= 2);
        same |= (rc == 0) << type;
        long back = cmp(child, getpid(), type, 0, 0);
        CHECK_EQ(back, rc == 0 ? 0 : 3 - rc); /* an order */
    }
    kill(child, SIGKILL);
    CHECK_EQ(status_of(child), KILLED(SIGKILL));
    close(pipes[0]);
    close(pipes[1]);
    return same;
}

static void things(void)
{
    CHECK_EQ(shared_with(0), 0);
    CHECK_EQ(shared_with(CLONE_VM), 1 << VM);
    CHECK_EQ(shared_with(CLONE_FILES), 1 << FILES);
    CHECK_EQ(shared_with(CLONE_FS), 1 << FS);
    CHECK_EQ(shared_with(CLONE_VM | CLONE_SIGHAND), 1 << VM | 1 << SIGHAND);
    for (int type = VM; type <= SYSVSEM; type++)
        CHECK_EQ(cmp(getpid(), getpid(), type, 0, 0), 0);
}

static void files(void)
{
    int a = open("a", O_RDWR | O_CREAT, 0600), b = dup(a), c = open("a", O_RDWR);
    pid_t me = getpid(), child = START(pause());

    CHECK_EQ(cmp(me, me, FILE_, a, b), 0);
    CHECK_EQ(cmp(me, child, FILE_, a, b), 0);
    long order = cmp(me, child, FILE_, a, c);
    CHECK(order == 1 || order == 2);
    CHECK_EQ(cmp(child, me, FILE_, c, a), 3 - order);
    CHECK_ERR(EBADF, cmp(me, me, FILE_, a, 77));
    CHECK_ERR(EBADF, cmp(me, me, FILE_, -1, a));

    int ep = epoll_create1(0), pipes[2];
    struct epoll_event e = { .events = EPOLLIN };
    CHECK_EQ(pipe(pipes), 0);
    CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, pipes[0], &e), 0);
    struct epoll_slot slot = { ep, pipes[0], 0 };
    CHECK_EQ(cmp(me, me, EPOLL_TFD, pipes[0], (unsigned long)&slot), 0);
    CHECK(cmp(me, me, EPOLL_TFD, a, (unsigned long)&slot) > 0);
    slot.toff = 1;
    CHECK_ERR(ENOENT, cmp(me, me, EPOLL_TFD, a, (unsigned long)&slot));
    slot = (struct epoll_slot){ a, pipes[0], 0 };
    CHECK_ERR(EINVAL, cmp(me, me, EPOLL_TFD, a, (unsigned long)&slot));
    slot.efd = 77;
    CHECK_ERR(EBADF, cmp(me, me, EPOLL_TFD, a, (unsigned long)&slot));
    CHECK_ERR(EFAULT, cmp(me, me, EPOLL_TFD, a, 8));
    kill(child, SIGKILL);
    status_of(child);
}

static void refused(void)
{
    pid_t me = getpid();

    CHECK_ERR(EINVAL, cmp(me, me, -1, 0, 0));
    CHECK_ERR(EINVAL, cmp(me, me, EPOLL_TFD + 1, 0, 0));
    CHECK_ERR(ESRCH, cmp(me, 0x3fffff, VM, 0, 0));
    CHECK_ERR(ESRCH, cmp(-1, me, 99, 0, 0));
    CHECK_EQ(CHILD(CHECK_EQ(setuid(12345), 0); CHECK_ERR(EPERM, cmp(getpid(), me, VM, 0, 0));
                   CHECK_ERR(EPERM, cmp(me, getpid(), 99, 0, 0))),
             0);
}

static void test(void)
{
    things();
    files();
    refused();
}
