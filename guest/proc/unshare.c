/* unshare.c - unshare(2) and setns(2).
 *
 * What clone's flags share can be parted: descriptors, place in the tree.  Of namespaces there is
 * one of each kind: to part from it is refused as by Linux without namespaces, and to enter it checks what
 * Linux checks and changes nothing, but that one's place in the tree is its root afterwards. */
#include "arch/syscall.h"
#include "fs/fd.h"
#include "fs/fs_ctx.h"
#include "mm/mm.h"
#include "proc/namespace.h"
#include "proc/pid.h"
#include "proc/pidfd.h"
#include "proc/process.h"
#include "proc/signal.h"
#include "proc/task.h"
#include "proc/undo.h"
#include <linux/sched.h>

#define WITH_THREADS ((uint64_t)(CLONE_THREAD | CLONE_SIGHAND | CLONE_VM))
#define PARTS        ((uint64_t)(CLONE_FS | CLONE_FILES | CLONE_SYSVSEM))

/* Does nobody but current have its signal handlers and its memory? */
static bool is_single(void)
{
    spin_lock(&tree_lock);
    bool single = current->proc->nthreads == 1;
    spin_unlock(&tree_lock);
    return single;
}

/* The place in the tree, too, if it is asked for; either both or none. */
static int part(bool place, bool files)
{
    struct task *t = current;
    struct fs_ctx *old = t->fs, *own = NULL;

    if (place && ref_read(&old->users) > 1 && (own = fs_ctx_copy(old)) == NULL)
        return -ENOMEM;
    int err = files ? files_unshare() : 0;
    if (own == NULL)
        return err;
    if (err == 0) {
        spin_lock(&t->lock);
        t->fs = own;
        spin_unlock(&t->lock);
    }
    fs_ctx_put(err == 0 ? old : own);
    return err;
}

SYSCALL1(unshare, uint64_t, flags)
{
    if (!namespace_known(flags & ~(WITH_THREADS | PARTS)))
        return -EINVAL;
    if (flags & (WITH_THREADS | CLONE_NEWUSER) && !is_single())
        return -EINVAL;
    if (flags & (CLONE_SIGHAND | CLONE_VM) && ref_read(&current->sighand->users) > 1)
        return -EINVAL;
    if (flags & CLONE_VM && ref_read(&current->mm->users) > 1)
        return -EINVAL;
    if (flags & ~(WITH_THREADS | PARTS))
        return !(flags & CLONE_NEWUSER) && !capable() ? -EPERM : -EINVAL;
    int err = part(flags & CLONE_FS, flags & CLONE_FILES);
    if (err == 0 && flags & CLONE_SYSVSEM && current->proc->undos != NULL && is_single())
        undo_hooks->leave(current->proc); /* of several threads it is the process's */
    return err;
}

/* --- setns ---------------------------------------------------------------------------- */

/* May current enter those that it is in? */
static int may_enter(uint64_t flags)
{
    if (flags & CLONE_NEWUSER)
        return -EINVAL; /* it would get all rights there by this */
    if (flags & CLONE_NEWTIME && !is_single())
        return -EUSERS;
    if (!capable() || (flags & CLONE_NEWNS && !has_cap(CAP_SYS_CHROOT)))
        return -EPERM;
    return flags & CLONE_NEWNS && ref_read(&current->fs->users) > 1 ? -EINVAL : 0;
}

/* May current enter those of the process that f names? */
static int may_look_at(const struct file *f)
{
    struct process *p = pidfd_process(f);

    spin_lock(&tree_lock);
    struct task *t = process_find(p->tgid) == p ? p->leader : NULL;
    int err = t == NULL ? -ESRCH : task_may_attach(t) ? 0 : -EPERM;
    spin_unlock(&tree_lock);
    return err;
}

SYSCALL2(setns, int, fd, uint32_t, flags)
{
    WITH_FILE(f, fd);
    int err;

    if (f == NULL)
        return -EBADF;
    const struct namespace *ns = namespace_of(f);
    if (ns != NULL && (flags == 0 || flags == ns->flag)) {
        err = may_enter(ns->flag);
        flags = (uint32_t)ns->flag;
    } else if (ns == NULL && pidfd_process(f) != NULL && flags != 0 && namespace_known(flags)) {
        err = may_look_at(f);
        if (err == 0)
            err = may_enter(flags);
    } else {
        err = -EINVAL;
    }
    if (err == 0 && flags & CLONE_NEWNS)
        fs_ctx_to_root(current->fs);
    return err;
}
