/* A signal that a poll's or select's mask lets in ends the call even if it was not to wait. */
#include "check.h"

#include <poll.h>
#include <sys/select.h>

static volatile int handled;

static void count(int sig)
{
    (void)sig;
    handled++;
}

static void test(void)
{
    struct timespec none = { 0, 0 };
    sigset_t all, open;

    handle(SIGUSR1, count, 0);
    sigfillset(&all);
    sigemptyset(&open);
    sigprocmask(SIG_SETMASK, &all, NULL);
    raise(SIGUSR1);
    CHECK_ERR(EINTR, pselect(0, NULL, NULL, NULL, &none, &open));
    CHECK_EQ(handled, 1);
    raise(SIGUSR1);
    CHECK_ERR(EINTR, ppoll(NULL, 0, &none, &open));
    CHECK_EQ(handled, 2);

    int fds[2];
    CHECK(pipe(fds) == 0);
    struct pollfd writable = { .fd = fds[1], .events = POLLOUT };
    raise(SIGUSR1);
    CHECK_EQ(ppoll(&writable, 1, &none, &open), 1); /* what is ready comes first */
    CHECK_EQ(handled, 2);
    sigprocmask(SIG_SETMASK, &open, NULL);
    CHECK_EQ(handled, 3);
}
