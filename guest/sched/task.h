/* task.h - what a task is: threads (struct task), thread groups (struct process).
 *
 * Types only, on the floor of the scheduler, which moves them about; `current`
 * (arch/cpu.h) is one.  Making, sharing and ending them is the business of proc/.
 *
 * Locks: [k] fixed at creation  [o] written by the task itself only; others may look, and
 *        what they see may be old, or torn if it is more than a word
 *        [t] task.lock  [T] tree_lock  [s] sighand->lock  [q] run queue  [a] atomic
 *        [v] vfork_lock  [i] itimer_lock
 * With two letters: both are held to write, one is enough to read. */
#ifndef SCHED_TASK_H
#define SCHED_TASK_H

#include "arch/cpu.h"
#include "arch/regs.h"
#include "lib/refcount.h"
#include "sched/block.h"
#include "sched/timer.h"
#include "shared/inspect.h"
#include <linux/capability.h>
#include <linux/resource.h>
#include <linux/signal.h>

#define COMM_LEN 16

struct deadline;
struct debug_regs;
struct files;
struct fs_ctx;
struct groups;
struct mm;
struct ns_made;
struct ns_set;
struct ptrace;
struct seccomp;
struct sem_undos;
struct sighand;
struct tty;
struct user_dispatch;

typedef uint64_t ksigset_t; /* bit (signo - 1) */
#define SIGBIT(sig) (1ull << ((sig)-1))

struct sigpending { /* [s] */
    ksigset_t set;
    struct list queue; /* struct sigqueue: siginfo of those that have one */
};

struct cred { /* [o]; others may read: a torn read is only stale */
    uint32_t uid, euid, suid, fsuid, gid, egid, sgid, fsgid;
    uint64_t cap_effective, cap_permitted, cap_inheritable, cap_bounding, cap_ambient;
    uint16_t securebits : 14;  /* PR_SET_SECUREBITS */
    uint16_t memory_error : 2; /* no right: PR_MCE_KILL's policy, and whether there is one */
    uint16_t mempolicy;        /* no right, either: sys/mempolicy.c */
    uint32_t personality;      /* no right, but goes where these go: personality(2) */
};

#define MEMORY_ERROR_CHOSEN 2u

/* task.rseq_event */
#define RETURN_RSEQ     1  /* rseq_return() is due */
#define RETURN_DEBUG    2  /* for as long as it has debug registers */
#define RETURN_NO_TSC   4  /* for as long as it must not read the TSC: PR_SET_TSC */
#define RETURN_ENDINGS  8  /* endings_run() is due: proc/ending.h */
#define RETURN_DEADLINE 16 /* its runtime may be over: sched_deadline_pause() */
#define RETURN_LDT      32 /* for as long as it has `segments` */

/* What read(2) and its relatives have moved, and write(2) and its. */
struct io_count {
    uint64_t bytes, calls;
};

struct task {
    struct task_record *rec; /* pid, state, reason, comm: shared/inspect.h; writes [t] or [q] */
    uint32_t tid;            /* [T] to write: exec from a thread; else fixed */
    struct refcount refs;    /* [a] */
    struct spinlock lock;
    struct process *proc;    /* [k] */
    struct list thread_link; /* [T] in proc->threads */

    /* scheduling */
    struct list run_link;        /* [q] */
    uint32_t cpu;                /* [q] of the queue it goes into: where it is, or was last */
    bool on_cpu;                 /* [a] its stack is in use: runq.c */
    bool wake_token;             /* [t] block.h */
    bool sleep_intr, sleep_kill; /* [t] which signals end the present block() */
    uint64_t cpus_allowed;       /* [t], read without; some CPU of it is online */
    union {
        struct {
            int16_t nice;         /* [T], read without; and of [t] and [q]: */
            uint8_t policy;       /* SCHED_*; not SCHED_NORMAL nor SCHED_BATCH: policy.c */
            uint8_t rt_priority;  /* 1..99 for SCHED_FIFO and SCHED_RR, else 0 */
            bool reset_on_fork;   /* then it is watched, too: proc/watched.h */
            uint16_t io_priority; /* [o] ioprio_set(2)'s; kept, there are no disks */
        };
        uint64_t sched_inherited; /* fork copies it */
    };
    uint8_t lent;         /* [q] the real-time priority of one who waits for it: futex_lend.c */
    bool displaced;       /* [q] the CPU goes to a higher priority, its turn has not ended */
    uint64_t own_turn_ns; /* [q] of who has a policy of its own: left of its turn, */
    uint64_t busy_ns;     /* [q]   and how long it has run without sleeping */
    struct deadline *deadline; /* [q], and [T] to write; of SCHED_DEADLINE, else NULL: watched */
    uint64_t slice_ns;         /* [q], [o] while on_cpu: left of its turn; 0 for policy.c's */
    uint64_t utime_ns, stime_ns, last_tsc; /* [o] others read them as times.c says */
    uint64_t entry_tsc;  /* [o] when it entered the kernel, last_tsc or later; 0: it has left */
    uint64_t kernel_tsc; /* [o] time in finished calls and faults since last_tsc */
    uint64_t nvcsw, nivcsw, minflt; /* [o], read without */
    struct io_count io[2];          /* [o], read without: /proc/PID/io */

