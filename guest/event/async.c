/* async.c - files that tell of themselves by a signal.
 *
 * With O_ASYNC set, a watch stands in each queue that the file's poll operation names, as an
 * epoll's would.  A wake of such a queue notes which it was, and a timer that is due at once sends the
 * signal: notify() comes with locks held that sending wants.  Several wakes before the
 * timer comes are one signal.
 *
 * TOLD_BUSY says that the timer is started, or about to be, or that fire() runs.  Who turns it on starts the timer;
 * fire() turns it off only when nothing else has been noted: so nobody starts the timer while somebody else does.
 *
 * The last file_put() takes the watches away first, so notify() runs no more, then waits for the timer: the
 * file is there for as long as fire() is.
 *
 * Rights are those of who set the owner, at that moment; they are compared when a signal is sent.
 * An owner that is a group may have thousands of members: each visit of the timer looks at some. */
#include "event/async.h"
#include "event/inotify.h"
#include "event/lease.h"
#include "arch/clock.h"
#include "arch/uaccess.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/poll.h"
#include "mm/heap.h"
#include "net/unix.h"
#include "proc/pid.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include "proc/signal.h"
#include "proc/task.h"
#include "sched/timer.h"

#include <linux/fcntl.h>

#define QUEUES  3u  /* that a file with O_ASYNC has at most */
#define AT_ONCE 64u /* processes that one visit looks at, some 600 instructions each */

enum { TOLD_IN = 1, TOLD_OUT = 2, TOLD_BUSY = 4, TOLD_MSG = 8, TOLD_URGENT = 16 };

struct async_watch {
    struct watch watch;
    struct async *async;
    uint32_t tells; /* [k] TOLD_* */
};

struct async {
    struct file *file; /* [k] */
    struct timer timer;
    uint32_t told; /* [a] TOLD_*: noted since the last signal */
    /* whom: [T] */
    int type; /* F_OWNER_* */
    uint32_t pid;
    struct process *proc; /* of that number, with a reference; its task, too, for a thread */
    struct task *task;
    uint32_t uid, euid; /* of who said so */
    int sig, fd;
    struct family_walk walk;            /* [T] through a group, on account of: */
    bool walking;                       /* [T] */
    uint32_t telling;                   /* [T] TOLD_* */
    struct async_watch watches[QUEUES]; /* [file.lock] */
    uint32_t nwatches;                  /* [file.lock] */
};

/* --- sending: tree_lock held ------------------------------------------------------------ */

/* One that may write, as Linux says it: a bit more than one that is ready. */
static const struct told {
    int code;
    long band;
} tell_in = { POLL_IN, EPOLLIN | EPOLLRDNORM },
  tell_out = { POLL_OUT, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND },
  tell_msg = { POLL_MSG, EPOLLIN | EPOLLRDNORM | EPOLLMSG },
  tell_urgent = { POLL_PRI, EPOLLPRI | EPOLLRDBAND }, tell_end = { POLL_HUP, EPOLLHUP | EPOLLERR };

static bool allowed(const struct async *a, const struct task *t)
{
    const struct cred *c = &t->cred;

    return a->euid == 0 || a->euid == c->suid || a->euid == c->uid || a->uid == c->suid ||
           a->uid == c->uid;
}

/* Do codes of these signals mean something of their own? */
#define OWN_CODES \
    (SIGBIT(SIGILL) | SIGBIT(SIGFPE) | SIGBIT(SIGSEGV) | SIGBIT(SIGBUS) | SIGBIT(SIGTRAP) | \
     SIGBIT(SIGCHLD) | SIGBIT(SIGSYS))

/* The owner, if there is one and it lives; not for a group. */
static struct task *owner_of(const struct async *a)
{
    if (a->task != NULL)
        return task_find(a->pid) == a->task ? a->task : NULL;
    return a->proc != NULL && process_find(a->pid) == a->proc ? a->proc->leader : NULL;
}

static int send_to(const struct async *a, struct task *t, int sig, const siginfo_t *info)
{
    return a->task != NULL ? signal_send_task_locked(t, sig, info)
                           : signal_send_process_locked(t->proc, sig, info);
}

static void send(const struct async *a, struct task *t, const struct told *what)
{
    if (a->sig != 0) {
        siginfo_t info = { .si_signo = a->sig };
        info.si_code = OWN_CODES & SIGBIT(a->sig) ? SI_SIGIO : what->code;
        info.si_band = what->band;
        info.si_fd = a->fd;
        if (send_to(a, t, a->sig, &info) != -EAGAIN)
            return;
    }
    send_to(a, t, SIGIO, NULL); /* what comes, too, when too many of the others wait */
}

