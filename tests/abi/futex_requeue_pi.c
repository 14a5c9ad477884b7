/* FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI: who waits on a word is moved to a lock and has that when
 * the call returns; one at a time has it; time-outs and signals on either word; what is refused, and that
 * such waiters are not to be woken or moved as others are. */
#include "threads.h"

enum { LOCK_PI = 6, UNLOCK_PI, WAIT_REQUEUE_PI = 11, CMP_REQUEUE_PI };
enum { PRIVATE = FUTEX_PRIVATE_FLAG };

static uint32_t cond, lock;
static volatile pid_t tids[8];
static volatile int inside, got, wrong;

static long move(uint32_t expected, long most)
{
    return futex(&cond, CMP_REQUEUE_PI | PRIVATE, 1, (void *)most, &lock, expected);
}

static long wait_for(const struct timespec *until)
{
    return futex(&cond, WAIT_REQUEUE_PI | PRIVATE, cond, until, &lock, 0);
}

static void *waits(void *arg)
{
    tids[(long)arg] = my_tid();
    long rc = wait_for(NULL);
    CHECK_EQ(rc, 0);
    CHECK_EQ(lock & 0x3fffffff, my_tid());
    wrong += inside++ != 0;
    msleep(2);
    inside--;
    got++;
    CHECK_EQ(futex(&lock, UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    return NULL;
}

static void asleep(volatile pid_t *tid) { CHECK(wait_asleep(tid, SYS_futex)); }

/* held: who moves them has the lock, as pthread_cond_broadcast's caller has mostly. */
static void moved(int held)
{
    pthread_t thread[4];

    got = 0;
    for (long i = 0; i < 4; i++) {
        tids[i] = 0;
        thread[i] = start(waits, (void *)i);
        asleep(&tids[i]);
    }
    if (held)
        CHECK_EQ(futex(&lock, LOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    CHECK_ERR(EAGAIN, move(cond + 1, 100));
    CHECK_EQ(move(cond, 0), 1);
    if (held) {
        msleep(20);
        CHECK_EQ(got, 0);
        CHECK(lock >> 31);
    } else {
        CHECK(WAIT_UNTIL(got == 1));
    }
    CHECK_EQ(move(cond, 100), 3);
    CHECK_EQ(move(cond, 100), 0);
    if (held) {
        CHECK_EQ(lock & 0x3fffffff, my_tid());
        CHECK_EQ(futex(&lock, UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    }
    for (int i = 0; i < 4; i++)
        join(thread[i]);
    CHECK_EQ(got, 4);
    CHECK_EQ(wrong, 0);
    CHECK_EQ(futex(&lock, LOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0); /* nobody has it */
    CHECK_EQ(futex(&lock, UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    CHECK_EQ(lock, 0);
}

static void nothing(int sig) { (void)sig; }

static void *times_out(void *arg)
{
    struct timespec until = after_ms(CLOCK_MONOTONIC, arg ? 300 : 30);

    tids[0] = my_tid();
    CHECK_ERR(ETIMEDOUT, wait_for(&until));
    return NULL;
}

static volatile int ended_with = -1;

static void *is_interrupted(void *arg)
{
    tids[0] = my_tid();
    long rc = wait_for(NULL);
    ended_with = rc == 0 ? 0 : errno;
    if (rc == 0)
        CHECK_EQ(futex(&lock, UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    return arg;
}

static void cut_short(void)
{
    struct timespec until = after_ms(CLOCK_REALTIME, 30);

    join(start(times_out, NULL));
    CHECK_ERR(ETIMEDOUT, futex(&cond, WAIT_REQUEUE_PI | PRIVATE | FUTEX_CLOCK_REALTIME, cond,
                               &until, &lock, 0));
    tids[0] = 0;
    pthread_t thread = start(times_out, (void *)1);
    asleep(&tids[0]);
    CHECK_EQ(futex(&lock, LOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    CHECK_EQ(move(cond, 9), 1);
    join(thread);
    CHECK_EQ(futex(&lock, UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);

    handle(SIGUSR1, nothing, 0);
    tids[0] = 0;
    thread = start(is_interrupted, NULL);
    asleep(&tids[0]);
    pthread_kill(thread, SIGUSR1); /* on the first word the wait goes on */
    msleep(20);
    asleep(&tids[0]);
    CHECK_EQ(ended_with, -1);
    CHECK_EQ(futex(&lock, LOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    CHECK_EQ(move(cond, 9), 1);
    asleep(&tids[0]);
    pthread_kill(thread, SIGUSR1); /* on the lock it is over */
    CHECK(WAIT_UNTIL(ended_with != -1));
    CHECK_EQ(ended_with, EAGAIN);
    CHECK_EQ(futex(&lock, UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    join(thread);
}

static void refused(void)
{
    static uint32_t other;

    CHECK_ERR(EINVAL, futex(&cond, WAIT_REQUEUE_PI, cond, NULL, &cond, 0));
    CHECK_ERR(EAGAIN, futex(&cond, WAIT_REQUEUE_PI, cond + 1, NULL, &lock, 0));
    CHECK_ERR(EINVAL, futex(&cond, WAIT_REQUEUE_PI, cond, NULL, (char *)&lock + 1, 0));
    CHECK_ERR(EINVAL, futex(&cond, CMP_REQUEUE_PI, 1, (void *)1, &cond, cond));
    CHECK_ERR(EINVAL, futex(&cond, CMP_REQUEUE_PI, 0, (void *)1, &lock, cond));
    CHECK_ERR(EINVAL, futex(&cond, CMP_REQUEUE_PI, 2, (void *)1, &lock, cond));
    CHECK_ERR(EINVAL, futex(&cond, CMP_REQUEUE_PI, 1, (void *)-1, &lock, cond));
    CHECK_EQ(futex(&cond, CMP_REQUEUE_PI, 1, (void *)1, &lock, cond), 0);

    got = tids[0] = 0;
    pthread_t thread = start(waits, NULL);
    asleep(&tids[0]);
    CHECK_ERR(EINVAL, futex(&cond, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    CHECK_ERR(EINVAL, futex(&cond, FUTEX_REQUEUE | PRIVATE, 1, (void *)1, &other, 0));
    CHECK_ERR(EINVAL, futex(&cond, CMP_REQUEUE_PI | PRIVATE, 1, (void *)1, &other, cond));
    CHECK_EQ(got, 0);
    CHECK_EQ(move(cond, 0), 1);
    join(thread);
}

static void *waits_plainly(void *arg)
{
    tids[0] = my_tid();
    CHECK_EQ(futex(&cond, FUTEX_WAIT_PRIVATE, cond, NULL, NULL, 0), 0);
    return arg;
}

static void *wants_lock(void *arg)
{
    tids[0] = my_tid();
    CHECK_EQ(futex(&lock, LOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    CHECK_EQ(futex(&lock, UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    return arg;
}

static void of_the_wrong_kind(void)
{
    tids[0] = 0;
    pthread_t thread = start(waits_plainly, NULL);
    asleep(&tids[0]);
    CHECK_ERR(EINVAL, move(cond, 1));
    CHECK_EQ(futex(&cond, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 1);
    join(thread);

    CHECK_EQ(futex(&lock, LOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    tids[0] = 0;
    thread = start(wants_lock, NULL);
    asleep(&tids[0]);
    CHECK_ERR(EINVAL, futex(&lock, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    CHECK_EQ(futex(&lock, UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    join(thread);
}

static volatile int leaves;

static void *ends_with_it(void *arg)
{
    CHECK_EQ(futex(&lock, LOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    tids[1] = my_tid();
    while (!leaves)
        msleep(1);
    return arg;
}

static void *inherits(void *arg)
{
    tids[2] = my_tid();
    CHECK_EQ(futex(&lock, LOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    CHECK_EQ(lock & 0x3fffffff, my_tid());
    CHECK((lock & FUTEX_OWNER_DIED) != 0);
    lock = 0;
    return arg;
}

/* Who waits for a lock has it when its owner ends, though it is no robust one; who comes later is told. */
static void owner_ends(void)
{
    tids[1] = tids[2] = 0;
    pthread_t owner = start(ends_with_it, NULL);
    CHECK(WAIT_UNTIL(tids[1] != 0));
    pthread_t heir = start(inherits, NULL);
    asleep(&tids[2]);
    leaves = 1;
    join(owner);
    join(heir);
    tids[1] = 0;
    join(start(ends_with_it, NULL));
    CHECK(WAIT_UNTIL(syscall(SYS_tkill, tids[1], 0) != 0));
    CHECK_ERR(ESRCH, futex(&lock, LOCK_PI | PRIVATE, 0, NULL, NULL, 0));
    lock = 0;
}

static void test(void)
{
    cond = 7;
    refused();
    moved(0);
    moved(1);
    cut_short();
    of_the_wrong_kind();
    owner_ends();
}
