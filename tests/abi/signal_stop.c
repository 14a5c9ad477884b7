/* Stop and continue as seen by parent and /proc: SIGCHLD for both, not with
 * SA_NOCLDSTOP; a handler of SIGCONT runs after it. */
#include "check.h"

static volatile int chld, cont;

static void on_chld(int sig)
{
    (void)sig;
    chld++;
}
static void on_cont(int sig)
{
    (void)sig;
    cont++;
}

static void test(void)
{
    int status;

    handle(SIGCHLD, on_chld, SA_RESTART);
    pid_t pid = START(handle(SIGCONT, on_cont, 0); raise(SIGSTOP); _exit(cont == 1 ? 3 : 4));
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    CHECK(WAIT_UNTIL(chld == 1));
    CHECK_EQ(state_of(pid), 'T');
    kill(pid, SIGCONT);
    CHECK_EQ(status_of(pid), EXITED(3));
    CHECK(WAIT_UNTIL(chld >= 2));

    chld = 0;
    handle(SIGCHLD, on_chld, SA_RESTART | SA_NOCLDSTOP);
    pid = START(raise(SIGSTOP); msleep(30); _exit(0));
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    kill(pid, SIGCONT);
    CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
    CHECK_EQ(chld, 0);
    CHECK_EQ(status_of(pid), 0);
    CHECK(WAIT_UNTIL(chld == 1));
}
