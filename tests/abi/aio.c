/* io_setup and its relatives: each request of files, pipes and sockets, what is refused and how, events fetched by
 * call and from the ring itself, waiting for another thread's, descriptors that are told, a context's end by
 * io_destroy, unmapping, exec's and fork's other address space, and the limits of all together. */
#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

/* <linux/aio_abi.h>, which musl's compiler does not find. */
typedef unsigned long aio_context_t;
enum {
    IOCB_CMD_PREAD,
    IOCB_CMD_PWRITE,
    IOCB_CMD_FSYNC,
    IOCB_CMD_FDSYNC,
    IOCB_CMD_NOOP = 6,
    IOCB_CMD_PREADV,
    IOCB_CMD_PWRITEV
};
#define IOCB_FLAG_RESFD  1u
#define IOCB_FLAG_IOPRIO 2u
struct io_event {
    uint64_t data, obj;
    int64_t res, res2;
};
struct iocb {
    uint64_t aio_data;
    uint32_t aio_key;
    int32_t aio_rw_flags;
    uint16_t aio_lio_opcode;
    int16_t aio_reqprio;
    uint32_t aio_fildes;
    uint64_t aio_buf, aio_nbytes;
    int64_t aio_offset;
    uint64_t aio_reserved2;
    uint32_t aio_flags, aio_resfd;
};

struct ring {
    unsigned id, nr, head, tail, magic, compat, incompat, header;
    struct io_event event[];
};

static long setup(unsigned n, aio_context_t *to) { return syscall(SYS_io_setup, n, to); }
static long destroy(aio_context_t c) { return syscall(SYS_io_destroy, c); }
static long submit(aio_context_t c, long n, struct iocb **list)
{
    return syscall(SYS_io_submit, c, n, list);
}
static long cancel(aio_context_t c, struct iocb *io, struct io_event *e)
{
    return syscall(SYS_io_cancel, c, io, e);
}
static long events(aio_context_t c, long least, long n, struct io_event *e, struct timespec *t)
{
    return syscall(SYS_io_getevents, c, least, n, e, t);
}

static struct timespec none = { 0, 0 };

static struct iocb request(int op, int fd, const void *buf, size_t n, long off)
{
    struct iocb io = { .aio_lio_opcode = (unsigned short)op,
                       .aio_fildes = (unsigned)fd,
                       .aio_buf = (uintptr_t)buf,
                       .aio_nbytes = n,
                       .aio_offset = off,
                       .aio_data = 42 };
    return io;
}

static long submit_one(aio_context_t c, struct iocb *io)
{
    struct iocb *list[1] = { io };

    return submit(c, 1, list);
}

/* Submits one, and says what came of it. */
static void say(const char *what, aio_context_t c, struct iocb io)
{
    struct io_event e = { 0 };

    errno = 0;
    long n = submit_one(c, &io);
    if (n != 1) {
        SAY("%s: refused, %ld %d\n", what, n, errno);
        return;
    }
    CHECK_EQ(events(c, 1, 1, &e, NULL), 1);
    CHECK(e.obj == (uintptr_t)&io && e.data == 42 && e.res2 == 0);
    SAY("%s: %lld\n", what, (long long)e.res);
}

