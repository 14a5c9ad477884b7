/* A vfork child that a signal kills releases its parent, which sees the
 * signal in the status and goes on with its memory whole; so does one that
 * dies of its own fault. */
#include "check.h"

static volatile int before_death;

static void test(void)
{
    CHECK_EQ(VCHILD(before_death = 1; kill(getpid(), SIGKILL)), KILLED(SIGKILL));
    CHECK_EQ(before_death, 1);
    CHECK_EQ(VCHILD(kill(getpid(), SIGTERM)), KILLED(SIGTERM));
    CHECK_EQ(VCHILD(before_death = 2; *(volatile int *)8 = 1) & ~0x80, KILLED(SIGSEGV));
    CHECK_EQ(before_death, 2);
    CHECK_EQ(VCHILD(before_death = 3; kill(getpid(), SIGABRT)) & ~0x80, KILLED(SIGABRT));
    CHECK_EQ(before_death, 3);
    CHECK_EQ(VCHILD(kill(getpid(), SIGQUIT)) & ~0x80, KILLED(SIGQUIT));
    CHECK_EQ(VCHILD(_exit(9)), EXITED(9));

    /* from outside, while the parent stands still */
    pid_t *child = map_shared(PAGE);
    pid_t killer = START(WAIT_UNTIL(*child != 0); msleep(50); kill(*child, SIGKILL));
    CHECK_EQ(VCHILD(*child = getpid(); for (;;) pause()), KILLED(SIGKILL));
    CHECK_EQ(status_of(killer), 0);
}