    /* machine state */
    uintptr_t kstack;                     /* [k] top */
    uint64_t krsp;                        /* [q] while not running */
    struct regs *uregs;                   /* [o] at the top of the kernel stack */
    struct fpu *fpu;                      /* [o]; NULL: never in user mode */
    uint64_t fs_base, gs_base, selectors; /* [o] while not running; the last: mm/ldt.c */
    struct rseq_state {
        uaddr_t at; /* 0: not registered */
        uint32_t len, signature;
    } rseq; /* [o] proc/rseq.c */

    /* what clone flags share */
    struct mm *mm;           /* [o], others under [t]; NULL: kernel thread */
    struct files *files;     /* same */
    struct fs_ctx *fs;       /* same */
    struct groups *groups;   /* same; supplementary ones, NULL: none.  fs/groups.h */
    struct sighand *sighand; /* [oT]: under tree_lock it stays; NULL: exiting */

    /* signals */
    ksigset_t blocked;         /* [s] */
    ksigset_t saved_mask;      /* [o] valid with restore_mask */
    bool restore_mask;         /* [o] */
    bool sig_pending;          /* [a] something to handle: signal_recalc() */
    uint8_t rseq_event;        /* [o] and switch_machine(); with sig_pending one word: frame.inc */
    ksigset_t sigwait;         /* [s] what rt_sigtimedwait sleeps for, blocked or not */
    bool stopped;              /* [T] sleeps in a group stop */
    struct sigpending pending; /* [s] task_pending() */
    uint32_t nstops, nconts;   /* [s] its process's when `pending` was true to them */
    uaddr_t altstack_sp;
    uint64_t altstack_size;
    uint32_t altstack_flags; /* [o] */
    uint32_t pdeath_signal;  /* [o] */
    uint32_t
        pi_owner; /* [a] TID of who has the lock of FUTEX_LOCK_PI that it waits for; 0: none, or it has not looked */
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
    uint64_t syscalls;       /* [T], read without: calls from here on are unusual; proc/watched.h */
    struct ptrace *ptrace;   /* [T] NULL: nobody traces it */
    struct key_rings *keys;  /* [o] key_mutex to follow; then it is watched: proc/key.h */
    struct seccomp *seccomp; /* [T], read by itself without: its filters, newest first */
    struct debug_regs *debug; /* [o], the tracer in its stops; NULL: its tracer has set none */
    struct user_dispatch
        *dispatch;           /* [o] of its system calls; then it is watched: proc/user_dispatch.h */
    bool forced_tf;          /* [o] its trap flag is its tracer's; the tracer in its stops */
    uint8_t seccomp_mode;    /* the same: SECCOMP_MODE_* */
    bool no_new_privs;       /* [oT] kept by fork and exec */
    bool kthread, segments;  /* [k] never enters user mode; [T] to set, has an LDT: mm/ldt.h */
    struct ns_set *ns;       /* [o], others under [t]; NULL: the first namespace of each kind */
    struct ns_made *ns_made; /* [o] of the child that it is making: sched/namespace.h */
    uint64_t slack_ns,
        slack_default_ns;       /* [a] PR_SET_TIMERSLACK: task_slack().  No timer is late */
    bool has_children;          /* [T] perhaps: it has made some */
    bool owed_lock, left_locks; /* [T] others wait for its locks: watched; it leaves them */
    bool exiting;               /* [T] in exit_task, or dead */
    bool leaving;               /* [T] past core_join(): in no core file */
#if MEMCHECK
    uint32_t fail_nth; /* [o] allocations until one fails: mm/memcheck.h */
#endif
#if LOCKS
    struct lock_list mutexes; /* [o] lock_check.c */
#endif

    uint64_t start_ns; /* [T] as tid */
    struct cred cred;  /* last: task_alloc() zeroes all but this */
};

/* A timer of a process: itimer.c. */
struct itimer {
    uint64_t at_ns, interval_ns; /* [i] on its clock.  at 0: off; interval 0: only once */
    struct timer timer;          /* [i] sees to it; not used on the process's CPU time, nor is: */
    void (*expired)(struct itimer *it, uint32_t missed); /* [k] called with no lock held */
};

struct session {
    uint32_t sid;         /* [k] */
    struct refcount refs; /* [a] */
    struct tty *tty;      /* [tty.lock] controlling terminal */
};

