/* signal.h - signals: sets, queues, dispositions, delivery. */
#ifndef PROC_SIGNAL_H
#define PROC_SIGNAL_H

#include "lib/refcount.h"
#include "sched/task.h"

#define SIG_MAX            64
#define SIGSET_STOP        (SIGBIT(SIGSTOP) | SIGBIT(SIGTSTP) | SIGBIT(SIGTTIN) | SIGBIT(SIGTTOU))
#define SIGSET_UNBLOCKABLE (SIGBIT(SIGKILL) | SIGBIT(SIGSTOP))

struct ksigaction {
    uaddr_t handler;
    uint64_t flags;
    uaddr_t restorer;
    ksigset_t mask;
};

struct sighand {                       /* shared by CLONE_SIGHAND */
    struct spinlock lock;              /* also guards pending sets of its tasks and processes */
    struct refcount users;             /* [a] */
    ksigset_t set;                     /* [lock] whose action says something */
    bool watched;                      /* [lock] somebody polls for signals of its tasks */
    struct ksigaction action[SIG_MAX]; /* [lock] by sig_action(); of all others never initialised */
};
/* signal_queue.c: sets, queues, dispositions */
extern const struct ksigaction sig_default_action;
/* lock held, or for a look that may be stale. */
static inline const struct ksigaction *sig_action(const struct sighand *s, int sig)
{
    return s->set & SIGBIT(sig) ? &s->action[sig - 1] : &sig_default_action;
}
static inline void sig_set_action(struct sighand *s, int sig, const struct ksigaction *to)
{
    s->action[sig - 1] = *to;
    s->set |= SIGBIT(sig);
}

struct sighand *sighand_create(void);               /* all default */
struct sighand *sighand_copy(struct sighand *from); /* for fork; NULL: no memory */
void sighand_put(struct sighand *s);
/* Handlers to default, ignored stay; unshares if shared; may not fail: exec calls
 * sighand_copy before its point of no return. */
void sighand_exec(struct task *t);
void sigpending_init(struct sigpending *p);
void sigpending_flush(struct sigpending *p);
/* What is pending for t, which ends, and for its process if t is the last; others may run. */
void signal_flush(struct task *t, bool process);
/* siginfo of the usual kinds.  SI_USER, SI_TKILL: pid and uid of current. */
void siginfo_user(siginfo_t *info, int sig, int code);
void siginfo_child(siginfo_t *info, struct process *child, int code, int status);
/* What rt_sigtimedwait and signalfd take: one signal of `set` that is pending for
 * current, with its info; 0 if there is none. */
int signal_take(ksigset_t set, siginfo_t *info);
bool signal_waits(ksigset_t set); /* there is one */
/* The same, but waits for one: it, -ETIMEDOUT or -ERESTARTSYS. */
int signal_wait_for(ksigset_t set, siginfo_t *info, enum block_reason reason, uint64_t deadline);
/* The queue that is woken, from now on, for each signal that comes for current's process, and for
 * some others; it never goes. */
struct waitq *signal_watch(void);
void signal_tell_watchers(struct sighand *s); /* the sender: one has come */

/* For PTRACE_PEEKSIGINFO: the one that is number n in the queue, of t or of its process.  False: there
 * are fewer. */
bool signal_peek(struct task *t, bool shared, uint64_t n, siginfo_t *info);

/* signal_charge.c: one more siginfo or POSIX timer for that user; NULL: RLIMIT_SIGPENDING
 * (limit) is reached, or no memory.  A leaf lock is taken inside. */
struct sig_account *signal_charge(uint32_t uid, uint64_t limit);
void signal_uncharge(struct sig_account *a);
uint32_t signal_charged(uint32_t uid); /* SigQ of /proc/PID/status */

/* signal.c: may current send sig to p?  tree_lock held. */
bool signal_allowed(struct process *p, int sig);
/* Sending.  info NULL: from the kernel (SI_KERNEL).  0 or -EAGAIN (queue full,
 * real-time signals only); -ESRCH: nobody is in the group.  Permission is the caller's
 * business.  tree_lock is not held, but for *_locked it is; sighand.lock never. */
int signal_send_task(struct task *t, int sig, const siginfo_t *info); /* tkill, faults */
int signal_send_process(struct process *p, int sig, const siginfo_t *info);
int signal_send_task_locked(struct task *t, int sig, const siginfo_t *info);
int signal_send_process_locked(struct process *p, int sig, const siginfo_t *info);
/* For faults, tree_lock not held: current gets it now even if blocked or ignored (then it kills). */
void signal_force(int sig, int code, uaddr_t addr);
void signal_force_info(const siginfo_t *info); /* the same */

/* What is pending for t alone.  sighand.lock held, or for a look that may be stale. */
static inline ksigset_t task_pending(const struct task *t)
{
    ksigset_t set = t->pending.set;

    if (unlikely(t->nconts != t->proc->nconts))
        set &= ~SIGSET_STOP;
    if (unlikely(t->nstops != t->proc->nstops))
        set &= ~SIGBIT(SIGCONT);
    return set;
}

void signal_recalc(struct task *t); /* after a change of current's mask: sighand.lock held */
/* Sets current's mask (unblockable ones taken out). */
void signal_set_mask(ksigset_t mask);
/* For pselect, ppoll, sigsuspend: mask until the next signal frame or return. */
void signal_set_temp_mask(ksigset_t mask);
int signal_take_temp_mask(uaddr_t mask,
                          size_t bytes); /* the user's; 0: none.  0, -EINVAL, -EFAULT */
void signal_restore_temp_mask(void);     /* the call ended without a signal */

/* For exit and exec.  tree_lock held, sighand.lock not. */
/* Sets group_exit and exit_status (unless set already); every thread is made to see it. */
void signal_group_exit(struct process *p, int status);
void signal_kill_thread(struct task *t); /* this thread alone is to die (exec's siblings) */
/* t has left proc->threads: a group stop may be complete without it, others take its share
 * of signals. */
void signal_task_exit(struct task *t);
/* PR_SET_PDEATHSIG of p's threads, from current, which was the parent. */
void signal_parent_died(struct process *p);

/* signal_deliver.c: on the way to user mode with something pending: stops, dies, builds
 * frames, restarts system calls.  Called by trap return with the user's registers. */
void signal_deliver(struct regs *r);

/* signal_group.c: a signal to a group, from the terminal, where interrupts are served, */
void signal_send_pgrp(uint32_t pgid, int sig);
/* and from a task; tree_lock is given up now and then. */
int signal_send_pgrp_locked(uint32_t pgid, int sig, const siginfo_t *info);

#endif
