/* sched.pml - sleep, wake and idle on several CPUs: guest/sched/block.c, runq.c, sched.c.
 *
 * Two CPUs and three tasks (two with -DNO_SPIN).  PING and PONG wake each other in turn (PONG may run on CPU 1
 * only, and wakes like the release of a vfork: first); SPIN computes in user mode until PING
 * has ended, without a call.  Each CPU runs schedule(), the idle loop and the way back
 * to user mode as they are; a queue is a set, so whatever order a queue has is covered.
 *
 * Hardware is each CPU's store buffer: a plain store is seen later than loads behind it,
 * until a locked instruction.  In it are what others read without a lock: a queue's n
 * (n_seen) with the release of its lock, and need_resched where a CPU stores to its own.
 *
 * What must hold:
 *  - a stack is used by one CPU at a time, and a task is in one queue at most;
 *  - what is in `next` of a queue can be picked at once;
 *  - nobody waits for ever: all three tasks end.  A lost wake-up, a CPU that halts with a task
 *    in its queue, one in user mode with neither timer nor interrupt to come, two CPUs that wait
 *    for each other are invalid end states.
 *
 * Each mutation below, -DNAME, must fail. */

#ifdef WAIT_FOR_STACK           /* the other design: who has picked a task waits for its stack */
#define STEAL_FROM_STACK
#define PLACE_ANYWHERE
#endif

#ifndef ROUNDS
#define ROUNDS 1
#endif
#define NC 2
#define PING 0
#define PONG 1
#define SPIN 2
#define NT   3
#define IDLE(c) (NT + (c))
#define NOBODY 255

#define RUNNING  0
#define RUNNABLE 1              /* in a queue */
#define BLOCKED  2
#define DEAD     3

#define PEER(t) (1 - (t))
#define ALLOWED(t, c) ((t) != PONG || (c) == 1)
#define OTHER(c) (1 - (c))

/* struct task: the last two are the idle tasks */
bit  task_lock[NT];
byte state[NT];
bool token[NT];
byte task_cpu[NT];
bool on_cpu[NT + NC];
byte pc[NT];                    /* where schedule() returns to */
byte round[NT];
bool cond[NT];                  /* what PING and PONG wait for */

/* struct runq, struct cpu */
bit  q_lock[NC];
byte n[NC], n_seen[NC];         /* [q], and as seen without the lock */
byte in_queue[NT];              /* CPU + 1 */
byte next[NC];
byte running[NC];
bool need_look[NC];
bool idle_bit[NC];              /* of idle_cpus */
bool armed[NC];                 /* the timer, for this turn's end */

/* the machine */
bool ipi[NC];
byte store_buffer[NC];          /* 0; 1 + q: n_seen and the release of q's lock; */
#define NEED_OFF 100            /*   need_look off */

byte nended;
bool stack_used[NT + NC];

inline drain(c)                 /* within a step */
{
    if
    :: store_buffer[c] == 0
    :: store_buffer[c] == NEED_OFF -> need_look[c] = 0; store_buffer[c] = 0
    :: else ->
        n_seen[store_buffer[c] - 1] = n[store_buffer[c] - 1];
        q_lock[store_buffer[c] - 1] = 0;
        store_buffer[c] = 0
    fi
}

proctype Hardware(byte c)
{
end:
    do
    :: d_step { store_buffer[c] != 0 -> drain(c) }
    od
}

/* A section under a queue's lock is one step: what it touches is the lock's, or hers who
 * has it.  It ends with the lock still held, until its release has left the store buffer. */
#define CAN_LOCK_QUEUE(c, q) (store_buffer[c] == 0 && q_lock[q] == 0)
#define LOCKED(c, q) CAN_LOCK_QUEUE(c, q) -> q_lock[q] = 1
#define UNLOCK_QUEUE(c, q) store_buffer[c] = 1 + q

