/* userfaultfd: a thread decides what another one's fault finds: a copy, zeros, a page of the file, a page that
 * moves, lost memory; writes to protected pages wait for it; faults in system calls, too; signals, poll, errors, and
 * how it all ends. */
#include "threads.h"

#include <poll.h>
#include <setjmp.h>
#include <sys/ioctl.h>

struct range {
    uint64_t start, len;
};
struct api {
    uint64_t api, features, ioctls;
};
struct reg {
    struct range range;
    uint64_t mode, ioctls;
};
struct fill { /* UFFDIO_COPY, UFFDIO_MOVE */
    uint64_t dst, src, len, mode;
    int64_t done;
};
struct plain { /* UFFDIO_ZEROPAGE, _CONTINUE, _POISON */
    struct range range;
    uint64_t mode;
    int64_t done;
};
struct protect {
    struct range range;
    uint64_t mode;
};
struct msg {
    uint8_t event, pad[7];
    uint64_t flags, address;
    uint32_t tid, pad2;
};
enum { MISSING = 1, WP = 2, MINOR = 4 };
enum { F_WRITE = 1, F_WP = 2, F_MINOR = 4 };
#define API           0xaaul
#define DO_API        _IOWR(0xaa, 0x3f, struct api)
#define DO_REGISTER   _IOWR(0xaa, 0, struct reg)
#define DO_UNREGISTER _IOR(0xaa, 1, struct range)
#define DO_WAKE       _IOR(0xaa, 2, struct range)
#define DO_COPY       _IOWR(0xaa, 3, struct fill)
#define DO_ZERO       _IOWR(0xaa, 4, struct plain)
#define DO_MOVE       _IOWR(0xaa, 5, struct fill)
#define DO_PROTECT    _IOWR(0xaa, 6, struct protect)
#define DO_CONTINUE   _IOWR(0xaa, 7, struct plain)
#define DO_POISON     _IOWR(0xaa, 8, struct plain)
#define SIGBUS_       (1ul << 7)
#define EXACT         (1ul << 11)
#define THREAD_ID     (1ul << 8)
#define USER_ONLY     1

static int uffd(int flags, uint64_t features)
{
    struct api a = { API, features, 0 };
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | flags);

    CHECK(fd >= 0);
    CHECK_EQ(ioctl(fd, DO_API, &a), 0);
    CHECK_EQ(a.ioctls, 1ul << 0x3f | 3);
    CHECK_EQ(a.features & features, features);
    return fd;
}

static int reg(int fd, const void *p, int pages, int mode)
{
    struct reg r = { { (uint64_t)p, (uint64_t)pages * PAGE }, (uint64_t)mode, 0 };
    return ioctl(fd, DO_REGISTER, &r);
}

static struct msg next(int fd)
{
    struct msg m = { 0 };

    CHECK_EQ(read(fd, &m, sizeof m), sizeof m);
    CHECK_EQ(m.event, 0x12);
    return m;
}

static int copy(int fd, const void *to, const void *from, int pages, uint64_t mode, int64_t *done)
{
    struct fill c = { (uint64_t)to, (uint64_t)from, (uint64_t)pages * PAGE, mode, 0 };
    int ret = ioctl(fd, DO_COPY, &c);
    *done = c.done;
    return ret;
}

static int plain(int fd, unsigned long what, const void *at, int pages, int64_t *done)
{
    struct plain z = { { (uint64_t)at, (uint64_t)pages * PAGE }, 0, 0 };
    int ret = ioctl(fd, what, &z);
    *done = z.done;
    return ret;
}

static int protect(int fd, const void *at, int pages, uint64_t mode)
{
    return ioctl(fd, DO_PROTECT,
                 &(struct protect){ { (uint64_t)at, (uint64_t)pages * PAGE }, mode });
}

/* Who touches: a thread. */
static struct touch {
    char *at;
    int write, got, call;
    pid_t tid;
} touch;

static void *toucher(void *p)
{
    struct touch *t = p;

    __atomic_store_n(&t->tid, my_tid(), __ATOMIC_SEQ_CST);
    if (t->call) {
        int fds[2];
        CHECK_EQ(pipe(fds), 0);
        CHECK_EQ(write(fds[1], t->at, 4), t->call == 1 ? 4 : -1);
        if (t->call == 1) {
            char four[4];
            CHECK_EQ(read(fds[0], four, 4), 4);
            t->got = four[0];
        }
        close(fds[0]);
        close(fds[1]);
    } else if (t->write) {
        *(volatile char *)t->at = (char)t->write;
    } else {
        t->got = *(volatile char *)t->at;
    }
    return NULL;
}

