/* Leases (F_SETLEASE): which can be had, what breaks them and tells whom, who waits until when, how
 * they end; and what opening without leases does not notice. */
#include "check.h"

#ifndef F_SETLEASE
#define F_SETLEASE 1024
#define F_GETLEASE 1025
#endif
#ifndef POLL_MSG
#define POLL_MSG 3
#endif

static volatile int signals, fd_told, code_told, plain;

static void told(int sig, siginfo_t *info, void *context)
{
    (void)context;
    signals++;
    plain = sig == SIGIO;
    fd_told = info->si_fd;
    code_told = info->si_code;
}

static void on_signal(int sig)
{
    struct sigaction action = { .sa_sigaction = told, .sa_flags = SA_SIGINFO | SA_RESTART };

    CHECK(sigaction(sig, &action, NULL) == 0);
}

static int must_open(int flags)
{
    int fd = open("file", flags | O_CLOEXEC);

    CHECK(fd >= 0);
    return fd;
}

static long lease(int fd, int type) { return fcntl(fd, F_SETLEASE, type); }
static long leased(int fd) { return fcntl(fd, F_GETLEASE); }
static int busy(int flags)
{
    int fd = open("file", flags | O_NONBLOCK);

    if (fd >= 0)
        close(fd);
    return fd < 0 && errno == EWOULDBLOCK;
}

/* --- which can be had -------------------------------------------------------------------- */

static void rules(void)
{
    int w = must_open(O_RDWR), pipes[2];

    CHECK_EQ(leased(w), F_UNLCK);
    CHECK_ERR(EAGAIN, lease(w, F_RDLCK)); /* it is open for writing */
    CHECK_ERR(EAGAIN, lease(w, F_UNLCK));
    CHECK_ERR(EINVAL, lease(w, 7));
    CHECK_EQ(lease(w, F_WRLCK), 0);
    CHECK_EQ(leased(w), F_WRLCK);
    CHECK_EQ(lease(w, F_WRLCK), 0);
    CHECK_EQ(fcntl(w, F_GETOWN), getpid());
    CHECK_EQ(lease(w, F_UNLCK), 0);
    CHECK_EQ(leased(w), F_UNLCK);
    CHECK_EQ(fcntl(w, F_GETOWN), 0);

    int r = must_open(O_RDONLY);
    CHECK_ERR(EAGAIN, lease(w, F_WRLCK)); /* open twice */
    CHECK_ERR(EAGAIN, lease(r, F_RDLCK));
    close(w);
    CHECK_EQ(lease(r, F_RDLCK), 0);
    CHECK_EQ(lease(r, F_WRLCK), 0); /* nobody else */
    CHECK_EQ(lease(r, F_RDLCK), 0);
    int other = must_open(O_RDONLY);
    CHECK_EQ(lease(other, F_RDLCK), 0);
    CHECK_ERR(EAGAIN, lease(other, F_WRLCK));
    CHECK_EQ(leased(other), F_RDLCK);
    close(other);
    CHECK_EQ(dup2(r, other), other); /* the same open file */
    CHECK_EQ(leased(other), F_RDLCK);
    close(other);
    CHECK_EQ(leased(r), F_RDLCK);
    CHECK(link("file", "file2") == 0);
    CHECK_EQ(lease(r, F_WRLCK), 0);
    CHECK(unlink("file2") == 0);
    CHECK_EQ(lease(r, F_RDLCK), 0);
    CHECK_EQ(lease(r, F_WRLCK), 0);
    close(r);

    CHECK(pipe(pipes) == 0);
    CHECK_ERR(EINVAL, lease(pipes[0], F_RDLCK));
    CHECK_EQ(leased(pipes[0]), F_UNLCK);
    CHECK_EQ(CHILD(CHECK(setuid(1000) == 0); int mine = must_open(O_RDONLY);
                   CHECK_ERR(EACCES, lease(mine, F_RDLCK)); CHECK_ERR(EINVAL, lease(mine, 7));
                   CHECK_ERR(EACCES, lease(pipes[0], F_RDLCK))),
             0);
    close(pipes[0]);
    close(pipes[1]);
}

/* A file with no name has leases, too; one that a program runs from has none to write. */
static void other_files(void)
{
    int fd = open(".", O_TMPFILE | O_RDWR, 0600);

    if (fd >= 0) { /* not every file system has these */
        CHECK_EQ(lease(fd, F_WRLCK), 0);
        close(fd);
    }
    fd = open("/proc/self/exe", O_RDONLY);
    CHECK_ERR(EAGAIN, lease(fd, F_WRLCK));
    CHECK_EQ(lease(fd, F_RDLCK), 0);
    close(fd);
}

