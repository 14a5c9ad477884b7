/* mq_notify with SIGEV_THREAD: the library's thread calls the function, once; below that, what its
 * netlink socket is sent when a message comes, when the notification is taken back, and when the
 * queue is closed; what is wrong with it. */
#include "check.h"
#include <linux/netlink.h>
#include <mqueue.h>
#include <pthread.h>
#include <sys/socket.h>

#define COOKIE 32 /* NOTIFY_COOKIE_LEN */

static int told[2];

static void tell(union sigval v)
{
    char byte = v.sival_int;

    CHECK(write(told[1], &byte, 1) == 1);
}

static mqd_t queue(void)
{
    struct mq_attr a = { .mq_maxmsg = 4, .mq_msgsize = 8 };
    char name[32];

    snprintf(name, sizeof(name), "/mq_thread-%d", check_self);
    mqd_t q = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &a);
    CHECK(q >= 0 && mq_unlink(name) == 0);
    return q;
}

static void by_library(void)
{
    struct sigevent ev = { .sigev_notify = SIGEV_THREAD, .sigev_value.sival_int = 'x' };
    mqd_t q = queue();
    char b[8];

    ev.sigev_notify_function = tell;
    CHECK(pipe(told) == 0);
    for (int i = 0; i < 3; i++) {
        CHECK(mq_notify(q, &ev) == 0);
        CHECK_ERR(EBUSY, mq_notify(q, &ev));
        CHECK(mq_send(q, "message", 8, 0) == 0);
        CHECK(read(told[0], b, 1) == 1 && b[0] == 'x');
        CHECK(mq_receive(q, b, sizeof(b), NULL) == 8);
    }
    CHECK(mq_send(q, "message", 8, 0) == 0); /* nobody asked again */
    CHECK(fcntl(told[0], F_SETFL, O_NONBLOCK) == 0);
    CHECK_ERR(EAGAIN, read(told[0], b, 1));
    CHECK(mq_close(q) == 0);
}

static int ask(mqd_t q, int fd, const void *cookie)
{
    struct sigevent ev = { .sigev_notify = SIGEV_THREAD, .sigev_signo = fd };

    ev.sigev_value.sival_ptr = (void *)cookie;
    return syscall(SYS_mq_notify, q, &ev);
}

static void say_cookie(const char *what, int s)
{
    struct sockaddr_nl from;
    socklen_t len = sizeof(from);
    char b[64];
    int n = recvfrom(s, b, sizeof(b), MSG_DONTWAIT, (struct sockaddr *)&from, &len);

    SAY("%s: ", what);
    if (n < 0) {
        SAY("error %d\n", errno);
        return;
    }
    CHECK(from.nl_pid == 0 && memcmp(b, "a cookie of thirty-two bytes...", 31) == 0);
    SAY("%d bytes, the last is %d\n", n, b[n - 1]);
}

static void by_call(void)
{
    static const char cookie[COOKIE] = "a cookie of thirty-two bytes...";
    int s = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), u = socket(AF_UNIX, SOCK_DGRAM, 0);
    char b[8];
    mqd_t q = queue();

    CHECK_ERR(EBADF, ask(q, -1, cookie));
    CHECK_ERR(EBADF, ask(q, 4711, cookie));
    CHECK_ERR(ENOTSOCK, ask(q, told[0], cookie));
    CHECK_ERR(EINVAL, ask(q, u, cookie));
    CHECK_ERR(EFAULT, ask(q, s, (void *)8));
    CHECK_ERR(EBADF, ask(told[0], s, cookie));
    CHECK_ERR(EBADF, ask(-1, s, cookie));
    CHECK(ask(q, s, cookie) == 0);
    CHECK_ERR(EBUSY, ask(q, s, cookie));
    say_cookie("nothing yet", s);
    CHECK(mq_send(q, "message", 8, 0) == 0);
    say_cookie("a message", s);
    CHECK(mq_send(q, "message", 8, 0) == 0);
    say_cookie("another one", s);
    CHECK(ask(q, s, cookie) == 0); /* the queue is not empty: no news */
    CHECK(mq_receive(q, b, sizeof(b), NULL) == 8);
    CHECK(mq_send(q, "message", 8, 0) == 0);
    say_cookie("not the first", s);
    CHECK(mq_notify(q, NULL) == 0);
    say_cookie("taken back", s);
    CHECK(ask(q, s, cookie) == 0);
    CHECK(mq_close(dup(q)) == 0); /* any descriptor of it that is closed */
    say_cookie("closed once", s);
    CHECK(ask(q, s, cookie) == 0);
    CHECK_EQ(CHILD(CHECK_ERR(EBUSY, ask(q, s, cookie)); CHECK(mq_notify(q, NULL) == 0)), EXITED(0));
    say_cookie("another process has ended", s);
    int last = dup(s);
    close(s);
    CHECK(mq_close(q) == 0);
    say_cookie("closed", last);
    close(last);
    q = queue(); /* the socket goes first */
    CHECK(ask(q, s = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), cookie) == 0);
    close(s);
    CHECK(mq_send(q, "message", 8, 0) == 0);
    CHECK(mq_close(q) == 0);
}

static void test(void)
{
    by_library();
    by_call();
}
