/* pipe_user.c - how many pages the pipes of a user may have: pipe-user-pages-soft and -hard.
 * As on Linux they bind who has neither CAP_SYS_RESOURCE nor CAP_SYS_ADMIN: beyond the soft limit a
 * new pipe has two pages, and none grows; beyond the hard one there are no more.  Root's are not counted. */
#include "fs/pipe_internal.h"
#include "lib/list.h"
#include "mm/heap.h"
#include "sched/task.h"

#define PAGES_LEAST 2u

uint32_t pipe_user_soft = 16384, pipe_user_hard;

struct account { /* there while its user has pipes */
    struct list link;
    uint32_t uid, pages;
};

static struct spinlock lock = SPINLOCK_INIT(LOCK_pipe_users);
static struct list accounts = LIST_INIT(accounts); /* [lock] */

static struct account *find_or_make(uint32_t uid)
{
    struct account *a;

    list_for_each(a, &accounts, link)
        if (a->uid == uid)
            return a;
    a = kzalloc(sizeof(*a));
    if (a) {
        a->uid = uid;
        list_push_back(&accounts, &a->link);
    }
    return a;
}

/* The user's pages with so many more, or less; UINT32_MAX: no memory. */
static uint32_t count(uint32_t uid, int32_t by)
{
    uint32_t now = UINT32_MAX;
    struct account *a;

    spin_lock(&lock);
    a = find_or_make(uid);
    if (a) {
        now = a->pages += (uint32_t)by;
        if (now == 0) {
            list_remove(&a->link);
            kfree(a);
        }
    }
    spin_unlock(&lock);
    return now;
}

static bool bound(void) { return !has_cap(CAP_SYS_RESOURCE) && !has_cap(CAP_SYS_ADMIN); }

static bool above(uint32_t pages, uint32_t limit) { return limit && pages > limit; }

int pipe_user_new(struct pipe *p)
{
    uint32_t n = p->npages, now;

    if (n * PAGE_SIZE > pipe_max_size && !has_cap(CAP_SYS_RESOURCE))
        n = pipe_max_size / PAGE_SIZE;
    p->npages = n;
    p->owner = current->cred.uid;
    if (likely(p->owner == 0))
        return 0;
    now = count(p->owner, (int32_t)n);
    if (now == UINT32_MAX)
        return -ENOMEM;
    if (above(now, pipe_user_soft) && n > PAGES_LEAST && bound()) {
        now = count(p->owner, (int32_t)(PAGES_LEAST - n));
        p->npages = PAGES_LEAST;
    }
    if (!above(now, pipe_user_hard) || !bound())
        return 0;
    pipe_user_end(p);
    return -ENFILE;
}

int pipe_user_resize(struct pipe *p, uint32_t npages)
{
    uint32_t now;

    if (likely(p->owner == 0) || npages == p->npages)
        return 0;
    now = count(p->owner, (int32_t)(npages - p->npages));
    if (npages < p->npages || !(above(now, pipe_user_soft) || above(now, pipe_user_hard)) ||
        !bound())
        return 0;
    count(p->owner, (int32_t)(p->npages - npages));
    return -EPERM;
}

void pipe_user_resized_not(struct pipe *p, uint32_t npages)
{
    if (p->owner)
        count(p->owner, (int32_t)(p->npages - npages));
}

void pipe_user_end(struct pipe *p)
{
    if (unlikely(p->owner))
        count(p->owner, -(int32_t)p->npages);
}
