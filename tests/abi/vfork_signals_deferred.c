/* Handled signals sent to a parent that stands in vfork wait: the handler runs
 * once after the release, several of one kind are one, vfork returns the PID
 * all the same, and a blocked signal stays pending.  An alarm that goes off
 * meanwhile does so at the release. */
#include "check.h"

static volatile int handled[65], released, early;

static void count(int sig)
{
    handled[sig]++;
    if (!released)
        early++;
}

static void test(void)
{
    sigset_t blocked, pending;

    handle(SIGUSR1, count, 0);
    handle(SIGUSR2, count, SA_RESTART);
    handle(SIGTERM, count, 0);
    handle(SIGALRM, count, 0);
    handle(SIGHUP, count, 0);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGHUP);
    sigprocmask(SIG_BLOCK, &blocked, NULL);

    struct itimerval soon = { .it_value = { 0, 30000 } };
    CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
    pid_t parent = getpid();
    pid_t pid = vfork();
    if (pid == 0) {
        kill(parent, SIGUSR1);
        kill(parent, SIGUSR1);
        kill(parent, SIGUSR2);
        kill(parent, SIGTERM);
        kill(parent, SIGHUP);
        msleep(120);
        released = 1;
        _exit(3);
    }
    CHECK(pid > 0);
    CHECK_EQ(early, 0);
    CHECK_EQ(handled[SIGUSR1], 1);
    CHECK_EQ(handled[SIGUSR2], 1);
    CHECK_EQ(handled[SIGTERM], 1);
    CHECK_EQ(handled[SIGALRM], 1);
    CHECK_EQ(handled[SIGHUP], 0);
    CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGHUP));
    CHECK_EQ(status_of(pid), EXITED(3));
    sigprocmask(SIG_UNBLOCK, &blocked, NULL);
    CHECK_EQ(handled[SIGHUP], 1);
}
