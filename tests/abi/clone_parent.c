/* CLONE_PARENT: the child is the grandparent's, not the cloner's; with
 * CLONE_VFORK the cloner blocks all the same. */
#include "check.h"

static void test(void)
{
    pid_t *grandchild = map_shared(PAGE);
    pid_t parent = START({
        long start = now_ms();
        pid_t pid = syscall(SYS_clone, CLONE_VFORK | CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
        if (pid == 0) {
            msleep(100);
            _exit(getppid() == *(pid_t *)(grandchild + 1) ? 5 : 6);
        }
        CHECK(now_ms() - start >= 100);
        *grandchild = pid;
        CHECK_ERR(ECHILD, waitpid(pid, NULL, 0));
    });

    grandchild[1] = getpid();
    CHECK_EQ(status_of(parent), 0);
    CHECK_EQ(status_of(*grandchild), EXITED(5));
}
