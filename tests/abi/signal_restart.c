/* A handled signal during a slow call: reading an empty pipe and writing a full one go on with
 * SA_RESTART and give EINTR without; nanosleep and poll give EINTR always. */
#include "check.h"
#include <poll.h>

static volatile int *handled; /* children look at it */

static void count(int sig)
{
    (void)sig;
    ++*handled;
}

/* A child that waits until its parent sleeps in the call, interrupts it, and waits until it
 * sleeps again or is through. */
static pid_t later(int fd)
{
    pid_t me = getpid();

    return START({
        int before = *handled;
        CHECK(WAIT_UNTIL(state_of(me) == 'S'));
        msleep(50);
        kill(me, SIGUSR1);
        CHECK(WAIT_UNTIL(*handled > before && state_of(me) == 'S'));
        if (fd >= 0)
            CHECK(write(fd, "x", 1) == 1);
        else
            kill(me, SIGUSR2); /* ends what restarts for ever */
    });
}

static void one(int flags)
{
    int fds[2];
    char c, big[4096] = { 0 };
    struct timespec rest, seconds = { 20, 0 };

    handle(SIGUSR1, count, flags);
    handle(SIGUSR2, count, 0);
    CHECK(pipe(fds) == 0);
    pid_t pid = later(fds[1]);
    long got = read(fds[0], &c, 1);
    SAY("read: %ld errno %d\n", got, got < 0 ? errno : 0);
    status_of(pid);

    fcntl(fds[1], F_SETFL, O_NONBLOCK);
    while (write(fds[1], big, sizeof(big)) > 0)
        ;
    fcntl(fds[1], F_SETFL, 0);
    pid = later(-1);
    got = write(fds[1], big, sizeof(big));
    SAY("write: %ld errno %d\n", got, errno);
    status_of(pid);

    pid = later(-1);
    errno = 0;
    got = poll(NULL, 0, 20000);
    SAY("poll: %ld errno %d\n", got, errno);
    status_of(pid);

    long start = now_ms(); /* the signal's time counts from its sender's birth */
    pid = later(-1);
    errno = 0;
    got = nanosleep(&seconds, &rest);
    SAY("nanosleep: %ld errno %d\n", got, errno);
    long slept = now_ms() - start, left = rest.tv_sec * 1000 + rest.tv_nsec / 1000000;
    CHECK(slept >= 45 && slept < 19000);
    CHECK(slept + left >= 19995 && slept + left < 23000);
    status_of(pid);
    close(fds[0]);
    close(fds[1]);
}

static void test(void)
{
    handled = map_shared(sizeof(*handled));
    one(0);
    one(SA_RESTART);
    CHECK(*handled >= 8);
}
