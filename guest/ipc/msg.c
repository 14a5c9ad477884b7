/* msg.c - System V messages: msgget(2), msgsnd(2), msgrcv(2).
 *
 * A message goes to the one that has waited longest for such a one, without being in the queue;
 * so nobody who comes by takes it away from him.  A receiver that waits is in the queue's list, by a record on his stack,
 * which belongs to the list: woken by whatever, he takes the lock and looks whether he was
 * given something meanwhile.
 * Senders that wait for room look again when there is some. */
#include "ipc/msg.h"
#include "arch/preempt.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "ipc/message.h"
#include "mm/heap.h"
#include "sched/task.h"

#define WORK_LOOK 25u /* instructions a message or receiver, about (arch/preempt.h) */

enum which { ANY, EQUAL, NOT_EQUAL, AT_MOST, BY_INDEX };
struct wanted {
    enum which which;
    int64_t type; /* or index */
    size_t room;
    bool cut; /* MSG_NOERROR */
};
struct msg_receiver {
    struct list link;
    struct waitq queue; /* he sleeps here */
    const struct wanted *wanted;
    uint64_t pid;
    bool done;           /* [queue's lock], read without: got or err is there */
    struct message *got; /* [queue's lock] */
    int err;             /* [queue's lock] 0: look again */
};

static struct msg_queue *queue_of(struct ipc_object *o)
{
    return container_of(o, struct msg_queue, ipc);
}

/* --- life ------------------------------------------------------------------------------- */

static void count(struct msg_queue *q, const struct message *m, int by)
{
    __atomic_store_n(&q->nbytes, q->nbytes + (uint64_t)by * m->size, __ATOMIC_RELAXED);
    __atomic_store_n(&q->nmessages, q->nmessages + (uint64_t)by, __ATOMIC_RELAXED);
    struct ipc_space *space = q->ipc.ids->space;
    __atomic_add_fetch(&space->msg_all, (uint64_t)by, __ATOMIC_RELAXED);
    __atomic_add_fetch(&space->msg_all_bytes, (uint64_t)by * m->size, __ATOMIC_RELAXED);
}

void msg_free(struct ipc_object *o)
{
    struct msg_queue *q = queue_of(o);

    while (!list_empty(&q->messages)) {
        struct message *m = list_first(&q->messages, struct message, link);

        list_remove(&m->link);
        count(q, m, -1);
        message_free(m);
        preempt_work(WORK_LOOK * 8);
    }
    kfree(q);
}

static int make_queue(uint64_t arg __attribute__((unused)), struct ipc_object **out)
{
    struct msg_queue *q = kzalloc(sizeof(*q));

    if (q == NULL)
        return -ENOMEM;
    mutex_init(&q->lock, LOCK_ipc);
    list_init(&q->messages);
    list_init(&q->receivers);
    waitq_init(&q->senders);
    q->max_bytes = ipc_here()->msg_max_bytes;
    q->changed = ipc_time();
    *out = &q->ipc;
    return 0;
}

static int always(const struct ipc_object *o __attribute__((unused)),
                  uint64_t arg __attribute__((unused)))
{
    return 0;
}

SYSCALL2(msgget, int32_t, key, int, flags)
{
    const struct ipc_get get = { .ids = &ipc_here()->msg, .make = make_queue, .check = always };

    return ipc_get(&get, key, flags, 0);
}

int msg_lock(struct msg_queue *q)
{
    mutex_lock(&q->lock);
    if (!q->ipc.gone)
        return 0;
    mutex_unlock(&q->lock);
    return -EIDRM;
}

/* --- giving; lock held ---------------------------------------------------------------------- */

static bool matches(const struct wanted *w, const struct message *m)
{
    switch (w->which) {
    case EQUAL: return m->type == w->type;
    case NOT_EQUAL: return m->type != w->type;
    case AT_MOST: return m->type <= w->type;
    default: return true;
    }
}

static void finish(struct msg_receiver *r, struct message *m, int err)
{
    list_remove(&r->link);
    r->got = m;
    r->err = err;
    __atomic_store_n(&r->done, true, __ATOMIC_RELEASE);
    waitq_wake(&r->queue);
}

