/* tlb.pml - flushing translations on several CPUs: guest/mm/tlb.c.
 *
 * NC CPUs do OPS things each, in any order: run a thread of the address space A, or of B, in
 * user mode; idle; unmap a page of either (RANGE) or free a table (TABLES) under its lock, for
 * which they spin; end their thread of A, which frees it with the last.  A page is unmapped,
 * flushed, freed and mapped anew: pte[m] is the generation of its frame, dead[m] the last one
 * that was freed.
 *
 * Beside each CPU runs what its hardware does by itself: it fills the TLB from the tables that
 * CR3 leads to whenever it likes, and lets the store to the page table be seen late
 * (store_buffer: x86 delays stores behind later loads, until a locked instruction).
 *
 * What must hold:
 *  - user mode never uses a translation of a frame that was freed, and no walk goes through
 *    a table that was freed (dead_table), be it by speculation;
 *  - no CPU has a root in CR3 that is freed;
 *  - nobody waits for ever: else spin finds an invalid end state.  A CPU in user mode or halted
 *    may stay there until an interrupt comes.
 *
 * Each mutation below, -DNAME, must fail. */

#ifndef NC
#define NC 2
#endif
#ifndef OPS
#define OPS 3
#endif

#define A 0
#define B 1
#define KERNEL 2                /* the kernel's root, and active_mm == NULL */
#define NONE 2

#define ACTIVE 0
#define LAZY   1
#define STALE  2

#define RANGE  0
#define TABLES 1
#define LEAVE  2

#define BIT(c) (1 << (c))

/* struct mm */
bit  mm_lock[2];
byte users[2];
byte cpus_active[2];            /* mask */
byte pte[2];
byte dead[2], dead_table[2];
bool root_freed[2];

/* struct cpu, struct tlb_cpu */
byte active_mm[NC], lazy_mm[NC];
byte tlb_state[NC];
byte inbox[NC], waiting[NC];    /* masks */
byte req_mm[NC], req_wish[NC];

/* the machine */
byte cr3[NC];
byte tlb[NC];                   /* the generation that it leads to; 0: nothing */
bool ipi[NC];
byte store_buffer[NC];          /* 0, or 1 + the mm whose pte becomes 0 */

inline drain(c)                 /* within a step */
{
    if
    :: store_buffer[c] != 0 -> pte[store_buffer[c] - 1] = 0; store_buffer[c] = 0
    :: else
    fi
}

inline flush_local(c) { d_step { drain(c); tlb[c] = 0 } }

proctype Hardware(byte c)
{
end:
    do
    :: d_step { cr3[c] != KERNEL && tlb[c] == 0 && pte[cr3[c]] != 0 -> tlb[c] = pte[cr3[c]] }
    :: d_step { store_buffer[c] != 0 -> drain(c) }
    :: atomic { cr3[c] != KERNEL && tlb[c] != 0 && tlb[c] <= dead_table[cr3[c]] -> assert(false) }
    od
}

/* --- guest/mm/tlb.c: on this CPU -------------------------------------------------- */
inline set_bit(m, c)   { d_step { drain(c); cpus_active[m] = cpus_active[m] | BIT(c) } }
inline clear_bit(m, c) { d_step { drain(c); cpus_active[m] = cpus_active[m] & ~BIT(c) } }
inline write_cr3(c, m)
{
    d_step {
        assert(m == KERNEL || !root_freed[m]);
        drain(c); cr3[c] = m; tlb[c] = 0
    }
}

inline load_root(c, m)
{
    old = (tlb_state[c] != ACTIVE -> lazy_mm[c] : active_mm[c]);
#ifndef ACTIVE_LAST
    tlb_state[c] = ACTIVE;
#endif
#ifdef CLEAR_FIRST
    if :: old != NONE -> clear_bit(old, c) :: else fi;
#endif
#ifdef BIT_AFTER_CR3
    write_cr3(c, m);
    if :: m != KERNEL -> set_bit(m, c) :: else fi;
#else
    if :: m != KERNEL -> set_bit(m, c) :: else fi;
    write_cr3(c, m);
#endif
    d_step { active_mm[c] = m; lazy_mm[c] = NONE };
#ifdef ACTIVE_LAST
    tlb_state[c] = ACTIVE;
#endif
#ifndef CLEAR_FIRST
    if :: old != NONE -> clear_bit(old, c) :: else fi;
#endif
    old = 0
}

