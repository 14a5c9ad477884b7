/* sigsuspend, sigtimedwait, pause: what they return and when. */
#include "check.h"

static volatile int handled;

static void count(int sig)
{
    (void)sig;
    handled++;
}

static void test(void)
{
    sigset_t usr1, empty, now;
    siginfo_t info;
    struct timespec short_time = { 0, 50000000 }, none = { 0 };
    pid_t me = getpid(), pid;

    sigemptyset(&empty);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    handle(SIGUSR1, count, 0);
    handle(SIGUSR2, count, SA_RESTART);
    sigprocmask(SIG_BLOCK, &usr1, NULL);
    raise(SIGUSR1);
    CHECK_ERR(EINTR, sigsuspend(&empty));
    CHECK_EQ(handled, 1);
    sigprocmask(SIG_SETMASK, NULL, &now);
    CHECK(sigismember(&now, SIGUSR1));
    pid = START(msleep(50); kill(me, SIGUSR1));
    CHECK_ERR(EINTR, sigsuspend(&empty));
    CHECK_EQ(handled, 2);
    status_of(pid);

    long start = now_ms();
    CHECK_ERR(EAGAIN, sigtimedwait(&usr1, &info, &short_time));
    CHECK(now_ms() - start >= 50);
    CHECK_ERR(EAGAIN, sigtimedwait(&usr1, &info, &none));
    sigqueue(me, SIGUSR1, (union sigval){ .sival_int = 5 });
    CHECK_EQ(sigwaitinfo(&usr1, &info), SIGUSR1);
    SAY("code %d value %d\n", info.si_code, info.si_value.sival_int);
    pid = START(msleep(50); kill(me, SIGUSR1));
    CHECK_EQ(sigtimedwait(&usr1, &info, NULL), SIGUSR1);
    CHECK_EQ(info.si_pid, pid);
    status_of(pid);
    pid = START(msleep(50); kill(me, SIGUSR2));
    CHECK_ERR(EINTR, syscall(SYS_rt_sigtimedwait, &usr1, &info, NULL, 8));
    CHECK_EQ(handled, 3);
    status_of(pid);
    struct timespec bad = { 0, 1000000000 };
    CHECK_ERR(EINVAL, sigtimedwait(&usr1, &info, &bad));
    pid = START(msleep(50); kill(me, SIGUSR2));
    CHECK_ERR(EINTR, pause());
    status_of(pid);
}
