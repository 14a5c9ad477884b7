/* frame.c - page frames: reference counts, and what each CPU keeps.
 *
 * A count of 0 means "never handed out".  That is also what makes the root image
 * immortal: its frames have no other count, and get and put leave a count of 0
 * alone.  A freed frame has the count FRAME_FREE, so that a put too many is found; and a count
 * that could reach it, by mapping a page 2^30 times, sticks: such a frame is never freed.
 *
 * In front of the pool each CPU has a cache: freed frames, freed tables, and a
 * piece of what is above the watermarks.  Freed ones are kept in chains, which go
 * between caches and the pool only when they are full; so that costs the same as
 * for one frame, and CPUs meet at the pool's lock once for CHAIN of them.  A cache
 * has a lock of its own, which its CPU finds free: others take it only to count, or
 * when they would have to fail otherwise; so memory is out when it is nowhere.
 * The two locks are never held together.
 *
 * The last put of a frame is the last access to it: the count goes down with
 * release and, for who reads 1 in frame_refs(), up to it with acquire.  Who sees 1
 * and has that reference is alone: a new one could only come through it.
 *
 * Table frames are zero when they come back (pt.c frees only empty tables), so
 * they need no clearing; other frames are cleared when somebody wants zeros and
 * the watermark has nothing left. */
#include "arch/hypercall.h"
#include "lib/string.h"
#include "mm/frame_pool.h"
#include "mm/heap.h"
#include "mm/kstack.h"
#include "mm/memcheck.h"
#include "sync/lock.h"

struct cache {
    struct spinlock lock; /* guards the rest */
    struct {
        pfn_t fresh, fresh_end; /* never handed out; equal: none */
        struct chain {
            pfn_t first;
            unsigned n;
        } top, full;
        /* frames go to and come from top; full: CHAIN, or none */
#if MEMCHECK
        pfn_t resting[QUARANTINE]; /* freed ones on their way there; 0: none */
        unsigned next;
#endif
    } of[FRAME_KINDS];
} __attribute__((aligned(64)));
static struct cache caches[MAX_CPUS];

void frame_caches_init(void)
{
    for (unsigned i = 0; i < MAX_CPUS; i++)
        spin_class(&caches[i].lock, LOCK_frame_cache);
}

static inline struct cache *my_cache(void) { return &caches[HERE->id]; }

static inline bool is_table(pfn_t pfn) { return pfn >= tables_start && pfn < tables_end; }

/* c->lock held; the chain is not empty. */
static inline pfn_t pop(struct chain *k)
{
    pfn_t pfn = k->first;
    k->first = frames[pfn].tag;
    k->n--;
    memcheck_frame_taken(pfn, is_table(pfn));
    return pfn;
}

#if MEMCHECK
/* A freed frame takes the place of the one that has rested longest; 0: there is none yet.
 * pfn 0: takes one out, whichever.  c->lock held. */
static pfn_t rest(struct cache *c, enum frame_kind kind, pfn_t pfn)
{
    for (unsigned i = 0; i < QUARANTINE; i++) {
        pfn_t *place = &c->of[kind].resting[c->of[kind].next], out = *place;

        *place = pfn;
        c->of[kind].next = (c->of[kind].next + 1) % QUARANTINE;
        if (pfn || out)
            return out;
    }
    return 0;
}

static unsigned resting(const struct cache *c, enum frame_kind kind)
{
    unsigned n = 0;

    for (unsigned i = 0; i < QUARANTINE; i++)
        n += c->of[kind].resting[i] != 0;
    return n;
}
#endif

/* The topmost chain is empty: it is the full one now.  c->lock held. */
static struct chain *use_full(struct cache *c, enum frame_kind kind)
{
    c->of[kind].top = c->of[kind].full;
    c->of[kind].full.n = 0;
    return &c->of[kind].top;
}

