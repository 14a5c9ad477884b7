/* epoll_ctl.c - what an epoll watches: epoll_ctl(2), and the end of a watched file.
 *
 * An item is in the tree of its epoll, in the ring of its file, and, if the file is an epoll, in
 * the list of what is nested.  It is taken from the file's queues first and from the ring
 * last: who ends the file and finds the ring empty knows that nobody uses these queues any more.
 * An item holds a reference on its epoll, none on its file.
 *
 * Epolls may watch each other, in no circle and over no more than NESTED_MAX edges.  All such
 * edges come and go under epoll_nest; so who holds it may walk along them, down by `nested` and
 * up by the ring of the epoll's file. */
#include "arch/preempt.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "event/epoll.h"
#include "event/epoll_internal.h"
#include "fs/fd.h"
#include "fs/inode.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "sched/task.h"

#define NESTED_MAX    4u   /* edges from the first epoll to the last one */
#define OF_A_FILE_MAX 256u /* items of one file: a wake tells them all in one go */
#define WORK_REMOVE   700u /* instructions an item, about (arch/preempt.h) */
#define WORK_EDGE     60u

static struct mutex nest_lock = MUTEX_INIT(nest_lock, LOCK_epoll_nest);
static struct spinlock watchers_lock = SPINLOCK_INIT(LOCK_watchers);
static uint32_t watched; /* [a] items there are */

static uint64_t max_set = UINT64_MAX; /* [a] by root; UINT64_MAX: nobody has */

uint64_t epoll_max_watches(void)
{
    return max_set != UINT64_MAX ? max_set
                                 : frames_total * PAGE_SIZE / 25 / sizeof(struct epoll_item);
}

void epoll_set_max_watches(uint64_t most) { max_set = most; }

/* --- the ring of a file ------------------------------------------------------------------ */

/* False: there are too many. */
static bool ring_add(struct epoll_item *item)
{
    struct file *f = item->file;
    unsigned n = 0;

    spin_lock(&watchers_lock);
    if (f->watchers != NULL) {
        for (struct list *l = f->watchers; n == 0 || l != f->watchers; l = l->next)
            n++;
        if (n < OF_A_FILE_MAX)
            list_push_back(f->watchers, &item->file_link);
    } else {
        f->watchers = &item->file_link;
    }
    spin_unlock(&watchers_lock);
    return n < OF_A_FILE_MAX;
}

static void ring_remove(struct epoll_item *item)
{
    struct file *f = item->file;

    spin_lock(&watchers_lock);
    struct list *next = item->file_link.next;
    if (f->watchers == &item->file_link)
        __atomic_store_n(&f->watchers, next == &item->file_link ? NULL : next, __ATOMIC_RELEASE);
    list_remove(&item->file_link);
    spin_unlock(&watchers_lock);
}

static struct epoll_item *in_ring(struct list *link)
{
    return list_entry(link, struct epoll_item, file_link);
}

/* --- depth; nest_lock held ----------------------------------------------------------------- */

static uint32_t walk; /* [n] its number */

/* The longest way down from ep in edges, or something above NESTED_MAX: it is longer, or leads
 * to `not_to`.  The stack has NESTED_MAX of this at most. */
static uint32_t depth_below(struct epoll *ep, const struct epoll *not_to, uint32_t so_far)
{
    struct epoll_item *i;

    if (ep == not_to || so_far > NESTED_MAX)
        return NESTED_MAX + 1;
    if (ep->stamp == walk)
        return ep->depth;
    uint32_t most = 0;
    list_for_each(i, &ep->nested, nested_link) {
        most = MAX(most, depth_below(epoll_of(i->file), not_to, so_far + 1) + 1);
        preempt_work(WORK_EDGE);
        if (most > NESTED_MAX)
            break;
    }
    ep->stamp = walk;
    ep->depth = most;
    return most;
}

static uint32_t depth_above(struct epoll *ep, uint32_t so_far)
{
    struct list *first = ep->file->watchers, *l = first;

    if (so_far > NESTED_MAX)
        return NESTED_MAX + 1;
    if (ep->stamp == walk)
        return ep->depth;
    uint32_t most = 0;
    while (l != NULL && most <= NESTED_MAX) {
        most = MAX(most, depth_above(in_ring(l)->ep, so_far + 1) + 1);
        preempt_work(WORK_EDGE);
        l = l->next == first ? NULL : l->next;
    }
    ep->stamp = walk;
    ep->depth = most;
    return most;
}

static bool may_nest(struct epoll *ep, struct epoll *in_it)
{
    walk++;
    uint32_t below = depth_below(in_it, ep, 0);
    walk++;
    return below + 1 + depth_above(ep, 0) <= NESTED_MAX;
}

/* --- items; ep->lock held, and nest_lock if an epoll is watched -------------------------------- */