/* To whom has waited for it longest.  Those that it is too long for are told so. */
static bool hand_over(struct msg_queue *q, struct message *m)
{
    struct msg_receiver *r, *next;

    list_for_each_safe(r, next, &q->receivers, link) {
        preempt_work(WORK_LOOK);
        if (!matches(r->wanted, m))
            continue;
        if (m->size > r->wanted->room && !r->wanted->cut) {
            finish(r, NULL, -E2BIG);
            continue;
        }
        q->last_receiver = r->pid;
        q->received = ipc_time();
        finish(r, m, 0);
        return true;
    }
    return false;
}

void msg_wake_all(struct msg_queue *q, int err)
{
    struct msg_receiver *r, *next;

    list_for_each_safe(r, next, &q->receivers, link) {
        finish(r, NULL, err);
        preempt_work(WORK_LOOK * 8);
    }
    waitq_wake(&q->senders);
}

/* --- sending ------------------------------------------------------------------------------------ */

/* Asked without the lock, too. */
static bool fits(struct msg_queue *q, size_t n)
{
    uint64_t bytes = __atomic_load_n(&q->nbytes, __ATOMIC_RELAXED);
    uint64_t messages = __atomic_load_n(&q->nmessages, __ATOMIC_RELAXED);
    uint64_t max = __atomic_load_n(&q->max_bytes, __ATOMIC_RELAXED);

    return n + bytes <= max && messages + 1 <= max;
}

/* Locked where it gives 0, which is when there is room. */
static long wait_for_room(struct msg_queue *q, size_t n, int flags)
{
    for (;;) {
        long err = msg_lock(q);

        if (err != 0)
            return err;
        err = ipc_permission(&q->ipc, 0222);
        if (err == 0 && fits(q, n))
            return 0;
        mutex_unlock(&q->lock);
        if (err == 0 && flags & IPC_NOWAIT)
            err = -EAGAIN;
        if (err == 0)
            err = WAIT_EVENT(&q->senders, fits(q, n) || q->ipc.gone, BLOCK_msg_send, 0,
                             BLOCK_INTERRUPTIBLE, NO_DEADLINE);
        if (err != 0)
            return err == -ERESTARTSYS ? -ERESTARTNOHAND : err;
    }
}

static long send(struct msg_queue *q, struct message *m, int flags)
{
    long err = wait_for_room(q, m->size, flags);

    if (err != 0)
        return err;
    q->last_sender = ipc_pid();
    q->sent = ipc_time();
    if (!hand_over(q, m)) {
        list_push_back(&q->messages, &m->link);
        count(q, m, 1);
    }
    mutex_unlock(&q->lock);
    return 0;
}

SYSCALL4(msgsnd, int, id, uaddr_t, at, size_t, n, int, flags)
{
    struct ipc_object *o;
    struct message *m;
    int64_t type;

    if (get_user(type, at) != 0)
        return -EFAULT;
    if (n > ipc_here()->msg_max_size || id < 0 || type < 1)
        return -EINVAL;
    long ret = message_take(at + sizeof(type), n, &m);
    if (ret != 0)
        return ret;
    m->type = type;
    ret = ipc_find(&ipc_here()->msg, id, &o);
    if (ret == 0) {
        ret = send(queue_of(o), m, flags);
        ipc_put(o);
    }
    if (ret != 0)
        message_free(m);
    return ret;
}

/* --- receiving ---------------------------------------------------------------------------------- */

static struct message *find(struct msg_queue *q, const struct wanted *w)
{
    struct message *m, *best = NULL;
    int64_t i = 0;

    list_for_each(m, &q->messages, link) {
        preempt_work(WORK_LOOK);
        if (w->which == BY_INDEX ? i++ != w->type : !matches(w, m))
            continue;
        if (w->which != AT_MOST)
            return m;
        if (best == NULL || m->type < best->type)
            best = m;
    }
    return best;
}

static void take_out(struct msg_queue *q, struct message *m)
{
    list_remove(&m->link);
    count(q, m, -1);
    q->last_receiver = ipc_pid();
    q->received = ipc_time();
    waitq_wake(&q->senders);
}

