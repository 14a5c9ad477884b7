/* file_lock.c - record locks (fcntl) and flock(2).
 * All locks of the machine are in one list: there are few.  A lock belongs to an
 * owner: of a POSIX record lock the descriptor table, which is what the threads
 * of a process share and a child does not; of an OFD lock and of flock the open
 * file.  Conflicts are between different owners of the same kind; flock locks
 * and record locks do not see each other.
 * Who has to wait waits for any change of the list, then looks again; he enters the
 * queue before he gives the list's lock back, so no change escapes him.  A wait
 * that would close a circle of record lock owners is refused: -EDEADLK. */
#include "fs/file_lock.h"
#include "arch/preempt.h"
#include "fs/file.h"
#include "mm/heap.h"
#include "sched/task.h"

struct file_lock { /* all: [lock], below */
    struct list link;
    struct inode *inode;        /* alive: its owner has it open */
    const struct file *through; /* compared, never followed */
    const void *owner;
    struct lock_range range;
    int pid;    /* -1: OFD, as F_GETLK shows it */
    short type; /* F_RDLCK, F_WRLCK */
    bool flock;
};
struct lock_wait {
    struct list link;
    const void *owner, *on;
}; /* on the sleeper's stack */

static struct mutex lock = MUTEX_INIT(lock, LOCK_file_locks);
static struct list all_locks = LIST_INIT(all_locks); /* [lock] */
static struct list all_waits = LIST_INIT(all_waits); /* [lock] */
static struct waitq changed = WAITQ_INIT(changed);

#define WORK_LOOK 60u /* instructions a lock, about (arch/preempt.h) */

static bool overlaps(struct lock_range a, struct lock_range b)
{
    return a.start <= b.end && b.start <= a.end;
}

static struct file_lock *conflict(const struct inode *in, const void *owner, short type,
                                  struct lock_range r, bool flock)
{
    struct file_lock *l;

    list_for_each(l, &all_locks, link) {
        if (l->inode == in && l->flock == flock && l->owner != owner && overlaps(l->range, r) &&
            (type == F_WRLCK || l->type == F_WRLCK))
            return l;
        preempt_work(WORK_LOOK);
    }
    return NULL;
}

/* Does `from` wait, over any number of others, for `owner`? */
static bool waits_for(const void *from, const void *owner)
{
    for (unsigned steps = 0; steps < 64; steps++) {
        struct lock_wait *w;
        const void *next = NULL;

        if (from == owner)
            return true;
        list_for_each(w, &all_waits, link)
            if (w->owner == from)
                next = w->on;
        if (!next)
            return false;
        from = next;
    }
    return false;
}

/* The owner's locks in r give way: cut at its borders, and who waits looks again.  *spare is used up if one
 * lock becomes two. */
static void cut(const struct inode *in, const void *owner, struct lock_range r, bool flock,
                struct file_lock **spare)
{
    struct file_lock *l, *next;
    bool any = false;

    list_for_each_safe(l, next, &all_locks, link) {
        preempt_work(WORK_LOOK);
        if (l->inode != in || l->owner != owner || l->flock != flock || !overlaps(l->range, r))
            continue;
        any = true;
        if (l->range.start < r.start && l->range.end > r.end) {
            struct file_lock *tail = *spare;

            *spare = NULL;
            *tail = *l;
            tail->range.start = r.end + 1;
            l->range.end = r.start - 1;
            list_push_back(&l->link, &tail->link);
        } else if (l->range.start < r.start) {
            l->range.end = r.start - 1;
        } else if (l->range.end > r.end) {
            l->range.start = r.end + 1;
        } else {
            list_remove(&l->link);
            kfree(l);
        }
    }
    if (any)
        waitq_wake(&changed);
}

/* Waits until something changes, or refuses to. */
static int wait_for(const void *owner, const struct file_lock *other, bool flock)
{
    struct lock_wait w = { .owner = owner, .on = other->owner };
    uint32_t pid = other->pid > 0 ? (uint32_t)other->pid : 0; /* `other` goes with the lock */
    struct waiter sleeper;
    int err = -EDEADLK;

    if (flock || !waits_for(other->owner, owner)) {
        list_push_back(&all_waits, &w.link);
        waiter_add(&changed, &sleeper);
        mutex_unlock(&lock);
        err = block(BLOCK_flock, pid, BLOCK_INTERRUPTIBLE, NO_DEADLINE);
        waiter_remove(&changed, &sleeper);
        mutex_lock(&lock);
        list_remove(&w.link);
    }
    return err;
}

