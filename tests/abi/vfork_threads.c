/* vfork in a process with threads: the caller alone is suspended; several at once each wait for
 * their own child; a sibling's exit_group or exec kills the caller and not the child; another thread may
 * reap meanwhile; a thread made with CLONE_VFORK; a child whose leader ends before its other threads. */
#include "threads.h"

static volatile int go, count, in_child;
static volatile int *stage; /* shared with other processes */

static void *counts(void *arg)
{
    while (!go)
        count++;
    return arg;
}

static void siblings_run(void)
{
    pthread_t thread = start(counts, NULL);

    CHECK(WAIT_UNTIL(count > 0));
    CHECK_EQ(VCHILD({
                 int before = count;
                 in_child = WAIT_UNTIL(count != before);
             }),
             0);
    CHECK_EQ(in_child, 1);
    go = 1;
    join(thread);
}

/* --- each for its own child ------------------------------------------------------------ */

enum { FORKERS = 6 };

static volatile int released[FORKERS], gone[FORKERS];

static void *forks(void *arg)
{
    long me = (long)arg;
    pid_t pid = vfork();

    if (pid == 0) {
        while (!released[me])
            usleep(1000);
        gone[me] = 1;
        _exit(me + 1);
    }
    CHECK_EQ(gone[me], 1);
    return (void *)(long)status_of(pid);
}

static void each_its_own(void)
{
    static const int order[FORKERS] = { 3, 0, 5, 1, 4, 2 };
    pthread_t thread[FORKERS];

    for (long i = 0; i < FORKERS; i++)
        thread[i] = start(forks, (void *)i);
    msleep(50);
    for (int i = 0; i < FORKERS; i++) {
        released[order[i]] = 1; /* only this one returns: the others' children still run */
        CHECK_EQ(join(thread[order[i]]), EXITED(order[i] + 1));
        for (int j = i + 1; j < FORKERS; j++)
            CHECK_EQ(gone[order[j]], 0);
    }
}

static void *short_vforks(void *arg)
{
    char *argv[] = { "true", NULL };
    long bad = 0;

    for (int i = 0; i < 15; i++) {
        pid_t pid = vfork();
        if (pid == 0) {
            if ((i + (long)arg) % 3 == 0)
                execvp("true", argv);
            _exit(i);
        }
        int status = status_of(pid);
        bad += status != 0 && status != EXITED(i);
    }
    return (void *)bad;
}

/* --- a sibling ends the process, or becomes another -------------------------------------- */

static void *blocked(void *arg)
{
    if (vfork() == 0) {
        *stage = 1;
        while (*stage < 2)
            usleep(1000);
        stage[1] = getppid() == 1 || getppid() != (int)(long)arg;
        *stage = 3;
        _exit(0);
    }
    *stage = 9; /* released: must not be */
    return NULL;
}

static void *exits_7(void *arg)
{
    while (*stage != 1)
        usleep(1000);
    _exit(7);
    return arg;
}

static void *execs(void *arg)
{
    char *argv[] = { "sh", "-c", "exit 8", NULL };

    while (*stage != 1)
        usleep(1000);
    execvp("sh", argv);
    return arg;
}

static void ended_by_sibling(void *(*how)(void *), int status, int from_main)
{
    *stage = 0;
    pid_t pid = START({
        void *me = (void *)(long)getpid();
        if (from_main) {
            start(blocked, me);
            how(NULL);
        }
        start(how, NULL);
        blocked(me);
    });
    CHECK_EQ(status_of(pid), EXITED(status));
    CHECK_EQ(*stage, 1);
    *stage = 2;
    CHECK(WAIT_UNTIL(*stage == 3));
}

/* A fatal signal kills the blocked thread with its process at once; the child runs on. */
static void killed(int sig)
{
    *stage = 0;
    pid_t pid = START({
        start(blocked, NULL);
        for (;;)
            pause();
    });
    CHECK(WAIT_UNTIL(*stage == 1));
    kill(pid, sig);
    CHECK_EQ(status_of(pid), KILLED(sig));
    CHECK_EQ(*stage, 1);
    *stage = 2;
    CHECK(WAIT_UNTIL(*stage == 3));
}

/* --- who reaps ------------------------------------------------------------------------- */

static volatile int reaped;

static void *reaps(void *arg)
{
    int status;

    while (waitpid(-1, &status, 0) > 0 || errno != ECHILD || !go)
        reaped++;
    return arg;
}

static void reaped_by_another(void)
{
    go = 0;
    pid_t keep = START(for (;;) pause()); /* so that waitpid blocks */
    pthread_t thread = start(reaps, NULL);
    for (int i = 0; i < 20; i++) {
        pid_t pid = vfork();
        if (pid == 0)
            _exit(0);
        CHECK(pid > 0);
    }
    go = 1;
    kill(keep, SIGKILL);
    join(thread);
    CHECK_EQ(reaped, 21);
}

/* --- by clone --------------------------------------------------------------------------- */

static char stack[65536] __attribute__((aligned(16)));

static int slow_thread(void *arg)
{
    usleep(100000);
    *(volatile int *)arg = 1;
    return 0;
}

static void vfork_of_a_thread(void)
{
    volatile int done = 0;
    long begin = now_ms();
    int tid = clone(slow_thread, stack + sizeof(stack),
                    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                        CLONE_SYSVSEM | CLONE_VFORK,
                    (void *)&done);

    CHECK(tid > 0);
    CHECK_EQ(done, 1);
    CHECK(now_ms() - begin >= 100);
    CHECK_ERR(ECHILD, waitpid(tid, NULL, __WALL));
}

static volatile int late_stage;
static int late_thread(void *arg)
{
    (void)arg;
    while (late_stage == 1)
        usleep(1000);
    late_stage = 3;
    return 0;
}

/* The child makes a thread of its own, and its leader ends: that releases, but there is nothing to
 * reap before that thread's end. */
static void leader_ends_first(void)
{
    late_stage = 1;
    pid_t pid = vfork();
    if (pid == 0) {
        clone(late_thread, stack + sizeof(stack),
              CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
              NULL);
        syscall(SYS_exit, 5);
    }
    CHECK_EQ(late_stage, 1);
    CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
    late_stage = 2;
    CHECK_EQ(status_of(pid), EXITED(0));
    CHECK_EQ(late_stage, 3);
}

static void test(void)
{
    stage = map_shared(PAGE);
    siblings_run();
    each_its_own();
    pthread_t thread[4];
    for (long i = 0; i < 4; i++)
        thread[i] = start(short_vforks, (void *)i);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(join(thread[i]), 0);
    ended_by_sibling(exits_7, 7, 0);
    ended_by_sibling(exits_7, 7, 1);
    ended_by_sibling(execs, 8, 0);
    ended_by_sibling(execs, 8, 1);
    killed(SIGKILL);
    killed(SIGTERM);
    reaped_by_another();
    vfork_of_a_thread();
    leader_ends_first();
}
