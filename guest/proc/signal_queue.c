/* signal_queue.c - pending sets, queues of siginfo, and dispositions.
 *
 * The bit in the set says that a signal is pending; its siginfo, if there was
 * memory for it, is in the queue.  A standard signal (below SIGRTMIN) is
 * pending once at most.  Real-time signals queue up, and their bit stays until
 * the last one is taken.
 *
 * The queue holds the first of each signal, which holds the others: so however many there are,
 * to add, find or take one is a look at 64 of them at most. */
#include "arch/preempt.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include "proc/signal_internal.h"

#define SOME      16u   /* that are dropped at once */
#define WORK_DROP 3000u /* instructions for that, about (arch/preempt.h) */

const struct ksigaction sig_default_action;

/* Most actions are never set: 2 KiB that nobody has to write. */
struct sighand *sighand_create(void)
{
    struct sighand *s = kmalloc(sizeof(*s));

    if (s != NULL) {
        spin_init(&s->lock, LOCK_sighand);
        ref_init(&s->users, 1);
        s->set = 0;
        s->watched = false;
    }
    return s;
}

struct sighand *sighand_copy(struct sighand *from)
{
    struct sighand *s = sighand_create();

    if (s == NULL)
        return NULL;
    spin_lock(&from->lock);
    s->set = from->set;
    for (ksigset_t left = s->set; left != 0; left &= left - 1) {
        int i = __builtin_ctzll(left);
        s->action[i] = from->action[i];
    }
    spin_unlock(&from->lock);
    return s;
}

void sighand_put(struct sighand *s)
{
    if (ref_put(&s->users))
        kfree(s);
}

void sighand_exec(struct task *t)
{
    struct sighand *s = t->sighand;

    spin_lock(&s->lock);
    for (ksigset_t left = s->set; left != 0; left &= left - 1) {
        int i = __builtin_ctzll(left);

        if (s->action[i].handler == HANDLER_IGNORE)
            s->action[i] = (struct ksigaction){ .handler = HANDLER_IGNORE };
        else
            s->set &= ~(1ull << i);
    }
    spin_unlock(&s->lock);
    t->altstack_sp = t->altstack_size = 0;
    t->altstack_flags = SS_DISABLE;
}

void sigpending_init(struct sigpending *q)
{
    q->set = 0;
    list_init(&q->queue);
}

static void sigqueue_free(struct sigqueue *e)
{
    if (e->owner != NULL)
        *e->owner = (struct timer_signal){ NULL, e->info.si_overrun };
    list_remove(&e->link);
    signal_uncharge(e->account);
    kfree(e);
}

/* Room for an info, charged to the receiver's user; NULL: its limit is reached, or no memory. */
static struct sigqueue *sigqueue_alloc(uint32_t uid, uint64_t limit)
{
    struct sig_account *account = signal_charge(uid, limit);
    struct sigqueue *e = account != NULL ? kmalloc(sizeof(*e)) : NULL;

    if (e != NULL)
        e->account = account;
    else if (account != NULL)
        signal_uncharge(account);
    return e;
}

/* The first of that signal; NULL: none, or its info was lost. */
static struct sigqueue *first_of(struct sigpending *q, int sig)
{
    struct sigqueue *e;

    list_for_each(e, &q->queue, link)
        if (e->info.si_signo == sig)
            return e;
    return NULL;
}

bool sigpending_drop_some(struct sigpending *q, ksigset_t set)
{
    struct sigqueue *e, *next;
    unsigned n = 0;

    if ((q->set & set) == 0)
        return false;
    list_for_each_safe(e, next, &q->queue, link) {
        if (!in_set(set, e->info.si_signo))
            continue;
        for (; !list_empty(&e->more); n++) {
            if (n == SOME)
                return true;
            sigqueue_free(list_first(&e->more, struct sigqueue, link));
        }
        sigqueue_free(e);
    }
    q->set &= ~set;
    return false;
}

void sigpending_drop(struct sigpending *q, ksigset_t set)
{
    while (sigpending_drop_some(q, set))
        ;
}

