/* task.h - threads (struct task), thread groups (struct process), and what
 * tasks share by clone flags.
 *
 * Locks: [k] fixed at creation  [o] written by the task itself only; others may look, and
 *        what they see may be old, or torn if it is more than a word
 *        [t] task.lock  [T] tree_lock  [s] sighand->lock  [q] run queue  [a] atomic
 *        [v] vfork_lock  [i] itimer_lock
 * With two letters: both are held to write, one is enough to read. */
#ifndef PROC_TASK_H
#define PROC_TASK_H

#include "arch/cpu.h"
#include "arch/regs.h"
#include "mm/mm.h"
#include "sched/block.h"
#include "proc/pid.h"
#include "proc/signal.h"
#include "sched/timer.h"
#include "shared/inspect.h"
#include <linux/resource.h>

#define NGROUPS  32
#define COMM_LEN 16

struct files;
struct fs_ctx;
struct tty;

struct cred { /* [o]; others may read: a torn read is only stale */
    uint32_t uid, euid, suid, fsuid, gid, egid, sgid, fsgid;
    uint32_t ngroups, groups[NGROUPS];
    uint64_t cap_effective, cap_permitted, cap_inheritable, cap_bounding;
};

struct task {
    struct task_record *rec; /* pid, state, reason, comm: shared/inspect.h; writes [t] or [q] */
    uint32_t tid;            /* [T] to write: exec from a thread; else fixed */
    uint32_t refs;           /* [a] */
    struct spinlock lock;
    bool kthread;            /* [k] never enters user mode */
    struct process *proc;    /* [k] */
    struct list thread_link; /* [T] in proc->threads */

    /* scheduling */
    struct list run_link;        /* [q] */
    uint32_t cpu;                /* [q] of the queue it goes into: where it is, or was last */
    bool on_cpu;                 /* [a] its stack is in use: runq.c */
    bool wake_token;             /* [t] block.h */
    bool sleep_intr, sleep_kill; /* [t] which signals end the present block() */
    uint64_t cpus_allowed;       /* [t], read without; some CPU of it is online */
    int nice;                    /* [T], read without */
    uint64_t slice_ns;           /* [q], [o] while on_cpu: left of its turn */
    uint64_t utime_ns, stime_ns, last_tsc; /* [o] others read them as times.c says */
    uint64_t entry_tsc;                    /* [o] when it entered the kernel; 0: it has left */
    uint64_t kernel_tsc;            /* [o] time in finished calls and faults since last_tsc */
    uint64_t nvcsw, nivcsw, minflt; /* [o], read without */

    /* machine state */
    uintptr_t kstack;          /* [k] top */
    uint64_t krsp;             /* [q] while not running */
    struct regs *uregs;        /* [o] at the top of the kernel stack */
    void *fpu;                 /* [o] 64-byte aligned */
    uint64_t fs_base, gs_base; /* [o] while not running */

    /* what clone flags share */
    struct mm *mm;           /* [o], others under [t]; NULL: kernel thread */
    struct files *files;     /* same */
    struct fs_ctx *fs;       /* same */
    struct sighand *sighand; /* [oT]: under tree_lock it stays; NULL: exiting */

    /* signals */
    ksigset_t blocked;         /* [s] */
    ksigset_t saved_mask;      /* [o] valid with restore_mask */
    bool restore_mask;         /* [o] */
    bool sig_pending;          /* [a] something to handle: signal_recalc() */
    ksigset_t sigwait;         /* [s] what rt_sigtimedwait sleeps for, blocked or not */
    bool stopped;              /* [T] sleeps in a group stop */
    struct sigpending pending; /* [s] */
    uaddr_t altstack_sp;
    uint64_t altstack_size;
    uint32_t altstack_flags; /* [o] */
    struct {
        long (*fn)(struct task *);
        uint64_t deadline;
        uaddr_t user;
        uint64_t arg;
    } restart; /* [o] */

    /* process creation */
    struct task *vfork_waiter;      /* [v] who is blocked until this task releases the mm */
    enum release_cause vfork_cause; /* [v] */
    uaddr_t set_child_tid, clear_child_tid, robust_list; /* [o] */
    uint32_t pdeath_signal;                              /* [o] */
    bool no_new_privs;                                   /* [o] kept by fork and exec */
    bool exiting;                                        /* [T] in exit_task, or dead */
#if LOCKS
    struct lock_list mutexes; /* [o] lock_check.c */
#endif

