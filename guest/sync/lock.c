/* lock.c - the slow path of spinlocks, and sleeping locks.
 *
 * Memory order.  Taking a lock is an acquire, giving it back a release, so what was written under it is seen by the
 * next who takes it.  A mutex is its owner's name, exchanged from NULL, and besides has waiters who must not be
 * forgotten:
 *
 *   waiter                            who unlocks
 *   W1 enters the queue               U1 owner = NULL
 *   W2 tries to be the owner          U2 looks at the queue
 *   W3 in vain: block()               U3 somebody there: wakes the first
 *
 * W2 and U1 are locked instructions, which order what stands before them before what comes after.  So it cannot be that
 * the waiter sees the old owner and the owner the empty queue.  If the wake comes between W2 and block(), it leaves the
 * token (block.h), and block() returns at once.
 *
 * A woken waiter competes anew, and may lose to somebody who came by; it then enters the queue again before it sleeps
 * again, so that one finds it.
 *
 * A wake that reaches a waiter here may have been meant for a wait around it: poll() has looked at one descriptor and
 * takes a mutex to look at the next.  So who has slept here leaves with a token, and the wait around it looks at
 * everything once more before it sleeps. */
#include "sync/lock.h"
#include "sched/task.h"

void spin_lock_slow(struct spinlock *l)
{
    ASSERT(!spin_held(l));
    do {
        while (__atomic_load_n(&l->holder, __ATOMIC_RELAXED) != 0)
            cpu_relax_poll();
    } while (!spin_try(l));
}

void mutex_setup(struct mutex *m)
{
    m->owner = NULL;
    spin_init(&m->lock, LOCK_waitq);
    list_init(&m->waiters);
}

bool mutex_try(struct mutex *m)
{
    struct task *expected = NULL;
    return __atomic_compare_exchange_n(&m->owner, &expected, current, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

/* Who has m, 0: nobody any more.  m->lock held, current in the queue: so the owner
 * cannot be gone, because before he is out of mutex_release() he needs m->lock. */
static uint32_t owner_tid(const struct mutex *m)
{
    const struct task *owner = __atomic_load_n(&m->owner, __ATOMIC_SEQ_CST);

    return owner != NULL ? owner->tid : 0;
}

SLOW_PATH void mutex_lock_slow(struct mutex *m)
{
    struct waiter w = { .task = current };
    bool slept = false;

    ASSERT(!mutex_held(m));
    for (;;) {
        spin_lock(&m->lock);
        list_push_back(&m->waiters, &w.link);
        bool got = mutex_try(m);
        uint32_t on = got ? 0 : owner_tid(m);
        spin_unlock(&m->lock);
        if (!got) {
            block(BLOCK_mutex, on, BLOCK_UNINTERRUPTIBLE, NO_DEADLINE);
            slept = true;
        }
        spin_lock(&m->lock);
        list_remove(&w.link);
        spin_unlock(&m->lock);
        if (got || mutex_try(m))
            break;
    }
    if (slept)
        wake_task(current);
}

#if !LOCKS
KEEPS_REGISTERS void spin_lock_call(struct spinlock *l) { spin_lock(l); }

void mutex_lock(struct mutex *m)
{
    if (unlikely(!mutex_try(m)))
        mutex_lock_slow(m);
}
#endif

static SLOW_PATH void wake_waiter(struct mutex *m)
{
    spin_lock(&m->lock);
    if (!list_empty(&m->waiters))
        wake_task(list_first(&m->waiters, struct waiter, link)->task);
    spin_unlock(&m->lock);
}

void mutex_release(struct mutex *m)
{
    ASSERT(mutex_held(m));
    __atomic_store_n(&m->owner, NULL, __ATOMIC_SEQ_CST);
    if (unlikely(!list_empty(&m->waiters)))
        wake_waiter(m);
}
