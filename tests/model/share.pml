/* share.pml - page tables that address spaces share after fork: guest/mm/share.c.
 *
 * NU address spaces, each with its own lock, which is why each is one process here.  One table
 * maps one page; at the beginning the first space has it to itself.  Each does OPS things in any
 * order: write to the page, fork (the next space begins), unmap the page and end.  A frame
 * has a value; each space knows what it must read.
 *
 * Beside each space runs its hardware: it fills a paging-structure cache from the entry of
 * level 2, a TLB entry from the table that the cache names, and reads the page, whenever it likes.
 *
 * What must hold:
 *  - whoever reads its page reads what it wrote, or what it had from its parent;
 *  - a table with several users is not written; what is free is not used;
 *  - at the end nothing is left.
 *
 * Each mutation below, -DNAME, must fail. */

#ifndef NU
#define NU 3
#endif
#ifndef OPS
#define OPS 2
#endif

#define NT (NU + 1)
#define NF (NU + 2)
#define NONE 7

/* tables: frame.refs, SHARE_COPIED, the entry */
byte refs[NT];
bool copied[NT], used[NT], ent_w[NT];
byte ent[NT];
/* frames */
byte frefs[NF], val[NF];
/* address spaces: the entry of level 2 */
byte link[NU];
bool link_w[NU];
byte must[NU];
bool live[NU];
bool writing[NU];               /* in the middle of the store: both values are right */
/* the hardware's: a paging-structure cache, a TLB */
byte cache[NU], tlb[NU];
bool cache_w[NU], tlb_w[NU];
byte born = 1;

inline flush(u) { d_step { cache[u] = NONE; tlb[u] = NONE; cache_w[u] = false; tlb_w[u] = false } }

proctype Hardware(byte u)
{
end:
    do
    :: d_step { live[u] && link[u] != NONE && cache[u] == NONE -> cache[u] = link[u]; cache_w[u] = link_w[u] }
    :: d_step { cache[u] != NONE && tlb[u] == NONE && ent[cache[u]] != NONE ->
            tlb[u] = ent[cache[u]]; tlb_w[u] = cache_w[u] && ent_w[cache[u]] }
    :: atomic { tlb[u] != NONE && !writing[u] -> assert(val[tlb[u]] == must[u]) }
    od
}

inline new_frame(f)
{
    atomic {
        f = 0;
        do :: frefs[f] == 0 -> break :: else -> f++ od;
        frefs[f] = 1
    }
}

inline put_frame(f)
{
    atomic {
        assert(frefs[f] > 0);
        frefs[f]--;
        if :: frefs[f] == 0 -> val[f] = 0 :: else fi        /* anybody's */
    }
}

inline new_table(t)
{
    atomic {
        t = 0;
        do :: !used[t] -> break :: else -> t++ od;
        used[t] = true; refs[t] = 1; ent[t] = NONE; ent_w[t] = false; copied[t] = false
    }
}

/* frame_leave(), and what the last one does. */
inline leave(t)
{
#ifdef LEAVE_IN_TWO_STEPS
    n = refs[t];
    if :: n == 1 -> last = true :: else -> refs[t] = n - 1; last = false fi;
#else
    if
    :: refs[t] == 1 -> last = true
    :: else -> atomic { refs[t]--; last = (refs[t] == 0) }
    fi;
#endif
    if
    :: last ->
        f = ent[t];
        d_step { ent[t] = NONE; ent_w[t] = false };
        put_frame(f);
        d_step { refs[t] = 0; used[t] = false }
    :: else
    fi;
    last = false; f = 0
}

