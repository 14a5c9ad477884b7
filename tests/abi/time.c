/* Clocks: monotonic time goes forward, real time agrees between the calls, sleeping takes
 * as long as asked for, absolute sleeps, bad arguments. */
#include "check.h"
#include <sys/time.h>
#include <sys/times.h>

static long long ns(clockid_t clock)
{
    struct timespec t;

    CHECK(clock_gettime(clock, &t) == 0);
    CHECK(t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long used_ms(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
           (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

static void test(void)
{
    struct timespec t, res;
    struct timeval tv;
    long long last = ns(CLOCK_MONOTONIC);

    for (int i = 0; i < 2000; i++) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        long long n = now.tv_sec * 1000000000LL + now.tv_nsec;
        if (n < last) {
            CHECK(!"monotonic");
            break;
        }
        last = n;
    }
    CHECK(clock_getres(CLOCK_MONOTONIC, &res) == 0 && res.tv_sec == 0 && res.tv_nsec == 1);
    CHECK(gettimeofday(&tv, NULL) == 0);
    CHECK(llabs(ns(CLOCK_REALTIME) - (tv.tv_sec * 1000000000LL + tv.tv_usec * 1000LL)) < 500000000);
    CHECK(llabs((long long)time(NULL) - tv.tv_sec) <= 1);
    CHECK(tv.tv_sec > 1700000000);
    CHECK(ns(CLOCK_BOOTTIME) > 0 && ns(CLOCK_REALTIME_COARSE) > 0 &&
          ns(CLOCK_MONOTONIC_COARSE) > 0);
    CHECK(ns(CLOCK_PROCESS_CPUTIME_ID) > 0);
    for (int ms = 1; ms <= 100; ms *= 10) {
        long long start = ns(CLOCK_MONOTONIC);
        t = (struct timespec){ 0, ms * 1000000L };
        CHECK(nanosleep(&t, NULL) == 0);
        long long took = ns(CLOCK_MONOTONIC) - start;
        CHECK(took >= ms * 1000000LL && took < ms * 1000000LL + 5000000000LL);
    }
    long long start = ns(CLOCK_MONOTONIC), until = start + 80000000;
    t = (struct timespec){ until / 1000000000, until % 1000000000 };
    CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL), 0);
    CHECK(ns(CLOCK_MONOTONIC) >= until);
    CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL), 0); /* is past */
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += 50000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    CHECK_EQ(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL), 0);
    t = (struct timespec){ 0, -1 };
    CHECK_ERR(EINVAL, nanosleep(&t, NULL));
    t = (struct timespec){ -1, 0 };
    CHECK_ERR(EINVAL, nanosleep(&t, NULL));
    t = (struct timespec){ 0, 1000000000 };
    CHECK_ERR(EINVAL, nanosleep(&t, NULL));
    CHECK_ERR(EINVAL, clock_gettime(9999, &t));
    CHECK_ERR(EFAULT, syscall(SYS_clock_gettime, CLOCK_MONOTONIC, 8));
    CHECK_ERR(EFAULT, syscall(SYS_nanosleep, 8, NULL));
    /* user time is user time */
    struct tms a, b;
    clock_t wall = times(&a);
    msleep(100);
    CHECK(times(&b) - wall >= 9 && b.tms_utime - a.tms_utime <= 2);
    /* computing uses CPU time, and no more than has gone by; on a busy machine, less */
    long start_ms = now_ms(), before = used_ms(), used;
    while ((used = used_ms() - before) < 100)
        ;
    CHECK(used <= now_ms() - start_ms + 20);
}
