/* kill: a process, one's group (0), another group; signal 0 asks only; ESRCH, EINVAL,
 * EPERM; zombies take signals; a stopped process dies of SIGKILL. */
#include "check.h"

static void test(void)
{
    int status;

    CHECK(kill(getpid(), 0) == 0);
    CHECK_ERR(ESRCH, kill(999999, 0));
    CHECK_ERR(EINVAL, kill(getpid(), 65));
    CHECK_ERR(EINVAL, kill(getpid(), -1));
    CHECK_ERR(ESRCH, kill(-999999, SIGTERM));
    pid_t zombie = START(_exit(5));
    waitid(P_PID, zombie, NULL, WEXITED | WNOWAIT);
    CHECK_EQ(state_of(zombie), 'Z');
    CHECK(kill(zombie, 0) == 0);
    CHECK(kill(zombie, SIGKILL) == 0);
    CHECK_EQ(status_of(zombie), EXITED(5));
    CHECK_ERR(ESRCH, kill(zombie, 0));

    pid_t pid = START(pause());
    kill(pid, SIGSTOP);
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    CHECK_EQ(state_of(pid), 'T');
    kill(pid, SIGTERM);
    CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
    kill(pid, SIGCONT);
    CHECK_EQ(status_of(pid), KILLED(SIGTERM));
    pid = START(pause());
    kill(pid, SIGSTOP);
    waitpid(pid, &status, WUNTRACED);
    kill(pid, SIGKILL);
    CHECK_EQ(status_of(pid), KILLED(SIGKILL));

    CHECK_EQ(
        CHILD({
            setpgid(0, 0);
            signal(SIGUSR1, SIG_IGN);
            int ready[2];
            char c;
            CHECK(pipe(ready) == 0);
            pid_t a = START(signal(SIGUSR1, SIG_DFL); CHECK(write(ready[1], "a", 1) == 1); pause()),
                  b = START(signal(SIGUSR1, SIG_DFL); CHECK(write(ready[1], "b", 1) == 1); pause());
            CHECK(read(ready[0], &c, 1) == 1 && read(ready[0], &c, 1) == 1);
            CHECK(kill(0, SIGUSR1) == 0);
            CHECK_EQ(status_of(a), KILLED(SIGUSR1));
            CHECK_EQ(status_of(b), KILLED(SIGUSR1));
        }),
        0);
    CHECK_EQ(CHILD(CHECK(setuid(12345) == 0); CHECK_ERR(EPERM, kill(getppid(), SIGTERM));
                   CHECK_ERR(EPERM, kill(getppid(), 0)); CHECK(kill(getpid(), 0) == 0)),
             0);
    CHECK_ERR(ESRCH, syscall(SYS_tkill, 999999, 0));
    CHECK_ERR(EINVAL, syscall(SYS_tkill, -1, 0));
    CHECK_ERR(ESRCH, syscall(SYS_tgkill, getpid(), 999999, 0));
    CHECK(syscall(SYS_tgkill, getpid(), getpid(), 0) == 0);
}
