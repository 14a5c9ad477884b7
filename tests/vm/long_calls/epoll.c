/* epoll.c - epolls that watch much, or are watched by many. */
#include "tests/vm/long_calls/calls.h"

#include <poll.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

/* epolls that watch e, n of them; and one that watches them all. */
static int epolls(int e, unsigned n)
{
    struct epoll_event want = { .events = EPOLLIN };
    struct rlimit r = { 10000, 10000 };
    int all = epoll_create1(0);
    NEED(setrlimit(RLIMIT_NOFILE, &r) == 0);
    for (unsigned i = 0; i < n; i++) {
        int ep = epoll_create1(0);
        NEED(epoll_ctl(ep, EPOLL_CTL_ADD, e, &want) == 0);
        NEED(epoll_ctl(all, EPOLL_CTL_ADD, ep, &want) == 0);
    }
    return all;
}
static void in_epoll_wait(void)
{
    static struct epoll_event got[4000], want = { .events = EPOLLIN };
    int ep = epoll_create1(0);
    descriptors(4010);
    for (int i = 8; i < 4000; i++) {
        close(i);
        NEED(eventfd(1, 0) == i && epoll_ctl(ep, EPOLL_CTL_ADD, i, &want) == 0);
    }
    GO(epoll_wait(ep, got, 4000, 0); poll(&(struct pollfd){ ep, POLLIN, 0 }, 1, 0));
}
static void in_epoll_wake(void)
{
    uint64_t one = 1;
    int e = eventfd(0, EFD_NONBLOCK), all = epolls(e, 250);
    struct epoll_event want = { .events = EPOLLIN | EPOLLET };
    for (int i = 0; i < 3; i++) { /* each edge of the outer ones has a path of its own */
        int outer = epoll_create1(0);
        NEED(epoll_ctl(outer, EPOLL_CTL_ADD, all, &want) == 0);
        all = outer;
    }
    GO(write(e, &one, 8); read(e, &one, 8); poll(&(struct pollfd){ all, POLLIN, 0 }, 1, 0));
}
static void in_epoll_nest(void)
{
    struct epoll_event want = { .events = EPOLLIN };
    int e = eventfd(0, 0), all = epolls(e, 250), outer = epoll_create1(0);
    GO(epoll_ctl(outer, EPOLL_CTL_ADD, all, &want); epoll_ctl(outer, EPOLL_CTL_DEL, all, &want));
}
static void in_epoll_close(void)
{
    int e = eventfd(0, 0), all = epolls(e, 250);
    again = false;
    GO(close(e); close(all));
}

/* clang-format off */
const struct call epoll_calls[] = {
    CALL(epoll_wait),
    CALL(epoll_wake),
    CALL(epoll_nest),
    CALL(epoll_close),
    { 0 },
};
/* clang-format on */
