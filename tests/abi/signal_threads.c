/* Signals and threads: which thread takes one, sigwait, POSIX timers; stop, exit, exec
 * and death are the whole process's. */
#include "check.h"
#include <pthread.h>
#include <sys/time.h>

static volatile int taker, count, value;
static pthread_t leader;

static void note(int sig)
{
    (void)sig;
    taker = pthread_self() == leader ? 1 : 2;
    count++;
}

static void note_value(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    value = info->si_value.sival_int;
    count++;
}

static void *sleeper(void *arg)
{
    for (;;)
        pause();
    return arg;
}
static void *spinner(void *arg)
{
    for (volatile long i = 0;; i++)
        ;
    return arg;
}
static void *ender(void *arg)
{
    msleep(50);
    _exit(7);
    return arg;
}

static void *waiter(void *set)
{
    int sig = 0;

    sigwait(set, &sig);
    return (void *)(long)sig;
}

static void *execer(void *arg)
{
    char *argv[] = { "sh", "-c", "exit 9", NULL };

    msleep(50);
    execv("/bin/sh", argv);
    return arg;
}

static void mask(int how, int sig)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, sig);
    pthread_sigmask(how, &set, NULL);
}

static void who_takes_it(void)
{
    pthread_t other, waits;
    sigset_t usr2;
    void *got;

    handle(SIGUSR1, note, 0);
    mask(SIG_BLOCK, SIGUSR2);
    pthread_create(&other, NULL, sleeper, NULL);
    mask(SIG_BLOCK, SIGUSR1);
    kill(getpid(), SIGUSR1);
    CHECK(WAIT_UNTIL(count == 1));
    SAY("blocked in the leader: taken by %d\n", taker);
    mask(SIG_UNBLOCK, SIGUSR1);
    pthread_kill(other, SIGUSR1);
    CHECK(WAIT_UNTIL(count == 2));
    SAY("sent to the other: taken by %d\n", taker);
    pthread_kill(leader, SIGUSR1);
    SAY("sent to the leader: taken by %d\n", taker);

    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    pthread_create(&waits, NULL, waiter, &usr2);
    msleep(20);
    kill(getpid(), SIGUSR2);
    pthread_join(waits, &got);
    CHECK_EQ((long)got, SIGUSR2);
}

static void timer_signals(void)
{
    struct sigaction action = { .sa_sigaction = note_value, .sa_flags = SA_SIGINFO };
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
                              .sigev_signo = SIGRTMIN + 3,
                              .sigev_value.sival_int = 42 };
    struct itimerspec every = { { 0, 10000000 }, { 0, 10000000 } }, left;
    timer_t id;

    CHECK(sigaction(SIGRTMIN + 3, &action, NULL) == 0);
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &id) == 0);
    CHECK(timer_settime(id, 0, &every, NULL) == 0);
    count = 0;
    CHECK(WAIT_UNTIL(count >= 3));
    CHECK_EQ(value, 42);
    CHECK(timer_gettime(id, &left) == 0 && left.it_interval.tv_nsec == 10000000);
    mask(SIG_BLOCK, SIGRTMIN + 3);
    CHECK_EQ(CHILD(CHECK_ERR(EINVAL, timer_gettime(id, &left))), 0); /* fork: no timers */
    CHECK(timer_delete(id) == 0);
}

/* A process of three threads that runs the statements in its first. */
#define WITH_THREADS(second, ...) \
    START({ \
        pthread_t t_; \
        pthread_create(&t_, NULL, second, NULL); \
        pthread_create(&t_, NULL, spinner, NULL); \
        __VA_ARGS__; \
    })

static void whole_process(void)
{
    volatile int *seen = map_shared(PAGE);
    int status;
    pid_t pid = WITH_THREADS(sleeper, CHECK(WAIT_UNTIL(*seen)); _exit(5));

    msleep(50);
    kill(pid, SIGSTOP);
    CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
    SAY("stopped %#x\n", status);
    kill(pid, SIGCONT);
    CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
    CHECK_EQ(status, 0xffff);
    *seen = 1;
    CHECK_EQ(status_of(pid), EXITED(5));
    CHECK_EQ(status_of(WITH_THREADS(ender, for (;;) pause())), EXITED(7));
    CHECK_EQ(status_of(WITH_THREADS(execer, for (;;) pause())), EXITED(9));
    pid = WITH_THREADS(sleeper, for (;;) pause());
    msleep(50);
    kill(pid, SIGTERM);
    CHECK_EQ(status_of(pid), KILLED(SIGTERM));
    pid = WITH_THREADS(sleeper, for (;;) pause());
    msleep(50);
    kill(pid, SIGQUIT);
    CHECK_EQ(status_of(pid) & ~0x80, KILLED(SIGQUIT));
}

static void profile(void)
{
    CHECK_EQ(CHILD({
                 struct itimerval every = { { 0, 2000 }, { 0, 2000 } };
                 handle(SIGPROF, note, 0);
                 count = 0;
                 setitimer(ITIMER_PROF, &every, NULL);
                 while (count < 5)
                     ;
             }),
             0);
}

static void test(void)
{
    leader = pthread_self();
    who_takes_it();
    timer_signals();
    whole_process();
    profile();
}