static void send_all(struct async *a, struct task *t)
{
    struct file *f = a->file;
    uint32_t told = a->telling;
    const struct told *in = &tell_in;

    if (t == NULL || !allowed(a, t))
        return;
    if (told & TOLD_MSG)
        send(a, t, &tell_msg);
    if (told &
        TOLD_URGENT) { /* also without O_ASYNC; with it, by the signal of its own, if it has one */
        send_to(a, t, SIGURG, NULL);
        if (a->nwatches > 0 && a->sig != 0)
            send(a, t, &tell_urgent);
    }
    told &= TOLD_IN | TOLD_OUT;
    if (told == 0)
        return;
    if (a->nwatches == 1 && file_readable(f) && file_writable(f)) /* one queue for both */
        told = f->ops->poll(f, NULL) & (EPOLLIN | EPOLLHUP) ? TOLD_IN : TOLD_OUT;
    else if (S_ISSOCK(f->inode->mode) && f->ops->poll(f, NULL) & EPOLLHUP)
        in = &tell_end;
    if (told & TOLD_IN)
        send(a, t, in);
    if (told & TOLD_OUT)
        send(a, t, &tell_out);
}

/* To some more of the group.  True: there may be others. */
static bool send_some(struct async *a)
{
    for (unsigned n = 0; n < AT_ONCE; n++) {
        struct list *l = family_walk_step(&a->walk);
        if (l == NULL) {
            family_walk_end(&a->walk);
            a->walking = false;
            return false;
        }
        struct process *p = list_entry(l, struct process, all_link);
        if (p->pgid == a->pid)
            send_all(a, p->leader);
    }
    return true;
}

