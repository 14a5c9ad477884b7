/* file.c - open files: their life, and the count on an inode of either writers or
 * running programs: above or below zero, never both. */
#include "fs/file.h"
#include "fs/dentry.h"
#include "fs/device.h"
#include "fs/file_lock.h"
#include "fs/inode.h"
#include "fs/notify.h"
#include "fs/path.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include <linux/eventpoll.h>
#include <linux/magic.h>

/* by: 1 a writer, -1 a program. */
static int count_in(struct inode *in, int32_t by)
{
    int32_t now = __atomic_load_n(&in->writers, __ATOMIC_RELAXED);

    do {
        if (by > 0 ? now < 0 : now > 0)
            return -ETXTBSY;
    } while (!__atomic_compare_exchange_n(&in->writers, &now, now + by, false, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return 0;
}

int inode_write_begin(struct inode *in) { return count_in(in, 1); }

void inode_write_end(struct inode *in) { __atomic_sub_fetch(&in->writers, 1, __ATOMIC_RELAXED); }

int file_deny_write(struct file *f)
{
    int err = count_in(f->inode, -1);

    f->denies_write = err == 0;
    return err;
}

void file_allow_write(struct file *f)
{
    if (!f->denies_write)
        return;
    f->denies_write = false;
    __atomic_add_fetch(&f->inode->writers, 1, __ATOMIC_RELAXED);
}

void file_get(struct file *f) { ref_get(&f->refs); }

static void (*end_watched)(struct file *f);

void file_on_end_watched(void (*fn)(struct file *f)) { end_watched = fn; }

static void (*end_async)(struct file *f, const void *closed_in);

void file_on_end_async(void (*fn)(struct file *f, const void *closed_in)) { end_async = fn; }
void file_closed_async(struct file *f, const void *closed_in) { end_async(f, closed_in); }

static void (*close_sent)(void);

void file_on_close_sent(void (*fn)(void)) { close_sent = fn; }
void file_closed_sent(void) { close_sent(); }

static SLOW_PATH void file_end(struct file *f)
{
    locks_drop_owner(f->inode, f);
    if (f->watchers)
        end_watched(f);
    if (f->async)
        end_async(f, NULL);
    if (f->ops) {
        if (f->ops->release)
            f->ops->release(f);
        notify_file(f, file_writable(f) ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
    }
    if (f->write_counted)
        inode_write_end(f->inode);
    file_allow_write(f);
    inode_put(f->inode);
    path_put(&f->path);
    kfree(f);
    HERE->files_open--;
}

/* Perhaps with mm.lock held: spinlocks only. */
void file_put(struct file *f)
{
    if (ref_put(&f->refs))
        file_end(f);
}

struct file *file_reserve(void) { return kzalloc(sizeof(struct file)); }

void file_unreserve(struct file *f) { kfree(f); }

static void begin(struct file *f, struct inode *in, const struct file_ops *ops, uint32_t flags)
{
    f->ops = ops;
    f->inode = in;
    ref_init(&f->refs, 1);
    f->flags = flags;
    mutex_init(&f->lock, LOCK_file);
    inode_get(in);
    HERE->files_open++;
}

int file_alloc(struct inode *in, const struct file_ops *ops, uint32_t flags, struct file **out)
{
    struct file *f = file_reserve();

    if (!f)
        return -ENOMEM;
    begin(f, in, ops, flags);
    *out = f;
    return 0;
}

/* What an inode's files do; NULL: -ENXIO. */
static const struct file_ops *ops_of(struct inode *in)
{
    if (in->fops)
        return in->fops;
    const struct device *d = device_of(in);
    return d ? d->ops : NULL;
}

/* poll(2) finds it as closed as the others do. */
uint32_t path_only_poll(struct file *f, struct poll_table *pt)
{
    (void)f, (void)pt;
    return EPOLLNVAL;
}

static const struct file_ops path_only_ops = { .poll = path_only_poll };

int file_new_in(struct file *f, const struct path *p, uint32_t flags, struct file **out)
{
    struct inode *in = p->dentry->inode;
    const struct file_ops *ops = flags & O_PATH ? &path_only_ops : ops_of(in);
    int err = 0;

    if (!f)
        return -ENOMEM;
    if (!ops) {
        file_unreserve(f);
        return -ENXIO;
    }
    begin(f, in, ops, flags & ~(uint32_t)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC));
    f->path = *p;
    path_get(p);
    if (file_writable(f) && S_ISREG(in->mode)) {
        err = inode_write_begin(in);
        f->write_counted = err == 0;
    }
    if (!err && ops->open) {
        f->flags |= flags & O_NOCTTY; /* a terminal's open wants to know */
        err = ops->open(in, f);
        f->flags &= ~(uint32_t)O_NOCTTY;
    }
    if (err) {
        f->ops = NULL; /* never opened: nothing to release */
        file_put(f);
        return err;
    }
    *out = f;
    return 0;
}

void file_info_printf(struct file_info *to, const char *fmt, ...)
{
    char line[160];
    va_list ap;

    va_start(ap, fmt);
    int n = kvsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    to->put(to, line, MIN((size_t)n, sizeof(line) - 1));
}

int file_new(const struct path *p, uint32_t flags, struct file **out)
{
    return file_new_in(file_reserve(), p, flags, out);
}
