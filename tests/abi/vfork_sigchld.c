/* With SIGCHLD ignored a vfork child reaps itself: the PID is returned, waitpid
 * finds nothing.  With a handler, it runs for the child.  With SA_NOCLDWAIT no
 * zombie stays either. */
#include "check.h"

static volatile int handled;

static void on_child(int sig)
{
    (void)sig;
    handled++;
}

static void test(void)
{
    signal(SIGCHLD, SIG_IGN);
    pid_t pid = vfork();
    if (pid == 0)
        _exit(0);
    CHECK(pid > 0);
    CHECK_ERR(ECHILD, waitpid(pid, NULL, 0));

    handle(SIGCHLD, on_child, SA_RESTART);
    pid = vfork();
    if (pid == 0)
        _exit(2);
    CHECK_EQ(status_of(pid), EXITED(2));
    CHECK(WAIT_UNTIL(handled == 1));

    handle(SIGCHLD, on_child, SA_NOCLDWAIT | SA_RESTART);
    pid = vfork();
    if (pid == 0)
        _exit(0);
    CHECK_ERR(ECHILD, waitpid(-1, NULL, 0));
    CHECK(WAIT_UNTIL(handled == 2));
}
