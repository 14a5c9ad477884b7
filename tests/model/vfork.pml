/* vfork.pml - vfork on several CPUs: guest/proc/fork.c, exec.c, exit.c, block.c.
 *
 * A process of two threads, PARENT and SIB; PARENT calls vfork once (or twice: -DTWO).
 * The child may fail an exec, exec, exit, be killed, or outlive everybody.  Meanwhile
 * KILLER sends SIGKILL to the parent's process or wakes the parent for nothing, and SIB
 * (-DSIB) calls exec, exit_group or exit.  REAPER is whoever waits for the dead.  Each has
 * a CPU of its own, and each access to something shared is a step of its own.
 *
 * What must hold:
 *  - nobody touches a task or an address space that is freed (USE, USE_MM), and each is
 *    freed once;
 *  - the parent goes on only when the child is out of its memory, for good (left_mm), or
 *    when it is killed itself;
 *  - there is exactly one release of each vfork, by the child or by the killed parent, and
 *    after the latter the child does not touch the parent;
 *  - everybody comes to an end: a lost wake-up or a kill that is not heeded is an
 *    invalid end state for spin.
 *
 * Each mutation below, -DNAME, takes one thing out of the protocol; all must fail. */

#define NOBODY 255
#define PARENT 0
#define SIB    1
#define CHILD  2
#ifdef TWO
#define LAST_CHILD 3
#else
#define LAST_CHILD 2
#endif
#define NTASKS 4
#define IS_CHILD(t) ((t) >= CHILD)

/* MM_OLD: the parent's, which the child borrows.  MM_NEW(t): what t's exec makes. */
#define MM_OLD 0
#define MM_NEW(t) ((t) + 1)
#define MM_NONE 255
#define NMMS 5

#define RUNNING 0               /* or runnable: here everybody has a CPU */
#define BLOCKED 1
#define ZOMBIE  2

/* --- struct task, struct mm ---------------------------------------------------- */
bit  task_lock[NTASKS];
byte refs[NTASKS];
bool freed[NTASKS];
byte state[NTASKS];
bool wake_token[NTASKS], sleep_kill[NTASKS], pending_kill[NTASKS];
bool in_list[NTASKS];           /* on process.threads, hence in the PID table */
byte vfork_waiter[NTASKS];
byte mm_of[NTASKS];             /* task.mm */
byte cr3[NTASKS];               /* of the CPU that the task runs on */
byte users[NMMS];
bool mm_freed[NMMS];

/* --- struct process of PARENT and SIB ------------------------------------------- */
bit  tree_lock, vfork_lock;
bool group_exit;
byte nthreads;
byte sole_task = NOBODY;
byte leader = PARENT;

/* --- what only the properties need ---------------------------------------------- */
bool started[NTASKS], ended[NTASKS];
bool left_mm[NTASKS];           /* a child: no user access to MM_OLD any more */
bool returned[NTASKS];          /* the vfork that made it has */
bool gave_up[NTASKS];           /* its parent was killed, and has cleared the link */
byte releases[NTASKS];

#define USE(t)    assert(!freed[t])
#define USE_MM(m) assert(!mm_freed[m])

inline lock(l)   { atomic { l == 0 -> l = 1 } }
inline unlock(l) { d_step { assert(l == 1); l = 0 } }
/* task.lock.  The sections in which a task writes its own fields are one step; those of
 * who wakes it are not: it may run, and end, before the lock is open again. */
#define WITH_LOCK(t) (freed[t] || task_lock[t] == 0) -> USE(t)
inline unlock_task(t) { d_step { USE(t); task_lock[t] = 0 } }
#ifdef NO_VFORK_LOCK
#define LOCK_VFORK   skip
#define UNLOCK_VFORK skip
#else
#define LOCK_VFORK   lock(vfork_lock)
#define UNLOCK_VFORK unlock(vfork_lock)
#endif

/* --- guest/proc/task.c, guest/mm/mm.c ------------------------------------------- */
inline task_put(t)
{
    d_step {
        USE(t); assert(refs[t] > 0);
        refs[t] = refs[t] - 1;
        if
        :: refs[t] == 0 -> assert(task_lock[t] == 0); freed[t] = 1
        :: else
        fi
    }
}

