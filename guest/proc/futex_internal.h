/* futex_internal.h - between futex.c (buckets, waiting, waking), futex_requeue.c and futex_owner.c. */
#ifndef PROC_FUTEX_INTERNAL_H
#define PROC_FUTEX_INTERNAL_H

#include "proc/futex.h"

struct futex_bucket {
    struct spinlock lock; /* two: by address */
    uint32_t entered;     /* [lock] counts who came */
    struct list waiters;  /* [lock] next NULL: not used yet */
} __attribute__((aligned(64)));

static inline bool futex_same(const struct futex_key *a, const struct futex_key *b)
{
    return a->object == b->object && a->at == b->at;
}

/* Others run after so many waiters, each of which is so many instructions, about. */
#define FUTEX_BATCH 64
#define FUTEX_WORK  200u

/* futex.c */
struct futex_bucket *futex_bucket_of(const struct futex_key *k);
struct futex_bucket *futex_bucket(unsigned i); /* all of them; NULL: no more */
void futex_bucket_lock(struct futex_bucket *b);
/* The bucket is locked; the waiter's record is gone as soon as it is marked. */
void futex_wake_waiter(struct futex_waiter *w);

/* futex_owner.c */
/* Takes the lock `at`, which is w's key; woken: current was one that is woken for it. */
int futex_take_pi(struct futex_waiter *w, uaddr_t at, uint64_t deadline, enum futex_pi how,
                  bool woken);
/* Some were moved to the lock: its word must say that it has waiters, or one is woken. */
void futex_pi_moved(uaddr_t at, const struct futex_key *k);

/* current is in no bucket any more.  Who had the lock that it waited for. */
static inline uint32_t futex_waits_no_more(void)
{
    return __atomic_exchange_n(&current->pi_owner, 0, __ATOMIC_RELAXED);
}

/* futex_lend.c; no lock held */
bool futex_circle(uint32_t owner); /* it waits, perhaps by others, for current */
/* What that task is lent, and those for whom it waits, is computed anew. */
void futex_lend(uint32_t owner);
/* Who waits for the lock waits for that task from now on.  True: some of them lend. */
bool futex_adopt(const struct futex_key *k, uint32_t owner);
uint32_t futex_wake_top(
    const struct futex_key *k); /* one with the highest priority: its TID; 0: nobody */

#endif
