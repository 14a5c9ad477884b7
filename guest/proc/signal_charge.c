/* signal_charge.c - how many siginfos are queued for the processes of a user, and
 * how many POSIX timers they have: RLIMIT_SIGPENDING bounds the sum.
 * A user has an account while something is charged to it; root's is always there. */
#include "lib/rbtree.h"
#include "mm/heap.h"
#include "proc/signal_internal.h"

struct sig_account { /* [lock] */
    struct rb_node node;
    uint32_t uid, charged;
};

static struct spinlock lock = SPINLOCK_INIT(LOCK_charge);
static struct rb_root accounts; /* [lock] all but root's, by uid */
static struct sig_account root_account;

/* NULL: there is none.  *link, below *parent, is its place. */
static struct sig_account *find(uint32_t uid, struct rb_node **parent, struct rb_node ***link)
{
    *parent = NULL;
    *link = &accounts.node;
    if (uid == 0)
        return &root_account;
    while (**link != NULL) {
        struct sig_account *a = rb_entry(**link, struct sig_account, node);

        if (a->uid == uid)
            return a;
        *parent = **link;
        *link = uid < a->uid ? &a->node.left : &a->node.right;
    }
    return NULL;
}

static struct sig_account *find_or_make(uint32_t uid)
{
    struct rb_node *parent, **link;
    struct sig_account *a = find(uid, &parent, &link);

    if (a == NULL && (a = kzalloc(sizeof(*a))) != NULL) {
        a->uid = uid;
        rb_insert(&accounts, parent, link, &a->node);
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
        rb_erase(&accounts, &a->node);
        kfree(a);
    }
    spin_unlock(&lock);
}

uint32_t signal_charged(uint32_t uid)
{
    struct rb_node *parent, **link;

    spin_lock(&lock);
    const struct sig_account *a = find(uid, &parent, &link);
    uint32_t n = a != NULL ? a->charged : 0;
    spin_unlock(&lock);
    return n;
}
