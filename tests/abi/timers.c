/* alarm and setitimer: go off once or again and again, what is left, what they
 * replace; ITIMER_VIRTUAL counts user time only. */
#include "check.h"
#include <sys/time.h>

static volatile int fired;

static void count(int sig)
{
    (void)sig;
    fired++;
}

/* One on the real time that began long ago, and how often it would have gone off since. */
static long since(struct timespec begin, struct timespec every)
{
    struct sigevent by = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
    struct itimerspec row = { .it_value = begin, .it_interval = every }, off = { 0 };
    struct timespec second = { 1, 0 };
    siginfo_t info = { 0 };
    sigset_t set;
    int id;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    CHECK(syscall(SYS_timer_create, CLOCK_REALTIME, &by, &id) == 0);
    CHECK(syscall(SYS_timer_settime, id, TIMER_ABSTIME, &row, NULL) == 0);
    CHECK(sigtimedwait(&set, &info, &second) == SIGUSR1 && info.si_code == SI_TIMER);
    long overrun = syscall(SYS_timer_getoverrun, id);
    CHECK(syscall(SYS_timer_settime, id, 0, &off, NULL) == 0);
    CHECK(syscall(SYS_timer_delete, id) == 0);
    return overrun;
}

static void long_ago(void)
{
    struct timespec now;
    long days, day = 86400;

    clock_gettime(CLOCK_REALTIME, &now);
    days = since((struct timespec){ 1, 0 }, (struct timespec){ day, 0 });
    CHECK(days == (now.tv_sec - 1) / day || days == (now.tv_sec - 2) / day + 1);
    CHECK_EQ(since((struct timespec){ now.tv_sec - 100000, 0 }, (struct timespec){ 0 }), 0);
    CHECK_EQ(since((struct timespec){ now.tv_sec - 100, 0 }, (struct timespec){ 1, 0 }), 100);
    int id;
    struct itimerspec never = { .it_value = { INT64_MAX, 0 } }, left;
    CHECK(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &id) == 0); /* SIGALRM, which kills */
    CHECK(syscall(SYS_timer_settime, id, 0, &never, NULL) == 0);
    msleep(1);
    CHECK(syscall(SYS_timer_gettime, id, &left) == 0 && left.it_value.tv_sec > 1000000000);
    CHECK(syscall(SYS_timer_delete, id) == 0);
    /* more often than can be told */
    CHECK_EQ(since((struct timespec){ now.tv_sec - 4, 0 }, (struct timespec){ 0, 1 }), 0x7fffffff);
}

static void test(void)
{
    struct itimerval timer = { .it_value = { 0, 40000 }, .it_interval = { 0, 40000 } }, now,
                     off = { 0 };

    long_ago();
    handle(SIGALRM, count, 0);
    handle(SIGVTALRM, count, 0);
    long start = now_ms();
    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
    while (fired < 5)
        pause();
    long took = now_ms() - start;
    CHECK(took >= 195 && took < 10000);
    CHECK(setitimer(ITIMER_REAL, &off, &now) == 0);
    CHECK_EQ(now.it_interval.tv_usec, 40000);
    CHECK(now.it_value.tv_sec == 0 && now.it_value.tv_usec <= 40000);
    CHECK_EQ(alarm(10), 0);
    int left = alarm(20);
    CHECK(left == 10 || left == 9);
    CHECK(getitimer(ITIMER_REAL, &now) == 0);
    CHECK(now.it_value.tv_sec >= 19 && now.it_value.tv_sec <= 20 && now.it_interval.tv_usec == 0);
    CHECK(alarm(0) >= 19);
    fired = 0;
    start = now_ms();
    CHECK_EQ(alarm(1), 0);
    pause();
    took = now_ms() - start;
    CHECK(fired == 1 && took >= 990 && took < 10000);

    fired = 0;
    timer = (struct itimerval){ .it_value = { 0, 50000 } };
    CHECK(setitimer(ITIMER_VIRTUAL, &timer, NULL) == 0);
    msleep(100);
    CHECK_EQ(fired, 0);
    while (!fired && now_ms() - start < 5000)
        for (volatile int i = 0; i < 100000; i++)
            ;
    CHECK_EQ(fired, 1);
    CHECK_ERR(EINVAL, setitimer(7, &timer, NULL));
    timer.it_value.tv_usec = 1000000;
    CHECK_ERR(EINVAL, setitimer(ITIMER_REAL, &timer, NULL));
    CHECK_ERR(EFAULT, syscall(SYS_setitimer, ITIMER_REAL, 8, NULL));
}
