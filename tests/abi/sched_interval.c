/* sched_rr_get_interval: of whom, and what it refuses.  How long a turn is, is the kernel's. */
#include "check.h"

static void test(void)
{
    struct timespec turn = { -1, -1 };

    CHECK(sched_rr_get_interval(0, &turn) == 0);
    CHECK(turn.tv_sec == 0 && turn.tv_nsec >= 0 && turn.tv_nsec < 1000000000);
    CHECK(sched_rr_get_interval(getpid(), &turn) == 0);
    CHECK_ERR(EINVAL, sched_rr_get_interval(-1, &turn));
    CHECK_ERR(EFAULT, sched_rr_get_interval(0, (void *)8));
    pid_t gone = fork();
    if (gone == 0)
        _exit(0);
    status_of(gone);
    CHECK_ERR(ESRCH, sched_rr_get_interval(gone, &turn));
}