/* One that was freed, 0: there are none; what more it finds goes into my cache. */
static SLOW_PATH pfn_t refill(enum frame_kind kind)
{
    struct cache *c = my_cache();
    struct chain *top = &c->of[kind].top;
    pfn_t pfn = 0, first = 0;
    spin_lock(&c->lock);
    if (top->n == 0 && c->of[kind].full.n > 0)
        use_full(c, kind);
    if (top->n > 0)
        pfn = pop(top);
    spin_unlock(&c->lock);
    if (!pfn && pool_any_chain(kind) && (first = pool_take_chain(kind)) != 0) {
        spin_lock(&c->lock);
        *top = (struct chain){ first, CHAIN }; /* only its CPU adds: it is still empty */
        pfn = pop(top);
        spin_unlock(&c->lock);
    }
    return pfn;
}

/* One that was never handed out: zero.  Some may be here still: passed over for a chain in
 * the pool that another CPU then took. */
static SLOW_PATH pfn_t refill_fresh(enum frame_kind kind)
{
    struct cache *c = my_cache();
    spin_lock(&c->lock);
    pfn_t first = c->of[kind].fresh < c->of[kind].fresh_end ? c->of[kind].fresh++ : 0;
    spin_unlock(&c->lock);
    if (first)
        return first;
    unsigned n = pool_take_fresh(kind, FRESH_RUN, &first);
    if (n == 0)
        return 0;
    spin_lock(&c->lock);
    c->of[kind].fresh = first + 1;
    c->of[kind].fresh_end = first + n;
    spin_unlock(&c->lock);
    return first;
}

/* One of what any CPU keeps. */
static SLOW_PATH pfn_t steal(enum frame_kind kind)
{
    pfn_t pfn = 0;
    for (unsigned i = 0; i < ncpus && !pfn; i++) {
        struct cache *c = &caches[i];
        spin_lock(&c->lock);
        if (c->of[kind].top.n > 0)
            pfn = pop(&c->of[kind].top);
        else if (c->of[kind].full.n > 0)
            pfn = pop(use_full(c, kind));
        else if (c->of[kind].fresh < c->of[kind].fresh_end)
            pfn = c->of[kind].fresh++;
#if MEMCHECK
        else if ((pfn = rest(c, kind, 0)) != 0)
            memcheck_frame_taken(pfn, is_table(pfn));
#endif
        spin_unlock(&c->lock);
    }
    return pfn;
}

static inline pfn_t hand_out(pfn_t pfn)
{
    if (likely(pfn)) {
        frames[pfn].tag = 0;
        __atomic_store_n(&frames[pfn].refs, 1, __ATOMIC_RELAXED);
    }
    return pfn;
}

/* What keeps frames for its next user, and what is over in slabs. */
static bool others_give_back(void)
{
    bool stacks = kstack_give_back(), heap = heap_give_back();
    return stacks || heap;
}

static SLOW_PATH pfn_t alloc_slow(enum frame_kind kind)
{
    pfn_t pfn = refill(kind);
    if (!pfn && !(pfn = refill_fresh(kind)) && kind == FRAME_USUAL && pool_break_huge())
        pfn = refill(kind);
    if (!pfn)
        pfn = steal(kind);
    if (!pfn && kind == FRAME_USUAL && others_give_back())
        pfn = steal(kind);
    return pfn;
}

/* What was freed goes first: it is in the processor's caches, and fresh frames are
 * for who wants zeros. */
static inline pfn_t alloc(enum frame_kind kind)
{
    struct cache *c = my_cache();
    pfn_t pfn = 0;
    if (alloc_fails())
        return 0;
    spin_lock(&c->lock);
    if (likely(c->of[kind].top.n > 0))
        pfn = pop(&c->of[kind].top);
    else if (c->of[kind].full.n == 0 && !pool_any_chain(kind) &&
             c->of[kind].fresh < c->of[kind].fresh_end)
        pfn = c->of[kind].fresh++;
    spin_unlock(&c->lock);
    return hand_out(likely(pfn) ? pfn : alloc_slow(kind));
}

