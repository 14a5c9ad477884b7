/* msg_ctl.c - msgctl(2). */
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "ipc/msg.h"
#include "lib/string.h"
#include "proc/pid_ns.h"
#include "sched/task.h"

static long info(int cmd, uaddr_t to)
{
    struct msginfo i = {
        .msgpool = MSGPOOL,
        .msgmap = MSGMAP,
        .msgmax = (int)ipc_here()->msg_max_size,
        .msgmnb = (int)ipc_here()->msg_max_bytes,
        .msgmni = (int)ipc_here()->msg.limit,
        .msgssz = MSGSSZ,
        .msgtql = MSGTQL,
        .msgseg = MSGSEG,
    };

    if (cmd == MSG_INFO) {
        i.msgpool = (int)ipc_here()->msg.used;
        i.msgmap = (int)MIN(ipc_here()->msg_all, (uint64_t)INT32_MAX);
        i.msgtql = (int)MIN(ipc_here()->msg_all_bytes, (uint64_t)INT32_MAX);
    }
    return put_user(i, to) != 0 ? -EFAULT : MAX(ipc_here()->msg.highest, 0);
}

/* Lock held. */
static void describe(struct msg_queue *q, struct msqid64_ds *d)
{
    memset(d, 0, sizeof(*d));
    ipc_show(&q->ipc, &d->msg_perm);
    d->msg_stime = q->sent;
    d->msg_rtime = q->received;
    d->msg_ctime = q->changed;
    d->msg_cbytes = q->nbytes;
    d->msg_qnum = q->nmessages;
    d->msg_qbytes = q->max_bytes;
    d->msg_lspid = (int)pid_stamp_told(q->last_sender);
    d->msg_lrpid = (int)pid_stamp_told(q->last_receiver);
}

static long stat(int id, int cmd, uaddr_t to)
{
    struct msqid64_ds d;
    struct ipc_object *o;
    long ret = cmd == IPC_STAT ? ipc_find(&ipc_here()->msg, id, &o)
                               : ipc_find_index(&ipc_here()->msg, id, &o);

    if (ret != 0)
        return ret;
    struct msg_queue *q = container_of(o, struct msg_queue, ipc);
    if (cmd != MSG_STAT_ANY)
        ret = ipc_permission(o, 0444);
    if (ret == 0)
        ret = msg_lock(q);
    if (ret == 0) {
        describe(q, &d);
        mutex_unlock(&q->lock);
        ret = cmd == IPC_STAT ? 0 : o->id;
        if (put_user(d, to) != 0)
            ret = -EFAULT;
    }
    ipc_put(o);
    return ret;
}

/* Lock held. */
static long set(struct msg_queue *q, const struct msqid64_ds *d)
{
    if (d->msg_qbytes > ipc_here()->msg_max_bytes && !has_cap(CAP_SYS_RESOURCE))
        return -EPERM;
    long err = ipc_change(&q->ipc, &d->msg_perm);
    if (err != 0)
        return err;
    __atomic_store_n(&q->max_bytes, d->msg_qbytes, __ATOMIC_RELAXED);
    q->changed = ipc_time();
    msg_wake_all(q, 0);
    return 0;
}

/* Lock held. */
static void remove(struct msg_queue *q)
{
    ipc_remove(&q->ipc, NULL);
    msg_wake_all(q, -EIDRM);
}

void msg_remove(struct ipc_object *o)
{
    struct msg_queue *q = container_of(o, struct msg_queue, ipc);

    if (msg_lock(q) != 0)
        return;
    remove(q);
    mutex_unlock(&q->lock);
}

static long change(struct msg_queue *q, int cmd, const struct msqid64_ds *d)
{
    long ret = msg_lock(q);

    if (ret != 0)
        return ret;
    ret = ipc_may_change(&q->ipc);
    if (ret == 0 && cmd == IPC_SET) {
        ret = set(q, d);
    } else if (ret == 0) {
        remove(q);
    }
    mutex_unlock(&q->lock);
    return ret;
}

SYSCALL3(msgctl, int, id, int, cmd, uaddr_t, arg)
{
    struct ipc_object *o;
    struct msqid64_ds d;

    if (id < 0 || cmd < 0)
        return -EINVAL;
    switch (cmd) {
    case IPC_INFO:
    case MSG_INFO: return info(cmd, arg);
    case IPC_STAT:
    case MSG_STAT:
    case MSG_STAT_ANY: return stat(id, cmd, arg);
    case IPC_SET:
        if (get_user(d, arg) != 0)
            return -EFAULT;
        break;
    case IPC_RMID: break;
    default: return -EINVAL;
    }
    long ret = ipc_find(&ipc_here()->msg, id, &o);
    if (ret == 0) {
        ret = change(container_of(o, struct msg_queue, ipc), cmd, &d);
        ipc_put(o);
    }
    return ret;
}
