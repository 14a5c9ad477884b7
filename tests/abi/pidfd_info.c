/* What a pidfd is asked by ioctl: who it is, before and after it was waited for, how it ended, and for namespaces. */
/* not on nested: PIDFD_GET_INFO came after its Linux 6.1 */
#include "check.h"
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#define INFO(bytes) _IOC(_IOC_READ | _IOC_WRITE, 0xff, 11, bytes)
#define IPC_SPACE   _IO(0xff, 2)
#define UTS_SPACE   _IO(0xff, 10)
enum { PID = 1, CREDS = 2, CGROUP = 4, EXIT = 8, COREDUMP = 16 };

struct info { /* struct pidfd_info, and more */
    uint64_t mask, cgroup;
    uint32_t pid, tgid, ppid, ids[8];
    int32_t exit_status;
    uint32_t coredump, spare;
    uint64_t behind[2];
};

static int open_it(pid_t pid, unsigned flags) { return (int)syscall(SYS_pidfd_open, pid, flags); }

/* Without what is told of cgroups, which not everybody has. */
static struct info ask(int fd, uint64_t mask, size_t bytes)
{
    struct info i;

    memset(&i, 0x55, sizeof(i));
    i.mask = mask;
    CHECK(ioctl(fd, INFO(bytes), &i) == 0);
    i.mask &= ~(uint64_t)CGROUP;
    return i;
}

static int supported(int fd)
{
    struct info i = { .mask = EXIT };

    return ioctl(fd, INFO(72), &i) == 0 && !linux_before(6, 16, "PIDFD_GET_INFO");
}

static void of_self(int fd)
{
    struct info i = ask(fd, 0, 72);

    CHECK(i.mask == (PID | CREDS) && i.pid == (uint32_t)getpid() && i.tgid == i.pid);
    CHECK(i.ppid == (uint32_t)getppid() && i.exit_status == 0 && i.coredump == 0);
    CHECK(i.behind[0] == 0x5555555555555555);
    i = ask(fd, -1, 88);
    CHECK(i.mask == (PID | CREDS | COREDUMP) && i.coredump == 4 && i.behind[0] == 0);
    i = ask(fd, COREDUMP, 64);
    CHECK(i.mask == (PID | CREDS | COREDUMP) && i.coredump == 0x55555555);
    CHECK_ERR(ENOTTY, ioctl(fd, INFO(56), &i));
    CHECK_ERR(ENOTTY, ioctl(fd, _IO(0xff, 11), &i));
    CHECK_ERR(ENOTTY, ioctl(fd, _IOC(_IOC_READ, 0xff, 11, 64), &i));
    CHECK_ERR(EINVAL, ioctl(fd, INFO(64), NULL));
    CHECK_ERR(EFAULT, ioctl(fd, INFO(64), 8));
    CHILD(prctl(PR_SET_DUMPABLE, 0); CHECK(ask(open_it(getpid(), 0), COREDUMP, 72).coredump == 2));
    CHILD(CHECK(setresgid(1, 2, 3) == 0 && setresuid(4, 5, 6) == 0);
          i = ask(open_it(getpid(), 0), 0, 72); for (int n = 0; n < 8; n++) SAY("%u ", i.ids[n]);
          SAY("ids\n"));
}

static void ended(int how)
{
    pid_t child = START(if (how == 1) pause(); if (how == 2) raise(SIGABRT); _exit(9));
    int fd = open_it(child, 0);
    siginfo_t info;
    struct info i;

    if (how == 1)
        kill(child, SIGKILL);
    CHECK(waitid(P_PID, child, &info, WEXITED | WNOWAIT) == 0);
    i = ask(fd, EXIT, 72);
    CHECK(i.mask == (PID | CREDS) && i.pid == (uint32_t)child && i.exit_status == 0);
    int status = status_of(child);
    i.mask = CREDS;
    CHECK_ERR(ESRCH, ioctl(fd, INFO(72), &i));
    i = ask(fd, EXIT, 72);
    CHECK(i.mask == EXIT && i.pid == 0 && i.ppid == 0 && i.ids[0] == 0);
    CHECK_EQ(i.exit_status & ~0x80, status & ~0x80);
    SAY("ended with %x\n", i.exit_status & ~0x80);
    CHECK_ERR(ESRCH, ioctl(fd, UTS_SPACE, 0));
    close(fd);
}

static ino_t space_of(int fd)
{
    struct stat st;

    CHECK(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) && fstat(fd, &st) == 0);
    close(fd);
    return st.st_ino;
}

static void spaces(int fd)
{
    struct stat uts, ipc;

    for (int n = 0; n < 14; n++)
        SAY("%d ", ioctl(fd, _IO(0xff, n), 0) >= 0 ? 0 : errno);
    SAY("by number\n");
    CHECK(stat("/proc/self/ns/uts", &uts) == 0 && stat("/proc/self/ns/ipc", &ipc) == 0);
    CHECK(space_of(ioctl(fd, UTS_SPACE, 0)) == uts.st_ino);
    CHECK(space_of(ioctl(fd, IPC_SPACE, 0)) == ipc.st_ino);
    CHECK_ERR(EINVAL, ioctl(fd, UTS_SPACE, 1));
    CHILD(CHECK(setresuid(65534, 65534, 65534) == 0); CHECK_ERR(EACCES, ioctl(fd, UTS_SPACE, 0)));
}

static void *asks_itself(void *none)
{
    int fd = open_it((pid_t)syscall(SYS_gettid), O_EXCL);
    struct info i = ask(fd, EXIT, 72);

    CHECK(i.pid == (uint32_t)syscall(SYS_gettid) && i.tgid == (uint32_t)getpid());
    CHECK(i.ppid == (uint32_t)getppid());
    return none;
}

static void test(void)
{
    int fd = open_it(getpid(), 0);
    pthread_t t;

    if (!supported(fd))
        return;
    of_self(fd);
    for (int how = 0; how < 3; how++)
        ended(how);
    spaces(fd);
    CHECK(pthread_create(&t, NULL, asks_itself, NULL) == 0 && pthread_join(t, NULL) == 0);
}
