/* pidfd_send_signal by a directory of /proc, which names a process as a pidfd does, also when another one has
 * its number by now, and by PIDFD_SELF_*; the scopes, and in which order errors come. */
/* not on nested: PIDFD_SELF_* came after its Linux 6.1 */
#include "check.h"
#include <pthread.h>

#define SELF_THREAD       -10000
#define SELF_THREAD_GROUP -10001
#define THREAD            1
#define THREAD_GROUP      2
#define PROCESS_GROUP     4

struct args { /* struct clone_args */
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
        set_tid_size, cgroup;
};

static long send_by(int fd, int sig, siginfo_t *info, unsigned flags)
{
    return syscall(SYS_pidfd_send_signal, fd, sig, info, flags);
}

static int open_proc(pid_t pid, const char *rest, int flags)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d%s", (int)pid, rest);
    int fd = open(path, flags);
    CHECK(fd >= 0);
    return fd;
}

static void errors(void)
{
    pid_t pid = START(pause());
    int dir = open_proc(pid, "", O_RDONLY | O_DIRECTORY), path = open_proc(pid, "", O_PATH);
    int task = open_proc(pid, "/task", O_RDONLY), file = open_proc(pid, "/stat", O_RDONLY);
    siginfo_t info = { .si_signo = SIGUSR1, .si_code = SI_USER };
    char thread[32];

    snprintf(thread, sizeof(thread), "/task/%d", (int)pid);
    CHECK_EQ(send_by(dir, 0, NULL, 0), 0);
    CHECK_EQ(send_by(dir, 0, NULL, THREAD), 0);
    CHECK_EQ(send_by(dir, 0, NULL, THREAD_GROUP), 0);
    CHECK_ERR(ESRCH, send_by(dir, 0, NULL, PROCESS_GROUP)); /* it leads none */
    CHECK_ERR(EINVAL, send_by(dir, 0, NULL, 3));
    CHECK_ERR(EINVAL, send_by(dir, 0, NULL, 8));
    CHECK_ERR(EINVAL, send_by(-1, 0, NULL, 8));
    CHECK_ERR(EBADF, send_by(-1, 0, NULL, 0));
    CHECK_ERR(EBADF, send_by(path, 0, NULL, 0));
    CHECK_ERR(EBADF, send_by(task, 0, NULL, 0));
    CHECK_ERR(EBADF, send_by(file, 0, NULL, 0));
    CHECK_ERR(EBADF, send_by(open_proc(pid, thread, O_RDONLY), 0, NULL, 0));
    CHECK_ERR(EBADF, send_by(open("/proc", O_RDONLY), 0, NULL, 0));
    CHECK_ERR(EBADF, send_by(open("/", O_RDONLY), 0, NULL, 0));
    CHECK_ERR(EINVAL, send_by(dir, 65, NULL, 0));
    CHECK_ERR(EINVAL, send_by(dir, -1, NULL, 0));
    CHECK_ERR(EPERM, send_by(dir, SIGUSR1, &info, 0));
    CHECK_ERR(EINVAL, send_by(dir, SIGUSR2, &info, 0));
    CHECK_ERR(EFAULT, send_by(dir, SIGUSR1, (siginfo_t *)8, 0));
    CHECK_EQ(CHILD(CHECK(setuid(65534) == 0); CHECK_ERR(EPERM, send_by(dir, 0, NULL, 0))), 0);
    /* Others take no directory. */
    CHECK_ERR(EBADF, syscall(SYS_pidfd_getfd, dir, 0, 0));
    CHECK_ERR(EBADF, waitid(3, dir, &info, WEXITED));
    CHECK_EQ(send_by(dir, SIGTERM, NULL, 0), 0);
    CHECK(WAIT_UNTIL(state_of(pid) == 'Z'));
    CHECK_EQ(send_by(dir, SIGTERM, NULL, 0), 0); /* a zombie is there */
    CHECK_EQ(status_of(pid), SIGTERM);
    CHECK_ERR(ESRCH, send_by(dir, SIGTERM, NULL, 0));
    CHECK_ERR(ESRCH, send_by(dir, 65, NULL, 0));
    close(dir);
    close(path);
    close(task);
    close(file);
}

