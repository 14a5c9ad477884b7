/* sem_ctl.c - semctl(2): what a set is like, and its values by themselves. */
#include "arch/preempt.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "ipc/sem.h"
#include "lib/string.h"
#include "proc/pid_ns.h"

#define PART      64u /* values that are copied at a time */
#define WORK_PART 2500u

/* --- about all of them --------------------------------------------------------------- */

static long info(int cmd, uaddr_t to)
{
    struct seminfo i = {
        .semmap = SEMMAP,
        .semmni = (int)ipc_here()->sem.limit,
        .semmns = (int)ipc_here()->sem_max_all,
        .semmnu = SEMMNU,
        .semmsl = (int)ipc_here()->sem_max_in_set,
        .semopm = (int)ipc_here()->sem_max_ops,
        .semume = SEMUME,
        .semusz = SEMUSZ,
        .semvmx = SEMVMX,
        .semaem = SEMAEM,
    };

    if (cmd == SEM_INFO) {
        i.semusz = (int)ipc_here()->sem.used;
        i.semaem = (int)ipc_here()->sem_all;
    }
    return put_user(i, to) != 0 ? -EFAULT : MAX(ipc_here()->sem.highest, 0);
}

/* --- values; lock held --------------------------------------------------------------- */

static long count_waiting(struct sem_set *s, unsigned num, bool for_zero)
{
    struct sem_wait *w;
    long n = 0;

    list_for_each(w, &s->pending, link) {
        n += w->stuck->sem_num == num && (w->stuck->sem_op == 0) == for_zero;
        preempt_work(12);
    }
    return n;
}

static long get_all(struct sem_set *s, uaddr_t to)
{
    uint16_t part[PART];

    for (uint32_t i = 0; i < s->n;) {
        uint32_t n = MIN(s->n - i, PART);

        for (uint32_t j = 0; j < n; j++)
            part[j] = (uint16_t)sem_of(s, i + j)->value;
        if (copy_to_user(to + i * sizeof(*part), part, n * sizeof(*part)) != 0)
            return -EFAULT;
        i += n;
        preempt_work(WORK_PART);
    }
    return 0;
}

static void set_value(struct sem_set *s, uint32_t i, int value)
{
    struct sem *sem = sem_of(s, i);

    sem->value = value;
    sem->pid = ipc_pid();
}

static void values_set(struct sem_set *s, uint32_t from, uint32_t n)
{
    sem_undo_forget(s, from, n);
    s->ctime = ipc_time();
    sem_serve(s);
}

/* The values were copied in before: they are looked at before one of them is set. */
static long set_all(struct sem_set *s, const struct chunks *values)
{
    for (uint32_t i = 0; i < s->n; i++) {
        if (*(uint16_t *)chunk_at(values, i) > SEMVMX)
            return -ERANGE;
        preempt_work(30);
    }
    for (uint32_t i = 0; i < s->n; i++) {
        set_value(s, i, *(uint16_t *)chunk_at(values, i));
        preempt_work(60);
    }
    values_set(s, 0, s->n);
    return 0;
}

static long copy_in(struct chunks *values, uint32_t n, uaddr_t from)
{
    for (uint32_t i = 0; i < n; i += values->per_page) {
        size_t bytes = MIN(n - i, values->per_page) * sizeof(uint16_t);

        if (copy_from_user(chunk_at(values, i), from + i * sizeof(uint16_t), bytes) != 0)
            return -EFAULT;
        preempt_work(WORK_PART);
    }
    return 0;
}

static long set_all_from(struct sem_set *s, uaddr_t from)
{
    struct chunks values;
    long ret = chunks_alloc(&values, s->n, sizeof(uint16_t));

    if (ret != 0)
        return ret;
    ret = copy_in(&values, s->n, from);
    if (ret == 0)
        ret = sem_lock(s);
    if (ret == 0) {
        ret = set_all(s, &values);
        mutex_unlock(&s->lock);
    }
    chunks_free(&values);
    return ret;
}

static long set_one(struct sem_set *s, unsigned num, int value)
{
    if (value < 0 || value > SEMVMX)
        return -ERANGE;
    if (num >= s->n)
        return -EINVAL;
    set_value(s, num, value);
    values_set(s, num, 1);
    return 0;
}