static void transfers(aio_context_t c)
{
    char b[16] = "0123456789";
    struct iovec v[2] = { { b + 8, 2 }, { b, 4 } };
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600), ro = open("file", O_RDONLY), p[2];
    int wo = open("file", O_WRONLY), dir = open(".", O_RDONLY), path = open("file", O_PATH);

    say("write", c, request(IOCB_CMD_PWRITE, fd, b, 10, 3));
    say("writev", c, request(IOCB_CMD_PWRITEV, fd, v, 2, 0));
    say("read", c, request(IOCB_CMD_PREAD, fd, b, 16, 0));
    SAY("%.6s%.7s\n", b, b + 6);
    say("readv", c, request(IOCB_CMD_PREADV, fd, v, 2, 1));
    say("at the end", c, request(IOCB_CMD_PREAD, fd, b, 16, 100));
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
    say("fsync", c, request(IOCB_CMD_FSYNC, fd, NULL, 0, 0));
    say("fdsync", c, request(IOCB_CMD_FDSYNC, fd, NULL, 0, 0));
    say("fsync, bytes", c, request(IOCB_CMD_FSYNC, fd, NULL, 1, 0));
    say("noop", c, request(IOCB_CMD_NOOP, fd, NULL, 0, 0));
    say("unknown", c, request(99, fd, b, 1, 0));
    say("negative", c, request(IOCB_CMD_PREAD, fd, b, 1, -1));
    say("beyond all", c, request(IOCB_CMD_PREAD, fd, b, 16, INT64_MAX));
    say("too long", c, request(IOCB_CMD_PREAD, fd, b, -1, 0));
    say("closed", c, request(IOCB_CMD_PREAD, 99, b, 1, 0));
    say("read-only", c, request(IOCB_CMD_PWRITE, ro, b, 1, 0));
    say("write-only", c, request(IOCB_CMD_PREAD, wo, b, 1, 0));
    say("directory", c, request(IOCB_CMD_PREAD, dir, b, 1, 0));
    say("path", c, request(IOCB_CMD_PREAD, path, b, 1, 0));
    say("bad memory", c, request(IOCB_CMD_PREAD, fd, (void *)8, 4, 0));
    say("no user's memory", c, request(IOCB_CMD_PREAD, fd, (void *)-4096, 4, 0));
    say("bad vector", c, request(IOCB_CMD_PREADV, fd, (void *)8, 1, 0));
    say("long vector", c, request(IOCB_CMD_PREADV, fd, v, 1025, 0));
    struct iocb io = request(IOCB_CMD_PREAD, fd, b, 1, 0);
    io.aio_reserved2 = 1;
    say("reserved", c, io);
    io.aio_reserved2 = 0;
    io.aio_rw_flags = 0x10000000;
    say("flags", c, io);
    io.aio_rw_flags = 0;
    io.aio_flags = IOCB_FLAG_IOPRIO;
    io.aio_reqprio = (short)(4 << 13);
    say("priority", c, io);
    io.aio_reqprio = 2 << 13;
    say("priority that is one", c, io);

    CHECK_EQ(pipe(p), 0);
    say("to a pipe", c, request(IOCB_CMD_PWRITE, p[1], "pipe", 4, 0));
    say("from a pipe", c, request(IOCB_CMD_PREAD, p[0], b, 16, 7));
    fcntl(p[0], F_SETFL, O_NONBLOCK);
    say("from an empty one", c, request(IOCB_CMD_PREAD, p[0], b, 16, 0));
    close(p[0]);
    signal(SIGPIPE, SIG_IGN);
    say("to a broken one", c, request(IOCB_CMD_PWRITE, p[1], "pipe", 4, 0));
    close(p[1]);
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, p), 0);
    say("to a socket", c, request(IOCB_CMD_PWRITE, p[1], "socket", 6, 0));
    say("from a socket", c, request(IOCB_CMD_PREAD, p[0], b, 16, 0));
    for (int i = 3; i < 20; i++)
        close(i);
}

static void wrong(void)
{
    aio_context_t c = 0, other = 1, gone;
    struct iocb io = request(IOCB_CMD_PREAD, 0, NULL, 0, 0), *list[2] = { &io, (void *)8 };
    struct io_event e;
    struct timespec t = { 0, 1 };

    CHECK_ERR(EFAULT, setup(1, NULL));
    CHECK_ERR(EFAULT, setup(1, (void *)8));
    CHECK_ERR(EINVAL, setup(0, &c));
    CHECK_ERR(EINVAL, setup(1, &other));
    CHECK_ERR(EINVAL, setup(-1, &c));
    CHECK_ERR(EAGAIN, setup(1 << 20, &c));
    CHECK(c == 0);
    CHECK_ERR(EINVAL, destroy(0));
    CHECK_ERR(EINVAL, destroy(-1));
    CHECK_ERR(EINVAL, submit(0, 1, list));
    CHECK_ERR(EINVAL, submit(0, 0, list));
    CHECK_ERR(EINVAL, events(0, 0, 1, &e, NULL));
    CHECK_EQ(setup(1, &c), 0);
    CHECK_ERR(EINVAL, setup(1, &c));
    CHECK_ERR(EINVAL, submit(c, -1, list));
    CHECK_EQ(submit(c, 0, NULL), 0);
    CHECK_ERR(EFAULT, submit(c, 1, NULL));
    CHECK_ERR(EFAULT, submit(c, 1, list + 1));
    CHECK_ERR(EINVAL, events(c, 2, 1, &e, NULL));
    CHECK_ERR(EINVAL, events(c, -1, 1, &e, NULL));
    CHECK_ERR(EFAULT, events(c, 0, 1, &e, (void *)8));
    CHECK_EQ(events(c, 0, 1, &e, NULL), 0);
    CHECK_EQ(events(c, 0, 0, NULL, NULL), 0);
    CHECK_EQ(events(c, 1, 1, &e, &none), 0);
    CHECK_EQ(events(c, 1, 1, &e, &t), 0);
    CHECK_ERR(EFAULT, cancel(c, NULL, &e));
    CHECK_ERR(EINVAL, cancel(c, &io, &e));
    io.aio_key = 1;
    CHECK_ERR(EINVAL, cancel(c, &io, &e));
    CHECK_ERR(EFAULT, cancel(0, NULL, NULL));
    gone = c;
    CHECK_EQ(destroy(c), 0);
    CHECK_ERR(EINVAL, destroy(gone));
    CHECK_ERR(EINVAL, submit(gone, 0, list));
}

