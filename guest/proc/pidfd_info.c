/* pidfd_info.c - what a pidfd is asked: who it is, how it ended (PIDFD_GET_INFO), and for its namespaces.
 * A process that was reaped is known by what it left alone: its status.  A thread leaves none. */
#include "arch/uaccess.h"
#include "fs/file.h"
#include "mm/mm.h"
#include "proc/namespace.h"
#include "proc/pid.h"
#include "proc/pid_ns.h"
#include "proc/pidfd.h"
#include "proc/process.h"
#include "proc/task.h"
#include <asm/ioctl.h>

/* Of <linux/pidfd.h>, which is older on some systems. */
#define PIDFD_TYPE    0xff
#define GET_INFO      11
#define INFO_BYTES    64 /* as it began */
#define INFO_PID      1u
#define INFO_CREDS    2u
#define INFO_EXIT     8u
#define INFO_COREDUMP 16u
#define COREDUMP_SKIP 2u
#define COREDUMP_USER 4u

struct info { /* struct pidfd_info */
    uint64_t mask, cgroup;
    uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
    int32_t exit_status;
    uint32_t coredump, spare;
};

/* The task that f names, or whose process it names: NULL: it is gone.  tree_lock held. */
static struct task *find(const struct file *f)
{
    struct process *p = pidfd_process(f);
    struct task *t = pidfd_thread(f);

    if (t != NULL)
        return task_find(t->tid) == t ? t : NULL;
    return process_find(p->tgid) == p ? p->leader : NULL;
}

/* False: it, or its parent, is not seen from where current is: as on Linux that is as if it were gone. */
static bool tell(struct info *i, struct task *t)
{
    const struct cred *c = &t->cred;

    i->mask |= INFO_PID | INFO_CREDS;
    i->pid = pid_told(t->tid);
    i->tgid = pid_told(t->proc->tgid);
    i->ppid = t->proc->parent != NULL ? pid_told(t->proc->parent->tgid) : 0;
    i->ruid = c->uid;
    i->euid = c->euid;
    i->suid = c->suid;
    i->fsuid = c->fsuid;
    i->rgid = c->gid;
    i->egid = c->egid;
    i->sgid = c->sgid;
    i->fsgid = c->fsgid;
    if (i->mask & INFO_COREDUMP) {
        spin_lock(&t->lock);
        if (t->mm != NULL)
            i->coredump = t->mm->image.dumpable == 1 ? COREDUMP_USER : COREDUMP_SKIP;
        spin_unlock(&t->lock);
    }
    return i->pid != 0 && (i->ppid != 0 || i->pid == 1);
}

static long get_info(const struct file *f, size_t room, uaddr_t to)
{
    struct info i = { 0 };
    uint64_t wanted;

    if (to == 0)
        return -EINVAL;
    if (get_user(wanted, to) != 0)
        return -EFAULT;
    i.mask = wanted & INFO_COREDUMP;
    spin_lock(&tree_lock);
    struct task *t = find(f);
    bool seen = t == NULL || tell(&i, t);
    if (t == NULL && pidfd_thread(f) == NULL && wanted & INFO_EXIT) {
        i.mask |= INFO_EXIT;
        i.exit_status = pidfd_process(f)->exit_status;
    }
    spin_unlock(&tree_lock);
    if (!seen || (t == NULL && !(wanted & INFO_EXIT)))
        return -ESRCH;
    if (copy_to_user(to, &i, MIN(room, sizeof(i))) != 0)
        return -EFAULT;
    return room > sizeof(i) ? clear_user(to + sizeof(i), room - sizeof(i)) : 0;
}

/* By the number of the request; NS_KINDS: of PIDs, for its children.  Of time there is but one. */
static long get_namespace(const struct file *f, unsigned nr, uaddr_t arg)
{
    static const uint8_t kind[] = { NS_CGROUP, NS_IPC,  NS_MNT,  NS_NET,  NS_PID,
                                    NS_KINDS,  NS_TIME, NS_TIME, NS_USER, NS_UTS };
    struct ns *ns;

    spin_lock(&tree_lock);
    struct task *t = find(f);
    long err = t == NULL ? -ESRCH : arg != 0 ? -EINVAL : task_may_attach(t) ? 0 : -EACCES;
    if (err == 0)
        task_get(t);
    spin_unlock(&tree_lock);
    if (err != 0)
        return err;
    ns = kind[nr - 1] == NS_KINDS ? task_pid_children(t, false) : task_ns(t, kind[nr - 1]);
    task_put(t);
    return ns != NULL ? namespace_open(ns) : -ESRCH;
}

long pidfd_ioctl(struct file *f, uint32_t cmd, uaddr_t arg)
{
    unsigned nr = _IOC_NR(cmd);

    if (_IOC_TYPE(cmd) == PIDFD_TYPE && nr == GET_INFO &&
        _IOC_DIR(cmd) == (_IOC_READ | _IOC_WRITE) && _IOC_SIZE(cmd) >= INFO_BYTES)
        return get_info(f, _IOC_SIZE(cmd), arg);
    if (nr >= 1 && nr < GET_INFO && cmd == _IO(PIDFD_TYPE, nr))
        return get_namespace(f, nr, arg);
    return -ENOTTY;
}
