/* pidfd.c - descriptors that name a process.
 *
 * Who polls one sleeps in process.end_wait, which the end of the process wakes
 * after it has become a zombie.  That it was reaped changes nothing: zombie
 * stays set, and the process exists while a pidfd refers to it.
 * Left out: pidfds of threads, pidfd_getfd(2). */
#include "proc/pidfd.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/poll.h"
#include "proc/pid.h"
#include "proc/process.h"
#include "sys/syscall.h"

#include <linux/magic.h>
#include <linux/pidfd.h>

static struct superblock pidfd_sb = { .type = "pidfd", .magic = ANON_INODE_FS_MAGIC };

static uint32_t pidfd_poll(struct file *f, struct poll_table *pt)
{
    struct process *p = f->private;

    poll_wait(pt, &p->end_wait);
    return __atomic_load_n(&p->zombie, __ATOMIC_ACQUIRE) ? EPOLLIN | EPOLLRDNORM : 0;
}

static void pidfd_release(struct file *f) { process_put(f->private); }

static const struct file_ops pidfd_ops = {
    .poll = pidfd_poll,
    .release = pidfd_release,
    .nonseekable = true,
};

struct process *pidfd_process(const struct file *f)
{
    return f->ops == &pidfd_ops ? f->private : NULL;
}

int pidfd_prepare(struct process *p, uint32_t flags, int *fd, struct file **f)
{
    struct inode *in = inode_alloc(&pidfd_sb, 0600);

    if (in == NULL)
        return -ENOMEM;
    int err = file_alloc(in, &pidfd_ops, O_RDWR | flags, f);
    inode_put(in); /* the file has a reference of its own */
    if (err != 0)
        return err;
    process_get(p);
    (*f)->private = p;
    *fd = fd_alloc(0, O_CLOEXEC);
    if (*fd < 0)
        file_put(*f);
    return *fd < 0 ? *fd : 0;
}

void pidfd_cancel(int fd, struct file *f)
{
    fd_cancel(fd);
    file_put(f);
}

SYSCALL2(pidfd_open, int, pid, uint32_t, flags)
{
    struct process *p;
    struct file *f;
    int fd, err = -ESRCH;

    if ((flags & ~(uint32_t)PIDFD_NONBLOCK) || pid <= 0)
        return -EINVAL;
    spin_lock(&tree_lock);
    p = process_find((uint32_t)pid);
    if (p != NULL)
        process_get(p);
    else if (task_find((uint32_t)pid) != NULL)
        err = -EINVAL; /* a thread that leads no group */
    spin_unlock(&tree_lock);
    if (p == NULL)
        return err;
    err = pidfd_prepare(p, flags, &fd, &f);
    process_put(p);
    if (err != 0)
        return err;
    fd_install(fd, f);
    return fd;
}
