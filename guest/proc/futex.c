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
 * Keys: private memory is (mm, address); a shared file mapping is (inode, byte),
 * the same in all processes.  A waiter holds its inode.
 *
 * Left out, -ENOSYS: WAKE_OP, priority inheritance, WAITV. */
#include "proc/internal.h"
#include "arch/clock.h"
#include "arch/uaccess.h"
#include "fs/vfs.h"
#include "sys/syscall.h"
#include <linux/futex.h>

#define BUCKETS 64

struct key { const void *object; uint64_t at; };
struct futex_waiter {           /* on the sleeper's stack */
    struct list link;           /* [bucket] */
    struct futex_bucket *bucket;    /* NULL: woken; changes under the lock of the one it leaves */
    struct key key;
    uint32_t bits;
    struct task *task;
};
struct futex_bucket {
    struct spinlock lock;       /* two: by address */
    uint32_t entered;           /* counts who came */
    struct list waiters;        /* next NULL: not used yet */
};

static struct futex_bucket buckets[BUCKETS] = {
    [0 ... BUCKETS - 1] = { .lock = SPINLOCK_INIT(LOCK_futex) },
};

static struct futex_bucket *bucket_of(const struct key *k)
{
    uint64_t h = ((uint64_t)k->object >> 4) ^ (k->at >> 2);
    return &buckets[(h ^ h >> 10) % BUCKETS];
}

static void bucket_lock(struct futex_bucket *b)
{
    spin_lock(&b->lock);
    if (b->waiters.next == NULL)
        list_init(&b->waiters);
}

static bool same(const struct key *a, const struct key *b)
{
    return a->object == b->object && a->at == b->at;
}

/* *in: the inode that the key names, with a reference, or NULL. */
static int key_make(struct mm *mm, uaddr_t at, bool shared, struct key *k, struct inode **in)
{
    *in = NULL;
    if (at % 4 != 0)
        return -EINVAL;
    if (!user_range(at, 4))
        return -EFAULT;
    *k = (struct key){ mm, at };
    if (!shared)
        return 0;
    mutex_lock(&mm->lock);
    struct vma *v = vma_find(mm, at);
    bool mapped = v != NULL && v->start <= at;
    if (mapped && (v->flags & VM_SHARED) && v->file != NULL) {
        *in = v->file->inode;
        inode_get(*in);
        *k = (struct key){ *in, v->pgoff * PAGE_SIZE + (at - v->start) };
    }
    mutex_unlock(&mm->lock);
    return mapped ? 0 : -EFAULT;
}

static void key_put(struct inode *in)
{
    if (in != NULL)
        inode_put(in);
}

/* --- waiting ------------------------------------------------------------------ */

static void enter(struct futex_waiter *w)
{
    struct futex_bucket *b = bucket_of(&w->key);

    bucket_lock(b);
    w->bucket = b;
    b->entered++;
    list_push_back(&b->waiters, &w->link);
    spin_unlock(&b->lock);
}

/* False: it had been woken. */
static bool leave(struct futex_waiter *w)
{
    for (;;) {
        struct futex_bucket *b = __atomic_load_n(&w->bucket, __ATOMIC_ACQUIRE);
        if (b == NULL)
            return false;
        bucket_lock(b);
        if (w->bucket == b) {   /* not moved by requeue meanwhile */
            list_remove(&w->link);
            w->bucket = NULL;
            spin_unlock(&b->lock);
            return true;
        }
        spin_unlock(&b->lock);
    }
}

static int wait_on(uaddr_t at, bool shared, uint32_t expected, uint32_t bits, uint64_t deadline)
{
    struct futex_waiter w = { .bits = bits, .task = current };
    struct inode *in;
    uint32_t now;

    if (bits == 0)
        return -EINVAL;
    int rc = key_make(current->mm, at, shared, &w.key, &in);
    if (rc != 0)
        return rc;
    enter(&w);
    rc = get_user(now, at);
    if (rc == 0 && now != expected)
        rc = -EAGAIN;
    while (rc == 0 && __atomic_load_n(&w.bucket, __ATOMIC_ACQUIRE) != NULL)
        rc = block(BLOCK_futex, 0, BLOCK_INTERRUPTIBLE, deadline);
    if (!leave(&w))
        rc = 0;
    key_put(in);
    return rc;
}

static long restart_wait(struct task *t)
{
    long rc = wait_on(t->restart.user, t->restart.arg >> 32 != 0, (uint32_t)t->restart.arg,
                      FUTEX_BITSET_MATCH_ANY, t->restart.deadline);
    return rc == -ERESTARTSYS ? -ERESTART_RESTARTBLOCK : rc;
}

/* --- waking ------------------------------------------------------------------- */

/* The bucket is locked; the waiter's record is gone as soon as it is marked. */
static void wake_waiter(struct futex_waiter *w)
{
    struct task *t = w->task;

    list_remove(&w->link);
    task_get(t);
    __atomic_store_n(&w->bucket, NULL, __ATOMIC_RELEASE);
    wake_task(t);
    task_put(t);
}

static long wake_key(const struct key *k, uint32_t n, uint32_t bits)
{
    struct futex_bucket *b = bucket_of(k);
    struct futex_waiter *w, *next;
    uint32_t woken = 0;

    bucket_lock(b);
    list_for_each_safe(w, next, &b->waiters, link) {
        if (woken >= n)
            break;
        if (same(&w->key, k) && (w->bits & bits)) {
            wake_waiter(w);
            woken++;
        }
    }
    spin_unlock(&b->lock);
    return woken;
}

