/* What a vfork child does not share: the table of descriptors, current
 * directory, umask, signal handlers and mask, credentials, limits, process name.  What it
 * inherits all the same; and open files themselves are shared (offset, flags). */
#include "check.h"
#include <sys/prctl.h>

static volatile int seen[8];

static void handler(int sig) { (void)sig; }

static void descriptors(void)
{
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
    int pipes[2];

    CHECK(fd >= 0);
    CHECK_EQ(VCHILD(close(fd); dup2(1, 57)), 0);
    CHECK(fcntl(fd, F_GETFD) >= 0);
    CHECK_ERR(EBADF, fcntl(57, F_GETFD));
    CHECK_EQ(VCHILD(CHECK(write(fd, "12345", 5) == 5); fcntl(fd, F_SETFL, O_APPEND);
                    fcntl(fd, F_SETFD, FD_CLOEXEC)),
             0);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 5);
    CHECK((fcntl(fd, F_GETFL) & O_APPEND) != 0);
    CHECK_EQ(fcntl(fd, F_GETFD), 0);
    CHECK(pipe(pipes) == 0);
    CHECK_EQ(VCHILD(close(pipes[0]); CHECK(write(pipes[1], "x", 1) == 1); close(pipes[1])), 0);
    char c;
    CHECK_EQ(read(pipes[0], &c, 1), 1);
    close(pipes[0]);
    close(pipes[1]);
    close(fd);
}

static void file_system(void)
{
    char before[256], after[256];

    CHECK(getcwd(before, sizeof(before)) != NULL);
    umask(026);
    CHECK_EQ(VCHILD(seen[0] = umask(077); CHECK(chdir("/") == 0)), 0);
    CHECK_EQ(seen[0], 026);
    CHECK_EQ(umask(022), 026);
    CHECK(getcwd(after, sizeof(after)) != NULL);
    CHECK(strcmp(before, after) == 0);
}

static void signals(void)
{
    struct sigaction now;
    sigset_t set, mask;

    handle(SIGUSR1, handler, 0);
    handle(SIGUSR2, SIG_IGN, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGINT);
    pid_t pid = vfork();
    if (pid == 0) {
        sigset_t m;
        struct sigaction a;
        sigprocmask(SIG_SETMASK, NULL, &m);
        seen[0] = sigismember(&m, SIGINT);
        sigpending(&m);
        seen[1] = sigismember(&m, SIGINT);
        sigaction(SIGUSR1, NULL, &a);
        seen[2] = a.sa_handler == handler;
        sigaction(SIGUSR2, NULL, &a);
        seen[3] = a.sa_handler == SIG_IGN;
        signal(SIGUSR1, SIG_DFL);
        sigfillset(&m);
        sigprocmask(SIG_SETMASK, &m, NULL);
        _exit(0);
    }
    CHECK_EQ(status_of(pid), 0);
    SAY("child: INT blocked %d, pending %d; USR1 handled %d, USR2 ignored %d\n", seen[0], seen[1],
        seen[2], seen[3]);
    CHECK(sigaction(SIGUSR1, NULL, &now) == 0 && now.sa_handler == handler);
    CHECK(sigprocmask(SIG_SETMASK, NULL, &mask) == 0);
    CHECK(sigismember(&mask, SIGINT) && !sigismember(&mask, SIGTERM));
    CHECK(sigpending(&mask) == 0 && sigismember(&mask, SIGINT));
    signal(SIGINT, SIG_IGN);
}

static void limits_and_names(void)
{
    struct rlimit limit, now;
    char name[16] = "";

    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(prctl(PR_SET_NAME, "before") == 0);
    CHECK_EQ(VCHILD(prctl(PR_GET_NAME, name); seen[0] = strcmp(name, "before");
                    prctl(PR_SET_NAME, "after"); struct rlimit low = { 20, limit.rlim_max };
                    setrlimit(RLIMIT_NOFILE, &low)),
             0);
    CHECK_EQ(seen[0], 0);
    CHECK(prctl(PR_GET_NAME, name) == 0);
    SAY("name %s\n", name);
    CHECK(getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur == limit.rlim_cur);
    if (getuid() == 0) {
        CHECK_EQ(VCHILD(seen[0] = syscall(SYS_setresuid, 12, 12, 12); seen[1] = getuid()), 0);
        CHECK_EQ(seen[0], 0);
        CHECK_EQ(seen[1], 12);
        CHECK_EQ(getuid(), 0);
    }
}

static void test(void)
{
    descriptors();
    file_system();
    signals();
    limits_and_names();
}
