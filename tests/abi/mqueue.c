/* POSIX message queues: order, limits, who waits, who is told, names and rights. */
#include "check.h"

#include <mqueue.h>
#include <poll.h>
#include <sys/resource.h>

static char name[40], other[40]; /* of this run: queues are the machine's */

static mqd_t create(int flags, long messages, long bytes)
{
    struct mq_attr a = { .mq_maxmsg = messages, .mq_msgsize = bytes };
    mqd_t q = mq_open(name, O_CREAT | O_EXCL | flags, 0600, &a);
    CHECK(q >= 0);
    return q;
}

static void names(void)
{
    struct mq_attr a = { .mq_maxmsg = 4, .mq_msgsize = 16 },
                   bad = { .mq_maxmsg = 0, .mq_msgsize = 16 },
                   more = { .mq_maxmsg = 70000, .mq_msgsize = 16 }, got;
    char longest[300];
    CHECK_ERR(ENOENT, mq_open(name, O_RDWR));
    CHECK_ERR(ENOENT, mq_unlink(name));
    CHECK_ERR(EINVAL, mq_open(name, O_CREAT | O_RDWR, 0600, &bad));
    CHECK_ERR(EINVAL, mq_open(name, O_CREAT | O_RDWR, 0600, &more));
    CHECK_ERR(EACCES, syscall(SYS_mq_open, "a/b", O_CREAT | O_RDWR, 0600, &a));
    CHECK_ERR(ENOENT, syscall(SYS_mq_open, "", O_CREAT | O_RDWR, 0600, &a));
    CHECK_ERR(EFAULT, syscall(SYS_mq_open, "x", O_CREAT | O_RDWR, 0600, 8));
    CHECK_ERR(EFAULT, syscall(SYS_mq_open, "", O_RDWR, 0, 8)); /* which it would not need */
    memset(longest, 'x', sizeof(longest) - 1);
    longest[0] = '/', longest[299] = 0;
    CHECK_ERR(ENAMETOOLONG, mq_open(longest, O_CREAT | O_RDWR, 0600, &a));
    mqd_t q = create(O_RDWR, 4, 16);
    CHECK_ERR(EEXIST, mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &a));
    CHECK_EQ(fcntl(q, F_GETFD), FD_CLOEXEC);
    mqd_t w = mq_open(name, O_WRONLY | O_CREAT, 0, &bad); /* its attributes do not matter */
    CHECK(w >= 0);
    CHECK_EQ(mq_unlink(name), 0);
    CHECK_ERR(ENOENT, mq_open(name, O_RDWR));
    char b[16];
    CHECK_EQ(mq_send(w, "still", 5, 0), 0);
    CHECK_EQ(mq_receive(q, b, 16, NULL), 5);
    CHECK_EQ(mq_getattr(q, &got), 0);
    CHECK(got.mq_maxmsg == 4 && got.mq_msgsize == 16 && got.mq_curmsgs == 0 && got.mq_flags == 0);
    mq_close(q), mq_close(w);
    q = mq_open(name, O_CREAT | O_RDONLY, 0600, NULL);
    CHECK_EQ(mq_getattr(q, &got), 0);
    CHECK(got.mq_maxmsg == 10 && got.mq_msgsize == 8192);
    mq_close(q);
    CHECK_EQ(mq_unlink(name), 0);
}