/* Those before a bad one are done; what is too much waits until events are fetched. */
static void several(void)
{
    aio_context_t c = 0;
    struct iocb good = request(IOCB_CMD_PREAD, 0, NULL, 0, 0), bad = good, *list[4096];
    struct io_event e[4];
    int fd = open("/dev/zero", O_RDONLY);
    long n, all = 0;

    CHECK_EQ(setup(4, &c), 0);
    good.aio_fildes = (unsigned)fd;
    bad.aio_fildes = 99;
    list[0] = list[1] = list[3] = &good;
    list[2] = &bad;
    CHECK_EQ(submit(c, 4, list), 2);
    CHECK_ERR(EBADF, submit(c, 2, list + 2));
    CHECK_ERR(EFAULT, events(c, 1, 4, (void *)8, NULL));
    CHECK_EQ(events(c, 2, 4, e, NULL), 2);
    for (int i = 0; i < 4096; i++)
        list[i] = &good;
    while (all < 100000 && (n = submit(c, 4096, list)) > 0)
        all += n;
    CHECK(n == -1 && errno == EAGAIN && all >= 4);
    CHECK_EQ(events(c, 1, 4, e, NULL), 4);
    CHECK(submit(c, 4, list) > 0);
    CHECK_EQ(destroy(c), 0);
    close(fd);
}

/* A program may look at the ring, and take from it. */
static void in_the_ring(void)
{
    aio_context_t c = 0;
    struct iocb io = request(IOCB_CMD_PREAD, open("/dev/zero", O_RDONLY), &c, 0, 0);
    struct io_event e;

    CHECK_EQ(setup(8, &c), 0);
    struct ring *r = (struct ring *)c;
    CHECK(r->magic == 0xa10a10a1 && r->compat == 1 && r->incompat == 0 && r->header == 32);
    CHECK(r->nr > 8 && r->head == 0 && r->tail == 0);
    CHECK_EQ(submit_one(c, &io), 1);
    CHECK_EQ(submit_one(c, &io), 1);
    CHECK(r->head == 0 && r->tail == 2);
    CHECK(r->event[0].obj == (uintptr_t)&io && r->event[1].data == 42);
    r->head = 1;
    CHECK_EQ(events(c, 0, 4, &e, NULL), 1);
    CHECK(r->head == 2 && r->tail == 2);
    for (unsigned i = 0; i < 3 * r->nr; i++) {
        CHECK_EQ(submit_one(c, &io), 1);
        CHECK_EQ(events(c, 1, 1, &e, NULL), 1);
    }
    CHECK_EQ(CHILD(CHECK_ERR(EINVAL, events(c, 0, 1, &e, NULL)); CHECK(r->magic == 0xa10a10a1)), 0);
    r->head = 0x7fffffff; /* and nothing breaks */
    events(c, 0, 1, &e, &none);
    CHECK_EQ(destroy(c), 0);
    CHECK_DIES(SIGSEGV, CHECK(*(volatile unsigned *)&r->magic == 0));
    close((int)io.aio_fildes);
}

static void told(void)
{
    aio_context_t c = 0;
    int fd = open("/dev/zero", O_RDONLY), e = eventfd(0, EFD_NONBLOCK);
    struct iocb io = request(IOCB_CMD_PREAD, fd, NULL, 0, 0);
    uint64_t n;

    CHECK_EQ(setup(8, &c), 0);
    io.aio_flags = IOCB_FLAG_RESFD;
    io.aio_resfd = (unsigned)e;
    CHECK_EQ(submit_one(c, &io), 1);
    CHECK_EQ(submit_one(c, &io), 1);
    CHECK(read(e, &n, 8) == 8 && n == 2);
    n = UINT64_MAX - 1; /* one more than can be written: it has run over, and a read gives all */
    CHECK_EQ(write(e, &n, 8), 8);
    CHECK_EQ(submit_one(c, &io), 1);
    CHECK_EQ(submit_one(c, &io), 1);
    struct pollfd p = { e, POLLIN | POLLOUT, 0 };
    CHECK_EQ(poll(&p, 1, 0), 1);
    CHECK_EQ(p.revents, POLLIN | POLLERR);
    n = 1;
    CHECK_ERR(EAGAIN, write(e, &n, 8));
    CHECK(read(e, &n, 8) == 8 && n == UINT64_MAX);
    CHECK_EQ(poll(&p, 1, 0), 1);
    CHECK_EQ(p.revents, POLLOUT);
    io.aio_resfd = (unsigned)fd;
    CHECK_ERR(EINVAL, submit_one(c, &io));
    io.aio_resfd = 99;
    CHECK_ERR(EBADF, submit_one(c, &io));
    CHECK_EQ(destroy(c), 0);
    close(fd);
    close(e);
}

