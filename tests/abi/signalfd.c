/* signalfd: signals as something to read: who sent them and how, several at once, waiting, polling
 * and epoll, threads and children, changing the set, errors. */
#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

static sigset_t all;

static struct signalfd_siginfo get(int fd)
{
    struct signalfd_siginfo s;

    memset(&s, 0, sizeof(s));
    CHECK(read(fd, &s, sizeof(s)) == sizeof(s));
    return s;
}

static int polled(int fd, int ms)
{
    struct pollfd p = { fd, POLLIN | POLLOUT, 0 };

    return poll(&p, 1, ms) >= 0 ? p.revents : -1;
}

static void senders(int fd)
{
    struct signalfd_siginfo s, some[4];
    char longer[300];

    CHECK_EQ(polled(fd, 0), 0);
    CHECK_ERR(EAGAIN, read(fd, &s, sizeof(s)));
    CHECK_ERR(EINVAL, read(fd, &s, sizeof(s) - 1));
    CHECK_ERR(EINVAL, write(fd, &s, sizeof(s)));
    kill(getpid(), SIGUSR1);
    SAY("sent: %x\n", polled(fd, 0));
    s = get(fd);
    SAY("kill: %u %d %d %d\n", s.ssi_signo, s.ssi_code, s.ssi_pid == (uint32_t)getpid(), s.ssi_uid);
    CHECK_EQ(polled(fd, 0), 0);
    syscall(SYS_tkill, getpid(), SIGUSR2);
    s = get(fd);
    SAY("tkill: %u %d %d\n", s.ssi_signo, s.ssi_code, s.ssi_pid == (uint32_t)getpid());
    CHECK(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 77 }) == 0);
    CHECK(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 78 }) == 0);
    kill(getpid(), SIGUSR1);
    CHECK_EQ(read(fd, longer, sizeof(longer)), 2 * sizeof(s));
    CHECK(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 79 }) == 0);
    long n = read(fd, some, sizeof(some));
    SAY("queued %ld: %d %d %d %d\n", n / (long)sizeof(s), some[0].ssi_code, some[0].ssi_int,
        some[1].ssi_int, (int)some[1].ssi_ptr);
    pid_t child = START(_exit(3));
    CHECK(WAIT_UNTIL(polled(fd, 5000) == POLLIN));
    s = get(fd);
    SAY("child: %u %d %d %d\n", s.ssi_signo, s.ssi_code, s.ssi_pid == (uint32_t)child,
        s.ssi_status);
    status_of(child);
    timer_t t;
    struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
                           .sigev_signo = SIGUSR2,
                           .sigev_value.sival_int = 5 };
    struct itimerspec soon = { { 0, 0 }, { 0, 1000 } };
    CHECK(timer_create(CLOCK_MONOTONIC, &ev, &t) == 0 && timer_settime(t, 0, &soon, NULL) == 0);
    CHECK(polled(fd, 5000) == POLLIN);
    s = get(fd);
    SAY("timer: %u %d %d %d\n", s.ssi_signo, s.ssi_code, s.ssi_int, s.ssi_overrun);
    timer_delete(t);
}

static void waiting(int fd)
{
    struct signalfd_siginfo s;
    sigset_t usr1;

    fcntl(fd, F_SETFL, 0);
    pid_t child = START(s = get(fd); _exit((int)s.ssi_signo));
    CHECK(WAIT_UNTIL(state_of(child) == 'S'));
    kill(child, SIGUSR2);
    CHECK_EQ(status_of(child), EXITED(SIGUSR2));
    s = get(fd); /* ours: it has ended */
    CHECK_EQ(s.ssi_signo, SIGCHLD);
    child = START(_exit(polled(fd, -1)));
    CHECK(WAIT_UNTIL(state_of(child) == 'S'));
    kill(child, SIGUSR2);
    CHECK_EQ(status_of(child), EXITED(POLLIN));
    get(fd);
    child = START(int ep = epoll_create1(0); struct epoll_event e = { .events = EPOLLIN };
                  CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) == 0);
                  CHECK(epoll_wait(ep, &e, 1, -1) == 1); _exit((int)get(fd).ssi_signo));
    CHECK(WAIT_UNTIL(state_of(child) == 'S'));
    kill(child, SIGUSR1);
    CHECK_EQ(status_of(child), EXITED(SIGUSR1));
    get(fd);
    /* A wait with another set goes on when the set is changed. */
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigaddset(&usr1, SIGKILL);
    CHECK_EQ(signalfd(fd, &usr1, 0), fd);
    kill(getpid(), SIGUSR2);
    CHECK_EQ(polled(fd, 0), 0);
    CHECK_EQ(signalfd(fd, &all, 0), fd);
    CHECK_EQ(get(fd).ssi_signo, SIGUSR2);
    fcntl(fd, F_SETFL, O_NONBLOCK);
}