static SLOW_PATH void flush(struct task *t, bool process)
{
    struct sigpending *q[] = { &t->pending, &t->proc->shared_pending };

    for (bool more = true; more;) {
        more = false;
        spin_lock(&t->sighand->lock);
        for (unsigned i = 0; i <= process; i++)
            if (q[i]->set != 0)
                more |= sigpending_drop_some(q[i], ~0ull);
        spin_unlock(&t->sighand->lock);
        preempt_work(WORK_DROP);
    }
}

/* What comes after this look is flushed when t and its process are freed. */
void signal_flush(struct task *t, bool process)
{
    if ((t->pending.set | t->proc->shared_pending.set) != 0)
        flush(t, process);
}

void sigpending_flush(struct sigpending *q)
{
    if (q->set != 0)
        sigpending_drop(q, ~0ull);
}

/* A signal whose info is lost is still sent, except sigqueue's real-time ones:
 * there the value is the message. */
static int lost_info(int sig, const siginfo_t *info)
{
    return sig >= SIGRTMIN && info != NULL && info->si_code != SI_USER ? -EAGAIN : 0;
}

int sigpending_add(struct sigpending *q, int sig, const siginfo_t *info, struct timer_signal *owner,
                   uint32_t uid, uint64_t limit)
{
    if (sig < SIGRTMIN && in_set(q->set, sig))
        return 0;
    struct sigqueue *e = sigqueue_alloc(uid, limit);
    if (e == NULL) {
        int err = lost_info(sig, info);
        if (err != 0)
            return err;
    } else {
        if (info != NULL) {
            e->info = *info;
        } else {
            memset(&e->info, 0, sizeof(e->info));
            e->info.si_code = SI_KERNEL;
        }
        e->info.si_signo = sig;
        e->owner = owner;
        if (owner != NULL)
            owner->queued = e;
        list_init(&e->more);
        struct sigqueue *first = sig >= SIGRTMIN ? first_of(q, sig) : NULL;
        list_push_back(first != NULL ? &first->more : &q->queue, &e->link);
    }
    q->set |= SIGBIT(sig);
    return 0;
}

/* Moves the first info of sig to *info; the bit goes if it was the only one. */
static void take_info(struct sigpending *q, int sig, siginfo_t *info)
{
    struct sigqueue *e = first_of(q, sig);

    if (e == NULL || list_empty(&e->more)) {
        q->set &= ~SIGBIT(sig);
    } else {
        struct sigqueue *next = list_first(&e->more, struct sigqueue, link);

        list_remove(&next->link);
        list_splice_back(&next->more, &e->more);
        list_push_front(&e->link, &next->link);
    }
    if (e != NULL) {
        *info = e->info;
        sigqueue_free(e);
    } else {
        memset(info, 0, sizeof(*info));
        info->si_signo = sig;
    }
}

int sigpending_take(struct sigpending *q, ksigset_t set, siginfo_t *info)
{
    ksigset_t have = q->set & set;

    if (have == 0)
        return 0;
    if (have & SIGSET_SYNC)
        have &= SIGSET_SYNC;
    int sig = __builtin_ctzll(have) + 1;
    take_info(q, sig, info);
    return sig;
}

bool sigqueue_overrun(struct sigqueue *e, uint32_t more)
{
    if (e != NULL)
        e->info.si_overrun = (int)MIN((uint32_t)e->info.si_overrun + more, (uint32_t)INT32_MAX);
    return e != NULL;
}

void sigqueue_disown(struct sigqueue *e)
{
    if (e != NULL)
        e->owner = NULL;
}

void signal_settle_slow(struct task *t)
{
    struct process *p = t->proc;

    ASSERT_SPIN_HELD(&t->sighand->lock);
    if (t->nconts != p->nconts) {
        sigpending_drop(&t->pending, SIGSET_STOP);
        t->nconts = p->nconts;
    }
    if (t->nstops != p->nstops) {
        sigpending_drop(&t->pending, SIGBIT(SIGCONT));
        t->nstops = p->nstops;
    }
}

int signal_dequeue(struct task *t, ksigset_t set, siginfo_t *info)
{
    signal_settle(t);
    int sig = sigpending_take(&t->pending, set, info);
    return sig != 0 ? sig : sigpending_take(&t->proc->shared_pending, set, info);
}