static int set_lock(struct file *f, const void *owner, short type, struct lock_range r, bool flock,
                    int pid, bool wait)
{
    struct file_lock *fresh = NULL, *spare = kmalloc(sizeof(*spare)), *other;
    int err = 0;

    if (type != F_UNLCK)
        fresh = kmalloc(sizeof(*fresh));
    if (!spare || (type != F_UNLCK && !fresh)) {
        kfree(spare);
        kfree(fresh);
        return -ENOLCK;
    }
    mutex_lock(&lock);
    while (!err && type != F_UNLCK && (other = conflict(f->inode, owner, type, r, flock)) != NULL) {
        if (flock) /* a change of kind gives the old lock up first */
            cut(f->inode, owner, r, flock, &spare);
        err = wait ? wait_for(owner, other, flock) : -EAGAIN;
    }
    if (!err) {
        cut(f->inode, owner, r, flock, &spare);
        if (fresh) {
            *fresh = (struct file_lock){ .inode = f->inode,
                                         .through = f,
                                         .owner = owner,
                                         .range = r,
                                         .pid = pid,
                                         .type = type,
                                         .flock = flock };
            list_push_back(&all_locks, &fresh->link);
            fresh = NULL;
        }
    }
    mutex_unlock(&lock);
    kfree(spare);
    kfree(fresh);
    return err;
}

int lock_posix(struct file *f, const void *owner, short type, struct lock_range r, bool wait)
{
    int pid = owner == f ? -1 : (int)current->proc->tgid;

    return set_lock(f, owner, type, r, false, pid, wait);
}

void lock_posix_test(struct file *f, const void *owner, short *type, struct lock_range *r, int *pid)
{
    struct file_lock *l;

    mutex_lock(&lock);
    short wanted = *type;
    l = conflict(f->inode, owner, wanted, *r, false);
    *type = l ? l->type : F_UNLCK;
    if (l) { /* of that owner's, the first in the file, not the first that was set */
        struct file_lock *other, *first = l;
        list_for_each(other, &all_locks, link) {
            if (other->inode == f->inode && other->owner == l->owner && !other->flock &&
                overlaps(other->range, *r) && other->range.start < first->range.start &&
                (wanted == F_WRLCK || other->type == F_WRLCK))
                first = other;
            preempt_work(WORK_LOOK);
        }
        *type = first->type;
        *r = first->range;
        *pid = first->pid;
    }
    mutex_unlock(&lock);
}

int lock_flock(struct file *f, short type, bool wait)
{
    return set_lock(f, f, type, (struct lock_range){ 0, UINT64_MAX }, true,
                    (int)current->proc->tgid, wait);
}

static SLOW_PATH void drop_owner(struct inode *in, const void *owner)
{
    struct file_lock *l, *next;
    bool any = false;

    mutex_lock(&lock);
    list_for_each_safe(l, next, &all_locks, link) {
        preempt_work(WORK_LOOK);
        if (l->inode != in || l->owner != owner)
            continue;
        list_remove(&l->link);
        kfree(l);
        any = true;
    }
    mutex_unlock(&lock);
    if (any)
        waitq_wake(&changed);
}

/* Of one kind, flock(2)'s or fcntl(2)'s. */
static void each_of(bool flock, const struct file *through,
                    void (*seen)(void *to, const struct lock_seen *l), void *to)
{
    const struct file_lock *l;

    list_for_each(l, &all_locks, link) {
        if (l->flock == flock && (!through || l->through == through))
            seen(to, &(struct lock_seen){ .inode = l->inode,
                                          .kind = flock        ? "FLOCK"
                                                  : l->pid < 0 ? "OFDLCK"
                                                               : "POSIX",
                                          .type = l->type == F_WRLCK ? "WRITE" : "READ",
                                          .pid = l->pid,
                                          .range = l->range });
        preempt_work(WORK_LOOK);
    }
}

void locks_each(const struct file *through, void (*seen)(void *to, const struct lock_seen *l),
                void *to)
{
    mutex_lock(&lock);
    each_of(true, through, seen, to);
    each_of(false, through, seen, to);
    mutex_unlock(&lock);
}

/* Each close comes here, and there is hardly ever a lock. */
void locks_drop_owner(struct inode *in, const void *owner)
{
    if (!list_empty(&all_locks)) /* a hint is enough: owner's own locks are in it */
        drop_owner(in, owner);
}
