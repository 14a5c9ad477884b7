/* SCHED_DEADLINE: what is set is told; children have no part in it; all promises together must fit; on which CPUs
 * such a task may run; what is refused; and that it has its runtime next to others who want the CPU. */
#include "check.h"

#define POLICY 6
#define RESET  1

struct attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

static long set(uint64_t flags, long runtime_ms, long deadline_ms, long period_ms)
{
    struct attr a = { .size = sizeof a,
                      .policy = POLICY,
                      .flags = flags,
                      .runtime = runtime_ms * 1000000,
                      .deadline = deadline_ms * 1000000,
                      .period = period_ms * 1000000 };

    return syscall(SYS_sched_setattr, 0, &a, 0);
}

static long plain(void)
{
    int priority = 0;

    return syscall(SYS_sched_setscheduler, 0, 0, &priority);
}

static void told(void)
{
    struct attr a = { 0 };
    struct timespec turn = { 7, 7 };
    int priority = 7;

    CHECK_EQ(set(RESET, 10, 20, 30), 0);
    CHECK_EQ(syscall(SYS_sched_getattr, 0, &a, sizeof a, 0), 0);
    CHECK(a.policy == POLICY && a.flags == RESET && a.nice == 0 && a.priority == 0);
    CHECK(a.runtime == 10000000 && a.deadline == 20000000 && a.period == 30000000);
    CHECK_EQ(syscall(SYS_sched_getscheduler, 0), POLICY | 0x40000000);
    CHECK_EQ(syscall(SYS_sched_getparam, 0, &priority), 0);
    CHECK_EQ(priority, 0);
    CHECK_EQ(syscall(SYS_sched_rr_get_interval, 0, &turn), 0);
    CHECK(turn.tv_sec == 0 && turn.tv_nsec == 0);
    CHECK_EQ(CHILD(CHECK_EQ(syscall(SYS_sched_getscheduler, 0), 0)), 0);
    CHECK_EQ(set(0, 10, 30, 0), 0); /* the period is the deadline */
    CHECK_EQ(syscall(SYS_sched_getattr, 0, &a, sizeof a, 0), 0);
    CHECK_EQ(a.period, 30000000);
    CHECK_ERR(EAGAIN, fork());
    CHECK_EQ(plain(), 0);
    CHECK_EQ(CHILD(), 0);
}

static void refused(void)
{
    unsigned long all, one = 1;

    CHECK_ERR(EINVAL, set(0, 0, 30, 30));
    CHECK_ERR(EINVAL, set(0, 10, 0, 30));
    CHECK_ERR(EINVAL, set(0, 40, 30, 30));
    CHECK_ERR(EINVAL, set(0, 10, 30, 20));
    CHECK_ERR(EINVAL, set(0, 10, 30, 5000));
    struct attr a = {
        .size = sizeof a, .policy = POLICY, .runtime = 1000, .deadline = 1000000, .period = 1000000
    };
    CHECK_ERR(EINVAL, syscall(SYS_sched_setattr, 0, &a, 0));
    a.runtime = 1100;
    a.period = a.deadline = 50000;
    CHECK_ERR(EINVAL, syscall(SYS_sched_setattr, 0, &a, 0));
    CHECK_EQ(CHILD(CHECK_EQ(setuid(12345), 0); CHECK_ERR(EPERM, set(0, 10, 30, 30))), 0);

    CHECK(syscall(SYS_sched_getaffinity, 0, sizeof all, &all) > 0);
    if (all != 1) { /* there are others */
        CHECK_EQ(CHILD(CHECK_EQ(set(0, 10, 30, 30), 0);
                       CHECK_ERR(EBUSY, syscall(SYS_sched_setaffinity, 0, sizeof one, &one))),
                 0);
        CHECK_EQ(CHILD(CHECK_EQ(syscall(SYS_sched_setaffinity, 0, sizeof one, &one), 0);
                       CHECK_ERR(EPERM, set(0, 10, 30, 30))),
                 0);
    }
}