/* --- guest/sched/runq.c -------------------------------------------------------------- */
inline notify(c, to)
{
#ifdef NOTIFY_WITHOUT_FENCE
    was = need_look[to];
    need_look[to] = 1;
#else
    d_step { drain(c); was = need_look[to]; need_look[to] = 1 };
#endif
#ifdef NO_IPI
    was = 0
#else
    if :: !was -> ipi[to] = 1 :: else fi;
    was = 0
#endif
}

inline enqueue(t, q, first)     /* runq_add() */
{
    assert(in_queue[t] == 0);
    in_queue[t] = 1 + q;
    n[q]++;
    if :: first -> next[q] = t :: else fi
}

inline take(t, q)
{
    assert(in_queue[t] == 1 + q);
    in_queue[t] = 0;
    n[q]--;
    if :: next[q] == t -> next[q] = NOBODY :: else fi
}

inline make_runnable(c, t, first)
{
    if                          /* place() */
#ifndef PLACE_ANYWHERE
    :: on_cpu[t] -> to = task_cpu[t]
    :: !on_cpu[t] && ALLOWED(t, c) -> to = c
    :: !on_cpu[t] && !ALLOWED(t, c) -> to = task_cpu[t]
#else
    :: ALLOWED(t, c) -> to = c
    :: else -> to = task_cpu[t]
#endif
    fi;
    atomic {                    /* put_into() */
        LOCKED(c, to);
        task_cpu[t] = to;
        state[t] = RUNNABLE;
        enqueue(t, to, first);
        UNLOCK_QUEUE(c, to)
    };
    if
    :: to == c -> need_look[c] = 1
    :: else -> notify(c, to)
    fi;
    to = 0
}

/* Its stack is free, or we stand on it. */
#ifdef WAIT_FOR_STACK
#define PICKABLE(t, c, prev) (in_queue[t] == 1 + (c))
#else
#define PICKABLE(t, c, prev) (in_queue[t] == 1 + (c) && (!on_cpu[t] || (t) == (prev)))
#endif
#ifdef STEAL_FROM_STACK
#define STEALABLE(t, c) (in_queue[t] == 1 + OTHER(c) && next[OTHER(c)] != (t) && ALLOWED(t, c))
#else
#define STEALABLE(t, c) (in_queue[t] == 1 + OTHER(c) && next[OTHER(c)] != (t) && ALLOWED(t, c) && \
                         !on_cpu[t])
#endif

inline runq_pick(c, prev)
{
    if
    :: next[c] != NOBODY ->
        to = next[c];
#ifndef WAIT_FOR_STACK
        assert(!on_cpu[to] || to == prev)
#else
        skip
#endif
    :: next[c] == NOBODY && PICKABLE(PING, c, prev) -> to = PING
    :: next[c] == NOBODY && PICKABLE(PONG, c, prev) -> to = PONG
    :: next[c] == NOBODY && PICKABLE(SPIN, c, prev) -> to = SPIN
    :: else -> to = NOBODY
    fi;
    if :: to != NOBODY -> take(to, c); state[to] = RUNNING :: else fi
}

inline runq_steal(c)
{
    to = NOBODY;
    if
    :: n_seen[OTHER(c)] != 0 ->
        atomic {
            LOCKED(c, OTHER(c));
            if
            :: STEALABLE(PING, c) -> to = PING
            :: STEALABLE(PONG, c) -> to = PONG
            :: STEALABLE(SPIN, c) -> to = SPIN
            :: else
            fi;
            if
            :: to != NOBODY -> take(to, OTHER(c)); task_cpu[to] = c; state[to] = RUNNING
            :: else
            fi;
            UNLOCK_QUEUE(c, OTHER(c))
        }
    :: else
    fi
}

#define WAITS(t, c) (in_queue[t] == 1 + (c) && next[c] != (t) && ALLOWED(t, OTHER(c)))
/* Calls the other CPU, if it is idle, for one who waits here and may run there. */
inline runq_share(c, again)
{
    atomic {
        LOCKED(c, c);
        if :: again -> next[c] = NOBODY :: else fi;     /* it waits like the others now */
        if
        :: WAITS(PING, c) || WAITS(PONG, c) || WAITS(SPIN, c) ->
            was = idle_bit[OTHER(c)];                   /* claim_idle() */
            idle_bit[OTHER(c)] = 0
        :: else
        fi;
        UNLOCK_QUEUE(c, c)
    };
    if
    :: was -> notify(c, OTHER(c))
    :: else
    fi;
    was = 0
}