static void order(void)
{
    mqd_t q = create(O_RDWR | O_NONBLOCK, 4, 16);
    unsigned prio;
    char b[32] = "";
    CHECK_ERR(EAGAIN, mq_receive(q, b, 16, NULL));
    CHECK_EQ(mq_send(q, "low1", 4, 1), 0);
    CHECK_EQ(mq_send(q, "high", 4, 32767), 0);
    CHECK_EQ(mq_send(q, "low2", 4, 1), 0);
    CHECK_EQ(mq_send(q, "", 0, 5), 0);
    CHECK_ERR(EAGAIN, mq_send(q, "full", 4, 9));
    CHECK_ERR(EINVAL, mq_send(q, "x", 1, 32768));
    CHECK_ERR(EMSGSIZE, mq_send(q, b, 17, 0));
    CHECK_ERR(EMSGSIZE, mq_receive(q, b, 15, NULL));
    struct pollfd p = { .fd = q, .events = POLLIN | POLLOUT };
    CHECK_EQ(poll(&p, 1, 0), 1);
    CHECK_EQ(p.revents, POLLIN);
    static const struct {
        const char *text;
        unsigned prio;
    } wanted[] = { { "high", 32767 }, { "", 5 }, { "low1", 1 }, { "low2", 1 } };
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(mq_receive(q, b, sizeof(b), &prio), (long)strlen(wanted[i].text));
        CHECK(prio == wanted[i].prio && memcmp(b, wanted[i].text, strlen(wanted[i].text)) == 0);
    }
    CHECK_EQ(poll(&p, 1, 0), 1);
    CHECK_EQ(p.revents, POLLOUT);
    struct mq_attr to = { .mq_flags = 0 }, was;
    CHECK_EQ(mq_setattr(q, &to, &was), 0);
    CHECK_EQ(was.mq_flags, O_NONBLOCK);
    CHECK_EQ(fcntl(q, F_GETFL) & O_NONBLOCK, 0);
    to.mq_flags = O_APPEND;
    CHECK_ERR(EINVAL, mq_setattr(q, &to, NULL));
    mqd_t r = mq_open(name, O_RDONLY), w = mq_open(name, O_WRONLY);
    CHECK_ERR(EBADF, mq_send(r, "x", 1, 0));
    CHECK_ERR(EBADF, mq_receive(w, b, 16, NULL));
    CHECK_ERR(EBADF, mq_send(1, "x", 1, 0));
    CHECK_ERR(EFAULT, syscall(SYS_mq_timedsend, q, 8, 4, 0, NULL));
    CHECK_EQ(mq_send(q, "status", 6, 0), 0);
    char line[200] = "";
    CHECK(pread(q, line, sizeof(line) - 1, 0) > 0);
    SAY("%s", line);
    CHECK_ERR(ENODEV, (long)mmap(NULL, 4096, PROT_READ, MAP_SHARED, q, 0));
    mq_close(q), mq_close(r), mq_close(w), mq_unlink(name);
}

static void waiting(void)
{
    mqd_t q = create(O_RDWR, 1, 16);
    char b[16];
    struct timespec soon, past = { 1, 0 }, bad = { 1, -1 };
    pid_t pid = START(CHECK_EQ(mq_receive(q, b, 16, NULL), 3));
    CHECK(WAIT_UNTIL(state_of(pid) == 'S'));
    CHECK_EQ(mq_send(q, "one", 3, 0), 0);
    CHECK_EQ(status_of(pid), 0);
    CHECK_EQ(mq_send(q, "two", 3, 0), 0);
    pid = START(CHECK_EQ(mq_send(q, "three", 5, 0), 0));
    CHECK(WAIT_UNTIL(state_of(pid) == 'S'));
    CHECK_EQ(mq_receive(q, b, 16, NULL), 3);
    CHECK_EQ(status_of(pid), 0);
    CHECK_ERR(ETIMEDOUT, mq_timedsend(q, "x", 1, 0, &past));
    CHECK_ERR(EINVAL, mq_timedsend(q, "x", 1, 0, &bad));
    CHECK_EQ(mq_timedreceive(q, b, 16, NULL, &past), 5);
    CHECK_ERR(ETIMEDOUT, mq_timedreceive(q, b, 16, NULL, &past));
    CHECK_ERR(EINVAL, mq_timedreceive(q, b, 16, NULL, &bad));
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 20000000;
    soon.tv_sec += soon.tv_nsec / 1000000000, soon.tv_nsec %= 1000000000;
    CHECK_ERR(ETIMEDOUT, mq_timedreceive(q, b, 16, NULL, &soon));
    pid = START(CHECK_EQ(mq_receive(q, b, 16, NULL), 4));
    CHECK(WAIT_UNTIL(state_of(pid) == 'S'));
    kill(pid, SIGSTOP);
    CHECK(WAIT_UNTIL(state_of(pid) == 'T'));
    kill(pid, SIGCONT); /* begins anew */
    CHECK_EQ(mq_send(q, "last", 4, 0), 0);
    CHECK_EQ(status_of(pid), 0);
    mq_close(q), mq_unlink(name);
}

