/* futex(2) by itself: what each operation returns, its errors and their order, time-outs of both
 * clocks and both kinds, bit sets, requeue's counts, EINTR and restart after a signal. */
#include "threads.h"

static uint32_t word, other;
static volatile pid_t tids[8];
static volatile int handled;

static struct timespec in_ms(long ms)
{
    return (struct timespec){ ms / 1000, ms % 1000 * 1000000 };
}

/* --- what fails at once ---------------------------------------------------------- */

static void errors(int private)
{
    struct timespec bad = { 0, 1000000000 }, negative = { -1, 0 }, zero = { 0, 0 };
    char *none = map_pages(1), *readonly = map_pages(1);
    uint32_t *odd = (uint32_t *)((char *)&word + 1);

    munmap(none, PAGE);
    mprotect(readonly, PAGE, PROT_READ);
    word = 5;
    CHECK_ERR(EAGAIN, futex(&word, FUTEX_WAIT | private, 4, NULL, NULL, 0));
    CHECK_ERR(EAGAIN, futex(&word, FUTEX_WAIT_BITSET | private, 4, NULL, NULL, 1));
    CHECK_ERR(EINVAL, futex(&word, FUTEX_WAIT_BITSET | private, 5, NULL, NULL, 0));
    CHECK_ERR(EINVAL, futex(&word, FUTEX_WAKE_BITSET | private, 1, NULL, NULL, 0));
    CHECK_ERR(EINVAL, futex(odd, FUTEX_WAIT | private, 5, NULL, NULL, 0));
    CHECK_ERR(EINVAL, futex(odd, FUTEX_WAKE | private, 1, NULL, NULL, 0));
    CHECK_ERR(EFAULT, futex(none, FUTEX_WAIT | private, 5, NULL, NULL, 0));
    CHECK_ERR(EFAULT, futex((void *)-4096L, FUTEX_WAIT | private, 5, NULL, NULL, 0));
    CHECK_ERR(EINVAL, futex(&word, FUTEX_WAIT | private, 5, &bad, NULL, 0));
    CHECK_ERR(EINVAL, futex(&word, FUTEX_WAIT | private, 5, &negative, NULL, 0));
    CHECK_ERR(EFAULT, futex(&word, FUTEX_WAIT | private, 5, none, NULL, 0));
    CHECK_ERR(ETIMEDOUT, futex(&word, FUTEX_WAIT | private, 5, &zero, NULL, 0));
    CHECK_ERR(EAGAIN, futex(readonly, FUTEX_WAIT_PRIVATE, 5, NULL, NULL, 0));
    CHECK_ERR(ENOSYS, futex(&word, 77, 0, NULL, NULL, 0));
    CHECK_ERR(ENOSYS, futex(&word, FUTEX_WAKE | private | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0));
    CHECK_EQ(futex(&word, FUTEX_WAKE | private, 1, NULL, NULL, 0), 0);
    CHECK_EQ(futex(none, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0), 0);
    CHECK_ERR(EFAULT, futex(none, FUTEX_WAKE, 1, NULL, NULL, 0)); /* shared: it is looked up */

    other = 6;
    CHECK_ERR(EAGAIN, futex(&word, FUTEX_CMP_REQUEUE | private, 1, (void *)1, &other, 4));
    CHECK_EQ(futex(&word, FUTEX_CMP_REQUEUE | private, 1, (void *)1, &other, 5), 0);
    CHECK_EQ(futex(&word, FUTEX_REQUEUE | private, 1, (void *)1, &other, 0), 0);
    CHECK_ERR(EINVAL, futex(&word, FUTEX_CMP_REQUEUE | private, -1, (void *)1, &other, 5));
    CHECK_ERR(EINVAL, futex(&word, FUTEX_CMP_REQUEUE | private, 1, (void *)-1L, &other, 5));
    CHECK_ERR(EINVAL, futex(&word, FUTEX_CMP_REQUEUE | private, 1, (void *)1, odd, 5));
    CHECK_ERR(EFAULT, futex(none, FUTEX_CMP_REQUEUE | private, 1, (void *)1, &other, 5));
}

static void time_outs(int private)
{
    struct timespec t = in_ms(60);
    long begin = now_ms();

    word = 1;
    CHECK_ERR(ETIMEDOUT, futex(&word, FUTEX_WAIT | private, 1, &t, NULL, 0));
    CHECK(now_ms() - begin >= 60);
    begin = now_ms();
    t = after_ms(CLOCK_MONOTONIC, 60);
    CHECK_ERR(ETIMEDOUT, futex(&word, FUTEX_WAIT_BITSET | private, 1, &t, NULL, 1));
    CHECK(now_ms() - begin >= 59);
    begin = now_ms();
    t = after_ms(CLOCK_REALTIME, 60);
    CHECK_ERR(ETIMEDOUT,
              futex(&word, FUTEX_WAIT_BITSET | private | FUTEX_CLOCK_REALTIME, 1, &t, NULL, 1));
    CHECK(now_ms() - begin >= 55);
    t = (struct timespec){ 1, 0 }; /* long past, absolute */
    CHECK_ERR(ETIMEDOUT, futex(&word, FUTEX_WAIT_BITSET | private, 1, &t, NULL, 1));
    CHECK_ERR(EAGAIN, futex(&word, FUTEX_WAIT_BITSET | private, 2, &t, NULL, 1));
}

