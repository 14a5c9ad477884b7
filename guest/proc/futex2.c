/* futex2.c - futex_waitv, futex_wake, futex_wait and futex_requeue: what futex(2) does, with
 * flags for each word.
 *
 * futex_waitv enters the buckets of all its words, one after the other, reading each word once
 * it is in that one's bucket, as futex.c's sleeper does; so no wake of any of them is lost. If a
 * word is not what was expected it leaves them all, and one that was woken meanwhile is
 * told rather than the difference: the waker counted it.
 *
 * There is one node of memory. A word with FUTEX2_NUMA has the number of a node behind it, which is
 * written if it says "any", and changes nothing else, and FUTEX2_MPOL changes nothing at all. */
#include "arch/preempt.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/inode.h"
#include "mm/heap.h"
#include "mm/mm.h"
#include "proc/futex.h"
#include "proc/task.h"
#include <linux/futex.h>
#include <linux/time.h>

/* Of the flags, Linux 6.1's headers know FUTEX_32 only. */
#define FUTEX2_SIZE_MASK 0x03u
#define FUTEX2_NUMA      0x04u
#define FUTEX2_MPOL      0x08u
#define FUTEX2_PRIVATE   0x80u
#define FUTEX2_VALID     (FUTEX2_SIZE_MASK | FUTEX2_NUMA | FUTEX2_MPOL | FUTEX2_PRIVATE)
#define FUTEX_NO_NODE    UINT32_MAX

#define WORK_WORD 500u /* instructions for a word of futex_waitv, about */

static bool fits(uint64_t value) { return value <= UINT32_MAX; }

static bool flags_valid(uint32_t flags)
{
    return !(flags & ~FUTEX2_VALID) && (flags & FUTEX2_SIZE_MASK) == FUTEX_32;
}

static bool is_shared(uint32_t flags) { return !(flags & FUTEX2_PRIVATE); }

/* The number of the node behind the word, if there is one. */
static int node_settle(uaddr_t at, uint32_t flags)
{
    uint32_t node;

    if (!(flags & FUTEX2_NUMA))
        return 0;
    if (at % 8 != 0)
        return -EINVAL;
    if (!user_range(at, 8) || get_user(node, at + 4) != 0)
        return -EFAULT;
    if (node == FUTEX_NO_NODE)
        return put_user((uint32_t)0, at + 4);
    return node == 0 ? 0 : -EINVAL;
}

static int deadline_of(uaddr_t timeout, int clock, uint64_t *deadline)
{
    *deadline = NO_DEADLINE;
    if (timeout == 0)
        return 0;
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
        return -EINVAL;
    return futex_deadline(clock == CLOCK_REALTIME ? FUTEX_REALTIME : FUTEX_MONOTONIC, timeout,
                          deadline);
}

static int get_waitv(uaddr_t from, struct futex_waitv *v)
{
    if (get_user(*v, from) != 0)
        return -EFAULT;
    return flags_valid(v->flags) && v->__reserved == 0 && fits(v->val) ? 0 : -EINVAL;
}

SYSCALL4(futex_wake, uaddr_t, at, uint64_t, mask, int, n, uint32_t, flags)
{
    struct futex_key k;

    if (!flags_valid(flags) || !fits(mask) || mask == 0)
        return -EINVAL;
    long rc = node_settle(at, flags);
    if (rc != 0)
        return rc;
    rc = futex_key_make(current->mm, at, is_shared(flags), &k);
    if (rc == 0 && n != 0) /* futex(2) wakes one for 0 */
        rc = futex_wake_plain(&k, (uint32_t)n, (uint32_t)mask);
    futex_key_put(&k);
    return rc;
}

SYSCALL6(futex_wait, uaddr_t, at, uint64_t, expected, uint64_t, mask, uint32_t, flags, uaddr_t,
         timeout, int, clock)
{
    uint64_t deadline;

    if (!flags_valid(flags) || !fits(expected) || !fits(mask))
        return -EINVAL;
    long rc = deadline_of(timeout, clock, &deadline);
    if (rc != 0)
        return rc;
    if (mask == 0)
        return -EINVAL;
    rc = node_settle(at, flags);
    return rc != 0 ? rc
                   : futex_wait_on(at, is_shared(flags), (uint32_t)expected, (uint32_t)mask,
                                   deadline); /* absolute: it is restarted as it is */
}