    uint64_t start_ns; /* [T] as tid */
    struct cred cred;  /* last: task_alloc() zeroes all but this */
};

struct session {
    uint32_t sid;    /* [k] */
    uint32_t refs;   /* [a] */
    struct tty *tty; /* [tty.lock] controlling terminal */
};

struct process {
    uint32_t tgid;          /* [k] */
    uint32_t refs;          /* [a] */
    struct task *leader;    /* [T] */
    struct list threads;    /* [T] */
    uint32_t nthreads;      /* [T] alive */
    uint32_t nliving;       /* [a] of those, not in exit_task: the last one clears up */
    struct process *parent; /* [T] */
    uint32_t parent_tid;    /* [T] the parent's thread that made it: __WNOTHREAD, pdeath_signal */
    bool subreaper;         /* [T] PR_SET_CHILD_SUBREAPER */
    struct task *exec_task; /* [T] waits for the other threads to die */
    struct list children, sibling; /* [T] */
    uint32_t pgid;                 /* [T] */
    struct session *session;       /* [T] */
    struct list all_link;          /* [T] all processes, by age */
    int exit_signal;               /* [T] to the parent; 0: none */
    int16_t oom_score_adj;         /* [a] -1000..1000, thousandths of RAM */
    bool membarrier;               /* [a] has registered for membarrier(2)'s expedited commands */
    bool did_exec;                 /* [T] setpgid by the parent then gives EACCES */
    /* end and stop: [T]; group_exit, zombie and stop_pending may be read without */
    bool group_exit; /* all threads are to die */
    int exit_status; /* wait(2) encoding, valid once zombie or group_exit */
    bool zombie;
    uint32_t stop_pending;         /* a group stop by this signal has begun; threads join it */
    uint32_t nstopped;             /* threads that have */
    uint32_t stop_signal;          /* stopped by (all threads have joined); 0: not stopped */
    bool stop_reported, continued; /* for WUNTRACED, WCONTINUED */
    struct waitq child_wait;       /* parents in wait4 sleep here */
    struct waitq end_wait;         /* who polls its pidfds */
    /* signals */
    struct sigpending shared_pending;     /* [s] of its sighand */
    bool unkillable;                      /* [s] PID 1: signals without a handler do nothing */
    struct timer itimer_real, itimer_cpu; /* [i] the second looks whether CPU time is due */
    struct itimer {                       /* [i] at 0: off; the latter two: at so much CPU time */
        uint64_t at_ns, interval_ns;
    } real, virtual, prof;
    bool itimers_gone;        /* [i] nothing is started any more */
    struct list posix_timers; /* [i] */
    uint32_t next_timer_id;   /* [i] */
    /* dead threads' and reaped children's use: [T] */
    uint64_t utime_ns, stime_ns, cutime_ns, cstime_ns, minflt, cminflt, nvcsw, nivcsw, cnvcsw,
        cnivcsw;
    uint64_t maxrss, cmaxrss; /* pages */
    /* [T]; one of the two words may be read without.  Last: process_alloc() zeroes all but this */
    struct rlimit64 rlim[RLIM_NLIMITS];
};

extern struct spinlock tree_lock;           /* the family: processes, groups, sessions, PIDs */
extern struct process *init_process;        /* PID 1 */
extern struct list all_processes;           /* [T] */
extern uint32_t nprocesses, nthreads_total; /* [T] */

void task_init(void);              /* idle task of the boot CPU, PID table, records */
int task_make_idle(struct cpu *c); /* of another one: what it will begin with.  0 or -ENOMEM */
void task_inspect_cpus(void);      /* ncpus has grown */
struct process *process_find(uint32_t tgid); /* tree_lock held; zombies included */
void task_get(struct task *t);
void task_put(struct task *t);
void process_get(struct process *p);
void process_put(struct process *p);
/* mm of a task, with a reference, NULL when it has none (any more). */
struct mm *task_get_mm(struct task *t);
bool pgrp_exists(uint32_t pgid, struct session *in); /* tree_lock held */
bool pgrp_orphaned(uint32_t pgid);                   /* tree_lock held */
void session_get(struct session *s);
void session_put(struct session *s);
static inline bool capable(void) { return current->cred.euid == 0; }

