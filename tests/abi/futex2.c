/* futex_waitv, futex_wake, futex_wait and futex_requeue: which word woke, their errors and the
 * order of these, strict counts, bit sets, both clocks, what signals do, words of a node. */
#include "threads.h"

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
#define SYS_futex2_wake    454
#define SYS_futex2_wait    455
#define SYS_futex2_requeue 456

#define FUTEX2_U32     2u
#define FUTEX2_NUMA    4u
#define FUTEX2_MPOL    8u
#define FUTEX2_PRIVATE 128u

struct waitv {
    uint64_t val, at;
    uint32_t flags, reserved;
};

static uint32_t word[128], pair[2] __attribute__((aligned(8)));
static const struct timespec zero;
static volatile pid_t tid, tids[8];
static volatile int handled;
static uint32_t kind; /* FUTEX2_U32, private or not */

static struct waitv waits_for(volatile uint32_t *at, uint32_t val)
{
    return (struct waitv){ val, (uintptr_t)at, kind, 0 };
}

static long waitv(const void *v, unsigned n, unsigned flags, const void *timeout, clockid_t clock)
{
    return syscall(SYS_futex_waitv, v, n, flags, timeout, clock);
}
static long wake(volatile void *at, unsigned long mask, int n, unsigned flags)
{
    return syscall(SYS_futex2_wake, at, mask, n, flags);
}
static long wait_for(volatile void *at, unsigned long val, unsigned long mask, unsigned flags,
                     const void *timeout, clockid_t clock)
{
    return syscall(SYS_futex2_wait, at, val, mask, flags, timeout, clock);
}
static long requeue(const void *v, unsigned flags, int nwake, int nmove)
{
    return syscall(SYS_futex2_requeue, v, flags, nwake, nmove);
}

/* --- what fails at once ---------------------------------------------------------- */

static void *no_page(void)
{
    char *p = map_pages(1);

    munmap(p, PAGE);
    return p;
}

static void waitv_errors(void)
{
    struct timespec bad = { 0, -1 };
    struct waitv v[129], good[2];
    void *none = no_page();

    word[0] = 5;
    word[1] = 6;
    good[0] = waits_for(&word[0], 5);
    good[1] = waits_for(&word[1], 6);
    for (int i = 0; i < 129; i++)
        v[i] = good[0];
    CHECK_ERR(EINVAL, waitv(v, 129, 0, &zero, CLOCK_MONOTONIC));
    CHECK_ERR(EINVAL, waitv(v, 0, 0, &zero, CLOCK_MONOTONIC));
    CHECK_ERR(ETIMEDOUT, waitv(v, 128, 0, &zero, CLOCK_MONOTONIC));
    CHECK_ERR(EINVAL, waitv(v, 1, 1, &zero, CLOCK_MONOTONIC));
    CHECK_ERR(EINVAL, waitv(NULL, 1, 0, &zero, CLOCK_MONOTONIC));
    CHECK_ERR(EFAULT, waitv(none, 1, 0, &zero, CLOCK_MONOTONIC));
    CHECK_ERR(EFAULT, waitv(v, 1, 0, none, CLOCK_MONOTONIC));
    CHECK_ERR(EINVAL, waitv(v, 1, 0, &bad, CLOCK_MONOTONIC));
    CHECK_ERR(EINVAL, waitv(none, 1, 0, none, CLOCK_BOOTTIME));
    CHECK_ERR(ETIMEDOUT, waitv(good, 2, 0, &zero, CLOCK_REALTIME));
    CHECK_ERR(EAGAIN, (word[1] = 7, waitv(good, 2, 0, NULL, 99)));
    CHECK_ERR(EAGAIN, (word[0] = 7, waitv(good, 2, 0, NULL, 99)));
    v[1].flags = kind | 16;
    CHECK_ERR(EINVAL, waitv(v, 2, 0, &zero, CLOCK_MONOTONIC));
    v[1].flags = kind & ~3u; /* a byte */
    CHECK_ERR(EINVAL, waitv(v, 2, 0, &zero, CLOCK_MONOTONIC));
    v[1].flags = kind | 1; /* 64 bits */
    CHECK_ERR(EINVAL, waitv(v, 2, 0, &zero, CLOCK_MONOTONIC));
    v[1] = good[1], v[1].reserved = 1;
    CHECK_ERR(EINVAL, waitv(v, 2, 0, &zero, CLOCK_MONOTONIC));
    v[1] = good[1], v[1].val |= 1ull << 32;
    CHECK_ERR(EINVAL, waitv(v, 2, 0, &zero, CLOCK_MONOTONIC));
    v[1] = good[1], v[1].at += 2; /* found before the first is compared */
    CHECK_ERR(EINVAL, waitv(v, 2, 0, &zero, CLOCK_MONOTONIC));
    v[1].at = (uintptr_t)none;
    word[0] = 5;
    CHECK_ERR(EFAULT, waitv(v, 2, 0, &zero, CLOCK_MONOTONIC));
}

