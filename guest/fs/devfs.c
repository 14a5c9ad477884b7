/* devfs.c - /dev: its nodes and the memory devices (major 1).
 * A node is only a number: whoever makes one, the file operations come from
 * dev_fops() when it is opened. */
#include "fs/devfs.h"
#include "arch/machine.h"
#include "fs/anon_file.h"
#include "fs/dentry.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/path.h"
#include "fs/tmpfs.h"
#include "fs/uio.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/mm.h"
#include "sched/sched.h"
#include "tty/tty.h"
#include <linux/magic.h>
#include <linux/major.h>

#define DEV(major, minor) ((uint32_t)(major) << 8 | (minor))
enum { MEM_NULL = 3, MEM_ZERO = 5, MEM_FULL = 7, MEM_RANDOM = 8, MEM_URANDOM = 9, MEM_KMSG = 11 };

const struct dev_node dev_nodes[] = {
    { "console", S_IFCHR | 0600, DEV(TTYAUX_MAJOR, 1) },
    { "tty", S_IFCHR | 0666, DEV(TTYAUX_MAJOR, 0) },
    { "ttyS0", S_IFCHR | 0660, DEV(TTY_MAJOR, 64) },
    { "null", S_IFCHR | 0666, DEV(MEM_MAJOR, MEM_NULL) },
    { "zero", S_IFCHR | 0666, DEV(MEM_MAJOR, MEM_ZERO) },
    { "full", S_IFCHR | 0666, DEV(MEM_MAJOR, MEM_FULL) },
    { "random", S_IFCHR | 0666, DEV(MEM_MAJOR, MEM_RANDOM) },
    { "urandom", S_IFCHR | 0666, DEV(MEM_MAJOR, MEM_URANDOM) },
    { "kmsg", S_IFCHR | 0644, DEV(MEM_MAJOR, MEM_KMSG) },
    { "shm", S_IFDIR | 01777, 0 },
    { "pts", S_IFDIR | 0755, 0 },
    { NULL, 0, 0 },
};
static const struct {
    const char *name, *target;
} dev_links[] = {
    { "fd", "/proc/self/fd" },
    { "stdin", "/proc/self/fd/0" },
    { "stdout", "/proc/self/fd/1" },
    { "stderr", "/proc/self/fd/2" },
};

/* --- memory devices --- */

static long null_read(struct file *f, struct uio *u, uint64_t *pos)
{
    (void)f, (void)u, (void)pos;
    return 0;
}

static long null_write(struct file *f, struct uio *u, uint64_t *pos)
{
    long n = (long)u->left;

    (void)f, (void)pos;
    u->left = 0;
    return n;
}

static long full_write(struct file *f, struct uio *u, uint64_t *pos)
{
    (void)f, (void)pos;
    return u->left ? -ENOSPC : 0;
}

/* Moves everything in pieces of a page at most. */
static long zero_read(struct file *f, struct uio *u, uint64_t *pos)
{
    long done = 0;

    (void)f, (void)pos;
    while (u->left) {
        long n = uio_put_zero(u, MIN(u->left, PAGE_SIZE));

        if (n <= 0)
            return done ? done : n;
        done += n;
        if (signal_pending(current))
            break;
        preempt_point();
    }
    return done;
}

static long random_read(struct file *f, struct uio *u, uint64_t *pos)
{
    uint8_t some[256];
    long done = 0;

    (void)f, (void)pos;
    while (u->left) {
        size_t n = MIN(u->left, sizeof(some));

        random_bytes(some, n);
        long moved = uio_put(u, some, n);
        if (moved <= 0)
            return done ? done : moved;
        done += moved;
        if (signal_pending(current))
            break;
        preempt_point();
    }
    return done;
}

static long kmsg_write(struct file *f, struct uio *u, uint64_t *pos)
{
    char line[256];
    long done = 0;

    (void)f, (void)pos;
    while (u->left) {
        long n = uio_get(u, line, MIN(u->left, sizeof(line)));

        if (n <= 0)
            return done ? done : n;
        console_write(line, (size_t)n);
        done += n;
    }
    return done;
}

static long mem_seek(struct file *f, int64_t off, int whence)
{
    (void)off, (void)whence;
    return (long)(f->pos = 0);
}

