/* Affinity: a task runs only on the CPUs of its mask, from the moment the call
 * returns, whether it runs, waits to run or sleeps; fork, vfork, clone and exec inherit
 * the mask; and the calls refuse what Linux refuses.  The same on any number of CPUs. */
#include "check.h"

#define BYTES sizeof(cpu_set_t)

#define ONLY "AFFINITY_TEST_ONLY_LOOKS"

static cpu_set_t all; /* what this program may use */

static int set(pid_t pid, int cpu)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    return sched_setaffinity(pid, BYTES, &one);
}

/* The CPU that is the whole mask of pid, else -1. */
static int only_cpu(pid_t pid)
{
    cpu_set_t now;

    CHECK(sched_getaffinity(pid, BYTES, &now) == 0);
    if (CPU_COUNT(&now) != 1)
        return -1;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &now))
            return cpu;
    return -1;
}

#define FOR_EACH_CPU(cpu) \
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) \
        if (CPU_ISSET(cpu, &all))

static void refusals(void)
{
    unsigned long mask[16] = { 0 };
    cpu_set_t none;
    pid_t gone = START();

    CPU_ZERO(&none);
    status_of(gone);
    CHECK_ERR(EINVAL, sched_setaffinity(0, BYTES, &none));
    CHECK_ERR(EINVAL, sched_setaffinity(0, 0, &all));
    CPU_SET(CPU_SETSIZE - 1, &none); /* no machine of a test has that one */
    CHECK_ERR(EINVAL, sched_setaffinity(0, BYTES, &none));
    CHECK_ERR(EFAULT, sched_setaffinity(0, BYTES, (cpu_set_t *)8));
    CHECK_ERR(ESRCH, sched_setaffinity(gone, BYTES, &all));
    CHECK_ERR(ESRCH, sched_setaffinity(gone, BYTES, &none));
    CHECK_ERR(ESRCH, sched_setaffinity(-1, BYTES, &all));
    CHECK_ERR(ESRCH, sched_getaffinity(gone, BYTES, &none));
    CHECK_ERR(EINVAL, syscall(SYS_sched_getaffinity, 0, 0, mask));
    CHECK_ERR(EINVAL, syscall(SYS_sched_getaffinity, 0, 4, mask));
    CHECK_ERR(EINVAL, syscall(SYS_sched_getaffinity, 0, 129, mask));
    CHECK_ERR(EFAULT, syscall(SYS_sched_getaffinity, 0, 128, 8L));
    long bytes = syscall(SYS_sched_getaffinity, 0, 128, mask);
    CHECK(bytes > 0 && bytes % 8 == 0 && bytes <= 128);
    CHECK(sched_getaffinity(0, BYTES, &all) == 0);
    CHECK(CPU_COUNT(&all) == sysconf(_SC_NPROCESSORS_ONLN));

    /* The mask may be shorter, and may name CPUs that are not there besides. */
    uint32_t half = 1;
    cpu_set_t more = all;
    if (CPU_ISSET(0, &all)) {
        CHECK(syscall(SYS_sched_setaffinity, 0, 4, &half) == 0);
        CHECK_EQ(only_cpu(0), 0);
    }
    CPU_SET(CPU_SETSIZE - 1, &more);
    CHECK(sched_setaffinity(0, BYTES, &more) == 0);
    CHECK(sched_getaffinity(0, BYTES, &more) == 0);
    CHECK(CPU_EQUAL(&more, &all));

    int status = CHILD(CHECK(setuid(1000) == 0); CHECK(sched_setaffinity(0, BYTES, &all) == 0);
                       CHECK_ERR(EPERM, sched_setaffinity(getppid(), BYTES, &all));
                       CHECK(sched_getaffinity(getppid(), BYTES, &more) == 0));
    CHECK_EQ(status, 0);
}

static void runs_where_it_may(void)
{
    FOR_EACH_CPU(cpu)
    {
        CHECK(set(0, cpu) == 0);
        CHECK_EQ(sched_getcpu(), cpu);
        unsigned here = 0, node = 0;
        CHECK(syscall(SYS_getcpu, &here, &node, NULL) == 0);
        CHECK_EQ(here, cpu);
        for (int i = 0; i < 20; i++) {
            sched_yield();
            CHECK_EQ(sched_getcpu(), cpu);
        }
        msleep(1);
        CHECK_EQ(sched_getcpu(), cpu);
    }
    CHECK(sched_setaffinity(0, BYTES, &all) == 0);
    CHECK_ERR(EFAULT, syscall(SYS_getcpu, 8L, NULL, NULL));
}