static void errors(void)
{
    struct timespec bad = { 0, 1000000000 };
    struct waitv v[2] = { waits_for(&word[0], 5), waits_for(&word[1], 77) };
    void *none = no_page();

    word[0] = 5;
    CHECK_EQ(wake(word, 1, 9, kind), 0);
    CHECK_ERR(EINVAL, wake(word, 0, 9, kind));
    CHECK_ERR(EINVAL, wake(word, 1ul << 32, 9, kind));
    CHECK_ERR(EINVAL, wake(word, 1, 9, kind | 0x40));
    CHECK_ERR(EINVAL, wake(word, 1, 9, kind & ~2u));
    CHECK_ERR(EINVAL, wake((char *)word + 2, 1, 9, kind));
    CHECK_ERR(EFAULT, wake((void *)-4096l, 1, 9, kind));

    CHECK_ERR(ETIMEDOUT, wait_for(word, 5, 1, kind, &zero, CLOCK_MONOTONIC));
    CHECK_ERR(EAGAIN, wait_for(word, 6, 1, kind, NULL, 99));
    CHECK_ERR(EINVAL, wait_for(word, 6, 1, kind, &zero, 99));
    CHECK_ERR(EINVAL, wait_for(word, 6, 1, kind, none, 99));
    CHECK_ERR(EFAULT, wait_for(word, 6, 1, kind, none, CLOCK_REALTIME));
    CHECK_ERR(EFAULT, wait_for(word, 6, 0, kind, none, CLOCK_REALTIME));
    CHECK_ERR(EINVAL, wait_for(word, 6, 1, kind, &bad, CLOCK_REALTIME));
    CHECK_ERR(EINVAL, wait_for(word, 5, 0, kind, &zero, CLOCK_MONOTONIC));
    CHECK_ERR(EINVAL, wait_for(word, 5ul | 1ul << 40, 1, kind, &zero, CLOCK_MONOTONIC));
    CHECK_ERR(EINVAL, wait_for(word, 5, 1ul << 32, kind, &zero, CLOCK_MONOTONIC));
    CHECK_ERR(EFAULT, wait_for(none, 5, 1, kind, &zero, CLOCK_MONOTONIC));

    CHECK_EQ(requeue(v, 0, 1, 1), 0);
    CHECK_ERR(EINVAL, requeue(v, 1, 1, 1));
    CHECK_ERR(EINVAL, requeue(NULL, 0, 1, 1));
    CHECK_ERR(EFAULT, requeue(none, 0, 1, 1));
    CHECK_ERR(EINVAL, requeue(v, 0, -1, 1));
    CHECK_ERR(EINVAL, requeue(v, 0, 1, -1));
    CHECK_ERR(EAGAIN, (word[0] = 4, requeue(v, 0, 1, 1)));
    v[1].flags ^= FUTEX2_PRIVATE;
    CHECK_ERR(EINVAL, requeue(v, 0, 1, 1));
}

