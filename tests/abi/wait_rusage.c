/* rusage of children comes with wait4 and adds up in RUSAGE_CHILDREN once they
 * are reaped; ru_maxrss and faults are there.
 *
 * A kernel may charge time by whom its ticks meet, as Linux does without
 * VIRT_CPU_ACCOUNTING; so who does nothing may still have a few ticks. */
#include "check.h"

static long ms(struct timeval t) { return t.tv_sec * 1000 + t.tv_usec / 1000; }

static void burn(long for_ms)
{
    struct rusage u;

    do {
        for (volatile int i = 0; i < 300000; i++)
            ;
        getrusage(RUSAGE_SELF, &u);
    } while (ms(u.ru_utime) + ms(u.ru_stime) < for_ms);
}

static void test(void)
{
    struct rusage before, one, after;

    getrusage(RUSAGE_CHILDREN, &before);
    CHECK(ms(before.ru_utime) < 50);
    pid_t pid = START(burn(150); char *p = map_pages(100); for (int i = 0; i < 100; i++) p[i * PAGE] = 1);
    CHECK_EQ(waitid(P_PID, pid, NULL, WEXITED | WNOWAIT), 0);
    getrusage(RUSAGE_CHILDREN, &after);
    CHECK(ms(after.ru_utime) < 50);
    CHECK_EQ(wait4(pid, NULL, 0, &one), pid);
    CHECK(ms(one.ru_utime) + ms(one.ru_stime) >= 140);
    CHECK(one.ru_minflt >= 100);
    CHECK(one.ru_maxrss > 100);
    getrusage(RUSAGE_CHILDREN, &after);
    CHECK(ms(after.ru_utime) + ms(after.ru_stime) >= 140);
}
