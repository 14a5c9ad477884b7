/* inotify.c - what happens to files and directories, as a file to read: inotify(7).
 *
 * A watch is in the ring of its inode and in the list of its instance, and holds the inode.  One
 * spinlock guards all of it, and the queues of events: what happens is told from within the
 * file system, with fs_tree or the lock of names held, and takes a few instructions for each
 * watch of that inode.  Nothing is put under that lock but memory.
 *
 * F_NOTIFY's watches are like the others, but of an open directory, which tells what happens by a
 * signal (async.c), in place of an instance.
 *
 * The last name of an inode, or its last use, takes its watches away; so does the end of its file
 * system, whose inodes could not be put later. */
#include "arch/preempt.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "event/async.h"
#include "event/inotify.h"
#include "event/lease.h"
#include "fs/anon_inode.h"
#include "fs/dentry.h"
#include "fs/fd.h"
#include "fs/inode.h"
#include "fs/notify.h"
#include "fs/path.h"
#include "fs/poll.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "sched/task.h"

#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/magic.h>

#define OF_INODE_MAX 256u /* watches: one event tells them all */
#define WORK_EVENT   400u /* instructions, about (arch/preempt.h) */
#define WORK_WATCH   300u

#define FLAGS \
    (IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_ADD | IN_MASK_CREATE | IN_ONESHOT)

uint32_t inotify_max_events = 16384, inotify_max_instances = 128, inotify_max_watches = 8192;

struct inotify {         /* [l] lock */
    struct list events;  /* [l] struct event */
    unsigned nevents;    /* [l], read without */
    unsigned max_events; /* [k] */
    size_t bytes;        /* [l] of all events, as read(2) gives them */
    bool overflowed;     /* [l] the last event says so */
    struct list watches; /* [l] */
    int last_wd;         /* [l] */
    struct waitq wait;
};

struct watch_on {
    struct inotify *of;     /* [k] NULL: F_NOTIFY's, */
    struct file *dir;       /* [k] by this, */
    const void *owner;      /* [k] set in that table of descriptors */
    struct inode *inode;    /* [k] with a reference */
    struct list inode_link; /* [l] in the ring of inode->watches */
    struct list link;       /* [l] in of->watches, or dnotifies */
    int wd;                 /* [k] */
    uint32_t mask;          /* [l] */
};

struct event {
    struct list link;
    struct head { /* struct inotify_event, whose name may not stand inside a structure */
        int32_t wd;
        uint32_t mask, cookie, len;
    } e;
    char name[]; /* e.len bytes, padded with NUL; it follows e without a gap */
};
_Static_assert(sizeof(struct head) == sizeof(struct inotify_event) &&
                   offsetof(struct event, name) == offsetof(struct event, e) + sizeof(struct head),
               "as programs read it");

static struct spinlock lock = SPINLOCK_INIT(LOCK_event);
static uint32_t instances;                           /* [a] */
static struct list dnotifies = LIST_INIT(dnotifies); /* [l] */
uint32_t dir_notify_enable = 1;
static struct superblock inotify_sb = ANON_INODES("inotify");

/* --- events; lock held ----------------------------------------------------------------------- */

static bool same_as_last(const struct inotify *i, int wd, uint32_t mask, uint32_t cookie,
                         const char *name, size_t len)
{
    if (list_empty(&i->events))
        return false;
    const struct event *e = list_entry(i->events.prev, struct event, link);
    return e->e.wd == wd && e->e.mask == mask && e->e.cookie == cookie &&
           (e->e.len != 0) == (name != NULL) &&
           (name == NULL || (strnlen(e->name, e->e.len) == len && memcmp(e->name, name, len) == 0));
}

static void append(struct inotify *i, struct event *e)
{
    list_push_back(&i->events, &e->link);
    i->bytes += sizeof(e->e) + e->e.len;
    __atomic_store_n(&i->nevents, i->nevents + 1, __ATOMIC_RELEASE);
    waitq_wake_for(&i->wait, EPOLLIN | EPOLLRDNORM);
}

