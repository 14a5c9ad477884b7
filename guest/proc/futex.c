/* futex.c - sleep on a word of user memory.
 *
 *   sleeper                               waker
 *   enters the bucket                     stores the word (in user mode)
 *   reads the word; changed? leaves,      locks the bucket, takes up to n
 *     -EAGAIN                               waiters out, marks and wakes them
 *   sleeps until it is marked
 *
 * If the sleeper is in the bucket first, the waker finds it; else the store was
 * before the read, and the sleeper sees it.  The order is that way round, and
 * not "read under the bucket's lock", because reading may fault and sleep.  A
 * waiter that was taken out has the mark, whatever it reads afterwards: a wake
 * is never given to someone who does not return 0.
 *
 * Keys: private memory is (mm, address); a shared mapping is (inode, byte), the
 * same in all processes.  A waiter holds its key's inode.
 *
 * A time-out on CLOCK_REALTIME is a moment of that clock, and computed anew when it is set.
 * Moving waiters to another word: futex_requeue.c.  The calls of their own, and waiting on several
 * words: futex2.c. */
#include "proc/futex_internal.h"
#include "arch/clock.h"
#include "arch/preempt.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "mm/mm.h"
#include "mm/vma.h"
#include "proc/itimer.h"
#include "proc/task.h"
#include <linux/futex.h>

#define BUCKETS 64

static struct futex_bucket buckets[BUCKETS] = {
    [0 ... BUCKETS - 1] = { .lock = SPINLOCK_INIT(LOCK_futex) },
};

struct futex_bucket *futex_bucket_of(const struct futex_key *k)
{
    uint64_t h = ((uint64_t)k->object >> 4) ^ (k->at >> 2);
    return &buckets[(h ^ h >> 10) % BUCKETS];
}

struct futex_bucket *futex_bucket(unsigned i) { return i < BUCKETS ? &buckets[i] : NULL; }

void futex_bucket_lock(struct futex_bucket *b)
{
    spin_lock(&b->lock);
    if (b->waiters.next == NULL)
        list_init(&b->waiters);
}

int futex_key_make(struct mm *mm, uaddr_t at, bool shared, struct futex_key *k)
{
    *k = (struct futex_key){ mm, at, NULL };
    if (at % 4 != 0)
        return -EINVAL;
    if (!user_range(at, 4))
        return -EFAULT;
    if (!shared)
        return 0;
    mutex_lock(&mm->lock);
    struct vma *v = vma_find(mm, at);
    bool mapped =
        v != NULL && v->start <= at && (v->flags & (VM_READ | VM_WRITE)) && !vma_secret(v);
    if (mapped && (v->flags & VM_SHARED) && v->file != NULL) {
        struct inode *in = v->file->inode;
        inode_get(in);
        *k = (struct futex_key){ in, v->pgoff * PAGE_SIZE + (at - v->start), in };
    }
    mutex_unlock(&mm->lock);
    return mapped ? 0 : -EFAULT;
}

void futex_key_put(const struct futex_key *k)
{
    if (k->in != NULL)
        inode_put(k->in);
}

/* --- waiting ------------------------------------------------------------------ */

void futex_enter(struct futex_waiter *w)
{
    struct futex_bucket *b = futex_bucket_of(&w->key);

    futex_bucket_lock(b);
    w->bucket = b;
    b->entered++;
    list_push_back(&b->waiters, &w->link);
    spin_unlock(&b->lock);
}

bool futex_leave(struct futex_waiter *w)
{
    for (;;) {
        struct futex_bucket *b = __atomic_load_n(&w->bucket, __ATOMIC_ACQUIRE);
        if (b == NULL)
            return false;
        futex_bucket_lock(b);
        if (w->bucket == b) { /* not moved by requeue meanwhile */
            list_remove(&w->link);
            w->bucket = NULL;
            spin_unlock(&b->lock);
            return true;
        }
        spin_unlock(&b->lock);
    }
}

#define REAL (1ull << 63) /* in a deadline: a moment of CLOCK_REALTIME */

