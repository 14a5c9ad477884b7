/* Robust mutexes: the next one learns that the owner died, whether by the end of its
 * thread, of its process, by a signal or by exec, and whether it waited already or comes later; made
 * consistent, the mutex works again; not made so, it is of no more use.  And the kernel's list
 * itself: several locks at once, the one being taken, a list that leads nowhere. */
#include "threads.h"

static pthread_mutex_t *robust(void)
{
    pthread_mutexattr_t attr;
    pthread_mutex_t *m = map_shared(sizeof(*m));

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    CHECK_EQ(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST), 0);
    CHECK_EQ(pthread_mutex_init(m, &attr), 0);
    return m;
}

static void *lock_and_end(void *mutex)
{
    CHECK_EQ(pthread_mutex_lock(mutex), 0);
    return NULL;
}

static void *lock_later(void *mutex)
{
    int rc = pthread_mutex_lock(mutex);

    if (rc == EOWNERDEAD)
        CHECK_EQ(pthread_mutex_consistent(mutex), 0);
    CHECK_EQ(pthread_mutex_unlock(mutex), 0);
    return (void *)(long)rc;
}

static void owner_dead(pthread_mutex_t *m)
{
    CHECK_EQ(pthread_mutex_lock(m), EOWNERDEAD);
    CHECK_EQ(pthread_mutex_consistent(m), 0);
    CHECK_EQ(pthread_mutex_unlock(m), 0);
    CHECK_EQ(pthread_mutex_lock(m), 0);
    CHECK_EQ(pthread_mutex_unlock(m), 0);
}

static void ends(void)
{
    pthread_mutex_t *m = robust();

    join(start(lock_and_end, m));
    owner_dead(m);
    CHECK_EQ(CHILD(pthread_mutex_lock(m)), 0);
    owner_dead(m);
    CHECK_EQ(CHILD(pthread_mutex_lock(m); raise(SIGKILL)), KILLED(SIGKILL));
    owner_dead(m);
    CHECK_EQ(CHILD(pthread_mutex_lock(m); execlp("true", "true", NULL)), 0);
    owner_dead(m);
    /* a child of fork has no locks of its parent's */
    CHECK_EQ(pthread_mutex_lock(m), 0);
    CHECK_EQ(CHILD(_exit(0)), 0);
    CHECK_EQ(CHILD(_exit(pthread_mutex_trylock(m))), EXITED(EBUSY));
    CHECK_EQ(pthread_mutex_unlock(m), 0);

    CHECK_EQ(CHILD(pthread_mutex_lock(m)), 0);
    CHECK_EQ(pthread_mutex_lock(m), EOWNERDEAD);
    CHECK_EQ(pthread_mutex_unlock(m), 0); /* not made consistent */
    CHECK_EQ(pthread_mutex_lock(m), ENOTRECOVERABLE);
}

/* The waiters sleep already when the owner is killed: exactly one learns of it. */
static void waiters(void)
{
    pthread_mutex_t *m = robust();
    volatile int *locked = map_shared(PAGE);
    pthread_t thread[4];
    int dead = 0;
    pid_t owner = START({
        pthread_mutex_lock(m);
        *locked = 1;
        for (;;)
            pause();
    });

    CHECK(WAIT_UNTIL(*locked));
    for (int i = 0; i < 4; i++)
        thread[i] = start(lock_later, m);
    msleep(50);
    kill(owner, SIGKILL);
    for (int i = 0; i < 4; i++) {
        long rc = join(thread[i]);
        CHECK(rc == 0 || rc == EOWNERDEAD);
        dead += rc == EOWNERDEAD;
    }
    CHECK_EQ(dead, 1);
    CHECK_EQ(status_of(owner), KILLED(SIGKILL));
}

/* --- the list that the kernel reads -------------------------------------------- */

struct lock {
    struct robust_list link;
    uint32_t word;
};

static struct lock *locks; /* shared with the child */

static void *dies_with_locks(void *arg)
{
    static struct robust_list_head head;
    uint32_t tid = my_tid();

    (void)arg;
    head.list.next = &locks[0].link;
    head.futex_offset = offsetof(struct lock, word);
    head.list_op_pending = &locks[3].link;
    locks[0].link.next = &locks[1].link;
    locks[1].link.next = &locks[2].link;
    locks[2].link.next = &head.list;
    locks[0].word = tid;
    locks[1].word = tid | FUTEX_WAITERS;
    locks[2].word = tid + 1; /* somebody else's */
    locks[3].word = tid;     /* taken, not yet in the list */
    CHECK(syscall(SYS_set_robust_list, &head, sizeof(head)) == 0);
    syscall(SYS_exit, 0);
    return NULL;
}

static void *lost_list(void *arg)
{
    static struct robust_list_head head;

    head.list.next = arg;
    head.futex_offset = offsetof(struct lock, word);
    CHECK(syscall(SYS_set_robust_list, &head, sizeof(head)) == 0);
    return NULL;
}

static void raw_list(void)
{
    struct robust_list_head *head = NULL;
    size_t len = 0;

    locks = map_shared(4 * sizeof(*locks));
    CHECK_ERR(EINVAL, syscall(SYS_set_robust_list, NULL, 7));
    CHECK_EQ(CHILD(dies_with_locks(NULL)), 0);
    CHECK_EQ(locks[0].word, FUTEX_OWNER_DIED);
    CHECK_EQ(locks[1].word, FUTEX_OWNER_DIED | FUTEX_WAITERS);
    CHECK((locks[2].word & FUTEX_OWNER_DIED) == 0);
    CHECK_EQ(locks[3].word, FUTEX_OWNER_DIED);

    /* bad addresses, a ring that does not come back to the head */
    locks[0].link.next = &locks[0].link;
    CHECK_EQ(CHILD(lost_list(&locks[0].link)), 0);
    CHECK_EQ(CHILD(lost_list((void *)8)), 0);
    CHECK_EQ(CHILD(lost_list((void *)-4096L)), 0);

    CHECK(syscall(SYS_set_robust_list, &locks[0], sizeof(struct robust_list_head)) == 0);
    CHECK(syscall(SYS_get_robust_list, 0, &head, &len) == 0);
    CHECK(head == (void *)&locks[0] && len == sizeof(struct robust_list_head));
    CHECK_ERR(ESRCH, syscall(SYS_get_robust_list, 0x3ffffff, &head, &len));
    CHECK_EQ(CHILD({ /* fork: none */
                     CHECK(syscall(SYS_get_robust_list, 0, &head, &len) == 0);
                     CHECK(head != (void *)&locks[0]);
             }),
             0);
    syscall(SYS_set_robust_list, NULL, sizeof(struct robust_list_head));
}

static void test(void)
{
    ends();
    waiters();
    raw_list();
}