static pthread_t touches(char *at, int write)
{
    touch = (struct touch){ at, write, 0, 0, 0 };
    return start(toucher, &touch);
}

static char source[4 * PAGE] __attribute__((aligned(4096)));

static void missing(void)
{
    int fd = uffd(0, THREAD_ID | EXACT);
    char *p = map_pages(8);
    int64_t done;

    memset(source, 'S', sizeof source);
    p[0] = 'h';
    CHECK_EQ(reg(fd, p, 8, MISSING), 0);
    CHECK_EQ(p[0], 'h');
    pthread_t t = touches(p + PAGE + 5, 0);
    struct msg m = next(fd);
    CHECK_EQ(m.flags, 0);
    CHECK_EQ(m.address, (uint64_t)p + PAGE + 5);
    CHECK_EQ(m.tid, touch.tid);
    CHECK_EQ(copy(fd, p + PAGE, source, 1, 0, &done), 0);
    CHECK_EQ(done, PAGE);
    pthread_join(t, NULL);
    CHECK_EQ(touch.got, 'S');

    t = touches(p + 2 * PAGE, 'w');
    m = next(fd);
    CHECK_EQ(m.flags, F_WRITE);
    CHECK_EQ(plain(fd, DO_ZERO, p + 2 * PAGE, 2, &done), 0);
    CHECK_EQ(done, 2 * PAGE);
    pthread_join(t, NULL);
    CHECK(p[2 * PAGE] == 'w' && p[2 * PAGE + 1] == 0 && p[3 * PAGE] == 0);

    CHECK_ERR(EEXIST, copy(fd, p + PAGE, source, 1, 0, &done));
    CHECK_EQ(done, -EEXIST);
    CHECK_EQ(madvise(p + 3 * PAGE, PAGE, MADV_DONTNEED), 0);
    CHECK_EQ(madvise(p + PAGE, PAGE, MADV_DONTNEED), 0);
    CHECK_ERR(EAGAIN, copy(fd, p + PAGE, source, 2, 0, &done));
    CHECK_EQ(done, PAGE);
    CHECK_ERR(EFAULT, copy(fd, p + 5 * PAGE, (void *)8, 1, 0, &done));
    CHECK_ERR(ENOENT, copy(fd, source, source + PAGE, 1, 0, &done));
    CHECK_ERR(EINVAL, copy(fd, p + 5 * PAGE, source, 1, 4, &done));
    CHECK_ERR(EINVAL, copy(fd, p + 5 * PAGE + 1, source, 1, 0, &done));
    CHECK_ERR(EINVAL, copy(fd, p + 5 * PAGE, source, 1, 2 /* WP */, &done));
    CHECK_EQ(close(fd), 0);
    CHECK_EQ(p[6 * PAGE], 0); /* as ever */
    munmap(p, 8 * PAGE);
}

static void kernel_and_signals(void)
{
    int fd = uffd(O_NONBLOCK, 0);
    char *p = map_pages(4);
    struct pollfd w = { fd, POLLIN, 0 };
    struct msg m;
    int64_t done;

    CHECK_EQ(reg(fd, p, 4, MISSING), 0);
    CHECK_ERR(EAGAIN, read(fd, &m, sizeof m));
    CHECK_ERR(EINVAL, read(fd, &m, sizeof m - 1));
    CHECK_EQ(poll(&w, 1, 0), 0);
    touch = (struct touch){ p, 0, 0, 1, 0 };
    pthread_t t = start(toucher, &touch);
    CHECK_EQ(poll(&w, 1, 5000), 1);
    CHECK_EQ(w.revents, POLLIN);
    m = next(fd);
    CHECK_EQ(m.address, (uint64_t)p);
    CHECK_EQ(poll(&w, 1, 0), 0);
    CHECK_EQ(copy(fd, p, source, 1, 1 /* DONTWAKE */, &done), 0);
    CHECK_EQ(ioctl(fd, DO_WAKE, &(struct range){ (uint64_t)p, PAGE }), 0);
    pthread_join(t, NULL);
    CHECK_EQ(touch.got, 'S');
    CHECK_EQ(CHILD(CHECK_EQ(p[PAGE], 0)), 0); /* not a child's business */
    CHECK_EQ(ioctl(fd, DO_UNREGISTER, &(struct range){ (uint64_t)p + PAGE, PAGE }), 0);
    CHECK_EQ(p[PAGE], 0);
    t = touches(p + 2 * PAGE, 0);
    CHECK_EQ(poll(&w, 1, 5000), 1);
    CHECK_EQ(ioctl(fd, DO_UNREGISTER, &(struct range){ (uint64_t)p, 4 * PAGE }), 0);
    pthread_join(t, NULL);
    CHECK_EQ(touch.got, 0);
    CHECK_EQ(poll(&w, 1, 0), 0);
    close(fd);
    munmap(p, 4 * PAGE);
}