static int sleep_until_real(uint32_t on_pid, uint64_t moment)
{
    struct waiter w;

    waiter_join(&clock_was_set, &w); /* keeps the token: who wakes us as a futex may have left it */
    uint64_t real = clock_real_ns();
    int rc = block(BLOCK_futex, on_pid, BLOCK_INTERRUPTIBLE,
                   clock_mono_ns() + (moment > real ? moment - real : 0));
    waiter_remove(&clock_was_set, &w);
    return rc == -ETIMEDOUT && clock_real_ns() < moment ? 0 : rc;
}

int futex_sleep(uint32_t on_pid, uint64_t deadline)
{
    return unlikely(deadline & REAL) && deadline != NO_DEADLINE
               ? sleep_until_real(on_pid, deadline & ~REAL)
               : block(BLOCK_futex, on_pid, BLOCK_INTERRUPTIBLE, deadline);
}

int futex_wait_on(uaddr_t at, bool shared, uint32_t expected, uint32_t bits, uint64_t deadline)
{
    struct futex_waiter w = { .bits = bits, .task = current };
    uint32_t now;

    if (bits == 0)
        return -EINVAL;
    int rc = futex_key_make(current->mm, at, shared, &w.key);
    if (rc != 0)
        return rc;
    futex_enter(&w);
    rc = get_user(now, at);
    if (rc == 0 && now != expected)
        rc = -EAGAIN;
    while (rc == 0 && !futex_woken(&w))
        rc = futex_sleep(0, deadline);
    if (!futex_leave(&w))
        rc = 0;
    futex_key_put(&w.key);
    return rc;
}

/* The word is aligned: its address has a bit for `shared`. */
static long restart_wait(struct task *t)
{
    long rc = futex_wait_on(t->restart.user & ~1ull, t->restart.user & 1, (uint32_t)t->restart.arg,
                            (uint32_t)(t->restart.arg >> 32), t->restart.deadline);
    if (rc != -ERESTARTSYS)
        return rc;
    t->restart.fn = restart_wait;
    return -ERESTART_RESTARTBLOCK;
}

/* --- waking ------------------------------------------------------------------- */

void futex_wake_waiter(struct futex_waiter *w)
{
    struct task *t = w->task;

    list_remove(&w->link);
    task_get(t);
    __atomic_store_n(&w->bucket, NULL, __ATOMIC_RELEASE);
    wake_task(t);
    task_put(t);
}

/* As on Linux, n is signed, and one is woken even for less than 1.
 *
 * Wakes up to n of those that wait now; others go on after each FUTEX_BATCH.  Who comes to wait in
 * such a pause may be woken in the place of one who was there: a wake says no more than that the
 * word may have changed.  For a lock (plain false) who waits for one is woken, too. */
static long wake_some(const struct futex_key *k, uint32_t n, uint32_t bits, bool plain)
{
    struct futex_bucket *b = futex_bucket_of(k);
    struct futex_waiter *w, *next;
    int woken = 0, err = 0;
    bool more = true;

    while (more) {
        unsigned batch = 0;
        futex_bucket_lock(b);
        more = false;
        list_for_each_safe(w, next, &b->waiters, link) {
            if (!futex_same(&w->key, k))
                continue;
            if (plain && w->kind != FUTEX_PLAIN)
                err = -EINVAL;
            if (err != 0)
                break;
            if (!(w->bits & bits))
                continue;
            if (batch == FUTEX_BATCH) {
                more = true;
                break;
            }
            futex_wake_waiter(w);
            batch++;
            if (++woken >= (int)n)
                break;
        }
        spin_unlock(&b->lock);
        if (more)
            preempt_work(FUTEX_BATCH * FUTEX_WORK);
    }
    return err != 0 ? err : woken;
}

long futex_wake_key(const struct futex_key *k, uint32_t n, uint32_t bits)
{
    return wake_some(k, n, bits, false);
}

long futex_wake_plain(const struct futex_key *k, uint32_t n, uint32_t bits)
{
    return wake_some(k, n, bits, true);
}

static long wake_at(struct mm *mm, uaddr_t at, bool shared, uint32_t n, uint32_t bits, bool plain)
{
    struct futex_key k;
    long rc = futex_key_make(mm, at, shared, &k);

    if (rc == 0) {
        rc = wake_some(&k, n, bits, plain);
        futex_key_put(&k);
    }
    return rc;
}