struct process {
    uint32_t tgid;          /* [k] */
    struct refcount refs;   /* [a] */
    struct task *leader;    /* [T] */
    struct list threads;    /* [T] */
    uint32_t nthreads;      /* [T] alive */
    uint32_t nliving;       /* [a] of those, not in exit_task: the last one clears up */
    struct process *parent; /* [T] */
    uint32_t parent_tid;    /* [T] the parent's thread that made it: __WNOTHREAD, pdeath_signal */
    bool subreaper;         /* [T] PR_SET_CHILD_SUBREAPER */
    struct task *sole_task; /* [T] ends the others: waits in exec until they are dead, or: */
    struct list children, sibling; /* [T] */
    struct list tracees;           /* [T] of its threads; next is NULL if there never was one */
    uint32_t nzombies;             /* [T] dead threads that tracers have not waited for */
    uint32_t pgid;                 /* [T] */
    struct session *session;       /* [T] */
    struct list all_link;          /* [T] all processes, by age */
    int exit_signal;               /* [T] to the parent; 0: none */
    int16_t oom_score_adj;         /* [a] -1000..1000, thousandths of RAM */
    uint16_t membarrier;           /* [a] MEMBARRIER_CMD_REGISTER_* that it has made */
    bool fork_shares;              /* [a] PR_SET_FORK_TABLES */
    bool did_exec;                 /* [T] setpgid by the parent then gives EACCES */
    /* end and stop: [T]; group_exit, zombie and stop_pending may be read without */
    bool group_exit; /* all threads are to die */
    bool dumping;    /* sole_task writes a core: the others stand still */
    int exit_status; /* wait(2) encoding, valid once zombie or group_exit */
    bool zombie;
    bool going;                    /* [T] about to be one, in leave_family() */
    uint32_t stop_pending;         /* a group stop by this signal has begun; threads join it */
    uint32_t nstopped;             /* threads that have */
    uint32_t stop_signal;          /* stopped by (all threads have joined); 0: not stopped */
    bool stop_reported, continued; /* for WUNTRACED, WCONTINUED */
    uint32_t core_waits;           /* how many do not stand yet */
    struct waitq child_wait;       /* parents in wait4 sleep here */
    struct waitq end_wait;         /* who polls its pidfds */
    /* signals */
    struct sigpending shared_pending; /* [s] of its sighand */
    struct timer sweep;               /* [T] signal_sweep.c, goes through the threads: */
    struct list *sweep_at;            /* [T] the last visited; NULL: the timer was never set up */
    uint32_t sweep_left;              /* [T] visits */
    uint32_t nstops, nconts;          /* [s] stop signals, SIGCONTs sent */
    bool unkillable;                  /* [s] PID 1: signals without a handler do nothing */
    struct itimer itimers[3];         /* [i] setitimer's, by ITIMER_REAL and so on */
    struct timer itimer_cpu; /* [i] looks whether one of them or the limit of CPU time is due */
    struct cpu_sum
        *cpu_sum;      /* [T] of its thousands of threads, for that; NULL: none is under way */
    bool itimers_gone; /* [i] nothing is started any more */
    struct list posix_timers; /* [i] */
    uint32_t next_timer_id;   /* [i] */
    /* dead threads' and reaped children's use: [T] */
    uint64_t utime_ns, stime_ns, cutime_ns, cstime_ns, minflt, cminflt, nvcsw, nivcsw, cnvcsw,
        cnivcsw;
    uint64_t maxrss, cmaxrss; /* pages */
    struct io_count io[2];    /* of dead threads but the leader */
    struct sem_undos *undos;  /* [a] of semaphores; NULL: none.  proc/undo.h */
    /* [T]; one of the two words may be read without.  Last: process_alloc() zeroes all but this */
    struct rlimit64 rlim[RLIM_NLIMITS];
};

/* A call of current's has read (0) or written (1) n bytes, or failed. */
static inline void task_count_io(unsigned dir, long n)
{
    struct io_count *c = &current->io[dir];

    c->calls++;
    if (n > 0)
        c->bytes += (uint64_t)n;
}

/* May it?  cap: CAP_*. */
static inline bool has_cap(unsigned cap) { return current->cred.cap_effective >> cap & 1; }
static inline bool capable(void) { return has_cap(CAP_SYS_ADMIN); }

/* Something to handle: a blocking call must end. */
static inline bool signal_pending(const struct task *t)
{
    return __atomic_load_n(&t->sig_pending, __ATOMIC_ACQUIRE);
}
/* SIGKILL, or an exit of the whole group. */
static inline bool signal_fatal_pending(const struct task *t)
{
    return __atomic_load_n(&t->proc->group_exit, __ATOMIC_ACQUIRE) ||
           (__atomic_load_n(&t->pending.set, __ATOMIC_ACQUIRE) & SIGBIT(SIGKILL)) != 0;
}

#endif