/* Without memory for it, or room, one event says that some are missing. */
static void queue_event(struct inotify *i, int wd, uint32_t mask, uint32_t cookie, const char *name,
                        size_t len)
{
    uint32_t padded = name != NULL ? (uint32_t)(len + 16) & ~15u : 0;

    if (same_as_last(i, wd, mask, cookie, name, len))
        return;
    bool full = i->nevents >= i->max_events;
    if (full && i->overflowed)
        return;
    struct event *e = full ? NULL : kmalloc(sizeof(*e) + padded);
    if (e == NULL) {
        e = i->overflowed ? NULL : kmalloc(sizeof(*e));
        if (e == NULL)
            return;
        e->e = (struct head){ .wd = -1, .mask = IN_Q_OVERFLOW };
        i->overflowed = true;
        append(i, e);
        return;
    }
    i->overflowed = false;
    e->e.wd = wd;
    e->e.mask = mask;
    e->e.cookie = cookie;
    e->e.len = padded;
    if (padded != 0) {
        memset(e->name, 0, padded);
        memcpy(e->name, name, len);
    }
    append(i, e);
}

/* --- watches ------------------------------------------------------------------------------------- */

static struct watch_on *in_ring(struct list *l)
{
    return list_entry(l, struct watch_on, inode_link);
}

/* lock held.  Off everything, and IN_IGNORED; its inode is still to be put, with drop(). */
static void detach(struct watch_on *w, struct list *dropped)
{
    struct inode *in = w->inode;

    if (in->watches == &w->inode_link)
        in->watches = w->inode_link.next == &w->inode_link ? NULL : w->inode_link.next;
    list_remove(&w->inode_link);
    list_remove(&w->link);
    if (w->of != NULL)
        queue_event(w->of, w->wd, IN_IGNORED, 0, NULL, 0);
    __atomic_sub_fetch(&notify_watches, 1, __ATOMIC_RELAXED);
    list_push_back(dropped, &w->link);
}

static void drop(struct list *dropped)
{
    while (!list_empty(dropped)) {
        struct watch_on *w = list_first(dropped, struct watch_on, link);

        list_remove(&w->link);
        inode_put(w->inode);
        kfree(w);
    }
}

static bool wants(const struct watch_on *w, uint32_t mask)
{
    if ((mask & NOTIFY_UNLINKED) && (w->mask & IN_EXCL_UNLINK))
        return false;
    return (w->mask & mask & (IN_ALL_EVENTS | NOTIFY_RENAMED)) != 0;
}

/* An inode whose name is given has a dentry, so these puts are not the last ones. */
static void tell(struct inode *in, uint32_t mask, uint32_t cookie, const char *name, size_t len)
{
    struct list dropped = LIST_INIT(dropped);
    uint32_t say = mask & ~(NOTIFY_UNLINKED | NOTIFY_RENAMED);

    if (mask & (IN_MOVE_SELF | IN_DELETE_SELF))
        say &= ~(uint32_t)IN_ISDIR;
    spin_lock(&lock);
    struct list *first = in->watches, *l = first, *next;
    while (l != NULL) {
        struct watch_on *w = in_ring(l);

        next = l->next == first ? NULL : l->next;
        if (wants(w, mask)) {
            if (w->of != NULL)
                queue_event(w->of, w->wd, say, cookie, name, len);
            else
                async_tell(w->dir);
            if (w->mask & IN_ONESHOT) {
                detach(w, &dropped);
                first = in->watches != NULL && l == first ? in->watches : first;
            }
        }
        l = next;
    }
    spin_unlock(&lock);
    drop(&dropped);
}

static void end_watches(struct inode *in, uint32_t mask)
{
    struct list dropped = LIST_INIT(dropped);

    spin_lock(&lock);
    while (in->watches != NULL) {
        struct watch_on *w = in_ring(in->watches);
        if (w->of != NULL && (mask == IN_UNMOUNT || (w->mask & mask)))
            queue_event(w->of, w->wd, mask | (mask == IN_UNMOUNT && is_dir(in) ? IN_ISDIR : 0), 0,
                        NULL, 0);
        detach(w, &dropped);
    }
    spin_unlock(&lock);
    drop(&dropped);
}

static void gone(struct inode *in)
{
    inode_get(in); /* by its caller's reference */
    end_watches(in, IN_DELETE_SELF);
    inode_put(in);
}

/* All instances are walked through. */
static struct list all = LIST_INIT(all); /* [l] struct instance.link */
struct instance {
    struct list link;
    struct inotify i;
};

static struct inode *watched_of(struct superblock *sb)
{
    struct instance *n;
    struct watch_on *w;
    struct inode *in;

    spin_lock(&lock);
    list_for_each(w, &dnotifies, link)
        if (w->inode->sb == sb)
            goto found;
    list_for_each(n, &all, link)
        list_for_each(w, &n->i.watches, link)
            if (w->inode->sb == sb)
                goto found;
    spin_unlock(&lock);
    return NULL;
found:
    in = w->inode;
    inode_get(in);
    spin_unlock(&lock);
    return in;
}