/* When the caller has faulted. */
static void kill_when_asked(int fd)
{
    if (fork() == 0) {
        next(fd);
        kill(getppid(), SIGKILL);
        _exit(0);
    }
}

static void killed(void)
{
    CHECK_DIES(SIGKILL, int fd = uffd(0, 0); char *p = map_pages(1); reg(fd, p, 1, MISSING);
               kill_when_asked(fd); p[0] = 1);
    CHECK_DIES(SIGKILL, int fd = uffd(0, 0); char *p = map_pages(1); reg(fd, p, 1, MISSING);
               kill_when_asked(fd); open(p, O_RDONLY));
    CHECK_DIES(SIGALRM, int fd = uffd(0, 0); char *p = map_pages(1); reg(fd, p, 1, MISSING);
               alarm(1); p[0] = 1);
    CHECK_DIES(SIGBUS, int fd = uffd(0, SIGBUS_); char *p = map_pages(1); reg(fd, p, 1, MISSING);
               p[0] = 1);
    CHECK_EQ(CHILD(int fd = uffd(USER_ONLY, 0); char *p = map_pages(1); reg(fd, p, 1, MISSING);
                   CHECK_ERR(EFAULT, open(p, O_RDONLY))),
             0);
    CHECK_EQ(CHILD(CHECK_EQ(setgid(1), 0); CHECK_EQ(setuid(1), 0);
                   CHECK_ERR(EPERM, syscall(SYS_userfaultfd, 0));
                   CHECK(syscall(SYS_userfaultfd, USER_ONLY) >= 0)),
             0);
}

static void writes(void)
{
    int fd = uffd(0, 1);
    char *p = map_pages(4);
    int64_t done;

    memset(p, 'o', 3 * PAGE);
    CHECK_EQ(reg(fd, p, 4, WP), 0);
    CHECK_EQ(protect(fd, p, 2, 1), 0);
    CHECK_EQ(p[0], 'o');
    pthread_t t = touches(p + 7, 'n');
    struct msg m = next(fd);
    CHECK_EQ(m.flags, F_WP | F_WRITE);
    CHECK_EQ(m.address, (uint64_t)p);
    CHECK_EQ(p[7], 'o');
    CHECK_EQ(CHILD(p[7] = 'c'; CHECK_EQ(p[7], 'c')), 0); /* a child writes as it likes */
    CHECK_EQ(p[7], 'o');
    CHECK_EQ(protect(fd, p, 1, 0), 0);
    pthread_join(t, NULL);
    CHECK(p[7] == 'n' && p[8] == 'o');
    CHECK_EQ(mprotect(p, 4 * PAGE, PROT_READ), 0);
    CHECK_EQ(mprotect(p, 4 * PAGE, PROT_READ | PROT_WRITE), 0);
    t = touches(p + PAGE, 'n'); /* the other one still is */
    m = next(fd);
    CHECK_EQ(m.address, (uint64_t)p + PAGE);
    CHECK_EQ(protect(fd, p + PAGE, 1, 0), 0);
    pthread_join(t, NULL);
    CHECK_EQ(p[PAGE], 'n');
    CHECK_ERR(EINVAL, protect(fd, p, 1, 3));
    CHECK_ERR(ENOENT, protect(fd, source, 1, 1));
    CHECK_EQ(copy(fd, p + 3 * PAGE, source, 1, 2 /* WP */, &done), 0);
    t = touches(p + 3 * PAGE, 'n');
    m = next(fd);
    CHECK_EQ(m.flags, F_WP | F_WRITE);
    CHECK_EQ(p[3 * PAGE], 'S');
    close(fd); /* lets it write */
    pthread_join(t, NULL);
    CHECK_EQ(p[3 * PAGE], 'n');
    munmap(p, 4 * PAGE);
}