long futex_wake(struct mm *mm, uaddr_t at, uint32_t n, uint32_t bits)
{
    struct key k;
    struct inode *in;

    /* A word in shared memory may have waiters from other processes. */
    int rc = key_make(mm, at, true, &k, &in);
    if (rc != 0)
        return rc;
    long woken = wake_key(&k, n, bits);
    key_put(in);
    return woken;
}

static void lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
    bucket_lock(a < b ? a : b);
    if (a != b)
        bucket_lock(a < b ? b : a);
}

static void unlock_two(struct futex_bucket *a, struct futex_bucket *b)
{
    spin_unlock(&a->lock);
    if (a != b)
        spin_unlock(&b->lock);
}

struct requeue { struct key from, to; uint32_t wake, move; };

static long move_waiters(const struct requeue *r, struct futex_bucket *a, struct futex_bucket *b)
{
    struct futex_waiter *w, *next;
    struct list moved;
    uint32_t woken = 0, n = 0;

    list_init(&moved);
    list_for_each_safe(w, next, &a->waiters, link) {
        if (!same(&w->key, &r->from))
            continue;
        if (woken < r->wake) {
            wake_waiter(w);
            woken++;
        } else if (n < r->move) {
            list_remove(&w->link);
            list_push_back(&moved, &w->link);
            w->key = r->to;
            __atomic_store_n(&w->bucket, b, __ATOMIC_RELEASE);
            n++;
        } else {
            break;
        }
    }
    list_splice_back(&b->waiters, &moved);
    return woken + n;
}

/* The comparison holds for all who are moved: if somebody came after the word
 * was read, it is read again.  A moved waiter keeps the inode of its old key
 * only, so the target must be private or the same file. */
static long requeue(struct requeue *r, uaddr_t at, const uint32_t *expected)
{
    struct futex_bucket *a = bucket_of(&r->from), *b = bucket_of(&r->to);

    for (;;) {
        uint32_t now, entered = __atomic_load_n(&a->entered, __ATOMIC_ACQUIRE);
        if (expected != NULL && get_user(now, at) != 0)
            return -EFAULT;
        if (expected != NULL && now != *expected)
            return -EAGAIN;
        lock_two(a, b);
        if (expected == NULL || a->entered == entered) {
            long rc = move_waiters(r, a, b);
            unlock_two(a, b);
            return rc;
        }
        unlock_two(a, b);
    }
}

static long do_requeue(uaddr_t at, uaddr_t to, bool shared, uint32_t wake, uint32_t move,
                       const uint32_t *expected)
{
    struct requeue r = { .wake = wake, .move = move };
    struct inode *in, *in_to = NULL;

    if ((int)wake < 0 || (int)move < 0)
        return -EINVAL;
    long rc = key_make(current->mm, at, shared, &r.from, &in);
    if (rc == 0)
        rc = key_make(current->mm, to, shared, &r.to, &in_to);
    if (rc == 0 && in_to != NULL && in_to != in)
        rc = -EINVAL;
    if (rc == 0)
        rc = requeue(&r, at, expected);
    key_put(in);
    key_put(in_to);
    return rc;
}

/* --- robust mutexes ----------------------------------------------------------- */

/* The owner dies: says so in the word, and wakes one that waits. */
static int owner_died(struct task *t, uaddr_t at, bool pending)
{
    uint32_t word, seen;

    if (at % 4 != 0 || get_user(word, at) != 0)
        return -EFAULT;
    while ((word & FUTEX_TID_MASK) == t->tid) {
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

/* --- the call ----------------------------------------------------------------- */

/* FUTEX_WAIT's time-out is relative, the others' absolute. */
static int deadline_of(int cmd, bool realtime, uaddr_t timeout, uint64_t *deadline)
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
    if (cmd == FUTEX_WAIT)
        *deadline = mono + ns;
    else if (!realtime)
        *deadline = ns;
    else {
        uint64_t real = clock_real_ns();
        *deadline = ns > real ? mono + (ns - real) : mono;
    }
    return 0;
}

static long futex_wait(int cmd, bool realtime, uaddr_t at, bool shared, uint32_t val, uint32_t bits,
                       uaddr_t timeout)
{
    struct task *t = current;
    uint64_t deadline;
    long rc = deadline_of(cmd, realtime, timeout, &deadline);

    if (rc == 0)
        rc = wait_on(at, shared, val, bits, deadline);
    if (rc == -ERESTARTSYS && cmd == FUTEX_WAIT && deadline != NO_DEADLINE) {
        t->restart.fn = restart_wait;
        t->restart.deadline = deadline;
        t->restart.user = at;
        t->restart.arg = val | (uint64_t)shared << 32;
        return -ERESTART_RESTARTBLOCK;
    }
    return rc;
}

SYSCALL6(futex, uaddr_t, at, int, op, uint32_t, val, uint64_t, timeout_or_val2, uaddr_t, at2,
         uint32_t, val3)
{
    int cmd = op & FUTEX_CMD_MASK;
    bool shared = !(op & FUTEX_PRIVATE_FLAG), realtime = (op & FUTEX_CLOCK_REALTIME) != 0;
    uint32_t val2 = (uint32_t)timeout_or_val2;
    struct key k;
    struct inode *in;
    long rc;

    if (realtime && cmd != FUTEX_WAIT_BITSET)
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
        if (val3 == 0)
            return -EINVAL;
        rc = key_make(current->mm, at, shared, &k, &in);
        if (rc == 0) {
            rc = wake_key(&k, val, val3);
            key_put(in);
        }
        return rc;
    case FUTEX_REQUEUE:
        return do_requeue(at, at2, shared, val, val2, NULL);
    case FUTEX_CMP_REQUEUE:
        return do_requeue(at, at2, shared, val, val2, &val3);
    }
    return -ENOSYS;
}
