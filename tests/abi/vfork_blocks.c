/* The caller of vfork stands still until the child exits, or until its exec
 * has succeeded: then both run. */
#include "check.h"

static volatile int stage;

static void test(void)
{
    static char *const sleeper[] = { "sleep", "30", NULL };
    long start = now_ms();
    pid_t pid = vfork();

    if (pid == 0) {
        msleep(120);
        stage = 1;
        _exit(0);
    }
    CHECK_EQ(stage, 1);
    CHECK(now_ms() - start >= 120);
    CHECK_EQ(status_of(pid), 0);

    start = now_ms();
    pid = vfork();
    if (pid == 0) {
        msleep(60);
        stage = 2;
        execvp("sleep", sleeper);
        _exit(127);
    }
    CHECK_EQ(stage, 2);
    CHECK(now_ms() - start >= 60);
    CHECK(now_ms() - start < 29000); /* not until it has slept */
    CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
    kill(pid, SIGKILL);
    CHECK_EQ(status_of(pid), KILLED(SIGKILL));
}