/* --- waiters ------------------------------------------------------------------------ */

struct wait {
    int nr, op;
    uint32_t bits;
    long result;
    int error;
    uint32_t *at;
};

static void *waits(void *arg)
{
    struct wait *w = arg;

    tids[w->nr] = my_tid();
    w->result = futex(w->at ? w->at : &word, w->op, 1, NULL, NULL, w->bits);
    w->error = w->result < 0 ? errno : 0;
    return NULL;
}

static void wait_start(struct wait *w, pthread_t *thread, int n, int op)
{
    for (int i = 0; i < n; i++) {
        tids[i] = 0;
        w[i].nr = i;
        w[i].op = op;
        thread[i] = start(waits, &w[i]);
        CHECK(wait_asleep(&tids[i], SYS_futex));
    }
}

static void wait_end(struct wait *w, pthread_t *thread, int n)
{
    for (int i = 0; i < n; i++) {
        join(thread[i]);
        CHECK_EQ(w[i].result, 0);
    }
}

static void wake_counts(int private)
{
    struct wait w[6] = { { 0 } };
    pthread_t thread[6];

    word = 1;
    wait_start(w, thread, 6, FUTEX_WAIT | private);
    CHECK_EQ(futex(&other, FUTEX_WAKE | private, 9, NULL, NULL, 0), 0);
    CHECK_EQ(futex(&word, FUTEX_WAKE | private, 0, NULL, NULL, 0), 1); /* 0 counts as 1 */
    CHECK_EQ(futex(&word, FUTEX_WAKE | private, 2, NULL, NULL, 0), 2);
    CHECK_EQ(futex(&word, FUTEX_WAKE | private, 99, NULL, NULL, 0), 3);
    CHECK_EQ(futex(&word, FUTEX_WAKE | private, 99, NULL, NULL, 0), 0);
    wait_end(w, thread, 6);
}

static void bit_sets(int private)
{
    struct wait w[4] = { { .bits = 1 }, { .bits = 2 }, { .bits = 6 }, { .bits = ~0u } };
    pthread_t thread[4];

    wait_start(w, thread, 4, FUTEX_WAIT_BITSET | private);
    CHECK_EQ(futex(&word, FUTEX_WAKE_BITSET | private, 9, NULL, NULL, 8), 1); /* the last */
    CHECK_EQ(futex(&word, FUTEX_WAKE_BITSET | private, 9, NULL, NULL, 4), 1);
    CHECK_EQ(futex(&word, FUTEX_WAKE_BITSET | private, 9, NULL, NULL, 4), 0);
    CHECK_EQ(futex(&word, FUTEX_WAKE | private, 9, NULL, NULL, 0), 2);
    wait_end(w, thread, 4);
}

static void requeues(int private)
{
    struct wait w[6] = { { 0 } };
    pthread_t thread[6];

    wait_start(w, thread, 6, FUTEX_WAIT | private);
    CHECK_ERR(EAGAIN, futex(&word, FUTEX_CMP_REQUEUE | private, 1, (void *)9, &other, 7));
    CHECK_EQ(futex(&word, FUTEX_CMP_REQUEUE | private, 1, (void *)2, &other, 1), 3);
    CHECK_EQ(futex(&other, FUTEX_WAKE | private, 9, NULL, NULL, 0), 2);
    CHECK_EQ(futex(&word, FUTEX_REQUEUE | private, 0, (void *)1, &other, 0), 0 + 1);
    CHECK_EQ(futex(&word, FUTEX_WAKE | private, 9, NULL, NULL, 0), 2);
    CHECK_EQ(futex(&other, FUTEX_WAKE | private, 9, NULL, NULL, 0), 1);
    wait_end(w, thread, 6);
}

/* --- signals ------------------------------------------------------------------------- */

static void note(int sig)
{
    (void)sig;
    handled++;
}

static void signals(void)
{
    struct wait w[1] = { { 0 } };
    pthread_t thread[1];

    handle(SIGUSR1, note, 0);
    wait_start(w, thread, 1, FUTEX_WAIT_PRIVATE);
    pthread_kill(thread[0], SIGUSR1);
    join(thread[0]);
    CHECK_EQ(w[0].error, EINTR);

    handle(SIGUSR1, note, SA_RESTART);
    wait_start(w, thread, 1, FUTEX_WAIT_PRIVATE);
    pthread_kill(thread[0], SIGUSR1);
    CHECK(WAIT_UNTIL(handled == 2));
    CHECK(wait_asleep(&tids[0], SYS_futex));
    CHECK_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 1);
    wait_end(w, thread, 1);
}

static void test(void)
{
    for (int private = 0; private <= FUTEX_PRIVATE_FLAG; private += FUTEX_PRIVATE_FLAG) {
        errors(private);
        time_outs(private);
        wake_counts(private);
        bit_sets(private);
        requeues(private);
    }
    signals();
}