static int thread_fd;
static void *in_thread(void *arg)
{
    (void)arg;
    syscall(SYS_tkill, syscall(SYS_gettid), SIGUSR1);
    CHECK_EQ(polled(thread_fd, 0), POLLIN);
    CHECK_EQ(get(thread_fd).ssi_signo, SIGUSR1);
    syscall(SYS_tkill, syscall(SYS_gettid), SIGUSR1); /* goes with it */
    return NULL;
}

static void threads(int fd)
{
    pthread_t t;

    thread_fd = fd;
    CHECK(pthread_create(&t, NULL, in_thread, NULL) == 0);
    pthread_join(t, NULL);
    CHECK_EQ(polled(fd, 0), 0);
}

/* What is not blocked goes to its handler. */
static volatile sig_atomic_t handled;
static void on_signal(int sig) { (void)sig, handled++; }

static void handlers(int fd)
{
    sigset_t usr1;

    handle(SIGUSR1, on_signal, 0);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigprocmask(SIG_UNBLOCK, &usr1, NULL);
    kill(getpid(), SIGUSR1);
    CHECK_EQ(handled, 1);
    CHECK_EQ(polled(fd, 0), 0);
    sigprocmask(SIG_BLOCK, &usr1, NULL);
    signal(SIGUSR1, SIG_IGN);
    kill(getpid(), SIGUSR1); /* blocked: waits, although it would be ignored */
    SAY("ignored and blocked: %x\n", polled(fd, 0));
    struct signalfd_siginfo s;
    SAY("read %d\n", (int)read(fd, &s, sizeof(s)));
}

static void test(void)
{
    char path[64], link[64] = "";
    sigset_t none;

    sigemptyset(&all);
    int sigs[] = { SIGUSR1, SIGUSR2, SIGCHLD, SIGRTMIN + 1 };
    for (int i = 0; i < 4; i++)
        sigaddset(&all, sigs[i]);
    CHECK(sigprocmask(SIG_BLOCK, &all, NULL) == 0);
    int fd = signalfd(-1, &all, SFD_NONBLOCK | SFD_CLOEXEC);
    SAY("flags %x %x\n", fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    CHECK(readlink(path, link, sizeof(link) - 1) > 0);
    const char *mask =
        (snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd), strstr(slurp(path), "sigmask:"));
    SAY("%s %.25s\n", link, mask ? mask : "none");
    senders(fd);
    waiting(fd);
    threads(fd);
    handlers(fd);
    sigemptyset(&none);
    CHECK_ERR(EINVAL, signalfd(-1, &all, 1));
    CHECK_ERR(EINVAL, signalfd(1, &all, 0));
    CHECK_ERR(EBADF, signalfd(99, &all, 0));
    CHECK_ERR(EINVAL, syscall(SYS_signalfd4, -1, &all, 4, 0));
    CHECK_ERR(EFAULT, syscall(SYS_signalfd4, -1, 8, 8, 0));
    int old = (int)syscall(SYS_signalfd, -1, &none, 8);
    CHECK(old >= 0 && fcntl(old, F_GETFL) == O_RDWR);
    close(old);
    close(fd);
}