/* share_own(): the table is this space's alone afterwards. */
inline own(u)
{
    t = link[u];
    if
    :: link_w[u]
#ifdef KEEP_ALWAYS
    :: else ->
#else
    :: !link_w[u] && refs[t] == 1 ->
#endif
#ifndef NO_COPIED
        if
        :: copied[t] && ent_w[t] && frefs[ent[t]] != 1 -> ent_w[t] = false
        :: else
        fi;
#endif
        copied[t] = false;
        link_w[u] = true
#ifndef KEEP_ALWAYS
    :: else ->
        new_table(t2);
        f = ent[t];
#ifndef COPY_WITHOUT_COUNT
        frefs[f]++;
#endif
#ifdef COPY_KEEPS_W
        d_step { ent[t2] = f; ent_w[t2] = ent_w[t] };
#else
        d_step { ent[t2] = f; ent_w[t2] = false };
#endif
#ifndef COPIED_LATE
        copied[t] = true;
#endif
        d_step { link[u] = t2; link_w[u] = true };
#ifndef NO_FLUSH_AT_COPY
        flush(u);
#endif
        leave(t);
#ifdef COPIED_LATE
        copied[t] = true;
#endif
        t2 = 0
#endif
    fi;
    t = 0; f = 0
}

/* A fault on a write: fault.c. */
inline write_fault(u)
{
    own(u);
    t = link[u];
    if
    :: ent_w[t]
    :: !ent_w[t] && frefs[ent[t]] == 1 -> ent_w[t] = true
    :: else ->
        f = ent[t];
        new_frame(f2);
        val[f2] = val[f];
        d_step { ent[t] = f2; ent_w[t] = true };
        flush(u);
        put_frame(f);
        f2 = 0
    fi;
    flush(u);
    t = 0; f = 0
}

/* User mode: the store goes through the TLB if that may write. */
inline write(u, value)
{
    do
    :: atomic { tlb[u] != NONE && tlb_w[u] -> val[tlb[u]] = value; must[u] = value; break }
    :: atomic { tlb[u] == NONE && link_w[u] && ent_w[link[u]] ->
            tlb[u] = ent[link[u]]; tlb_w[u] = true }
    :: !(link_w[u] && ent_w[link[u]]) -> write_fault(u)
    :: tlb[u] != NONE && !tlb_w[u] && link_w[u] && ent_w[link[u]] -> flush(u)
    od
}

inline do_fork(u, child)
{
    t = link[u];
    d_step { refs[t]++ };
    link_w[u] = false;
    d_step { link[child] = t; link_w[child] = false };
#ifndef NO_FLUSH_AT_FORK
    flush(u);
#endif
    t = 0;
    atomic { must[child] = must[u]; live[child] = true; run Space(child); run Hardware(child) }
}

inline unmap(u)
{
    t = link[u];
    if
    :: link_w[u] ->             /* alone: zap_entries() */
        f = ent[t];
        d_step { ent[t] = NONE; ent_w[t] = false };
        d_step { link[u] = NONE; link_w[u] = false };
        flush(u);
        put_frame(f);
        d_step { refs[t] = 0; used[t] = false }
    :: else ->
        link[u] = NONE;
#ifndef NO_FLUSH_AT_LEAVE
        flush(u);
#endif
        leave(t)
    fi;
    t = 0; f = 0
}

proctype Space(byte u)
{
    byte t, t2, f, f2, n, i, c;
    bool last;
    do
    :: i < OPS -> i++; write(u, 1 + u * OPS + i)
    :: i < OPS && u == 0 && born < NU -> i++; c = born; born++; do_fork(u, c); c = 0
    :: break
    od;
    unmap(u);
    live[u] = false
}

init
{
    byte k;
    atomic {
        k = 0;
        do :: k < NU -> link[k] = NONE; cache[k] = NONE; tlb[k] = NONE; k++ :: else -> break od;
        used[0] = true; refs[0] = 1; ent[0] = 0; ent_w[0] = true; frefs[0] = 1; val[0] = 1;
        link[0] = 0; link_w[0] = true; must[0] = 1; live[0] = true;
        k = 0;
        run Space(0); run Hardware(0)
    }
    (!live[0] && (born < 2 || !live[1]) && (NU < 3 || born < 3 || !live[NU - 1]));
    k = 0;
    do
    :: k < NT -> assert(!used[k]); k++
    :: else -> break
    od;
    k = 0;
    do
    :: k < NF -> assert(frefs[k] == 0); k++
    :: else -> break
    od
}
