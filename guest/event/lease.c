/* lease.c - leases: who has one is told before somebody else opens the file, who waits for him.
 *
 * A read lease stands against opening for writing and truncate(2), a write lease against any opening.
 * Who comes against one marks it, which sends its holder a signal (async.c), and waits until it has
 * been given up, or lowered to a read lease if that is enough; after lease_break_seconds
 * that happens by itself. Nobody watches the clock for that: whoever looks at a file's leases lets
 * those go first whose time is over.
 *
 *   who opens                              who wants a lease
 *   counts as one who has it open          hangs the lease in, counts it in notify_watches
 *   notify_watches not 0: looks for        is the file open elsewhere? then takes it out
 *     leases against it, marks, waits         again: -EAGAIN
 *
 * Both write first and read then, so one of them sees the other. And an opening costs nothing more
 * where nobody has a lease: notify_watches is asked anyway, for inotify.
 *
 * Who has a file open for reading is not counted anywhere. A file holds its inode, and so do its names,
 * its watches of inotify and those who sleep on a futex in it: what is left is others' files,
 * also those of O_PATH, which Linux does not count.
 *
 * All leases are in one list, as there are few; there may not be more than LEASES_MAX. */
#include "event/lease.h"
#include "arch/clock.h"
#include "event/async.h"
#include "event/inotify.h"
#include "fs/dentry.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/notify.h"
#include "mm/heap.h"
#include "sched/block.h"
#include "sched/task.h"
#include <linux/capability.h>
#include <linux/fcntl.h>

#define LEASES_MAX 512u

struct lease { /* all: [lock] */
    struct list link;
    struct file *file;
    struct inode *inode; /* file's */
    int type;            /* F_RDLCK, F_WRLCK */
    bool unlock, lower;  /* its holder was told to give it up, to make it a read lease */
    uint64_t unlock_at, lower_at;
};

uint32_t leases_enable = 1, lease_break_seconds = 45;

static struct spinlock lock = SPINLOCK_INIT(LOCK_lease);
static struct list all = LIST_INIT(all); /* [lock] */
static unsigned nleases;                 /* [lock] */
static struct waitq changed = WAITQ_INIT(changed);

/* --- lock held ------------------------------------------------------------------------- */

static struct lease *lease_of(const struct file *f)
{
    struct lease *l;

    list_for_each(l, &all, link)
        if (l->file == f)
            return l;
    return NULL;
}

static void take_out(struct lease *l, struct list *dropped)
{
    list_remove(&l->link);
    nleases--;
    __atomic_sub_fetch(&notify_watches, 1, __ATOMIC_RELAXED);
    list_push_back(dropped, &l->link);
}

/* A lease that is made a write lease stays told. */
static void change(struct lease *l, int type, struct list *dropped)
{
    l->type = type;
    if (type == F_UNLCK) {
        l->unlock = false;
        l->unlock_at = NO_DEADLINE;
    }
    if (type != F_WRLCK) {
        l->lower = false;
        l->lower_at = NO_DEADLINE;
    }
    /* Its file may be at its end: then lease_end() waits for the lock, and finds nothing. */
    if (type == F_UNLCK && !ref_get_unless_dead(&l->file->refs))
        l->file = NULL;
    if (type == F_UNLCK)
        take_out(l, dropped);
    waitq_wake(&changed);
}

static void expire(const struct inode *in, struct list *dropped)
{
    uint64_t now = clock_mono_ns();
    struct lease *l, *next;

    list_for_each_safe(l, next, &all, link) {
        if (l->inode != in)
            continue;
        if (l->lower_at <= now)
            change(l, F_RDLCK, dropped);
        if (l->unlock_at <= now)
            change(l, F_UNLCK, dropped);
    }
}

/* --- without ------------------------------------------------------------------------------ */

static void drop(struct list *dropped)
{
    while (!list_empty(dropped)) {
        struct lease *l = list_first(dropped, struct lease, link);
        list_remove(&l->link);
        if (l->file != NULL) {
            async_disown(l->file);
            file_put(l->file);
        }
        kfree(l);
    }
}

void lease_end(struct file *f)
{
    struct list dropped = LIST_INIT(dropped);

    spin_lock(&lock);
    struct lease *l = lease_of(f);
    if (l != NULL) {
        l->file = NULL;
        take_out(l, &dropped);
        waitq_wake(&changed);
    }
    spin_unlock(&lock);
    drop(&dropped);
}

/* --- breaking ------------------------------------------------------------------------------- */

/* Tells those who have not heard yet. False: nothing is against it. *until: when one's time is over. */
static bool mark(const struct inode *in, bool write, uint64_t *until)
{
    uint32_t seconds = __atomic_load_n(&lease_break_seconds, __ATOMIC_RELAXED);
    uint64_t at = seconds != 0 ? clock_mono_ns() + seconds * NSEC_PER_SEC : NO_DEADLINE;
    bool any = false;
    struct lease *l;

    *until = NO_DEADLINE;
    list_for_each(l, &all, link) {
        if (l->inode != in || (!write && l->type != F_WRLCK))
            continue;
        if (write ? !l->unlock : !l->unlock && !l->lower) {
            *(write ? &l->unlock : &l->lower) = true;
            *(write ? &l->unlock_at : &l->lower_at) = at;
            async_tell(l->file);
        }
        *until = MIN(*until, MIN(l->unlock_at, l->lower_at));
        any = true;
    }
    return any;
}

