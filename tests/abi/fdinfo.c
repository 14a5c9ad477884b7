/* What /proc tells of descriptors: flags as open(2) and the table have them, locks in fdinfo and in
 * /proc/locks; and what descriptors of all kinds say to calls that ask for nothing or cannot be. */
#include "check.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

/* Lines of fdinfo that begin so; numbers of processes and inodes become N. */
static void tell(int fd, const char *begins)
{
    char path[64], line[256];
    FILE *f;

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f)) {
        char kind[16], type[16], dev[32], end[32];
        int n, pid;
        long start;

        if (strncmp(line, begins, strlen(begins)) != 0)
            continue;
        if (sscanf(line, "lock:\t%d: %15s ADVISORY %15s %d %31s %ld %31s", &n, kind, type, &pid,
                   dev, &start, end) == 7)
            SAY("  lock %d: %s %s %s %ld %s\n", n, kind, type,
                pid == getpid() ? "mine"
                : pid < 0       ? "-1"
                                : "other",
                start, end);
        else
            SAY("  %s", line);
    }
    fclose(f);
}

static void flags(void)
{
    int p[2];
    const struct {
        const char *name;
        int fd;
    } each[] = {
        { "read", open("f", O_RDONLY) },
        { "append", open("f", O_WRONLY | O_APPEND | O_SYNC | O_CLOEXEC) },
        { "path", open("f", O_PATH) },
        { "directory", open(".", O_RDONLY | O_DIRECTORY | O_NONBLOCK) },
        { "unnamed", open(".", O_RDWR | O_TMPFILE, 0600) },
        { "event", eventfd(0, EFD_SEMAPHORE) },
        { "memory", (int)syscall(SYS_memfd_create, "x", 1) },
    };

    for (unsigned i = 0; i < sizeof(each) / sizeof(*each); i++) {
        SAY("%s:\n", each[i].name);
        tell(each[i].fd, "flags");
        tell(each[i].fd, "eventfd-sem");
        SAY("  F_GETFL %#o\n", fcntl(each[i].fd, F_GETFL));
        close(each[i].fd);
    }
    CHECK_EQ(pipe2(p, O_CLOEXEC), 0);
    tell(p[1], "flags");
    close(p[0]);
    close(p[1]);
}

static int in_proc_locks(const char *want)
{
    char line[256], kind[16], type[16];
    int pid, n = 0;
    FILE *f = fopen("/proc/locks", "r");

    while (f && fgets(line, sizeof(line), f)) {
        char both[40];

        if (sscanf(line, "%*d: %15s ADVISORY %15s %d", kind, type, &pid) == 3 && pid == getpid()) {
            snprintf(both, sizeof(both), "%s %s", kind, type);
            n += strcmp(both, want) == 0;
        }
    }
    if (f)
        fclose(f);
    return n;
}

static void locks(void)
{
    int a = open("f", O_RDWR), b = open("f", O_RDWR);
    struct flock l = { .l_type = F_WRLCK, .l_start = 0, .l_len = 5 };

    CHECK_EQ(fcntl(a, F_SETLK, &l), 0);
    l.l_type = F_RDLCK;
    l.l_start = 10;
    l.l_len = 0;
    CHECK_EQ(fcntl(b, F_SETLK, &l), 0);
    l.l_start = 7;
    l.l_len = 1;
    CHECK_EQ(fcntl(b, 37 /* F_OFD_SETLK */, &l), 0);
    CHECK_EQ(flock(a, LOCK_SH), 0);
    SAY("first:\n");
    tell(a, "lock");
    SAY("second:\n");
    tell(b, "lock");
    CHECK_EQ(in_proc_locks("POSIX WRITE"), 1);
    CHECK_EQ(in_proc_locks("POSIX READ"), 1);
    CHECK_EQ(in_proc_locks("FLOCK READ"), 1);
    close(a);
    close(b);
    CHECK_EQ(in_proc_locks("FLOCK READ"), 0);
}

/* A vector without a byte, a descriptor that is only a place. */
static void nothing(void)
{
    struct iovec iv = { NULL, 0 };
    int place = open("f", O_PATH), dir = open(".", O_RDONLY), ev = eventfd(0, EFD_NONBLOCK);
    int ep = epoll_create1(0), file = open("f", O_RDONLY), p[2];
    struct pollfd pf = { place, POLLIN | POLLOUT, 0 };

    CHECK_EQ(pipe2(p, O_NONBLOCK), 0);
    CHECK_EQ(readv(ev, &iv, 1), 0);
    CHECK_EQ(writev(ev, &iv, 0), 0);
    CHECK_EQ(readv(p[0], &iv, 1), 0);
    CHECK_ERR(EBADF, readv(p[1], &iv, 1));
    CHECK_ERR(ESPIPE, preadv(p[0], &iv, 1, 0));
    CHECK_EQ(readv(dir, &iv, 1), 0);
    CHECK_ERR(EINVAL, readv(ep, &iv, 1));
    CHECK_ERR(EBADF, writev(file, &iv, 1));
    CHECK_EQ(vmsplice(file, &iv, 1, 0), 0);
    CHECK_ERR(EBADF, pread(place, &iv, 1, 0));
    CHECK_ERR(EBADF, pwrite(place, &iv, 1, 0));
    CHECK_ERR(EBADF, lseek(place, 0, SEEK_SET));
    CHECK_EQ(poll(&pf, 1, 0), 1);
    CHECK_EQ(pf.revents, POLLNVAL);
    int proc = open("/proc/self/maps", O_RDONLY), random = open("/dev/urandom", O_RDONLY), n = 0;
    CHECK_ERR(EINVAL, fsync(proc));
    CHECK(ioctl(random, 0x80045200 /* RNDGETENTCNT */, &n) == 0 && n == 256);
    CHECK_ERR(EINVAL, ioctl(random, FIONREAD, &n));
    int all[] = { place, dir, ev, ep, file, p[0], p[1], proc, random };
    for (unsigned i = 0; i < sizeof(all) / sizeof(*all); i++)
        close(all[i]);
}

static void test(void)
{
    int fd = open("f", O_CREAT | O_RDWR, 0644);

    CHECK_EQ(write(fd, "0123456789", 10), 10);
    close(fd);
    flags();
    locks();
    nothing();
    CHECK_EQ(unlink("f"), 0);
}
