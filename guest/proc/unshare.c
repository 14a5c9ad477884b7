/* unshare.c - unshare(2), setns(2), and clone(2) into namespaces of its own.
 *
 * What clone's flags share can be parted: descriptors, place in the tree, namespaces.  New namespaces are a new
 * set (sched/namespace.h), made from a copy of current's; with one of mounts goes a place in the tree that lies in it.
 * unshare() and setns() make all of it first, and then current is there.  clone() has it in task.ns_made meanwhile,
 * from where it goes to the child (watched.c).
 *
 * Of some kinds there is but one namespace: to part from it is refused as by Linux without such namespaces, and
 * to enter it checks what Linux checks and changes nothing. */
#include "arch/syscall.h"
#include "fs/fd.h"
#include "fs/fs_ctx.h"
#include "fs/mount.h"
#include "mm/mm.h"
#include "proc/fork.h"
#include "proc/namespace.h"
#include "proc/pid.h"
#include "proc/pid_ns.h"
#include "proc/pidfd.h"
#include "proc/process.h"
#include "proc/signal.h"
#include "proc/task.h"
#include "proc/undo.h"
#include "proc/watched.h"
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

static void made_put(struct ns_made *m)
{
    ns_set_put(m->set);
    if (m->fs != NULL)
        fs_ctx_put(m->fs);
}

/* Its set, if some are to be new, and a place in the tree if that is wanted or if it is another one: 0 or -errno. */
static int make(uint64_t flags, bool place, struct ns_made *m)
{
    int err = 0;

    if (flags & CLONE_NEWNS || (place && ref_read(&current->fs->users) > 1)) {
        m->fs = fs_ctx_copy(current->fs);
        if (m->fs == NULL)
            return -ENOMEM;
    }
    if (flags != 0 && (m->set = ns_set_copy(current->ns)) == NULL)
        err = -ENOMEM;
    for (unsigned kind = 0; kind < NS_KINDS && err == 0; kind++) {
        struct ns *ns = flags & ns_flag(kind) ? ns_make(kind, m->fs, &err) : NULL;
        if (ns != NULL)
            ns_set_replace(m->set, ns);
    }
    if (err != 0)
        made_put(m);
    return err;
}

static void install(struct ns_made *m)
{
    struct task *t = current;
    struct fs_ctx *old = t->fs;

    if (m->set != NULL)
        ns_set_enter(m->set);
    if (m->fs == NULL)
        return;
    spin_lock(&t->lock);
    t->fs = m->fs;
    spin_unlock(&t->lock);
    fs_ctx_put(old);
}

static void leave_undos(void)
{
    if (current->proc->undos != NULL && is_single())
        undo_hooks->leave(current->proc); /* of several threads it is the process's */
}

SYSCALL1(unshare, uint64_t, flags)
{
    uint64_t spaces = flags & ~(WITH_THREADS | PARTS);
    struct ns_made m = { NULL, NULL };

    if (!namespace_known(spaces))
        return -EINVAL;
    if (flags & (WITH_THREADS | CLONE_NEWUSER) && !is_single())
        return -EINVAL;
    if (flags & (CLONE_SIGHAND | CLONE_VM) && ref_read(&current->sighand->users) > 1)
        return -EINVAL;
    if (flags & CLONE_VM && ref_read(&current->mm->users) > 1)
        return -EINVAL;
    if (spaces && !(flags & CLONE_NEWUSER) && !capable())
        return -EPERM;
    if (!namespace_made(spaces))
        return -EINVAL;
    int err = make(spaces, flags & CLONE_FS, &m);
    if (err != 0)
        return err;
    err = flags & CLONE_FILES ? files_unshare() : 0;
    if (err != 0) {
        made_put(&m);
        return err;
    }
    if (flags & (CLONE_SYSVSEM | CLONE_NEWIPC))
        leave_undos();
    install(&m);
    return 0;
}

/* --- clone -------------------------------------------------------------------------------- */

/* Those that are asked for. */
static uint64_t spaces_in(uint64_t flags)
{
    uint64_t spaces = 0;

    for (unsigned kind = 0; kind < NS_KINDS; kind++)
        spaces |= flags & ns_flag(kind);
    return spaces;
}

