/* futex_owner.c - futexes whose word holds the owner's TID (as its namespace has it): robust mutexes, which the
 * kernel marks when the owner dies, and FUTEX_LOCK_PI's, which it also takes.
 *
 * Taking one.  Without waiters user mode does it alone: 0 to TID and back.  Who has
 * to wait sets FUTEX_WAITERS, so that the owner must call FUTEX_UNLOCK_PI.  Always
 * true: when somebody sleeps, either the word names an owner and has FUTEX_WAITERS,
 * or one who was woken has not looked at the word yet.
 *
 *   who waits                              unlock
 *   L1 enters the bucket                   U1 word = 0
 *   L2 word 0: takes it, done              U2 wakes one of the bucket
 *      else sets FUTEX_WAITERS, sleeps
 *   L3 woken: again, from L1
 *
 * An owner that ends leaves its locks to who waits for them.  Who is about to sleep has made sure that the
 * owner does not end yet and that it will look who waits for it when it does (futex_leave_locks());
 * such a one takes the lock with FUTEX_OWNER_DIED in its word.  Who comes later has -ESRCH.
 *
 * By L1 and L2, U1 and U2 no wake is lost (futex.c).  Others may sleep when one is
 * woken, so at L2 that one sets FUTEX_WAITERS in any case; if it fails for good
 * instead, it wakes another.
 *
 * Of several who wait the one with the highest priority is woken, and competes with who comes by.  The owner has
 * their priority meanwhile: futex_lend.c. */
#include "arch/preempt.h"
#include "arch/uaccess.h"
#include "mm/mm.h"
#include "proc/futex_internal.h"
#include "proc/pid.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include "proc/watched.h"
#include "sched/policy.h"
#include <linux/futex.h>

/* --- robust mutexes ----------------------------------------------------------- */

/* The owner dies: says so in the word, and wakes one that waits. */
static int owner_died(struct task *t, uaddr_t at, bool pending)
{
    uint32_t word, seen;

    if (at % 4 != 0 || get_user(word, at) != 0)
        return -EFAULT;
    while ((word & FUTEX_TID_MASK) == pid_told(t->tid)) {
        if (user_cmpxchg32(at, &seen, word, (word & FUTEX_WAITERS) | FUTEX_OWNER_DIED) != 0)
            return -EFAULT;
        if (seen == word) {
            if (word & FUTEX_WAITERS)
                futex_wake(t->mm, at, 1, FUTEX_BITSET_MATCH_ANY);
            return 0;
        }
        word = seen;
    }
    /* Died between its unlock and its wake. */
    if (pending && word == 0)
        futex_wake(t->mm, at, 1, FUTEX_BITSET_MATCH_ANY);
    return 0;
}

void futex_exit_robust(struct task *t)
{
    struct robust_list_head head;
    uaddr_t first = t->robust_list, at, next;

    t->robust_list = 0;
    if (copy_from_user(&head, first, sizeof head) != 0)
        return;
    uaddr_t pending = (uaddr_t)head.list_op_pending & ~1ull;
    at = (uaddr_t)head.list.next & ~1ull;
    for (unsigned i = 0; i < ROBUST_LIST_LIMIT && at != first; i++) {
        if (get_user(next, at) != 0)
            return;
        if (at != pending && owner_died(t, at + (uint64_t)head.futex_offset, false) != 0)
            return;
        at = next & ~1ull;
    }
    if (pending != 0)
        owner_died(t, pending + (uint64_t)head.futex_offset, true);
}

/* --- FUTEX_LOCK_PI and its kin ------------------------------------------------- */

/* From now on it tells when it ends.  waits: it waits for such a lock itself. */
static bool lives(uint32_t tid, bool *waits)
{
    spin_lock(&tree_lock);
    struct task *t = task_find(tid);
    bool found = t != NULL && !t->exiting && !t->left_locks;
    *waits = found && t->pi_owner != 0;
    if (found && !t->owed_lock) {
        t->owed_lock = true;
        task_watch(t);
    }
    spin_unlock(&tree_lock);
    return found;
}

/* L2.  0: it is ours.  1: it is not, and FUTEX_WAITERS is set; current->pi_owner has it, and perhaps waits itself. */
static int take_or_mark(struct futex_waiter *w, uaddr_t at, bool woken, bool try, bool *waits)
{
    uint32_t me = pid_told(current->tid), word, seen;

    if (get_user(word, at) != 0)
        return -EFAULT;
    for (;; word = seen) {
        uint32_t number = word & FUTEX_TID_MASK, owner = pid_named(number);
        uint32_t new = word | FUTEX_WAITERS;
        if (owner == 0 && number == w->number)
            owner = w->died; /* its number is nobody's any more */
        w->number = number;
        __atomic_store_n(&current->pi_owner, owner, __ATOMIC_RELAXED); /* before it is looked at */
        bool inherit = owner != 0 && owner == w->died && !lives(owner, waits);

        if (number == me)
            return -EDEADLK;
        if (inherit)
            new = me | FUTEX_WAITERS | FUTEX_OWNER_DIED;
        else if (number == 0)
            new = me | (word & ~FUTEX_TID_MASK) | (woken ? FUTEX_WAITERS : 0);
        else if (try)
            new = word;
        if (user_cmpxchg32(at, &seen, word, new) != 0)
            return -EFAULT;
        if (seen != word)
            continue;
        if (number == 0 || inherit)
            return 0;
        if (!lives(owner, waits)) { /* unless it has marked the word before it went */
            if (get_user(seen, at) != 0)
                return -EFAULT;
            if (seen == new)
                return -ESRCH;
            continue;
        }
        return try ? -EAGAIN : 1;
    }
}