pfn_t frame_alloc(void) { return alloc(FRAME_USUAL); }
pfn_t frame_alloc_table(void) { return alloc(FRAME_TABLES); }

static SLOW_PATH pfn_t alloc_zeroed_slow(void)
{
    pfn_t pfn = refill_fresh(FRAME_USUAL);
    if (!pfn && (pfn = alloc_slow(FRAME_USUAL)) != 0)
        frame_clear(pfn);
    return pfn;
}

pfn_t frame_alloc_zeroed(void)
{
    struct cache *c = my_cache();
    pfn_t pfn = 0;
    if (alloc_fails())
        return 0;
    spin_lock(&c->lock);
    if (likely(c->of[FRAME_USUAL].fresh < c->of[FRAME_USUAL].fresh_end))
        pfn = c->of[FRAME_USUAL].fresh++;
    spin_unlock(&c->lock);
    return hand_out(likely(pfn) ? pfn : alloc_zeroed_slow());
}

void frame_get(pfn_t pfn) { frame_get_inline(pfn); }

/* The topmost chain is full: makes room.  c->lock held; released meanwhile. */
static SLOW_PATH void make_room(struct cache *c, enum frame_kind kind)
{
    struct chain full = c->of[kind].full;
    c->of[kind].full = c->of[kind].top;
    c->of[kind].top.n = 0;
    c->of[kind].top.first = 0;
    if (full.n > 0) {
        spin_unlock(&c->lock);
        pool_put_chain(kind, full.first);
        spin_lock(&c->lock);
    }
}

/* c->lock held. */
static inline void push(struct cache *c, enum frame_kind kind, pfn_t pfn)
{
    struct chain *top = &c->of[kind].top;
    memcheck_frame_freed(pfn, kind == FRAME_TABLES);
#if MEMCHECK
    pfn = rest(c, kind, pfn);
    if (!pfn)
        return;
#endif
    if (unlikely(top->n == CHAIN))
        make_room(c, kind);
    frames[pfn].tag = top->first;
    top->first = pfn;
    top->n++;
}

/* Too many references, or one of a frame that is free.  A stuck count stays in the middle. */
SLOW_PATH void frame_stuck(pfn_t pfn, uint32_t was)
{
    if (was >= FRAME_FREE)
        panic("frame %x: a reference to what is free: count %x", pfn, was);
    __atomic_store_n(&frames[pfn].refs, FRAME_STUCK + FRAME_STUCK / 2, __ATOMIC_RELAXED);
}

/* True: that was the last reference. */
static inline bool drop(struct frame_counts_at all, pfn_t pfn)
{
    if (unlikely(pfn >= all.n))
        return false;
    uint32_t refs = __atomic_load_n(&all.of[pfn].refs, __ATOMIC_RELAXED);
    if (!frame_ordinary(refs)) {
        if (refs != 0)
            frame_stuck(pfn, refs);
        return false;
    }
    if (__atomic_sub_fetch(&all.of[pfn].refs, 1, __ATOMIC_ACQ_REL) != 0)
        return false;
    all.of[pfn].refs = FRAME_FREE;
    return true;
}

void frame_put(pfn_t pfn)
{
    if (!drop(frame_counts_at(), pfn))
        return;
    struct cache *c = my_cache();
    spin_lock(&c->lock);
    push(c, is_table(pfn) ? FRAME_TABLES : FRAME_USUAL, pfn);
    spin_unlock(&c->lock);
}

void frame_put_all(const pfn_t *pfn, unsigned n)
{
    const struct frame_counts_at counts = frame_counts_at();
    struct cache *c = my_cache();
    if (n == 0)
        return;
    spin_lock(&c->lock);
    for (const pfn_t *stop = pfn + n; pfn < stop; pfn++)
        if (drop(counts, *pfn))
            push(c, FRAME_USUAL, *pfn);
    spin_unlock(&c->lock);
}