#define WORK_ITEM 60u /* instructions to look at one, about (arch/preempt.h) */

static int compare(const struct file *f, int fd, const struct epoll_item *i)
{
    if (f != i->file)
        return f < i->file ? -1 : 1;
    return (fd > i->fd) - (fd < i->fd);
}

static struct epoll_item *find(struct epoll *ep, const struct file *f, int fd)
{
    struct rb_node *n = ep->items.node;

    while (n != NULL) {
        struct epoll_item *i = rb_entry(n, struct epoll_item, node);
        int c = compare(f, fd, i);
        if (c == 0)
            return i;
        n = c < 0 ? n->left : n->right;
    }
    return NULL;
}

const struct file *epoll_watched_file(struct file *f, int fd, uint32_t nth, int *err)
{
    struct epoll *ep = epoll_of(f);
    const struct file *found = NULL;

    *err = ep == NULL ? -EINVAL : -ENOENT;
    if (ep == NULL)
        return NULL;
    mutex_lock(&ep->lock);
    for (struct rb_node *n = rb_first(&ep->items); n != NULL && found == NULL; n = rb_next(n)) {
        struct epoll_item *i = rb_entry(n, struct epoll_item, node);
        if (i->fd == fd && nth-- == 0)
            found = i->file;
        preempt_work(WORK_ITEM);
    }
    mutex_unlock(&ep->lock);
    return found;
}

static void hang(struct epoll_item *item)
{
    struct rb_node **link = &item->ep->items.node, *parent = NULL;

    while (*link != NULL) {
        parent = *link;
        bool left = compare(item->file, item->fd, rb_entry(parent, struct epoll_item, node)) < 0;
        link = left ? &parent->left : &parent->right;
    }
    rb_insert(&item->ep->items, parent, link, &item->node);
}

struct epoll_table {
    struct poll_table pt;
    struct epoll_item *item;
    bool failed;
};

static void enter(struct poll_table *pt, struct waitq *q)
{
    struct epoll_table *t = container_of(pt, struct epoll_table, pt);
    struct epoll_watch *w = &t->item->first;

    if (w->watch.queue != NULL) {
        w = kzalloc(sizeof(*w));
        if (w == NULL) {
            t->failed = true;
            return;
        }
        w->next = t->item->more;
        t->item->more = w;
    }
    w->item = t->item;
    w->watch.notify = epoll_notify;
    w->watch.exclusive = t->item->events & EPOLLEXCLUSIVE;
    watch_add(q, &w->watch);
}

static void leave_queues(struct epoll_item *item)
{
    if (item->first.watch.queue != NULL)
        watch_remove(&item->first.watch);
    while (item->more != NULL) {
        struct epoll_watch *w = item->more;

        item->more = w->next;
        watch_remove(&w->watch);
        kfree(w);
    }
}

/* Off everything, and freed. */
static void destroy(struct epoll_item *item)
{
    struct epoll *ep = item->ep;

    leave_queues(item);
    spin_lock(&ep->ready_lock);
    list_remove(&item->ready_link);
    spin_unlock(&ep->ready_lock);
    list_remove(&item->nested_link);
    rb_erase(&ep->items, &item->node);
    ring_remove(item);
    kfree(item);
    __atomic_sub_fetch(&watched, 1, __ATOMIC_RELAXED);
    epoll_put(ep); /* not the last one: its caller has another */
}

static struct epoll_item *item_alloc(struct epoll *ep, struct file *f, int fd,
                                     const struct epoll_event *e)
{
    struct epoll_item *item = kzalloc(sizeof(*item));

    if (item == NULL)
        return NULL;
    item->ep = ep;
    item->file = f;
    item->fd = fd;
    item->events = e->events;
    item->data = e->data;
    list_init(&item->file_link);
    list_init(&item->nested_link);
    list_init(&item->ready_link);
    return item;
}

static int add(struct epoll *ep, struct file *f, int fd, const struct epoll_event *e)
{
    if (__atomic_load_n(&watched, __ATOMIC_RELAXED) >= epoll_max_watches())
        return -ENOSPC;
    struct epoll_table table = { { enter }, item_alloc(ep, f, fd, e), false };
    struct epoll_item *item = table.item;
    if (item == NULL)
        return -ENOMEM;
    if (!ring_add(item)) {
        kfree(item);
        return -ENOSPC;
    }
    __atomic_add_fetch(&watched, 1, __ATOMIC_RELAXED);
    ref_get(&ep->refs);
    hang(item);
    if (epoll_of(f) != NULL)
        list_push_back(&ep->nested, &item->nested_link);
    uint32_t ready = epoll_item_ready(item, &table.pt);
    if (table.failed) {
        destroy(item);
        return -ENOMEM;
    }
    if (ready != 0)
        epoll_item_queue(item);
    return 0;
}

