/* sem.c - System V semaphores: semget(2), semop(2), semtimedop(2).
 *
 * Operations are done all or none, in order, under the set's lock.  If one cannot be done, the
 * call is put into the set's list of pending ones, and its caller sleeps.  Whoever changes a value
 * goes through that list, the oldest first, and does for the sleepers what can be done now: so nobody
 * who comes by later takes away what they have waited for, and what GETNCNT counts is true.
 * A call in the list belongs to the list: its caller, woken, by a signal or by time, takes the lock and looks
 * whether it was done meanwhile.  So it is never both done and interrupted, and its record, which
 * is on the caller's stack, is not used any more once the lock is the caller's.
 *
 * The lock is a mutex: it is held over user memory and over lists whose length a program
 * chooses, in which others may run (arch/preempt.h). */
#include "ipc/sem.h"
#include "arch/clock.h"
#include "arch/preempt.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "sched/task.h"

#include <linux/time_types.h>

#define WORK_OP    40u /* instructions, about (arch/preempt.h) */
#define WORK_SERVE 60u
#define FEW_OPS    16u /* are kept on the stack */

static struct sem_set *set_of(struct ipc_object *o) { return container_of(o, struct sem_set, ipc); }

/* --- life ------------------------------------------------------------------------------ */

void sem_free(struct ipc_object *o)
{
    struct sem_set *s = set_of(o);

    __atomic_sub_fetch(&o->ids->space->sem_all, s->n, __ATOMIC_RELAXED);
    chunks_free(&s->sems);
    kfree(s);
}

static int make_set(uint64_t n, struct ipc_object **out)
{
    if (n == 0)
        return -EINVAL;
    struct ipc_space *space = ipc_here();
    uint64_t now = __atomic_add_fetch(&space->sem_all, (uint32_t)n, __ATOMIC_RELAXED);
    struct sem_set *s = now <= space->sem_max_all ? kzalloc(sizeof(*s)) : NULL;
    if (s == NULL || chunks_alloc(&s->sems, n, sizeof(struct sem)) != 0) {
        kfree(s);
        __atomic_sub_fetch(&space->sem_all, (uint32_t)n, __ATOMIC_RELAXED);
        return now <= space->sem_max_all ? -ENOMEM : -ENOSPC;
    }
    mutex_init(&s->lock, LOCK_ipc);
    list_init(&s->pending);
    list_init(&s->undos);
    s->n = (uint32_t)n;
    s->ctime = ipc_time();
    *out = &s->ipc;
    return 0;
}

static int big_enough(const struct ipc_object *o, uint64_t n)
{
    return n <= container_of(o, const struct sem_set, ipc)->n ? 0 : -EINVAL;
}

SYSCALL3(semget, int32_t, key, int, n, int, flags)
{
    const struct ipc_get get = { .ids = &ipc_here()->sem, .make = make_set, .check = big_enough };

    if (n < 0 || (uint32_t)n > ipc_here()->sem_max_in_set)
        return -EINVAL;
    return ipc_get(&get, key, flags, (uint64_t)n);
}

int sem_lock(struct sem_set *s)
{
    mutex_lock(&s->lock);
    if (!s->ipc.gone)
        return 0;
    mutex_unlock(&s->lock);
    return -EIDRM;
}

/* --- operations; lock held ----------------------------------------------------------------- */

/* What the process's end adds, after this operation: within its range? */
static bool undo_fits(const struct sem_undo *u, const struct sembuf *op)
{
    int adjust = *(int16_t *)chunk_at(&u->adjust, op->sem_num) - op->sem_op;

    return adjust >= -SEMAEM - 1 && adjust <= SEMAEM;
}

static void undo_add(const struct sem_undo *u, const struct sembuf *op, int by)
{
    int16_t *adjust = chunk_at(&u->adjust, op->sem_num);

    *adjust = (int16_t)(*adjust + by);
}

/* 0; 1: it cannot be done now; -ERANGE. */
static long do_one(struct sem_set *s, const struct sembuf *op, const struct sem_undo *u)
{
    struct sem *sem = sem_of(s, op->sem_num);
    int value = sem->value + op->sem_op;

    if ((op->sem_op == 0 && sem->value != 0) || value < 0)
        return 1;
    if (value > SEMVMX)
        return -ERANGE;
    if (op->sem_flg & SEM_UNDO) {
        if (!undo_fits(u, op))
            return -ERANGE;
        undo_add(u, op, -op->sem_op);
    }
    sem->value = value;
    return 0;
}

/* All of w's operations or none: 0; 1 and w->stuck; -EAGAIN, -ERANGE. */
static long do_all(struct sem_set *s, struct sem_wait *w)
{
    unsigned i = 0;
    long ret = 0;

    while (i < w->n && (ret = do_one(s, &w->op[i], w->undo)) == 0)
        i++;
    preempt_work(i * WORK_OP);
    if (ret == 0) {
        for (i = 0; i < w->n; i++)
            sem_of(s, w->op[i].sem_num)->pid = w->pid;
        s->otime = ipc_time();
        return 0;
    }
    w->stuck = &w->op[i];
    while (i-- > 0) {
        sem_of(s, w->op[i].sem_num)->value -= w->op[i].sem_op;
        if (w->op[i].sem_flg & SEM_UNDO)
            undo_add(w->undo, &w->op[i], w->op[i].sem_op);
    }
    return ret == 1 && w->stuck->sem_flg & IPC_NOWAIT ? -EAGAIN : ret;
}

