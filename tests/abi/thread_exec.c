/* exec by the leader or by another thread while siblings run, sleep in a futex, in read, in
 * wait, in nanosleep or stand in vfork: they die, the new program has the process's PID and one
 * thread, pipes and exit status are its own.  Also when two threads exec at once. */
#include "threads.h"

enum { KINDS = 7 };

static volatile pid_t tids[KINDS];
static volatile int *vfork_stage; /* shared */
static uint32_t word;
static int never[2];

static void *spins(void *arg)
{
    tids[0] = my_tid();
    for (volatile long i = 0;; i++)
        ;
    return arg;
}
static void *in_futex(void *arg)
{
    tids[1] = my_tid();
    futex(&word, FUTEX_WAIT_PRIVATE, 0, 0, 0, 0);
    return arg;
}
static void *in_pause(void *arg)
{
    tids[4] = my_tid();
    for (;;)
        pause();
    return arg;
}

static void *in_read(void *arg)
{
    char c;
    tids[2] = my_tid();
    CHECK(read(never[0], &c, 1) == -2);
    return arg;
}

static void *in_wait(void *arg)
{
    tids[3] = my_tid();
    waitpid(*(pid_t *)arg, NULL, 0);
    return arg;
}

static void *in_vfork(void *arg)
{
    tids[5] = my_tid();
    if (vfork() == 0) {
        *vfork_stage = 1;
        while (*vfork_stage == 1)
            usleep(2000);
        *vfork_stage = 3;
        _exit(0);
    }
    return arg;
}

static void *yields(void *arg)
{
    tids[6] = my_tid();
    for (;;)
        sched_yield();
    return arg;
}

static void siblings(pid_t *child)
{
    static const long where[KINDS] = {
        -1, SYS_futex, SYS_read, SYS_wait4, SYS_pause, SYS_vfork, -1
    };

    *child = START(for (;;) pause());
    start(spins, NULL);
    start(in_futex, NULL);
    start(in_read, NULL);
    start(in_wait, child);
    start(in_pause, NULL);
    start(in_vfork, NULL);
    start(yields, NULL);
    for (int i = 0; i < KINDS; i++) {
        if (where[i] == SYS_vfork)
            CHECK(WAIT_UNTIL(*vfork_stage == 1));
        else if (where[i] == SYS_pause)
            CHECK(WAIT_UNTIL(tids[i] != 0 && sleeps_in(getpid(), tids[i]) >= 0));
        else if (where[i] >= 0)
            CHECK(wait_asleep(&tids[i], where[i]));
    }
}

/* The new program: says whether it is what the old one was. */
static char *const shell[] = {
    "sh", "-c", "test $$ = $WAS && echo same PID; grep -c Threads:.1$ /proc/$$/status; exit 3", NULL
};

static void become_shell(void)
{
    char was[16];

    snprintf(was, sizeof(was), "%d", getpid());
    setenv("WAS", was, 1);
    execvp("sh", shell);
    _exit(99);
}

static void *exec_here(void *arg)
{
    become_shell();
    return arg;
}

static void with_siblings(int from_leader)
{
    pid_t *child = map_shared(PAGE);

    vfork_stage = map_shared(PAGE);
    memset((void *)tids, 0, sizeof(tids));
    pid_t pid = START({
        siblings(child);
        if (from_leader)
            become_shell();
        start(exec_here, NULL);
        for (;;)
            pause();
    });
    CHECK_EQ(status_of(pid), EXITED(3));
    CHECK_EQ(*vfork_stage, 1); /* the child of the vfork lives on in the old memory */
    *vfork_stage = 2;
    CHECK(WAIT_UNTIL(*vfork_stage == 3));
    if (*child > 0)
        kill(*child, SIGKILL);
}

/* --- two at once --------------------------------------------------------------------- */

static pthread_barrier_t gate;

static void *exec_race(void *arg)
{
    char *argv[] = { "sh", "-c", arg, NULL };

    pthread_barrier_wait(&gate);
    execvp("sh", argv);
    return NULL;
}

static void *exit_race(void *arg)
{
    pthread_barrier_wait(&gate);
    _exit((int)(long)arg);
}

/* One of them wins; nothing in between. */
static void races(void)
{
    for (int round = 0; round < 12; round++) {
        int status = CHILD({
            pthread_barrier_init(&gate, NULL, 3);
            start(exec_race, "exit 4");
            start(exec_race, "exit 5");
            exec_race("exit 6");
            for (;;)
                pause();
        });
        CHECK(status == EXITED(4) || status == EXITED(5) || status == EXITED(6));
        status = CHILD({
            pthread_barrier_init(&gate, NULL, 3);
            start(exit_race, (void *)7);
            start(exec_race, "exit 4");
            exec_race("exit 5");
            for (;;)
                pause();
        });
        CHECK(status == EXITED(4) || status == EXITED(5) || status == EXITED(7));
    }
}

/* A failed one harms nobody. */
static volatile int counted;
static void *counts(void *arg)
{
    while (counted >= 0) {
        counted++;
        msleep(1);
    }
    return arg;
}

static void *exec_nothing(void *arg)
{
    char *argv[] = { "none", NULL };

    CHECK_ERR(ENOENT, execv("/none", argv));
    CHECK_ERR(EACCES, execv("/etc/passwd", argv));
    return arg;
}

static void failed(void)
{
    pthread_t thread = start(counts, NULL);

    join(start(exec_nothing, NULL));
    int before = counted;
    CHECK(WAIT_UNTIL(counted > before + 2));
    counted = -1000;
    join(thread);
}

static void test(void)
{
    CHECK(pipe(never) == 0);
    with_siblings(1);
    with_siblings(0);
    races();
    failed();
}
