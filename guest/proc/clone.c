/* clone.c - fork, vfork, clone and clone3: what the caller asks for, as a
 * struct clone_request, and which combinations there are.  fork.c does it.
 *
 * Accepted and without effect, as in Linux: CLONE_IO (no I/O
 * contexts), CLONE_DETACHED.  Left out, -EINVAL: pidfds of threads;
 * namespaces that are only one of a kind (namespace.c). */
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "lib/string.h"
#include "proc/fork.h"
#include "proc/namespace.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include "proc/signal.h"
#include "proc/undo.h"
#include <linux/sched.h>

#define CLONE_NAMESPACES \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | \
     CLONE_NEWNET | CLONE_NEWTIME)

static int check_flags(const struct clone_request *rq)
{
    uint64_t flags = rq->flags;

    if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND))
        return -EINVAL;
    if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
        return -EINVAL;
    if ((flags & CLONE_SIGHAND) && (flags & CLONE_CLEAR_SIGHAND))
        return -EINVAL;
    if ((flags & CLONE_PIDFD) && ((flags & (CLONE_THREAD | CLONE_DETACHED)) ||
                                  ((flags & CLONE_PARENT_SETTID) && rq->pidfd == rq->parent_tid)))
        return -EINVAL;
    if ((flags & CLONE_PARENT) && current->proc->unkillable)
        return -EINVAL; /* nobody would reap it */
    if ((flags & CLONE_SETTLS) && rq->tls >= USER_END)
        return -EPERM; /* no FS base for a program */
    if (flags & CLONE_NAMESPACES)
        return ns_may_clone(flags);
    if (flags & CLONE_INTO_CGROUP)
        return -EBADF; /* no descriptor is one of a cgroup */
    return 0;
}

static long clone_checked(const struct clone_request *rq)
{
    int err = check_flags(rq);

    if (err == 0 && (rq->flags & (CLONE_SYSVSEM | CLONE_THREAD)) == CLONE_SYSVSEM)
        err = undo_hooks->own();
    if (err != 0)
        return err;
    return rq->flags & CLONE_NAMESPACES ? ns_clone(rq) : clone_task(rq);
}

SYSCALL0(fork)
{
    struct clone_request rq = { .exit_signal = SIGCHLD };
    return clone_task(&rq);
}

SYSCALL0(vfork)
{
    struct clone_request rq = { .flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD };
    return clone_task(&rq);
}

SYSCALL5(clone, uint64_t, flags, uaddr_t, stack, uaddr_t, parent_tid, uaddr_t, child_tid, uint64_t,
         tls)
{
    struct clone_request rq = {
        .flags = (uint32_t)flags & ~(uint64_t)CSIGNAL,
        .exit_signal = (int)(flags & CSIGNAL),
        .stack = stack,
        .parent_tid = parent_tid,
        .child_tid = child_tid,
        .tls = tls,
        .pidfd = parent_tid, /* the call has no argument of its own for it */
    };
    return clone_checked(&rq);
}

/* The numbers that the caller wants the child to have. */
static int wanted_tids(const struct clone_args *a, struct pid_wanted *w)
{
    if ((a->set_tid == 0) != (a->set_tid_size == 0) || a->set_tid_size > PID_NS_LEVELS)
        return -EINVAL;
    w->n = (uint32_t)a->set_tid_size;
    return copy_from_user(w->nr, a->set_tid, w->n * sizeof w->nr[0]) != 0 ? -EFAULT : 0;
}

SYSCALL2(clone3, uaddr_t, at, size_t, size)
{
    struct clone_args a;
    struct pid_wanted wanted;

    if (size > PAGE_SIZE)
        return -E2BIG;
    if (size < CLONE_ARGS_SIZE_VER0)
        return -EINVAL;
    int err = copy_struct_from_user(&a, sizeof a, at, size);
    if (err != 0)
        return err;
    if ((a.flags & (CLONE_DETACHED | (CSIGNAL & ~CLONE_NEWTIME))) || a.flags >> 34 ||
        a.exit_signal > SIG_MAX ||
        (a.flags & CLONE_INTO_CGROUP && (a.cgroup > INT32_MAX || size < CLONE_ARGS_SIZE_VER2)) ||
        ((a.flags & (CLONE_THREAD | CLONE_PARENT)) && a.exit_signal != 0))
        return -EINVAL;
    if ((a.stack == 0) != (a.stack_size == 0) || !user_range(a.stack, a.stack_size))
        return -EINVAL;
    struct clone_request rq = {
        .flags = a.flags,
        .exit_signal = (int)a.exit_signal,
        .stack = a.stack + a.stack_size,
        .parent_tid = a.parent_tid,
        .child_tid = a.child_tid,
        .pidfd = a.pidfd,
        .tls = a.tls,
    };
    err = wanted_tids(&a, &wanted);
    if (err != 0)
        return err;
    if (wanted.n != 0)
        rq.set_tid = &wanted;
    return clone_checked(&rq);
}
