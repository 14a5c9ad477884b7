/* How tasks are scheduled: policies, who may ask for them, their effect on one CPU, and what a
 * child inherits; I/O priorities. */
#include "check.h"
#include <sys/prctl.h>

struct attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t util_min, util_max;
};
#define RESET_ON_FORK 1
#define KEEP_POLICY   8
#define KEEP_PARAMS   16
#define RESET_BIT     0x40000000

/* musl's wrappers of these refuse. */
static int set(pid_t pid, int policy, int priority)
{
    return (int)syscall(SYS_sched_setscheduler, pid, policy, &priority);
}
static int get(pid_t pid) { return (int)syscall(SYS_sched_getscheduler, pid); }
static int priority_of(pid_t pid)
{
    int p = -1;

    return syscall(SYS_sched_getparam, pid, &p) == 0 ? p : -1;
}
static int set_attr(struct attr *a) { return (int)syscall(SYS_sched_setattr, 0, a, 0); }

static void asking(void)
{
    struct attr a = { .size = sizeof(a), .policy = SCHED_RR, .priority = 7 };
    struct timespec turn;
    int p = 5;

    CHECK_EQ(get(0), SCHED_OTHER);
    CHECK(set(0, SCHED_FIFO, 12) == 0 && get(0) == SCHED_FIFO && priority_of(0) == 12);
    CHECK(sched_rr_get_interval(0, &turn) == 0 && turn.tv_sec == 0 && turn.tv_nsec == 0);
    CHECK(syscall(SYS_sched_setparam, 0, &p) == 0 && priority_of(0) == 5 && get(0) == SCHED_FIFO);
    const char *stat = strrchr(slurp("/proc/self/stat"), ')');
    int prio = 0, nice = 1, rt = 0, policy = 0;
    CHECK(sscanf(stat, ") %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %d %d", &prio,
                 &nice) == 2);
    SAY("stat: %d %d\n", prio, nice);
    for (int i = 3; i <= 40; i++)
        stat = strchr(stat + 1, ' ');
    CHECK(sscanf(stat, " %d %d", &rt, &policy) == 2 && rt == 5 && policy == SCHED_FIFO);
    CHECK(set_attr(&a) == 0 && get(0) == SCHED_RR && priority_of(0) == 7);
    CHECK(sched_rr_get_interval(0, &turn) == 0 && turn.tv_nsec > 0);
    a = (struct attr){ .size = sizeof(a), .policy = SCHED_OTHER, .nice = 3 };
    CHECK(set_attr(&a) == 0 && get(0) == SCHED_OTHER && getpriority(PRIO_PROCESS, 0) == 3);
    memset(&a, 7, sizeof(a));
    CHECK(syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0) == 0);
    SAY("attr: %u %u %#lx %d %u\n", a.size, a.policy, (long)a.flags, a.nice, a.priority);
    CHECK(syscall(SYS_sched_getattr, 0, &a, 48, 0) == 0 && a.size == 48);
    CHECK_ERR(EINVAL, syscall(SYS_sched_getattr, 0, &a, 47, 0));
    CHECK_ERR(EINVAL, syscall(SYS_sched_getattr, 0, &a, 8192, 0));
    CHECK_ERR(EINVAL, syscall(SYS_sched_getattr, 0, NULL, 48, 0));
    CHECK_ERR(EINVAL, syscall(SYS_sched_getattr, 0, &a, 48, 1));
    a.size = 20;
    CHECK_ERR(E2BIG, set_attr(&a));
    CHECK(a.size >= 48);
    a = (struct attr){ .size = 0, .policy = SCHED_BATCH };
    CHECK(set_attr(&a) == 0 && get(0) == SCHED_BATCH && getpriority(PRIO_PROCESS, 0) == 0);
    a = (struct attr){ .size = 48, .flags = 1ull << 40 };
    CHECK_ERR(EINVAL, set_attr(&a));
    a = (struct attr){ .size = 48, .flags = KEEP_POLICY | KEEP_PARAMS | RESET_ON_FORK };
    CHECK(set_attr(&a) == 0);
    CHECK(set(0, SCHED_IDLE, 0) == 0 && get(0) == SCHED_IDLE);
    CHECK(set(0, SCHED_OTHER, 0) == 0);
    CHECK_ERR(EINVAL, set(0, SCHED_FIFO, 0));
    CHECK_ERR(EINVAL, set(0, SCHED_FIFO, 100));
    CHECK_ERR(EINVAL, set(0, SCHED_OTHER, 1));
    CHECK_ERR(EINVAL, set(0, 4, 0));
    CHECK_ERR(EINVAL, set(0, -1, 0));
    CHECK_ERR(EINVAL, set(-1, SCHED_OTHER, 0));
    CHECK_ERR(ESRCH, set(0x3fffffff, SCHED_OTHER, 0));
    CHECK_ERR(EINVAL, syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, NULL));
    CHECK_ERR(EFAULT, syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, 8));
    CHECK_ERR(EINVAL, syscall(SYS_sched_getparam, 0, NULL));
}

