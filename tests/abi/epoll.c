/* epoll: levels, edges, one shot, changes, closed and duplicated descriptors, order and
 * fairness, errors, masks and time-outs. */
#include "check.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

static int ctl(int ep, int op, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event e = { .events = events, .data.u64 = data };

    return epoll_ctl(ep, op, fd, &e);
}

/* What is ready at once, in order. */
static void look(const char *what, int ep)
{
    struct epoll_event e[8];
    int n = epoll_wait(ep, e, 8, 0);

    SAY("%s: %d", what, n);
    for (int i = 0; i < n; i++)
        SAY(" %llx:%x", (unsigned long long)e[i].data.u64, e[i].events);
    SAY("\n");
}

static int ready(int ep)
{
    struct epoll_event e[8];

    return epoll_wait(ep, e, 8, 0);
}

static void add(int fd) { CHECK(write(fd, "\1\0\0\0\0\0\0\0", 8) == 8); }
static void take(int fd)
{
    char b[8];
    CHECK(read(fd, b, 8) == 8);
}

static void levels(int ep)
{
    int p[2];

    CHECK(pipe(p) == 0);
    CHECK(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1) == 0);
    CHECK(ctl(ep, EPOLL_CTL_ADD, p[1], EPOLLOUT | EPOLLRDHUP, 2) == 0);
    look("empty", ep);
    add(p[1]);
    look("full", ep);
    look("again", ep);
    take(p[0]);
    look("read", ep);
    CHECK(ctl(ep, EPOLL_CTL_MOD, p[1], EPOLLIN, 0xfeedfacecafe) == 0);
    look("changed", ep);
    close(p[0]);
    look("no reader", ep);
    CHECK(ctl(ep, EPOLL_CTL_DEL, p[1], 0, 0) == 0);
    look("gone", ep);
    close(p[1]);
    CHECK(pipe(p) == 0);
    CHECK(ctl(ep, EPOLL_CTL_ADD, p[0], 0, 3) == 0);
    add(p[1]);
    look("nothing asked", ep);
    close(p[1]);
    look("hung up", ep);
    close(p[0]);
    look("closed", ep);
}

static void edges(int ep)
{
    int e = eventfd(0, EFD_NONBLOCK), f = eventfd(0, EFD_NONBLOCK);

    CHECK(ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN | EPOLLET, 1) == 0);
    look("edge", ep);
    add(e);
    look("edge 1", ep);
    look("edge 1 again", ep);
    add(e);
    look("edge 2", ep);
    take(e);
    look("edge taken", ep);
    add(e);
    CHECK(ctl(ep, EPOLL_CTL_MOD, e, EPOLLIN | EPOLLET, 4) == 0);
    look("edge changed", ep);
    look("edge changed again", ep);
    CHECK(ctl(ep, EPOLL_CTL_MOD, e, EPOLLIN | EPOLLET, 5) == 0);
    look("edge anew", ep);
    CHECK(ctl(ep, EPOLL_CTL_ADD, f, EPOLLIN | EPOLLOUT | EPOLLET, 6) == 0);
    look("out edge", ep);
    look("out edge again", ep);
    close(e);
    close(f);
}

static void one_shot(int ep)
{
    int e = eventfd(1, EFD_NONBLOCK);

    CHECK(ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN | EPOLLONESHOT, 1) == 0);
    look("shot", ep);
    look("spent", ep);
    add(e);
    look("still spent", ep);
    CHECK(ctl(ep, EPOLL_CTL_MOD, e, EPOLLIN | EPOLLONESHOT, 2) == 0);
    look("loaded", ep);
    look("spent", ep);
    close(e);
}

/* An item belongs to descriptor and file; it lives as long as the file. */
static void duplicates(int ep)
{
    int e = eventfd(1, 0), d = dup(e), n;

    CHECK(ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN, 1) == 0);
    CHECK_ERR(EEXIST, ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN, 1));
    CHECK(ctl(ep, EPOLL_CTL_ADD, d, EPOLLIN, 2) == 0);
    look("both", ep);
    n = e;
    close(e);
    look("one is closed", ep);
    CHECK_ERR(EBADF, ctl(ep, EPOLL_CTL_DEL, n, 0, 0));
    int other = eventfd(1, 0); /* the same number */
    CHECK_EQ(other, n);
    CHECK_ERR(ENOENT, ctl(ep, EPOLL_CTL_DEL, n, 0, 0));
    CHECK(ctl(ep, EPOLL_CTL_ADD, n, EPOLLIN, 3) == 0);
    look("a third", ep);
    close(d);
    look("the file is gone", ep);
    close(other);
    look("all gone", ep);
    e = eventfd(1, 0);
    CHECK(ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN, 4) == 0);
    pid_t child = START(pause());
    close(e);
    look("a child has it", ep);
    kill(child, SIGKILL);
    status_of(child);
    look("no longer", ep);
}