int lease_break(struct inode *in, uint32_t flags)
{
    bool write = (flags & O_ACCMODE) != O_RDONLY;

    for (;;) {
        struct list dropped = LIST_INIT(dropped);
        struct waiter w;
        uint64_t until;
        spin_lock(&lock);
        expire(in, &dropped);
        bool any = mark(in, write, &until);
        bool wait = any && !(flags & O_NONBLOCK);
        if (wait)
            waiter_add(&changed, &w);
        spin_unlock(&lock);
        drop(&dropped);
        if (!wait)
            return any ? -EWOULDBLOCK : 0;
        int err = block(BLOCK_lease, 0, BLOCK_INTERRUPTIBLE, until);
        waitq_pass_on(&changed);
        waiter_remove(&changed, &w);
        if (err == -ERESTARTSYS)
            return err;
    }
}

/* --- asking for one ------------------------------------------------------------------------- */

/* fs_tree held, for the names. */
static bool open_elsewhere(const struct file *f, int type, unsigned watches)
{
    const struct inode *in = f->inode;
    const struct dentry *d = f->path.dentry;
    int32_t writers = __atomic_load_n(&in->writers, __ATOMIC_SEQ_CST);

    if (type == F_RDLCK)
        return writers > 0;
    if (writers != f->write_counted)
        return true; /* programs that run from it count below 0 */
    if (in->nlink > 1 && in->private != NULL)
        return true; /* names in a root image that nobody has looked for: one cannot tell */
    uint32_t known = 1 + in->nlink + (d != NULL && d->unlinked) + watches;
    return (uint32_t)ref_read(&in->refs) > known;
}

/* lock held.  *new is used, and then NULL, if the file has none. */
static long set(struct file *f, int type, unsigned watches, struct lease **new,
                struct list *dropped)
{
    struct lease *l, *mine = lease_of(f);

    if (open_elsewhere(f, type, watches))
        return -EAGAIN;
    list_for_each(l, &all, link)
        if (l->inode == f->inode && l != mine && (type == F_WRLCK || l->unlock))
            return -EAGAIN;
    if (mine != NULL) {
        change(mine, type, dropped);
        return 0;
    }
    if (__atomic_load_n(&leases_enable, __ATOMIC_RELAXED) == 0)
        return -EINVAL;
    if (nleases >= LEASES_MAX)
        return -ENOLCK;
    l = *new;
    *new = NULL;
    *l = (struct lease){ .file = f,
                         .inode = f->inode,
                         .type = type,
                         .unlock_at = NO_DEADLINE,
                         .lower_at = NO_DEADLINE };
    list_push_back(&all, &l->link);
    nleases++;
    __atomic_add_fetch(&notify_watches, 1, __ATOMIC_SEQ_CST);
    if (!open_elsewhere(f, type, watches))
        return 0;
    l->file = NULL;
    take_out(l, dropped);
    return -EAGAIN;
}

static long give_up(struct file *f, struct list *dropped)
{
    struct lease *l = lease_of(f);

    if (l == NULL)
        return -EAGAIN;
    change(l, F_UNLCK, dropped);
    return 0;
}

long lease_set(struct file *f, int fd, int type)
{
    struct list dropped = LIST_INIT(dropped);
    bool owned = false;

    if (type != F_RDLCK && type != F_WRLCK && type != F_UNLCK)
        return -EINVAL;
    if (current->cred.fsuid != f->inode->uid && !has_cap(CAP_LEASE))
        return -EACCES;
    if (!S_ISREG(f->inode->mode))
        return -EINVAL;
    struct lease *new = type != F_UNLCK ? kmalloc(sizeof(*new)) : NULL;
    long err = type != F_UNLCK && new == NULL ? -ENOMEM : 0;
    if (err == 0 && type != F_UNLCK)
        err = async_own(f, fd, &owned);
    if (err == 0) {
        mutex_lock(&fs_tree);
        unsigned watches = inotify_watches_on(f->inode);
        spin_lock(&lock);
        expire(f->inode, &dropped);
        err = type == F_UNLCK ? give_up(f, &dropped) : set(f, type, watches, &new, &dropped);
        spin_unlock(&lock);
        mutex_unlock(&fs_tree);
    }
    drop(&dropped);
    if (err != 0 && owned)
        async_disown(f);
    kfree(new);
    return err;
}

/* What it is, or is to become. */
long lease_get(struct file *f)
{
    struct list dropped = LIST_INIT(dropped);
    int type = F_UNLCK;

    spin_lock(&lock);
    expire(f->inode, &dropped);
    struct lease *l = lease_of(f);
    if (l != NULL && !l->unlock)
        type = l->lower ? F_RDLCK : l->type;
    spin_unlock(&lock);
    drop(&dropped);
    return type;
}
