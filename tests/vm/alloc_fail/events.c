/* events.c - epoll, eventfd, timerfd, signalfd, inotify, sockets, pseudo-terminals. */
#include "tests/vm/alloc_fail/ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

static int close_all(const int *fd, int n, int err)
{
    UNDO(for (int i = 0; i < n; i++) if (fd[i] >= 0) close(fd[i]));
    return err;
}

static int do_eventfd(void)
{
    int fd = eventfd(1, 0);
    return fd < 0 ? -errno : close_all(&fd, 1, 0);
}

static int do_epoll(void)
{
    int fd[3] = { epoll_create1(0), -1, -1 }, err = 0;
    struct epoll_event e = { .events = EPOLLIN }, got;
    if (fd[0] < 0 || pipe(fd + 1) != 0)
        return close_all(fd, 3, -errno);
    if (epoll_ctl(fd[0], EPOLL_CTL_ADD, fd[1], &e) != 0)
        err = -errno;
    else if (write(fd[2], "x", 1) != 1)
        err = -errno;
    else if (epoll_wait(fd[0], &got, 1, 0) != 1)
        err = -EPROTO;
    return close_all(fd, 3, err);
}

static int do_timerfd(void)
{
    struct itimerspec t = { .it_value = { 100, 0 } };
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    if (fd < 0)
        return -errno;
    return close_all(&fd, 1, done(timerfd_settime(fd, 0, &t, NULL)));
}

static int do_signalfd(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    int fd = signalfd(-1, &set, 0);
    return fd < 0 ? -errno : close_all(&fd, 1, 0);
}

/* An event that finds no memory is told as an overflow. */
static int do_inotify(void)
{
    char text[4096];
    int fd = inotify_init1(IN_NONBLOCK);
    if (fd < 0)
        return -errno;
    if (inotify_add_watch(fd, "/tmp", IN_CREATE | IN_DELETE) < 0)
        return close_all(&fd, 1, -errno);
    int made = open("/tmp/watched", O_CREAT | O_WRONLY, 0600), err = made < 0 ? -errno : 0;
    UNDO(close(made); unlink("/tmp/watched"));
    if (err == 0 && read(fd, text, sizeof(text)) <= 0)
        err = -EPROTO;
    return close_all(&fd, 1, err);
}

/* Bytes and a file in them. */
static int do_socketpair(void)
{
    int fd[2], err = 0;
    char control[CMSG_SPACE(sizeof(int))] = "", c = 'x';
    struct iovec one = { &c, 1 };
    struct msghdr m = {
        .msg_iov = &one, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
    };
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) != 0)
        return -errno;
    *h = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
                           .cmsg_level = SOL_SOCKET,
                           .cmsg_type = SCM_RIGHTS };
    memcpy(CMSG_DATA(h), &fd[0], sizeof(int));
    if (sendmsg(fd[0], &m, 0) != 1)
        err = -errno;
    else if (read(fd[1], &c, 1) != 1 || c != 'x')
        err = -EPROTO;
    return close_all(fd, 2, err);
}

static int do_connect(void)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "/tmp/socket" };
    int fd[3] = { socket(AF_UNIX, SOCK_STREAM, 0), socket(AF_UNIX, SOCK_STREAM, 0), -1 }, err = 0;
    if (fd[0] < 0 || fd[1] < 0)
        return close_all(fd, 3, -ENOMEM);
    if (bind(fd[0], (struct sockaddr *)&a, sizeof(a)) != 0 || listen(fd[0], 1) != 0 ||
        connect(fd[1], (struct sockaddr *)&a, sizeof(a)) != 0)
        err = -errno;
    else if ((fd[2] = accept(fd[0], NULL, NULL)) < 0)
        err = -errno;
    UNDO(unlink("/tmp/socket"));
    return close_all(fd, 3, err);
}

/* An answer for which there is no room is lost, and that is told: ENOBUFS. */
static int do_netlink(void)
{
    struct {
        uint32_t len;
        uint16_t type, flags;
        uint32_t seq, port;
        char body[16];
    } ask = { sizeof(ask), 18, 0x301, 1, 0, "" }; /* RTM_GETLINK; request, dump */
    int fd = socket(AF_NETLINK, SOCK_RAW, 0), err = 0;
    char b[4096];
    if (fd < 0)
        return -errno;
    if (send(fd, &ask, sizeof(ask), 0) < 0)
        err = -errno;
    while (err == 0 && recv(fd, b, sizeof(b), MSG_DONTWAIT) > 0)
        if (((uint16_t *)b)[2] == 3) /* NLMSG_DONE */
            return close_all(&fd, 1, 0);
    if (err == 0)
        err = errno == EAGAIN ? -EPROTO : -errno; /* it has an end, or one is told */
    return close_all(&fd, 1, err == -ENOBUFS ? -ENOMEM : err);
}

static int do_pty(void)
{
    int fd[2] = { open("/dev/ptmx", O_RDWR | O_NOCTTY), -1 }, err = 0;
    if (fd[0] < 0)
        return -errno;
    int unlocked = 0, n = -1;
    char name[32];
    if (ioctl(fd[0], TIOCSPTLCK, &unlocked) != 0 || ioctl(fd[0], TIOCGPTN, &n) != 0)
        err = -EPROTO;
    snprintf(name, sizeof(name), "/dev/pts/%d", n);
    if (err == 0 && (fd[1] = open(name, O_RDWR | O_NOCTTY)) < 0)
        err = -errno;
    if (err == 0 && write(fd[1], "hello", 5) != 5)
        err = -errno;
    return close_all(fd, 2, err);
}

const struct op event_ops[] = {
    { "eventfd", do_eventfd, 0 },     { "epoll", do_epoll, 0 },
    { "timerfd", do_timerfd, 0 },     { "signalfd", do_signalfd, 0 },
    { "inotify", do_inotify, 0 },     { "socketpair", do_socketpair, 0 },
    { "connect", do_connect, 0 },     { "netlink", do_netlink, 0 },
    { "pseudo-terminal", do_pty, 0 }, { 0 },
};
