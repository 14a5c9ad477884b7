/* pidfd.c - descriptors that name a process or a thread.
 *
 * Who polls one sleeps in process.end_wait, which the end of the process, and of each of
 * its threads, wakes: of the process after it has become a zombie.  The process and the
 * thread exist while a pidfd refers to them; whether they are still in the family, which
 * is what "gone" means, the table of PIDs says. */
#include "proc/pidfd.h"
#include "arch/syscall.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/poll.h"
#include "proc/pid.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include "proc/task.h"

#include <linux/magic.h>
#include <linux/pidfd.h>

static struct superblock pidfd_sb = { .type = "[pidfd]",
                                      .dev = DEV_OF_KIND(KIND_PIDFDS),
                                      .magic = ANON_INODE_FS_MAGIC,
                                      .refuses = -EOPNOTSUPP };

/* Of a process: that; of a thread: struct task. */
static bool gone(const struct process *p, const struct task *t)
{
    spin_lock(&tree_lock);
    bool is = t != NULL ? task_find(t->tid) != t : process_find(p->tgid) != p;
    spin_unlock(&tree_lock);
    return is;
}

static uint32_t ready(bool ended, const struct process *p, const struct task *t)
{
    if (!ended)
        return 0;
    return EPOLLIN | EPOLLRDNORM | (gone(p, t) ? EPOLLHUP : 0);
}

static uint32_t process_poll(struct file *f, struct poll_table *pt)
{
    struct process *p = f->private;

    poll_wait(pt, &p->end_wait);
    return ready(__atomic_load_n(&p->zombie, __ATOMIC_ACQUIRE), p, NULL);
}

static uint32_t thread_poll(struct file *f, struct poll_table *pt)
{
    struct task *t = f->private;

    poll_wait(pt, &t->proc->end_wait);
    return ready(__atomic_load_n(&t->exiting, __ATOMIC_ACQUIRE), t->proc, t);
}

static void process_release_file(struct file *f) { process_put(f->private); }
static void thread_release_file(struct file *f) { task_put(f->private); }

/* Its number where current is, and in the namespaces below down to its own. */
static void say_pid(struct file_info *to, uint32_t pid) /* 0: it is gone */
{
    uint32_t row[PID_NS_LEVELS + 1];

    spin_lock(&tree_lock);
    unsigned n = pid != 0 ? pid_row(pid_ns_here(), pid, pid, row) : 0;
    spin_unlock(&tree_lock);
    int here = pid == 0 ? -1 : n != 0 ? (int)row[0] : 0;
    file_info_printf(to, "Pid:\t%d\nNSpid:\t%d", here, here);
    for (unsigned i = 1; i < n; i++)
        file_info_printf(to, "\t%u", row[i]);
    file_info_printf(to, "\n");
}

static void process_info(struct file *f, struct file_info *to)
{
    const struct process *p = f->private;

    say_pid(to, gone(p, NULL) ? 0 : p->tgid);
}

static void thread_info(struct file *f, struct file_info *to)
{
    const struct task *t = f->private;

    say_pid(to, gone(t->proc, t) ? 0 : t->tid);
}

static const struct file_ops process_ops = {
    .poll = process_poll,
    .release = process_release_file,
    .info = process_info,
    .ioctl = pidfd_ioctl,
    .nonseekable = true,
};
static const struct file_ops thread_ops = {
    .poll = thread_poll,
    .release = thread_release_file,
    .info = thread_info,
    .ioctl = pidfd_ioctl,
    .nonseekable = true,
};

struct task *pidfd_thread(const struct file *f)
{
    return f->ops == &thread_ops ? f->private : NULL;
}

struct process *pidfd_process(const struct file *f)
{
    struct task *t = pidfd_thread(f);

    if (t != NULL)
        return t->proc;
    return f->ops == &process_ops ? f->private : NULL;
}

/* t NULL: of the process. */
static int prepare(struct process *p, struct task *t, uint32_t flags, int *fd, struct file **out)
{
    struct inode *in = inode_alloc(&pidfd_sb, 0600);
    struct file *f;

    if (in == NULL)
        return -ENOMEM;
    int err = file_alloc(in, t != NULL ? &thread_ops : &process_ops, O_RDWR | flags, &f);
    inode_put(in); /* the file has a reference of its own */
    if (err != 0)
        return err;
    if (t != NULL)
        task_get(t);
    else
        process_get(p);
    f->private = t != NULL ? (void *)t : p;
    int n = fd_alloc(0, O_CLOEXEC);
    if (n < 0) {
        file_put(f);
        return n;
    }
    *fd = n;
    *out = f;
    return 0;
}

int pidfd_prepare(struct process *p, uint32_t flags, int *fd, struct file **f)
{
    return prepare(p, NULL, flags, fd, f);
}

void pidfd_cancel(int fd, struct file *f)
{
    fd_cancel(fd);
    file_put(f);
}

/* The task of that number, with a reference; NULL and *err. */
static struct task *find(int pid, bool thread, int *err)
{
    spin_lock(&tree_lock);
    struct task *t = task_named((uint32_t)pid);
    *err = t == NULL ? -ESRCH : -ENOENT; /* a thread that leads no group */
    if (t != NULL && !thread && t != t->proc->leader)
        t = NULL;
    if (t != NULL)
        task_get(t);
    spin_unlock(&tree_lock);
    return t;
}

SYSCALL2(pidfd_open, int, pid, uint32_t, flags)
{
    struct file *f;
    int fd, err;

    if ((flags & ~(uint32_t)(PIDFD_NONBLOCK | PIDFD_THREAD)) || pid <= 0)
        return -EINVAL;
    struct task *t = find(pid, flags & PIDFD_THREAD, &err);
    if (t == NULL)
        return err;
    err = prepare(t->proc, flags & PIDFD_THREAD ? t : NULL, flags, &fd, &f);
    task_put(t);
    if (err != 0)
        return err;
    fd_install(fd, f);
    return fd;
}

/* The descriptors of the thread, or of the process's first thread.  A reference; NULL and *err. */
static struct files *files_of(struct file *pidfd, int *err)
{
    struct process *p = pidfd_process(pidfd);
    struct task *t = pidfd_thread(pidfd);
    struct files *files = NULL;

    *err = -EBADF;
    if (p == NULL)
        return NULL;
    spin_lock(&tree_lock);
    if (t == NULL)
        t = process_find(p->tgid) == p ? p->leader : NULL;
    *err = t == NULL || t->exiting ? -ESRCH : task_may_attach(t) ? 0 : -EPERM;
    if (*err == 0) {
        spin_lock(&t->lock);
        files = t->files;
        if (files != NULL)
            files_get(files);
        spin_unlock(&t->lock);
        *err = files != NULL ? 0 : -ESRCH; /* on its way out */
    }
    spin_unlock(&tree_lock);
    return files;
}

SYSCALL3(pidfd_getfd, int, pidfd, int, fd, uint32_t, flags)
{
    int err;

    if (flags != 0)
        return -EINVAL;
    struct file *f = fd_get(pidfd);
    if (f == NULL)
        return -EBADF;
    struct files *files = files_of(f, &err);
    file_put(f);
    if (files == NULL)
        return err;
    f = files_peek(files, fd);
    files_put(files);
    return f != NULL ? fd_open_add(f, O_CLOEXEC) : -EBADF;
}