/* The last put tears down: nobody may have it, nor run in it. */
inline mm_put(m)
{
    d_step {
        USE_MM(m); assert(users[m] > 0);
        users[m] = users[m] - 1;
        if
        :: users[m] == 0 ->
            mm_freed[m] = 1;
            assert(mm_of[0] != m && mm_of[1] != m && mm_of[2] != m && mm_of[3] != m);
            assert(cr3[0] != m || ended[0] || mm_of[0] == MM_NONE);
            assert(cr3[1] != m || ended[1] || mm_of[1] == MM_NONE);
            assert(cr3[2] != m || ended[2] || mm_of[2] == MM_NONE);
            assert(cr3[3] != m || ended[3] || mm_of[3] == MM_NONE)
        :: else
        fi
    }
}

/* The program of t loads and stores. */
inline user_access(t)
{
    d_step {
        USE(t); USE_MM(cr3[t]);
        assert(mm_of[t] == cr3[t]);
        assert(!IS_CHILD(t) || cr3[t] != MM_OLD || !returned[t] || gave_up[t])
    }
}

/* --- guest/sched/block.c --------------------------------------------------------- */
inline wake_task(t)
{
    atomic {
        WITH_LOCK(t); task_lock[t] = 1;
        if
        :: state[t] == BLOCKED -> state[t] = RUNNING
#ifdef NO_TOKEN
        :: else
#else
        :: else -> wake_token[t] = 1
#endif
        fi
    };
    unlock_task(t)
}

#define FATAL(t) (group_exit || pending_kill[t])

/* block(), killable.  rc: a signal has ended it. */
inline block(t, rc)
{
#ifdef FLAGS_LATE
    rc = FATAL(t);              /* looks for signals, and only then says that it does */
#endif
    atomic { WITH_LOCK(t); sleep_kill[t] = 1 };
#ifndef FLAGS_LATE
    rc = FATAL(t);
#endif
    if
    :: rc
    :: else ->
        atomic {                /* sleep_now() */
            WITH_LOCK(t);
            if
            :: wake_token[t] -> wake_token[t] = 0
            :: else -> state[t] = BLOCKED
            fi
        };
        state[t] == RUNNING     /* schedule() */
    fi;
    sleep_kill[t] = 0
}

/* --- guest/proc/signal.c, tree_lock held ---------------------------------------- */
inline signal_notice(t)
{
    atomic { WITH_LOCK(t); asleep = sleep_kill[t] };
    if
    :: asleep -> wake_task(t)
    :: else
    fi;
    asleep = 0
}

inline signal_group_exit()
{
    group_exit = 1;
    if :: in_list[PARENT] -> signal_notice(PARENT) :: else fi;
    if :: in_list[SIB] -> signal_notice(SIB) :: else fi
}

/* --- guest/proc/fork.c ---------------------------------------------------------- */

/* RELEASED: what the wait looks at.  LINK_IN_PARENT is the other design, where each
 * child that goes tells its parent, not its own vfork. */
#ifdef LINK_IN_PARENT
bool vfork_done;
#define WAITING(c) (!vfork_done)
#else
#define WAITING(c) (vfork_waiter[c] == PARENT)
#endif

inline vfork_wait(c)
{
    do
    :: atomic { USE(c); waits = WAITING(c) };
        if
        :: !waits -> break
        :: else ->
            block(PARENT, killed);
#ifdef NO_RECHECK
            break
#else
            if :: killed -> break :: else fi
#endif
        fi
    od;
    LOCK_VFORK;
    d_step { USE(c); waits = WAITING(c) };
    if
    :: waits && FATAL(PARENT) ->
#ifndef NO_KILLED_CLEAR
        d_step { USE(c); vfork_waiter[c] = NOBODY };
#endif
        d_step { releases[c]++; gave_up[c] = 1 }
    :: else ->
        d_step {                /* not killed, or too late: the child has let go */
            assert(left_mm[c]);
            assert(!(cr3[c] == MM_OLD && mm_of[c] == MM_OLD));
        }
    fi;
    returned[c] = 1;
    UNLOCK_VFORK;
    waits = 0
}

inline clear_child_tid(t, old)
{
    if
    :: IS_CHILD(t) && old == MM_OLD && users[old] > 1 ->
        d_step { USE_MM(old); assert(!returned[t] || gave_up[t]) }  /* mm_access, futex_wake */
    :: else
    fi
}