long futex_wake(struct mm *mm, uaddr_t at, uint32_t n, uint32_t bits)
{
    return wake_at(mm, at, true, n, bits, false); /* it may have waiters from other processes */
}

/* --- FUTEX_WAKE_OP ------------------------------------------------------------ */

static int32_t field12(uint32_t encoded, unsigned at)
{
    return (int32_t)(encoded << (20 - at)) >> 20;
}

static int apply(uint32_t op, uint32_t old, uint32_t arg, uint32_t *new)
{
    switch (op) {
    case FUTEX_OP_SET: *new = arg; return 0;
    case FUTEX_OP_ADD: *new = old + arg; return 0;
    case FUTEX_OP_OR: *new = old | arg; return 0;
    case FUTEX_OP_ANDN: *new = old & ~arg; return 0;
    case FUTEX_OP_XOR: *new = old ^ arg; return 0;
    }
    return -ENOSYS;
}

static int compare(uint32_t cmp, int32_t old, int32_t arg)
{
    switch (cmp) {
    case FUTEX_OP_CMP_EQ: return old == arg;
    case FUTEX_OP_CMP_NE: return old != arg;
    case FUTEX_OP_CMP_LT: return old < arg;
    case FUTEX_OP_CMP_LE: return old <= arg;
    case FUTEX_OP_CMP_GT: return old > arg;
    case FUTEX_OP_CMP_GE: return old >= arg;
    }
    return -ENOSYS;
}

/* The operation on the word; whether its old value compares, or -errno. */
static int operate(uaddr_t at, uint32_t encoded)
{
    uint32_t op = encoded >> 28 & 7, arg = (uint32_t)field12(encoded, 12), old, seen, new;

    if (encoded >> 28 & FUTEX_OP_OPARG_SHIFT)
        arg = 1u << (arg & 31);
    if (get_user(old, at) != 0)
        return -EFAULT;
    for (;; old = seen) {
        int err = apply(op, old, arg, &new);
        if (err == 0)
            err = user_cmpxchg32(at, &seen, old, new);
        if (err != 0)
            return err;
        if (seen == old)
            return compare(encoded >> 24 & 15, (int32_t)old, field12(encoded, 0));
    }
}

/* The change comes before both looks for waiters, as with any waker's store. */
static long wake_op(uaddr_t at, uaddr_t at2, bool shared, uint32_t n, uint32_t n2, uint32_t encoded)
{
    struct futex_key k, k2 = { NULL, 0, NULL };
    long rc = futex_key_make(current->mm, at, shared, &k);

    if (rc == 0)
        rc = futex_key_make(current->mm, at2, shared, &k2);
    if (rc == 0)
        rc = operate(at2, encoded);
    if (rc >= 0) {
        bool both = rc != 0;
        rc = futex_wake_plain(&k, n, FUTEX_BITSET_MATCH_ANY);
        long rc2 = rc >= 0 && both ? futex_wake_plain(&k2, n2, FUTEX_BITSET_MATCH_ANY) : 0;
        rc = rc2 < 0 ? rc2 : rc + rc2;
    }
    futex_key_put(&k);
    futex_key_put(&k2);
    return rc;
}

/* --- the call ----------------------------------------------------------------- */

int futex_deadline(enum futex_time what, uaddr_t timeout, uint64_t *deadline)
{
    struct __kernel_timespec ts;

    *deadline = NO_DEADLINE;
    if (timeout == 0)
        return 0;
    if (get_user(ts, timeout) != 0)
        return -EFAULT;
    if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= (long long)NSEC_PER_SEC)
        return -EINVAL;
    if ((uint64_t)ts.tv_sec > INT64_MAX / NSEC_PER_SEC - 1)
        return 0;
    uint64_t ns = (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec, mono = clock_mono_ns();
    if (what == FUTEX_RELATIVE)
        *deadline = MIN(mono + ns, (uint64_t)INT64_MAX);
    else if (what == FUTEX_MONOTONIC)
        *deadline = ns;
    else
        *deadline = ns | REAL;
    return 0;
}

