/* What a sleeping process waits for, as /proc says: state S and the place. */
#include "check.h"
#include <poll.h>

static void look(const char *what, pid_t pid)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/wchan", pid);
    CHECK(WAIT_UNTIL(state_of(pid) == 'S'));
    msleep(10);
    SAY("%s: %c\n", what, state_of(pid));
    CHECK(strcmp(slurp(path), "0") != 0);
    kill(pid, SIGKILL);
    CHECK_EQ(status_of(pid), KILLED(SIGKILL));
}

static void test(void)
{
    int fds[2];
    char c;

    CHECK(pipe(fds) == 0);
    look("pipe", START(if (read(fds[0], &c, 1) < 0) _exit(1)));
    look("sleep", START(msleep(10000)));
    look("pause", START(pause()));
    look("wait", START(if (fork() == 0) {
             msleep(10000);
             _exit(0);
         } wait(NULL)));
    look("poll", START(poll(NULL, 0, 10000)));
    pid_t runs = START(for (;;););
    CHECK(WAIT_UNTIL(state_of(runs) == 'R'));
    kill(runs, SIGKILL);
    status_of(runs);
}
