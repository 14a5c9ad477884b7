/* More threads than a kernel may want to see to in one go: a wake reaches all who wait, by read, by poll,
 * by waitpid; a signal finds the one thread that takes it, among many that do not; a stop stops
 * all, and SIGCONT lets all go on; exit and exec end all of them. */
#include "threads.h"
#include <poll.h>

enum { CROWD = 150 };

static pthread_t crowd[CROWD];
static volatile int arrived, done, ticks;
static int ends[2];

static void gather(void *(*fn)(void *))
{
    pthread_attr_t attr;

    arrived = done = 0;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 16384);
    for (long i = 0; i < CROWD; i++)
        CHECK_EQ(pthread_create(&crowd[i], &attr, fn, (void *)i), 0);
    CHECK(WAIT_UNTIL(arrived == CROWD));
    msleep(20); /* most of them sleep by then; who does not finds it done already */
}

static void arrive(void) { __atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST); }

static long leave(void)
{
    long sum = 0;

    for (int i = 0; i < CROWD; i++)
        sum += join(crowd[i]);
    return sum;
}

static void *reads(void *arg)
{
    char c;

    (void)arg;
    arrive();
    return (void *)(long)(read(ends[0], &c, 1) == 0);
}

static void *polls(void *arg)
{
    struct pollfd p = { ends[0], POLLIN, 0 };

    (void)arg;
    arrive();
    return (void *)(long)(poll(&p, 1, 20000) == 1 && p.revents == POLLHUP);
}

static void *waits(void *arg)
{
    pid_t got;

    (void)arg;
    arrive();
    do
        got = waitpid(-1, NULL, 0);
    while (got < 0 && errno == EINTR);
    return (void *)(long)(got > 0 ? 1000 : errno == ECHILD);
}

static void wakes(void)
{
    CHECK_EQ(pipe(ends), 0);
    gather(reads);
    close(ends[1]);
    CHECK_EQ(leave(), CROWD);
    close(ends[0]);
    CHECK_EQ(pipe(ends), 0);
    gather(polls);
    close(ends[1]);
    CHECK_EQ(leave(), CROWD);
    close(ends[0]);
    int gate[2];
    CHECK_EQ(pipe(gate), 0);
    pid_t child = START(char c; close(gate[1]); _exit(read(gate[0], &c, 1) != 0));
    CHECK(child > 0);
    gather(waits);
    close(gate[1]);
    CHECK_EQ(leave(), 1000 + CROWD - 1);
    close(gate[0]);
}

static volatile pid_t took;

static void takes(int sig)
{
    (void)sig;
    took = my_tid();
}

/* All block SIGUSR1, but for the last. */
static void *blocks(void *arg)
{
    sigset_t usr1;

    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    if ((long)arg == CROWD - 1)
        pthread_sigmask(SIG_UNBLOCK, &usr1, NULL);
    arrive();
    while (!done)
        msleep(5);
    return (void *)(long)(took == my_tid());
}

static void one_of_many(void)
{
    sigset_t usr1;

    handle(SIGUSR1, takes, 0);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &usr1, NULL);
    gather(blocks);
    kill(getpid(), SIGUSR1);
    CHECK(WAIT_UNTIL(took != 0));
    done = 1;
    CHECK_EQ(leave(), 1);
    pthread_sigmask(SIG_UNBLOCK, &usr1, NULL);
}

static void *runs(void *arg)
{
    arrive();
    for (;;) {
        __atomic_fetch_add(&ticks, 1, __ATOMIC_SEQ_CST);
        msleep(30); /* 50,000 timers a second are more than an interpreting host has time for */
    }
    return arg;
}

static void stops(void)
{
    int status, *seen = map_shared(sizeof(int));
    pid_t pid = START(gather(runs); for (;;) {
        *seen = ticks;
        msleep(1);
    });

    CHECK(WAIT_UNTIL(*seen > CROWD));
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(kill(pid, SIGSTOP), 0);
        CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
        CHECK(WIFSTOPPED(status));
        CHECK_EQ(kill(pid, SIGCONT), 0);
        CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
        int before = *seen;
        CHECK(WAIT_UNTIL(*seen > before + CROWD)); /* all go on */
    }
    kill(pid, SIGKILL);
    CHECK_EQ(status_of(pid), KILLED(SIGKILL));
}

static void *becomes_another(void *arg)
{
    arrive();
    while ((long)arg != CROWD / 2 || !done)
        msleep(5);
    execlp("true", "true", NULL);
    return arg;
}

static void test(void)
{
    wakes();
    one_of_many();
    stops();
    CHECK_EQ(CHILD(gather(runs); _exit(7)), EXITED(7));
    CHECK_EQ(CHILD(gather(becomes_another); done = 1; for (;;) pause()), EXITED(0));
    CHECK_DIES(SIGTERM, gather(runs); kill(getpid(), SIGTERM); for (;;) pause());
}
