/* Barriers, read-write locks, semaphores, once, spin locks: each does what it is for, with
 * more threads than processors, and the ones that can be are shared between processes. */
#include "threads.h"
#include <semaphore.h>

enum { THREADS = 7, ROUNDS = 12 };

/* --- barriers: nobody is ahead by a round --------------------------------------- */

static pthread_barrier_t *barrier;
static volatile int *arrived, *serial;

static void *rounds(void *arg)
{
    (void)arg;
    for (int round = 0; round < ROUNDS; round++) {
        __atomic_fetch_add(&arrived[round], 1, __ATOMIC_SEQ_CST);
        int rc = pthread_barrier_wait(barrier);
        CHECK_EQ(arrived[round], THREADS);
        if (rc == PTHREAD_BARRIER_SERIAL_THREAD)
            __atomic_fetch_add(serial, 1, __ATOMIC_SEQ_CST);
        else
            CHECK_EQ(rc, 0);
    }
    return NULL;
}

static void barriers(void)
{
    pthread_barrierattr_t attr;
    pthread_t thread[THREADS];
    pid_t pid[THREADS];

    barrier = map_shared(PAGE);
    arrived = map_shared(PAGE);
    serial = map_shared(PAGE);
    CHECK_EQ(pthread_barrier_init(barrier, NULL, 0), EINVAL);
    CHECK_EQ(pthread_barrier_init(barrier, NULL, THREADS), 0);
    for (int i = 0; i < THREADS; i++)
        thread[i] = start(rounds, NULL);
    for (int i = 0; i < THREADS; i++)
        join(thread[i]);
    CHECK_EQ(*serial, ROUNDS);
    CHECK_EQ(pthread_barrier_destroy(barrier), 0);

    pthread_barrierattr_init(&attr);
    pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    CHECK_EQ(pthread_barrier_init(barrier, &attr, THREADS), 0);
    memset((void *)arrived, 0, PAGE);
    *serial = 0;
    for (int i = 0; i < THREADS; i++)
        pid[i] = START(rounds(NULL));
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(status_of(pid[i]), 0);
    CHECK_EQ(*serial, ROUNDS);
}

/* --- read-write locks ----------------------------------------------------------- */

static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static volatile long left, right;
static volatile int readers, most_readers, torn;

static void *reader(void *arg)
{
    (void)arg;
    for (int i = 0; i < 60; i++) {
        pthread_rwlock_rdlock(&rw);
        int n = __atomic_add_fetch(&readers, 1, __ATOMIC_SEQ_CST);
        if (n > most_readers)
            most_readers = n;
        torn += left != right;
        if (i % 8 == 0)
            sched_yield();
        __atomic_sub_fetch(&readers, 1, __ATOMIC_SEQ_CST);
        pthread_rwlock_unlock(&rw);
    }
    return NULL;
}

static void *writer(void *arg)
{
    (void)arg;
    for (int i = 0; i < 60; i++) {
        pthread_rwlock_wrlock(&rw);
        torn += readers != 0;
        left++;
        if (i % 8 == 0)
            sched_yield();
        right++;
        pthread_rwlock_unlock(&rw);
    }
    return NULL;
}

static void *try_read(void *arg)
{
    long rc = pthread_rwlock_tryrdlock(&rw);
    (void)arg;
    if (rc == 0)
        pthread_rwlock_unlock(&rw);
    return (void *)rc;
}

static void *try_write(void *arg)
{
    struct timespec soon = after_ms(CLOCK_REALTIME, 30);
    (void)arg;
    CHECK_EQ(pthread_rwlock_trywrlock(&rw), EBUSY);
    CHECK_EQ(pthread_rwlock_timedwrlock(&rw, &soon), ETIMEDOUT);
    soon = after_ms(CLOCK_REALTIME, 30);
    return (void *)(long)pthread_rwlock_timedrdlock(&rw, &soon);
}

