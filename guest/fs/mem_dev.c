/* mem_dev.c - the memory devices, major 1: null, zero, full, random, urandom; kmsg is kmsg.c's. */
#include "arch/preempt.h"
#include "fs/mem_dev.h"
#include "arch/random.h"
#include "arch/uaccess.h"
#include "fs/anon_file.h"
#include "fs/device.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/kmsg.h"
#include "mm/mm.h"
#include "sched/sched.h"
#include "sched/task.h"
#include <linux/major.h>
#include <linux/random.h>

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

/* Instructions a page, about (arch/preempt.h). */
#define WORK_PAGE 700u

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
        preempt_work(WORK_PAGE);
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
        preempt_point(); /* without a VMM's entropy these bytes take 20,000 instructions */
    }
    return done;
}

/* The generator is always full, and what a program adds changes nothing that it must not. */
static long random_ioctl(struct file *f __attribute__((unused)), uint32_t cmd, uaddr_t arg)
{
    switch (cmd) {
    case RNDGETENTCNT: return put_user(256, arg);
    case RNDZAPENTCNT:
    case RNDCLEARPOOL:
    case RNDRESEEDCRNG: return capable() ? 0 : -EPERM;
    }
    return -EINVAL;
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
        err = anon_file_create("dev/zero", 0777, 0, &backing);
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

static const struct file_ops null_ops = {
    .read = null_read, .write = null_write, .seek = mem_seek, .no_splice_read = true
};
static const struct file_ops zero_ops = { .read = zero_read,
                                          .write = null_write,
                                          .seek = mem_seek,
                                          .mmap = zero_mmap,
                                          .release = zero_release };
static const struct file_ops full_ops = {
    .read = zero_read, .write = full_write, .seek = mem_seek, .no_splice_write = true
};
static const struct file_ops random_ops = {
    .read = random_read, .write = null_write, .ioctl = random_ioctl, .seek = mem_seek
};
#define MEM(name, mode, minor, ops) \
    { \
        name, S_IFCHR | (mode), DEV(MEM_MAJOR, minor), ops, NULL \
    }

void mem_dev_register(void)
{
    static const struct device mem[] = {
        MEM("null", 0666, 3, &null_ops),      MEM("zero", 0666, 5, &zero_ops),
        MEM("full", 0666, 7, &full_ops),      MEM("random", 0666, 8, &random_ops),
        MEM("urandom", 0666, 9, &random_ops), MEM("kmsg", 0644, 11, &kmsg_ops),
    };

    static struct device_table table = { mem, ARRAY_SIZE(mem), NULL };

    device_register(&table);
}
