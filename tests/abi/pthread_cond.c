/* Condition variables: a signal wakes one, a broadcast all, a time-out is one, on either clock; a
 * bounded queue loses and doubles nothing; also between processes. */
#include "threads.h"

enum { SLEEPERS = 6, ITEMS = 300, ROOM = 7 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static volatile int asleep, tickets, awake;

static void *sleeper(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&lock);
    asleep++;
    while (tickets == 0)
        pthread_cond_wait(&cond, &lock);
    tickets--;
    awake++;
    pthread_mutex_unlock(&lock);
    return NULL;
}

static int locked_value(volatile int *value)
{
    pthread_mutex_lock(&lock);
    int v = *value;
    pthread_mutex_unlock(&lock);
    return v;
}

static void signals(void)
{
    pthread_t thread[SLEEPERS];

    for (int i = 0; i < SLEEPERS; i++)
        thread[i] = start(sleeper, NULL);
    CHECK(WAIT_UNTIL(locked_value(&asleep) == SLEEPERS));
    for (int i = 1; i <= 2; i++) {
        pthread_mutex_lock(&lock);
        tickets++;
        pthread_cond_signal(&cond);
        pthread_mutex_unlock(&lock);
        CHECK(WAIT_UNTIL(locked_value(&awake) == i));
    }
    msleep(20);
    CHECK_EQ(locked_value(&awake), 2);
    pthread_mutex_lock(&lock);
    tickets = SLEEPERS - 2;
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < SLEEPERS; i++)
        join(thread[i]);
    CHECK_EQ(awake, SLEEPERS);
    CHECK_EQ(tickets, 0);
}

static void time_outs(clockid_t clock)
{
    pthread_condattr_t attr;
    pthread_cond_t c;

    pthread_condattr_init(&attr);
    CHECK_EQ(pthread_condattr_setclock(&attr, clock), 0);
    CHECK_EQ(pthread_cond_init(&c, &attr), 0);
    pthread_mutex_lock(&lock);
    long begin = now_ms();
    struct timespec soon = after_ms(clock, 80), past = { 1, 0 }, bad = { 1, 1000000000 };
    CHECK_EQ(pthread_cond_timedwait(&c, &lock, &soon), ETIMEDOUT);
    CHECK(now_ms() - begin >= 75);
    CHECK_EQ(pthread_cond_timedwait(&c, &lock, &past), ETIMEDOUT);
    CHECK_EQ(pthread_cond_timedwait(&c, &lock, &bad), EINVAL);
    CHECK_EQ(pthread_mutex_unlock(&lock), 0); /* it is held after each */
    CHECK_EQ(pthread_cond_destroy(&c), 0);
}

/* --- a bounded queue ------------------------------------------------------------ */

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t not_full, not_empty;
    int item[ROOM], n, first, made, taken;
    long sum;
    int count[ITEMS];
};

static struct queue *new_queue(int shared)
{
    struct queue *q = map_shared(sizeof(*q));
    pthread_mutexattr_t mutex;
    pthread_condattr_t c;

    pthread_mutexattr_init(&mutex);
    pthread_mutexattr_setpshared(&mutex, shared);
    pthread_condattr_init(&c);
    pthread_condattr_setpshared(&c, shared);
    pthread_mutex_init(&q->lock, &mutex);
    pthread_cond_init(&q->not_full, &c);
    pthread_cond_init(&q->not_empty, &c);
    return q;
}

static void *produce(void *arg)
{
    struct queue *q = arg;

    for (;;) {
        pthread_mutex_lock(&q->lock);
        while (q->n == ROOM && q->made < ITEMS)
            pthread_cond_wait(&q->not_full, &q->lock);
        if (q->made == ITEMS)
            break;
        q->item[(q->first + q->n++) % ROOM] = q->made++;
        pthread_cond_signal(&q->not_empty);
        pthread_mutex_unlock(&q->lock);
    }
    pthread_cond_broadcast(&q->not_full);
    pthread_mutex_unlock(&q->lock);
    return NULL;
}

static void *consume(void *arg)
{
    struct queue *q = arg;

    for (;;) {
        pthread_mutex_lock(&q->lock);
        while (q->n == 0 && q->taken < ITEMS)
            pthread_cond_wait(&q->not_empty, &q->lock);
        if (q->taken == ITEMS)
            break;
        q->count[q->item[q->first]]++;
        q->first = (q->first + 1) % ROOM;
        q->n--;
        q->taken++;
        pthread_cond_signal(&q->not_full);
        pthread_mutex_unlock(&q->lock);
    }
    pthread_cond_broadcast(&q->not_empty);
    pthread_mutex_unlock(&q->lock);
    return NULL;
}

static void each_once(struct queue *q)
{
    int wrong = 0;

    for (int i = 0; i < ITEMS; i++)
        wrong += q->count[i] != 1;
    CHECK_EQ(wrong, 0);
    CHECK_EQ(q->taken, ITEMS);
}

static void queues(void)
{
    struct queue *q = new_queue(PTHREAD_PROCESS_PRIVATE);
    pthread_t thread[6];

    for (int i = 0; i < 6; i++)
        thread[i] = start(i % 2 ? produce : consume, q);
    for (int i = 0; i < 6; i++)
        join(thread[i]);
    each_once(q);

    q = new_queue(PTHREAD_PROCESS_SHARED);
    pid_t pid[4];
    for (int i = 0; i < 4; i++)
        pid[i] = START(if (i % 2) produce(q); else consume(q));
    for (int i = 0; i < 4; i++)
        CHECK_EQ(status_of(pid[i]), 0);
    each_once(q);
}

static void test(void)
{
    signals();
    time_outs(CLOCK_REALTIME);
    time_outs(CLOCK_MONOTONIC);
    queues();
}