SYSCALL4(futex_requeue, uaddr_t, waiters, uint32_t, flags, int, wake, int, move)
{
    struct futex_waitv v[2];

    if (flags != 0 || waiters == 0)
        return -EINVAL;
    for (unsigned i = 0; i < 2; i++) {
        int rc = get_waitv(waiters + i * sizeof v[0], &v[i]);
        if (rc != 0)
            return rc;
    }
    if (v[0].flags != v[1].flags || wake < 0 || move < 0)
        return -EINVAL;
    for (unsigned i = 0; i < 2; i++) {
        int rc = node_settle(v[i].uaddr, v[i].flags);
        if (rc != 0)
            return rc;
    }
    uint32_t expected = (uint32_t)v[0].val;
    return futex_requeue(v[0].uaddr, v[1].uaddr, is_shared(v[0].flags), (uint32_t)wake,
                         (uint32_t)move, &expected);
}

/* --- several words -------------------------------------------------------------- */

struct word {
    struct futex_waitv v;
    struct futex_waiter w;
};
#define WORDS_A_PIECE (KMALLOC_MAX / sizeof(struct word))
#define PIECES        ((FUTEX_WAITV_MAX + WORDS_A_PIECE - 1) / WORDS_A_PIECE)

struct words {
    unsigned n, keyed, entered; /* how many of the first ones have a key, are in a bucket */
    struct word *piece[PIECES];
};

static struct word *word_at(const struct words *all, unsigned i)
{
    return &all->piece[i / WORDS_A_PIECE][i % WORDS_A_PIECE];
}

static int words_get(struct words *all, uaddr_t from)
{
    for (unsigned i = 0; i < all->n; i += WORDS_A_PIECE) {
        size_t n = MIN(all->n - i, WORDS_A_PIECE);
        if ((all->piece[i / WORDS_A_PIECE] = kmalloc(n * sizeof(struct word))) == NULL)
            return -ENOMEM;
    }
    for (unsigned i = 0; i < all->n; i++, preempt_work(WORK_WORD)) {
        struct word *word = word_at(all, i);
        int rc = get_waitv(from + i * sizeof word->v, &word->v);
        if (rc != 0)
            return rc;
        word->w.kind = FUTEX_PLAIN;
        word->w.bits = FUTEX_BITSET_MATCH_ANY;
        word->w.task = current;
    }
    return 0;
}

static void words_put(struct words *all)
{
    for (unsigned i = 0; i < all->keyed; i++, preempt_work(WORK_WORD))
        futex_key_put(&word_at(all, i)->w.key);
    for (unsigned i = 0; i < PIECES; i++)
        kfree(all->piece[i]);
}

static int words_key(struct words *all)
{
    int rc = 0;

    while (rc == 0 && all->keyed < all->n) {
        struct word *word = word_at(all, all->keyed);
        rc = node_settle(word->v.uaddr, word->v.flags);
        if (rc == 0) {
            rc = futex_key_make(current->mm, word->v.uaddr, is_shared(word->v.flags), &word->w.key);
            all->keyed++;
        }
        preempt_work(WORK_WORD);
    }
    return rc;
}

/* All words are what was expected, and current is in the buckets of them all: 0. */
static int words_enter(struct words *all)
{
    int rc = 0;

    while (rc == 0 && all->entered < all->n) {
        struct word *word = word_at(all, all->entered++);
        uint32_t now;
        futex_enter(&word->w);
        rc = get_user(now, word->v.uaddr);
        if (rc == 0 && now != (uint32_t)word->v.val)
            rc = -EAGAIN;
        preempt_work(WORK_WORD);
    }
    return rc;
}

static bool words_woken(const struct words *all)
{
    bool woken = false;

    for (unsigned i = 0; i < all->n && !woken; i++)
        woken = futex_woken(&word_at(all, i)->w);
    return woken;
}

/* The last that was woken, as on Linux; -1: none. */
static int words_leave(struct words *all)
{
    int woken = -1;

    for (unsigned i = 0; i < all->entered; i++, preempt_work(WORK_WORD))
        if (!futex_leave(&word_at(all, i)->w))
            woken = (int)i;
    return woken;
}

SYSCALL5(futex_waitv, uaddr_t, waiters, uint32_t, n, uint32_t, flags, uaddr_t, timeout, int, clock)
{
    struct words all = { .n = n };
    uint64_t deadline;

    if (flags != 0 || n == 0 || n > FUTEX_WAITV_MAX || waiters == 0)
        return -EINVAL;
    int rc = deadline_of(timeout, clock, &deadline);
    if (rc != 0)
        return rc;
    rc = words_get(&all, waiters);
    if (rc == 0)
        rc = words_key(&all);
    if (rc == 0)
        rc = words_enter(&all);
    while (rc == 0 && !words_woken(&all))
        rc = futex_sleep(0, deadline);
    int woken = words_leave(&all);
    words_put(&all);
    return woken >= 0 ? woken : rc;
}
