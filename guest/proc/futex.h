/* futex.h - sleeping on words of user memory. */
#ifndef PROC_FUTEX_H
#define PROC_FUTEX_H

#include "sched/task.h"

struct inode;
struct futex_bucket;

struct futex_key {
    const void *object;
    uint64_t at;
    struct inode *in;
};
/* FUTEX_FOR_PI: waits to be moved to a lock, and is FUTEX_PI then. */
enum futex_kind { FUTEX_PLAIN, FUTEX_PI, FUTEX_FOR_PI };
struct futex_waiter {             /* on the sleeper's stack */
    struct list link;             /* [bucket] */
    struct futex_bucket *bucket;  /* NULL: woken; changes under the lock of the one it leaves */
    struct futex_key key;         /* [bucket] and its reference */
    uint32_t bits;                /* [k] */
    enum futex_kind kind;         /* [bucket] */
    const struct futex_key *lock; /* [k] FUTEX_FOR_PI: to which one */
    uint32_t died;                /* [bucket] TID of who had it and is no more; 0: nobody */
    uint32_t number;   /* [o] what the word said whose it is, when it was last looked at */
    struct task *task; /* [k] */
};

/* futex_lend.c: t's priority was set; it may lend it.  No lock held. */
void futex_priority_set(struct task *t);

/* futex.c */
long futex_wake(struct mm *mm, uaddr_t at, uint32_t n, uint32_t bits);

/* The key of a word, with a reference on the inode if there is one (so also put it
 * after an error).  -EINVAL, -EFAULT. */
int futex_key_make(struct mm *mm, uaddr_t at, bool shared, struct futex_key *k);
void futex_key_put(const struct futex_key *k);
void futex_enter(struct futex_waiter *w);
bool futex_leave(struct futex_waiter *w); /* false: it had been woken */
long futex_wake_key(const struct futex_key *k, uint32_t n, uint32_t bits);
/* The same; -EINVAL: somebody waits there for a lock, who is woken by its owner only. */
long futex_wake_plain(const struct futex_key *k, uint32_t n, uint32_t bits);
static inline bool futex_woken(const struct futex_waiter *w)
{
    return __atomic_load_n(&w->bucket, __ATOMIC_ACQUIRE) == NULL;
}

/* -EAGAIN: the word is not what was expected.  -ERESTARTSYS, -ETIMEDOUT. */
int futex_wait_on(uaddr_t at, bool shared, uint32_t expected, uint32_t bits, uint64_t deadline);
/* current sleeps as a waiter of a futex: as block().  A deadline is that of futex_deadline(). */
int futex_sleep(uint32_t on_pid, uint64_t deadline);
/* What a struct timespec of the user's means: a time of CLOCK_MONOTONIC, or of CLOCK_REALTIME and marked as that;
 * 0: NO_DEADLINE. */
enum futex_time { FUTEX_RELATIVE, FUTEX_MONOTONIC, FUTEX_REALTIME };
int futex_deadline(enum futex_time what, uaddr_t timeout, uint64_t *deadline);

/* futex_requeue.c */
long futex_requeue(uaddr_t at, uaddr_t to, bool shared, uint32_t wake, uint32_t move,
                   const uint32_t *expected);
long futex_requeue_pi(uaddr_t at, uaddr_t lock, bool shared, uint32_t move, uint32_t expected);
long futex_wait_requeue_pi(uaddr_t at, uaddr_t lock, bool shared, uint32_t expected,
                           uint64_t deadline);

/* futex_owner.c: FUTEX_LOCK_PI, FUTEX_TRYLOCK_PI, FUTEX_UNLOCK_PI */
enum futex_pi { FUTEX_PI_LOCK, FUTEX_PI_TRY };
long futex_lock_pi(uaddr_t at, bool shared, uint64_t deadline, enum futex_pi how);
long futex_unlock_pi(uaddr_t at, bool shared);
void futex_leave_locks(struct task *t); /* current, owed_lock, ends: who waits looks again */
void futex_leave_late(struct task *t);  /* the same for who came after that; may not wait */
void futex_exit_robust(struct task *t); /* current ends or execs: marks its robust mutexes */

#endif
