/* pidfds of threads (PIDFD_THREAD), descriptors of another process (pidfd_getfd), what fdinfo
 * says, and what all of it says of what has ended. */
#include "check.h"
#include "threads.h"
#include <poll.h>

#define THREAD O_EXCL

static int tid, go[2];

static int pidfd_open(int pid, int flags) { return syscall(SYS_pidfd_open, pid, flags); }
static int getfd(int pidfd, int fd, int flags) { return syscall(438, pidfd, fd, flags); }
static int send(int pidfd, int sig, int flags)
{
    return syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, flags);
}

static int ready(int fd)
{
    struct pollfd p = { fd, POLLIN, 0 };

    return poll(&p, 1, 0) == 1 ? p.revents : 0;
}

/* The number that fdinfo says. */
static int number(int fd)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    const char *text = slurp(path), *at = strstr(text, "\nPid:\t"),
               *ns = strstr(text, "\nNSpid:\t");

    CHECK(at != NULL && ns != NULL && atoi(at + 6) == atoi(ns + 8));
    return at != NULL ? atoi(at + 6) : 0;
}

static volatile int got, code;

static void on_signal(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    got = syscall(SYS_gettid);
    code = info->si_code;
}

static void *thread(void *arg)
{
    char c;

    (void)arg;
    __atomic_store_n(&tid, syscall(SYS_gettid), __ATOMIC_SEQ_CST);
    while (read(go[0], &c, 1) < 0)
        ;
    return NULL;
}

static void of_thread(void)
{
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
    pthread_t other;
    siginfo_t info;

    CHECK(pipe(go) == 0 && sigaction(SIGUSR1, &action, NULL) == 0);
    CHECK(pthread_create(&other, NULL, thread, NULL) == 0);
    CHECK(WAIT_UNTIL(__atomic_load_n(&tid, __ATOMIC_SEQ_CST)));
    CHECK_ERR(ENOENT, pidfd_open(tid, 0));
    CHECK_ERR(EINVAL, pidfd_open(tid, 4));
    int fd = pidfd_open(tid, THREAD), group = pidfd_open(getpid(), 0);
    CHECK(fd >= 0 && group >= 0);
    CHECK_EQ(fcntl(fd, F_GETFL), O_RDWR | THREAD);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(number(fd), tid);
    CHECK_EQ(ready(fd), 0);
    CHECK(send(fd, 0, 0) == 0);
    for (int flags = 3; flags < 10; flags++)
        if (flags != 4)
            CHECK_ERR(EINVAL, send(fd, 0, flags));
    CHECK_ERR(ESRCH, send(fd, 0, 4)); /* no group of that number */
    CHECK(send(fd, SIGUSR1, 0) == 0);
    CHECK(WAIT_UNTIL(got == tid));
    SAY("thread: code %d\n", code);
    got = 0;
    CHECK(send(group, SIGUSR1, 1) == 0); /* to the leader alone */
    CHECK(WAIT_UNTIL(got == getpid()));
    SAY("leader: code %d\n", code);
    got = 0;
    CHECK(send(fd, SIGUSR1, 2) == 0);
    CHECK(WAIT_UNTIL(got != 0));
    SAY("group: code %d\n", code);
    CHECK_ERR(ECHILD, waitid(3 /* P_PIDFD */, fd, &info, WEXITED));
    int copy = getfd(fd, go[1], 0);
    CHECK(copy >= 0 && fcntl(copy, F_GETFD) == FD_CLOEXEC);
    CHECK(write(copy, "x", 1) == 1);
    struct pollfd p = { fd, POLLIN, 0 };
    CHECK_EQ(poll(&p, 1, 5000), 1);
    pthread_join(other, NULL);
    CHECK(WAIT_UNTIL(number(fd) == -1));
    SAY("ended: %#x\n", ready(fd));
    CHECK_ERR(ESRCH, send(fd, 0, 0));
    CHECK_ERR(ESRCH, getfd(fd, 1, 0));
    CHECK_ERR(ESRCH, pidfd_open(tid, THREAD));
}

static void arguments(void)
{
    int me = pidfd_open(getpid(), THREAD);

    CHECK_ERR(EBADF, getfd(me, 999, 0));
    CHECK_ERR(EBADF, getfd(me, -1, 0));
    CHECK_ERR(EINVAL, getfd(me, 1, 1));
    CHECK_ERR(EBADF, getfd(1, 1, 0));
    CHECK_ERR(EBADF, getfd(999, 1, 0));
    CHECK_ERR(EINVAL, pidfd_open(-1, THREAD));
    CHECK_ERR(EINVAL, pidfd_open(0, 0));
}

static void of_child(void)
{
    int block[2];
    char c;

    CHECK(pipe(block) == 0);
    pid_t child = fork();
    if (child == 0) {
        close(block[1]);
        _exit(read(block[0], &c, 1) < 0);
    }
    int fd = pidfd_open(child, 0), thread_fd = pidfd_open(child, THREAD);
    int theirs = getfd(fd, block[0], 0);
    CHECK(theirs >= 0 && theirs != block[0]);
    CHECK(getfd(thread_fd, block[0], 0) >= 0);
    pid_t stranger = fork();
    if (stranger == 0) {
        CHECK(setresgid(1000, 1000, 1000) == 0 && setresuid(1000, 1000, 1000) == 0);
        CHECK_ERR(EPERM, getfd(fd, block[0], 0));
        CHECK_ERR(EPERM, send(fd, SIGTERM, 0));
        CHECK_ERR(EPERM, send(thread_fd, SIGTERM, 0));
        _exit(0);
    }
    CHECK_EQ(status_of(stranger), 0);
    kill(child, SIGKILL);
    struct pollfd p = { fd, POLLIN, 0 };
    CHECK_EQ(poll(&p, 1, 5000), 1);
    SAY("zombie: %#x %#x\n", ready(fd), ready(thread_fd));
    CHECK_EQ(number(fd), child);
    CHECK_ERR(ESRCH, getfd(fd, 1, 0));
    CHECK(send(fd, 0, 0) == 0);
    CHECK_EQ(status_of(child), SIGKILL);
    SAY("reaped: %#x %#x\n", ready(fd), ready(thread_fd));
    CHECK_EQ(number(fd), -1);
    CHECK_ERR(ESRCH, getfd(fd, 1, 0));
    CHECK_ERR(ESRCH, send(fd, 0, 0));
    CHECK_EQ(fcntl(block[0], F_GETFL), O_RDONLY);
}

static void test(void)
{
    of_thread();
    arguments();
    of_child();
}
