/* Ctrl-Z on a group in which a parent stands in vfork: the child stops, the parent stays in D and
 * its own parent hears of no stop.  SIGCONT lets the child go on and takes the stop back that
 * waited for the parent. */
#include "check.h"

static void test(void)
{
    volatile pid_t *child = map_shared(PAGE);
    volatile int *stage = (volatile int *)(child + 1);
    pid_t parent = START({
        setpgid(0, 0);
        pid_t pid = vfork();
        if (pid == 0) {
            *child = getpid();
            *stage = 1;
            while (*stage == 1)
                msleep(10);
            _exit(0);
        }
        CHECK_EQ(status_of(pid), 0);
        _exit(6);
    });
    int status;

    CHECK(WAIT_UNTIL(*stage == 1));
    CHECK_EQ(kill(-parent, SIGTSTP), 0);
    CHECK(WAIT_UNTIL(state_of(*child) == 'T'));
    msleep(80);
    SAY("stopped: parent %c, child %c\n", state_of(parent), state_of(*child));
    CHECK_EQ(waitpid(parent, &status, WNOHANG | WUNTRACED), 0);
    *stage = 2;
    msleep(80);
    SAY("still: parent %c, child %c\n", state_of(parent), state_of(*child));
    CHECK_EQ(kill(-parent, SIGCONT), 0);
    CHECK_EQ(waitpid(parent, &status, WUNTRACED), parent);
    CHECK_EQ(status, EXITED(6));
}
