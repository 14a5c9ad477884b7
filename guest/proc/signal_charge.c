/* signal_charge.c - how many siginfos are queued for the processes of a user, and
 * how many POSIX timers they have: RLIMIT_SIGPENDING bounds the sum.
 * A user has an account while something is charged to it; root's is always there. */
#include "mm/heap.h"
#include "proc/signal_internal.h"

struct sig_account { /* [lock] */
    struct list link;
    uint32_t uid, charged;
};

static struct spinlock lock = SPINLOCK_INIT(LOCK_charge);
static struct list accounts = LIST_INIT(accounts); /* [lock] all but root's */
static struct sig_account root_account;

static struct sig_account *find(uint32_t uid)
{
    struct sig_account *a;

    if (uid == 0)
        return &root_account;
    list_for_each(a, &accounts, link)
        if (a->uid == uid)
            return a;
    return NULL;
}

static struct sig_account *find_or_make(uint32_t uid)
{
    struct sig_account *a = find(uid);

    if (a == NULL && (a = kzalloc(sizeof(*a))) != NULL) {
        a->uid = uid;
        list_push_back(&accounts, &a->link);
    }
    return a;
}

struct sig_account *signal_charge(uint32_t uid, uint64_t limit)
{
    struct sig_account *a = NULL;

    spin_lock(&lock);
    if (limit > 0)
        a = find_or_make(uid);
    if (a != NULL && a->charged >= limit)
        a = NULL; /* what is charged keeps the account */
    if (a != NULL)
        a->charged++;
    spin_unlock(&lock);
    return a;
}

void signal_uncharge(struct sig_account *a)
{
    spin_lock(&lock);
    if (--a->charged == 0 && a != &root_account) {
        list_remove(&a->link);
        kfree(a);
    }
    spin_unlock(&lock);
}

uint32_t signal_charged(uint32_t uid)
{
    spin_lock(&lock);
    const struct sig_account *a = find(uid);
    uint32_t n = a != NULL ? a->charged : 0;
    spin_unlock(&lock);
    return n;
}
