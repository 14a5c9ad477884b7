/* futex_lend.c - who has a lock of FUTEX_LOCK_PI runs with the highest real-time priority of those who wait for it.
 *
 * What a task is lent is the highest rank of all waiters that name it as the owner, and of theirs again: a task that
 * is lent some and waits itself lends it on.  It is computed anew, from the waiters in the buckets, whenever one of
 * them may have changed it: one begins to wait or gives up, a lock goes to somebody else, a waiter's own priority is
 * set.  One computes at a time (`lending`), so a later one sees what the earlier one saw.  It is a mutex, as there may be
 * thousands of waiters, and others run in between.  Who has no real-time priority does none of this.
 *
 * Who waits for somebody who waits looks along that line whether it would wait for itself.  Each says for whom it
 * waits (task.pi_owner) before it looks, so of two that are about to wait for each other one sees it. */
#include "proc/futex_internal.h"
#include "arch/preempt.h"
#include "proc/pid.h"
#include "proc/process.h"
#include "sched/policy.h"
#include <linux/futex.h>

#define CHAIN_MAX 1024u /* as Linux has it */

#define WORK_WAITER 8u /* instructions, about (arch/preempt.h) */
#define WORK_STEP   60u

static struct mutex lending = MUTEX_INIT(lending, LOCK_futex_lend);

/* The highest rank of those who wait for the owner. */
static unsigned rank_of_waiters(uint32_t owner)
{
    struct futex_bucket *b;
    unsigned rank = 0;

    for (unsigned i = 0; (b = futex_bucket(i)) != NULL; i++) {
        struct futex_waiter *w;
        unsigned n = 0;
        futex_bucket_lock(b);
        list_for_each(w, &b->waiters, link) {
            if (w->kind == FUTEX_PI && w->task->pi_owner == owner)
                rank = MAX(rank, sched_rank(w->task));
            n++;
        }
        spin_unlock(&b->lock);
        preempt_work(WORK_STEP + n * WORK_WAITER);
    }
    return rank;
}

/* For whom the task waits, which gets that rank first, if lend; 0: for nobody, or it is gone. */
static uint32_t next_of(uint32_t tid, bool lend, unsigned rank)
{
    uint32_t owner = 0;

    spin_lock(&tree_lock);
    struct task *t = task_find(tid);
    if (t != NULL && !t->exiting) {
        if (lend)
            sched_lend(t, rank);
        owner = __atomic_load_n(&t->pi_owner, __ATOMIC_RELAXED);
    }
    spin_unlock(&tree_lock);
    preempt_work(WORK_STEP);
    return owner;
}

bool futex_circle(uint32_t owner)
{
    for (unsigned n = 0; owner != 0 && n < CHAIN_MAX; n++)
        if ((owner = next_of(owner, false, 0)) == current->tid)
            return true;
    return false;
}

void futex_lend(uint32_t owner)
{
    mutex_lock(&lending);
    for (unsigned n = 0; owner != 0 && n < CHAIN_MAX; n++)
        owner = next_of(owner, true, rank_of_waiters(owner));
    mutex_unlock(&lending);
}

void futex_priority_set(struct task *t)
{
    futex_lend(__atomic_load_n(&t->pi_owner, __ATOMIC_RELAXED));
}

bool futex_adopt(const struct futex_key *k, uint32_t owner)
{
    struct futex_bucket *b = futex_bucket_of(k);
    struct futex_waiter *w;
    bool ranks = false;

    futex_bucket_lock(b);
    list_for_each(w, &b->waiters, link) {
        if (w->kind != FUTEX_PI || !futex_same(&w->key, k) || w->task->tid == owner)
            continue;
        __atomic_store_n(&w->task->pi_owner, owner, __ATOMIC_RELAXED);
        ranks |= sched_rank(w->task) != 0;
    }
    spin_unlock(&b->lock);
    return ranks;
}

uint32_t futex_wake_top(const struct futex_key *k)
{
    struct futex_bucket *b = futex_bucket_of(k);
    struct futex_waiter *w, *top = NULL;
    uint32_t tid = 0;

    futex_bucket_lock(b);
    list_for_each(w, &b->waiters, link)
        if (futex_same(&w->key, k) && (top == NULL || sched_rank(w->task) > sched_rank(top->task)))
            top = w;
    if (top != NULL) {
        tid = top->task->tid;
        futex_wake_waiter(top);
    }
    spin_unlock(&b->lock);
    return tid;
}