/* --- breaking ------------------------------------------------------------------------------- */

static void without_waiting(void)
{
    int w = must_open(O_RDWR);

    on_signal(SIGIO);
    on_signal(SIGRTMIN);
    signals = 0;
    CHECK_EQ(lease(w, F_WRLCK), 0);
    CHECK_EQ(fcntl(w, F_SETSIG, SIGRTMIN), 0);
    int named = open("file", O_PATH);
    CHECK(named >= 0);
    close(named);
    CHECK_EQ(signals, 0);
    CHECK(busy(O_RDONLY));
    CHECK(WAIT_UNTIL(signals == 1));
    CHECK_EQ(fd_told, w);
    CHECK_EQ(code_told, POLL_MSG);
    CHECK_EQ(leased(w), F_RDLCK); /* what it is to become */
    CHECK(busy(O_RDONLY));        /* told once */
    CHECK(busy(O_WRONLY));        /* that is more */
    CHECK(WAIT_UNTIL(signals == 2));
    CHECK_EQ(leased(w), F_UNLCK);
    CHECK(busy(O_WRONLY));
    CHECK_ERR(EAGAIN, lease(w, F_RDLCK));
    CHECK_EQ(lease(w, F_UNLCK), 0);
    CHECK_EQ(signals, 2);
    CHECK_EQ(fcntl(w, F_GETSIG), 0);
    CHECK(!busy(O_RDONLY) && !busy(O_WRONLY));
    close(w);

    int r = must_open(O_RDONLY);
    CHECK_EQ(lease(r, F_RDLCK), 0);
    CHECK(!busy(O_RDONLY) && !busy(O_RDONLY | O_TRUNC));
    CHECK_EQ(signals, 2);
    CHECK(busy(O_RDWR));
    CHECK(WAIT_UNTIL(signals == 3));
    CHECK_EQ(plain, 1);
    CHECK_EQ(leased(r), F_UNLCK);
    close(r);
    CHECK(!busy(O_RDWR));
}

/* Who comes waits: until it is lowered, given up, or its file closed. */
static void waiting(void)
{
    for (int how = 0; how < 4; how++) {
        int w = must_open(how == 0 ? O_RDONLY : O_RDWR);
        CHECK_EQ(lease(w, F_WRLCK), 0);
        signals = 0;
        pid_t child = START(close(w); /* it has it from its parent */
                            if (how == 3) CHECK(truncate("file", 3) == 0);
                            else close(must_open(how == 0 ? O_RDONLY : O_WRONLY)));
        CHECK(WAIT_UNTIL(signals == 1));
        CHECK(WAIT_UNTIL(state_of(child) == 'S'));
        CHECK_EQ(waitpid(child, NULL, WNOHANG), 0);
        if (how == 0)
            CHECK_EQ(lease(w, F_RDLCK), 0);
        else if (how == 1)
            CHECK_EQ(lease(w, F_UNLCK), 0);
        else
            close(w);
        CHECK_EQ(status_of(child), 0);
        if (how < 2)
            close(w);
    }
}

static void nothing(int sig) { (void)sig; }

/* A signal ends the waiting, and time ends the lease. */
static void ends(void)
{
    int r = must_open(O_RDONLY);

    CHECK_EQ(lease(r, F_RDLCK), 0);
    signals = 0;
    pid_t child = START(handle(SIGUSR1, nothing, 0); CHECK_ERR(EINTR, open("file", O_WRONLY)));
    CHECK(WAIT_UNTIL(signals == 1));
    CHECK(WAIT_UNTIL(state_of(child) == 'S'));
    kill(child, SIGUSR1);
    CHECK_EQ(status_of(child), 0);
    CHECK_EQ(leased(r), F_UNLCK);
    CHECK_EQ(lease(r, F_UNLCK), 0);

    write_file("/proc/sys/fs/lease-break-time", "1\n");
    CHECK_EQ(lease(r, F_RDLCK), 0);
    long began = now_ms();
    close(must_open(O_WRONLY));
    CHECK(now_ms() - began >= 900);
    CHECK(WAIT_UNTIL(signals == 2));
    CHECK_ERR(EAGAIN, lease(r, F_UNLCK)); /* it has gone */
    CHECK_EQ(fcntl(r, F_GETOWN), 0);
    write_file("/proc/sys/fs/lease-break-time", "45\n");
    SAY("lease-break-time %s", slurp("/proc/sys/fs/lease-break-time"));
    close(r);
}

static void test(void)
{
    write_file("file", "abc");
    CHECK(chmod("file", 0666) == 0);
    rules();
    other_files();
    without_waiting();
    waiting();
    ends();
}
