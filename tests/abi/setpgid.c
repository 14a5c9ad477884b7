/* Process groups and sessions: who may be moved where. */
#include "check.h"

static void test(void)
{
    int fds[2];
    char c;

    CHECK_EQ(CHILD({
                 CHECK(setsid() == getpid());
                 CHECK_EQ(getsid(0), getpid());
                 CHECK_EQ(getpgrp(), getpid());
                 CHECK_ERR(EPERM, setsid());
                 CHECK_ERR(EPERM, setpgid(0, 0));
                 pid_t pid = START(pause());
                 CHECK(setpgid(pid, pid) == 0);
                 CHECK_EQ(getpgid(pid), pid);
                 pid_t second = START(pause());
                 CHECK(setpgid(second, pid) == 0);
                 CHECK_ERR(EPERM, setpgid(second, 999999));
                 CHECK_ERR(ESRCH, setpgid(999999, 0));
                 CHECK_ERR(EINVAL, setpgid(second, -1));
                 CHECK_ERR(ESRCH, setpgid(getppid(), 0));
                 CHECK_ERR(ESRCH, getpgid(999999));
                 CHECK_ERR(ESRCH, getsid(999999));
                 CHECK(kill(-pid, SIGTERM) == 0);
                 CHECK_EQ(status_of(pid), KILLED(SIGTERM));
                 CHECK_EQ(status_of(second), KILLED(SIGTERM));
                 CHECK_ERR(ESRCH, kill(-pid, 0));
             }),
             0);

    /* after the child's exec: EACCES */
    CHECK(pipe2(fds, O_CLOEXEC) == 0);
    pid_t pid = START(execlp("sleep", "sleep", "10", (char *)NULL));
    close(fds[1]);
    CHECK_EQ(read(fds[0], &c, 1), 0);
    CHECK_ERR(EACCES, setpgid(pid, pid));
    kill(pid, SIGKILL);
    status_of(pid);
    /* a session leader cannot be moved by its parent, nor across sessions */
    CHECK(pipe(fds) == 0);
    pid = START(setsid(); CHECK(write(fds[1], "x", 1) == 1); pause());
    CHECK_EQ(read(fds[0], &c, 1), 1);
    CHECK_ERR(EPERM, setpgid(pid, getpgrp()));
    kill(pid, SIGKILL);
    status_of(pid);
}