/* A private mapping of /dev/zero is anonymous memory.  Shared ones get pieces of
 * a file that belongs to the descriptor, each mapping a fresh one.  mm.lock is held. */
static int zero_mmap(struct file *f, struct vma *v)
{
    struct file *backing = __atomic_load_n(&f->private, __ATOMIC_ACQUIRE);
    void *nobody = NULL;
    int err;

    if (!(v->flags & VM_SHARED)) {
        v->file = NULL;
        v->pgoff = v->start >> PAGE_SHIFT;
        return 0;
    }
    if (!backing) {
        err = anon_file_create("dev/zero", 0, &backing);
        if (err)
            return err;
        /* Another process that shares f may have been faster. */
        if (!__atomic_compare_exchange_n(&f->private, &nobody, backing, false, __ATOMIC_ACQ_REL,
                                         __ATOMIC_ACQUIRE)) {
            file_put(backing);
            backing = nobody;
        }
    }
    spin_lock(&backing->inode->pages_lock);
    v->file = backing;
    v->pgoff = backing->inode->size >> PAGE_SHIFT;
    backing->inode->size += v->end - v->start;
    spin_unlock(&backing->inode->pages_lock);
    return 0;
}

static void zero_release(struct file *f)
{
    if (f->private)
        file_put(f->private);
}

static const struct file_ops null_ops = { .read = null_read,
                                          .write = null_write,
                                          .seek = mem_seek };
static const struct file_ops zero_ops = { .read = zero_read,
                                          .write = null_write,
                                          .seek = mem_seek,
                                          .mmap = zero_mmap,
                                          .release = zero_release };
static const struct file_ops full_ops = { .read = zero_read,
                                          .write = full_write,
                                          .seek = mem_seek };
static const struct file_ops random_ops = { .read = random_read,
                                            .write = null_write,
                                            .seek = mem_seek };
static const struct file_ops kmsg_ops = { .read = null_read,
                                          .write = kmsg_write,
                                          .seek = mem_seek };

static const struct file_ops *mem_fops(uint32_t minor)
{
    switch (minor) {
    case MEM_NULL: return &null_ops;
    case MEM_ZERO: return &zero_ops;
    case MEM_FULL: return &full_ops;
    case MEM_RANDOM:
    case MEM_URANDOM: return &random_ops;
    case MEM_KMSG: return &kmsg_ops;
    }
    return NULL;
}

const struct file_ops *dev_fops(uint32_t mode, uint32_t rdev)
{
    if (!S_ISCHR(mode))
        return NULL; /* there are no block devices */
    if (rdev == DEV(TTYAUX_MAJOR, 0))
        return &tty_current_fops;
    if (rdev == DEV(TTYAUX_MAJOR, 1) || rdev == DEV(TTY_MAJOR, 64))
        return &tty_fops;
    return rdev >> 8 == MEM_MAJOR ? mem_fops(rdev & 0xff) : NULL;
}

void dev_open_prepare(struct inode *in)
{
    if (dev_fops(in->mode, in->rdev) == &tty_fops)
        in->private = console_tty;
}

/* --- /dev --- */

static int add_node(struct path *dir, const char *name, const struct new_node *n)
{
    return tmpfs_create(dir, name, strlen(name), n, NULL);
}

int devfs_get(struct superblock **out)
{
    static struct superblock *dev_sb; /* [fs_tree] */
    struct path dir = { 0 };
    int err = 0;

    if (!dev_sb) {
        struct superblock *sb;

        err = tmpfs_new("devtmpfs", 0755, &sb);
        if (err)
            return err;
        sb->permanent = true;
        sb->max_pages = tmpfs_share();
        dir.dentry = sb->root;
        for (const struct dev_node *d = dev_nodes; d->name && !err; d++)
            err = add_node(&dir, d->name, &(struct new_node){ .mode = d->mode, .rdev = d->rdev });
        for (unsigned i = 0; i < ARRAY_SIZE(dev_links) && !err; i++)
            err = add_node(&dir, dev_links[i].name,
                           &(struct new_node){ .mode = S_IFLNK | 0777,
                                               .target = dev_links[i].target,
                                               .target_len = strlen(dev_links[i].target) });
        dev_sb = sb;
    }
    *out = dev_sb;
    return err;
}
