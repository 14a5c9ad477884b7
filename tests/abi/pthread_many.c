/* A thousand threads at once, each with its own TID, stack and variables; detached ones and
 * joined ones, thousands one after the other on the same stacks; the stack and guard that were
 * asked for; and afterwards none of it is left. */
#include "threads.h"

enum { MANY = 1000, ROWS = 6, ROW = 50 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t all_here = PTHREAD_COND_INITIALIZER;
static volatile int here, ended;
static pid_t tids[MANY];
static volatile long sum;

static int threads_now(void)
{
    const char *line = strstr(slurp("/proc/self/status"), "\nThreads:");
    return line ? atoi(line + 9) : -1;
}

static void *one_of_many(void *arg)
{
    volatile char page[3 * PAGE]; /* its own memory, three pages of it */
    long me = (long)arg;

    for (int i = 0; i < 3; i++)
        page[i * PAGE] = me % 100;
    tids[me] = my_tid();
    pthread_mutex_lock(&lock);
    if (++here == MANY)
        pthread_cond_broadcast(&all_here);
    while (here < MANY)
        pthread_cond_wait(&all_here, &lock);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(page[i * PAGE], me % 100);
    return (void *)(me * me);
}

static int by_value(const void *a, const void *b) { return *(pid_t *)a - *(pid_t *)b; }

static void thousand(void)
{
    static pthread_t thread[MANY];
    pthread_attr_t attr;
    int same = 0, made = 0;

    pthread_attr_init(&attr);
    CHECK_EQ(pthread_attr_setstacksize(&attr, 64 * 1024), 0);
    for (long i = 0; i < MANY; i++)
        made += pthread_create(&thread[i], &attr, one_of_many, (void *)i) == 0;
    CHECK_EQ(made, MANY);
    for (long i = 0; i < MANY; i++)
        CHECK_EQ(join(thread[i]), i * i);
    qsort(tids, MANY, sizeof(tids[0]), by_value);
    for (int i = 1; i < MANY; i++)
        same += tids[i] == tids[i - 1];
    CHECK_EQ(same, 0);
    CHECK(WAIT_UNTIL(threads_now() == 1));
}

static void *brief(void *arg)
{
    volatile long stack[64];

    for (int i = 0; i < 64; i++)
        stack[i] = (long)arg;
    __atomic_fetch_add(&sum, stack[(long)arg % 64], __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&ended, 1, __ATOMIC_SEQ_CST);
    return arg;
}

static void reused(void)
{
    pthread_t thread[ROW];
    pthread_attr_t detached;
    long expected = 0;

    for (long row = 0; row < ROWS; row++) {
        for (long i = 0; i < ROW; i++)
            thread[i] = start(brief, (void *)(row * ROW + i));
        for (long i = 0; i < ROW; i++)
            CHECK_EQ(join(thread[i]), row * ROW + i);
    }
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    for (long i = 0; i < 2 * ROWS * ROW; i++)
        expected += i;
    for (long i = 0; i < ROWS * ROW; i++) {
        pthread_t t;
        if (i % 2)
            CHECK_EQ(pthread_create(&t, &detached, brief, (void *)(ROWS * ROW + i)), 0);
        else
            CHECK_EQ(pthread_detach(start(brief, (void *)(ROWS * ROW + i))), 0);
        if (i % ROW == 0)
            CHECK(WAIT_UNTIL(ended >= ROWS * ROW + i - ROW));
    }
    CHECK(WAIT_UNTIL(ended == 2 * ROWS * ROW));
    CHECK_EQ(sum, expected);
    CHECK(WAIT_UNTIL(threads_now() == 1));
}

/* Recursion into the guard is SIGSEGV, and a stack of one's own is used. */
static char own_stack[256 * 1024] __attribute__((aligned(4096)));

static void *where(void *arg)
{
    *(char **)arg = __builtin_frame_address(0);
    return NULL;
}

static int deeper(volatile char *above, long levels)
{
    volatile char page[PAGE];
    page[0] = above[0];
    return levels == 0 ? 0 : deeper(page, levels - 1) + page[0];
}

static void *overflow(void *arg)
{
    volatile char c = 0;
    deeper(&c, 1000000);
    return arg;
}

static void stacks(void)
{
    pthread_attr_t attr;
    pthread_t thread;
    char *at = NULL;

    pthread_attr_init(&attr);
    CHECK_EQ(pthread_attr_setstack(&attr, own_stack, sizeof(own_stack)), 0);
    CHECK_EQ(pthread_create(&thread, &attr, where, &at), 0);
    join(thread);
    CHECK(at >= own_stack && at < own_stack + sizeof(own_stack));
    CHECK_DIES(SIGSEGV, join(start(overflow, NULL)));
}

static void test(void)
{
    thousand();
    reused();
    stacks();
}