static void rwlocks(void)
{
    pthread_t thread[THREADS];

    for (int i = 0; i < THREADS; i++)
        thread[i] = start(i < 4 ? reader : writer, NULL);
    for (int i = 0; i < THREADS; i++)
        join(thread[i]);
    CHECK_EQ(torn, 0);
    CHECK_EQ(left, 3 * 60);
    CHECK_EQ(right, 3 * 60);
    CHECK_EQ(pthread_rwlock_rdlock(&rw), 0);
    CHECK_EQ(join(start(try_read, NULL)), 0);
    CHECK_EQ(join(start(try_write, NULL)), 0); /* now held twice for reading */
    pthread_rwlock_unlock(&rw);
    pthread_rwlock_unlock(&rw);
    CHECK_EQ(pthread_rwlock_wrlock(&rw), 0);
    CHECK_EQ(join(start(try_read, NULL)), EBUSY);
    CHECK_EQ(join(start(try_write, NULL)), ETIMEDOUT);
    CHECK_EQ(pthread_rwlock_unlock(&rw), 0);
}

/* --- semaphores ------------------------------------------------------------------ */

static sem_t *sem;
static volatile int inside, most_inside;

static void *three_at_once(void *arg)
{
    (void)arg;
    for (int i = 0; i < 40; i++) {
        while (sem_wait(sem) != 0)
            ;
        int n = __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);
        if (n > most_inside)
            most_inside = n;
        sched_yield();
        __atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
        sem_post(sem);
    }
    return NULL;
}

static void on_usr1(int sig)
{
    (void)sig;
    sem_post(sem);
} /* it may be called there */

static void semaphores(void)
{
    pthread_t thread[THREADS];
    int value;

    sem = map_shared(sizeof(*sem));
    CHECK_EQ(sem_init(sem, 1, 3), 0);
    for (int i = 0; i < THREADS; i++)
        thread[i] = start(three_at_once, NULL);
    for (int i = 0; i < THREADS; i++)
        join(thread[i]);
    CHECK(most_inside <= 3);
    CHECK(sem_getvalue(sem, &value) == 0 && value == 3);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(sem_trywait(sem), 0);
    CHECK_ERR(EAGAIN, sem_trywait(sem));
    struct timespec soon = after_ms(CLOCK_REALTIME, 40);
    CHECK_ERR(ETIMEDOUT, sem_timedwait(sem, &soon));
    /* across processes, and out of a handler */
    pid_t pid = START(for (int i = 0; i < 50; i++) { CHECK_EQ(sem_wait(sem), 0); });
    for (int i = 0; i < 50; i++)
        sem_post(sem);
    CHECK_EQ(status_of(pid), 0);
    handle(SIGUSR1, on_usr1, 0);
    pid = START(msleep(30); kill(getppid(), SIGUSR1));
    while (sem_wait(sem) != 0)
        CHECK_EQ(errno, EINTR);
    CHECK_EQ(status_of(pid), 0);
}

/* --- once, spin locks ------------------------------------------------------------ */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static volatile int onces, finished;
static pthread_spinlock_t spin;
static long spun;

static void init_once(void)
{
    onces++;
    msleep(30);
    finished = 1;
}

static void *use(void *arg)
{
    (void)arg;
    pthread_once(&once, init_once);
    CHECK_EQ(finished, 1);
    for (int i = 0; i < 500; i++) {
        pthread_spin_lock(&spin);
        spun++;
        pthread_spin_unlock(&spin);
    }
    return NULL;
}

static void once_and_spin(void)
{
    pthread_t thread[THREADS];

    pthread_spin_init(&spin, 0);
    for (int i = 0; i < THREADS; i++)
        thread[i] = start(use, NULL);
    for (int i = 0; i < THREADS; i++)
        join(thread[i]);
    CHECK_EQ(onces, 1);
    CHECK_EQ(spun, THREADS * 500);
}

static void test(void)
{
    barriers();
    rwlocks();
    semaphores();
    once_and_spin();
}
