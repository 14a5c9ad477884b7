/* POSIX timers on CPU-time clocks: they count what their process or thread uses, and stand still while it
 * sleeps; of another process; of one that is no more; which clocks have timers at all. */
#include "threads.h"

#define CLOCK_OF(pid, kind) ((clockid_t)(~(unsigned)(pid) << 3 | (kind)))
enum { SCHED = 2, THREAD = 4 };

static int make(clockid_t clock, int notify, int signo)
{
    struct sigevent ev = { .sigev_notify = notify, .sigev_signo = signo };
    int id = -1;

    return syscall(SYS_timer_create, clock, &ev, &id) == 0 ? id : -1;
}

static long set(int id, int flags, long first_ms, long then_ms, struct itimerspec *old)
{
    struct itimerspec to = { { then_ms / 1000, then_ms % 1000 * 1000000 },
                             { first_ms / 1000, first_ms % 1000 * 1000000 } };

    return syscall(SYS_timer_settime, id, flags, &to, old);
}

static long left_ms(int id)
{
    struct itimerspec now;

    if (syscall(SYS_timer_gettime, id, &now) != 0)
        return -1;
    return now.it_value.tv_sec * 1000 + (now.it_value.tv_nsec + 999999) / 1000000;
}

static void drop(int id) { CHECK_EQ(syscall(SYS_timer_delete, id), 0); }

static long used_ms(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void burn(long ms)
{
    long until = used_ms(CLOCK_THREAD_CPUTIME_ID) + ms;

    while (used_ms(CLOCK_THREAD_CPUTIME_ID) < until)
        ;
}

static volatile int hits, code, overrun;

static void note(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)context;
    hits++;
    code = info->si_code;
    overrun = info->si_overrun;
}

static void own(clockid_t clock)
{
    int id = make(clock, SIGEV_SIGNAL, SIGUSR1);
    struct itimerspec old;
    sigset_t mask;

    hits = 0;
    long before = used_ms(clock);
    CHECK_EQ(set(id, 0, 20, 0, NULL), 0);
    msleep(60);
    CHECK_EQ(hits, 0);
    long left = left_ms(id);
    CHECK(left > 0 && left <= 20);
    for (int i = 0; i < 2000 && hits == 0; i++)
        burn(1);
    CHECK_EQ(hits, 1);
    CHECK_EQ(code, SI_TIMER);
    CHECK(used_ms(clock) - before >= 19);
    CHECK_EQ(left_ms(id), 0);

    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    before = used_ms(clock);
    CHECK_EQ(set(id, 0, 10, 10, NULL), 0);
    burn(105);
    hits = 0;
    sigprocmask(SIG_UNBLOCK, &mask, NULL);
    CHECK_EQ(hits, 1);
    CHECK(overrun >= 6 &&
          overrun <= (used_ms(clock) - before) / 10 + 1); /* a slow machine burns more */
    CHECK(syscall(SYS_timer_getoverrun, id) >= 6);
    CHECK_EQ(set(id, 0, 0, 5, &old), 0);
    CHECK(old.it_interval.tv_nsec == 10000000 && old.it_value.tv_nsec <= 10000000);
    CHECK_EQ(left_ms(id), 0);

    hits = 0;
    CHECK_EQ(set(id, TIMER_ABSTIME, 1, 0, NULL), 0); /* long ago */
    CHECK(WAIT_UNTIL(hits == 1));
    CHECK_EQ(set(id, TIMER_ABSTIME, used_ms(clock) + 5000, 0, NULL), 0);
    left = left_ms(id);
    CHECK(left > 4000 && left <= 5001);
    drop(id);
    CHECK_ERR(EINVAL, set(id, 0, 1, 0, NULL));
}

static void unheard(void)
{
    int id = make(CLOCK_PROCESS_CPUTIME_ID, SIGEV_NONE, 0);

    CHECK_EQ(set(id, 0, 10, 0, NULL), 0);
    burn(30);
    CHECK_EQ(left_ms(id), 0);
    CHECK_EQ(set(id, 0, 10, 10, NULL), 0);
    burn(35);
    CHECK(left_ms(id) > 0 && left_ms(id) <= 10);
    drop(id);
}

static void of_a_child(void)
{
    pid_t child = START(for (volatile unsigned n = 0;; n++););
    int id = make(CLOCK_OF(child, SCHED), SIGEV_SIGNAL, SIGUSR1);
    siginfo_t info;

    CHECK(id >= 0);
    hits = 0;
    CHECK_EQ(set(id, 0, 30, 0, NULL), 0);
    CHECK(WAIT_UNTIL(hits == 1));
    CHECK(used_ms(CLOCK_OF(child, SCHED)) >= 30);
    CHECK_EQ(set(id, 0, 1000000, 0, NULL), 0);
    kill(child, SIGKILL);
    waitid(P_PID, child, &info, WEXITED);
    CHECK_EQ(left_ms(id), 0);
    CHECK_ERR(ESRCH, set(id, 0, 10, 0, NULL));
    drop(id);
}

static volatile int done;
static volatile pid_t tid;

static void *works(void *arg)
{
    tid = my_tid();
    while (!done)
        burn(1);
    return arg;
}

static void of_a_thread(void)
{
    pthread_t thread = start(works, NULL);

    CHECK(WAIT_UNTIL(tid != 0));
    int id = make(CLOCK_OF(tid, SCHED | THREAD), SIGEV_SIGNAL, SIGUSR1);
    hits = 0;
    CHECK_EQ(set(id, 0, 30, 0, NULL), 0);
    CHECK(WAIT_UNTIL(hits == 1));
    CHECK_EQ(set(id, 0, 1000000, 0, NULL), 0);
    done = 1;
    join(thread);
    CHECK(WAIT_UNTIL(left_ms(id) == 0));
    CHECK_ERR(ESRCH, set(id, 0, 10, 0, NULL));
    drop(id);
}

static void refused(void)
{
    static const int clocks[] = {
        CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, 10, 12, 100
    };

    for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        int id = make(clocks[i], SIGEV_NONE, 0);
        SAY("clock %d: %d\n", clocks[i], id < 0 ? errno : 0);
    }
    CHECK_ERR(EINVAL, make(CLOCK_OF(getppid(), SCHED | THREAD), SIGEV_NONE, 0));
    CHECK_ERR(EINVAL, make(CLOCK_OF(0x3fffff, SCHED), SIGEV_NONE, 0));
    CHECK_ERR(EINVAL, make(CLOCK_OF(0, 3 | THREAD), SIGEV_NONE, 0));
    CHECK_ERR(EOPNOTSUPP, make(CLOCK_OF(0, 3), SIGEV_NONE, 0));
    CHECK_ERR(EINVAL, make(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, 65));
    CHECK_ERR(EINVAL, make(CLOCK_MONOTONIC, 99, SIGUSR1));
    int id = make(CLOCK_MONOTONIC, SIGEV_THREAD, SIGUSR1); /* a signal, to the kernel */
    CHECK(id >= 0);
    drop(id);
}

static void test(void)
{
    struct sigaction action = { .sa_sigaction = note, .sa_flags = SA_SIGINFO };

    sigaction(SIGUSR1, &action, NULL);
    refused();
    own(CLOCK_PROCESS_CPUTIME_ID);
    own(CLOCK_THREAD_CPUTIME_ID);
    unheard();
    of_a_child();
    of_a_thread();
}
