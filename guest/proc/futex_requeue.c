/* futex_requeue.c - moving waiters from one word to another: FUTEX_REQUEUE and its kin, and
 * with FUTEX_CMP_REQUEUE_PI to a lock.
 *
 * A condition variable's broadcast moves all its waiters to the mutex, which they need next.  If that is one
 * of FUTEX_LOCK_PI's, they say which when they begin to wait (FUTEX_WAIT_REQUEUE_PI), and have it when
 * their call returns.
 *
 * Moved, they wait as any other for that lock (futex_owner.c).  What must be true of it when somebody sleeps is
 * seen to by who has moved them, afterwards: it sets FUTEX_WAITERS in the word that names an owner, so
 * that this one's unlock comes by, or wakes one of them if there is no owner.  An unlock in
 * between finds them in the bucket and wakes one itself, or set the word before, and is seen. */
#include "arch/preempt.h"
#include "arch/uaccess.h"
#include "fs/inode.h"
#include "mm/mm.h"
#include "proc/futex_internal.h"
#include "sched/policy.h"
#include <linux/futex.h>

static void lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
    futex_bucket_lock(a < b ? a : b);
    if (a != b)
        futex_bucket_lock(a < b ? b : a);
}

static void unlock_two(struct futex_bucket *a, struct futex_bucket *b)
{
    spin_unlock(&a->lock);
    if (a != b)
        spin_unlock(&b->lock);
}

struct requeue {
    struct futex_key from, to;
    uint32_t wake, woken, move, moved;
    bool pi; /* to a lock, and only who waits for that: woken none, moved up to wake + move */
    int err;
};

/* Is it one that this call is for? */
static bool fits(const struct requeue *r, const struct futex_waiter *w)
{
    return r->pi ? w->kind == FUTEX_FOR_PI && futex_same(w->lock, &r->to) : w->kind == FUTEX_PLAIN;
}

static void move_waiter(struct requeue *r, struct futex_waiter *w, struct futex_bucket *b,
                        struct list *moved)
{
    list_remove(&w->link);
    list_push_back(moved, &w->link);
    w->key = r->to;
    if (r->to.in != NULL)
        inode_get(r->to.in);
    if (r->pi)
        w->kind = FUTEX_PI;
    __atomic_store_n(&w->bucket, b, __ATOMIC_RELEASE);
    r->moved++;
}

/* Some of them.  True: there are more. */
static bool move_waiters(struct requeue *r, struct futex_bucket *a, struct futex_bucket *b)
{
    struct futex_waiter *w, *next;
    struct list moved;
    /* Onto the same word they go once: in one go. */
    unsigned n = 0, most = futex_same(&r->from, &r->to) ? UINT32_MAX : FUTEX_BATCH;
    bool more = false;

    list_init(&moved);
    list_for_each_safe(w, next, &a->waiters, link) {
        if (!futex_same(&w->key, &r->from))
            continue;
        if ((more = ++n > most))
            break;
        if (!fits(r, w)) {
            r->err = -EINVAL;
            more = false;
            break;
        }
        if (r->woken < r->wake) {
            futex_wake_waiter(w);
            r->woken++;
        } else if (r->moved < r->move) {
            move_waiter(r, w, b, &moved);
        } else {
            break;
        }
    }
    list_splice_back(&b->waiters, &moved);
    return more;
}

/* The comparison holds for all who are moved: if somebody came after the word
 * was read, it is read again.  Where that is a matter of many, others run in between; it is found
 * different then only by those who have done something, which they say. */
static long requeue(struct requeue *r, uaddr_t at, const uint32_t *expected)
{
    struct futex_bucket *a = futex_bucket_of(&r->from), *b = futex_bucket_of(&r->to);

    for (;;) {
        uint32_t now, entered = __atomic_load_n(&a->entered, __ATOMIC_ACQUIRE);
        int err = expected != NULL && get_user(now, at) != 0 ? -EFAULT
                  : expected != NULL && now != *expected     ? -EAGAIN
                                                             : 0;
        uint32_t done = r->woken + r->moved;
        if (err != 0)
            return done != 0 ? (long)done : err;
        lock_two(a, b);
        bool more = expected != NULL && a->entered != entered; /* and look again */
        if (!more)
            more = move_waiters(r, a, b);
        unlock_two(a, b);
        if (!more)
            return r->err != 0 ? r->err : (long)(r->woken + r->moved);
        preempt_work(FUTEX_BATCH * FUTEX_WORK);
    }
}

