/* epolls in epolls, in poll and in threads: what is ready comes through, no circle and no long
 * chain is made, one thread is woken for an event. */
#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int ctl(int ep, int op, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event e = { .events = events, .data.u64 = data };

    return epoll_ctl(ep, op, fd, &e);
}

static int ready(int ep)
{
    struct epoll_event e[8];

    return epoll_wait(ep, e, 8, 0);
}

static int polled(int fd)
{
    struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDNORM, 0 };

    return poll(&p, 1, 0) >= 0 ? p.revents : -1;
}

static void add(int fd) { CHECK(write(fd, "\1\0\0\0\0\0\0\0", 8) == 8); }
static void take(int fd)
{
    char b[8];
    CHECK(read(fd, b, 8) == 8);
}

static void through(void)
{
    int e = eventfd(0, 0), inner = epoll_create1(0), outer = epoll_create1(0),
        edge = epoll_create1(0);

    CHECK(ctl(inner, EPOLL_CTL_ADD, e, EPOLLIN, 1) == 0);
    CHECK(ctl(outer, EPOLL_CTL_ADD, inner, EPOLLIN, 2) == 0);
    CHECK(ctl(edge, EPOLL_CTL_ADD, inner, EPOLLIN | EPOLLET, 3) == 0);
    SAY("quiet %d %d %x\n", ready(outer), ready(edge), polled(inner));
    add(e);
    SAY("ready %d %d %x %x\n", ready(outer), ready(edge), polled(inner), polled(outer));
    SAY("again %d %d\n", ready(outer), ready(edge));
    add(e);
    SAY("more %d %d\n", ready(outer), ready(edge));
    take(e);
    SAY("taken %d %d %x %x\n", ready(outer), ready(edge), polled(inner), polled(outer));
    /* Who sleeps in the outer one, or polls it, wakes. */
    struct epoll_event got;
    pid_t waiter = START(CHECK(epoll_wait(outer, &got, 1, 5000) == 1 && got.data.u64 == 2));
    struct pollfd p = { outer, POLLIN, 0 };
    pid_t poller = START(CHECK(poll(&p, 1, 5000) == 1));
    CHECK(WAIT_UNTIL(state_of(waiter) == 'S' && state_of(poller) == 'S'));
    add(e);
    CHECK_EQ(status_of(waiter), EXITED(0));
    CHECK_EQ(status_of(poller), EXITED(0));
    /* The inner one goes first, or the file. */
    close(inner);
    SAY("inner closed %d\n", ready(outer));
    close(outer);
    close(edge);
    close(e);
}

static void chains(void)
{
    struct epoll_event event = { .events = EPOLLIN };
    int ep[7], a = epoll_create1(0), b = epoll_create1(0), c = epoll_create1(0);

    CHECK(ctl(a, EPOLL_CTL_ADD, b, EPOLLIN, 0) == 0);
    CHECK_ERR(ELOOP, ctl(b, EPOLL_CTL_ADD, a, EPOLLIN, 0));
    CHECK(ctl(b, EPOLL_CTL_ADD, c, EPOLLIN, 0) == 0);
    CHECK_ERR(ELOOP, ctl(c, EPOLL_CTL_ADD, a, EPOLLIN, 0));
    CHECK(ctl(a, EPOLL_CTL_ADD, c, EPOLLIN, 0) == 0);
    CHECK_ERR(EEXIST, ctl(a, EPOLL_CTL_ADD, c, EPOLLIN, 0));
    CHECK(ctl(a, EPOLL_CTL_DEL, b, EPOLLIN, 0) == 0);
    CHECK(ctl(b, EPOLL_CTL_ADD, a, EPOLLIN, 0) == 0); /* no circle any more */
    event.events |= EPOLLEXCLUSIVE;
    CHECK_ERR(EINVAL, epoll_ctl(c, EPOLL_CTL_ADD, a, &event));
    close(a);
    close(b);
    close(c);
    for (int down = 0; down < 2; down++) { /* made from either end */
        int e = eventfd(1, 0);
        for (int i = 0; i < 7; i++)
            ep[i] = epoll_create1(0);
        SAY("chain:");
        for (int k = 0; k < 6; k++) {
            int i = down ? k : 5 - k;
            SAY(" %d", ctl(ep[i], EPOLL_CTL_ADD, ep[i + 1], EPOLLIN, 0) == 0 ? 0
                       : errno == ELOOP                                      ? 1
                                                                             : 2);
        }
        CHECK(ctl(ep[down ? 4 : 6], EPOLL_CTL_ADD, e, EPOLLIN, 0) == 0);
        SAY(" ready %d\n", ready(ep[down ? 0 : 2]));
        for (int i = 0; i < 7; i++)
            close(ep[i]);
        close(e);
    }
}

