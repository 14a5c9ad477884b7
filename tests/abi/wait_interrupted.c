/* A handled signal interrupts waitpid with EINTR, without SA_RESTART; with it the
 * wait goes on; wait is for the child's end in both. */
#include "check.h"

static volatile int handled;

static void count(int sig)
{
    (void)sig;
    handled++;
}

static void test(void)
{
    int status;
    pid_t me = getpid();

    for (int restart = 0; restart < 2; restart++) {
        handled = 0;
        handle(SIGUSR1, count, restart ? SA_RESTART : 0);
        pid_t pid = START(msleep(80); kill(me, SIGUSR1); msleep(80); _exit(6));
        pid_t got = waitpid(pid, &status, 0);
        CHECK_EQ(handled, 1);
        if (restart) {
            CHECK_EQ(got, pid);
        } else {
            CHECK(got == -1 && errno == EINTR);
            CHECK_EQ(waitpid(pid, &status, 0), pid);
        }
        CHECK_EQ(status, EXITED(6));
    }
}
