/* shm_ctl.c - shmctl(2). */
#include "arch/preempt.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "ipc/shm.h"
#include "lib/string.h"
#include "proc/pid_ns.h"
#include "sched/task.h"

/* --- about all of them --------------------------------------------------------------- */

static long limits(uaddr_t to)
{
    struct shminfo64 i = {
        .shmmax = ipc_here()->shm_max_size,
        .shmmin = SHMMIN,
        .shmmni = ipc_here()->shm.limit,
        .shmseg = ipc_here()->shm.limit,
        .shmall = ipc_here()->shm_max_pages,
    };

    return put_user(i, to) != 0 ? -EFAULT : MAX(ipc_here()->shm.highest, 0);
}

static long sums(uaddr_t to)
{
    struct shm_info i = { .used_ids = (int)ipc_here()->shm.used, .shm_tot = ipc_here()->shm_all };
    struct ipc_object *o;
    bool more = true;

    for (uint32_t at = 0; more;) {
        o = ipc_next(&ipc_here()->shm, &at, &more);
        if (o != NULL) {
            i.shm_rss += shm_resident(shm_of(o));
            ipc_put(o);
            at++;
        }
        preempt_work(IPC_PAGE_SLOTS * 4);
    }
    return put_user(i, to) != 0 ? -EFAULT : MAX(ipc_here()->shm.highest, 0);
}

/* --- about one ------------------------------------------------------------------------- */

static void describe(struct shm_segment *s, struct shmid64_ds *d)
{
    memset(d, 0, sizeof(*d));
    ipc_show(&s->ipc, &d->shm_perm);
    spin_lock(&s->ipc.ids->lock);
    d->shm_segsz = s->size;
    d->shm_atime = s->atime;
    d->shm_dtime = s->dtime;
    d->shm_ctime = s->ctime;
    uint64_t last = s->last;
    d->shm_nattch = s->attached;
    spin_unlock(&s->ipc.ids->lock);
    d->shm_cpid = (int)pid_stamp_told(s->creator);
    d->shm_lpid = (int)pid_stamp_told(last);
}

static long stat(int id, int cmd, uaddr_t to)
{
    struct shmid64_ds d;
    struct ipc_object *o;
    long ret = cmd == IPC_STAT ? ipc_find(&ipc_here()->shm, id, &o)
                               : ipc_find_index(&ipc_here()->shm, id, &o);

    if (ret != 0)
        return ret;
    if (cmd != SHM_STAT_ANY)
        ret = ipc_permission(o, 0444);
    if (ret == 0) {
        describe(shm_of(o), &d);
        ret = cmd == IPC_STAT ? 0 : o->id;
        if (put_user(d, to) != 0)
            ret = -EFAULT;
    }
    ipc_put(o);
    return ret;
}

void shm_remove(struct ipc_object *o)
{
    ipc_make_private(o);
    ipc_mark(o, 0, SHM_DEST);
    shm_end_if_unused(shm_of(o));
}

static long change(struct shm_segment *s, int cmd, const struct shmid64_ds *d)
{
    long err = ipc_may_change(&s->ipc);

    if (err != 0)
        return err;
    if (cmd == IPC_SET) {
        err = ipc_change(&s->ipc, &d->shm_perm);
        if (err == 0)
            s->ctime = ipc_time();
        return err;
    }
    shm_remove(&s->ipc);
    return 0;
}

/* Nothing is ever swapped out, so it is a mark. */
static long lock(struct shm_segment *s, int cmd)
{
    long err = ipc_may_change(&s->ipc);

    if (err == 0 && cmd == SHM_LOCK && !has_cap(CAP_IPC_LOCK) &&
        current->proc->rlim[RLIMIT_MEMLOCK].rlim_cur == 0)
        err = -EPERM;
    if (err == 0)
        ipc_mark(&s->ipc, SHM_LOCKED, cmd == SHM_LOCK ? SHM_LOCKED : 0);
    return err;
}

SYSCALL3(shmctl, int, id, int, cmd, uaddr_t, arg)
{
    struct shmid64_ds d;
    struct ipc_object *o;

    if (id < 0 || cmd < 0)
        return -EINVAL;
    switch (cmd) {
    case IPC_INFO: return limits(arg);
    case SHM_INFO: return sums(arg);
    case IPC_STAT:
    case SHM_STAT:
    case SHM_STAT_ANY: return stat(id, cmd, arg);
    case IPC_SET:
        if (get_user(d, arg) != 0)
            return -EFAULT;
        break;
    case IPC_RMID:
    case SHM_LOCK:
    case SHM_UNLOCK: break;
    default: return -EINVAL;
    }
    long ret = ipc_find(&ipc_here()->shm, id, &o);
    if (ret != 0)
        return ret;
    ret = cmd == SHM_LOCK || cmd == SHM_UNLOCK ? lock(shm_of(o), cmd) : change(shm_of(o), cmd, &d);
    ipc_put(o);
    return ret;
}
