/* process.c - who am I: numbers of processes, groups and sessions; what a
 * thread tells the kernel once. */
#include "arch/cpu.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "mm/heap.h"
#include "mm/mm.h"
#include "proc/pid.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include <asm/prctl.h>
#include <linux/futex.h>

SYSCALL0(getpid) { return current->proc->tgid; }

SYSCALL0(gettid) { return current->tid; }

SYSCALL0(getppid)
{
    spin_lock(&tree_lock);
    struct process *parent = current->proc->parent;
    long pid = parent != NULL ? parent->tgid : 0;
    spin_unlock(&tree_lock);
    return pid;
}

SYSCALL0(getpgrp) { return current->proc->pgid; }

/* The process that has a thread of that number, 0: the caller's.  tree_lock held; NULL. */
static struct process *named(int pid)
{
    if (pid == 0)
        return current->proc;
    return pid > 0 ? process_named((uint32_t)pid) : NULL;
}

SYSCALL1(getpgid, int, pid)
{
    spin_lock(&tree_lock);
    struct process *p = named(pid);
    long rc = p != NULL ? (long)pid_told(p->pgid) : -ESRCH;
    spin_unlock(&tree_lock);
    return rc;
}

SYSCALL1(getsid, int, pid)
{
    spin_lock(&tree_lock);
    struct process *p = named(pid);
    long rc = p != NULL ? (long)pid_told(p->session->sid) : -ESRCH;
    spin_unlock(&tree_lock);
    return rc;
}

/* setpgid(2): for itself or for a child that has not called exec yet, within
 * the session, and not for a session's leader.  tree_lock held. */
static long set_group(struct process *p, uint32_t pgid)
{
    struct process *me = current->proc;

    if (p == NULL || (p != me && p->parent != me))
        return -ESRCH;
    if (p != me && p->session != me->session)
        return -EPERM;
    if (p != me && p->did_exec)
        return -EACCES;
    if (p->session->sid == p->tgid)
        return -EPERM;
    if (pgid != p->tgid && !pgrp_exists(pgid, me->session))
        return -EPERM;
    if (pgid != p->pgid)
        process_set_group(p, pgid);
    return 0;
}

SYSCALL2(setpgid, int, pid, int, pgid)
{
    if (pgid < 0 || (pid < 0 && pgid == 0))
        return -EINVAL; /* 0: the group is to have the process's number */
    if (pid < 0)
        return -ESRCH;
    spin_lock(&tree_lock);
    struct process *p = named(pid);
    uint32_t group = pgid != 0 ? pid_named((uint32_t)pgid) : p != NULL ? p->tgid : 0;
    long rc = set_group(p, group);
    spin_unlock(&tree_lock);
    return rc;
}

SYSCALL0(setsid)
{
    struct process *p = current->proc;
    struct session *s = kzalloc(sizeof *s);
    long rc = p->tgid;

    if (s == NULL)
        return -ENOMEM;
    s->sid = p->tgid;
    ref_init(&s->refs, 1);
    spin_lock(&tree_lock);
    if (pid_group_session(p->tgid) != NULL) /* it leads a group, or has left one of that name */
        rc = -EPERM;
    if (rc > 0) {
        process_set_session(p, s);
        process_set_group(p, p->tgid);
    }
    spin_unlock(&tree_lock);
    session_put(s);
    return rc;
}

SYSCALL1(set_tid_address, uaddr_t, at)
{
    current->clear_child_tid = at;
    return current->tid;
}

SYSCALL2(set_robust_list, uaddr_t, head, size_t, len)
{
    if (len != sizeof(struct robust_list_head))
        return -EINVAL;
    current->robust_list = head;
    return 0;
}

SYSCALL3(get_robust_list, int, tid, uaddr_t, head, uaddr_t, len)
{
    uaddr_t list = current->robust_list;
    long rc = 0;

    if (tid != 0) {
        spin_lock(&tree_lock);
        struct task *t = tid > 0 ? task_named((uint32_t)tid) : NULL;
        if (t == NULL)
            rc = -ESRCH;
        else if (t->cred.uid != current->cred.uid && !has_cap(CAP_SYS_PTRACE))
            rc = -EPERM;
        else
            list = t->robust_list;
        spin_unlock(&tree_lock);
    }
    if (rc == 0 &&
        (put_user(sizeof(struct robust_list_head), len) != 0 || put_user(list, head) != 0))
        rc = -EFAULT;
    return rc;
}

SYSCALL2(arch_prctl, int, code, uint64_t, value)
{
    switch (code) {
    case ARCH_SET_FS: return user_set_fs_base(value);
    case ARCH_SET_GS: return user_set_gs_base(value);
    case ARCH_GET_FS: return put_user(user_fs_base(), value);
    case ARCH_GET_GS: return put_user(user_gs_base(), value);
    case ARCH_GET_CPUID: return 1;
    case ARCH_SET_CPUID: return -ENODEV; /* no CPU here can have it fault */
    }
    return -EINVAL;
}
