/* The end of threads and processes: exit_group from any thread with any siblings, its status
 * the process's; the first thread's end while others live (a zombie leader that nobody can
 * reap yet), the last thread's end; a fatal signal to any thread; clear_child_tid and join. */
#include "threads.h"

static uint32_t word;
static int never[2];

static void *spins(void *arg)
{
    for (volatile long i = 0;; i++)
        ;
    return arg;
}
static void *in_futex(void *arg)
{
    for (;;)
        futex(&word, FUTEX_WAIT_PRIVATE, 0, 0, 0, 0);
    return arg;
}
static void *in_pause(void *arg)
{
    for (;;)
        pause();
    return arg;
}
static void *in_read(void *arg)
{
    char c;
    while (read(never[0], &c, 1) < 0)
        ;
    return arg;
}
static void *exits(void *arg)
{
    msleep(20);
    _exit((int)(long)arg);
}
static void *exits_at_once(void *arg) { _exit((int)(long)arg); }
static void *libc_exits(void *arg) { exit((int)(long)arg); }
static void *aborts(void *arg)
{
    msleep(5);
    *(volatile int *)0 = 1;
    return arg;
}

static void siblings(void)
{
    void *(*const fn[])(void *) = { spins, in_futex, in_pause, in_read };

    for (int i = 0; i < 8; i++)
        start(fn[i % 4], NULL);
}

static void groups(void)
{
    CHECK_EQ(CHILD(siblings(); start(exits, (void *)11); for (;;) pause()), EXITED(11));
    CHECK_EQ(CHILD(siblings(); start(exits, (void *)12); spins(NULL)), EXITED(12));
    CHECK_EQ(CHILD(siblings(); msleep(10); _exit(13)), EXITED(13));
    CHECK_EQ(CHILD(siblings(); start(libc_exits, (void *)14); in_read(NULL)), EXITED(14));
    CHECK_EQ(CHILD(siblings(); start(aborts, NULL); in_read(NULL)) & ~0x80, KILLED(SIGSEGV));
    for (int i = 0; i < 20; i++) { /* all at once: the first one's counts */
        int status = CHILD({
            start(exits_at_once, (void *)1);
            start(exits_at_once, (void *)2);
            start(exits_at_once, (void *)3);
            _exit(4);
        });
        CHECK(status == EXITED(1) || status == EXITED(2) || status == EXITED(3) ||
              status == EXITED(4));
    }
}

/* --- the leader ends first ------------------------------------------------------------ */

static volatile int *stage; /* shared */

static void *outlives(void *arg)
{
    *stage = 1;
    while (*stage == 1)
        msleep(5);
    if (arg != NULL)
        _exit((int)(long)arg);
    return NULL;
}

#ifdef __GLIBC__
static pthread_t main_thread;

static void *joins_main(void *arg)
{
    void *value = NULL;
    (void)arg;
    CHECK_EQ(pthread_join(main_thread, &value), 0);
    _exit((int)(long)value);
}
#endif

static pid_t leader_ends(void *status)
{
    *stage = 0;
    pid_t pid = START(start(outlives, status); syscall(SYS_exit, 9));
    CHECK(WAIT_UNTIL(*stage == 1 && state_of(pid) == 'Z'));
    CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0); /* the group lives */
    CHECK_EQ(kill(pid, 0), 0);
    return pid;
}

static void *exec_late(void *arg)
{
    char *argv[] = { "sh", "-c", "test $$ = $WAS && exit 17", NULL };
    char was[16];

    while (state_of(getpid()) != 'Z')
        msleep(2);
    snprintf(was, sizeof(was), "%d", getpid());
    setenv("WAS", was, 1);
    execvp("sh", argv);
    return arg;
}

static void leader_first(void)
{
    stage = map_shared(PAGE);
    pid_t pid = leader_ends((void *)21);
    *stage = 2;
    CHECK_EQ(status_of(pid), EXITED(21));
    pid = leader_ends(NULL); /* the last thread just returns */
    *stage = 2;
    CHECK_EQ(status_of(pid), EXITED(0));
    pid = leader_ends(NULL);
    kill(pid, SIGTERM); /* the process still takes signals */
    CHECK_EQ(status_of(pid), KILLED(SIGTERM));
#ifdef __GLIBC__ /* in musl a forked child's first thread cannot: it keeps the list of threads locked */
    CHECK_EQ(CHILD({
                 main_thread = pthread_self();
                 start(joins_main, NULL);
                 pthread_exit((void *)31);
             }),
             EXITED(31));
#endif
    CHECK_EQ(CHILD(start(exec_late, NULL); syscall(SYS_exit, 0)), EXITED(17));
}

/* --- threads without libc --------------------------------------------------------------- */

enum {
    THREAD_FLAGS = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM
};

static char stack[65536] __attribute__((aligned(16)));
static volatile int raw_ran;
static int raw(void *arg)
{
    raw_ran = (int)(long)arg;
    return 0;
}

static void cleared_word(void)
{
    for (int i = 1; i <= 50; i++) {
        volatile uint32_t tid = 1;
        int rc = clone(raw, stack + sizeof(stack),
                       THREAD_FLAGS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID, (void *)(long)i,
                       &tid, NULL, &tid);
        CHECK(rc > 0);
        for (uint32_t now; (now = tid) != 0;)
            futex(&tid, FUTEX_WAIT, now, NULL, NULL, 0);
        CHECK_EQ(raw_ran, i);
        CHECK_ERR(ECHILD, waitpid(rc, NULL, __WALL)); /* no child of anybody */
    }
}

static void test(void)
{
    CHECK(pipe(never) == 0);
    groups();
    leader_first();
    cleared_word();
}
