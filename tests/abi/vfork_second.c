/* The exit of a first child that has exec'ed does not release a second vfork;
 * nor does any other child's end, or SIGCHLD with a handler. */
#include "check.h"

static volatile int done, handled;

static void on_child(int sig)
{
    (void)sig;
    handled++;
}

static void test(void)
{
    static char *const usleep_argv[] = { "usleep", "100000", NULL };

    handle(SIGCHLD, on_child, SA_RESTART);
    pid_t forked = START(msleep(100));
    pid_t first = vfork();
    if (first == 0) {
        execvp("usleep", usleep_argv);
        _exit(127);
    }
    long start = now_ms();
    pid_t second = vfork();
    if (second == 0) {
        msleep(400);
        done = 1;
        _exit(0);
    }
    CHECK_EQ(done, 1);
    CHECK(now_ms() - start >= 400);
    CHECK(handled >= 1);
    CHECK_EQ(status_of(first), 0);
    CHECK_EQ(status_of(second), 0);
    CHECK_EQ(status_of(forked), 0);
}
