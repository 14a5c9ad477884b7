/* epoll.c - epolls that watch much, or are watched by many; inotify with many watches. */
#include "tests/vm/long_calls/calls.h"

#include <dirent.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
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

static int watched_files(unsigned n)
{
    char name[64];
    int in = inotify_init1(0);
    files_in("/tmp/watched", n);
    NEED(chdir("/tmp/watched") == 0);
    DIR *d = opendir(".");
    for (struct dirent *e; (e = readdir(d)) != NULL && n > 0;)
        if (e->d_name[0] != '.' && snprintf(name, sizeof(name), "%s", e->d_name) > 0)
            NEED(inotify_add_watch(in, name, IN_ALL_EVENTS) > 0), n--;
    NEED(n == 0);
    closedir(d);
    return in;
}
static void in_inotify_close(void)
{
    int in = watched_files(4000);
    again = false;
    GO(inotify_rm_watch(in, 3999); inotify_add_watch(in, "..", IN_ALL_EVENTS); close(in));
}
/* clang-format off */
const struct call epoll_calls[] = {
    CALL(epoll_wait),
    CALL(epoll_wake),
    CALL(epoll_nest),
    CALL(epoll_close),
    CALL(inotify_close),
    { 0 },
};
/* clang-format on */