static int modify(struct epoll_item *item, const struct epoll_event *e)
{
    if (item->events & EPOLLEXCLUSIVE)
        return -EINVAL;
    spin_lock(&item->ep->ready_lock);
    item->events = e->events;
    spin_unlock(&item->ep->ready_lock);
    item->data = e->data;
    if (epoll_item_ready(item, NULL) != 0)
        epoll_item_queue(item);
    return 0;
}

static int change(struct epoll *ep, int op, struct file *f, int fd, struct epoll_event *e)
{
    struct epoll_item *item = find(ep, f, fd);

    e->events |= EPOLLERR | EPOLLHUP;
    switch (op) {
    case EPOLL_CTL_ADD: return item == NULL ? add(ep, f, fd, e) : -EEXIST;
    case EPOLL_CTL_MOD: return item != NULL ? modify(item, e) : -ENOENT;
    case EPOLL_CTL_DEL:
        if (item == NULL)
            return -ENOENT;
        destroy(item);
        return 0;
    }
    return -EINVAL;
}

/* --- the call ---------------------------------------------------------------------------------- */

#define WITH_EXCLUSIVE \
    (EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)

static int check_exclusive(int op, const struct file *f, uint32_t events)
{
    if (op == EPOLL_CTL_DEL || !(events & EPOLLEXCLUSIVE))
        return 0;
    if (op == EPOLL_CTL_MOD)
        return -EINVAL;
    return epoll_of(f) != NULL || (events & ~(uint32_t)WITH_EXCLUSIVE) ? -EINVAL : 0;
}

SYSCALL4(epoll_ctl, int, epfd, int, op, int, fd, uaddr_t, event)
{
    struct epoll_event e = { 0, 0 };

    if (op != EPOLL_CTL_DEL && get_user(e, event) != 0)
        return -EFAULT;
    WITH_FILE(epf, epfd);
    WITH_FILE(f, fd);
    if (epf == NULL || f == NULL || (epf->flags & O_PATH) || (f->flags & O_PATH))
        return -EBADF;
    if (f->ops->poll == NULL)
        return -EPERM;
    struct epoll *ep = epoll_of(epf), *nested = epoll_of(f);
    if (f == epf || ep == NULL)
        return -EINVAL;
    if (!has_cap(CAP_BLOCK_SUSPEND))
        e.events &= ~(uint32_t)EPOLLWAKEUP;
    int err = check_exclusive(op, f, e.events);
    if (err != 0)
        return err;
    if (nested != NULL)
        mutex_lock(&nest_lock);
    if (nested != NULL && op == EPOLL_CTL_ADD && !may_nest(ep, nested)) {
        err = -ELOOP;
    } else {
        mutex_lock(&ep->lock);
        err = change(ep, op, f, fd, &e);
        mutex_unlock(&ep->lock);
    }
    if (nested != NULL)
        mutex_unlock(&nest_lock);
    return err;
}

/* --- ends ---------------------------------------------------------------------------------------- */

/* Who adds items has a reference on the file: there is nobody. */
void epoll_watch_end(struct epoll *ep)
{
    bool nested = !list_empty(&ep->nested);

    if (nested)
        mutex_lock(&nest_lock);
    mutex_lock(&ep->lock);
    while (ep->items.node != NULL) {
        destroy(rb_entry(ep->items.node, struct epoll_item, node));
        preempt_work(WORK_REMOVE);
    }
    mutex_unlock(&ep->lock);
    if (nested)
        mutex_unlock(&nest_lock);
    epoll_put(ep);
    preempt_work(WORK_REMOVE);
}

/* The epoll of the first item in the ring, with a reference; NULL: the ring is empty. */
static struct epoll *first_watcher(struct file *f, const struct epoll *only,
                                   struct epoll_item **item)
{
    struct epoll *ep = NULL;

    spin_lock(&watchers_lock);
    if (f->watchers != NULL) {
        *item = in_ring(f->watchers);
        ep = (*item)->ep;
        if (only == NULL)
            ref_get(&ep->refs);
    }
    spin_unlock(&watchers_lock);
    return ep;
}

/* While we wait for an epoll's lock, its owner may take its items away himself. */
void epoll_file_end(struct file *f)
{
    bool nested = epoll_of(f) != NULL;
    struct epoll_item *item;
    struct epoll *ep;

    if (nested)
        mutex_lock(&nest_lock);
    while ((ep = first_watcher(f, NULL, &item)) != NULL) {
        mutex_lock(&ep->lock);
        while (first_watcher(f, ep, &item) == ep)
            destroy(item);
        mutex_unlock(&ep->lock);
        epoll_put(ep);
        preempt_work(WORK_REMOVE);
    }
    if (nested)
        mutex_unlock(&nest_lock);
}

void epoll_init(void) { file_on_end_watched(epoll_file_end); }
