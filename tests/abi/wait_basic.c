/* wait4: which children a PID selects, WNOHANG, ECHILD, EINVAL; order; the status
 * word for exit, signal, stop and continue. */
#include "check.h"

static void selection(void)
{
    int status;
    pid_t one = START(_exit(1)), two = START(_exit(2)),
          group = START(setpgid(0, 0); msleep(50); _exit(3));

    setpgid(group, group);
    CHECK_EQ(waitpid(two, &status, 0), two);
    CHECK_EQ(status, EXITED(2));
    CHECK_ERR(ECHILD, waitpid(two, &status, 0));
    CHECK_EQ(waitpid(0, &status, 0), one);
    CHECK_EQ(status, EXITED(1));
    CHECK_ERR(ECHILD, waitpid(0, &status, WNOHANG));
    CHECK_EQ(waitpid(-group, &status, 0), group);
    CHECK_EQ(status, EXITED(3));
    CHECK_ERR(ECHILD, waitpid(-1, &status, 0));
    CHECK_ERR(ECHILD, waitpid(1, &status, 0));
    CHECK_ERR(ECHILD, waitpid(getpid(), &status, 0));
    CHECK_ERR(EINVAL, waitpid(-1, &status, 0x10000));
    CHECK_ERR(ESRCH, waitpid(-2147483647 - 1, &status, 0));
}

static void hanging(void)
{
    int status = 77;
    pid_t pid = START(msleep(60); _exit(255));

    CHECK_EQ(waitpid(-1, &status, WNOHANG), 0);
    CHECK_EQ(status, 77);
    CHECK_EQ(waitpid(-1, &status, 0), pid);
    CHECK_EQ(status, EXITED(255));
    pid = START(_exit(256 + 4));
    CHECK_EQ(waitpid(pid, NULL, 0), pid);
    pid = START(_exit(-1));
    CHECK_EQ(status_of(pid), EXITED(255));
    pid = START(_exit(0));
    CHECK_ERR(EFAULT, waitpid(pid, (int *)8, 0));
}

/* In a group of its own, whose parent is in the same session: not orphaned, so
 * that SIGTSTP stops it. */
static void stops(void)
{
    int status;
    pid_t pid = START(setpgid(0, 0); raise(SIGSTOP); raise(SIGTSTP); _exit(8));

    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    SAY("stopped %#x\n", status);
    CHECK_EQ(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
    kill(pid, SIGCONT);
    CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
    SAY("continued %#x\n", status);
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    SAY("stopped %#x\n", status);
    kill(pid, SIGKILL);
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    SAY("killed %#x\n", status);
}

static void signals(void)
{
    static const int fatal[] = { SIGHUP,    SIGINT,  SIGKILL, SIGPIPE, SIGALRM,   SIGTERM, SIGUSR1,
                                 SIGVTALRM, SIGPROF, SIGPOLL, SIGPWR,  SIGSTKFLT, 34,      64 };

    for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
        SAY("%d: %#x\n", fatal[i], CHILD(syscall(SYS_kill, getpid(), fatal[i])));
    SAY("ignored: %#x\n", CHILD(raise(SIGCHLD); raise(SIGURG); raise(SIGWINCH); raise(SIGCONT)));
}

static void test(void)
{
    selection();
    hanging();
    stops();
    signals();
}
