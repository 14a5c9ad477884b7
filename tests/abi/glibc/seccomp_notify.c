/* SECCOMP_RET_USER_NOTIF: another program answers a system call, lets it be made, or gives a descriptor for it;
 * what its listener says when there is nothing, when either side has gone, and when a signal comes. */
#include "../check.h"
#include <poll.h>
#include <stddef.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define KILLABLE (1u << 5) /* SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV */

static long seccomp(unsigned op, unsigned flags, void *args)
{
    return syscall(SYS_seccomp, op, flags, args);
}

/* getppid() asks; the result is the listener. */
static int listen_to_getppid(unsigned flags)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog prog = { 4, code };

    CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    return seccomp(SECCOMP_SET_MODE_FILTER, flags, &prog);
}

static long getppid_now(long arg)
{
    errno = 0;
    return syscall(SYS_getppid, arg);
}

/* A child with such a filter runs `fn`; its listener is ours. */
static pid_t watched(unsigned flags, void (*fn)(void), int *listener)
{
    int pair[2];
    char byte = 'x', space[CMSG_SPACE(sizeof(int))] = "";
    struct iovec iov = { &byte, 1 };
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space)
    };

    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = listen_to_getppid(SECCOMP_FILTER_FLAG_NEW_LISTENER | flags);
        CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &fd, sizeof(fd));
        CHECK_EQ(sendmsg(pair[1], &m, 0), 1);
        close(fd);
        close(pair[0]);
        close(pair[1]);
        fn();
        _exit(0);
    }
    CHECK_EQ(recvmsg(pair[0], &m, 0), 1);
    memcpy(listener, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(*listener));
    close(pair[0]);
    close(pair[1]);
    return pid;
}

static short ready(int fd, int ms)
{
    struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };

    CHECK(poll(&p, 1, ms) >= 0);
    return p.revents;
}

static struct seccomp_notif received(int fd)
{
    struct seccomp_notif n = { 0 };

    CHECK_EQ(ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &n), 0);
    return n;
}

static int answer(int fd, uint64_t id, long value, int error, unsigned flags)
{
    struct seccomp_notif_resp r = { .id = id, .val = value, .error = error, .flags = flags };

    return ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r);
}

static void ends_well(pid_t pid) { CHECK_EQ(status_of(pid), 0); }

static void ask_four_times(void)
{
    CHECK_EQ(getppid_now(1), 4711);
    CHECK_EQ(getppid_now(2), -1);
    CHECK_EQ(errno, EXDEV);
    CHECK_EQ(getppid_now(3), getppid_now(3)); /* it is made, twice */
}

static void answers(void)
{
    int fd;
    pid_t pid = watched(0, ask_four_times, &fd);
    struct seccomp_notif n = { .flags = 1 };
    uint64_t bad = 0;

    CHECK_ERR(EINVAL, ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &n)); /* not cleared */
    CHECK_ERR(EFAULT, ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, NULL));
    CHECK_ERR(EFAULT, ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, NULL));
    CHECK_ERR(EFAULT, ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, NULL));
    CHECK_ERR(ENOENT, ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &bad));
    CHECK_ERR(ENOENT, answer(fd, bad, 0, 0, 0));
    CHECK_ERR(EINVAL, ioctl(fd, SECCOMP_IO(9), 0));
    CHECK_ERR(EINVAL, ioctl(fd, SECCOMP_IOW(4, uint64_t), 2));
    CHECK_ERR(EINVAL, read(fd, &bad, sizeof(bad)));
    CHECK_EQ(ready(fd, -1), POLLIN);
    n = received(fd);
    CHECK(n.pid == (unsigned)pid && n.data.nr == SYS_getppid && n.data.args[0] == 1 && n.id != 0);
    CHECK(n.flags == 0 && n.data.instruction_pointer != 0);
    CHECK_EQ(ready(fd, 0), POLLOUT);
    CHECK_EQ(ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &n.id), 0);
    CHECK_ERR(EINVAL, answer(fd, n.id, 0, 0, 2));
    CHECK_ERR(EINVAL, answer(fd, n.id, 1, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE));
    CHECK_ERR(EINVAL, answer(fd, n.id, 0, -1, SECCOMP_USER_NOTIF_FLAG_CONTINUE));
    CHECK_EQ(answer(fd, n.id, 4711, 0, 0), 0);
    n = received(fd);
    CHECK_EQ(n.data.args[0], 2);
    CHECK_EQ(answer(fd, n.id, 7, -EXDEV, 0), 0);
    for (int i = 0; i < 2; i++)
        CHECK_EQ(answer(fd, received(fd).id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE), 0);
    ends_well(pid);
    CHECK_EQ(ready(fd, -1), POLLHUP);
    close(fd);
}

/* --- descriptors ------------------------------------------------------------------------- */