/* As many as fit have 60 %: on one CPU one, on two three. */
static void sums(void)
{
    int fit = (int)(sysconf(_SC_NPROCESSORS_ONLN) * 95 / 60), made = 0, full = 0;
    pid_t child[64];

    for (int i = 0; i <= fit && i < 64; i++) {
        int ready[2];
        char c = 0;
        CHECK_EQ(pipe(ready), 0);
        child[i] = fork();
        if (child[i] == 0) {
            c = set(0, 60, 100, 100) == 0 ? 'y' : errno == EBUSY ? 'n' : '?';
            if (write(ready[1], &c, 1) == 1)
                pause();
            _exit(1);
        }
        CHECK_EQ(read(ready[0], &c, 1), 1);
        made += c == 'y';
        full += c == 'n';
        close(ready[0]);
        close(ready[1]);
    }
    CHECK_EQ(made, fit);
    CHECK_EQ(full, 1);
    for (int i = 0; i <= fit && i < 64; i++) {
        kill(child[i], SIGKILL);
        status_of(child[i]);
    }
    CHECK(WAIT_UNTIL(set(0, 60, 100, 100) ==
                     0)); /* what ended gives it back, on Linux a period later */
    CHECK_EQ(plain(), 0);
}

static long used_us(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* With nine others on each CPU one has a tenth, and who was promised half of it more than thrice that. */
static void effect(void)
{
    enum { MOST = 64 };
    int others = 9 * (int)sysconf(_SC_NPROCESSORS_ONLN);
    pid_t child[MOST];
    long used = 0;

    others = others < MOST ? others : MOST;
    for (int i = 0; i < others; i++)
        child[i] = START(for (volatile unsigned n = 0;; n++););
    CHECK_EQ(set(0, 50, 100, 100), 0);
    long before = used_us(CLOCK_PROCESS_CPUTIME_ID), start = now_ms();
    for (int i = 0; i < others; i++) {
        clockid_t clock;
        clock_getcpuclockid(child[i], &clock);
        used -= used_us(clock);
    }
    while (now_ms() - start < 1500)
        ;
    long mine = used_us(CLOCK_PROCESS_CPUTIME_ID) - before;
    for (int i = 0; i < others; i++) {
        clockid_t clock;
        clock_getcpuclockid(child[i], &clock);
        used += used_us(clock);
    }
    CHECK_EQ(plain(), 0);
    CHECK(mine > 3 * used / others);
    for (int i = 0; i < others; i++) {
        kill(child[i], SIGKILL);
        status_of(child[i]);
    }
}

/* Alone on its CPU, too, it has its runtime and no more; and who yields has had it. */
static void throttled(void)
{
    CHECK_EQ(set(0, 20, 100, 100), 0);
    long start = now_ms(), before = used_us(CLOCK_PROCESS_CPUTIME_ID);
    while (now_ms() - start < 1000)
        ;
    long used = used_us(CLOCK_PROCESS_CPUTIME_ID) - before;
    CHECK(used < 500000);
    CHECK_EQ(set(0, 20, 100, 100), 0);
    start = now_ms();
    for (int i = 0; i < 5; i++)
        sched_yield();
    CHECK(now_ms() - start > 300);
    CHECK_EQ(plain(), 0);
}

static volatile int overruns;
static void on_overrun(int sig)
{
    (void)sig;
    overruns++;
}

static void told_of_overruns(void)
{
    handle(SIGXCPU, on_overrun, 0);
    CHECK_EQ(set(4, 5, 50, 50), 0); /* SCHED_FLAG_DL_OVERRUN */
    long start = now_ms();
    while (now_ms() - start < 10000 && overruns < 3)
        ;
    CHECK(overruns >= 3);
    CHECK_EQ(plain(), 0);
}

static void test(void)
{
    told();
    refused();
    sums();
    effect();
    throttled();
    told_of_overruns();
}
