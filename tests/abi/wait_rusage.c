/* rusage of children comes with wait4 and adds up in RUSAGE_CHILDREN once they
 * are reaped, not before; ru_maxrss and faults are there. */
#include "check.h"

static long ms(const struct rusage *u)
{
    return (u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1000 +
           (u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1000;
}

static void burn(long for_ms)
{
    struct rusage u;

    do {
        for (volatile int i = 0; i < 300000; i++)
            ;
        getrusage(RUSAGE_SELF, &u);
    } while (ms(&u) < for_ms);
}

static void test(void)
{
    struct rusage before, one, after;

    getrusage(RUSAGE_CHILDREN, &before); /* what runs this may have had children */
    pid_t pid =
        START(burn(150); char *p = map_pages(100); for (int i = 0; i < 100; i++) p[i * PAGE] = 1);
    CHECK_EQ(waitid(P_PID, pid, NULL, WEXITED | WNOWAIT), 0);
    getrusage(RUSAGE_CHILDREN, &after);
    CHECK_EQ(ms(&after), ms(&before));
    CHECK_EQ(wait4(pid, NULL, 0, &one), pid);
    CHECK(ms(&one) >= 140);
    CHECK(one.ru_minflt >= 100);
    CHECK(one.ru_maxrss > 100);
    getrusage(RUSAGE_CHILDREN, &after);
    CHECK(ms(&after) - ms(&before) >= 140);
}