/* One node: any is node 0, and there is no other. */
static void nodes(void)
{
    pair[0] = 5;
    pair[1] = ~0u;
    if (wake(pair, 1, 9, kind | FUTEX2_NUMA | FUTEX2_MPOL) < 0) /* Linux 6.16 */
        return;                                                 /* said in test() */
    CHECK_EQ(pair[1], 0);
    CHECK_ERR(ETIMEDOUT, wait_for(pair, 5, 1, kind | FUTEX2_NUMA, &zero, CLOCK_MONOTONIC));
    pair[1] = 1000;
    CHECK_ERR(EINVAL, wait_for(pair, 5, 1, kind | FUTEX2_NUMA, &zero, CLOCK_MONOTONIC));
    CHECK_ERR(ETIMEDOUT, wait_for(pair, 5, 1, kind | FUTEX2_MPOL, &zero, CLOCK_MONOTONIC));
    CHECK_ERR(EINVAL, wake((char *)pair + 4, 1, 9, kind | FUTEX2_NUMA));
}

/* --- waiters ------------------------------------------------------------------------ */

struct waiter {
    unsigned n, nr;
    struct waitv *v;
    uint32_t mask;
    long result;
    int error;
};

static void *vector_waits(void *arg)
{
    struct waiter *w = arg;

    tids[w->nr] = my_tid();
    w->result = waitv(w->v, w->n, 0, NULL, CLOCK_MONOTONIC);
    w->error = w->result < 0 ? errno : 0;
    return NULL;
}

static void *one_waits(void *arg)
{
    struct waiter *w = arg;

    tids[w->nr] = my_tid();
    w->result = wait_for(&word[0], 1, w->mask, kind, NULL, 0);
    w->error = w->result < 0 ? errno : 0;
    return NULL;
}

static pthread_t begin(struct waiter *w, void *(*how)(void *))
{
    tids[w->nr] = 0;
    pthread_t t = start(how, w);
    CHECK(wait_asleep(&tids[w->nr], how == one_waits ? SYS_futex2_wait : SYS_futex_waitv));
    return t;
}

/* Any of 128 words, and the old call wakes it as well. */
static void which(void)
{
    static struct waitv v[128];
    struct waiter w = { .n = 128, .v = v };

    for (int i = 0; i < 128; i++)
        word[i] = i, v[i] = waits_for(&word[i], i);
    for (int i = 0; i < 128; i += 63) {
        pthread_t t = begin(&w, vector_waits);
        if (i == 63)
            CHECK_EQ(futex(&word[i], FUTEX_WAKE | (kind & FUTEX2_PRIVATE), 9, NULL, NULL, 0), 1);
        else
            CHECK_EQ(wake(&word[i], ~0u, 9, kind), 1);
        join(t);
        CHECK_EQ(w.result, i);
        CHECK_EQ(wake(&word[i], ~0u, 9, kind), 0);
    }
    /* The same word several times: each is a waiter, and the last woken is told. */
    for (int i = 0; i < 4; i++)
        v[i] = waits_for(&word[5], 5);
    w.n = 4;
    pthread_t t = begin(&w, vector_waits);
    long woken = wake(&word[5], ~0u, 4, kind);
    join(t);
    CHECK(woken >= 1 && woken <= 4 && w.result >= 0 && w.result < woken);
}

static void counts(void)
{
    struct waiter w[4] = { { .mask = 1 }, { .mask = 2 }, { .mask = 4 }, { .mask = 7 } };
    struct waitv v[2] = { waits_for(&word[0], 1), waits_for(&word[1], 0) };
    pthread_t t[4];

    word[0] = 1;
    for (unsigned i = 0; i < 4; i++) {
        w[i].nr = i;
        t[i] = begin(&w[i], one_waits);
    }
    CHECK_EQ(wake(&word[0], ~0u, 0, kind), 0); /* strict: none is none */
    CHECK_EQ(wake(&word[0], 8, 9, kind), 0);
    CHECK_EQ(wake(&word[0], 2, 1, kind), 1);
    join(t[1]);
    CHECK_EQ(requeue(v, 0, 1, 1), 2);
    join(t[0]);
    CHECK_EQ(wake(&word[1], 4, 9, kind), 1);
    join(t[2]);
    CHECK_EQ(wake(&word[0], ~0u, 9, kind), 1);
    join(t[3]);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(w[i].result, 0);
}

