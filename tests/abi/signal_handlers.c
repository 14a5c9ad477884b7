/* Handlers: what SA_SIGINFO tells, SA_NODEFER, SA_RESETHAND, sa_mask, nesting, and the
 * mask afterwards; KILL and STOP can be neither handled nor blocked. */
#include "check.h"

static volatile int depth, deepest, calls, order[8], orders, code_seen, value_seen;
static volatile pid_t sender;
static volatile uid_t uid;

static void note(int sig) { order[orders++ & 7] = sig; }

static void nest(int sig)
{
    depth++;
    if (depth > deepest)
        deepest = depth;
    if (++calls < 3)
        kill(getpid(), sig);
    depth--;
}

static void info(int sig, siginfo_t *si, void *context)
{
    (void)context;
    CHECK_EQ(si->si_signo, sig);
    code_seen = si->si_code;
    sender = si->si_pid;
    uid = si->si_uid;
    value_seen = si->si_value.sival_int;
}

static void mask_in_handler(int sig)
{
    sigset_t now;

    sigprocmask(SIG_SETMASK, NULL, &now);
    SAY("in handler: own %d, USR2 %d, TERM %d\n", sigismember(&now, sig),
        sigismember(&now, SIGUSR2), sigismember(&now, SIGTERM));
}

static void test(void)
{
    struct sigaction action = { .sa_sigaction = info, .sa_flags = SA_SIGINFO }, old;

    handle(SIGUSR1, nest, 0);
    raise(SIGUSR1);
    SAY("deferred: %d deep, %d calls\n", deepest, calls);
    deepest = calls = 0;
    handle(SIGUSR1, nest, SA_NODEFER);
    raise(SIGUSR1);
    SAY("nodefer: %d deep, %d calls\n", deepest, calls);

    handle(SIGUSR1, note, SA_RESETHAND);
    raise(SIGUSR1);
    CHECK(sigaction(SIGUSR1, NULL, &old) == 0 && old.sa_handler == SIG_DFL);

    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    kill(getpid(), SIGUSR1);
    SAY("kill: code %d\n", code_seen);
    CHECK(sender == getpid() && uid == getuid());
    raise(SIGUSR1);
    SAY("tkill: code %d\n", code_seen);
    sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 4711 });
    SAY("sigqueue: code %d value %d\n", code_seen, value_seen);
    CHECK(sigaction(SIGCHLD, &action, NULL) == 0);
    pid_t pid = START(_exit(3));
    CHECK(WAIT_UNTIL(sender == pid));
    SAY("child: code %d\n", code_seen);
    status_of(pid);

    action = (struct sigaction){ .sa_handler = mask_in_handler };
    sigaddset(&action.sa_mask, SIGUSR2);
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    raise(SIGUSR1);
    sigset_t now;
    sigprocmask(SIG_SETMASK, NULL, &now);
    CHECK(!sigismember(&now, SIGUSR1) && !sigismember(&now, SIGUSR2));

    CHECK_ERR(EINVAL, sigaction(SIGKILL, &action, NULL));
    CHECK_ERR(EINVAL, sigaction(SIGSTOP, &action, NULL));
    CHECK_ERR(EINVAL, syscall(SYS_rt_sigaction, 65, NULL, NULL, 8));
    CHECK_ERR(EINVAL, syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4));
    CHECK_ERR(EFAULT, syscall(SYS_rt_sigaction, SIGUSR1, 8, NULL, 8));
    sigfillset(&now);
    CHECK(sigprocmask(SIG_BLOCK, &now, NULL) == 0);
    sigprocmask(SIG_BLOCK, NULL, &now);
    CHECK(!sigismember(&now, SIGKILL) && !sigismember(&now, SIGSTOP));
}
