/* futex_lend.c - who has a lock of FUTEX_LOCK_PI runs with the highest real-time priority of those who wait for it.
 *
 * What a task is lent is the highest rank of all waiters that name it as the owner, and of theirs again: a task that
 * is lent some and waits itself lends it on.  It is computed anew, from the waiters in the buckets, whenever one of
 * them may have changed it: one begins to wait or gives up, a lock goes to somebody else, a waiter's own priority is
 * set.  All of it is done under tree_lock, so two that compute come one after the other, and the later one sees what
 * the earlier one saw.  Who has no real-time priority, and waits for one that is lent none, does none of this.
 *
 * The same walk finds out that a task would wait for itself. */
#include "proc/futex_internal.h"
#include "proc/pid.h"
#include "proc/process.h"
#include "sched/policy.h"
#include <linux/futex.h>

#define CHAIN_MAX 1024u /* as Linux has it */

/* The highest rank of those who wait for the owner.  tree_lock held. */
static unsigned rank_of_waiters(uint32_t owner)
{
    struct futex_bucket *b;
    unsigned rank = 0;

    for (unsigned i = 0; (b = futex_bucket(i)) != NULL; i++) {
        struct futex_waiter *w;
        futex_bucket_lock(b);
        list_for_each(w, &b->waiters, link)
            if (w->kind == FUTEX_PI && w->owner == owner)
                rank = MAX(rank, sched_rank(w->task));
        spin_unlock(&b->lock);
    }
    return rank;
}

/* For whom t waits; 0: for nobody.  tree_lock held. */
static uint32_t waits_for(const struct task *t)
{
    struct futex_bucket *b;
    uint32_t owner = 0;

    for (unsigned i = 0; t->waits_pi && owner == 0 && (b = futex_bucket(i)) != NULL; i++) {
        struct futex_waiter *w;
        futex_bucket_lock(b);
        list_for_each(w, &b->waiters, link)
            if (w->kind == FUTEX_PI && w->task == t)
                owner = w->owner;
        spin_unlock(&b->lock);
    }
    return owner;
}

bool futex_lend(uint32_t owner)
{
    bool circle = false;

    spin_lock(&tree_lock);
    for (unsigned n = 0; owner != 0 && n < CHAIN_MAX && !circle; n++) {
        struct task *t = task_find(owner);
        if (t == NULL || t->exiting)
            break;
        sched_lend(t, rank_of_waiters(owner));
        owner = waits_for(t);
        circle = owner == current->tid;
    }
    spin_unlock(&tree_lock);
    return circle;
}

void futex_priority_set(struct task *t)
{
    spin_lock(&tree_lock);
    uint32_t owner = waits_for(t);
    spin_unlock(&tree_lock);
    if (owner != 0)
        futex_lend(owner);
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
        w->owner = owner;
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
