/* Who has a lock of FUTEX_LOCK_PI has the highest priority of those who wait for it, along a chain too, until they
 * have it or give up; they get it by priority; and nobody waits for himself. */
#include "../check.h"
#include <linux/futex.h>
#include <pthread.h>

static uint32_t locks[4];

static int tid(void) { return (int)syscall(SYS_gettid); }

static long lock_until(int n, const struct timespec *until)
{
    uint32_t zero = 0;

    if (__atomic_compare_exchange_n(&locks[n], &zero, (uint32_t)tid(), 0, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST))
        return 0;
    return syscall(SYS_futex, &locks[n], FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG, 0, until, NULL, 0);
}
static long lock(int n) { return lock_until(n, NULL); }

static long unlock(int n)
{
    uint32_t mine = (uint32_t)tid();

    if (__atomic_compare_exchange_n(&locks[n], &mine, 0, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        return 0;
    return syscall(SYS_futex, &locks[n], FUTEX_UNLOCK_PI | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0);
}

/* As the kernel schedules it: field 18 of its stat. */
static int priority(int of)
{
    char path[64], line[512] = "";
    int value = 999;

    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", of);
    int fd = open(path, O_RDONLY);
    if (read(fd, line, sizeof(line) - 1) > 0)
        sscanf(strrchr(line, ')') + 2,
               "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %d", &value);
    close(fd);
    return value;
}

static void becomes(int of, int wanted, int line)
{
    for (int i = 0; i < 5000 && priority(of) != wanted; i++)
        usleep(1000);
    int is = priority(of);
    check_that(is == wanted, __FILE__, line, "the priority", 0);
    if (is != wanted)
        SAY("     %d and %d\n", is, wanted);
}
#define BECOMES(of, wanted) becomes(of, wanted, __LINE__)

/* --- threads ---------------------------------------------------------------------------- */

struct waiter {
    pthread_t thread;
    int priority;    /* SCHED_FIFO; 0: as all */
    int holds;       /* a lock that it has meanwhile; -1: none */
    int wants;       /* the lock that it waits for */
    int timeout_ms;  /* 0: none */
    volatile int id; /* it */
};
static int order[8];
static volatile int served;

static void *wait_for_lock(void *arg)
{
    struct waiter *w = arg;
    struct sched_param p = { .sched_priority = w->priority };
    struct timespec until;

    if (w->priority != 0)
        CHECK_EQ(sched_setscheduler(0, SCHED_FIFO, &p), 0);
    if (w->holds >= 0)
        CHECK_EQ(lock(w->holds), 0);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += w->timeout_ms * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    w->id = tid();
    if (w->timeout_ms != 0) {
        CHECK_ERR(ETIMEDOUT, lock_until(w->wants, &until));
        return NULL;
    }
    CHECK_EQ(lock(w->wants), 0);
    order[served++] = w->priority;
    CHECK_EQ(unlock(w->wants), 0);
    if (w->holds >= 0)
        CHECK_EQ(unlock(w->holds), 0);
    return NULL;
}

static void begin(struct waiter *w)
{
    w->id = 0;
    CHECK_EQ(pthread_create(&w->thread, NULL, wait_for_lock, w), 0);
    while (w->id == 0)
        usleep(1000);
}
static void end(struct waiter *w) { CHECK_EQ(pthread_join(w->thread, NULL), 0); }

static int lends(void) { return priority(tid()) != 20; }

static void simple(void)
{
    struct waiter a = { .priority = 20, .holds = -1 }, b = { .priority = 30, .holds = -1 };
    struct waiter c = { .priority = 10, .holds = -1 };
    int me = tid();

    served = 0;
    CHECK_EQ(lock(0), 0);
    BECOMES(me, 20);
    begin(&a);
    BECOMES(me, -21);
    begin(&b);
    BECOMES(me, -31);
    begin(&c);
    CHECK_EQ(sched_getscheduler(0), SCHED_OTHER);
    CHECK_EQ(CHILD(CHECK(!lends())), 0); /* not inherited */
    struct sched_param p = { .sched_priority = 40 };
    CHECK_EQ(sched_setscheduler(a.id, SCHED_FIFO, &p), 0);
    BECOMES(me, -41);
    p.sched_priority = 20;
    CHECK_EQ(sched_setscheduler(a.id, SCHED_FIFO, &p), 0);
    BECOMES(me, -31);
    usleep(20000); /* the third waits, too, most likely */
    CHECK_EQ(unlock(0), 0);
    BECOMES(me, 20);
    end(&a);
    end(&b);
    end(&c);
    SAY("%d %d %d\n", order[0], order[1], order[2]);
}

static void chain(void)
{
    struct waiter middle = { .priority = 0, .holds = 1, .wants = 0 };
    struct waiter far = { .priority = 50, .holds = -1, .wants = 1 };
    int me = tid();

    CHECK_EQ(lock(0), 0);
    begin(&middle);
    begin(&far);
    BECOMES(me, -51);
    BECOMES(middle.id, -51);
    CHECK_EQ(unlock(0), 0);
    BECOMES(me, 20);
    end(&middle);
    end(&far);
}

static void gives_up(void)
{
    struct waiter w = { .priority = 25, .holds = -1, .timeout_ms = 2000 };
    int me = tid();

    CHECK_EQ(lock(0), 0);
    begin(&w);
    BECOMES(me, -26);
    end(&w);
    BECOMES(me, 20);
    CHECK_EQ(unlock(0), 0);
}

static void circle(void)
{
    struct waiter w = { .priority = 0, .holds = 1, .wants = 0 };

    CHECK_EQ(lock(0), 0);
    CHECK_ERR(EDEADLK,
              syscall(SYS_futex, &locks[0], FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0));
    begin(&w);
    while (!(__atomic_load_n(&locks[0], __ATOMIC_SEQ_CST) & FUTEX_WAITERS))
        usleep(1000);
    usleep(20000);
    CHECK_ERR(EDEADLK, lock(1));
    CHECK_EQ(unlock(0), 0);
    end(&w);
}

static void test(void)
{
    struct sched_param p = { .sched_priority = 1 };

    alarm(60);
    if (CHILD(if (sched_setscheduler(0, SCHED_FIFO, &p) != 0) _exit(1)) != 0) {
        SAY("# no real-time priorities here\n");
        return;
    }
    simple();
    chain();
    gives_up();
    circle();
}
