/* lock.h - spinlocks and sleeping locks.
 *
 * Every lock has a class; the list of classes, lock_classes.h, is the order in
 * which they may be taken.  Only mutexes may be held into block(); with a spinlock
 * held a task neither sleeps nor touches user memory.  Interrupts are off in the
 * kernel, and handlers run only where no spinlock is held.
 *
 * In a kernel that is compiled with -DLOCKS=1 each lock carries its class, and each
 * use says where it stands; lock_check.c panics on a use that breaks the rules.
 * Else a class is no more than a word in the source. */
#ifndef SYNC_LOCK_H
#define SYNC_LOCK_H

#include "arch/cpu.h"
#include "lib/list.h"
#include "sync/lock_classes.h"

#ifndef LOCKS
#define LOCKS 0
#endif

/* clang-format off */
enum lock_class {
    LOCK_NONE,                      /* not initialized: may not be taken */
#define X(name, two, guards) LOCK_##name,
    LOCK_CLASSES(X)
#undef X
    LOCK_END,
};
/* clang-format on */

/* --- spinlocks ---------------------------------------------------------------- */

struct spinlock {
    uint32_t holder; /* [a] CPU + 1, 0: free */
#if LOCKS
    uint32_t class; /* [k] enum lock_class */
#endif
};

#if LOCKS
#define SPINLOCK_INIT(class) \
    { \
        0, class \
    }
#else
#define SPINLOCK_INIT(class) \
    { \
        0 \
    }
#endif

static inline void spin_init(struct spinlock *l, enum lock_class class)
{
    *l = (struct spinlock)SPINLOCK_INIT(class);
    (void)class;
}

/* The same for a lock in memory that is zero already. */
#if LOCKS
#define spin_class(l, c) ((void)((l)->class = (c)))
#else
#define spin_class(l, c) ((void)0)
#endif

static inline bool spin_held(const struct spinlock *l)
{
    return __atomic_load_n(&l->holder, __ATOMIC_RELAXED) == HERE->holder;
}
#define ASSERT_SPIN_HELD(l) ASSERT(spin_held(l))

static inline bool spin_try(struct spinlock *l)
{
    uint32_t expected = 0;
    return __atomic_compare_exchange_n(&l->holder, &expected, HERE->holder, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}
static inline __attribute__((always_inline)) void spin_release(struct spinlock *l)
{
    __atomic_store_n(&l->holder, 0, __ATOMIC_RELEASE);
}
KEEPS_REGISTERS void spin_lock_slow(struct spinlock *l); /* lock.c: spins */

/* --- mutexes ------------------------------------------------------------------ */

/* Its owner may sleep.  Not recursive.  Who gives it back still looks at its waiters
 * after somebody else may have taken it: he has a reference on what it is in. */
struct mutex {
    struct task *owner;   /* [a] */
    struct spinlock lock; /* guards waiters */
    struct list waiters;  /* struct waiter.link */
#if LOCKS
    uint32_t class; /* [k] */
#endif
};

#if LOCKS
#define LOCKS_HELD 8
struct lock_list { /* what a CPU or a task holds, in the order it was taken */
    uint32_t n;
    struct lock_held {
        void *lock;
        const char *where;
        uint32_t class;
    } held[LOCKS_HELD];
};
#endif

#if LOCKS
#define MUTEX_INIT(name, class_) \
    { \
        .lock = SPINLOCK_INIT(LOCK_waitq), .waiters = LIST_INIT((name).waiters), .class = (class_) \
    }
#else
#define MUTEX_INIT(name, class) \
    { \
        .lock = SPINLOCK_INIT(LOCK_waitq), .waiters = LIST_INIT((name).waiters) \
    }
#endif

void mutex_setup(struct mutex *m);
bool mutex_try(struct mutex *m);
void mutex_lock_slow(struct mutex *m); /* may sleep, not interruptible */
void mutex_release(struct mutex *m);

/* By current.  In line: nearly every function of mm asserts it. */
static inline bool mutex_held(const struct mutex *m)
{
    return __atomic_load_n(&m->owner, __ATOMIC_RELAXED) == current;
}
#define ASSERT_HELD(m) ASSERT(mutex_held(m))

/* --- what everybody calls ----------------------------------------------------- */

#if LOCKS
#define LOCK_STRING_(x) #x
#define LOCK_STRING(x)  LOCK_STRING_(x)
#define LOCK_HERE       __FILE__ ":" LOCK_STRING(__LINE__)

/* lock_check.c */
void lock_check_spin(struct spinlock *l, const char *here);
bool lock_check_spin_try(struct spinlock *l, const char *here);
void lock_check_spin_unlock(struct spinlock *l, const char *here);
void lock_check_mutex(struct mutex *m, const char *here);
void lock_check_mutex_unlock(struct mutex *m, const char *here);
void lock_check_no_spin(const char *what, const char *here);
void lock_check_none(const char *what, const char *here);
void lock_check_user_memory(const char *here);

#define spin_lock(l)     lock_check_spin((l), LOCK_HERE)
#define spin_trylock(l)  lock_check_spin_try((l), LOCK_HERE)
#define spin_unlock(l)   lock_check_spin_unlock((l), LOCK_HERE)
#define mutex_init(m, c) (mutex_setup(m), (void)((m)->class = (c)))
#define mutex_lock(m)    lock_check_mutex((m), LOCK_HERE)
#define mutex_unlock(m)  lock_check_mutex_unlock((m), LOCK_HERE)

/* What current is about to do wants no spinlock held; no lock at all; none that a
 * fault on user memory could not be taken under. */
#define LOCK_NO_SPIN(what) lock_check_no_spin((what), LOCK_HERE)
#define LOCK_NO_LOCK(what) lock_check_none((what), LOCK_HERE)
#define LOCK_USER_MEMORY() lock_check_user_memory(LOCK_HERE)

/* What the checking kernel has counted, for /proc/lock_stat. */
struct lock_stat {
    uint64_t taken, waited, wait_tsc, wait_max_tsc;
};
void lock_stat_get(enum lock_class class, struct lock_stat *sum);
const char *lock_class_name(enum lock_class class);
#else
/* lock.c */
#define mutex_init(m, c)   mutex_setup(m)
#define LOCK_NO_SPIN(what) ((void)0)
#define LOCK_NO_LOCK(what) ((void)0)
#define LOCK_USER_MEMORY() ((void)0)

KEEPS_REGISTERS void spin_lock_call(struct spinlock *l); /* spin_lock(), not in line */
#ifdef __OPTIMIZE_SIZE__
#define spin_lock(l) CALL_KEEPING(spin_lock_call, l)
#else
static inline void spin_lock(struct spinlock *l)
{
    if (unlikely(!spin_try(l)))
        CALL_KEEPING(spin_lock_slow, l);
}
#endif
static inline bool spin_trylock(struct spinlock *l) { return spin_try(l); }
#define spin_unlock(l)  spin_release(l)
void mutex_lock(struct mutex *m);
#define mutex_unlock(m) mutex_release(m)
#endif

#endif
