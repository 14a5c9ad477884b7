/* waitid: siginfo of exit, kill, stop, continue; WNOWAIT leaves the child; nothing
 * with WNOHANG is a zero si_pid; NULL infop; options needed. */
#include "check.h"

static void show(const char *what, siginfo_t *info, pid_t pid)
{
    SAY("%s: signo %d code %d status %d %s\n", what, info->si_signo, info->si_code, info->si_status,
        info->si_pid == pid ? "its pid"
        : info->si_pid == 0 ? "no pid"
                            : "a wrong pid");
    memset(info, 0x55, sizeof(*info));
}

static void test(void)
{
    siginfo_t info;
    pid_t pid = START(_exit(11));

    CHECK(waitid(P_PID, pid, &info, WEXITED | WNOWAIT) == 0);
    show("exit, left", &info, pid);
    CHECK(waitid(P_PID, pid, &info, WEXITED) == 0);
    CHECK_EQ(info.si_uid, getuid());
    show("exit", &info, pid);
    CHECK_ERR(ECHILD, waitid(P_PID, pid, &info, WEXITED));

    pid = START(raise(SIGSTOP); pause());
    CHECK(waitid(P_ALL, 0, &info, WSTOPPED) == 0);
    show("stop", &info, pid);
    CHECK(waitid(P_ALL, 0, &info, WSTOPPED | WEXITED | WNOHANG) == 0);
    show("nothing", &info, pid);
    kill(pid, SIGCONT);
    CHECK(waitid(P_PGID, getpgrp(), &info, WCONTINUED) == 0);
    show("continue", &info, pid);
    kill(pid, SIGTERM);
    CHECK(waitid(P_PGID, 0, &info, WEXITED) == 0);
    show("killed", &info, pid);

    pid = START(_exit(1));
    CHECK(waitid(P_ALL, 0, NULL, WEXITED) == 0);
    CHECK_ERR(ECHILD, waitid(P_ALL, 0, &info, WEXITED));
    CHECK_ERR(EINVAL, waitid(P_ALL, 0, &info, 0));
    CHECK_ERR(EINVAL, waitid(P_ALL, 0, &info, WNOHANG));
    CHECK_ERR(EINVAL, waitid(99, 0, &info, WEXITED));
    CHECK_ERR(EINVAL, waitid(P_PID, 0, &info, WEXITED));
}
