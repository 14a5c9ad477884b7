/* The exit signal of clone: another one than SIGCHLD is sent to the parent, and
 * plain waitpid does not see such a child; __WCLONE and __WALL do.  0 sends none.
 * exec makes it SIGCHLD again. */
#include "check.h"

static volatile int handled[65];
static char stack[65536] __attribute__((aligned(16)));

static void count(int sig) { handled[sig]++; }
static int leave(void *arg) { return (long)arg; }

static int become_true(void *arg)
{
    (void)arg;
    execlp("true", "true", (char *)NULL);
    return 127;
}

static void test(void)
{
    int status;

    handle(SIGUSR1, count, 0);
    handle(SIGCHLD, count, 0);
    pid_t pid = clone(leave, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGUSR1, (void *)3L);
    CHECK(WAIT_UNTIL(handled[SIGUSR1] == 1));
    CHECK_ERR(ECHILD, waitpid(pid, &status, 0));
    CHECK_EQ(waitpid(pid, &status, __WCLONE), pid);
    CHECK_EQ(status, EXITED(3));

    pid = clone(leave, stack + sizeof(stack), CLONE_VM | CLONE_VFORK, (void *)4L);
    CHECK_ERR(ECHILD, waitpid(-1, &status, 0));
    CHECK_EQ(waitpid(-1, &status, __WALL), pid);
    CHECK_EQ(status, EXITED(4));
    CHECK_EQ(handled[SIGCHLD], 0);
    CHECK_EQ(handled[SIGUSR1], 1);

    pid = clone(become_true, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGUSR1, NULL);
    CHECK(WAIT_UNTIL(handled[SIGCHLD] == 1));
    CHECK_EQ(handled[SIGUSR1], 1);
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(status, 0);
}
