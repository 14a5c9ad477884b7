/* Blocked signals: pending once for the old ones, queued each for real-time ones;
 * delivered lowest number first; SIGCONT and stop signals cancel each other. */
#include "check.h"

static volatile int order[32], count;

static void note(int sig, siginfo_t *info, void *context)
{
    (void)context;
    order[count++ & 31] = sig * 100 + (info->si_code == SI_QUEUE ? info->si_value.sival_int : 0);
}

static void test(void)
{
    static const int sigs[] = { 40, SIGUSR1, 36, SIGHUP, SIGTERM };
    struct sigaction action = { .sa_sigaction = note, .sa_flags = SA_SIGINFO };
    sigset_t all, pending;

    sigfillset(&all);
    action.sa_mask = all;
    for (int i = 0; i < 5; i++)
        CHECK(sigaction(sigs[i], &action, NULL) == 0);
    sigprocmask(SIG_BLOCK, &all, NULL);
    for (int round = 1; round <= 3; round++)
        for (int i = 0; i < 5; i++)
            CHECK(sigqueue(getpid(), sigs[i], (union sigval){ .sival_int = round }) == 0);
    CHECK(sigpending(&pending) == 0);
    for (int i = 1; i < 65; i++)
        if (sigismember(&pending, i) == 1)
            SAY("pending %d\n", i);
    CHECK_EQ(count, 0);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    for (int i = 0; i < count; i++)
        SAY("%d ", order[i]);
    SAY("\n");

    sigprocmask(SIG_BLOCK, &all, NULL);
    kill(getpid(), SIGTSTP);
    kill(getpid(), SIGCONT);
    sigpending(&pending);
    SAY("TSTP %d CONT %d\n", sigismember(&pending, SIGTSTP), sigismember(&pending, SIGCONT));
    kill(getpid(), SIGTTIN);
    sigpending(&pending);
    SAY("TTIN %d CONT %d\n", sigismember(&pending, SIGTTIN), sigismember(&pending, SIGCONT));
    kill(getpid(), SIGCONT);
    sigprocmask(SIG_UNBLOCK, &all, NULL);

    /* an ignored signal is not kept; setting SIG_IGN drops a pending one */
    sigprocmask(SIG_BLOCK, &all, NULL);
    raise(SIGUSR1);
    signal(SIGUSR1, SIG_IGN);
    sigpending(&pending);
    CHECK(!sigismember(&pending, SIGUSR1));
}