static void finish(struct sem_wait *w, long result)
{
    list_remove(&w->link);
    w->result = result;
    __atomic_store_n(&w->done, true, __ATOMIC_RELEASE);
    waitq_wake(&w->queue);
}

/* One pass.  True: one of them has changed something, too. */
static bool serve_once(struct sem_set *s)
{
    struct sem_wait *w, *next;

    list_for_each_safe(w, next, &s->pending, link) {
        long ret = do_all(s, w);

        preempt_work(WORK_SERVE);
        if (ret == 1)
            continue;
        bool changed = ret == 0 && w->alters;
        finish(w, ret);
        if (changed)
            return true;
    }
    return false;
}

void sem_serve(struct sem_set *s)
{
    while (serve_once(s))
        ;
}

void sem_end(struct sem_set *s)
{
    struct sem_wait *w, *next;

    list_for_each_safe(w, next, &s->pending, link) {
        finish(w, -EIDRM);
        preempt_work(WORK_SERVE * 4);
    }
    sem_undo_drop_all(s);
}

/* --- the calls --------------------------------------------------------------------------------- */

/* What the operations ask for, before anything is done: 0, -EFBIG, -EACCES, -ENOMEM. */
static int prepare(struct sem_set *s, struct sem_wait *w)
{
    bool undo = false;

    for (unsigned i = 0; i < w->n; i++) {
        if (w->op[i].sem_num >= s->n)
            return -EFBIG;
        w->alters |= w->op[i].sem_op != 0;
        undo |= (w->op[i].sem_flg & SEM_UNDO) != 0;
    }
    int err = ipc_permission(&s->ipc, w->alters ? 0222 : 0444);
    return err == 0 && undo ? sem_undo_get(s, &w->undo) : err;
}

/* Sleeps until w is done, or gives it up.  Lock held, given back meanwhile. */
static long wait_for(struct sem_set *s, struct sem_wait *w, uint64_t deadline)
{
    list_push_back(&s->pending, &w->link);
    mutex_unlock(&s->lock);
    int err = WAIT_EVENT(&w->queue, __atomic_load_n(&w->done, __ATOMIC_ACQUIRE), BLOCK_semop, 0,
                         BLOCK_INTERRUPTIBLE, deadline);
    mutex_lock(&s->lock);
    if (w->done)
        return w->result;
    list_remove(&w->link);
    return err == -ETIMEDOUT ? -EAGAIN : -EINTR;
}

static long operate(struct sem_set *s, const struct sembuf *op, unsigned n, uint64_t deadline)
{
    struct sem_wait w = { .op = op, .n = n, .pid = ipc_pid() };

    waitq_init(&w.queue);
    long ret = sem_lock(s);
    if (ret != 0)
        return ret;
    ret = prepare(s, &w);
    if (ret == 0) {
        ret = do_all(s, &w);
        if (ret == 0 && w.alters)
            sem_serve(s);
        else if (ret == 1)
            ret = wait_for(s, &w, deadline);
    }
    mutex_unlock(&s->lock);
    return ret;
}

static int get_deadline(uaddr_t at, uint64_t *deadline)
{
    struct __kernel_timespec t;

    *deadline = NO_DEADLINE;
    if (at == 0)
        return 0;
    if (get_user(t, at) != 0)
        return -EFAULT;
    if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec >= (int64_t)NSEC_PER_SEC)
        return -EINVAL;
    if (t.tv_sec < INT64_MAX / (int64_t)NSEC_PER_SEC / 2)
        *deadline = clock_mono_ns() + (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
    return 0;
}

static long semop(int id, uaddr_t ops, unsigned n, uaddr_t timeout)
{
    struct sembuf few[FEW_OPS], *op = few;
    struct ipc_object *o;
    uint64_t deadline;
    long ret;

    if (n < 1 || id < 0)
        return -EINVAL;
    if (n > ipc_here()->sem_max_ops)
        return -E2BIG;
    if (n > FEW_OPS && (op = kmalloc(n * sizeof(*op))) == NULL)
        return -ENOMEM;
    ret = copy_from_user(op, ops, n * sizeof(*op));
    if (ret == 0)
        ret = get_deadline(timeout, &deadline);
    if (ret == 0)
        ret = ipc_find(&ipc_here()->sem, id, &o);
    if (ret == 0) {
        ret = operate(set_of(o), op, n, deadline);
        ipc_put(o);
    }
    if (op != few)
        kfree(op);
    return ret;
}

SYSCALL3(semop, int, id, uaddr_t, ops, unsigned, n) { return semop(id, ops, n, 0); }

SYSCALL4(semtimedop, int, id, uaddr_t, ops, unsigned, n, uaddr_t, timeout)
{
    return semop(id, ops, n, timeout);
}