static void fire(struct timer *timer)
{
    struct async *a = container_of(timer, struct async, timer);
    uint32_t busy = TOLD_BUSY;

    spin_lock(&tree_lock);
    if (!a->walking) {
        a->telling =
            __atomic_fetch_and(&a->told, TOLD_BUSY, __ATOMIC_SEQ_CST) & ~(uint32_t)TOLD_BUSY;
        a->walking = a->type == F_OWNER_PGRP && a->pid != 0;
        if (a->walking)
            family_walk_begin(&a->walk, &all_processes);
        else
            send_all(a, owner_of(a));
    }
    bool more = a->walking && send_some(a);
    spin_unlock(&tree_lock);
    if (more ||
        !__atomic_compare_exchange_n(&a->told, &busy, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        timer_start(timer, clock_mono_ns());
}

static void note(struct async *a, uint32_t tells)
{
    if (!(__atomic_fetch_or(&a->told, tells | TOLD_BUSY, __ATOMIC_SEQ_CST) & TOLD_BUSY))
        timer_start(&a->timer, clock_mono_ns());
}

static bool notify(struct watch *w, uint32_t events)
{
    struct async_watch *aw = container_of(w, struct async_watch, watch);

    (void)events;
    note(aw->async, aw->tells);
    return true;
}

void async_tell(struct file *f) { note(f->async, TOLD_MSG); }

static void tell_of_urgent(struct file *f)
{
    struct async *a = __atomic_load_n(&f->async, __ATOMIC_ACQUIRE);

    if (a != NULL)
        note(a, TOLD_URGENT);
}

/* --- life --------------------------------------------------------------------------------- */

/* f's, made when it is first asked for; NULL: no memory. */
static struct async *async_of(struct file *f)
{
    struct async *a = __atomic_load_n(&f->async, __ATOMIC_ACQUIRE), *nobody = NULL;

    if (a != NULL || (a = kzalloc(sizeof(*a))) == NULL)
        return a;
    a->file = f;
    timer_setup(&a->timer, fire);
    if (__atomic_compare_exchange_n(&f->async, &nobody, a, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return a;
    kfree(a);
    return nobody;
}

static void leave_queues(struct async *a)
{
    while (a->nwatches > 0)
        watch_remove(&a->watches[--a->nwatches].watch);
}

static void put_owner(struct process *p, struct task *t)
{
    if (p != NULL)
        process_put(p);
    if (t != NULL)
        task_put(t);
}

/* A descriptor of f goes; or, with NULL, the last reference. */
static void end(struct file *f, const void *closed_in)
{
    struct async *a = f->async;

    dnotify_end(f, closed_in);
    if (closed_in != NULL)
        return;
    lease_end(f);
    leave_queues(a);
    timer_finish(&a->timer);
    if (a->walking) {
        spin_lock(&tree_lock);
        family_walk_end(&a->walk);
        spin_unlock(&tree_lock);
    }
    put_owner(a->proc, a->task);
    kfree(a);
}

void async_init(void)
{
    file_on_end_async(end);
    unix_tell_urgent = tell_of_urgent;
}

/* --- asking for it ------------------------------------------------------------------------- */

struct async_table {
    struct poll_table pt;
    struct async *async;
};

/* The first of several queues is for readers (all poll operations have that order). */
static void enter(struct poll_table *pt, struct waitq *q)
{
    struct async *a = container_of(pt, struct async_table, pt)->async;
    struct async_watch *w = &a->watches[a->nwatches];

    ASSERT(a->nwatches < QUEUES);
    w->async = a;
    w->tells = a->nwatches == 0 && file_readable(a->file) ? TOLD_IN : TOLD_OUT;
    w->watch.notify = notify;
    a->nwatches++;
    watch_add(q, &w->watch);
}

int async_set(struct file *f, int fd, bool on)
{
    struct async *a = async_of(f);

    if (a == NULL)
        return -ENOMEM;
    leave_queues(a);
    if (!on)
        return 0;
    spin_lock(&tree_lock);
    a->fd = fd;
    spin_unlock(&tree_lock);
    struct async_table t = { { enter }, a };
    f->ops->poll(f, &t.pt);
    return 0;
}

/* By numbers: 0 nobody. */
static long set_owner(struct file *f, int type, int who)
{
    struct async *a = async_of(f);
    long err = 0;

    if (a == NULL)
        return -ENOMEM;
    spin_lock(&tree_lock);
    struct task *t = who > 0 ? task_named((uint32_t)who) : NULL;
    uint32_t pid = who > 0 ? pid_named((uint32_t)who) : 0;
    struct process *was_proc = a->proc, *p = t != NULL && type == F_OWNER_PID ? t->proc : NULL;
    struct task *was = a->task;
    if (who != 0 && t == NULL && pid_group_session(pid) == NULL) {
        err = -ESRCH;
        was_proc = NULL;
        was = NULL;
    } else {
        if (a->walking)
            family_walk_end(&a->walk);
        a->walking = false;
        if (p != NULL)
            process_get(p);
        a->proc = p;
        a->task = type == F_OWNER_TID ? t : NULL;
        if (a->task != NULL)
            task_get(t);
        a->type = type;
        a->pid = pid;
        a->uid = current->cred.uid;
        a->euid = current->cred.euid;
        if (p != NULL)
            a->pid = p->tgid;
    }
    spin_unlock(&tree_lock);
    put_owner(was_proc, was);
    return err;
}

long async_set_owner(struct file *f, int who)
{
    if (who == INT32_MIN)
        return -EINVAL;
    return set_owner(f, who < 0 ? F_OWNER_PGRP : F_OWNER_PID, who < 0 ? -who : who);
}

int async_own(struct file *f, int fd, bool *set)
{
    struct async *a = async_of(f);

    if (a == NULL)
        return -ENOMEM;
    spin_lock(&tree_lock);
    *set = a->pid == 0;
    a->fd = fd;
    spin_unlock(&tree_lock);
    return *set ? (int)set_owner(f, F_OWNER_PID, (int)pid_told(current->proc->tgid)) : 0;
}

void async_disown(struct file *f)
{
    set_owner(f, F_OWNER_TID, 0);
    async_set_signal(f, 0);
}

/* Its number, 0 if it is gone. */
static int owner_number(struct async *a)
{
    spin_lock(&tree_lock);
    bool there = a->type == F_OWNER_PGRP ? pid_group_session(a->pid) != NULL : owner_of(a) != NULL;
    int who = there ? (int)pid_told(a->pid) : 0;
    spin_unlock(&tree_lock);
    return who;
}

long async_get_owner(struct file *f)
{
    struct async *a = __atomic_load_n(&f->async, __ATOMIC_ACQUIRE);

    if (a == NULL)
        return 0;
    return a->type == F_OWNER_PGRP ? -owner_number(a) : owner_number(a);
}

long async_set_owner_ex(struct file *f, uaddr_t from)
{
    struct f_owner_ex o;

    if (get_user(o, from) != 0)
        return -EFAULT;
    if (o.type != F_OWNER_TID && o.type != F_OWNER_PID && o.type != F_OWNER_PGRP)
        return -EINVAL;
    return set_owner(f, o.type, o.pid);
}

long async_get_owner_ex(struct file *f, uaddr_t to)
{
    struct async *a = __atomic_load_n(&f->async, __ATOMIC_ACQUIRE);
    struct f_owner_ex o = { F_OWNER_TID, 0 };

    if (a != NULL)
        o = (struct f_owner_ex){ a->type, owner_number(a) };
    return put_user(o, to);
}

long async_get_owner_uids(struct file *f, uaddr_t to)
{
    struct async *a = __atomic_load_n(&f->async, __ATOMIC_ACQUIRE);
    uint32_t uids[2] = { a != NULL ? a->uid : 0, a != NULL ? a->euid : 0 };

    return copy_to_user(to, uids, sizeof(uids)) != 0 ? -EFAULT : 0;
}

long async_set_signal(struct file *f, uint64_t sig)
{
    struct async *a;

    if (sig > SIG_MAX)
        return -EINVAL;
    if ((a = async_of(f)) == NULL)
        return -ENOMEM;
    spin_lock(&tree_lock);
    a->sig = (int)sig;
    spin_unlock(&tree_lock);
    return 0;
}

long async_get_signal(struct file *f)
{
    struct async *a = __atomic_load_n(&f->async, __ATOMIC_ACQUIRE);

    return a != NULL ? a->sig : 0;
}
