/* Orphans get a new parent, which is not their dead one; a stopped orphaned group
 * gets SIGHUP and SIGCONT; zombies of a dead parent go away. */
#include "check.h"

static void test(void)
{
    volatile int *seen = map_shared(PAGE);

    CHECK_EQ(CHILD({
                 pid_t parent = getpid();
                 if (fork() == 0) {
                     WAIT_UNTIL(getppid() != parent);
                     seen[0] = getppid() != parent ? 1 : 2;
                     _exit(0);
                 }
             }),
             0);
    CHECK(WAIT_UNTIL(seen[0] == 1));

    /* a stopped child in a group of its own, whose parent dies */
    int fds[2];
    char c;
    CHECK(pipe(fds) == 0);
    CHECK_EQ(CHILD({
                 pid_t pid = fork();
                 if (pid == 0) {
                     setpgid(0, 0);
                     raise(SIGSTOP);
                     _exit(0);
                 }
                 int status;
                 waitpid(pid, &status, WUNTRACED);
                 CHECK(WIFSTOPPED(status));
                 seen[1] = pid;
             }),
             0);
    close(fds[1]);
    CHECK_EQ(read(fds[0], &c, 1), 0); /* end of file: it is gone */
    CHECK(WAIT_UNTIL(kill(seen[1], 0) < 0));
    CHECK_EQ(errno, ESRCH);
}