inline release(t, old)
{
    LOCK_VFORK;
    waiter = vfork_waiter[t];
    if
#ifdef LINK_IN_PARENT
    :: IS_CHILD(t) -> vfork_done = 1; wake_task(PARENT)
#endif
    :: waiter != NOBODY ->
        d_step { USE(waiter); USE_MM(old) };    /* trace_vfork_release */
#ifdef WAKE_FIRST
        wake_task(waiter);
#endif
        d_step { assert(!gave_up[t]); releases[t]++; vfork_waiter[t] = NOBODY };
#ifndef WAKE_FIRST
        wake_task(waiter)
#endif
    :: else
    fi;
    UNLOCK_VFORK;
    waiter = 0
}

inline mm_release(t, old)
{
#ifndef CLEAR_TID_LATE
    clear_child_tid(t, old);
#endif
    if
    :: vfork_waiter[t] == NOBODY                /* it does not come back from that */
    :: else -> release(t, old)
    fi;
#ifdef CLEAR_TID_LATE
    clear_child_tid(t, old)
#endif
}

/* --- guest/proc/exec.c: commit() ------------------------------------------------- */
inline exec_commit(t)
{
    old = mm_of[t];
    users[MM_NEW(t)] = 1;
#ifdef RELEASE_EARLY
    mm_release(t, old);
#endif
#ifdef PUT_EARLY
    mm_put(old);
#endif
    atomic { WITH_LOCK(t); mm_of[t] = MM_NEW(t) };      /* take_mm() */
    d_step { cr3[t] = MM_NEW(t); left_mm[t] = 1 };      /* mm_activate() */
#ifndef RELEASE_EARLY
    mm_release(t, old);
#endif
#ifndef PUT_EARLY
    mm_put(old);
#endif
    old = 0
}

/* --- guest/proc/exit.c ------------------------------------------------------------ */
inline leave_mm(t)
{
    old = mm_of[t];
    atomic { WITH_LOCK(t); mm_of[t] = MM_NONE; left_mm[t] = 1 };
    mm_release(t, old);
    mm_put(old);
    old = 0
}

/* thread_release() takes the reference of the PID table.  The other one goes when the
 * CPU has left the stack: finish_switch(), here the last thing of each process. */
inline leave_group(t)
{
    lock(tree_lock);
    nthreads--;
    atomic { WITH_LOCK(t); state[t] = ZOMBIE };
    if
    :: sole_task != NOBODY && nthreads == 1 -> wake_task(sole_task)
    :: else
    fi;
    if
    :: t != leader -> in_list[t] = 0; task_put(t)
    :: else
    fi;
    unlock(tree_lock)
}

inline end_of_task(t)
{
    d_step { ended[t] = 1; cr3[t] = MM_NONE };
    task_put(t)
}

/* --- who there is ------------------------------------------------------------------ */
proctype Parent()
{
    bool waits, killed, asleep;
    byte old, waiter, c = CHILD;

    do
    :: c <= LAST_CHILD && !FATAL(PARENT) ->     /* link_task() */
#ifdef LINK_IN_PARENT
        vfork_done = 0;
#endif
        d_step {
            vfork_waiter[c] = PARENT;
            users[MM_OLD]++;
            mm_of[c] = MM_OLD; cr3[c] = MM_OLD;
            in_list[c] = 1;
            refs[c] = 2
        };
#ifndef NO_CHILD_REF
        refs[c]++;
#endif
        started[c] = 1;         /* sched_first() */
        vfork_wait(c);
#ifndef NO_CHILD_REF
        task_put(c);
#endif
        c++;
        killed = 0
    :: else -> break
    od;
    if
    :: !FATAL(PARENT) -> user_access(PARENT)
    :: else
    fi;
    leave_mm(PARENT);
    leave_group(PARENT);
    end_of_task(PARENT)
}

proctype Child(byte me)
{
    bool asleep;
    byte old, waiter;

    if
    :: started[me]
    :: ended[PARENT] && !started[me] -> goto never_born
    fi;
    if
    :: user_access(me)
    :: skip                     /* killed at once */
    fi;
    if
    :: exec_commit(me); user_access(me)
    :: skip                     /* no exec, or one that fails: nothing has changed */
    :: group_exit -> ended[PARENT]              /* it outlives its parent, who must die all the same */
    :: pending_kill[PARENT] -> ended[PARENT]
    fi;
    leave_mm(me);
    lock(tree_lock);            /* leave_process() */
    atomic { WITH_LOCK(me); state[me] = ZOMBIE };
    unlock(tree_lock);
    end_of_task(me);
never_born:
    skip
}