/* Its type and what there is room for: how many bytes that is, or -EFAULT. */
static long give(const struct message *m, const struct wanted *w, uaddr_t to)
{
    size_t n = MIN(m->size, w->room);

    if (put_user(m->type, to) != 0 || message_give(m, to + sizeof(m->type), n) != 0)
        return -EFAULT;
    return (long)n;
}

/* Sleeps until somebody gives it a message: 1 and *out; 0: look again; -errno.  Lock held,
 * given back. */
static long wait_for_message(struct msg_queue *q, const struct wanted *w, struct message **out)
{
    struct msg_receiver r = { .wanted = w, .pid = ipc_pid() };

    waitq_init(&r.queue);
    list_push_back(&q->receivers, &r.link);
    mutex_unlock(&q->lock);
    int err = WAIT_EVENT(&r.queue, __atomic_load_n(&r.done, __ATOMIC_ACQUIRE), BLOCK_msg_receive, 0,
                         BLOCK_INTERRUPTIBLE, NO_DEADLINE);
    mutex_lock(&q->lock);
    if (!r.done)
        list_remove(&r.link);
    mutex_unlock(&q->lock);
    *out = r.got;
    if (r.done)
        return r.got != NULL ? 1 : r.err;
    return err == -ERESTARTSYS ? -ERESTARTNOHAND : err;
}

/* One pass: 1 and a message that is nobody's any more; 0: look again; -errno.  Lock held, given
 * back. */
static long look(struct msg_queue *q, const struct wanted *w, int flags, struct message **out)
{
    long err = ipc_permission(&q->ipc, 0444);
    struct message *m = err == 0 ? find(q, w) : NULL;

    if (m != NULL && m->size > w->room && !w->cut)
        err = -E2BIG;
    else if (m == NULL && err == 0 && flags & IPC_NOWAIT)
        err = -ENOMSG;
    if (err == 0 && m == NULL)
        return wait_for_message(q, w, out);
    if (err == 0)
        take_out(q, m);
    mutex_unlock(&q->lock);
    *out = m;
    return err != 0 ? err : 1;
}

static long receive(struct msg_queue *q, const struct wanted *w, int flags, uaddr_t to)
{
    struct message *m;
    long ret;

    do {
        ret = msg_lock(q);
        if (ret != 0)
            return ret;
        ret = look(q, w, flags, &m);
    } while (ret == 0);
    if (ret < 0)
        return ret;
    ret = give(m, w, to);
    message_free(m);
    return ret;
}

/* MSG_COPY: it stays. */
static long peek(struct msg_queue *q, const struct wanted *w, uaddr_t to)
{
    long ret = msg_lock(q);

    if (ret != 0)
        return ret;
    ret = ipc_permission(&q->ipc, 0444);
    struct message *m = ret == 0 ? find(q, w) : NULL;
    if (ret == 0 && m == NULL)
        ret = -ENOMSG;
    else if (ret == 0 && m->size > w->room)
        ret = w->cut ? -EINVAL : -E2BIG;
    if (ret == 0)
        ret = give(m, w, to);
    mutex_unlock(&q->lock);
    return ret;
}

static struct wanted what(size_t room, int64_t type, int flags)
{
    struct wanted w = { .type = type, .room = room, .cut = flags & MSG_NOERROR };

    if (flags & MSG_COPY) {
        w.which = BY_INDEX;
    } else if (type == 0) {
        w.which = ANY;
    } else if (type < 0) {
        w.which = AT_MOST;
        w.type = type == INT64_MIN ? INT64_MAX : -type;
    } else {
        w.which = flags & MSG_EXCEPT ? NOT_EQUAL : EQUAL;
    }
    return w;
}

SYSCALL5(msgrcv, int, id, uaddr_t, to, size_t, room, int64_t, type, int, flags)
{
    struct ipc_object *o;

    if (id < 0 || (int64_t)room < 0)
        return -EINVAL;
    if (flags & MSG_COPY && (flags & MSG_EXCEPT || !(flags & IPC_NOWAIT)))
        return -EINVAL;
    const struct wanted w = what(room, type, flags);
    long ret = ipc_find(&ipc_here()->msg, id, &o);
    if (ret != 0)
        return ret;
    ret = flags & MSG_COPY ? peek(queue_of(o), &w, to) : receive(queue_of(o), &w, flags, to);
    ipc_put(o);
    return ret;
}