static void files(void)
{
    int fd = uffd(0, 1ul << 10 | 1ul << 5), mem = memfd_create("asked", 0);
    char z = 'Z';
    int64_t done;

    CHECK_EQ(ftruncate(mem, 3 * PAGE), 0);
    CHECK_EQ(pwrite(mem, "A", 1, 0), 1);
    char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, mem, 0);
    CHECK_EQ(reg(fd, p, 4, MINOR | MISSING), 0);
    pthread_t t = touches(p, 0);
    struct msg m = next(fd);
    CHECK_EQ(m.flags, F_MINOR);
    CHECK_EQ(pwrite(mem, &z, 1, 0), 1);
    CHECK_EQ(plain(fd, DO_CONTINUE, p, 1, &done), 0);
    pthread_join(t, NULL);
    CHECK_EQ(touch.got, 'Z');
    CHECK_ERR(EEXIST, plain(fd, DO_CONTINUE, p, 1, &done));
    CHECK_ERR(EFAULT, plain(fd, DO_CONTINUE, p + PAGE, 1, &done));
    t = touches(p + PAGE, 'w');
    m = next(fd);
    CHECK_EQ(m.flags, F_WRITE);
    CHECK_EQ(copy(fd, p + PAGE, source, 1, 0, &done), 0);
    pthread_join(t, NULL);
    CHECK_EQ(pread(mem, &z, 1, PAGE), 1);
    CHECK_EQ(z, 'w');
    CHECK_EQ(pread(mem, &z, 1, PAGE + 1), 1);
    CHECK_EQ(z, 'S');
    CHECK_ERR(EFAULT, copy(fd, p + 3 * PAGE, source, 1, 0, &done)); /* behind its end */
    CHECK_DIES(SIGBUS, p[3 * PAGE] = 1);
    CHECK_ERR(EINVAL, reg(fd, map_pages(1), 1, MINOR));
    close(fd);
    munmap(p, 4 * PAGE);
    close(mem);
}

static sigjmp_buf back;
static volatile int bus_code;
static void on_bus(int sig, siginfo_t *i, void *c)
{
    (void)sig;
    (void)c;
    bus_code = i->si_code;
    siglongjmp(back, 1);
}

static void moved_and_lost(void)
{
    if (linux_before(6, 8, "UFFDIO_MOVE, UFFDIO_POISON"))
        return;
    int fd = uffd(0, 1ul << 14 | 1ul << 16);
    char *p = map_pages(4), *from = map_pages(4);
    struct sigaction sa = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO };
    int64_t done;

    memset(from, 'F', PAGE);
    CHECK_EQ(reg(fd, p, 4, MISSING), 0);
    pthread_t t = touches(p, 0);
    next(fd);
    struct fill mv = { (uint64_t)p, (uint64_t)from, PAGE, 0, 0 };
    CHECK_EQ(ioctl(fd, DO_MOVE, &mv), 0);
    CHECK_EQ(mv.done, PAGE);
    pthread_join(t, NULL);
    CHECK_EQ(touch.got, 'F');
    CHECK_EQ(from[0], 0);
    mv = (struct fill){ (uint64_t)p, (uint64_t)from, PAGE, 0, 0 };
    CHECK_ERR(EEXIST, ioctl(fd, DO_MOVE, &mv));
    mv = (struct fill){ (uint64_t)p + PAGE, (uint64_t)from + 2 * PAGE, PAGE, 0, 0 };
    CHECK_ERR(ENOENT, ioctl(fd, DO_MOVE, &mv));
    mv.mode = 2; /* holes are fine */
    CHECK_EQ(ioctl(fd, DO_MOVE, &mv), 0);
    t = touches(p + 2 * PAGE, 0);
    sigaction(SIGBUS, &sa, NULL);
    next(fd);
    CHECK_EQ(copy(fd, p + 2 * PAGE, source, 1, 0, &done), 0);
    pthread_join(t, NULL);
    CHECK_EQ(plain(fd, DO_POISON, p + 3 * PAGE, 1, &done), 0);
    CHECK_EQ(done, PAGE);
    CHECK_ERR(EEXIST, plain(fd, DO_POISON, p + 2 * PAGE, 1, &done));
    if (sigsetjmp(back, 1) == 0)
        bus_code = p[3 * PAGE];
    CHECK_EQ(bus_code, BUS_ADRERR); /* or BUS_MCEERR_AR, where a Linux knows failures of memory */
    signal(SIGBUS, SIG_DFL);
    CHECK_DIES(SIGBUS, p[3 * PAGE] = 1);
    CHECK_ERR(EFAULT, open(p + 3 * PAGE, O_RDONLY));
    close(fd);
    munmap(p, 4 * PAGE);
    munmap(from, 4 * PAGE);
}