/* The number goes to another process: the directory means the first one. */
static void reused(void)
{
    pid_t pid = START(pause());
    int dir = open_proc(pid, "", O_RDONLY | O_DIRECTORY), stat = open_proc(pid, "/stat", O_RDONLY);
    struct args a = { .exit_signal = SIGCHLD, .set_tid = (uint64_t)&pid, .set_tid_size = 1 };
    char c;

    kill(pid, SIGKILL);
    status_of(pid);
    pid_t again = (pid_t)syscall(SYS_clone3, &a, sizeof(a));
    if (again == 0) {
        pause();
        _exit(1);
    }
    CHECK_EQ(again, pid);
    CHECK_ERR(ESRCH, send_by(dir, SIGKILL, NULL, 0));
    CHECK_ERR(ESRCH, read(stat, &c, 1));
    CHECK_ERR(ESRCH, openat(dir, "stat", O_RDONLY));
    CHECK_ERR(ESRCH, openat(dir, "fd/0", O_RDONLY));
    int new = open_proc(pid, "", O_RDONLY | O_DIRECTORY);
    CHECK(openat(new, "stat", O_RDONLY) >= 0);
    CHECK_EQ(send_by(new, SIGTERM, NULL, 0), 0);
    CHECK_EQ(status_of(again), SIGTERM);
    close(dir);
    close(stat);
    close(new);
}

static volatile sig_atomic_t got, got_code;
static volatile pid_t got_by;

static void note(int sig, siginfo_t *info, void *context)
{
    (void)context;
    got = sig;
    got_code = info->si_code;
    got_by = (pid_t)syscall(SYS_gettid);
}

static void *sends(void *arg)
{
    siginfo_t info = { .si_signo = SIGUSR1, .si_code = SI_USER };
    pid_t me = (pid_t)syscall(SYS_gettid);

    (void)arg;
    CHECK_EQ(send_by(SELF_THREAD, SIGUSR1, NULL, 0), 0);
    CHECK(got == SIGUSR1 && got_code == SI_TKILL && got_by == me);
    got = 0;
    CHECK_EQ(send_by(SELF_THREAD, SIGUSR1, &info, 0), 0);
    CHECK(got == SIGUSR1 && got_code == SI_USER && got_by == me);
    got = 0;
    /* Whoever wants it may take it. */
    CHECK_EQ(send_by(SELF_THREAD_GROUP, SIGUSR1, NULL, 0), 0);
    CHECK(WAIT_UNTIL(got == SIGUSR1 && got_code == SI_USER));
    got = 0;
    /* By the directory of a thread, its process. */
    int dir = open_proc(me, "", O_RDONLY);
    CHECK_EQ(send_by(dir, SIGUSR1, NULL, 0), 0);
    CHECK(WAIT_UNTIL(got == SIGUSR1 && got_code == SI_USER));
    got = 0;
    CHECK_EQ(send_by(dir, SIGUSR1, NULL, THREAD), 0);
    CHECK(got == SIGUSR1 && got_code == SI_TKILL && got_by == me);
    close(dir);
    return NULL;
}

static void self(void)
{
    struct sigaction action = { .sa_sigaction = note, .sa_flags = SA_SIGINFO };
    pthread_t t;

    sigaction(SIGUSR1, &action, NULL);
    CHECK_ERR(EBADF, send_by(-10002, 0, NULL, 0));
    CHECK_ERR(EBADF, send_by(-100, 0, NULL, 0));
    CHECK_EQ(send_by(SELF_THREAD, 0, NULL, THREAD_GROUP), 0);
    CHECK(pthread_create(&t, NULL, sends, NULL) == 0);
    pthread_join(t, NULL);
    /* A group, by its leader's directory. */
    pid_t pid = START(setpgid(0, 0); CHECK_EQ(START(pause()) > 0, 1); pause());
    CHECK(WAIT_UNTIL(getpgid(pid) == pid));
    int dir = open_proc(pid, "", O_RDONLY);
    CHECK_EQ(send_by(dir, SIGTERM, NULL, PROCESS_GROUP), 0);
    CHECK_EQ(status_of(pid), SIGTERM);
    close(dir);
}

static void test(void)
{
    errors();
    reused();
    self();
}
