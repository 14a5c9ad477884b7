/* process_madvise.c - process_madvise(2) and process_mrelease(2): another process's memory, by a pidfd. */
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/fd.h"
#include "fs/uio.h"
#include "mm/heap.h"
#include "mm/mm.h"
#include "proc/pid.h"
#include "proc/pidfd.h"
#include "proc/process.h"
#include "proc/task.h"
#include "sys/madvise.h"

#include <linux/capability.h>
#include <linux/mman.h>

/* The process, with a reference, or NULL and *err. */
static struct process *named_by(int fd, int *err)
{
    WITH_FILE(f, fd);
    struct process *p = f ? pidfd_process(f) : NULL;

    *err = p ? 0 : -EBADF;
    if (p)
        process_get(p);
    return p;
}

/* Its first thread, with a reference; NULL: it is gone. */
static struct task *leader_of(const struct process *p)
{
    spin_lock(&tree_lock);
    struct task *t = task_find(p->tgid);
    if (t && t->proc == p)
        task_get(t);
    else
        t = NULL;
    spin_unlock(&tree_lock);
    return t;
}

/* Its memory, with a reference, if current may say something of it; else NULL and *err. */
static struct mm *memory_of(const struct process *p, int *err)
{
    struct task *t = leader_of(p);
    struct mm *mm = t ? task_get_mm(t) : NULL;

    *err = !mm ? -ESRCH : mm == current->mm || task_may_attach(t) ? 0 : -EACCES;
    if (t)
        task_put(t);
    if (*err && mm)
        mm_put(mm, PT_exit_teardown);
    return *err ? NULL : mm;
}

/* What may be said of others' memory: nothing that it would lose by. */
static bool for_others(int advice)
{
    return advice == MADV_COLD || advice == MADV_PAGEOUT || advice == MADV_WILLNEED ||
           advice == MADV_COLLAPSE;
}

/* Piece by piece, until one is refused: how many bytes, or its error. */
static long advise_pieces(struct mm *mm, struct uio_vector *v, int advice)
{
    long done = 0;
    int err = 0;

    for (size_t i = 0; i < v->n && !err; i++) {
        const struct iovec *one = &v->u.iov[v->u.at];
        err = madvise_range(mm, (uaddr_t)one->iov_base, one->iov_len, advice);
        done += err ? 0 : (long)one->iov_len;
        uio_next_piece(&v->u);
    }
    return done > 0 ? done : err;
}

SYSCALL5(process_madvise, int, fd, uaddr_t, vec, uint64_t, n, int, advice, uint32_t, flags)
{
    int err = 0;

    if (flags != 0 || n > UIO_MAXIOV)
        return -EINVAL;
    struct uio_vector v;
    long done = uio_vector_get(&v, vec, n);
    if (done < 0)
        return done;
    struct process *p = named_by(fd, &err);
    struct mm *mm = p ? memory_of(p, &err) : NULL;
    if (mm && mm != current->mm && !for_others(advice))
        err = -EINVAL;
    else if (mm && mm != current->mm && !has_cap(CAP_SYS_NICE))
        err = -EPERM;
    done = err ? err : advise_pieces(mm, &v, advice);
    if (mm)
        mm_put(mm, PT_exit_teardown);
    if (p)
        process_put(p);
    uio_vector_put(&v);
    return done;
}

/* Who is about to end gives its memory back by itself, and at once. */
SYSCALL2(process_mrelease, int, fd, uint32_t, flags)
{
    int err;

    if (flags != 0)
        return -EINVAL;
    struct process *p = named_by(fd, &err);
    if (!p)
        return err;
    struct task *t = leader_of(p);
    struct mm *mm = t ? task_get_mm(t) : NULL;
    bool ends = __atomic_load_n(&p->group_exit, __ATOMIC_ACQUIRE), there = mm != NULL;
    if (mm)
        mm_put(mm, PT_exit_teardown);
    if (t)
        task_put(t);
    process_put(p);
    return !there ? -ESRCH : ends ? 0 : -EINVAL;
}
