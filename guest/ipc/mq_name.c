/* mq_name.c - the names of POSIX message queues: mq_open(2), mq_unlink(2).
 *
 * They have a directory of their own that is in no tree; /dev/mqueue shows nothing of it.  All
 * queues of an IPC namespace stand in one list, those with a name first; at most mq_max_queues
 * of them are made: few enough to look through under a spinlock. */
#include "arch/preempt.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/fs_ctx.h"
#include "ipc/mq.h"
#include "ipc/space.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "proc/process.h"

#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/magic.h>

#define MQUEUE_MAGIC  0x19800202
#define MESSAGES_MOST 65536u /* for the privileged, */
#define BYTES_MOST    (16u << 20)
#define WORK_QUEUE    800u /* instructions one without messages, about (arch/preempt.h) */
#define MESSAGE_CHARGE \
    96u /* bytes that each message counts for beside its own: two structures of Linux's */

static struct spinlock lock = SPINLOCK_INIT(LOCK_ipc_ids);

static void evict(struct inode *in)
{
    struct mqueue *q = in->private;

    if (q == NULL)
        return;
    spin_lock(&lock);
    list_remove(&q->link);
    q->space->nqueues--;
    spin_unlock(&lock);
    ipc_space_put(q->space);
    mqueue_free(q);
}

#define STATUS_BYTES \
    80 /* the size that stat(2) tells, as on Linux: of what a queue reads as, and more */

static struct superblock mqueue_sb = { .type = "mqueue",
                                       .magic = MQUEUE_MAGIC,
                                       .dev = DEV_OF_KIND(KIND_QUEUES) };
static const struct inode_ops mqueue_iops = { .evict = evict };

/* --- attributes --------------------------------------------------------------------------------- */

static int attributes_get(uaddr_t from, struct mq_attr *a)
{
    if (from != 0)
        return get_user(*a, from) != 0 ? -EFAULT : 0;
    const struct ipc_space *s = ipc_here();
    a->mq_maxmsg = (long)MIN(s->mq_max_messages, s->mq_default_messages);
    a->mq_msgsize = (long)MIN(s->mq_max_bytes, s->mq_default_bytes);
    return 0;
}

/* Of a queue that is made, if somebody chose them. */
static int attributes_check(const struct mq_attr *a)
{
    uint64_t messages = MESSAGES_MOST, bytes = BYTES_MOST;
    if (!capable()) {
        messages = ipc_here()->mq_max_messages;
        bytes = ipc_here()->mq_max_bytes;
    }
    if (a->mq_maxmsg <= 0 || a->mq_msgsize <= 0 || (uint64_t)a->mq_maxmsg > messages ||
        (uint64_t)a->mq_msgsize > bytes)
        return -EINVAL;
    return 0;
}

static struct mqueue *mqueue_alloc(const struct mq_attr *a, const char *name)
{
    struct mqueue *q = kzalloc(sizeof(*q));
    size_t n = strlen(name) + 1;

    if (q == NULL || (q->name = kmalloc(n)) == NULL) {
        kfree(q);
        return NULL;
    }
    memcpy(q->name, name, n);
    mutex_init(&q->lock, LOCK_ipc);
    list_init(&q->link);
    list_init(&q->messages);
    waitq_init(&q->wait);
    q->max_messages = (uint64_t)a->mq_maxmsg;
    q->max_bytes = (uint64_t)a->mq_msgsize;
    q->owner = current->cred.uid;
    q->space = ipc_here();
    q->charge = q->max_messages * (MESSAGE_CHARGE + q->max_bytes);
    return q;
}

/* --- the list; lock held ------------------------------------------------------------------------ */

static struct mqueue *find(const char *name)
{
    struct mqueue *q;

    list_for_each(q, &ipc_here()->queues, link)
        if (q->name == NULL)
            return NULL;
        else if (strcmp(q->name, name) == 0)
            return q;
    return NULL;
}

/* q goes behind those that have one.  The name, which the caller frees, and whose reference to q's inode he has. */
static char *take_name(struct mqueue *q)
{
    char *was = q->name;

    q->name = NULL;
    list_remove(&q->link);
    list_push_back(&q->space->queues, &q->link);
    return was;
}

/* May there be one more? */
static int limits_check(const struct mqueue *one)
{
    uint64_t bytes = one->charge;
    struct mqueue *q;

    if (one->space->nqueues >= one->space->mq_max_queues)
        return -ENOSPC;
    list_for_each(q, &one->space->queues, link)
        if (q->owner == one->owner)
            bytes += q->charge;
    return bytes > current->proc->rlim[RLIMIT_MSGQUEUE].rlim_cur ? -EMFILE : 0;
}

/* --- open --------------------------------------------------------------------------------------- */