/* The first come first, and who was served goes to the end. */
static void fairness(int ep)
{
    struct epoll_event out;
    int e[5];

    for (int i = 0; i < 5; i++) {
        e[i] = eventfd(0, 0);
        CHECK(ctl(ep, EPOLL_CTL_ADD, e[i], EPOLLIN, (uint64_t)i) == 0);
    }
    for (int i = 4; i >= 0; i--)
        add(e[i]);
    SAY("fair:");
    for (int i = 0; i < 11; i++) {
        CHECK(epoll_wait(ep, &out, 1, -1) == 1);
        SAY(" %d", (int)out.data.u64);
    }
    SAY("\n");
    for (int i = 0; i < 5; i++)
        close(e[i]);
}

static void errors(int ep)
{
    struct epoll_event e = { .events = EPOLLIN }, *bad = (struct epoll_event *)8;
    int fd = eventfd(1, 0), file = open("file", O_RDWR | O_CREAT, 0600), p[2],
        dir = open(".", O_RDONLY);
    int path = open("file", O_PATH), null = open("/dev/null", O_RDWR);

    CHECK(pipe(p) == 0);
    CHECK_ERR(EINVAL, syscall(SYS_epoll_create, 0));
    CHECK_ERR(EINVAL, epoll_create1(1));
    CHECK_ERR(EPERM, epoll_ctl(ep, EPOLL_CTL_ADD, file, &e));
    CHECK_ERR(EPERM, epoll_ctl(ep, EPOLL_CTL_ADD, dir, &e));
    CHECK_ERR(EPERM, epoll_ctl(ep, EPOLL_CTL_ADD, null, &e));
    CHECK_ERR(EBADF, epoll_ctl(ep, EPOLL_CTL_ADD, path, &e));
    CHECK_ERR(EBADF, epoll_wait(path, &e, 1, 0));
    CHECK_ERR(EBADF, epoll_ctl(ep, EPOLL_CTL_ADD, 99, &e));
    CHECK_ERR(EBADF, epoll_ctl(99, EPOLL_CTL_ADD, fd, &e));
    CHECK_ERR(EINVAL, epoll_ctl(ep, EPOLL_CTL_ADD, ep, &e));
    CHECK_ERR(EINVAL, epoll_ctl(fd, EPOLL_CTL_ADD, p[0], &e));
    CHECK_ERR(EPERM, epoll_ctl(fd, EPOLL_CTL_ADD, file, &e));
    CHECK_ERR(EFAULT, epoll_ctl(ep, EPOLL_CTL_ADD, fd, bad));
    CHECK_ERR(ENOENT, epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e));
    CHECK_ERR(ENOENT, epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL));
    CHECK_ERR(EINVAL, epoll_ctl(ep, 17, fd, &e));
    CHECK_ERR(EINVAL, epoll_wait(ep, &e, 0, 0));
    CHECK_ERR(EINVAL, epoll_wait(ep, &e, -1, 0));
    CHECK_ERR(EINVAL, epoll_wait(ep, &e, INT32_MAX, 0));
    CHECK_ERR(EFAULT, epoll_wait(ep, (struct epoll_event *)-4096, 1, 0));
    CHECK_ERR(EINVAL, epoll_wait(fd, &e, 1, 0));
    CHECK_ERR(EBADF, epoll_wait(99, &e, 1, 0));
    e.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLRDHUP;
    CHECK_ERR(EINVAL, epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
    e.events = EPOLLIN | EPOLLEXCLUSIVE;
    CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) == 0);
    CHECK_ERR(EINVAL, epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e));
    e.events = EPOLLIN;
    CHECK_ERR(EINVAL, epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e));
    /* What cannot be written is not lost. */
    CHECK_ERR(EFAULT, epoll_wait(ep, bad, 1, 0));
    CHECK_EQ(ready(ep), 1);
    struct epoll_event *edge = (struct epoll_event *)(map_pages(2) + PAGE - sizeof(*edge));
    CHECK(munmap((char *)(edge + 1), PAGE) == 0);
    CHECK(ctl(ep, EPOLL_CTL_ADD, p[1], EPOLLOUT | EPOLLET, 2) == 0);
    CHECK_EQ(epoll_wait(ep, edge, 2, 0), 1);
    CHECK_EQ(ready(ep), 2);
    char b[8];
    CHECK_ERR(EINVAL, read(ep, b, 8));
    CHECK_ERR(EINVAL, write(ep, b, 8));
    CHECK_EQ(lseek(ep, 5, SEEK_SET), 0);
    for (int i = 0; i < 2; i++)
        close(p[i]);
    close(fd);
    close(file);
    close(dir);
    close(path);
    close(null);
}