inline go_lazy(c)
{
    d_step { lazy_mm[c] = active_mm[c]; active_mm[c] = NONE };
    tlb_state[c] = LAZY
}

inline wake(c)
{
    d_step { active_mm[c] = lazy_mm[c]; lazy_mm[c] = NONE };
    d_step { drain(c); stale = tlb_state[c] == STALE; tlb_state[c] = ACTIVE };
#ifndef WAKE_WITHOUT_FLUSH
    if :: stale -> flush_local(c) :: else fi;
#endif
    stale = 0
}

inline mm_activate(c, m)
{
    if
    :: active_mm[c] == m
    :: active_mm[c] != m && m != NONE && m != lazy_mm[c] -> load_root(c, m)
    :: active_mm[c] != m && m != NONE && m == lazy_mm[c] -> wake(c)
    :: active_mm[c] != m && m == NONE -> go_lazy(c)
    fi
}

/* --- requests ------------------------------------------------------------------------ */
inline answer(c, from) { d_step { drain(c); waiting[from] = waiting[from] & ~BIT(c) } }

inline serve(c, from)
{
#ifdef ANSWER_FIRST
    answer(c, from);
#endif
    if
    :: (lazy_mm[c] == req_mm[from] || active_mm[c] == req_mm[from]) &&
       (req_wish[from] == LEAVE || (lazy_mm[c] == req_mm[from] && req_wish[from] == TABLES)) ->
        load_root(c, KERNEL)
    :: (lazy_mm[c] == req_mm[from] || active_mm[c] == req_mm[from]) &&
       !(req_wish[from] == LEAVE || (lazy_mm[c] == req_mm[from] && req_wish[from] == TABLES)) ->
        flush_local(c)
    :: else                     /* it has left that root */
    fi;
#ifndef ANSWER_FIRST
    answer(c, from)
#endif
}

inline tlb_serve(c)
{
#ifdef INBOX_CLEARED_LATE
    from = inbox[c];
#else
    d_step { drain(c); from = inbox[c]; inbox[c] = 0 };
#endif
    other = 0;
    do
    :: other < NC ->
        if :: from & BIT(other) -> serve(c, other) :: else fi;
        other++
    :: else -> break
    od;
#ifdef INBOX_CLEARED_LATE
    inbox[c] = 0;
#endif
    from = 0; other = 0
}

inline skip_lazy(c, left)
{
#ifdef STALE_IN_TWO_STEPS
    stale = tlb_state[left] != ACTIVE;
    if :: stale -> tlb_state[left] = STALE; mask = mask & ~BIT(left) :: else fi;
#else
    d_step {
        drain(c);
        if
        :: tlb_state[left] != ACTIVE -> tlb_state[left] = STALE; mask = mask & ~BIT(left)
        :: else
        fi
    };
#endif
    stale = 0
}

/* mask: who is asked, without c. */
inline request(c, m, what)
{
    to = 0;
    do
#ifdef SKIP_FOR_TABLES
    :: to < NC && what != LEAVE ->
#else
    :: to < NC && what == RANGE ->
#endif
        if :: mask & BIT(to) -> skip_lazy(c, to) :: else fi;
        to++
    :: else -> break
    od;
    if
    :: mask != 0 ->
        d_step { req_mm[c] = m; req_wish[c] = what; waiting[c] = mask; to = 0 };
        do
        :: to < NC ->
            if
            :: mask & BIT(to) ->
                d_step { drain(c); was = inbox[to]; inbox[to] = inbox[to] | BIT(c) };
#ifndef NO_IPI
                if :: was == 0 -> ipi[to] = 1 :: else fi
#endif
            :: else
            fi;
            to++
        :: else -> break
        od;
        do                      /* cpu_relax_poll() */
        :: waiting[c] == 0 -> break
#ifndef DEAF_REQUESTER
        :: waiting[c] != 0 && inbox[c] != 0 -> tlb_serve(c)
#endif
        od
    :: else
    fi;
    to = 0; was = 0; mask = 0
}

inline cpus_with(c, m)
{
#ifdef NO_FENCE
    mask = cpus_active[m]
#else
    d_step { drain(c); mask = cpus_active[m] }
#endif
}