/* A new one, which `*in` has a reference on beside its name's. */
static int make(const char *name, uint32_t mode, const struct mq_attr *a, struct inode **out)
{
    struct mqueue *q = mqueue_alloc(a, name);
    struct inode *in = q != NULL ? inode_alloc(&mqueue_sb, S_IFREG | (mode & 0777)) : NULL;

    if (in == NULL) {
        if (q != NULL)
            kfree(q->name);
        kfree(q);
        return -ENOMEM;
    }
    in->size = STATUS_BYTES;
    in->ops = &mqueue_iops;
    in->fops = &mqueue_fops;
    spin_lock(&lock);
    int err = find(name) != NULL ? -EEXIST : limits_check(q);
    if (err == 0) {
        in->private = q;
        q->inode = in;
        list_push_front(&q->space->queues, &q->link);
        q->space->nqueues++;
        ipc_space_hold(q->space);
        inode_get(in);
    }
    spin_unlock(&lock);
    if (err != 0) {
        inode_put(in);
        kfree(q->name);
        kfree(q);
    }
    *out = in;
    return err;
}

/* One that is there, with a reference; -ENOENT. */
static int lookup(const char *name, struct inode **out)
{
    spin_lock(&lock);
    struct mqueue *q = find(name);
    if (q != NULL)
        inode_get(*out = q->inode);
    spin_unlock(&lock);
    return q != NULL ? 0 : -ENOENT;
}

static int permission(struct inode *in, uint32_t flags)
{
    switch (flags & O_ACCMODE) {
    case O_RDONLY: return inode_permission(in, MAY_READ);
    case O_WRONLY: return inode_permission(in, MAY_WRITE);
    case O_RDWR: return inode_permission(in, MAY_READ | MAY_WRITE);
    default: return -EINVAL;
    }
}

/* The queue of that name; made if it is to be. */
static int get(const char *name, uint32_t flags, uint32_t mode, const struct mq_attr *a,
               bool chosen, struct inode **out)
{
    int err;

    for (;;) {
        err = lookup(name, out);
        if (err == 0 && (flags & O_CREAT) && (flags & O_EXCL)) {
            inode_put(*out);
            return -EEXIST;
        }
        if (err == 0) {
            err = permission(*out, flags);
            if (err != 0)
                inode_put(*out);
            return err;
        }
        if (!(flags & O_CREAT))
            return -ENOENT;
        err = chosen ? attributes_check(a) : 0;
        if (err == 0)
            err = make(name, mode & ~current->fs->umask, a, out);
        if (err != -EEXIST)
            return err;
    }
}

/* The name without its slash, as the library gives it. */
static long name_take(uaddr_t from, char name[NAME_MAX + 1])
{
    long n = strncpy_from_user(name, from, NAME_MAX + 1);

    if (n < 0)
        return n;
    if (n == 0)
        return -ENOENT;
    return strchr(name, '/') != NULL || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ? -EACCES
                                                                                          : 0;
}

SYSCALL4(mq_open, uaddr_t, from, uint32_t, flags, uint32_t, mode, uaddr_t, attributes)
{
    char name[NAME_MAX + 1];
    struct mq_attr a;
    struct inode *in;
    struct file *f;
    long err = attributes_get(attributes, &a);

    if (err != 0 || (err = name_take(from, name)) != 0)
        return err;
    int fd = fd_alloc(0, O_CLOEXEC);
    if (fd < 0)
        return fd;
    err = get(name, flags, mode, &a, attributes != 0, &in);
    if (err == 0) {
        err = file_alloc(in, &mqueue_fops, flags & (O_ACCMODE | O_NONBLOCK), &f);
        if (err == 0) {
            f->private = in->private;
            f->sent_once = true; /* it is told of each close */
        }
        inode_put(in);
    }
    if (err != 0)
        fd_cancel(fd);
    else
        fd_install(fd, f);
    return err != 0 ? err : fd;
}

SYSCALL1(mq_unlink, uaddr_t, from)
{
    char name[NAME_MAX + 1], *was = NULL;
    struct inode *in = NULL;
    long err = name_take(from, name);

    if (err != 0)
        return err;
    spin_lock(&lock);
    struct mqueue *q = find(name);
    if (q == NULL) {
        err = -ENOENT;
    } else if (!inode_owner_or_root(q->inode)) {
        err = -EPERM; /* their directory is sticky */
    } else {
        in = q->inode;
        was = take_name(q);
    }
    spin_unlock(&lock);
    if (in != NULL)
        inode_put(in);
    kfree(was);
    return err;
}

void mqueues_unlink(struct ipc_space *s)
{
    for (;;) {
        struct inode *in = NULL;
        char *was = NULL;

        spin_lock(&lock);
        if (!list_empty(&s->queues)) {
            struct mqueue *q = list_first(&s->queues, struct mqueue, link);
            in = q->inode;
            was = q->name != NULL ? take_name(q) : NULL;
        }
        spin_unlock(&lock);
        if (was == NULL)
            return;
        inode_put(in);
        kfree(was);
        preempt_work(WORK_QUEUE);
    }
}
