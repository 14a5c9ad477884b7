/* Mutexes: of every type, with time-outs, shared between processes; what they guard is
 * never seen half done, whoever contends. */
#include "threads.h"

enum { THREADS = 8, ROUNDS = 250 };

static pthread_mutex_t plain = PTHREAD_MUTEX_INITIALIZER;

static pthread_mutex_t *make(int type, int shared, int robust)
{
    pthread_mutexattr_t attr;
    pthread_mutex_t *m = map_shared(sizeof(*m));

    CHECK_EQ(pthread_mutexattr_init(&attr), 0);
    CHECK_EQ(pthread_mutexattr_settype(&attr, type), 0);
    CHECK_EQ(pthread_mutexattr_setpshared(&attr, shared), 0);
    CHECK_EQ(pthread_mutexattr_setrobust(&attr, robust), 0);
    CHECK_EQ(pthread_mutex_init(m, &attr), 0);
    pthread_mutexattr_destroy(&attr);
    return m;
}

/* --- contention ---------------------------------------------------------------- */

struct counted {
    pthread_mutex_t *mutex;
    volatile long a, b;
    volatile int torn;
};

static void *add(void *arg)
{
    struct counted *c = arg;

    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(c->mutex);
        if (c->a != c->b)
            c->torn++;
        c->a++;
        if (i % 16 == 0)
            sched_yield(); /* with the lock: others must wait */
        c->b++;
        pthread_mutex_unlock(c->mutex);
    }
    return NULL;
}

static void contend(pthread_mutex_t *mutex)
{
    struct counted c = { .mutex = mutex };
    pthread_t thread[THREADS];

    for (int i = 0; i < THREADS; i++)
        thread[i] = start(add, &c);
    for (int i = 0; i < THREADS; i++)
        join(thread[i]);
    CHECK_EQ(c.a, THREADS * ROUNDS);
    CHECK_EQ(c.b, THREADS * ROUNDS);
    CHECK_EQ(c.torn, 0);
}

static void contend_processes(void)
{
    struct counted *c = map_shared(sizeof(*c));
    pid_t pid[4];

    c->mutex = make(PTHREAD_MUTEX_NORMAL, PTHREAD_PROCESS_SHARED, PTHREAD_MUTEX_STALLED);
    for (int i = 0; i < 4; i++)
        pid[i] = START({
            pthread_t second = start(add, c);
            add(c);
            join(second);
        });
    for (int i = 0; i < 4; i++)
        CHECK_EQ(status_of(pid[i]), 0);
    CHECK_EQ(c->a, 8 * ROUNDS);
    CHECK_EQ(c->torn, 0);
}

/* --- one by one ---------------------------------------------------------------- */

static void *try_it(void *mutex)
{
    int rc = pthread_mutex_trylock(mutex);

    if (rc == 0)
        pthread_mutex_unlock(mutex);
    return (void *)(long)rc;
}

static void *unlock_it(void *mutex) { return (void *)(long)pthread_mutex_unlock(mutex); }

static void *time_out(void *mutex)
{
    struct timespec soon = after_ms(CLOCK_REALTIME, 60);
    long begin = now_ms();
    int rc = pthread_mutex_timedlock(mutex, &soon);

    CHECK(now_ms() - begin >= 55);
    return (void *)(long)rc;
}

static void types(void)
{
    pthread_mutex_t *m = make(PTHREAD_MUTEX_RECURSIVE, 0, 0);

    for (int i = 0; i < 5; i++)
        CHECK_EQ(pthread_mutex_lock(m), 0);
    CHECK_EQ(join(start(try_it, m)), EBUSY);
    CHECK_EQ(join(start(unlock_it, m)), EPERM);
    for (int i = 0; i < 5; i++)
        CHECK_EQ(pthread_mutex_unlock(m), 0);
    CHECK_EQ(pthread_mutex_unlock(m), EPERM);
    CHECK_EQ(join(start(try_it, m)), 0);

    m = make(PTHREAD_MUTEX_ERRORCHECK, 0, 0);
    CHECK_EQ(pthread_mutex_lock(m), 0);
    CHECK_EQ(pthread_mutex_lock(m), EDEADLK);
    CHECK_EQ(join(start(unlock_it, m)), EPERM);
    CHECK_EQ(join(start(time_out, m)), ETIMEDOUT);
    CHECK_EQ(pthread_mutex_unlock(m), 0);
    CHECK_EQ(pthread_mutex_unlock(m), EPERM);

    m = make(PTHREAD_MUTEX_NORMAL, 0, 0);
    CHECK_EQ(pthread_mutex_lock(m), 0);
    struct timespec soon = after_ms(CLOCK_REALTIME, 40);
    CHECK_EQ(pthread_mutex_timedlock(m, &soon), ETIMEDOUT); /* by its own holder */
    CHECK_EQ(join(start(time_out, m)), ETIMEDOUT);
    CHECK_EQ(pthread_mutex_unlock(m), 0);
    CHECK_EQ(pthread_mutex_destroy(m), 0);
}

/* Who waits gets it when it is free, and not before. */
static volatile pid_t waiter_tid;
static volatile int got_it;

static void *wait_for_it(void *mutex)
{
    waiter_tid = my_tid();
    CHECK_EQ(pthread_mutex_lock(mutex), 0);
    got_it = 1;
    return (void *)(long)pthread_mutex_unlock(mutex);
}

static void hand_over(void)
{
    CHECK_EQ(pthread_mutex_lock(&plain), 0);
    pthread_t waits = start(wait_for_it, &plain);
    CHECK(wait_asleep(&waiter_tid, SYS_futex));
    CHECK_EQ(got_it, 0);
    CHECK_EQ(pthread_mutex_unlock(&plain), 0);
    CHECK_EQ(join(waits), 0);
    CHECK_EQ(got_it, 1);
}

static void test(void)
{
    types();
    hand_over();
    contend(&plain);
    contend(make(PTHREAD_MUTEX_RECURSIVE, 0, 0));
    contend(make(PTHREAD_MUTEX_NORMAL, PTHREAD_PROCESS_SHARED, PTHREAD_MUTEX_ROBUST));
    contend_processes();
}