int signal_take(ksigset_t set, siginfo_t *info)
{
    struct sighand *sh = current->sighand;

    spin_lock(&sh->lock);
    int sig = signal_dequeue(current, set & ~SIGSET_UNBLOCKABLE, info);
    spin_unlock(&sh->lock);
    return sig;
}

bool signal_waits(ksigset_t set)
{
    struct task *t = current;

    spin_lock(&t->sighand->lock);
    bool is = (t->pending.set | t->proc->shared_pending.set) & set & ~SIGSET_UNBLOCKABLE;
    spin_unlock(&t->sighand->lock);
    return is;
}

/* While sigwait holds the set, senders wake us for it though it is blocked; so the
 * last look is in one step with the end of that, or what came between would wake
 * nobody. */
int signal_wait_for(ksigset_t set, siginfo_t *info, enum block_reason reason, uint64_t deadline)
{
    struct task *t = current;
    int sig, err;

    set &= ~SIGSET_UNBLOCKABLE;
    spin_lock(&t->sighand->lock);
    t->sigwait = set;
    spin_unlock(&t->sighand->lock);
    do {
        err = 0;
        sig = signal_take(set, info);
        if (sig == 0)
            err = block(reason, 0, BLOCK_INTERRUPTIBLE, deadline);
    } while (sig == 0 && err == 0);
    spin_lock(&t->sighand->lock);
    if (sig == 0)
        sig = signal_dequeue(t, set, info); /* came together with what ended the wait */
    t->sigwait = 0;
    signal_recalc(t);
    spin_unlock(&t->sighand->lock);
    return sig != 0 ? sig : err;
}

bool signal_peek(struct task *t, bool shared, uint64_t n, siginfo_t *info)
{
    struct sigpending *q = shared ? &t->proc->shared_pending : &t->pending;
    struct sigqueue *e, *more;
    bool found = false;

    spin_lock(&tree_lock); /* it may end, and its sighand go */
    struct sighand *sh = t->sighand;
    if (sh != NULL)
        spin_lock(&sh->lock);
    list_for_each(e, &q->queue, link) {
        if (found || sh == NULL)
            break;
        found = n-- == 0;
        if (found)
            *info = e->info;
        list_for_each(more, &e->more, link) {
            if (found)
                break;
            found = n-- == 0;
            if (found)
                *info = more->info;
        }
    }
    if (sh != NULL)
        spin_unlock(&sh->lock);
    spin_unlock(&tree_lock);
    return found;
}

/* --- who polls for signals --- */

#define WATCH_QUEUES 4u
static struct waitq watchers[WATCH_QUEUES] = {
    WAITQ_INIT(watchers[0]),
    WAITQ_INIT(watchers[1]),
    WAITQ_INIT(watchers[2]),
    WAITQ_INIT(watchers[3]),
};

static struct waitq *queue_of(const struct sighand *s)
{
    return &watchers[(uintptr_t)s / sizeof(*s) % WATCH_QUEUES];
}

struct waitq *signal_watch(void)
{
    struct sighand *s = current->sighand;

    spin_lock(&s->lock);
    s->watched = true;
    spin_unlock(&s->lock);
    return queue_of(s);
}

void signal_tell_watchers(struct sighand *s) { waitq_wake(queue_of(s)); }

void siginfo_user(siginfo_t *info, int sig, int code)
{
    memset(info, 0, sizeof(*info));
    info->si_signo = sig;
    info->si_code = code;
    info->si_pid = (int)pid_told_soon(current->proc->tgid);
    info->si_uid = current->cred.uid;
}

/* Times in clock ticks of 10 ms, as every clock_t of the ABI. */
void siginfo_child(siginfo_t *info, struct process *child, int code, int status)
{
    memset(info, 0, sizeof(*info));
    info->si_signo = child->exit_signal != 0 ? child->exit_signal : SIGCHLD;
    info->si_code = code;
    info->si_pid = (int)(likely(pid_ns_count == 0) ? child->tgid
                                                   : pid_seen_by(child->parent->tgid, child->tgid));
    info->si_uid = child->leader->cred.uid;
    info->si_status = status;
    info->si_utime = (__kernel_clock_t)(child->utime_ns / 10000000);
    info->si_stime = (__kernel_clock_t)(child->stime_ns / 10000000);
}