/* Around everything that the kernel does for current: system calls, faults and
 * interrupts from user mode.  They part system from user time. */
static inline void task_enter_kernel(struct task *t) { t->entry_tsc = rdtsc(); }
static inline void task_leave_kernel(struct task *t)
{
    t->kernel_tsc += rdtsc() - MAX(t->entry_tsc, t->last_tsc);
    t->entry_tsc = 0;
}

/* sched.c */
void sched_init(void);
void schedule(void);      /* gives the CPU to the next; returns when it is our turn again */
void schedule_tail(void); /* a new task's first call, from entry.asm: what schedule() does
                                 * once switch_to() has returned */
void sched_yield_now(void);
void sched_idle(void) __attribute__((noreturn)); /* what the boot CPU's first thread becomes */
void sched_enqueue(struct task *t);              /* a new task, runnable for the first time */
void preempt_point(void);              /* lets interrupts in and others run; no spinlock held */
void trap_return_work(struct regs *r); /* before user mode: preemption, signals */
uint64_t sched_loadavg(unsigned i);    /* 0..2: 1, 5, 15 minutes, << 16 */
uint64_t sched_uptime_idle_ns(void);
/* In user mode, as far as it is booked (see below), and idle, since boot. */
void cpu_times(unsigned cpu, uint64_t *user, uint64_t *idle);
/* User time of a task that is not booked to its CPU yet; it runs there. */
uint64_t task_user_unbooked(const struct task *t);
/* From when this returns on t is not in user mode on another CPU.  Not empty. */
void sched_set_affinity(struct task *t, uint64_t allowed);
static inline uint64_t cpus_online(void) { return ncpus < 64 ? (1ull << ncpus) - 1 : UINT64_MAX; }
/* Time of a task so far, user and system, ns. */
void task_times(struct task *t, uint64_t *user, uint64_t *sys);

/* fork.c, exec.c, exit.c, wait.c */
struct clone_request {
    uint64_t flags; /* CLONE_*, without the signal */
    int exit_signal;
    uaddr_t stack; /* child's RSP; 0: the parent's */
    uaddr_t parent_tid, child_tid, pidfd;
    uint64_t tls;
    uint32_t set_tid; /* the number it is to have; 0: any */
};
long clone_task(const struct clone_request *rq); /* child's PID or -errno; flags are legal */
int kernel_init_start(void (*fn)(void));         /* makes PID 1, running fn in the kernel */
long exec_user(const char *path, uaddr_t argv, uaddr_t envp); /* execve(2) */
/* On success current->uregs hold the program's start: return to user mode with them. */
long exec_kernel(const char *path, const char *const argv[],
                 const char *const envp[]);            /* PID 1's */
void exit_task(int status) __attribute__((noreturn));  /* this thread; status as wait(2) encodes */
void exit_group(int status) __attribute__((noreturn)); /* the process */
/* Releases who waits in vfork and clears clear_child_tid: exec after its new mm
 * is live, and each task's exit. */
void mm_release(struct task *t, struct mm *old, enum release_cause cause);
/* Parent is told that p stopped, went on or died.  tree_lock held. */
void notify_parent(struct process *p, int code /* CLD_* */);
/* futex.c */
long futex_wake(struct mm *mm, uaddr_t at, uint32_t n, uint32_t bits);
int oom_kill(void);                     /* picks one and kills it; 0, or -ENOMEM if there is none */
int64_t oom_badness(struct process *p); /* pages; the most is picked; INT64_MIN: never.  [T] held */
#define OOM_ADJ_NEVER (-1000)
#define OOM_ADJ_MAX   1000

/* entry.asm, switch.c */
void switch_to(struct task *prev, struct task *next);
/* A new task begins in ret_from_fork with its stack as this lays it out. */
void task_prepare_user(struct task *t, const struct regs *r); /* returns to user with r */
void task_prepare_kernel(struct task *t, void (*fn)(void));   /* fn must not return, but may
                                                                     * become a user task by exec_kernel */

#endif
