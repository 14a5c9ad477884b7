/* CPU-time clocks: of other processes and of threads; sleeping on them until a process has used so much,
 * cut short by a signal or not, and what is refused. */
#include "threads.h"
#include <time.h>

#define CLOCK_OF(pid, kind) ((clockid_t)(~(unsigned)(pid) << 3 | (kind)))
enum { VIRT = 1, SCHED = 2, THREAD = 4 };

/* The kernel's: the library refuses some itself. */
static long sleep_on(clockid_t clock, int flags, const struct timespec *t, struct timespec *left)
{
    return syscall(SYS_clock_nanosleep, clock, flags, t, left);
}

static long used_ms(clockid_t clock)
{
    struct timespec t;

    if (clock_gettime(clock, &t) != 0)
        return -1;
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static const struct timespec some = { 0, 40000000 }, bad = { 0, -1 }, much = { 5000, 0 };

static void refused(void)
{
    int me = getpid();
    struct timespec now;

    CHECK_ERR(EOPNOTSUPP, sleep_on(CLOCK_THREAD_CPUTIME_ID, 0, &some, NULL));
    CHECK_ERR(EINVAL, sleep_on(CLOCK_OF(0, SCHED | THREAD), 0, &some, NULL));
    CHECK_ERR(EINVAL, sleep_on(CLOCK_OF(me, SCHED | THREAD), 0, &some, NULL));
    CHECK_ERR(EINVAL, sleep_on(CLOCK_OF(me, 3 | THREAD), 0, &some, NULL));
    CHECK_ERR(EINVAL, sleep_on(CLOCK_OF(0x3fffff, SCHED), 0, &some, NULL));
    CHECK_ERR(EINVAL, sleep_on(CLOCK_OF(me, SCHED), 0, &bad, NULL));
    CHECK_ERR(EFAULT, sleep_on(CLOCK_OF(0x3fffff, SCHED), 0, NULL, NULL));
    CHECK_ERR(EINVAL, sleep_on(CLOCK_PROCESS_CPUTIME_ID, 0, &bad, NULL));
    CHECK_EQ(sleep_on(CLOCK_PROCESS_CPUTIME_ID, 0, &(struct timespec){ 0, 0 }, NULL), 0);
    CHECK_EQ(sleep_on(CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &(struct timespec){ 0, 1 }, NULL),
             0);
    CHECK_ERR(EINVAL, clock_gettime(CLOCK_OF(getppid(), SCHED | THREAD), &now));
}

static void burn(void)
{
    for (volatile unsigned n = 0;; n++)
        ;
}

/* A child that works, and then is no more. */
static void of_a_child(void)
{
    clockid_t clock;
    pid_t child = START(burn());

    CHECK_EQ(clock_getcpuclockid(child, &clock), 0);
    CHECK_EQ(sleep_on(clock, 0, &some, NULL), 0);
    CHECK(used_ms(clock) >= 40);
    struct timespec until = { 0, 120000000 };
    CHECK_EQ(sleep_on(CLOCK_OF(child, VIRT), TIMER_ABSTIME, &until, NULL), 0);
    CHECK(used_ms(CLOCK_OF(child, VIRT)) >= 120);
    kill(child, SIGKILL);
    status_of(child);
    CHECK_ERR(EINVAL, sleep_on(clock, 0, &some, NULL));
    CHECK_EQ(used_ms(clock), -1);
}

static volatile int done;
static volatile pid_t tid;

static void *works(void *arg)
{
    (void)arg;
    tid = my_tid();
    while (!done)
        ;
    return NULL;
}

static void of_a_thread(void)
{
    clockid_t clock;
    pthread_t thread = start(works, NULL);
    long before = used_ms(CLOCK_THREAD_CPUTIME_ID);

    CHECK(WAIT_UNTIL(tid != 0));
    CHECK_EQ(pthread_getcpuclockid(thread, &clock), 0);
    CHECK_EQ(sleep_on(clock, 0, &some, NULL), 0);
    CHECK(used_ms(clock) >= 40);
    CHECK_EQ(sleep_on(CLOCK_PROCESS_CPUTIME_ID, 0, &some, NULL), 0); /* it works for this one */
    CHECK(used_ms(CLOCK_PROCESS_CPUTIME_ID) >= 80);
    CHECK(used_ms(CLOCK_THREAD_CPUTIME_ID) - before < 40);
    done = 1;
    join(thread);
}

static volatile int handled;
static void note(int sig) { handled += sig == SIGUSR1; }

static void signals(void)
{
    for (int absolute = 0; absolute < 2; absolute++) {
        handle(SIGUSR1, note, 0);
        pid_t child = START(
            struct timespec left = { 7, 7 };
            CHECK_ERR(EINTR, sleep_on(CLOCK_PROCESS_CPUTIME_ID, absolute ? TIMER_ABSTIME : 0, &much,
                                      &left));
            CHECK(absolute ? left.tv_sec == 7 : left.tv_sec == 4999 && left.tv_nsec > 900000000));
        CHECK(WAIT_UNTIL(sleeps_in(child, child) == SYS_clock_nanosleep));
        kill(child, SIGSTOP); /* that alone does not end it */
        CHECK_EQ(waitpid(child, NULL, WUNTRACED), child);
        kill(child, SIGCONT);
        CHECK(WAIT_UNTIL(sleeps_in(child, child) >= 0));
        kill(child, SIGUSR1);
        CHECK_EQ(status_of(child), 0);
    }
}

static void test(void)
{
    refused();
    of_a_child();
    of_a_thread();
    signals();
}