static long get_one(struct sem_set *s, unsigned num, int cmd)
{
    if (num >= s->n)
        return -EINVAL;
    switch (cmd) {
    case GETVAL: return sem_of(s, num)->value;
    case GETPID: return pid_stamp_told(sem_of(s, num)->pid);
    default: return count_waiting(s, num, cmd == GETZCNT);
    }
}

/* --- a set as a whole; lock held -------------------------------------------------------- */

static void describe(struct sem_set *s, struct semid64_ds *d)
{
    memset(d, 0, sizeof(*d));
    ipc_show(&s->ipc, &d->sem_perm);
    d->sem_otime = s->otime;
    d->sem_ctime = s->ctime;
    d->sem_nsems = s->n;
}

static long change(struct sem_set *s, int cmd, const struct semid64_ds *d)
{
    long err = ipc_may_change(&s->ipc);

    if (err != 0)
        return err;
    if (cmd == IPC_SET) {
        err = ipc_change(&s->ipc, &d->sem_perm);
        if (err == 0)
            s->ctime = ipc_time();
        return err;
    }
    ipc_remove(&s->ipc, NULL);
    sem_end(s);
    return 0;
}

void sem_remove(struct ipc_object *o)
{
    struct sem_set *s = container_of(o, struct sem_set, ipc);

    if (sem_lock(s) != 0)
        return;
    ipc_remove(o, NULL);
    sem_end(s);
    mutex_unlock(&s->lock);
}

/* --- the call ------------------------------------------------------------------------- */

static long stat(int id, int cmd, uaddr_t to)
{
    struct semid64_ds d;
    struct ipc_object *o;
    long ret = cmd == IPC_STAT ? ipc_find(&ipc_here()->sem, id, &o)
                               : ipc_find_index(&ipc_here()->sem, id, &o);

    if (ret != 0)
        return ret;
    struct sem_set *s = container_of(o, struct sem_set, ipc);
    if (cmd != SEM_STAT_ANY)
        ret = ipc_permission(o, 0444);
    if (ret == 0)
        ret = sem_lock(s);
    if (ret == 0) {
        describe(s, &d);
        mutex_unlock(&s->lock);
        ret = cmd == IPC_STAT ? 0 : o->id;
        if (put_user(d, to) != 0)
            ret = -EFAULT;
    }
    ipc_put(o);
    return ret;
}

/* With the lock: cmd needs it for all that it does. */
static long locked(struct sem_set *s, unsigned num, int cmd, uaddr_t arg,
                   const struct semid64_ds *d)
{
    switch (cmd) {
    case GETALL: return get_all(s, arg);
    case SETVAL: return set_one(s, num, (int)arg);
    case IPC_SET:
    case IPC_RMID: return change(s, cmd, d);
    default: return get_one(s, num, cmd);
    }
}

static long on_set(struct sem_set *s, unsigned num, int cmd, uaddr_t arg)
{
    struct semid64_ds d;
    long ret = 0;

    if (cmd == IPC_SET && get_user(d, arg) != 0)
        return -EFAULT;
    if (cmd != IPC_SET && cmd != IPC_RMID)
        ret = ipc_permission(&s->ipc, cmd == SETVAL || cmd == SETALL ? 0222 : 0444);
    if (ret != 0)
        return ret;
    if (cmd == SETALL)
        return set_all_from(s, arg);
    ret = sem_lock(s);
    if (ret == 0) {
        ret = locked(s, num, cmd, arg, &d);
        mutex_unlock(&s->lock);
    }
    return ret;
}

SYSCALL4(semctl, int, id, unsigned, num, int, cmd, uaddr_t, arg)
{
    struct ipc_object *o;

    if (id < 0)
        return -EINVAL;
    switch (cmd) {
    case IPC_INFO:
    case SEM_INFO: return info(cmd, arg);
    case IPC_STAT:
    case SEM_STAT:
    case SEM_STAT_ANY: return stat(id, cmd, arg);
    case GETALL:
    case GETVAL:
    case GETPID:
    case GETNCNT:
    case GETZCNT:
    case SETVAL:
    case SETALL:
    case IPC_SET:
    case IPC_RMID: break;
    default: return -EINVAL;
    }
    long ret = ipc_find(&ipc_here()->sem, id, &o);
    if (ret == 0) {
        ret = on_set(container_of(o, struct sem_set, ipc), num, cmd, arg);
        ipc_put(o);
    }
    return ret;
}
