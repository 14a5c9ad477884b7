/* lock.c - the slow path of spinlocks, and sleeping locks.
 *
 * A mutex is its owner's name, exchanged atomically from NULL.  An unlock that
 * finds waiters wakes the first, which competes for the lock anew; a waiter
 * enters the queue before it looks at the owner once more, and the unlock
 * clears the owner before it looks at the queue, so one of the two sees the
 * other (both are sequentially consistent). */
#include "proc/lock.h"
#include "proc/task.h"

void spin_lock_slow(struct spinlock *l)
{
    uint32_t me = this_cpu()->id + 1, expected;

    ASSERT(!spin_held(l));
    do {
        while (__atomic_load_n(&l->holder, __ATOMIC_RELAXED) != 0)
            cpu_relax_poll();
        expected = 0;
    } while (!__atomic_compare_exchange_n(&l->holder, &expected, me, false, __ATOMIC_ACQUIRE,
                                          __ATOMIC_RELAXED));
}

void mutex_init(struct mutex *m)
{
    m->owner = NULL;
    spin_init(&m->lock);
    list_init(&m->waiters);
}

static bool try_lock(struct mutex *m)
{
    struct task *expected = NULL;
    return __atomic_compare_exchange_n(&m->owner, &expected, current, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

static SLOW_PATH void lock_slow(struct mutex *m)
{
    struct waiter w = { .task = current };

    ASSERT(!mutex_held(m));
    for (;;) {
        spin_lock(&m->lock);
        list_push_back(&m->waiters, &w.link);
        spin_unlock(&m->lock);
        bool got = try_lock(m);
        if (!got) {
            struct task *owner = __atomic_load_n(&m->owner, __ATOMIC_SEQ_CST);
            if (owner != NULL)
                block(BLOCK_mutex, 0, BLOCK_UNINTERRUPTIBLE, NO_DEADLINE);
        }
        spin_lock(&m->lock);
        list_remove(&w.link);
        spin_unlock(&m->lock);
        if (got || try_lock(m))
            return;
    }
}

void mutex_lock(struct mutex *m)
{
    if (unlikely(!try_lock(m)))
        lock_slow(m);
}

static SLOW_PATH void wake_waiter(struct mutex *m)
{
    spin_lock(&m->lock);
    if (!list_empty(&m->waiters))
        wake_task(list_first(&m->waiters, struct waiter, link)->task);
    spin_unlock(&m->lock);
}

void mutex_unlock(struct mutex *m)
{
    ASSERT(mutex_held(m));
    __atomic_store_n(&m->owner, NULL, __ATOMIC_SEQ_CST);
    if (unlikely(!list_empty(&m->waiters)))
        wake_waiter(m);
}

bool mutex_held(const struct mutex *m)
{
    return __atomic_load_n(&m->owner, __ATOMIC_RELAXED) == current;
}