#ifdef SIBLING
proctype Sib()
{
    bool asleep, killed;
    byte old, waiter;

    if
    :: user_access(SIB)
    :: skip
    fi;
    if
    :: skip                                     /* pthread_exit */
    :: lock(tree_lock);                         /* exit_group() */
        signal_group_exit();
        unlock(tree_lock)
    :: lock(tree_lock);                         /* exit_other_threads() */
        if
        :: group_exit -> unlock(tree_lock)
        :: else ->
            if
            :: nthreads > 1 ->
                sole_task = SIB;
                pending_kill[PARENT] = 1;       /* signal_kill_thread() */
                signal_notice(PARENT);
                do
                :: nthreads > 1 && !group_exit ->
                    unlock(tree_lock);
                    block(SIB, killed);
                    lock(tree_lock)
                :: else -> break
                od;
                sole_task = NOBODY
            :: else
            fi;
            if
            :: group_exit -> unlock(tree_lock)
            :: else ->                          /* become_leader() */
                leader = SIB;
                in_list[PARENT] = 0;
                task_put(PARENT);
                unlock(tree_lock);
                exec_commit(SIB);
                user_access(SIB)
            fi
        fi
    fi;
    leave_mm(SIB);
    leave_group(SIB);
    end_of_task(SIB)
}
#endif

/* A signal that kills, and a wake for nothing, at any time.  The wake holds what keeps
 * a task in its place. */
proctype Killer()
{
    bool asleep;

    if
    :: lock(tree_lock);
        if :: in_list[PARENT] -> wake_task(PARENT) :: else fi;
        unlock(tree_lock)
    :: skip
    fi;
    if
    :: lock(tree_lock);
        signal_group_exit();
        unlock(tree_lock)
    :: skip
    fi
}

/* wait4() by whoever the parent is then: process_release(). */
inline reap(t)
{
    lock(tree_lock);
    in_list[t] = 0;
    task_put(t);
    unlock(tree_lock)
}

proctype Reaper()
{
    byte waited = 0;

    do
    :: in_list[CHILD] && state[CHILD] == ZOMBIE -> reap(CHILD)
#ifdef TWO
    :: in_list[CHILD + 1] && state[CHILD + 1] == ZOMBIE -> reap(CHILD + 1)
#endif
    :: !waited && nthreads == 0 && tree_lock == 0 -> waited = 1; reap(leader)
    :: waited && !in_list[CHILD] && !in_list[LAST_CHILD] && ended[PARENT] &&
       (!started[CHILD] || ended[CHILD]) && (!started[LAST_CHILD] || ended[LAST_CHILD]) -> break
    od;
    /* All is over: everything has gone, once. */
#ifndef LINK_IN_PARENT          /* that one shall fail for a worse thing */
    assert(!started[CHILD] || releases[CHILD] == 1);
    assert(!started[LAST_CHILD] || releases[LAST_CHILD] == 1);
#endif
    assert(mm_freed[MM_OLD] && users[MM_OLD] == 0)
}

init
{
    atomic {
        byte i;
        for (i : 0 .. NTASKS - 1) {
            vfork_waiter[i] = NOBODY; mm_of[i] = MM_NONE; cr3[i] = MM_NONE
        }
        refs[PARENT] = 2; in_list[PARENT] = 1; mm_of[PARENT] = MM_OLD; cr3[PARENT] = MM_OLD;
        users[MM_OLD] = 1; nthreads = 1;
#ifdef SIBLING
        refs[SIB] = 2; in_list[SIB] = 1; mm_of[SIB] = MM_OLD; cr3[SIB] = MM_OLD;
        users[MM_OLD] = 2; nthreads = 2;
        run Sib();
#endif
        run Parent();
        run Child(CHILD);
#ifdef TWO
        run Child(CHILD + 1);
#endif
#ifndef NO_KILLER
        run Killer();
#endif
        run Reaper();
        i = 0
    }
}