static void inherited(void)
{
    CHECK(set(0, SCHED_RR, 4) == 0);
    CHECK_EQ(CHILD(CHECK(get(0) == SCHED_RR && priority_of(0) == 4)), 0);
    CHECK(set(0, SCHED_RR | RESET_BIT, 4) == 0 && get(0) == (SCHED_RR | RESET_BIT));
    CHECK_EQ(CHILD(CHECK(get(0) == SCHED_OTHER && priority_of(0) == 0)), 0);
    CHECK(set(0, SCHED_OTHER | RESET_BIT, 0) == 0 && setpriority(PRIO_PROCESS, 0, -5) == 0);
    CHECK_EQ(CHILD(CHECK(get(0) == SCHED_OTHER && getpriority(PRIO_PROCESS, 0) == 0)), 0);
    CHECK(set(0, SCHED_OTHER, 0) == 0 && setpriority(PRIO_PROCESS, 0, 0) == 0);
}

static void unprivileged(void)
{
    struct rlimit r = { 0, 0 };

    CHECK(setrlimit(RLIMIT_NICE, &r) == 0);
    CHECK(setrlimit(RLIMIT_RTPRIO, &r) == 0);
    if (setgid(1) != 0 || setuid(1) != 0)
        _exit(9);
    CHECK_ERR(EPERM, set(0, SCHED_FIFO, 1));
    CHECK_ERR(EPERM, set(getppid(), SCHED_BATCH, 0));
    CHECK(set(0, SCHED_OTHER | RESET_BIT, 0) == 0);
    CHECK_ERR(EPERM, set(0, SCHED_OTHER, 0));
    CHECK(set(0, SCHED_IDLE | RESET_BIT, 0) == 0);
    CHECK_ERR(EPERM, set(0, SCHED_OTHER | RESET_BIT, 0));
    CHECK_ERR(EPERM, set(0, SCHED_RR | RESET_BIT, 1));
}

/* --- the effect, on one CPU ------------------------------------------------------------- */

static volatile long *count; /* shared */

/* It ends, whatever becomes of the test: nobody else may get the CPU. */
static void spin(int which)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(5);
    for (;;)
        count[which]++;
}

static void work(long ms)
{
    for (long end = now_ms() + ms; now_ms() < end;)
        ;
}

static pid_t spinner(int which, int policy, int priority)
{
    pid_t pid = START({
        CHECK(set(0, policy, priority) == 0);
        spin(which);
    });
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    status_of(pid);
}

