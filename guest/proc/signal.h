/* signal.h - signals: sets, queues, dispositions, delivery. */
#ifndef PROC_SIGNAL_H
#define PROC_SIGNAL_H

#include "sync/lock.h"
#include <linux/signal.h>

struct task;
struct process;
struct regs;

typedef uint64_t ksigset_t; /* bit (signo - 1) */
#define SIGBIT(sig)        (1ull << ((sig)-1))
#define SIG_MAX            64
#define SIGSET_UNBLOCKABLE (SIGBIT(SIGKILL) | SIGBIT(SIGSTOP))

struct ksigaction {
    uaddr_t handler;
    uint64_t flags;
    uaddr_t restorer;
    ksigset_t mask;
};

struct sighand {                       /* shared by CLONE_SIGHAND */
    struct spinlock lock;              /* also guards pending sets of its tasks and processes */
    uint32_t users;                    /* [atomic] */
    ksigset_t set;                     /* [lock] whose action says something */
    struct ksigaction action[SIG_MAX]; /* [lock] by sig_action(); of all others never initialised */
};
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
struct sigpending { /* [sighand.lock] */
    ksigset_t set;
    struct list queue; /* struct sigqueue: siginfo of those that have one */
};
struct sigqueue {
    struct list link;
    struct sig_account *account;
    siginfo_t info;
};

/* signal_charge.c: one more siginfo or POSIX timer for that user; NULL: RLIMIT_SIGPENDING
 * (limit) is reached, or no memory.  A leaf lock is taken inside. */
struct sig_account *signal_charge(uint32_t uid, uint64_t limit);
void signal_uncharge(struct sig_account *a);
uint32_t signal_charged(uint32_t uid); /* SigQ of /proc/PID/status */

struct sighand *sighand_create(void);               /* all default */
struct sighand *sighand_copy(struct sighand *from); /* for fork; NULL: no memory */
void sighand_put(struct sighand *s);
void sighand_exec(
    struct task *t); /* handlers to default, ignored stay; unshares if shared; may not fail:
                                             * exec calls sighand_copy before its point of no return */
void sigpending_init(struct sigpending *p);
void sigpending_flush(struct sigpending *p);

/* Sending.  info NULL: from the kernel (SI_KERNEL).  0 or -EAGAIN (queue full,
 * real-time signals only).  Permission is the caller's business.  tree_lock
 * may be held, sighand.lock not. */
int signal_send_task(struct task *t, int sig, const siginfo_t *info); /* tkill, faults */
int signal_send_process(struct process *p, int sig, const siginfo_t *info);
int signal_send_pgrp(uint32_t pgid, int sig,
                     const siginfo_t *info); /* -ESRCH: nobody; takes tree_lock */
/* For faults: current gets it now even if blocked or ignored (then it kills). */
void signal_force(int sig, int code, uaddr_t addr);
/* siginfo of the usual kinds. */
void siginfo_user(siginfo_t *info, int sig,
                  int code); /* SI_USER, SI_TKILL: pid and uid of current */
void siginfo_child(siginfo_t *info, struct process *child, int code, int status);

bool signal_pending(struct task *t);       /* something to handle: a blocking call must end */
bool signal_fatal_pending(struct task *t); /* SIGKILL, or an exit of the whole group */
void signal_recalc(struct task *t);        /* after a change of current's mask: sighand.lock held */
/* Sets current's mask (unblockable ones taken out). */
void signal_set_mask(ksigset_t mask);
/* For pselect, ppoll, sigsuspend: mask until the next signal frame or return. */
void signal_set_temp_mask(ksigset_t mask);
void signal_restore_temp_mask(void); /* the call ended without a signal */

/* What rt_sigtimedwait and signalfd take: one signal of `set` that is pending for
 * current, with its info; 0 if there is none. */
int signal_take(ksigset_t set, siginfo_t *info);
/* For exit and exec.  tree_lock held, sighand.lock not. */
void signal_group_exit(struct process *p,
                       int status);      /* sets group_exit and exit_status (unless set
                                                         * already); every thread is made to see it */
void signal_kill_thread(struct task *t); /* this thread alone is to die (exec's siblings) */
void signal_task_exit(struct task *t);   /* t has left proc->threads: a group stop may be complete
                                             * without it, others take its share of signals */
void signal_parent_died(struct process *p); /* PR_SET_PDEATHSIG of p's threads */

/* On the way to user mode with something pending: stops, dies, builds frames,
 * restarts system calls.  Called by trap return with the user's registers. */
void signal_deliver(struct regs *r);

#endif
