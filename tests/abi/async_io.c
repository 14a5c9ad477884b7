/* Files that tell of themselves by a signal: O_ASYNC, F_SETOWN, F_SETOWN_EX, F_SETSIG. */
#include "check.h"
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <pty.h>

#ifndef F_GETOWNER_UIDS
#define F_GETOWNER_UIDS 17
#endif
#define SIGRT (SIGRTMIN + 3)

/* The next one of these, within 5 s; its number, or -1. */
static int next_signal(int sig, siginfo_t *info)
{
    sigset_t set;
    struct timespec limit = { 5, 0 };

    sigemptyset(&set);
    sigaddset(&set, sig);
    sigaddset(&set, SIGIO);
    int got;
    do
        got = sigtimedwait(&set, info, &limit);
    while (got < 0 && errno == EINTR);
    return got;
}

static int none_pending(int sig)
{
    sigset_t set;

    sigpending(&set);
    return !sigismember(&set, sig) && !sigismember(&set, SIGIO);
}

static void owners(int fd)
{
    struct f_owner_ex o = { 77, 77 };
    uint32_t uids[2] = { 7, 7 };

    CHECK_EQ(fcntl(fd, F_GETOWN), 0);
    CHECK(fcntl(fd, F_GETOWN_EX, &o) == 0 && o.type == F_OWNER_TID && o.pid == 0);
    CHECK_EQ(fcntl(fd, F_GETSIG), 0);
    CHECK(fcntl(fd, F_SETOWN, getpid()) == 0);
    CHECK_EQ(fcntl(fd, F_GETOWN), getpid());
    CHECK(fcntl(fd, F_GETOWN_EX, &o) == 0 && o.type == F_OWNER_PID && o.pid == getpid());
    CHECK(fcntl(fd, F_SETOWN, -getpgrp()) == 0);
    CHECK(fcntl(fd, F_GETOWN_EX, &o) == 0 && o.type == F_OWNER_PGRP && o.pid == getpgrp());
    o = (struct f_owner_ex){ F_OWNER_TID, getpid() };
    CHECK(fcntl(fd, F_SETOWN_EX, &o) == 0 && fcntl(fd, F_GETOWN) == getpid());
    o = (struct f_owner_ex){ 3, getpid() };
    CHECK_ERR(EINVAL, fcntl(fd, F_SETOWN_EX, &o));
    o = (struct f_owner_ex){ F_OWNER_PID, -getpid() };
    CHECK_ERR(ESRCH, fcntl(fd, F_SETOWN_EX, &o));
    CHECK_ERR(EFAULT, fcntl(fd, F_SETOWN_EX, (void *)8));
    CHECK_ERR(EFAULT, fcntl(fd, F_GETOWN_EX, (void *)8));
    CHECK_ERR(EINVAL, fcntl(fd, F_SETOWN, INT32_MIN));
    CHECK_ERR(ESRCH, fcntl(fd, F_SETOWN, 0x3fffffff));
    CHECK_ERR(ESRCH, fcntl(fd, F_SETOWN, -0x3fffffff));
    CHECK_EQ(fcntl(fd, F_GETOWN), getpid());
    CHECK(fcntl(fd, F_GETOWNER_UIDS, uids) == 0 && uids[0] == getuid() && uids[1] == geteuid());
    pid_t child = fork();
    if (child == 0)
        pause();
    CHECK(fcntl(fd, F_SETOWN, child) == 0 && fcntl(fd, F_GETOWN) == child);
    kill(child, SIGKILL);
    status_of(child);
    CHECK_EQ(fcntl(fd, F_GETOWN), 0);
    CHECK(fcntl(fd, F_SETOWN, 0) == 0 && fcntl(fd, F_GETOWN) == 0);
    CHECK_ERR(EINVAL, fcntl(fd, F_SETSIG, 65));
    CHECK_ERR(EINVAL, fcntl(fd, F_SETSIG, -1));
    CHECK(fcntl(fd, F_SETSIG, 64) == 0 && fcntl(fd, F_GETSIG) == 64 && fcntl(fd, F_SETSIG, 0) == 0);
}