static long requeue_between(struct requeue *r, uaddr_t at, uaddr_t to, bool shared,
                            const uint32_t *expected)
{
    if ((int)r->wake < 0 || (int)r->move < 0)
        return -EINVAL;
    long rc = futex_key_make(current->mm, at, shared, &r->from);
    if (rc == 0)
        rc = futex_key_make(current->mm, to, shared, &r->to);
    if (rc == 0 && r->pi && futex_same(&r->from, &r->to))
        rc = -EINVAL;
    if (rc == 0)
        rc = requeue(r, at, expected);
    if (r->pi && r->moved != 0)
        futex_pi_moved(to, &r->to);
    for (uint32_t i = 0; i <= r->moved; i++, preempt_work(10))
        futex_key_put(&r->from); /* ours, and those that the moved waiters held */
    futex_key_put(&r->to);
    return rc;
}

long futex_requeue(uaddr_t at, uaddr_t to, bool shared, uint32_t wake, uint32_t move,
                   const uint32_t *expected)
{
    struct requeue r = { .wake = wake, .move = move };

    return requeue_between(&r, at, to, shared, expected);
}

/* --- to a lock ------------------------------------------------------------------ */

/* One more than `move`: Linux counts the one that gets the lock apart. */
long futex_requeue_pi(uaddr_t at, uaddr_t lock, bool shared, uint32_t move, uint32_t expected)
{
    struct requeue r = { .move = (int)move < 0 ? move : MIN(move, (uint32_t)INT32_MAX - 1) + 1,
                         .pi = true };

    return requeue_between(&r, at, lock, shared, &expected);
}

/* Until it is moved, or woken after that: 0.  -EAGAIN: the word is not what was expected. */
static int wait_moved(struct futex_waiter *w, uaddr_t at, uint32_t expected, uint64_t deadline)
{
    uint32_t now;
    int rc = get_user(now, at);

    if (rc == 0 && now != expected)
        rc = -EAGAIN;
    while (rc == 0 && !futex_woken(w))
        rc = futex_sleep(0, deadline);
    return rc;
}

long futex_wait_requeue_pi(uaddr_t at, uaddr_t lock, bool shared, uint32_t expected,
                           uint64_t deadline)
{
    struct futex_key to = { NULL, 0, NULL };
    struct futex_waiter w = {
        .bits = FUTEX_BITSET_MATCH_ANY, .task = current, .kind = FUTEX_FOR_PI, .lock = &to
    };
    long rc = at == lock ? -EINVAL : futex_key_make(current->mm, at, shared, &w.key);

    if (rc == 0)
        rc = futex_key_make(current->mm, lock, shared, &to);
    if (rc == 0 && futex_same(&w.key, &to))
        rc = -EINVAL;
    if (rc != 0) {
        futex_key_put(&w.key);
        futex_key_put(&to);
        return rc;
    }
    futex_enter(&w);
    rc = wait_moved(&w, at, expected, deadline);
    bool woken = !futex_leave(&w), moved = w.kind == FUTEX_PI;
    uint32_t owner = futex_waits_no_more();
    if (moved && !woken && sched_rank(current) != 0)
        futex_lend(owner); /* it is no longer lent */
    if (moved && woken)
        rc = futex_take_pi(&w, lock, deadline, FUTEX_PI_LOCK, true);
    else if (woken)
        rc = -EAGAIN;
    futex_key_put(&w.key);
    futex_key_put(&to);
    if (rc == -ERESTARTSYS) /* who was moved would find the word changed */
        return moved ? -EAGAIN : -ERESTARTNOINTR;
    return rc;
}