static volatile int told, from, value;
static void on_message(int sig, siginfo_t *info, void *c)
{
    (void)sig, (void)c;
    told++, from = info->si_code == SI_MESGQ ? info->si_pid : -1, value = info->si_value.sival_int;
}

static void notification(void)
{
    mqd_t q = create(O_RDWR, 4, 16), r;
    char b[16];
    struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 },
                    none = { .sigev_notify = SIGEV_NONE };
    struct sigaction act = { .sa_sigaction = on_message, .sa_flags = SA_SIGINFO };
    ev.sigev_value.sival_int = 42;
    sigaction(SIGUSR1, &act, NULL);
    CHECK_EQ(mq_notify(q, &ev), 0);
    CHECK_ERR(EBUSY, mq_notify(q, &ev));
    CHECK_EQ(CHILD(CHECK_ERR(EBUSY, mq_notify(q, &ev)); CHECK_EQ(mq_notify(q, NULL), 0)), 0);
    pid_t pid = START(CHECK_EQ(mq_send(q, "1", 1, 0), 0));
    CHECK_EQ(status_of(pid), 0);
    CHECK(WAIT_UNTIL(told == 1));
    CHECK(from == pid && value == 42);
    CHECK_EQ(mq_notify(q, &ev), 0); /* again; but it is not empty */
    CHECK_EQ(mq_send(q, "2", 1, 0), 0);
    CHECK_EQ(mq_receive(q, b, 16, NULL), 1);
    CHECK_EQ(mq_receive(q, b, 16, NULL), 1);
    CHECK_EQ(told, 1);
    pid =
        START(CHECK_EQ(mq_receive(q, b, 16, NULL), 1)); /* who waits gets it, and nobody is told */
    CHECK(WAIT_UNTIL(state_of(pid) == 'S'));
    CHECK_EQ(mq_send(q, "3", 1, 0), 0);
    CHECK_EQ(status_of(pid), 0);
    CHECK_EQ(told, 1);
    r = mq_open(name, O_RDWR);
    mq_close(r); /* any descriptor of the process ends it */
    CHECK_EQ(mq_notify(q, &none), 0);
    CHECK_EQ(mq_notify(q, NULL), 0);
    ev.sigev_notify = 77;
    CHECK_ERR(EINVAL, mq_notify(q, &ev));
    CHECK_ERR(EBADF, mq_notify(1, &none));
    mq_close(q), mq_unlink(name);
}

static void rights(void)
{
    struct rlimit little = { 3000, 3000 };
    mqd_t q = create(O_RDWR, 4, 16);
    CHECK_EQ(CHILD(CHECK_EQ(setresuid(1000, 1000, 1000), 0);
                   CHECK_ERR(EACCES, mq_open(name, O_RDONLY));
                   CHECK_ERR(EPERM, syscall(SYS_mq_unlink, name + 1));
                   CHECK_ERR(EACCES, mq_unlink(name)); /* so it is told */
                   struct mq_attr a = { .mq_maxmsg = 11, .mq_msgsize = 16 };
                   CHECK_ERR(EINVAL, mq_open(other, O_CREAT | O_RDWR, 0600, &a));
                   setrlimit(RLIMIT_MSGQUEUE, &little); a.mq_maxmsg = 10; a.mq_msgsize = 1000;
                   CHECK_ERR(EMFILE, mq_open(other, O_CREAT | O_RDWR, 0600, &a));
                   CHECK_EQ(mq_send(q, "inherited", 9, 0), 0)),
             0);
    mq_close(q), mq_unlink(name);
}

static void test(void)
{
    snprintf(name, sizeof(name), "/forkscope-%d", own_key(1));
    snprintf(other, sizeof(other), "/forkscope-%d", own_key(2));
    names();
    order();
    waiting();
    notification();
    rights();
}