int ns_may_clone(uint64_t flags)
{
    if ((flags & CLONE_FS && flags & (CLONE_NEWNS | CLONE_NEWUSER)) ||
        (flags & CLONE_THREAD && flags & (CLONE_NEWPID | CLONE_NEWUSER)))
        return -EINVAL; /* one place in the tree for two namespaces of mounts; one process in two */
    if (!(flags & CLONE_NEWUSER) && !capable())
        return -EPERM;
    if ((flags & CLONE_NEWIPC && flags & CLONE_SYSVSEM) || !namespace_made(spaces_in(flags)))
        return -EINVAL;
    return 0;
}

static void hand_on(struct ns_made *m)
{
    spin_lock(&tree_lock);
    current->ns_made = m;
    task_watch(current);
    spin_unlock(&tree_lock);
}

long ns_clone(const struct clone_request *rq)
{
    struct ns_made m = { NULL, NULL };
    long ret = make(spaces_in(rq->flags), false, &m);

    if (ret != 0)
        return ret;
    hand_on(&m);
    ret = clone_task(rq);
    hand_on(NULL);
    made_put(&m);
    return ret;
}

/* --- setns ---------------------------------------------------------------------------- */

/* May current enter namespaces of these kinds? */
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

/* The set of the process that f names, if current may enter it: with a reference, NULL for the first ones. */
static int set_of(const struct file *f, struct ns_set **set)
{
    struct process *p = pidfd_process(f);

    spin_lock(&tree_lock);
    struct task *t = process_find(p->tgid) == p ? p->leader : NULL;
    int err = t == NULL || t->fs == NULL ? -ESRCH
              : task_may_attach(t)       ? 0
                                         : -EPERM; /* NULL: it has ended */
    if (err == 0)
        *set = task_ns_set(t);
    spin_unlock(&tree_lock);
    return err;
}

/* current is in the namespaces of these kinds that are in `from`, or in ns. */
static int enter(uint64_t flags, const struct ns_set *from, struct ns *ns)
{
    struct ns_set *s = ns_set_copy(current->ns), *first = from == NULL ? ns_set_copy(NULL) : NULL;

    int err = 0;

    if (s == NULL || (from == NULL && first == NULL)) {
        ns_set_put(s);
        ns_set_put(first);
        return -ENOMEM;
    }
    for (unsigned kind = 0; kind < NS_KINDS; kind++) {
        if (!(flags & ns_flag(kind)))
            continue;
        struct ns *to = ns != NULL ? ns : (from != NULL ? from : first)->of[kind];
        if (kind == NS_PID && !pid_ns_below(pid_ns_at(to), pid_ns_here()))
            err = -EINVAL; /* one can only go down */
        ref_get(&to->refs);
        ns_set_replace(s, to);
    }
    ns_set_put(first);
    if (err != 0) {
        ns_set_put(s);
        return err;
    }
    if (flags & CLONE_NEWNS) {
        struct path root;
        mount_ns_root(container_of(s->of[NS_MNT], struct mount_ns, ns), &root);
        fs_ctx_go(current->fs, &root);
    }
    if (flags & CLONE_NEWIPC)
        leave_undos();
    ns_set_enter(s);
    return 0;
}

SYSCALL2(setns, int, fd, uint32_t, flags)
{
    WITH_FILE(f, fd);
    struct ns_set *set = NULL;
    int err = 0;

    if (f == NULL)
        return -EBADF;
    struct ns *ns = namespace_of(f);
    if (ns != NULL && (flags == 0 || flags == ns_flag(ns->kind)))
        flags = (uint32_t)ns_flag(ns->kind);
    else if (ns == NULL && pidfd_process(f) != NULL && flags != 0 && namespace_known(flags))
        err = set_of(f, &set);
    else
        return -EINVAL;
    if (err == 0)
        err = may_enter(flags);
    if (err == 0)
        err = enter(flags, set, ns);
    ns_set_put(set);
    return err;
}