static void unmounted(struct superblock *sb)
{
    struct inode *in;

    while ((in = watched_of(sb)) != NULL) {
        end_watches(in, IN_UNMOUNT);
        inode_put(in);
    }
}

static const struct notify_hooks hooks = { tell, gone, unmounted, lease_break };

/* --- the file --------------------------------------------------------------------------------------- */

static unsigned nevents(const struct inotify *i)
{
    return __atomic_load_n(&i->nevents, __ATOMIC_ACQUIRE);
}

/* The first event, if it fits into room: NULL and -EINVAL if not, NULL and 0 if there is none. */
static struct event *take(struct inotify *i, size_t room, int *err)
{
    struct event *e = NULL;

    spin_lock(&lock);
    *err = 0;
    if (!list_empty(&i->events)) {
        e = list_first(&i->events, struct event, link);
        size_t bytes = sizeof(e->e) + e->e.len;
        if (bytes > room) {
            *err = -EINVAL;
            e = NULL;
        } else {
            list_remove(&e->link);
            i->bytes -= bytes;
            __atomic_store_n(&i->nevents, i->nevents - 1, __ATOMIC_RELEASE);
            if (e->e.mask & IN_Q_OVERFLOW)
                i->overflowed = false;
        }
    }
    spin_unlock(&lock);
    return e;
}

static long inotify_read(struct file *f, struct uio *u, uint64_t *pos __attribute__((unused)))
{
    struct inotify *i = &((struct instance *)f->private)->i;
    long done = 0;

    for (;;) {
        int err;
        struct event *e = take(i, u->left, &err);
        if (e != NULL) {
            long n = (long)(sizeof(e->e) + e->e.len);
            bool ok = uio_put(u, &e->e, (size_t)n) == n;
            kfree(e);
            if (!ok)
                return done > 0 ? done : -EFAULT;
            done += n;
            preempt_work(WORK_EVENT);
            continue;
        }
        if (done > 0 || err != 0)
            return done > 0 ? done : err;
        if (f->flags & O_NONBLOCK)
            return -EAGAIN;
        err = WAIT_EVENT(&i->wait, nevents(i) > 0, BLOCK_inotify, 0, BLOCK_INTERRUPTIBLE,
                         NO_DEADLINE);
        if (err != 0)
            return err;
    }
}

static uint32_t inotify_poll(struct file *f, struct poll_table *pt)
{
    struct inotify *i = &((struct instance *)f->private)->i;

    poll_wait(pt, &i->wait);
    return nevents(i) > 0 ? EPOLLIN | EPOLLRDNORM : 0;
}

static long inotify_ioctl(struct file *f, uint32_t cmd, uaddr_t arg)
{
    struct inotify *i = &((struct instance *)f->private)->i;

    if (cmd != FIONREAD)
        return -ENOTTY;
    spin_lock(&lock);
    int n = (int)i->bytes;
    spin_unlock(&lock);
    return put_user(n, arg);
}

static void inotify_release(struct file *f)
{
    struct instance *n = f->private;
    struct list dropped = LIST_INIT(dropped);

    for (bool more = true; more;) {
        spin_lock(&lock);
        more = !list_empty(&n->i.watches);
        if (more)
            detach(list_first(&n->i.watches, struct watch_on, link), &dropped);
        spin_unlock(&lock);
        drop(&dropped);
        preempt_work(WORK_WATCH);
    }
    spin_lock(&lock);
    list_remove(&n->link);
    spin_unlock(&lock);
    while (!list_empty(&n->i.events)) {
        struct event *e = list_first(&n->i.events, struct event, link);
        list_remove(&e->link);
        kfree(e);
        preempt_work(WORK_EVENT / 4);
    }
    kfree(n);
    __atomic_sub_fetch(&instances, 1, __ATOMIC_RELAXED);
}

static void inotify_info(struct file *f, struct file_info *to)
{
    struct instance *n = f->private;
    int after = INT32_MAX;

    for (;;) { /* the newest first; the list may change between two */
        struct watch_on *w, copy = { 0 };
        uint64_t ino = 0;
        uint32_t dev = 0;

        spin_lock(&lock);
        list_for_each(w, &n->i.watches, link)
            if (w->wd < after && w->wd > copy.wd) {
                copy = *w;
                ino = w->inode->ino;
                dev = w->inode->sb->dev;
            }
        spin_unlock(&lock);
        if (copy.wd == 0)
            return;
        after = copy.wd;
        file_info_printf(to, "inotify wd:%x ino:%lx sdev:%x mask:%x ignored_mask:0 \n", copy.wd,
                         ino, dev, copy.mask & IN_ALL_EVENTS);
        preempt_work(WORK_WATCH * 10);
    }
}

