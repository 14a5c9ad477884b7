/* lock.h - spinlocks and sleeping locks.
 * Order, outermost first (a lock may be taken while holding those before it):
 *   fs_tree (mutex, names and mounts) > inode.lock (mutex) > mm.lock (mutex)
 *   > files.lock > tree_lock (processes) > sighand.lock > tty.lock, pipe.lock
 *   > inode.pages_lock, waitq.lock > task.lock > run queue > frame, heap, console
 * Only mutexes may be held into block(); with a spinlock held a task neither
 * sleeps nor touches user memory.  Interrupts are off in the kernel anyway. */
#ifndef PROC_LOCK_H
#define PROC_LOCK_H

#include "arch/cpu.h"
#include "lib/list.h"

struct spinlock { uint32_t holder; /* CPU + 1, 0: free */ };
#define SPINLOCK_INIT { 0 }

static inline void spin_init(struct spinlock *l) { l->holder = 0; }
static inline bool spin_held(const struct spinlock *l)
{
    return __atomic_load_n(&l->holder, __ATOMIC_RELAXED) == this_cpu()->id + 1;
}
void spin_lock_slow(struct spinlock *l);    /* lock.c: spins */
static inline void spin_lock(struct spinlock *l)
{
    uint32_t expected = 0;
    if (unlikely(!__atomic_compare_exchange_n(&l->holder, &expected, this_cpu()->id + 1, false,
                                              __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)))
        spin_lock_slow(l);
}
static inline void spin_unlock(struct spinlock *l)
{
    __atomic_store_n(&l->holder, 0, __ATOMIC_RELEASE);
}
#define ASSERT_SPIN_HELD(l) ASSERT(spin_held(l))

/* A mutex: its owner may sleep.  Not recursive. */
struct mutex {
    struct task    *owner;      /* [atomic] */
    struct spinlock lock;       /* guards waiters */
    struct list     waiters;    /* struct waiter.link */
};
#define MUTEX_INIT(name) { NULL, SPINLOCK_INIT, LIST_INIT((name).waiters) }
void mutex_init(struct mutex *m);
void mutex_lock(struct mutex *m);           /* may sleep, not interruptible */
void mutex_unlock(struct mutex *m);
bool mutex_held(const struct mutex *m);     /* by current */
#define ASSERT_HELD(m) ASSERT(mutex_held(m))

#endif
