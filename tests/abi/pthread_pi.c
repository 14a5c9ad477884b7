/* Mutexes with PTHREAD_PRIO_INHERIT, which the kernel takes and gives (FUTEX_LOCK_PI and its kin):
 * exclusion, time-outs, trylock, the death of an owner, what the calls refuse; membarrier(2). */
#include "threads.h"

enum { LOCK_PI = 6, UNLOCK_PI, TRYLOCK_PI };

static pthread_mutex_t pi;
static volatile long counter, inside;
static uint32_t word;

static void *counts(void *arg)
{
    for (int i = 0; i < 400; i++) {
        CHECK_EQ(pthread_mutex_lock(&pi), 0);
        CHECK_EQ(inside, 0);
        inside = 1;
        counter++;
        if (i % 8 == 0)
            sched_yield();
        inside = 0;
        CHECK_EQ(pthread_mutex_unlock(&pi), 0);
    }
    return arg;
}

static void init(int robust)
{
    pthread_mutexattr_t attr;

    pthread_mutexattr_init(&attr);
    CHECK_EQ(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT), 0);
    if (robust)
        CHECK_EQ(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST), 0);
    CHECK_EQ(pthread_mutex_init(&pi, &attr), 0);
}

static void *times_out(void *arg)
{
    struct timespec at;

    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_nsec += 50000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_nsec -= 1000000000;
        at.tv_sec++;
    }
    CHECK_EQ(pthread_mutex_trylock(&pi), EBUSY);
    CHECK_EQ(pthread_mutex_timedlock(&pi, &at), ETIMEDOUT);
    return arg;
}

static volatile pid_t holder, next; /* TIDs, of who has the lock, and who waits for it */

static void *dies_with_it(void *arg)
{
    CHECK_EQ(pthread_mutex_lock(&pi), 0);
    holder = my_tid();
    CHECK(wait_asleep(&next, SYS_futex));
    return arg;
}

static void *takes_over(void *arg)
{
    next = my_tid();
    CHECK_EQ(pthread_mutex_lock(&pi), EOWNERDEAD);
    CHECK_EQ(pthread_mutex_consistent(&pi), 0);
    CHECK_EQ(pthread_mutex_unlock(&pi), 0);
    return arg;
}

static void mutexes(void)
{
    pthread_t thread[6];

    init(0);
    for (int i = 0; i < 6; i++)
        thread[i] = start(counts, NULL);
    for (int i = 0; i < 6; i++)
        join(thread[i]);
    CHECK_EQ(counter, 6 * 400);
    CHECK_EQ(pthread_mutex_lock(&pi), 0);
    join(start(times_out, NULL));
    CHECK_EQ(pthread_mutex_unlock(&pi), 0);

    init(1);
    thread[0] = start(dies_with_it, NULL);
    CHECK(WAIT_UNTIL(holder != 0));
    thread[1] = start(takes_over, NULL);
    join(thread[0]);
    join(thread[1]);
    CHECK_EQ(pthread_mutex_lock(&pi), 0);
    CHECK_EQ(pthread_mutex_unlock(&pi), 0);
}

static void *owns(void *arg)
{
    CHECK_EQ(futex(&word, LOCK_PI | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0), 0);
    CHECK_EQ(word & 0x3fffffff, my_tid());
    *(volatile pid_t *)arg = my_tid();
    CHECK(wait_asleep(&next, SYS_futex));
    CHECK_EQ(futex(&word, UNLOCK_PI | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0), 0);
    return NULL;
}

static void calls(void)
{
    volatile pid_t owner = 0;
    struct timespec past = { 1, 0 };
    pid_t gone = START();

    next = 0;
    CHECK_ERR(EPERM, futex(&word, UNLOCK_PI, 0, NULL, NULL, 0));
    CHECK_EQ(futex(&word, TRYLOCK_PI, 0, NULL, NULL, 0), 0);
    CHECK_EQ(word, my_tid());
    CHECK_ERR(EDEADLK, futex(&word, LOCK_PI, 0, NULL, NULL, 0));
    CHECK_EQ(futex(&word, UNLOCK_PI, 0, NULL, NULL, 0), 0);
    CHECK_EQ(word, 0);
    CHECK_ERR(EINVAL, futex((uint32_t *)((char *)&word + 1), LOCK_PI, 0, NULL, NULL, 0));
    CHECK_ERR(EFAULT, futex((uint32_t *)16, UNLOCK_PI, 0, NULL, NULL, 0));
    status_of(gone);
    word = gone;
    CHECK_ERR(ESRCH, futex(&word, LOCK_PI, 0, NULL, NULL, 0));
    word = 0;
    pthread_t thread = start(owns, (void *)&owner);
    CHECK(WAIT_UNTIL(owner != 0));
    CHECK_ERR(EAGAIN, futex(&word, TRYLOCK_PI | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0));
    CHECK_ERR(ETIMEDOUT, futex(&word, LOCK_PI | FUTEX_PRIVATE_FLAG, 0, &past, NULL, 0));
    next = my_tid();
    CHECK_EQ(futex(&word, LOCK_PI | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0), 0);
    join(thread);
    CHECK_EQ(word & 0x3fffffff, my_tid());
    CHECK_EQ(futex(&word, UNLOCK_PI | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0), 0);
    CHECK_EQ(word, 0);
}

static void barriers(void)
{
    enum { QUERY, GLOBAL, PRIVATE_EXPEDITED = 8, REGISTER_PRIVATE_EXPEDITED = 16 };
    pthread_t thread = start(counts, NULL);
    long has = syscall(SYS_membarrier, QUERY, 0, 0);

    CHECK((has & (GLOBAL | PRIVATE_EXPEDITED | REGISTER_PRIVATE_EXPEDITED)) == 25);
    CHECK_ERR(EINVAL, syscall(SYS_membarrier, QUERY, 2, 0));
    CHECK_ERR(EINVAL, syscall(SYS_membarrier, 1 << 20, 0, 0));
    CHECK_EQ(CHILD(_exit(syscall(SYS_membarrier, REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0 ||
                         syscall(SYS_membarrier, PRIVATE_EXPEDITED, 0, 0) != 0)),
             0);
    CHECK_EQ(syscall(SYS_membarrier, GLOBAL, 0, 0), 0);
    join(thread);
}

static void test(void)
{
    mutexes();
    calls();
    init(0);
    barriers();
}
