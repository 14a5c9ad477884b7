/* The close-on-exec pipe by which a caller of vfork and exec learns of an
 * error: end of file soon after a successful exec, the errno after a failed one. */
#include "check.h"

static int start(const char *path, int *error)
{
    char *const argv[] = { "sh", "-c", "exec sleep 30", NULL };
    int fds[2];

    CHECK(pipe2(fds, O_CLOEXEC) == 0);
    pid_t pid = vfork();
    if (pid == 0) {
        execvp(path, argv);
        int e = errno;
        if (write(fds[1], &e, sizeof(e)) != sizeof(e))
            _exit(126);
        _exit(127);
    }
    close(fds[1]);
    *error = 0;
    CHECK(read(fds[0], error, sizeof(*error)) >= 0);
    close(fds[0]);
    return pid;
}

static void test(void)
{
    int error;
    long begin = now_ms();
    pid_t pid = start("sh", &error);

    CHECK_EQ(error, 0);
    CHECK(now_ms() - begin < 29000);
    kill(pid, SIGKILL);
    CHECK_EQ(status_of(pid), KILLED(SIGKILL));
    pid = start("/nonexistent", &error);
    CHECK_EQ(error, ENOENT);
    CHECK_EQ(status_of(pid), EXITED(127));
}