/* FUTEX_WAIT's time-out is relative, the others' absolute. */
static int deadline_of(int cmd, bool realtime, uaddr_t timeout, uint64_t *deadline)
{
    enum futex_time what = cmd == FUTEX_WAIT ? FUTEX_RELATIVE
                           : realtime        ? FUTEX_REALTIME
                                             : FUTEX_MONOTONIC;

    return futex_deadline(what, timeout, deadline);
}

static long futex_wait(int cmd, bool realtime, uaddr_t at, bool shared, uint32_t val, uint32_t bits,
                       uaddr_t timeout)
{
    struct task *t = current;
    uint64_t deadline;
    long rc = deadline_of(cmd, realtime, timeout, &deadline);

    if (rc == 0)
        rc = futex_wait_on(at, shared, val, bits, deadline);
    if (rc == -ERESTARTSYS && timeout != 0) {
        t->restart.fn = restart_wait;
        t->restart.deadline = deadline;
        t->restart.user = at | shared;
        t->restart.arg = val | (uint64_t)bits << 32;
        return -ERESTART_RESTARTBLOCK;
    }
    return rc;
}

static long lock_pi(int cmd, bool realtime, uaddr_t at, bool shared, uaddr_t timeout)
{
    uint64_t deadline;
    long rc = deadline_of(cmd, realtime, timeout, &deadline);

    return rc == 0 ? futex_lock_pi(at, shared, deadline, FUTEX_PI_LOCK) : rc;
}

static long wait_requeue_pi(bool realtime, uaddr_t at, uaddr_t lock, bool shared, uint32_t expected,
                            uaddr_t timeout)
{
    uint64_t deadline;
    long rc = deadline_of(FUTEX_WAIT_REQUEUE_PI, realtime, timeout, &deadline);

    return rc == 0 ? futex_wait_requeue_pi(at, lock, shared, expected, deadline) : rc;
}

SYSCALL6(futex, uaddr_t, at, int, op, uint32_t, val, uint64_t, timeout_or_val2, uaddr_t, at2,
         uint32_t, val3)
{
    int cmd = op & FUTEX_CMD_MASK;
    bool shared = !(op & FUTEX_PRIVATE_FLAG), realtime = (op & FUTEX_CLOCK_REALTIME) != 0;
    uint32_t val2 = (uint32_t)timeout_or_val2;

    if (realtime && cmd != FUTEX_WAIT_BITSET && cmd != FUTEX_LOCK_PI2 &&
        cmd != FUTEX_WAIT_REQUEUE_PI)
        return -ENOSYS;
    switch (cmd) {
    case FUTEX_WAIT:
        val3 = FUTEX_BITSET_MATCH_ANY;
        /* fall through */
    case FUTEX_WAIT_BITSET:
        return futex_wait(cmd, realtime, at, shared, val, val3, timeout_or_val2);
    case FUTEX_WAKE:
        val3 = FUTEX_BITSET_MATCH_ANY;
        /* fall through */
    case FUTEX_WAKE_BITSET:
        return val3 != 0 ? wake_at(current->mm, at, shared, val, val3, true) : -EINVAL;
    case FUTEX_REQUEUE: return futex_requeue(at, at2, shared, val, val2, NULL);
    case FUTEX_CMP_REQUEUE: return futex_requeue(at, at2, shared, val, val2, &val3);
    case FUTEX_WAIT_REQUEUE_PI:
        return wait_requeue_pi(realtime, at, at2, shared, val, timeout_or_val2);
    case FUTEX_CMP_REQUEUE_PI:
        return val == 1 ? futex_requeue_pi(at, at2, shared, val2, val3) : -EINVAL;
    case FUTEX_WAKE_OP: return wake_op(at, at2, shared, val, val2, val3);
    case FUTEX_LOCK_PI:
        realtime = true;
        /* fall through */
    case FUTEX_LOCK_PI2: return lock_pi(cmd, realtime, at, shared, timeout_or_val2);
    case FUTEX_TRYLOCK_PI: return futex_lock_pi(at, shared, NO_DEADLINE, FUTEX_PI_TRY);
    case FUTEX_UNLOCK_PI: return futex_unlock_pi(at, shared);
    }
    return -ENOSYS;
}
