/* ptrace.pml - a tracee's stop on several CPUs: guest/proc/ptrace.c, ptrace_tracer.c.
 *
 * TRACEE stops twice, the second time as it ends (ptrace_exits).  TRACER waits for a stop, holds it,
 * makes a request, lets it, and tells it to go on, detaches it, or ends, which detaches.  KILLER sends
 * SIGKILL to it at any moment, or to the tracer, which ends then at its next step; with
 * -DIDLE the tracer may do nothing any more, and the tracee is always killed.  Each has a CPU of its own; a step is one
 * access to something shared, or what happens under tree_lock or task.lock in one piece.
 *
 * What must hold:
 *  - the tracee's registers are touched only while it sleeps in its stop (assert in Request);
 *  - struct ptrace is freed once, and not touched after that (USE);
 *  - everybody comes to an end: a lost wake-up, or a SIGKILL that is not heeded, is an invalid end
 *    state for spin.
 *
 * Each mutation, -DNAME, takes one thing out; all must fail. */

#define RUNS    0
#define STOPPED 1

bit tree_lock, task_lock;
byte state = RUNS;
bool linked = true;             /* task.ptrace == pt */
bool in_stop, held, dies, freed;
bool fatal;                     /* signal_fatal_pending(tracee) */
bool ending;                    /* it is past that: its stop for EXIT */
bool asleep, token, sleep_kill; /* block.h */
bool tracer_killed, tracer_gone, tracee_gone;
bool told;                      /* waitq of the tracer */

#define LOCK(l)   atomic { !l -> l = 1 }
#define UNLOCK(l) l = 0
#define USE       assert(!freed)

inline wake()
{
    LOCK(task_lock);
    if
    :: asleep -> asleep = false
    :: else -> token = true
    fi;
    UNLOCK(task_lock)
}

/* block(): how == 1: killable */
inline block(how)
{
    LOCK(task_lock);
    sleep_kill = how;
    UNLOCK(task_lock);
    if
    :: how && fatal -> skip
    :: else ->
        LOCK(task_lock);
        if
#ifndef NO_TOKEN
        :: token -> token = false
#endif
        :: else -> asleep = true
        fi;
        UNLOCK(task_lock);
        !asleep
    fi;
    sleep_kill = false
}

#ifdef NO_EXIT_KILL
#define KILLED(e) (!(e) && fatal)
#else
#define KILLED(e) ((e) && dies || !(e) && fatal)
#endif
#ifdef NO_HELD
#define HELD false
#else
#define HELD held
#endif

inline stop(e)
{
    if
    :: linked ->
        USE;
        state = STOPPED; in_stop = true;
        told = true;
        do
        :: HELD || (linked && state != RUNS && !KILLED(e)) ->
            bool uninterruptible = HELD || e;
            UNLOCK(tree_lock);
            block(!uninterruptible);
            LOCK(tree_lock)
        :: else -> break
        od;
        in_stop = false;
        if
        :: !linked -> USE; freed = true
        :: else -> USE; state = RUNS
        fi
    :: else -> skip
    fi
}

active proctype Tracee()
{
    LOCK(tree_lock);
    stop(false);
    UNLOCK(tree_lock);
    LOCK(tree_lock);
    ending = true;
    if
    :: fatal -> skip                    /* ended by SIGKILL: no stop for EXIT */
    :: else -> stop(true)
    fi;
    UNLOCK(tree_lock);
    LOCK(tree_lock);                    /* leave_process */
    tracee_gone = true;
    told = true;
    UNLOCK(tree_lock)
}

/* tree_lock held */
inline take_out()
{
    USE;
    linked = false;
    if
#ifdef FREE_ALWAYS
    :: freed = true
#else
    :: !in_stop -> freed = true
    :: else -> skip
#endif
    fi
}

inline unlink()
{
    take_out();
#ifndef NO_UNLINK_WAKE
    wake()
#endif
}

active proctype Tracer()
{
    bool got;
    do
#ifdef IDLE
    :: goto end_idle            /* it never asks again */
#endif
    :: tracer_killed -> break
    :: tracee_gone -> break
    :: told || tracer_killed ->
        told = false;
        got = false;
        LOCK(tree_lock);
        if
        :: linked && in_stop && state == STOPPED -> held = true; got = true
        :: else -> skip
        fi;
        UNLOCK(tree_lock);
        if
        :: got ->
            asleep || token || !in_stop;        /* off its CPU: on_cpu */
            /* the request: registers and memory */
            assert(in_stop && linked);
            USE;
            LOCK(tree_lock);
            if
            :: state = RUNS; held = false; wake(); UNLOCK(tree_lock)    /* CONT */
            :: held = false; state = RUNS; unlink(); wake(); UNLOCK(tree_lock); goto gone   /* DETACH */
            :: held = false;                                            /* another request, */
#ifndef NO_LET_WAKE
               if
               :: !linked || state == RUNS || dies || fatal -> wake()
               :: else -> skip
               fi;
#endif
               told = true;                                             /* and it comes again */
               UNLOCK(tree_lock)
            fi
        :: else -> skip
        fi
    od;
    goto gone;
end_idle:
    tracer_killed;
gone:
    LOCK(tree_lock);                    /* ptrace_leave_tracees, or wait(2) of a zombie */
#ifndef NO_LEAVE
    if
    :: linked -> unlink()
    :: else -> skip
    fi;
#endif
    tracer_gone = true;
    UNLOCK(tree_lock)
}

/* SIGKILL for the tracee, twice as often as it helps, and for the tracer. */
active proctype Killer()
{
    if
    :: LOCK(tree_lock);
       if
       :: !ending -> fatal = true;
#ifndef NO_SWEEP_DIES
           dies = true;
#endif
           LOCK(task_lock);
           bool kills = sleep_kill;
           UNLOCK(task_lock);
           if
           :: kills -> wake()
           :: else -> skip
           fi
       :: else -> dies = true; wake()   /* ptrace_kill */
       fi;
       UNLOCK(tree_lock)
#ifndef IDLE
    :: skip
#endif
    fi;
    if
    :: tracer_killed = true
    :: skip
    fi
}
