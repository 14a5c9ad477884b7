/* Signals and threads: pthread_kill reaches that thread only; masks are per thread and
 * inherited by the new one; a signal to the process goes to a thread that takes it; sigwait,
 * sigtimedwait and sigsuspend in threads; a fault is the faulter's; tgkill's errors. */
#include "threads.h"

enum { THREADS = 5 };

static __thread int mine;
static volatile int caught[THREADS], started, quit, others;
static volatile pid_t tids[THREADS];
static pthread_t threads[THREADS];

static void count(int sig)
{
    (void)sig;
    if (mine == 0)
        others++;
    else
        caught[mine - 1]++;
}

static void *catcher(void *arg)
{
    mine = (long)arg + 1;
    tids[(long)arg] = my_tid();
    __atomic_fetch_add(&started, 1, __ATOMIC_SEQ_CST);
    while (!quit)
        msleep(1);
    return NULL;
}

static void directed(void)
{
    handle(SIGUSR1, count, 0);
    for (long i = 0; i < THREADS; i++)
        threads[i] = start(catcher, (void *)i);
    CHECK(WAIT_UNTIL(started == THREADS));
    for (int round = 1; round <= 5; round++)
        for (int i = 0; i < THREADS; i++) {
            CHECK_EQ(pthread_kill(threads[i], SIGUSR1), 0);
            CHECK(WAIT_UNTIL(caught[i] == round));
        }
    CHECK_EQ(others, 0);
    CHECK_EQ(pthread_kill(threads[0], 0), 0);
    CHECK_EQ(pthread_kill(threads[0], 65), EINVAL);
    quit = 1;
    for (int i = 0; i < THREADS; i++)
        join(threads[i]);
}

static long send_to(pid_t tgid, pid_t tid, int sig) { return syscall(SYS_tgkill, tgid, tid, sig); }

static void errors(void)
{
    pid_t me = getpid(), gone = tids[0], child = START(for (;;) pause());

    CHECK_ERR(EINVAL, send_to(0, me, 0));
    CHECK_ERR(EINVAL, send_to(me, 0, 0));
    CHECK_ERR(EINVAL, send_to(-1, me, 0));
    CHECK_ERR(EINVAL, send_to(me, -1, 0));
    CHECK_ERR(EINVAL, send_to(me, me, 65));
    CHECK_ERR(EINVAL, send_to(me, me, -1));
    CHECK_ERR(ESRCH, send_to(me, child, 0)); /* exists, but not in this group */
    CHECK_ERR(ESRCH, send_to(child, me, SIGKILL));
    CHECK_ERR(ESRCH, send_to(me, gone, 0));
    CHECK_ERR(EINVAL, syscall(SYS_tkill, -1, 0));
    CHECK_ERR(ESRCH, syscall(SYS_tkill, gone, 0));
    CHECK_EQ(send_to(child, child, 0), 0);
    CHECK_EQ(send_to(child, child, SIGTERM), 0);
    CHECK_EQ(status_of(child), KILLED(SIGTERM));
}

/* --- masks ------------------------------------------------------------------------ */

static volatile int stage;

static void *inherits(void *arg)
{
    sigset_t now, pending;

    pthread_sigmask(SIG_SETMASK, NULL, &now);
    CHECK(sigismember(&now, SIGUSR2) && !sigismember(&now, SIGUSR1));
    sigpending(&pending);
    CHECK(!sigismember(&pending, SIGUSR2)); /* the creator's, not ours */
    sigemptyset(&now);
    pthread_sigmask(SIG_SETMASK, &now, NULL); /* nobody else's business */
    stage = 1;
    while (stage == 1)
        msleep(1);
    return arg;
}

static void masks(void)
{
    sigset_t set, now, old;

    handle(SIGUSR2, count, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, &old);
    mine = 1;
    caught[0] = 0;
    send_to(getpid(), my_tid(), SIGUSR2); /* for this thread, blocked */
    pthread_t thread = start(inherits, NULL);
    CHECK(WAIT_UNTIL(stage == 1));
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    CHECK(sigismember(&now, SIGUSR2));
    others = 0;
    kill(getpid(), SIGUSR2); /* for the process: the other takes it */
    CHECK(WAIT_UNTIL(others == 1));
    CHECK_EQ(caught[0], 0);
    stage = 2;
    join(thread);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    CHECK_EQ(caught[0], 1);
}

/* --- waiting for signals ------------------------------------------------------------ */

static void *wait_info(void *arg)
{
    struct timespec limit = { 5, 0 };
    siginfo_t info;

    *(volatile pid_t *)arg = my_tid();
    int sig;
    do /* Linux wakes one for a signal that another has taken before it comes to look */
        sig = sigtimedwait(&(sigset_t){ { 1ul << (SIGRTMIN - 1) } }, &info, &limit);
    while (sig < 0 && errno == EINTR);
    CHECK_EQ(sig, SIGRTMIN);
    CHECK_EQ(info.si_code, SI_QUEUE);
    return (void *)(long)info.si_value.sival_int;
}

static void waits(void)
{
    sigset_t set;
    pthread_t thread[3];
    volatile pid_t tid[3] = { 0 };
    long got = 0;

    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    for (int i = 0; i < 3; i++) {
        thread[i] = start(wait_info, (void *)&tid[i]);
        CHECK(wait_asleep(&tid[i], SYS_rt_sigtimedwait));
    }
    for (int i = 0; i < 3; i++) /* each is taken by one */
        CHECK(sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 1 << i }) == 0);
    for (int i = 0; i < 3; i++)
        got |= join(thread[i]);
    CHECK_EQ(got, 7);
    struct timespec soon = { 0, 30000000 };
    CHECK_ERR(EAGAIN, sigtimedwait(&set, NULL, &soon));
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void *suspended(void *arg)
{
    sigset_t none;

    sigemptyset(&none);
    mine = 3;
    *(volatile pid_t *)arg = my_tid();
    CHECK_ERR(EINTR, sigsuspend(&none));
    return (void *)(long)caught[2];
}

static void suspend(void)
{
    volatile pid_t tid = 0;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    caught[2] = 0;
    pthread_t thread = start(suspended, (void *)&tid);
    CHECK(wait_asleep(&tid, SYS_rt_sigsuspend));
    kill(getpid(), SIGUSR1); /* only there it is not blocked */
    CHECK_EQ(join(thread), 1);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* --- faults ------------------------------------------------------------------------- */

static __thread volatile int faults;

static void repair(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    faults++;
    CHECK(mprotect((void *)((long)info->si_addr & -PAGE), PAGE, PROT_READ | PROT_WRITE) == 0);
}

static void *faulter(void *arg)
{
    char *p = arg;

    for (int i = 0; i < 20; i++)
        p[i * PAGE] = 1;
    return (void *)(long)faults;
}

static void faults_are_ones_own(void)
{
    struct sigaction action = { .sa_sigaction = repair, .sa_flags = SA_SIGINFO };
    pthread_t thread[4];
    char *p[4];

    sigaction(SIGSEGV, &action, NULL);
    for (int i = 0; i < 4; i++) {
        p[i] = map_pages(20);
        mprotect(p[i], 20 * PAGE, PROT_READ);
    }
    for (int i = 0; i < 4; i++)
        thread[i] = start(faulter, p[i]);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(join(thread[i]), 20);
    signal(SIGSEGV, SIG_DFL);
}

static void test(void)
{
    directed();
    errors();
    masks();
    waits();
    suspend();
    faults_are_ones_own();
}