static void inherited(void)
{
    FOR_EACH_CPU(cpu)
    {
        CHECK(set(0, cpu) == 0);
        CHECK_EQ(CHILD(CHECK_EQ(sched_getcpu(), cpu); CHECK_EQ(only_cpu(0), cpu)), 0);
        CHECK_EQ(VCHILD(CHECK_EQ(sched_getcpu(), cpu)), 0);
        CHECK_EQ(CHILD(setenv(ONLY, "", 1); execl("/proc/self/exe", "affinity", (char *)NULL)),
                 EXITED(7));
    }
    CHECK(sched_setaffinity(0, BYTES, &all) == 0);
}

/* A child that says where it is, all the time. */
static void moved_while_it_runs(void)
{
    volatile int *where = map_shared(PAGE);
    where[0] = -1;
    pid_t child = START(for (;;) where[0] = (where[1]++, sched_getcpu()));

    CHECK(WAIT_UNTIL(where[0] >= 0));
    for (int round = 0; round < 3; round++) {
        FOR_EACH_CPU(cpu)
        {
            CHECK(set(child, cpu) == 0);
            int before = where[1];
            CHECK(WAIT_UNTIL(where[1] > before + 2)); /* what it had begun is over */
            for (int i = 0; i < 10; i++) {
                CHECK_EQ(where[0], cpu);
                sched_yield();
            }
        }
    }
    CHECK(child > 0 && kill(child, SIGKILL) == 0);
    CHECK_EQ(status_of(child), KILLED(SIGKILL));
}

/* One that computes and makes no call: it must be interrupted.  /proc says where it is. */
static void moved_while_it_computes(void)
{
    volatile int *work = map_shared(PAGE);
    pid_t child = START(for (;;) work[0]++);
    char path[64];

    CHECK(WAIT_UNTIL(work[0] != 0));
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)child);
    FOR_EACH_CPU(cpu)
    {
        CHECK(set(child, cpu) == 0);
        const char *at = strrchr(slurp(path), ')');
        for (int field = 2; at != NULL && field < 39; field++)
            at = strchr(at + 1, ' ');
        CHECK_EQ(at != NULL ? atoi(at) : -1, cpu);
        int before = work[0];
        CHECK(WAIT_UNTIL(work[0] != before));
    }
    CHECK(child > 0 && kill(child, SIGKILL) == 0);
    CHECK_EQ(status_of(child), KILLED(SIGKILL));
}

static void moved_while_it_sleeps(void)
{
    int to[2], from[2], cpu_now;
    char byte = 0;

    CHECK(pipe(to) == 0 && pipe(from) == 0);
    pid_t child = START(while (read(to[0], &byte, 1) == 1) {
        cpu_now = sched_getcpu();
        CHECK(write(from[1], &cpu_now, sizeof(cpu_now)) == sizeof(cpu_now));
        if (byte != 0)
            _exit(0);
    });

    FOR_EACH_CPU(cpu)
    {
        CHECK(WAIT_UNTIL(state_of(child) == 'S'));
        CHECK(set(child, cpu) == 0);
        CHECK(write(to[1], &byte, 1) == 1);
        CHECK(read(from[0], &cpu_now, sizeof(cpu_now)) == sizeof(cpu_now));
        CHECK_EQ(cpu_now, cpu);
    }
    byte = 1;
    CHECK(write(to[1], &byte, 1) == 1);
    CHECK_EQ(status_of(child), 0);
}

/* Two that send each other from CPU to CPU both go on. */
static void move_each_other(void)
{
    volatile int *ready = map_shared(PAGE);
    pid_t mother = getpid();
    pid_t child = START(ready[0] = 1; while (!ready[1]) FOR_EACH_CPU(cpu) set(mother, cpu));

    CHECK(WAIT_UNTIL(ready[0]));
    for (int i = 0; i < 50; i++)
        FOR_EACH_CPU(cpu)
    CHECK(set(child, cpu) == 0);
    ready[1] = 1;
    CHECK_EQ(status_of(child), 0);
    CHECK(sched_setaffinity(0, BYTES, &all) == 0);
}

static void test(void)
{
    if (getenv(ONLY) != NULL) /* started by inherited() */
        _exit(only_cpu(0) == sched_getcpu() ? 7 : 1);
    CHECK(sched_getaffinity(0, BYTES, &all) == 0);
    refusals();
    runs_where_it_may();
    inherited();
    moved_while_it_runs();
    moved_while_it_computes();
    moved_while_it_sleeps();
    move_each_other();
}
