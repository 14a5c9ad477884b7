/* Cancellation: deferred, at a cancellation point or pthread_testcancel; asynchronous, out of a
 * loop; disabled, not at all until enabled; cleanup handlers and destructors run, in order, and a
 * mutex that a condition variable gave back is held.  Blocked in read, in nanosleep, in a futex, in join. */
#include "threads.h"
#include <semaphore.h>

static volatile pid_t tid;
static volatile int cleaned[4], count, ready;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t sem;
static int pipes[2];

static void clean(void *arg) { cleaned[count++ % 4] = (int)(long)arg; }
static void unlock(void *mutex)
{
    clean((void *)9);
    CHECK_EQ(pthread_mutex_unlock(mutex), 0);
}

static void *in_read(void *arg)
{
    char c;

    pthread_cleanup_push(clean, (void *)1);
    pthread_cleanup_push(clean, (void *)2);
    tid = my_tid();
    CHECK(read(pipes[0], &c, 1) == -2); /* does not return */
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return arg;
}

static void *in_nanosleep(void *arg)
{
    pthread_cleanup_push(clean, (void *)3);
    tid = my_tid();
    sleep(100);
    pthread_cleanup_pop(0);
    return arg;
}

static void *in_sem(void *arg)
{
    pthread_cleanup_push(clean, (void *)4);
    tid = my_tid();
    sem_wait(&sem);
    pthread_cleanup_pop(0);
    return arg;
}

static void *in_cond(void *arg)
{
    pthread_mutex_lock(&lock);
    pthread_cleanup_push(unlock, &lock);
    tid = my_tid();
    for (;;)
        pthread_cond_wait(&cond, &lock);
    pthread_cleanup_pop(0);
    return arg;
}

static void *in_join(void *arg)
{
    pthread_cleanup_push(clean, (void *)5);
    tid = my_tid();
    pthread_join(*(pthread_t *)arg, NULL);
    pthread_cleanup_pop(0);
    return arg;
}

static void *in_wait(void *arg)
{
    pthread_cleanup_push(clean, (void *)6);
    tid = my_tid();
    waitpid(*(pid_t *)arg, NULL, 0);
    pthread_cleanup_pop(0);
    return arg;
}

/* Cancels it when it sleeps there; gives the last of its cleanup handlers. */
static void cancel_in(const char *name, void *(*fn)(void *), void *arg, long nr)
{
    void *value = NULL;

    tid = 0;
    count = 0;
    memset((void *)cleaned, 0, sizeof(cleaned));
    pthread_t thread = start(fn, arg);
    if (nr == SYS_nanosleep) /* glibc's sleep is another call */
        CHECK(WAIT_UNTIL(tid != 0 && (sleeps_in(getpid(), tid) == SYS_nanosleep ||
                                      sleeps_in(getpid(), tid) == SYS_clock_nanosleep)));
    else
        CHECK(wait_asleep(&tid, nr));
    CHECK_EQ(pthread_cancel(thread), 0);
    CHECK_EQ(pthread_join(thread, &value), 0);
    SAY("%s: %s, cleaned up %d: %d %d\n", name, value == PTHREAD_CANCELED ? "cancelled" : "ended",
        count, cleaned[0], cleaned[1]);
}

static void blocked(void)
{
    pid_t child = START(for (;;) pause());

    CHECK(pipe(pipes) == 0);
    sem_init(&sem, 0, 0);
    cancel_in("read", in_read, NULL, SYS_read);
    cancel_in("sleep", in_nanosleep, NULL, SYS_nanosleep);
    cancel_in("sem_wait", in_sem, NULL, SYS_futex);
    cancel_in("cond_wait", in_cond, NULL, SYS_futex);
    CHECK_EQ(pthread_mutex_trylock(&lock), 0); /* its handler gave it back */
    pthread_mutex_unlock(&lock);
    pthread_t sleeps = start(in_sem, NULL);
    cancel_in("join", in_join, &sleeps, SYS_futex);
    CHECK_EQ(pthread_cancel(sleeps), 0);
    CHECK(pthread_join(sleeps, NULL) == 0); /* a cancelled join leaves it joinable */
    cancel_in("waitpid", in_wait, &child, SYS_wait4);
    kill(child, SIGKILL);
    CHECK_EQ(status_of(child), KILLED(SIGKILL));
}

/* --- in loops -------------------------------------------------------------------- */

static void *spin(void *arg)
{
    int old;

    pthread_cleanup_push(clean, (void *)7);
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old);
    CHECK_EQ(old, PTHREAD_CANCEL_DEFERRED);
    ready = 1;
    for (volatile long i = 0;; i++)
        ;
    pthread_cleanup_pop(0);
    return arg;
}

static void *test_now_and_then(void *arg)
{
    ready = 1;
    for (volatile long i = 0;; i++)
        if (i % 1000 == 0)
            pthread_testcancel();
    return arg;
}

static volatile int go_on;

static void *disabled(void *arg)
{
    int old;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    ready = 1;
    while (!go_on)
        msleep(2); /* a cancellation point that is none now */
    cleaned[0] = 8;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
    pthread_testcancel();
    cleaned[0] = 0;
    return arg;
}

static void *pending(void *arg)
{
    ready = 1;
    while (!go_on)
        ;                                        /* no cancellation point here */
    return (void *)(long)read(pipes[0], arg, 1); /* but here, though it would not block */
}

static void loops(void)
{
    char c;
    void *(*const fn[])(void *) = { spin, test_now_and_then, disabled, pending };

    CHECK(write(pipes[1], "x", 1) == 1);
    for (int i = 0; i < 4; i++) {
        void *value = NULL;
        ready = go_on = count = cleaned[0] = 0;
        pthread_t thread = start(fn[i], &c);
        CHECK(WAIT_UNTIL(ready));
        CHECK_EQ(pthread_cancel(thread), 0);
        msleep(10);
        go_on = 1;
        CHECK_EQ(pthread_join(thread, &value), 0);
        SAY("loop %d: %s, %d\n", i, value == PTHREAD_CANCELED ? "cancelled" : "ended", cleaned[0]);
    }
    CHECK(read(pipes[0], &c, 1) == 1); /* not taken by the cancelled one */
}

/* Many, some of them on their way out by themselves. */
static void *short_life(void *arg)
{
    if ((long)arg % 3 == 0)
        return NULL;
    usleep((long)arg % 3 * 500);
    for (int i = 0; (long)arg % 3 == 2 && i < 1000; i++)
        usleep(100000);
    return NULL;
}

static void storm(void)
{
    for (int round = 0; round < 4; round++) {
        pthread_t thread[24];
        for (long i = 0; i < 24; i++)
            thread[i] = start(short_life, (void *)i);
        for (int i = 0; i < 24; i++)
            pthread_cancel(thread[i]);
        for (int i = 0; i < 24; i++)
            CHECK_EQ(pthread_join(thread[i], NULL), 0);
    }
}

static void test(void)
{
    blocked();
    loops();
    storm();
}
