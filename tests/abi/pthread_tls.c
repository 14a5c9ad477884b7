/* Thread-local storage: __thread variables have their first value in every thread and are
 * its own, errno too; destructors of keys run at the end of a thread, again if they set a value; a
 * forked child keeps the caller's.  The kernel's part: FS is kept over everything that switches. */
#include "threads.h"

enum { THREADS = 12, GET_FS = 0x1003 };

static __thread int number = 42;
static __thread char zeroed[5000];
static __thread struct {
    long a;
    double b;
} pair __attribute__((aligned(64))) = { 7, 1.5 };
static pthread_key_t key, again_key;
static volatile int destroyed, again;
static volatile long sum;

static void destroy(void *value)
{
    __atomic_fetch_add(&destroyed, 1, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&sum, (long)value, __ATOMIC_SEQ_CST);
}

static void destroy_again(void *value)
{
    __atomic_fetch_add(&again, 1, __ATOMIC_SEQ_CST);
    if ((long)value > 1)
        pthread_setspecific(again_key, (void *)((long)value - 1));
}

static void *own(void *arg)
{
    long me = (long)arg;
    unsigned long fs = 0, first = 0;

    CHECK_EQ(number, 42);
    CHECK_EQ(zeroed[0] | zeroed[4999], 0);
    CHECK(pair.a == 7 && pair.b == 1.5);
    CHECK_EQ((long)&pair % 64, 0);
    CHECK(pthread_getspecific(key) == NULL);
    CHECK(syscall(SYS_arch_prctl, GET_FS, &first) == 0);
    number = me;
    zeroed[4999] = me;
    pair.a = me;
    pthread_setspecific(key, (void *)me);
    if (me == 3)
        pthread_setspecific(again_key, (void *)3);
    for (int i = 0; i < 40; i++) {
        errno = me;
        sched_yield();
        if (i % 10 == 0)
            CHECK_EQ(CHILD(_exit(number != me || (long)pthread_getspecific(key) != me)), 0);
        else
            CHECK_EQ(errno, me);
        CHECK_EQ(number, me);
        CHECK_EQ(zeroed[4999], (char)me);
        CHECK_EQ((long)pthread_getspecific(key), me);
    }
    CHECK(syscall(SYS_arch_prctl, GET_FS, &fs) == 0);
    CHECK(fs == first);
    return &number;
}

static void test(void)
{
    pthread_t thread[THREADS];
    void *address[THREADS];

    CHECK_EQ(pthread_key_create(&key, destroy), 0);
    CHECK_EQ(pthread_key_create(&again_key, destroy_again), 0);
    number = -1;
    for (long i = 0; i < THREADS; i++)
        thread[i] = start(own, (void *)(i + 1));
    for (int i = 0; i < THREADS; i++) {
        CHECK_EQ(pthread_join(thread[i], &address[i]), 0);
        CHECK(address[i] != &number);
    }
    CHECK_EQ(number, -1);
    CHECK_EQ(destroyed, THREADS);
    CHECK_EQ(sum, THREADS * (THREADS + 1) / 2);
    CHECK_EQ(again, 3);
    CHECK_EQ(pthread_key_delete(key), 0);
}
