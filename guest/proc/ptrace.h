/* ptrace.h - one task watches another: that one, the tracee, stops where its tracer wants to know,
 * and the tracer looks, changes and lets it go on.  docs/ptrace.md has the argument.
 *
 * task.ptrace and all of struct ptrace are under tree_lock.  While the tracee is held (ptrace_hold),
 * its registers, its mask and `info` are its tracer's. */
#ifndef PROC_PTRACE_H
#define PROC_PTRACE_H

#include "sched/task.h"

enum tracee_state {
    TRACEE_RUNS,
    TRACEE_STOPPED, /* until told to go on, traced by nobody any more, or killed */
    TRACEE_LISTENS, /* PTRACE_LISTEN: until then, or until its group stop changes */
};

enum tracee_goes { /* how it was told to go on */
                   GOES_FREELY,
                   GOES_TO_CALLS,  /* PTRACE_SYSCALL: it stops before and after a system call */
                   GOES_EMULATING, /* PTRACE_SYSEMU: it stops before it, and does not make it */
};

struct ptrace {          /* of a tracee */
    struct task *task;   /* [k] it */
    struct task *tracer; /* [k] the thread */
    struct list link;    /* in tracer->proc->tracees */
    uint32_t options;    /* PTRACE_O_* */
    bool seized;         /* [k] */
    bool may_gain; /* [k] its tracer is privileged: it may exec set-user-ID programs as such */
    enum tracee_state state;
    enum tracee_goes goes;
    bool steps;      /* PTRACE_SINGLESTEP */
    bool in_stop;    /* it is in stop(), which sees to it that this is freed */
    bool held;       /* it stays in stop() even if it is killed */
    bool zombie;     /* a thread that ended, no leader, and whose tracer has not waited for it */
    bool dies;       /* SIGKILL has come for it while it ends */
    bool trap;       /* it is to stop: PTRACE_INTERRUPT, or a group stop is over */
    bool joined;     /* it counts as one that has joined the group stop */
    uint32_t nconts; /* before that SIGCONT of its process */
    uint32_t code; /* what wait(2) says of the stop, 0 once it did; then the signal to go on with */
    uint32_t status;  /* how it ended */
    uint64_t message; /* PTRACE_GETEVENTMSG */
    bool has_info;
    siginfo_t info;
};

/* ptrace.c: the tracee.  tree_lock is held, and dropped in a stop, where it says so. */

/* current is about to make the call in r.  False: it does not. */
bool ptrace_call_enters(struct regs *r);
void ptrace_call_leaves(struct regs *r);
bool ptrace_seccomp(uint32_t data); /* SECCOMP_RET_TRACE.  False: nobody wants to know */
void ptrace_forked(uint64_t flags, uint32_t exit_signal, uint32_t tid);
void ptrace_vfork_done(uint32_t tid);
void ptrace_execed(uint32_t old_tid);
void ptrace_exits(uint32_t status);
bool ptrace_confines(void); /* exec gives no privileges */
/* A frame is made for a handler: first the trap flag that is not the program's goes; then it
 * stops, if it was made to step. */
void ptrace_handler_begins(struct regs *r);
void ptrace_handler_stops(void);
/* A step has trapped.  False: it is not for a tracer: that has died on the way, or it is a step of
 * watchpoint.c. */
bool ptrace_stepped(struct regs *r);
/* Held.  current takes this signal: which one instead; 0: none. */
int ptrace_signal(int sig, siginfo_t *info);
/* Held, or for a look that may be stale. */
bool ptrace_trap_due(const struct task *t);
bool ptrace_joined(const struct task *t); /* it goes on in a group stop: its tracer wants it to */
void ptrace_trap(void);                   /* held */
void ptrace_join_stop(struct process *p); /* held: current has come to a group stop */
/* Held.  A new task of current, about to be visible: 0 or -ENOMEM. */
int ptrace_inherit(struct task *t, uint64_t flags, uint32_t exit_signal);

/* ptrace_tracer.c: who traces whom, what tracers hear and wait for.  tree_lock is held. */

int ptrace_link(struct task *t, struct task *tracer, bool seized, uint32_t options); /* -ENOMEM */
void ptrace_unlink(struct ptrace *pt); /* it goes on, traced by nobody */
void ptrace_leave_tracees(void); /* current, a thread, ends; the lock is given up now and then */
struct ptrace *ptrace_find(uint32_t tid); /* of current's tracees; NULL */
void ptrace_resume(struct ptrace *pt);
void ptrace_interrupt(struct ptrace *pt);
/* Not held.  The stopped tracee of that number, which stays in its stop; NULL: there is none. */
struct ptrace *ptrace_hold(uint32_t tid);
void ptrace_let(struct ptrace *pt);                        /* not held */
void ptrace_tell(struct ptrace *pt, int code, int status); /* SIGCHLD and a wake */
/* t leaves its process.  True: as a zombie, until its tracer has waited for it. */
bool ptrace_stays(struct task *t);
/* The process of a traced leader is a zombie.  True: its parent hears of it later. */
bool ptrace_told(struct process *p, bool unwanted);
/* The zombie, a tracee, has been waited for. */
void ptrace_reap(struct ptrace *pt);
void ptrace_leader_gone(struct task *t);  /* a thread takes the place of a traced leader, in exec */
void ptrace_kill_thread(struct task *t);  /* SIGKILL, for a tracee that may be ending */
void ptrace_kill(struct process *p);      /* SIGKILL for a process that ends already */
void ptrace_stop_changed(struct task *t); /* its process's group stop has begun or ended */

/* Whether p's threads have tracees at all: not asked by who has none. */
static inline bool has_tracees(const struct process *p)
{
    return unlikely(p->tracees.next != NULL) && !list_empty(&p->tracees);
}

#endif