static void effect(void)
{
    int order[2], go[2][2];
    char got[3] = "";
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    CHECK(sched_setaffinity(0, sizeof(one), &one) == 0);
    CHECK(set(0, SCHED_FIFO, 50) == 0);
    /* Nobody else runs while one of them does. */
    pid_t other = START({
        set(0, SCHED_OTHER, 0);
        spin(0);
    });
    CHECK(set(other, SCHED_OTHER, 0) == 0);
    work(30);
    CHECK_EQ(count[0], 0);
    msleep(30);
    CHECK(count[0] > 0);
    /* Of those that wait the highest, though it came last. */
    CHECK(pipe(order) == 0);
    pid_t kids[2];
    for (int i = 0; i < 2; i++) {
        CHECK(pipe(go[i]) == 0);
        kids[i] = START({
            char c;
            CHECK(set(0, SCHED_FIFO, 10 + i) == 0);
            CHECK(read(go[i][0], &c, 1) == 1);
            CHECK(write(order[1], &"ab"[i], 1) == 1);
        });
    }
    CHECK(WAIT_UNTIL(state_of(kids[0]) == 'S' && state_of(kids[1]) == 'S'));
    CHECK(write(go[0][1], "x", 1) == 1 && write(go[1][1], "x", 1) == 1);
    CHECK(read(order[0], got, 1) == 1 && read(order[0], got + 1, 1) == 1);
    CHECK(strcmp(got, "ba") == 0);
    status_of(kids[0]);
    status_of(kids[1]);
    end(other);
    /* SCHED_FIFO has no turns, SCHED_RR has. */
    for (int policy = SCHED_FIFO; policy <= SCHED_RR; policy++) {
        count[1] = count[2] = 0;
        kids[0] = spinner(1, policy, 10);
        kids[1] = spinner(2, policy, 10);
        msleep(350);
        CHECK_EQ((count[1] > 0) + (count[2] > 0), policy == SCHED_FIFO ? 1 : 2);
        kill(kids[0], SIGKILL);
        kill(kids[1], SIGKILL);
        status_of(kids[0]);
        status_of(kids[1]);
    }
    /* An idler runs when nobody else does. */
    CHECK(set(0, SCHED_OTHER, 0) == 0);
    pid_t idler = spinner(3, SCHED_IDLE, 0);
    msleep(20);
    CHECK(WAIT_UNTIL(count[3] > 0));
    end(idler);
}

/* It has little of the CPU, next to somebody. */
static void idler_waits(void)
{
    pid_t pids[2];

    count[4] = count[5] = 0;
    pids[0] = spinner(4, SCHED_IDLE, 0);
    pids[1] = spinner(5, SCHED_OTHER, 0);
    msleep(300);
    CHECK(count[4] < count[5] / 4);
    end(pids[0]);
    end(pids[1]);
}

static void io(void)
{
#define IO(class, level) ((class) << 13 | (level))
    CHECK_EQ(syscall(SYS_ioprio_get, 1, 0), 0);
    CHECK(syscall(SYS_ioprio_set, 1, 0, IO(2, 6)) == 0);
    CHECK_EQ(syscall(SYS_ioprio_get, 1, getpid()), IO(2, 6));
    CHECK_EQ(CHILD(CHECK_EQ(syscall(SYS_ioprio_get, 1, 0), IO(2, 6))), 0);
    CHECK(syscall(SYS_ioprio_set, 1, 0, IO(1, 3)) == 0);
    CHECK_ERR(EINVAL, syscall(SYS_ioprio_set, 1, 0, IO(0, 1)));
    CHECK_ERR(EINVAL, syscall(SYS_ioprio_set, 1, 0, IO(4, 0)));
    CHECK_ERR(EINVAL, syscall(SYS_ioprio_set, 4, 0, IO(2, 0)));
    CHECK_ERR(EINVAL, syscall(SYS_ioprio_get, 0, 0));
    CHECK_ERR(ESRCH, syscall(SYS_ioprio_get, 1, 0x3fffffff));
    CHECK_ERR(ESRCH, syscall(SYS_ioprio_set, 2, 0x3fffffff, IO(2, 0)));
    CHECK_EQ(CHILD({
                 CHECK(setpgid(0, 0) == 0);
                 CHECK(syscall(SYS_ioprio_set, 2, 0, IO(2, 1)) == 0);
                 CHECK_EQ(syscall(SYS_ioprio_get, 2, 0), IO(2, 1));
                 CHECK(setgid(1) == 0 && setuid(1) == 0);
                 CHECK_ERR(EPERM, syscall(SYS_ioprio_set, 1, 0, IO(1, 0)));
                 CHECK_ERR(EPERM, syscall(SYS_ioprio_set, 1, getppid(), IO(2, 0)));
                 CHECK(syscall(SYS_ioprio_set, 1, 0, IO(3, 0)) == 0);
             }),
             0);
}

static void test(void)
{
    count = map_shared(4096);
    asking();
    inherited();
    CHECK_EQ(CHILD(unprivileged()), 0);
    effect();
    idler_waits();
    io();
}