/* --- huge pages.  While one is free, its first frame says so; the others keep their counts of 1,
 * but in the kernel that checks such things. */

pfn_t frame_alloc_huge(bool *zero)
{
    if (alloc_fails())
        return 0;
    pfn_t first = pool_take_huge(zero);
    if (!first)
        return 0;
    if (*zero || MEMCHECK)
        for (unsigned i = 0; i < HUGE_FRAMES; i++) {
            if (!*zero)
                memcheck_frame_taken(first + i, false);
            frames[first + i] = (struct frame){ 1, 0 };
        }
    frames[first] = (struct frame){ 1, 0 };
    return first;
}

void frame_put_huge(pfn_t first)
{
    for (unsigned i = 0; MEMCHECK && i < HUGE_FRAMES; i++) {
        ASSERT(frames[first + i].refs == 1);
        frames[first + i].refs = FRAME_FREE;
        memcheck_frame_freed(first + i, false);
    }
    pool_put_huge(first);
}

bool frame_huge_alone(pfn_t first)
{
    const struct frame *f = &frames[first], *stop = f + HUGE_FRAMES;
    while (f < stop && __atomic_load_n(&f->refs, __ATOMIC_ACQUIRE) == 1)
        f++;
    return f == stop;
}

bool frame_leave(pfn_t pfn)
{
    uint32_t refs = __atomic_load_n(&frames[pfn].refs, __ATOMIC_ACQUIRE);
    if (refs == 1)
        return true;
    if (!frame_ordinary(refs)) { /* stuck, or a put too many */
        frame_stuck(pfn, refs);
        return false;
    }
    if (__atomic_sub_fetch(&frames[pfn].refs, 1, __ATOMIC_ACQ_REL) != 0)
        return false;
    __atomic_store_n(&frames[pfn].refs, 1, __ATOMIC_RELAXED); /* nobody else knows it */
    return true;
}

uint32_t frame_refs(pfn_t pfn)
{
    uint32_t refs = pfn < nframes ? __atomic_load_n(&frames[pfn].refs, __ATOMIC_ACQUIRE) : 0;
    return refs ? refs : UINT32_MAX;
}

void frame_copy_head(pfn_t to, pfn_t from, size_t n)
{
    if (hc_caps & HC_CAP_PAGE_OPS)
        hypercall(HC_PAGE_COPY, (paddr_t)to << PAGE_SHIFT, (paddr_t)from << PAGE_SHIFT, 0, 0);
    else
        memcpy(frame_va(to), frame_va(from), n);
    if (n < PAGE_SIZE)
        memset((char *)frame_va(to) + n, 0, PAGE_SIZE - n);
}

void frame_clear(pfn_t pfn)
{
    if (hc_caps & HC_CAP_PAGE_OPS)
        hypercall(HC_PAGE_CLEAR, (paddr_t)pfn << PAGE_SHIFT, 1, 0, 0);
    else
        memset(frame_va(pfn), 0, PAGE_SIZE);
}

static uint64_t count_free(enum frame_kind kind)
{
    uint64_t n = pool_free(kind);
    for (unsigned i = 0; i < ncpus; i++) {
        struct cache *c = &caches[i];
        spin_lock(&c->lock);
        n += c->of[kind].top.n + c->of[kind].full.n + (c->of[kind].fresh_end - c->of[kind].fresh);
#if MEMCHECK
        n += resting(c, kind);
#endif
        spin_unlock(&c->lock);
    }
    return n;
}

void frame_count(struct frame_counts *c)
{
    uint64_t tables = count_free(FRAME_TABLES);
    c->total = frames_total;
    c->image = pool_image_frames();
    c->free = count_free(FRAME_USUAL) + tables;
    c->tables_total = tables_end - tables_start;
    c->tables_used = c->tables_total - tables;
}