static void use_gifts(void)
{
    char b = 0;
    int fd = getppid_now(0);

    CHECK(fd >= 0 && fd != 77);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(read(fd, &b, 1), 1);
    CHECK_EQ(b, 'g');
    CHECK_EQ(fcntl(77, F_GETFD), 0);
    CHECK_EQ(read(77, &b, 1), 1);
    CHECK_EQ(b, 'h');
    struct rlimit none = { 0, 0 };
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    CHECK_EQ(getppid_now(0), 12);
}

static int give(int fd, struct seccomp_notif_addfd a)
{
    return ioctl(fd, SECCOMP_IOCTL_NOTIF_ADDFD, &a);
}

static void gifts(void)
{
    int fd, p[2];

    CHECK_EQ(pipe(p), 0);
    CHECK_EQ(write(p[1], "hg", 2), 2);
    fcntl(p[0], F_SETFD, FD_CLOEXEC);
    pid_t pid = watched(0, use_gifts, &fd);
    CHECK_ERR(ENOENT, give(fd, (struct seccomp_notif_addfd){ .id = 0, .srcfd = p[0] }));
    struct seccomp_notif n = received(fd);
    struct seccomp_notif_addfd a = { .id = n.id, .srcfd = p[0], .newfd = 77 };
    CHECK_ERR(EINVAL, give(fd, a)); /* a number, but not SETFD */
    a.flags = 4;
    CHECK_ERR(EINVAL, give(fd, a));
    a.flags = SECCOMP_ADDFD_FLAG_SETFD;
    a.newfd_flags = O_NONBLOCK;
    CHECK_ERR(EINVAL, give(fd, a));
    a.newfd_flags = 0;
    a.srcfd = 999;
    CHECK_ERR(EBADF, give(fd, a));
    a.srcfd = p[0];
    a.newfd = 1 << 30;
    CHECK_ERR(EBADF, give(fd, a));
    CHECK_ERR(EINVAL, ioctl(fd, SECCOMP_IOW(3, char[16]), &a));
    a.newfd = 77;
    CHECK_EQ(give(fd, a), 77);
    char b;
    CHECK_EQ(read(p[0], &b, 1), 1); /* one for 77 comes back below */
    a.newfd = 0;
    a.newfd_flags = O_CLOEXEC;
    a.flags = SECCOMP_ADDFD_FLAG_SEND;
    CHECK_EQ(write(p[1], "h", 1), 1);
    CHECK(give(fd, a) >= 0);
    n = received(fd);
    a.id = n.id;
    CHECK_ERR(EMFILE, give(fd, a)); /* then it is not answered */
    CHECK_EQ(answer(fd, n.id, 12, 0, 0), 0);
    ends_well(pid);
    close(fd);
}

/* --- ends --------------------------------------------------------------------------------- */

static void ask_until_enosys(void)
{
    CHECK_EQ(getppid_now(0), -1);
    CHECK_EQ(errno, ENOSYS);
    CHECK_EQ(getppid_now(0), -1);
    CHECK_EQ(errno, ENOSYS);
}

static void listener_ends(void)
{
    int fd;
    pid_t pid = watched(0, ask_until_enosys, &fd);

    received(fd);
    close(fd);
    ends_well(pid);
    pid = watched(0, ask_until_enosys, &fd);
    close(fd);
    ends_well(pid);
}

static void ask(void) { getppid_now(0); }

static void asker_ends(void)
{
    int fd;
    pid_t pid = watched(0, ask, &fd);
    struct seccomp_notif n = received(fd);

    kill(pid, SIGKILL);
    CHECK_EQ(status_of(pid), SIGKILL);
    CHECK_ERR(ENOENT, ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &n.id));
    CHECK_ERR(ENOENT, answer(fd, n.id, 0, 0, 0));
    CHECK_EQ(ready(fd, -1), POLLHUP);
    close(fd);
}

/* --- signals -------------------------------------------------------------------------------- */

static volatile int handled;
static void on_signal(int sig)
{
    (void)sig;
    handled++;
}

static void ask_interrupted(void)
{
    handle(SIGUSR1, on_signal, 0);
    CHECK_EQ(getppid_now(1), -1);
    CHECK_EQ(errno, EINTR);
    handle(SIGUSR1, on_signal, SA_RESTART);
    CHECK_EQ(getppid_now(2), 5);
    CHECK_EQ(handled, 2);
}

static void interrupted(void)
{
    int fd;
    pid_t pid = watched(0, ask_interrupted, &fd);
    struct seccomp_notif n = received(fd);

    kill(pid, SIGUSR1);
    struct seccomp_notif n2 = received(fd);
    CHECK(n2.data.args[0] == 2 && n2.id != n.id);
    CHECK_ERR(ENOENT, answer(fd, n.id, 0, 0, 0));
    kill(pid, SIGUSR1);
    n = received(fd); /* once more */
    CHECK_EQ(n.data.args[0], 2);
    CHECK_EQ(answer(fd, n.id, 5, 0, 0), 0);
    ends_well(pid);
    close(fd);
}

