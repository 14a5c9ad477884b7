/* shm_ctl.c - shmctl(2). */
#include "arch/preempt.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "ipc/shm.h"
#include "lib/string.h"
#include "sched/task.h"

/* --- about all of them --------------------------------------------------------------- */

static long limits(uaddr_t to)
{
    struct shminfo64 i = {
        .shmmax = shm_max_size,
        .shmmin = SHMMIN,
        .shmmni = shm_ids.limit,
        .shmseg = shm_ids.limit,
        .shmall = shm_max_pages,
    };

    return put_user(i, to) != 0 ? -EFAULT : MAX(shm_ids.highest, 0);
}

static long sums(uaddr_t to)
{
    struct shm_info i = { .used_ids = (int)shm_ids.used, .shm_tot = shm_pages() };
    struct ipc_object *o;
    bool more = true;

    for (uint32_t at = 0; more;) {
        o = ipc_next(&shm_ids, &at, &more);
        if (o != NULL) {
            i.shm_rss += shm_resident(shm_of(o));
            ipc_put(&shm_ids, o);
            at++;
        }
        preempt_work(IPC_PAGE_SLOTS * 4);
    }
    return put_user(i, to) != 0 ? -EFAULT : MAX(shm_ids.highest, 0);
}

/* --- about one ------------------------------------------------------------------------- */

static void describe(struct shm_segment *s, struct shmid64_ds *d)
{
    memset(d, 0, sizeof(*d));
    ipc_show(&shm_ids, &s->ipc, &d->shm_perm);
    spin_lock(&shm_ids.lock);
    d->shm_segsz = s->size;
    d->shm_atime = s->atime;
    d->shm_dtime = s->dtime;
    d->shm_ctime = s->ctime;
    d->shm_cpid = (int)s->creator;
    d->shm_lpid = (int)s->last;
    d->shm_nattch = s->attached;
    spin_unlock(&shm_ids.lock);
}

static long stat(int id, int cmd, uaddr_t to)
{
    struct shmid64_ds d;
    struct ipc_object *o;
    long ret = cmd == IPC_STAT ? ipc_find(&shm_ids, id, &o) : ipc_find_index(&shm_ids, id, &o);

    if (ret != 0)
        return ret;
    if (cmd != SHM_STAT_ANY)
        ret = ipc_permission(&shm_ids, o, 0444);
    if (ret == 0) {
        describe(shm_of(o), &d);
        ret = cmd == IPC_STAT ? 0 : o->id;
        if (put_user(d, to) != 0)
            ret = -EFAULT;
    }
    ipc_put(&shm_ids, o);
    return ret;
}

static long change(struct shm_segment *s, int cmd, const struct shmid64_ds *d)
{
    long err = ipc_may_change(&shm_ids, &s->ipc);

    if (err != 0)
        return err;
    if (cmd == IPC_SET) {
        err = ipc_change(&shm_ids, &s->ipc, &d->shm_perm);
        if (err == 0)
            s->ctime = ipc_time();
        return err;
    }
    ipc_make_private(&shm_ids, &s->ipc);
    ipc_mark(&shm_ids, &s->ipc, 0, SHM_DEST);
    shm_end_if_unused(s);
    return 0;
}

/* Nothing is ever swapped out, so it is a mark. */
static long lock(struct shm_segment *s, int cmd)
{
    long err = ipc_may_change(&shm_ids, &s->ipc);

    if (err == 0 && cmd == SHM_LOCK && !has_cap(CAP_IPC_LOCK) &&
        current->proc->rlim[RLIMIT_MEMLOCK].rlim_cur == 0)
        err = -EPERM;
    if (err == 0)
        ipc_mark(&shm_ids, &s->ipc, SHM_LOCKED, cmd == SHM_LOCK ? SHM_LOCKED : 0);
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
    long ret = ipc_find(&shm_ids, id, &o);
    if (ret != 0)
        return ret;
    ret = cmd == SHM_LOCK || cmd == SHM_UNLOCK ? lock(shm_of(o), cmd) : change(shm_of(o), cmd, &d);
    ipc_put(&shm_ids, o);
    return ret;
}
