/* SIGSTOP to a parent that stands in vfork takes effect at the release only. */
#include "check.h"

static void test(void)
{
    volatile int *stage = map_shared(PAGE);
    pid_t parent = START({
        pid_t pid = vfork();
        if (pid == 0) {
            *stage = 1;
            while (*stage == 1)
                msleep(10);
            _exit(0);
        }
        _exit(6);
    });
    int status;

    CHECK(WAIT_UNTIL(*stage == 1));
    kill(parent, SIGSTOP);
    msleep(80);
    CHECK_EQ(waitpid(parent, &status, WNOHANG | WUNTRACED), 0);
    SAY("before the release: %c\n", state_of(parent));
    *stage = 2;
    CHECK_EQ(waitpid(parent, &status, WUNTRACED), parent);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    SAY("after: %c\n", state_of(parent));
    kill(parent, SIGCONT);
    CHECK_EQ(status_of(parent), EXITED(6));
}