/* --- guest/sched/block.c ---------------------------------------------------------------- */
#define CAN_LOCK_TASK(c, t) (store_buffer[c] == 0 && task_lock[t] == 0)
inline unlock_task(c, t) { atomic { store_buffer[c] == 0 -> task_lock[t] = 0 } }  /* what is before it first */

inline wake_task(c, t, first)
{
    atomic {
        CAN_LOCK_TASK(c, t);
        task_lock[t] = 1;
        was = state[t] == BLOCKED
    };
    if
    :: was -> was = 0; make_runnable(c, t, first)
#ifdef NO_TOKEN
    :: else
#else
    :: else -> token[t] = 1
#endif
    fi;
    unlock_task(c, t)
}

inline sleep_now(c, t)          /* asleep: state is BLOCKED */
{
    atomic {
        CAN_LOCK_TASK(c, t);
        if
        :: token[t] -> token[t] = 0
        :: else -> state[t] = BLOCKED
        fi
    }
}

/* --- a CPU --------------------------------------------------------------------------------
 * pc: 0 in user mode; 1 about to look at cond; 2 asleep or preempted in the kernel: looks again. */
#define NOW running[me]

proctype Cpu(byte me)
{
    byte prev, to;
    bool was, again;

resume:                         /* schedule() has returned, on the stack of running[me] */
    if
    :: NOW == IDLE(me) -> goto idle_again
    :: NOW != IDLE(me) && pc[NOW] == 0 -> goto to_user
    :: NOW != IDLE(me) && pc[NOW] != 0 -> goto wait
    fi;

    /* trap_return_work(), sched_turn_check() */
to_user:
    if
    :: !need_look[me] -> goto user
    :: else
    fi;
#ifdef TURN_WITHOUT_FENCE
    atomic { store_buffer[me] == 0 -> store_buffer[me] = NEED_OFF };
    if
    :: n_seen[me] == 0 -> goto user
#else
    d_step { drain(me); need_look[me] = 0 };
    if
    :: n_seen[me] == 0 -> goto to_user
#endif
    :: else
    fi;
    if
    :: goto schedule            /* its turn is over */
    :: skip
    fi;
    if
    :: idle_bit[OTHER(me)] ->
        if
        :: again = 1
        :: again = 0
        fi;
        runq_share(me, again);
        again = 0
    :: else
    fi;
#ifndef NO_TIMER
    armed[me] = 1;
#endif
    goto to_user;

user:
    if
    :: ipi[me] -> ipi[me] = 0; goto to_user
    :: armed[me] -> armed[me] = 0; need_look[me] = 1; goto to_user
    :: NOW == SPIN && state[PING] == DEAD -> goto ends
    :: NOW != SPIN -> goto call
    fi;

    /* PING wakes PONG, and waits for it; PONG waits for PING, and wakes it. */
call:
    if
    :: round[NOW] == ROUNDS -> goto ends
    :: else
    fi;
    if
    :: NOW == PING -> cond[PONG] = 1; wake_task(me, PONG, false)
    :: else
    fi;
wait:
    if
    :: cond[NOW] ->
        cond[NOW] = 0;
        pc[NOW] = 0;
        round[NOW]++;
        if
        :: NOW == PONG -> cond[PING] = 1; wake_task(me, PING, true)
        :: else
        fi;
        goto to_user
    :: else
    fi;
    pc[NOW] = 2;
#ifdef SLEEP_UNLOCKED
    was = token[NOW];        /* looks at the token, and then sleeps */
    token[NOW] = 0;
    if :: !was -> state[NOW] = BLOCKED :: else fi;
    was = 0;
#else
    sleep_now(me, NOW);
#endif
    if
    :: state[NOW] == RUNNING -> goto wait
    :: else -> goto schedule
    fi;

ends:
    state[NOW] = DEAD;
    nended++;
    goto schedule;

    /* schedule() */
schedule:
    prev = NOW;
    atomic {
        LOCKED(me, me);
        need_look[me] = 0;
        if
        :: prev != IDLE(me) ->
            if
            :: state[prev] == RUNNING -> state[prev] = RUNNABLE; enqueue(prev, me, false)
            :: else
            fi
        :: else
        fi;
        runq_pick(me, prev);
        again = n[me] != 0;
        UNLOCK_QUEUE(me, me)
    };
    if
    :: to == NOBODY ->
        runq_steal(me);
        if :: to == NOBODY -> to = IDLE(me); again = 1 :: else fi
    :: else
    fi;
    if :: again -> need_look[me] = 1 :: else fi;
    again = 0;
    if
    :: to == prev -> to = 0; prev = 0; goto resume
    :: else
    fi;
    if
    :: prev == IDLE(me) -> d_step { drain(me); idle_bit[me] = 0 }      /* runq_mark_busy() */
    :: else
    fi;
#ifdef WAIT_FOR_STACK
    !on_cpu[to];
#endif
    on_cpu[to] = 1;             /* switch_machine() */
#ifdef FINISH_EARLY
    on_cpu[prev] = 0;
#endif
    d_step { assert(!stack_used[to]); stack_used[to] = 1; running[me] = to };
    stack_used[prev] = 0;       /* switch_to() */
    on_cpu[prev] = 0;           /* finish_switch() */
    to = 0;
    prev = 0;
    goto resume;

    /* sched_idle() */
idle_again:
    need_look[me] = 1;          /* runq_mark_idle() */
    d_step { drain(me); idle_bit[me] = 1 };
    if
    :: n_seen[me] != 0 || n_seen[OTHER(me)] != 0 ->
        if                      /* all that it finds may be on a stack still: then it goes on below */
        :: n[me] != 0 || STEALABLE(PING, me) || STEALABLE(PONG, me) || STEALABLE(SPIN, me) ->
            goto schedule
        :: else
        fi
    :: else
    fi;
    if
    :: n_seen[me] != 0 ->       /* its stack will be free in a moment */
        PICKABLE(PING, me, NOBODY) || PICKABLE(PONG, me, NOBODY) || PICKABLE(SPIN, me, NOBODY) ||
        n_seen[me] == 0;
        goto idle_again
    :: else
    fi;
#ifdef HALT_WITHOUT_FENCE
    atomic { store_buffer[me] == 0 -> store_buffer[me] = NEED_OFF };   /* as a plain store */
#else
    d_step { drain(me); need_look[me] = 0 };    /* runq_may_halt() */
#endif
#ifndef NO_LAST_LOOK
    if
    :: n_seen[me] != 0 || !idle_bit[me] -> goto idle_again
    :: else
    fi;
#endif
    if                          /* HLT */
    :: ipi[me] -> ipi[me] = 0; goto idle_again
    :: nended == NT
    fi
}

init
{
    atomic {
        byte i;
        for (i : 0 .. NT - 1) { state[i] = RUNNING }
        next[0] = NOBODY; next[1] = NOBODY;
        /* PING runs on CPU 0, PONG on CPU 1, SPIN waits on CPU 0. */
        running[0] = PING; running[1] = PONG;
        on_cpu[PING] = 1; stack_used[PING] = 1;
        on_cpu[PONG] = 1; stack_used[PONG] = 1; task_cpu[PONG] = 1;
#ifdef NO_SPIN
        state[SPIN] = DEAD; nended = 1;
#else
        state[SPIN] = RUNNABLE; in_queue[SPIN] = 1; n[0] = 1; n_seen[0] = 1; need_look[0] = 1;
#endif
        pc[PONG] = 1;
        run Hardware(0);
        run Hardware(1);
        run Cpu(0);
        run Cpu(1);
        i = 0
    }
}