static void ask_killable(void)
{
    handle(SIGUSR1, on_signal, 0);
    CHECK_EQ(getppid_now(1), 6);
    CHECK_EQ(handled, 1);
}

static void killable(void)
{
    int fd;
    pid_t pid = watched(KILLABLE, ask_killable, &fd);
    struct seccomp_notif n = received(fd);

    kill(pid, SIGUSR1);
    struct pollfd none = { .fd = fd };
    CHECK_EQ(poll(&none, 1, 50), 0); /* time for the signal to end the wait, which it must not */
    CHECK_EQ(ready(fd, 0), POLLOUT);
    CHECK_EQ(ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &n.id), 0);
    CHECK_EQ(answer(fd, n.id, 6, 0, 0), 0);
    ends_well(pid);
    close(fd);
    pid = watched(KILLABLE, ask, &fd);
    received(fd);
    kill(pid, SIGKILL);
    CHECK_EQ(status_of(pid), SIGKILL);
    close(fd);
}

/* --- what there may be ------------------------------------------------------------------------- */

static void refusals(void)
{
    struct {
        uint16_t notif, resp, data;
    } sizes = { 0 };
    unsigned action = SECCOMP_RET_USER_NOTIF;

    CHECK_EQ(seccomp(SECCOMP_GET_NOTIF_SIZES, 0, &sizes), 0);
    CHECK(sizes.notif == 80 && sizes.resp == 24 && sizes.data == 64);
    CHECK_ERR(EINVAL, seccomp(SECCOMP_GET_NOTIF_SIZES, 1, &sizes));
    CHECK_ERR(EFAULT, seccomp(SECCOMP_GET_NOTIF_SIZES, 0, NULL));
    CHECK_EQ(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &action), 0);
    CHECK_ERR(EINVAL, listen_to_getppid(KILLABLE));
    CHECK_ERR(EINVAL,
              listen_to_getppid(SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC));
    CHECK_EQ(CHILD(int fd = listen_to_getppid(SECCOMP_FILTER_FLAG_NEW_LISTENER |
                                              SECCOMP_FILTER_FLAG_TSYNC |
                                              SECCOMP_FILTER_FLAG_TSYNC_ESRCH);
                   char name[64] = "", path[32]; CHECK(fd >= 0);
                   snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
                   CHECK(readlink(path, name, sizeof(name) - 1) > 0); SAY("%s\n", name);
                   CHECK_ERR(EBUSY, listen_to_getppid(SECCOMP_FILTER_FLAG_NEW_LISTENER));
                   CHECK_EQ(listen_to_getppid(0), 0); /* the newer one, without: */
                   CHECK_EQ(getppid_now(0), -1); CHECK_EQ(errno, ENOSYS)),
             0);
    CHECK_EQ(CHILD(struct rlimit none = { 0, 0 }; setrlimit(RLIMIT_NOFILE, &none);
                   CHECK_ERR(EMFILE, listen_to_getppid(SECCOMP_FILTER_FLAG_NEW_LISTENER));
                   CHECK_EQ(prctl(PR_GET_SECCOMP), 0)),
             0);
}

static void metadata(void)
{
    struct {
        uint64_t off, flags;
    } m = { 0, 9 };
    pid_t pid = fork();

    if (pid == 0) {
        listen_to_getppid(SECCOMP_FILTER_FLAG_LOG);
        listen_to_getppid(0);
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    CHECK_EQ(ptrace(PTRACE_SECCOMP_GET_METADATA, pid, sizeof(m), &m), (long)sizeof(m));
    CHECK_EQ(m.flags, SECCOMP_FILTER_FLAG_LOG);
    m.off = 1;
    CHECK_EQ(ptrace(PTRACE_SECCOMP_GET_METADATA, pid, 100, &m), (long)sizeof(m));
    CHECK_EQ(m.flags, 0);
    m.off = 2;
    CHECK_ERR(ENOENT, ptrace(PTRACE_SECCOMP_GET_METADATA, pid, sizeof(m), &m));
    CHECK_ERR(EINVAL, ptrace(PTRACE_SECCOMP_GET_METADATA, pid, 7, &m));
    CHECK_ERR(EFAULT, ptrace(PTRACE_SECCOMP_GET_METADATA, pid, sizeof(m), NULL));
    ptrace(PTRACE_CONT, pid, 0, 0);
    ends_well(pid);
}

static void test(void)
{
    alarm(20);
    refusals();
    answers();
    gifts();
    listener_ends();
    asker_ends();
    interrupted();
    killable();
    if (geteuid() == 0)
        metadata();
}
