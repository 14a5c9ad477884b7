/* fork at a limit: EAGAIN at RLIMIT_NPROC (not for root), nothing half made, and
 * all goes on afterwards; PIDs are not used again at once. */
#include "check.h"

static void test(void)
{
    pid_t last = 0;

    for (int i = 0; i < 50; i++) {
        pid_t pid = START(_exit(0));
        CHECK(pid > 0 && pid != last);
        last = pid;
        CHECK_EQ(status_of(pid), 0);
    }
    CHECK_EQ(CHILD({
                 struct rlimit one = { 1, 1 };
                 CHECK(setrlimit(RLIMIT_NPROC, &one) == 0);
                 CHECK(setgid(54321) == 0 && setuid(54321) == 0);
                 pid_t first = fork();
                 if (first == 0)
                     _exit(0);
                 int error = errno;
                 SAY("fork %s\n", first < 0 ? strerror(error) : "worked");
                 CHECK_ERR(EAGAIN, vfork());
                 CHECK_ERR(ECHILD, waitpid(-1, NULL, 0));
             }),
             0);
}