static const struct file_ops inotify_ops = {
    .read = inotify_read,
    .poll = inotify_poll,
    .async = true,
    .ioctl = inotify_ioctl,
    .seek = anon_inode_seek,
    .release = inotify_release,
    .info = inotify_info,
    .nonseekable = true,
};

/* --- the calls ------------------------------------------------------------------------------------------ */

static long create(uint32_t flags)
{
    if (flags & ~(uint32_t)(IN_CLOEXEC | IN_NONBLOCK))
        return -EINVAL;
    if (__atomic_add_fetch(&instances, 1, __ATOMIC_RELAXED) > inotify_max_instances) {
        __atomic_sub_fetch(&instances, 1, __ATOMIC_RELAXED);
        return -EMFILE;
    }
    struct instance *n = kzalloc(sizeof(*n));
    int fd = -ENOMEM;
    if (n != NULL) {
        n->i.max_events = inotify_max_events;
        list_init(&n->i.events);
        list_init(&n->i.watches);
        waitq_init(&n->i.wait);
        spin_lock(&lock);
        list_push_back(&all, &n->link);
        spin_unlock(&lock);
        fd = anon_inode_fd(&inotify_sb, &inotify_ops, flags, n);
    }
    if (fd < 0) {
        if (n != NULL) {
            spin_lock(&lock);
            list_remove(&n->link);
            spin_unlock(&lock);
        }
        kfree(n);
        __atomic_sub_fetch(&instances, 1, __ATOMIC_RELAXED);
    }
    return fd;
}

SYSCALL0(inotify_init) { return create(0); }
SYSCALL1(inotify_init1, uint32_t, flags) { return create(flags); }

/* lock held.  NULL: there is none; *n: how many the inode has. */
static struct watch_on *find_on(const struct inotify *i, const struct inode *in, unsigned *n)
{
    struct list *l = in->watches;

    for (*n = 0; l != NULL && (*n == 0 || l != in->watches); l = l->next, ++*n)
        if (in_ring(l)->of == i)
            return in_ring(l);
    return NULL;
}

unsigned inotify_watches_on(const struct inode *in)
{
    unsigned n;

    spin_lock(&lock);
    find_on(NULL, in, &n); /* nobody's: F_NOTIFY's are on directories, which have no leases */
    spin_unlock(&lock);
    return n;
}

static int next_wd(struct inotify *i)
{
    i->last_wd = i->last_wd == INT32_MAX ? 1 : i->last_wd + 1;
    return i->last_wd;
}

static bool too_many(unsigned n)
{
    return n >= OF_INODE_MAX ||
           __atomic_load_n(&notify_watches, __ATOMIC_RELAXED) >= inotify_max_watches;
}

/* lock held; with a reference on its inode */
static void add_watch(struct watch_on *w, struct list *to)
{
    struct inode *in = w->inode;

    inode_get(in);
    list_init(&w->inode_link);
    if (in->watches == NULL)
        in->watches = &w->inode_link;
    else
        list_push_back(in->watches, &w->inode_link);
    list_push_back(to, &w->link);
    __atomic_add_fetch(&notify_watches, 1, __ATOMIC_SEQ_CST);
}

/* lock held.  new: filled in and used, if there was none; else set to NULL by who has used it. */
static int set_watch(struct inotify *i, struct inode *in, uint32_t mask, struct watch_on **new)
{
    unsigned n;
    struct watch_on *w = find_on(i, in, &n);
    uint32_t keep = mask & (IN_ALL_EVENTS | IN_EXCL_UNLINK | IN_ONESHOT);

    if (w != NULL) {
        if (mask & IN_MASK_CREATE)
            return -EEXIST;
        w->mask = mask & IN_MASK_ADD ? w->mask | keep : keep;
        return w->wd;
    }
    if (too_many(n))
        return -ENOSPC;
    w = *new;
    *new = NULL;
    *w = (struct watch_on){ .of = i, .inode = in, .wd = next_wd(i), .mask = keep };
    add_watch(w, &i->watches);
    return w->wd;
}