/* One of a vector's words is requeued, and tells its own place. */
static void requeued(void)
{
    struct waitv v[2] = { waits_for(&word[2], 2), waits_for(&word[3], 3) },
                 to[2] = { waits_for(&word[3], 3), waits_for(&word[4], 0) };
    struct waiter w = { .n = 2, .v = v };

    word[2] = 2, word[3] = 3;
    pthread_t t = begin(&w, vector_waits);
    CHECK_EQ(requeue(to, 0, 0, 9), 1);
    CHECK_EQ(wake(&word[3], ~0u, 9, kind), 0);
    CHECK_EQ(wake(&word[4], ~0u, 9, kind), 1);
    join(t);
    CHECK_EQ(w.result, 1);
}

/* Words that another process waits on, through another mapping. */
static void between_processes(void)
{
    uint32_t *shared = map_shared(PAGE);

    kind = FUTEX2_U32;
    pid_t child = START(struct waitv v[2] = { waits_for(&word[9], 9), waits_for(&shared[1], 0) };
                        word[9] = 9; CHECK_EQ(waitv(v, 2, 0, NULL, 0), 1));
    CHECK(WAIT_UNTIL(sleeps_in(child, child) == SYS_futex_waitv));
    CHECK_EQ(wake(&word[9], ~0u, 9, kind), 0); /* the child has its own */
    CHECK_EQ(wake(&shared[1], ~0u, 9, FUTEX2_U32 | FUTEX2_PRIVATE), 0);
    CHECK_EQ(wake(&shared[1], ~0u, 9, kind), 1);
    CHECK_EQ(status_of(child), 0);
}

/* --- time-outs and signals -------------------------------------------------------- */

static void time_outs(void)
{
    struct waitv v[2] = { waits_for(&word[0], 1), waits_for(&word[1], 2) };
    static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME };

    word[0] = 1, word[1] = 2;
    for (int i = 0; i < 2; i++) {
        long began = now_ms();
        struct timespec until = after_ms(clocks[i], 40);
        CHECK_ERR(ETIMEDOUT, waitv(v, 2, 0, &until, clocks[i]));
        CHECK(now_ms() - began >= 39);
        began = now_ms();
        until = after_ms(clocks[i], 40);
        CHECK_ERR(ETIMEDOUT, wait_for(word, 1, ~0u, kind, &until, clocks[i]));
        CHECK(now_ms() - began >= 39);
    }
}

static void note(int sig) { handled += sig == SIGUSR1; }

static void signals(void)
{
    struct waitv v[2] = { waits_for(&word[0], 1), waits_for(&word[1], 2) };
    struct waiter w = { .n = 2, .v = v, .mask = 1 };

    for (int vector = 0; vector < 2; vector++) {
        void *(*how)(void *) = vector ? vector_waits : one_waits;
        handle(SIGUSR1, note, 0);
        pthread_t t = begin(&w, how);
        pthread_kill(t, SIGUSR1);
        join(t);
        CHECK_EQ(w.error, EINTR);
        handle(SIGUSR1, note, SA_RESTART);
        handled = 0;
        t = begin(&w, how);
        pthread_kill(t, SIGUSR1);
        CHECK(WAIT_UNTIL(handled == 1));
        CHECK(wait_asleep(&tids[0], vector ? SYS_futex_waitv : SYS_futex2_wait));
        CHECK_EQ(wake(&word[vector], 1, 1, kind), 1);
        join(t);
        CHECK_EQ(w.result, vector);
    }
}

static void test(void)
{
    kind = FUTEX2_U32;
    if (wake(word, 1, 0, kind) < 0 && errno == ENOSYS) {
        SAY("this Linux is older than 6.7: no futex_wake, nothing was tested\n");
        return;
    }
    for (int private = 0; private < 2; private ++) {
        kind = FUTEX2_U32 | (private ? FUTEX2_PRIVATE : 0);
        waitv_errors();
        errors();
        nodes();
        which();
        counts();
        requeued();
        time_outs();
        signals();
    }
    between_processes();
}