static volatile sig_atomic_t signals;
static void on_signal(int sig) { (void)sig, signals++; }

static void waiting(int ep)
{
    int p[2];
    struct epoll_event e;
    sigset_t usr1, none, old;
    long start = now_ms();

    CHECK_EQ(epoll_wait(ep, &e, 1, 60), 0);
    CHECK(now_ms() - start >= 60);
    CHECK(pipe(p) == 0);
    CHECK(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1) == 0);
    pid_t child = START(CHECK(epoll_wait(ep, &e, 1, -1) == 1));
    CHECK(WAIT_UNTIL(state_of(child) == 'S'));
    add(p[1]);
    CHECK_EQ(status_of(child), EXITED(0));
    take(p[0]);
    /* Never restarted. */
    handle(SIGUSR1, on_signal, SA_RESTART);
    child = START(errno = 0; epoll_wait(ep, &e, 1, -1); _exit(errno == EINTR ? 7 : 8));
    CHECK(WAIT_UNTIL(state_of(child) == 'S'));
    kill(child, SIGUSR1);
    CHECK_EQ(status_of(child), EXITED(7));
    child = START(errno = 0; epoll_wait(ep, &e, 1, -1); _exit(errno == EINTR ? 7 : 8));
    CHECK(WAIT_UNTIL(state_of(child) == 'S'));
    kill(child, SIGSTOP);
    CHECK(WAIT_UNTIL(state_of(child) == 'T'));
    kill(child, SIGCONT);
    CHECK_EQ(status_of(child), EXITED(7));
    /* A mask for the wait only. */
    sigemptyset(&none);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    CHECK(sigprocmask(SIG_BLOCK, &usr1, &old) == 0);
    kill(getpid(), SIGUSR1);
    CHECK_EQ(signals, 0);
    CHECK_EQ(epoll_pwait(ep, &e, 1, 0, &none), 0);
    SAY("after a wait of no length: %d\n", (int)signals);
    signals = 0;
    kill(getpid(), SIGUSR1);
    CHECK_ERR(EINTR, epoll_pwait(ep, &e, 1, 5000, &none));
    CHECK_EQ(signals, 1);
    CHECK(sigprocmask(SIG_SETMASK, &old, &none) == 0 && sigismember(&none, SIGUSR1) == 1);
    CHECK_ERR(EINVAL, syscall(SYS_epoll_pwait, ep, &e, 1, 0, &none, 4));
    CHECK_ERR(EFAULT, syscall(SYS_epoll_pwait, ep, &e, 1, 0, 8, 8));
    struct timespec t = { 0, 30000000 }, bad = { 0, 1000000000 };
    start = now_ms();
    CHECK_EQ(syscall(SYS_epoll_pwait2, ep, &e, 1, &t, NULL, 8), 0);
    CHECK(now_ms() - start >= 30);
    CHECK_ERR(EINVAL, syscall(SYS_epoll_pwait2, ep, &e, 1, &bad, NULL, 8));
    bad = (struct timespec){ -1, 0 };
    CHECK_ERR(EINVAL, syscall(SYS_epoll_pwait2, ep, &e, 1, &bad, NULL, 8));
    CHECK_ERR(EFAULT, syscall(SYS_epoll_pwait2, ep, &e, 1, 8, NULL, 8));
    add(p[1]);
    CHECK_EQ(syscall(SYS_epoll_pwait2, ep, &e, 1, NULL, NULL, 8), 1);
    close(p[0]);
    close(p[1]);
}

/* What /proc says of it. */
static void shown(int ep)
{
    char path[64], link[64] = "";
    int fd = eventfd(0, 0);

    CHECK(dup2(fd, 50) == 50);
    CHECK(ctl(ep, EPOLL_CTL_ADD, 50, EPOLLIN | EPOLLET, 0x123456789a) == 0);
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", ep);
    const char *text = strstr(slurp(path), "tfd:");
    SAY("%.50s\n", text ? text : "none");
    snprintf(path, sizeof(path), "/proc/self/fd/%d", ep);
    CHECK(readlink(path, link, sizeof(link) - 1) > 0);
    SAY("%s %x %x\n", link, fcntl(ep, F_GETFL), fcntl(ep, F_GETFD));
    close(50);
    close(fd);
}

static void test(void)
{
    int ep = epoll_create1(EPOLL_CLOEXEC);

    CHECK(ep >= 0);
    levels(ep);
    edges(ep);
    one_shot(ep);
    duplicates(ep);
    fairness(ep);
    waiting(ep);
    shown(ep);
    errors(ep);
    close(ep);
    ep = (int)syscall(SYS_epoll_create, 1);
    SAY("%x\n", fcntl(ep, F_GETFD));
    close(ep);
}
