/* kcmp.c - kcmp(2): do two tasks share something of the kernel's?
 *
 * The answer orders the things, by where they are in memory, which is hidden behind a number that nobody
 * knows: a checkpointer sorts by it.  What is compared may end meanwhile; it is never followed. */
#include "arch/random.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "event/epoll.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "proc/pid.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include "proc/task.h"
#include <linux/kcmp.h>

static uint64_t hide[KCMP_TYPES]; /* odd; 0: not drawn yet */

static uint64_t hidden(const void *what, int type)
{
    uint64_t by = __atomic_load_n(&hide[type], __ATOMIC_RELAXED), none = 0;

    if (by == 0) {
        random_bytes(&by, sizeof by);
        by |= 1;
        if (!__atomic_compare_exchange_n(&hide[type], &none, by, false, __ATOMIC_RELAXED,
                                         __ATOMIC_RELAXED))
            by = none;
    }
    return (uintptr_t)what * by; /* modulo 2^64: two differ then, too */
}

static long order(const void *a, const void *b, int type)
{
    uint64_t x = hidden(a, type), y = hidden(b, type);

    return (x < y) | (x > y) << 1;
}

static const void *thing_of(struct task *t, int type)
{
    const void *what = NULL;

    spin_lock(&t->lock);
    switch (type) {
    case KCMP_VM: what = t->mm; break;
    case KCMP_FILES: what = t->files; break;
    case KCMP_FS: what = t->fs; break;
    case KCMP_SIGHAND: what = t->sighand; break;
    case KCMP_SYSVSEM: what = t->proc->undos; break;
    case KCMP_IO: break; /* nobody has a context of his own for devices that there are not */
    }
    spin_unlock(&t->lock);
    return what;
}

/* The file behind t's descriptor, with a reference; NULL: it is not open. */
static struct file *file_of(struct task *t, uint64_t fd)
{
    spin_lock(&t->lock);
    struct files *files = t->files;
    if (files != NULL)
        files_get(files);
    spin_unlock(&t->lock);
    struct file *f = files != NULL && fd <= INT32_MAX ? files_peek(files, (int)fd) : NULL;
    if (files != NULL)
        files_put(files);
    return f;
}

/* Is what the second one's epoll watches the first one's file? */
static long compare_watched(struct task *a, struct task *b, uint64_t fd, uaddr_t at)
{
    struct kcmp_epoll_slot slot;
    int err = -EBADF;

    if (get_user(slot, at) != 0)
        return -EFAULT;
    struct file *f = file_of(a, fd);
    if (f == NULL)
        return -EBADF;
    struct file *ep = file_of(b, slot.efd);
    const struct file *watched =
        ep != NULL ? epoll_watched_file(ep, (int)slot.tfd, slot.toff, &err) : NULL;
    long rc = watched != NULL ? order(f, watched, KCMP_FILE) : err;
    if (ep != NULL)
        file_put(ep);
    file_put(f);
    return rc;
}

static long compare_files(struct task *a, struct task *b, uint64_t fd_a, uint64_t fd_b)
{
    struct file *f = file_of(a, fd_a), *g = file_of(b, fd_b);
    long rc = f != NULL && g != NULL ? order(f, g, KCMP_FILE) : -EBADF;

    if (f != NULL)
        file_put(f);
    if (g != NULL)
        file_put(g);
    return rc;
}

static long compare(struct task *a, struct task *b, int type, uint64_t i, uint64_t j)
{
    if (!task_may_attach(a) || !task_may_attach(b))
        return -EPERM;
    if (type == KCMP_FILE)
        return compare_files(a, b, i, j);
    if (type == KCMP_EPOLL_TFD)
        return compare_watched(a, b, i, j);
    return type > KCMP_FILE && type < KCMP_TYPES ? order(thing_of(a, type), thing_of(b, type), type)
                                                 : -EINVAL;
}

SYSCALL5(kcmp, int, pid1, int, pid2, int, type, uint64_t, i, uint64_t, j)
{
    spin_lock(&tree_lock);
    struct task *a = task_named((uint32_t)pid1), *b = task_named((uint32_t)pid2);
    if (a != NULL && b != NULL) {
        task_get(a);
        task_get(b);
    }
    spin_unlock(&tree_lock);
    if (a == NULL || b == NULL)
        return -ESRCH;
    long rc = compare(a, b, type, i, j);
    task_put(a);
    task_put(b);
    return rc;
}
