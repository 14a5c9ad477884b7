/* CLONE_FS shares current directory and umask; CLONE_SIGHAND the handlers; what
 * combinations are refused. */
#include "check.h"

static char stack[65536] __attribute__((aligned(16)));

static void handler(int sig) { (void)sig; }

static int change(void *arg)
{
    (void)arg;
    signal(SIGUSR1, handler);
    umask(071);
    return chdir("/") != 0;
}

static void test(void)
{
    char cwd[256];
    struct sigaction now;

    pid_t pid = clone(change, stack + sizeof(stack),
                      CLONE_VM | CLONE_VFORK | CLONE_FS | CLONE_SIGHAND | SIGCHLD, NULL);
    CHECK_EQ(status_of(pid), 0);
    CHECK(getcwd(cwd, sizeof(cwd)) != NULL && strcmp(cwd, "/") == 0);
    CHECK_EQ(umask(022), 071);
    CHECK(sigaction(SIGUSR1, NULL, &now) == 0 && now.sa_handler == handler);

    CHECK_ERR(EINVAL, syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0));
    CHECK_ERR(EINVAL, syscall(SYS_clone, CLONE_THREAD | SIGCHLD, 0, 0, 0, 0));
    CHECK_ERR(EINVAL, syscall(SYS_clone, CLONE_THREAD | CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0));
}