static aio_context_t shared;

static void *submits(void *io)
{
    msleep(20);
    CHECK_EQ(submit_one(shared, io), 1);
    msleep(20);
    CHECK_EQ(submit_one(shared, io), 1);
    return NULL;
}

static void *destroys(void *unused)
{
    (void)unused;
    msleep(50);
    CHECK_EQ(destroy(shared), 0);
    return NULL;
}

static void on_signal(int unused) { (void)unused; }

static void waits(void)
{
    struct iocb io = request(IOCB_CMD_PREAD, open("/dev/zero", O_RDONLY), NULL, 0, 0);
    struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    struct {
        const void *set;
        size_t size;
    } mask = { NULL, 8 };
    struct itimerval soon = { { 0, 0 }, { 0, 30000 } };
    struct io_event e[2];
    struct timespec t = { 0, 20000000 };
    uint64_t all = ~0ull;
    pthread_t thread;

    CHECK_EQ(setup(8, &shared), 0);
    pthread_create(&thread, NULL, submits, &io);
    CHECK_EQ(events(shared, 2, 2, e, NULL), 2);
    pthread_join(thread, NULL);
    long before = now_ms();
    CHECK_EQ(events(shared, 1, 1, e, &t), 0);
    CHECK(now_ms() - before >= 19);
    CHECK_EQ(submit_one(shared, &io), 1);
    CHECK_EQ(events(shared, 2, 2, e, &t), 1); /* what there was */
    sigaction(SIGALRM, &sa, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);
    CHECK_ERR(EINTR, events(shared, 1, 1, e, NULL));
    CHECK_ERR(EINVAL, syscall(SYS_io_pgetevents, shared, 0, 1, e, NULL, &(struct {
                                  void *s;
                                  size_t n;
                              }){ &all, 4 }));
    CHECK_ERR(EFAULT, syscall(SYS_io_pgetevents, shared, 0, 1, e, NULL, (void *)8));
    CHECK_EQ(syscall(SYS_io_pgetevents, shared, 0, 1, e, NULL, &mask), 0);
    mask.set = &all;
    setitimer(ITIMER_REAL, &soon, NULL);
    t.tv_nsec = 100000000;
    CHECK_EQ(syscall(SYS_io_pgetevents, shared, 1, 1, e, &t, &mask),
             0); /* and the signal comes now */
    pthread_create(&thread, NULL, destroys, NULL);
    CHECK_ERR(EINVAL, events(shared, 1, 1, e, NULL));
    pthread_join(thread, NULL);
    close((int)io.aio_fildes);
}

static long number(const char *path) { return strtol(slurp(path), NULL, 10); }

/* A context counts, and ends with its address space. */
static void counted(void)
{
    long most = number("/proc/sys/fs/aio-max-nr");
    aio_context_t c = 0;
    pid_t pid;
    int p[2];
    char b;

    CHECK_ERR(EAGAIN, setup((unsigned)most + 1, &c));
    CHECK_EQ(pipe(p), 0);
    pid = START(CHECK(setup(1000, &c) == 0); close(p[1]); CHECK(write(p[0], "", 0) != 1); pause(););
    CHECK(WAIT_UNTIL(number("/proc/sys/fs/aio-nr") >= 1000));
    kill(pid, SIGKILL);
    CHECK_EQ(status_of(pid), SIGKILL);
    CHECK(WAIT_UNTIL(number("/proc/sys/fs/aio-nr") < 1000));
    close(p[1]);
    CHECK_EQ(read(p[0], &b, 1), 0);
    close(p[0]);
}

static void test(void)
{
    aio_context_t c = 0;

    CHECK_EQ(setup(16, &c), 0);
    transfers(c);
    CHECK_EQ(destroy(c), 0);
    wrong();
    several();
    in_the_ring();
    told();
    waits();
    counted();
}
