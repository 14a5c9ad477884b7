/* signal_internal.h - between signal.c (sending), signal_queue.c (sets, queues,
 * dispositions), signal_stop.c (job control), signal_deliver.c and sigframe.c. */
#ifndef PROC_SIGNAL_INTERNAL_H
#define PROC_SIGNAL_INTERNAL_H

#include "proc/signal.h"

/* What a signal does by default, signal(7). */
#define SIGSET_IGNORE (SIGBIT(SIGCONT) | SIGBIT(SIGCHLD) | SIGBIT(SIGWINCH) | SIGBIT(SIGURG))
#define SIGSET_CORE \
    (SIGBIT(SIGQUIT) | SIGBIT(SIGILL) | SIGBIT(SIGTRAP) | SIGBIT(SIGABRT) | SIGBIT(SIGFPE) | \
     SIGBIT(SIGSEGV) | SIGBIT(SIGBUS) | SIGBIT(SIGSYS) | SIGBIT(SIGXCPU) | SIGBIT(SIGXFSZ))
/* Raised by the instruction that the task just executed: delivered first. */
#define SIGSET_SYNC \
    (SIGBIT(SIGSEGV) | SIGBIT(SIGBUS) | SIGBIT(SIGILL) | SIGBIT(SIGTRAP) | SIGBIT(SIGFPE) | \
     SIGBIT(SIGSYS))

#define HANDLER_DEFAULT 0ull /* SIG_DFL, SIG_IGN as integers */
#define HANDLER_IGNORE  1ull

static inline bool in_set(ksigset_t set, int sig) { return (set & SIGBIT(sig)) != 0; }

/* [s] A POSIX timer's signal that is pending, NULL: none is; and the overrun of the one that was taken last. */
struct timer_signal {
    struct sigqueue *queued;
    int overrun;
};

struct sigqueue {
    struct list link; /* in the queue, the first of its signal; the others in its `more` */
    struct list more;
    struct sig_account *account;
    struct timer_signal *owner; /* of a POSIX timer; NULL: it is of none */
    siginfo_t info;
};

/* signal_queue.c.  All: sighand.lock of the owner held. */
/* owner, unless it is NULL, knows the entry as long as that is in the queue. */
int sigpending_add(struct sigpending *q, int sig, const siginfo_t *info, struct timer_signal *owner,
                   uint32_t uid, uint64_t limit);
/* info NULL: SI_KERNEL.  -EAGAIN: a real-time signal's info did not fit */
int sigpending_take(struct sigpending *q, ksigset_t set, siginfo_t *info); /* the signal; 0: none */
void sigpending_drop(struct sigpending *q, ksigset_t set);
/* Some of them.  True: there are more, and the set's bits stay. */
bool sigpending_drop_some(struct sigpending *q, ksigset_t set);
/* A POSIX timer's signal that is still in the queue (else e is NULL, and the answer false) takes
 * another expiry along. */
bool sigqueue_overrun(struct sigqueue *e, uint32_t more);
void sigqueue_disown(struct sigqueue *e); /* its owner goes; e may be NULL */
/* t->pending is as task_pending() says. */
void signal_settle_slow(struct task *t);
static inline void signal_settle(struct task *t)
{
    if (unlikely(t->nconts != t->proc->nconts || t->nstops != t->proc->nstops))
        signal_settle_slow(t);
}
int signal_dequeue(struct task *t, ksigset_t set, siginfo_t *info); /* thread's, then process's */

/* signal.c: makes t look at its signals: out of an interruptible sleep, or of
 * a killable one if it is to die.  tree_lock held. */
enum notice { NOTICE_SIGNAL, NOTICE_FATAL };
void signal_notice(struct task *t, enum notice what);

/* A POSIX timer's, to the thread `to` or NULL; owner: as sigpending_add() has it.  tree_lock held. */
void signal_send_timer_locked(struct process *p, struct task *to, int sig, const siginfo_t *info,
                              struct timer_signal *owner);

/* t, which does not block sig or waits for it, is made to take it; or, if it kills, all are.  tree_lock
 * and sighand.lock held. */
void signal_offer(struct process *p, struct task *t, int sig);

/* signal_sweep.c, all with tree_lock held, but end. */
void signal_sweep(struct process *p);       /* every thread looks; sighand.lock not held, unless
                                             * it is for group_exit */
void signal_sweep_later(struct process *p); /* the same, where sighand.lock is held */
static inline void signal_sweep_leave(struct task *t) /* it leaves p->threads */
{
    if (unlikely(t->proc->sweep_at == &t->thread_link))
        t->proc->sweep_at = t->thread_link.prev;
}
void signal_sweep_end(struct process *p); /* not held: p ends, group_exit stands */

/* signal_stop.c, all with tree_lock held */
void signal_stop_begin(struct process *p, int sig);
void signal_stop_join(struct process *p);  /* current sleeps until the stop is over; drops the
                                             * lock meanwhile */
void signal_stop_check(struct process *p); /* have all joined? */
bool signal_stop_end(struct process *p);   /* true: it was stopped, completely */

struct delivery {
    int sig;
    struct ksigaction action;
    siginfo_t info;
};
/* sigframe.c: current's user registers r then enter the handler.  0 or -EFAULT. */
int sigframe_push(struct regs *r, const struct delivery *d, ksigset_t old_mask);
long sigframe_pop(struct regs *r);
bool on_altstack(const struct task *t, uaddr_t sp);
long sigaltstack_set(const stack_t *ss, uaddr_t sp);

#endif