int futex_take_pi(struct futex_waiter *w, uaddr_t at, uint64_t deadline, enum futex_pi how,
                  bool woken)
{
    bool waits = false;
    int rc = 0;

    while (rc == 0) {
        futex_enter(w);
        int taken = take_or_mark(w, at, woken, how == FUTEX_PI_TRY, &waits);
        if (taken == 1 && waits && futex_circle(current->pi_owner))
            rc = -EDEADLK;
        else if (taken == 1 && sched_rank(current) != 0)
            futex_lend(current->pi_owner);
        while (taken == 1 && rc == 0 && !futex_woken(w))
            rc = futex_sleep(current->pi_owner, deadline);
        bool woken_now = !futex_leave(w);
        uint32_t owner = futex_waits_no_more();
        if (taken == 0 && woken && futex_adopt(&w->key, current->tid))
            futex_lend(current->tid);
        if (taken != 1) {
            if (woken_now || (woken && taken != 0))
                futex_wake_key(&w->key, 1, FUTEX_BITSET_MATCH_ANY);
            return taken;
        }
        if (woken_now)
            rc = 0;
        else if (sched_rank(current) != 0)
            futex_lend(owner); /* it is no longer lent */
        woken |= woken_now;
    }
    return rc;
}

long futex_lock_pi(uaddr_t at, bool shared, uint64_t deadline, enum futex_pi how)
{
    struct futex_waiter w = { .bits = FUTEX_BITSET_MATCH_ANY, .kind = FUTEX_PI, .task = current };
    int rc = futex_key_make(current->mm, at, shared, &w.key);

    if (rc == 0)
        rc = futex_take_pi(&w, at, deadline, how, false);
    futex_key_put(&w.key);
    return rc == -ERESTARTSYS ? -ERESTARTNOINTR : rc;
}

#define WORK_BUCKET 40u /* instructions for an empty one, about (arch/preempt.h) */

/* Some of them; true: there are more. */
static bool wake_owed(struct futex_bucket *b, uint32_t tid)
{
    struct futex_waiter *w, *next;
    unsigned n = 0;

    futex_bucket_lock(b);
    list_for_each_safe(w, next, &b->waiters, link) {
        if (w->kind != FUTEX_PI || (w->task->pi_owner != tid && w->task->pi_owner != 0))
            continue;
        w->died = tid;
        futex_wake_waiter(w);
        if (++n == FUTEX_BATCH)
            break;
    }
    spin_unlock(&b->lock);
    return n == FUTEX_BATCH;
}

/* All are woken: the first one takes the lock, the others wait for that one. */
static void wake_all_owed(uint32_t tid, bool may_wait)
{
    struct futex_bucket *b;

    for (unsigned i = 0; (b = futex_bucket(i)) != NULL; i++) {
        bool more = true;
        while (more) {
            more = wake_owed(b, tid);
            if (may_wait)
                preempt_work(WORK_BUCKET);
        }
    }
}

void futex_leave_locks(struct task *t)
{
    spin_lock(&tree_lock);
    t->left_locks = true;
    spin_unlock(&tree_lock);
    wake_all_owed(t->tid, true);
}

void futex_leave_late(struct task *t)
{
    if (!t->left_locks)
        wake_all_owed(t->tid, false);
}

void futex_pi_moved(uaddr_t at, const struct futex_key *k)
{
    uint32_t word, seen;
    bool bad = get_user(word, at) != 0, waits;

    for (; !bad; word = seen) {
        uint32_t owner = pid_named(word & FUTEX_TID_MASK);
        if (!lives(owner, &waits)) /* 0: nobody */
            break;
        bad = user_cmpxchg32(at, &seen, word, word | FUTEX_WAITERS) != 0;
        if (bad || seen != word)
            continue;
        if (futex_adopt(k, owner))
            futex_lend(owner);
        return;
    }
    futex_wake_key(k, 1, FUTEX_BITSET_MATCH_ANY); /* it finds out, and takes the lock or fails */
}

/* current has given the lock up. */
static void hand_on(const struct futex_key *k)
{
    uint32_t next = futex_wake_top(k);
    bool ranks = next != 0 && futex_adopt(k, next);

    if (current->lent != 0)
        futex_lend(current->tid);
    if (ranks)
        futex_lend(next);
}

long futex_unlock_pi(uaddr_t at, bool shared)
{
    uint32_t word, seen;
    struct futex_key k;

    if (get_user(word, at) != 0)
        return -EFAULT;
    if (pid_named(word & FUTEX_TID_MASK) != current->tid)
        return -EPERM;
    long rc = futex_key_make(current->mm, at, shared, &k);
    if (rc != 0)
        return rc;
    for (;; word = seen) {
        rc = user_cmpxchg32(at, &seen, word, 0);
        if (rc != 0 || seen == word)
            break;
    }
    if (rc == 0)
        hand_on(&k);
    futex_key_put(&k);
    return rc;
}