SYSCALL3(inotify_add_watch, int, fd, uaddr_t, name, uint32_t, mask)
{
    struct path p;

    if (!(mask & (IN_ALL_EVENTS | FLAGS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ISDIR)))
        return -EINVAL;
    WITH_FILE(f, fd);
    if (f == NULL || (f->flags & O_PATH))
        return -EBADF;
    if (((mask & IN_MASK_ADD) && (mask & IN_MASK_CREATE)) || f->ops != &inotify_ops)
        return -EINVAL;
    int err = path_lookup_user(
        AT_FDCWD, name,
        (mask & IN_DONT_FOLLOW ? 0 : WALK_FOLLOW) | (mask & IN_ONLYDIR ? WALK_DIRECTORY : 0), &p);
    if (err != 0)
        return err;
    err = inode_permission(p.dentry->inode, MAY_READ);
    struct watch_on *new = err == 0 ? kmalloc(sizeof(*new)) : NULL;
    if (err == 0 && new == NULL)
        err = -ENOMEM;
    if (err == 0) {
        spin_lock(&lock);
        err = set_watch(&((struct instance *)f->private)->i, p.dentry->inode, mask, &new);
        spin_unlock(&lock);
    }
    kfree(new);
    path_put(&p);
    return err;
}

SYSCALL2(inotify_rm_watch, int, fd, int, wd)
{
    struct list dropped = LIST_INIT(dropped);
    struct watch_on *w, *found = NULL;

    WITH_FILE(f, fd);
    if (f == NULL || (f->flags & O_PATH))
        return -EBADF;
    if (f->ops != &inotify_ops)
        return -EINVAL;
    spin_lock(&lock);
    list_for_each(w, &((struct instance *)f->private)->i.watches, link)
        if (w->wd == wd)
            found = w;
    if (found != NULL)
        detach(found, &dropped);
    spin_unlock(&lock);
    drop(&dropped);
    return found != NULL ? 0 : -EINVAL;
}

/* --- F_NOTIFY --------------------------------------------------------------------------------------- */

static uint32_t dnotify_mask(uint32_t what)
{
    static const uint32_t of[] = {
        IN_ACCESS,      IN_MODIFY, IN_CREATE | IN_MOVED_TO, IN_DELETE | IN_MOVED_FROM,
        NOTIFY_RENAMED, IN_ATTRIB
    };
    uint32_t mask = what & DN_MULTISHOT ? 0 : IN_ONESHOT;

    for (unsigned i = 0; i < sizeof(of) / sizeof(of[0]); i++)
        if (what & 1u << i)
            mask |= of[i];
    return mask;
}

/* lock held */
static struct watch_on *dnotify_of(const struct file *f, const void *owner)
{
    struct watch_on *w;

    list_for_each(w, &dnotifies, link)
        if (w->dir == f && (owner == NULL || w->owner == owner))
            return w;
    return NULL;
}

void dnotify_end(const struct file *f, const void *owner)
{
    struct list dropped = LIST_INIT(dropped);
    struct watch_on *w;

    spin_lock(&lock);
    while ((w = dnotify_of(f, owner)) != NULL)
        detach(w, &dropped);
    spin_unlock(&lock);
    drop(&dropped);
}

static const struct inotify nobody; /* whose watches are looked for to count all */

/* lock held.  More of what is asked for comes to what was, and once is then enough for "always". */
static long dnotify_add(struct file *f, uint32_t mask, struct watch_on **new)
{
    struct watch_on *w = dnotify_of(f, current->files);
    unsigned n;

    if (w != NULL) {
        w->mask = (w->mask | (mask & ~(uint32_t)IN_ONESHOT)) & (mask | ~(uint32_t)IN_ONESHOT);
        return 0;
    }
    find_on(&nobody, f->inode, &n);
    if (too_many(n))
        return -ENOSPC;
    w = *new;
    *new = NULL;
    *w = (struct watch_on){ .dir = f, .owner = current->files, .inode = f->inode, .mask = mask };
    add_watch(w, &dnotifies);
    return 0;
}

long dnotify_set(struct file *f, int fd, uint32_t what)
{
    bool set;

    if (__atomic_load_n(&dir_notify_enable, __ATOMIC_RELAXED) == 0)
        return -EINVAL;
    if ((what & ~DN_MULTISHOT) == 0) {
        dnotify_end(f, current->files);
        return 0;
    }
    if (!is_dir(f->inode))
        return -ENOTDIR;
    struct watch_on *new = kmalloc(sizeof(*new));
    long err = new != NULL ? async_own(f, fd, &set) : -ENOMEM;
    if (err == 0) {
        f->sent_once = true; /* a close of it ends this */
        spin_lock(&lock);
        err = dnotify_add(f, dnotify_mask(what), &new);
        spin_unlock(&lock);
    }
    kfree(new);
    return err;
}

void inotify_init_hooks(void) { notify_register(&hooks); }