inline tlb_flush(c, m, what)
{
    cpus_with(c, m);
    if :: mask & BIT(c) -> flush_local(c) :: else fi;
    mask = mask & ~BIT(c);
    if :: mask != 0 -> request(c, m, what) :: else fi;
    skip
}

/* --- users of all that ------------------------------------------------------------------ */
inline spin_lock(c, m)
{
    do
    :: atomic { mm_lock[m] == 0 -> mm_lock[m] = 1; drain(c) }; break
#ifndef DEAF_SPINNER
    :: mm_lock[m] != 0 && inbox[c] != 0 -> tlb_serve(c)
#endif
    od
}

inline unmap(c, m, what)
{
    spin_lock(c, m);
    gen = pte[m];
    (store_buffer[c] == 0);
    store_buffer[c] = 1 + m;                    /* the entry is cleared */
    tlb_flush(c, m, what);
    d_step {                                    /* gather_flush(): the frame has a new owner */
        drain(c);
        dead[m] = gen;
        if :: what == TABLES -> dead_table[m] = gen :: else fi;
        pte[m] = gen + 1;                       /* and another is there */
        gen = 0
    };
    mm_lock[m] = 0
}

inline mm_put(c, m)
{
    d_step { drain(c); users[m]--; last = users[m] == 0 };
    if
    :: last ->                                  /* tlb_leave() */
        if
        :: active_mm[c] == m || lazy_mm[c] == m -> load_root(c, KERNEL)
        :: else
        fi;
        cpus_with(c, m);
#ifndef NO_LEAVE
        if :: mask != 0 -> request(c, m, LEAVE) :: else fi;
        assert(cpus_active[m] == 0);
#endif
        d_step {
            root_freed[m] = 1; mask = 0;
            assert(cr3[0] != m && cr3[1] != m && cr3[NC - 1] != m)
        }
    :: else
    fi;
    last = 0
}

inline interrupt(c)
{
    ipi[c] = 0;
    tlb_serve(c)
}

/* In user mode, or halted: the interrupt gets in.  It may stay, but not if it is asked. */
inline open_to_interrupts(c)
{
    do
    :: ipi[c] -> interrupt(c)
    :: !ipi[c] && inbox[c] == 0 -> break
    od;
    skip                        /* (no jump leads to a d_step) */
}

inline user_mode(c)
{
    open_to_interrupts(c);
    d_step { assert(cr3[c] == active_mm[c]); assert(tlb[c] == 0 || tlb[c] > dead[cr3[c]]) };
    open_to_interrupts(c)
}

proctype Cpu(byte me)
{
    byte n = 0, old, from, other, to, was, mask, gen;
    bool stale, last, has_thread = 1;           /* of A */

    do
    :: n < OPS && has_thread && active_mm[me] != A -> mm_activate(me, A)
    :: n < OPS && active_mm[me] != B -> n++; mm_activate(me, B)
    :: n < OPS && active_mm[me] != NONE -> n++; mm_activate(me, NONE); open_to_interrupts(me)
    :: n < OPS && active_mm[me] != NONE -> n++; user_mode(me)
    :: n < OPS && active_mm[me] != NONE -> n++; unmap(me, active_mm[me], RANGE)
    :: n < OPS && active_mm[me] != NONE -> n++; unmap(me, active_mm[me], TABLES)
    :: n < OPS && has_thread && active_mm[me] != A -> n++; unmap(me, A, RANGE)  /* truncate() */
    :: has_thread && active_mm[me] == A ->      /* leave_mm() */
        has_thread = 0;
        mm_activate(me, NONE);
        mm_put(me, A)
    :: n == OPS && !has_thread -> break
    :: n == OPS && has_thread && active_mm[me] != A -> mm_activate(me, A)
    od;
end:                                            /* idle, for good */
    do
    :: ipi[me] -> interrupt(me)
    od
}

init
{
    atomic {
        byte c;
        pte[A] = 1; pte[B] = 1;
        users[A] = NC; users[B] = 1;            /* B stays */
        for (c : 0 .. NC - 1) {
            cpus_active[A] = cpus_active[A] | BIT(c);
            cr3[c] = A; active_mm[c] = A; lazy_mm[c] = NONE;
            run Hardware(c);
            run Cpu(c)
        }
        c = 0
    }
}