static void told(int in, int out, const char *what)
{
    siginfo_t info;
    char c;

    CHECK(fcntl(in, F_SETOWN, getpid()) == 0);
    CHECK(fcntl(in, F_SETFL, O_ASYNC | O_NONBLOCK) == 0);
    CHECK(fcntl(in, F_GETFL) & O_ASYNC);
    CHECK(write(out, "a\n", 2) == 2);
    CHECK_EQ(next_signal(SIGRT, &info), SIGIO);
    SAY("%s: code %d\n", what, info.si_code);
    while (read(in, &c, 1) == 1)
        ;
    CHECK(fcntl(in, F_SETSIG, SIGRT) == 0);
    CHECK(write(out, "b\n", 2) == 2);
    CHECK_EQ(next_signal(SIGRT, &info), SIGRT);
    SAY("%s: code %d band %#lx\n", what, info.si_code, (long)info.si_band);
    CHECK_EQ(info.si_fd, in);
    while (read(in, &c, 1) == 1)
        ;
    CHECK(fcntl(in, F_SETFL, O_NONBLOCK) == 0 && !(fcntl(in, F_GETFL) & O_ASYNC));
    CHECK(write(out, "c\n", 2) == 2);
    msleep(20);
    CHECK(none_pending(SIGRT));
}

/* A whole group hears of it, and nobody who may not. */
static void groups(void)
{
    int p[2], *heard = map_shared(2 * sizeof(*heard)), ready[2];
    char c;

    CHECK(pipe(p) == 0 && pipe(ready) == 0);
    pid_t kids[2];
    for (int i = 0; i < 2; i++) {
        kids[i] = START({
            siginfo_t info;
            setpgid(0, i == 0 ? 0 : kids[0]);
            if (i == 1 && (setgid(1) != 0 || setuid(1) != 0))
                _exit(9);
            (void)!write(ready[1], "r", 1);
            heard[i] = next_signal(SIGRT, &info) == SIGRT && info.si_code == POLL_IN;
        });
        CHECK(read(ready[0], &c, 1) == 1);
    }
    CHECK(fcntl(p[0], F_SETOWN, -kids[0]) == 0 && fcntl(p[0], F_SETSIG, SIGRT) == 0);
    CHECK(fcntl(p[0], F_SETFL, O_ASYNC) == 0);
    CHECK(write(p[1], "x", 1) == 1);
    CHECK_EQ(status_of(kids[0]), 0);
    CHECK_EQ(status_of(kids[1]), 0);
    CHECK(heard[0] && heard[1]);
    /* He who sets the owner is nobody to it. */
    CHECK(CHILD({
              int q[2];
              pipe(q);
              if (setgid(2) != 0 || setuid(2) != 0)
                  _exit(9);
              CHECK(fcntl(q[0], F_SETOWN, getppid()) == 0 && fcntl(q[0], F_SETSIG, SIGRT) == 0);
              CHECK(fcntl(q[0], F_SETFL, O_ASYNC) == 0);
              CHECK(write(q[1], "x", 1) == 1);
              msleep(20);
          }) == 0);
    CHECK(none_pending(SIGRT));
}

static void test(void)
{
    int p[2], s[2], master, slave, on = 1, who = 0;
    siginfo_t info;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGRT);
    sigaddset(&set, SIGIO);
    sigprocmask(SIG_BLOCK, &set, NULL);
    CHECK(pipe(p) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
    owners(p[0]);
    told(p[0], p[1], "pipe");
    told(s[0], s[1], "socket");
    CHECK(openpty(&master, &slave, NULL, NULL, NULL) == 0);
    told(slave, master, "terminal");

    /* The other end goes. */
    CHECK(fcntl(s[0], F_SETFL, O_ASYNC) == 0);
    close(s[1]);
    CHECK_EQ(next_signal(SIGRT, &info), SIGRT);
    SAY("socket's end: code %d band %#lx\n", info.si_code, (long)info.si_band);
    CHECK(ioctl(s[0], SIOCSPGRP, &(int){ -getpgrp() }) == 0);
    CHECK(ioctl(s[0], SIOCGPGRP, &who) == 0 && who == -getpgrp());
    close(s[0]);
    while (!none_pending(SIGRT))
        next_signal(SIGRT, &info);

    CHECK(ioctl(p[0], FIOASYNC, &on) == 0 && (fcntl(p[0], F_GETFL) & O_ASYNC));
    close(p[1]);
    CHECK_EQ(next_signal(SIGRT, &info), SIGRT);
    SAY("pipe's end: code %d\n", info.si_code);
    close(p[0]);

    int null = open("/dev/zero", O_RDONLY);
    CHECK_ERR(ENOTTY, ioctl(null, FIOASYNC, &on));
    CHECK(fcntl(null, F_SETFL, O_ASYNC) == 0);
    SAY("zero: %#x\n", fcntl(null, F_GETFL) & (O_ASYNC | O_NONBLOCK));
    groups();
}