static void errors(void)
{
    struct api a = { API, 1ul << 60, 0 };
    int fd = (int)syscall(SYS_userfaultfd, 0);
    struct pollfd w = { fd, POLLIN, 0 };
    char *p = map_pages(2), *to;
    struct msg m;

    p[0] = 'p';
    CHECK_ERR(EINVAL, syscall(SYS_userfaultfd, 2));
    CHECK_ERR(EINVAL, reg(fd, p, 1, MISSING)); /* before UFFDIO_API */
    CHECK_ERR(EINVAL, read(fd, &m, sizeof m));
    CHECK_EQ(poll(&w, 1, 0), 1);
    CHECK_EQ(w.revents, POLLERR);
    CHECK_ERR(EINVAL, ioctl(fd, DO_API, &a));
    CHECK_EQ(a.features, 0);
    a = (struct api){ 1, 0, 0 };
    CHECK_ERR(EINVAL, ioctl(fd, DO_API, &a));
    a = (struct api){ API, 0, 0 };
    CHECK_EQ(ioctl(fd, DO_API, &a), 0);
    CHECK_EQ(a.features & (1ul << 14 | 1ul << 11 | 1ul << 10 | 1ul << 8 | 1ul << 7 | 1ul << 5 | 1),
             0x4da1);
    CHECK_ERR(EINVAL, ioctl(fd, DO_API, &a));
    CHECK_ERR(EINVAL, reg(fd, p, 1, 0));
    CHECK_ERR(EINVAL, reg(fd, p, 1, 8));
    CHECK_ERR(EINVAL, reg(fd, p + 1, 1, MISSING));
    CHECK_ERR(EINVAL, reg(fd, p, 0, MISSING));
    struct reg r = { { (uint64_t)p, 2 * PAGE }, MISSING, 0 };
    CHECK_EQ(ioctl(fd, DO_REGISTER, &r), 0);
    CHECK_EQ(r.ioctls & 0x5c, 0x1c);
    int other = uffd(0, 0);
    CHECK_ERR(EBUSY, reg(other, p, 1, MISSING));
    CHECK_ERR(EINVAL, ioctl(other, DO_UNREGISTER, &(struct range){ (uint64_t)p, PAGE }));
    close(other);
    to = mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | 4 /* DONTUNMAP */, NULL);
    CHECK(to != MAP_FAILED);
    CHECK_EQ(to[0], 'p'); /* the new place asks nobody */
    pthread_t t = touches(p, 0);
    m = next(fd);
    CHECK_EQ(m.address, (uint64_t)p);
    close(fd);
    pthread_join(t, NULL);
    munmap(p, 2 * PAGE);
    munmap(to, PAGE);
    fd = open("/dev/userfaultfd", O_RDWR);
    int made = ioctl(fd, _IO(0xaa, 0), O_CLOEXEC);
    CHECK(made >= 0);
    a = (struct api){ API, 0, 0 };
    CHECK_EQ(ioctl(made, DO_API, &a), 0);
    close(made);
    close(fd);
}

/* Another process decides. */
static void for_another(void)
{
    int fd = uffd(0, 0);
    char *p = map_pages(1);
    int64_t done;

    CHECK_EQ(reg(fd, p, 1, MISSING), 0);
    pid_t pid = START(next(fd); CHECK_EQ(copy(fd, p, source, 1, 0, &done), 0));
    CHECK_EQ(p[0], 'S');
    CHECK_EQ(status_of(pid), 0);
    pid = START(int own = uffd(0, 0); CHECK_EQ(reg(own, p, 1, MISSING), 0);
                execl("/bin/true", "true", NULL));
    CHECK_EQ(status_of(pid), 0);
    close(fd);
    munmap(p, PAGE);
}

static void test(void)
{
    missing();
    kernel_and_signals();
    killed();
    writes();
    files();
    moved_and_lost();
    errors();
    for_another();
}