/* Each of many threads waits for one event; each event wakes one. */
static int shared_ep;
static int awake;
static void *waits(void *arg)
{
    struct epoll_event e;

    (void)arg;
    if (epoll_wait(shared_ep, &e, 1, -1) == 1)
        __atomic_fetch_add(&awake, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void threads(void)
{
    pthread_t t[4];
    int e = eventfd(0, 0);

    shared_ep = epoll_create1(0);
    CHECK(ctl(shared_ep, EPOLL_CTL_ADD, e, EPOLLIN | EPOLLET, 1) == 0);
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&t[i], NULL, waits, NULL) == 0);
    msleep(50);
    for (int i = 1; i <= 4; i++) {
        add(e);
        CHECK(WAIT_UNTIL(__atomic_load_n(&awake, __ATOMIC_SEQ_CST) == i));
        msleep(20);
        CHECK_EQ(awake, i);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    close(e);
    /* What is ready for several at once wakes several. */
    int many[4];
    awake = 0;
    for (int i = 0; i < 4; i++) {
        many[i] = eventfd(0, 0);
        CHECK(ctl(shared_ep, EPOLL_CTL_ADD, many[i], EPOLLIN | EPOLLONESHOT, 1) == 0);
    }
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&t[i], NULL, waits, NULL) == 0);
    msleep(20);
    for (int i = 0; i < 4; i++)
        add(many[i]);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    CHECK_EQ(awake, 4);
    for (int i = 0; i < 4; i++)
        close(many[i]);
    close(shared_ep);
}

/* Two epolls with one source each time, one of which is to be told. */
static void exclusive(void)
{
    int e = eventfd(0, EFD_SEMAPHORE), ep[2], woken = 0, p[2];
    struct epoll_event got;
    pid_t child[2];

    CHECK(pipe(p) == 0);
    for (int i = 0; i < 2; i++) {
        ep[i] = epoll_create1(0);
        CHECK(ctl(ep[i], EPOLL_CTL_ADD, e, EPOLLIN | EPOLLEXCLUSIVE | EPOLLET, 1) == 0);
        child[i] =
            START(CHECK(epoll_wait(ep[i], &got, 1, -1) == 1); CHECK(write(p[1], "x", 1) == 1));
        CHECK(WAIT_UNTIL(state_of(child[i]) == 'S'));
    }
    add(e);
    char c;
    CHECK(read(p[0], &c, 1) == 1);
    msleep(30);
    for (int i = 0; i < 2; i++)
        woken += waitpid(child[i], NULL, WNOHANG) == child[i];
    SAY("exclusive: %d woken\n", woken);
    add(e);
    CHECK(read(p[0], &c, 1) == 1);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    for (int i = 0; i < 2; i++)
        close(ep[i]), close(p[i]);
    close(e);
}

/* Files end, epolls end and others wait, all at once. */
static int storm_ep, storm_outer;
static volatile int storm_over;
static void *opens(void *arg)
{
    (void)arg;
    while (!storm_over) {
        int e = eventfd(1, 0), d = dup(e);
        ctl(storm_ep, EPOLL_CTL_ADD, e, EPOLLIN, 1);
        ctl(storm_ep, EPOLL_CTL_ADD, d, EPOLLIN | EPOLLET, 1);
        ctl(storm_ep, EPOLL_CTL_MOD, e, EPOLLIN | EPOLLONESHOT, 1);
        close(e);
        close(d);
    }
    return NULL;
}
static void *nests(void *arg)
{
    (void)arg;
    while (!storm_over) {
        int ep = epoll_create1(0), e = eventfd(1, 0);
        ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN, 1);
        ctl(storm_outer, EPOLL_CTL_ADD, ep, EPOLLIN, 1);
        ctl(ep, EPOLL_CTL_ADD, storm_ep, EPOLLIN, 1);
        ready(storm_outer);
        if (now_ms() & 1)
            close(e);
        close(ep);
        close(e);
    }
    return NULL;
}
static void *looks(void *arg)
{
    (void)arg;
    while (!storm_over) {
        ready(storm_outer);
        ready(storm_ep);
        polled(storm_outer);
    }
    return NULL;
}

static void storm(void)
{
    void *(*what[])(void *) = { opens, nests, looks, opens };
    pthread_t t[4];

    storm_ep = epoll_create1(0);
    storm_outer = epoll_create1(0);
    CHECK(ctl(storm_outer, EPOLL_CTL_ADD, storm_ep, EPOLLIN, 1) == 0);
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&t[i], NULL, what[i], NULL) == 0);
    msleep(300);
    storm_over = 1;
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    CHECK_EQ(ready(storm_ep), 0);
    CHECK_EQ(ready(storm_outer), 0);
    close(storm_ep);
    close(storm_outer);
}

static void test(void)
{
    through();
    chains();
    threads();
    exclusive();
    storm();
}
