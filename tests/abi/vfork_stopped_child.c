/* A vfork child that is stopped keeps its parent blocked; SIGCONT lets both go
 * on. */
#include "check.h"

static void test(void)
{
    pid_t *child = map_shared(PAGE);
    volatile int *continued = map_shared(PAGE);
    pid_t parent = getpid();
    pid_t helper = START({
        CHECK(WAIT_UNTIL(*child != 0 && state_of(*child) == 'T'));
        msleep(50);
        SAY("child %c, parent %c\n", state_of(*child), state_of(parent));
        *continued = 1;
        CHECK(kill(*child, SIGCONT) == 0);
    });

    CHECK_EQ(VCHILD(*child = getpid(); kill(getpid(), SIGSTOP); _exit(*continued ? 4 : 5)),
             EXITED(4));
    CHECK_EQ(*continued, 1);
    CHECK_EQ(status_of(helper), 0);
}
