/* tlb.c - which CPU has which root, and how translations leave its TLB.
 *
 * mm->cpus_active has a bit for each CPU whose CR3 holds the root.  A CPU that loads it later begins with a clean TLB
 * (no PCIDs are used), so only those need a flush; an address space that is active nowhere needs none.  Kernel mappings
 * are in every root, and global: while several CPUs run only kernel stacks come and go (kstack.c), and what is taken
 * out is flushed on all CPUs.
 *
 * Loading a root sets the bit, then writes CR3.  Who changes an entry stores, has all stores done, then reads the bits.
 * Either it sees the bit, or the bit was set after the store was visible, and then so were the walks of the new CR3.
 *
 * A request is a record in the requester's struct cpu and its bit in the target's inbox.  The one who makes an inbox
 * not empty sends the interrupt; so one is on its way whenever a bit is set, and a target in user mode or halted comes.
 * The requester waits for all, and serves its own inbox meanwhile.  Nobody waits for ever: a target is in user mode or
 * idle (the interrupt gets in); or runs in the kernel, where it waits for other CPUs only in loops that call
 * cpu_relax_poll(), whatever spinlock it wants and whatever it holds; or it wants a mutex that the requester holds,
 * sleeps, and so gets to another task's user mode or to the idle loop.  Serving takes no lock and asks nobody.
 *
 * A CPU that runs no user task keeps the root of the last one, and is LAZY: it uses no user translation, so it need not
 * flush before it does again.
 *
 *   requester                            lazy CPU that returns to that root
 *   store the entry                      old = exchange(state, ACTIVE)
 *   LAZY -> STALE by compare-exchange    old STALE: flush everything
 *   done: skip it.  Else: request        use the root
 *
 * All three are full barriers and the state is one word: if STALE got in first, the CPU sees it, and flushes after the
 * store; if ACTIVE did, the requester sees that, and asks.  What a lazy TLB holds may be old; it is not used.  The
 * processor may walk the tables by speculation, though: before tables are freed, lazy CPUs are asked, too, and go to
 * the kernel's root.  So they do before the root is freed.  A state that changes between two address spaces misleads
 * nobody: ACTIVE is stored before the new root's bit is set, so who sees that bit finds no LAZY left from the old one;
 * a STALE lost by that was about the old root, whose translations CR3 drops.
 *
 * Up to FLUSH_PAGES pages go one by one, beyond that everything that is not global goes with a reload of CR3.  The
 * trace's tlb_flush names the CPUs that did it; one that was skipped as lazy says so itself when it flushes. */
#include "mm/tlb.h"

#include "arch/apic.h"
#include "arch/cpu.h"
#include "arch/hypercall.h"
#include "arch/root.h"
#include "arch/regs.h"
#include "mm/kmap.h"
#include "mm/mm.h"
#include "mm/mutant.h"
#include "trace/trace.h"

static inline uint64_t bit_of(const struct cpu *c) { return 1ull << c->id; }

/* --- on this CPU --------------------------------------------------------- */

static inline void flush_local(const struct mm *mm, uint64_t start, uint64_t end)
{
    if (mm != &kernel_mm && mutant(MUTANT_flush_not_done))
        return;
    if (unlikely(mm == &kernel_mm))
        root_flush_kernel(start, end);
    else
        root_flush_user(start, end);
}

static SLOW_PATH void report_flush(const struct mm *mm, uint64_t start, uint64_t end, uint64_t who)
{
    trace_tlb_flush(mm->id, start, end, who);
    trace_mark(HC_CAP_MARKS);
}

static inline void report(const struct mm *mm, uint64_t start, uint64_t end, uint64_t who)
{
    if (unlikely(trace_on))
        report_flush(mm, start, end, who);
}

static SLOW_PATH void report_root(const struct mm *mm)
{
    trace_cr3_load(mm->id, mm->root);
    trace_mark(HC_CAP_ROOT_MARKS);
}

/* The mm that this CPU leaves behind is no business of its any more when the bit is
 * gone: then it may be freed. */
static void load_root(struct cpu *c, struct mm *mm)
{
    struct mm *old = c->tlb.state != TLB_ACTIVE ? c->tlb.lazy_mm : c->active_mm;
    __atomic_store_n(&c->tlb.state, TLB_ACTIVE, __ATOMIC_RELEASE);
    if (mm != &kernel_mm)
        __atomic_fetch_or(&mm->cpus_active, bit_of(c), __ATOMIC_SEQ_CST);
    root_load((uint64_t)mm->root << PAGE_SHIFT);
    if (unlikely(trace_on))
        report_root(mm);
    c->active_mm = mm == &kernel_mm ? NULL : mm;
    c->tlb.lazy_mm = NULL;
    if (old)
        __atomic_fetch_and(&old->cpus_active, ~bit_of(c), __ATOMIC_SEQ_CST);
}

static void go_lazy(struct cpu *c)
{
    c->tlb.lazy_mm = c->active_mm;
    c->active_mm = NULL;
    __atomic_store_n(&c->tlb.state, TLB_LAZY, __ATOMIC_RELEASE);
}

/* The lazy CPU uses its root again. */
static void wake(struct cpu *c)
{
    struct mm *mm = c->tlb.lazy_mm;
    c->active_mm = mm;
    c->tlb.lazy_mm = NULL;
    if (__atomic_exchange_n(&c->tlb.state, TLB_ACTIVE, __ATOMIC_SEQ_CST) == TLB_STALE) {
        root_flush_user(0, UINT64_MAX & PAGE_MASK);
        report(mm, 0, 0, bit_of(c));
    }
}

void mm_activate(struct mm *mm)
{
    struct cpu *c = this_cpu();
    if (c->active_mm == mm)
        return;
    if (mm && mm != c->tlb.lazy_mm)
        load_root(c, mm);
    else if (mm)
        wake(c);
    else if (ncpus > 1)
        go_lazy(c);
}

/* --- requests ------------------------------------------------------------ */

static uint32_t
    holds_ended; /* [a] a count: the next hold may begin before all have seen that the last is over */

static void serve(struct cpu *c, const struct tlb_cpu *q)
{
    if (q->wish == TLB_HOLD)
        return;
    bool lazy = c->tlb.lazy_mm == q->mm, active = c->active_mm == q->mm;
    if (q->mm == &kernel_mm)
        flush_local(q->mm, q->start, q->end);
    else if ((lazy || active) && (q->wish == TLB_LEAVE || (lazy && q->wish == TLB_TABLES)))
        load_root(c, &kernel_mm);
    else if (lazy || active)
        flush_local(q->mm, q->start, q->end);
    /* Else it has left that root, and with it the translations. */
}

void tlb_serve(void)
{
    struct cpu *c = this_cpu();
    uint64_t from = __atomic_exchange_n(&c->tlb.inbox, 0, __ATOMIC_SEQ_CST);
    for (; from; from &= from - 1) {
        struct tlb_cpu *q = &cpus[__builtin_ctzll(from)].tlb;
        bool hold = q->wish == TLB_HOLD;
        uint32_t ended = __atomic_load_n(&holds_ended, __ATOMIC_RELAXED);
        serve(c, q);
        __atomic_fetch_and(&q->waiting, ~bit_of(c), __ATOMIC_RELEASE); /* q is not ours any more */
        while (unlikely(hold) && __atomic_load_n(&holds_ended, __ATOMIC_ACQUIRE) == ended)
            __builtin_ia32_pause();
    }
}

/* A CPU that will flush by itself before it uses a user translation again. */
static bool skip(struct tlb_cpu *t)
{
    uint32_t state = TLB_LAZY;
    return __atomic_compare_exchange_n(&t->state, &state, TLB_STALE, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST) ||
           state == TLB_STALE;
}

/* Has it done by the CPUs of the mask, less those that can be skipped; this one is not
 * among them.  Returns when they have: which. */
static SLOW_PATH uint64_t request(struct mm *mm, uint64_t mask, uint64_t start, uint64_t end,
                                  enum tlb_wish wish)
{
    struct cpu *c = this_cpu();
    struct tlb_cpu *mine = &c->tlb;
    uint64_t left;
    if (mm != &kernel_mm && wish == TLB_RANGE && mutant(MUTANT_flush_not_done))
        return mask;
    for (left = wish == TLB_RANGE && mm != &kernel_mm ? mask : 0; left; left &= left - 1)
        if (skip(&cpus[__builtin_ctzll(left)].tlb))
            mask &= ~(left & -left);
    if (!mask)
        return 0;
    mine->mm = mm;
    mine->start = start;
    mine->end = end;
    mine->wish = wish;
    __atomic_store_n(&mine->waiting, mask, __ATOMIC_RELEASE);
    for (left = mask; left; left &= left - 1) {
        unsigned to = (unsigned)__builtin_ctzll(left);
        if (__atomic_fetch_or(&cpus[to].tlb.inbox, bit_of(c), __ATOMIC_SEQ_CST) == 0)
            apic_send_ipi(to, IRQ_TLB);
    }
    while (__atomic_load_n(&mine->waiting, __ATOMIC_ACQUIRE) != 0)
        cpu_relax_poll();
    return mask;
}

/* The CPUs that have the root, as of now: what was stored before is visible. */
static uint64_t cpus_with(const struct mm *mm)
{
    __asm__ volatile("lock orl $0, (%%rsp)" : : : "memory", "cc");
    if (mm == &kernel_mm)
        return ncpus >= 64 ? UINT64_MAX : (1ull << ncpus) - 1;
    return __atomic_load_n(&mm->cpus_active, __ATOMIC_SEQ_CST);
}

/* On this CPU, if it has the root, and on others.  Which did it? */
static __attribute__((noinline)) uint64_t flush_cpus(struct mm *mm, uint64_t start, uint64_t end,
                                                     enum tlb_wish wish)
{
    uint64_t mask = cpus_with(mm), me = bit_of(this_cpu());
    if (mask & me)
        flush_local(mm, start, end);
    if (mask & ~me)
        mask = (mask & me) | request(mm, mask & ~me, start, end, wish);
    return mask;
}

void tlb_flush_wish(struct mm *mm, uint64_t start, uint64_t end, enum tlb_wish wish)
{
    uint64_t mask = mm == &kernel_mm ? 1 : mm->cpus_active;
    if (unlikely(ncpus > 1))
        mask = flush_cpus(mm, start, end, wish);
    else if (mask)
        flush_local(mm, start, end);
    if (!mask)
        return;
    if (end - start > FLUSH_PAGES * PAGE_SIZE && mm != &kernel_mm)
        start = end = 0; /* the trace tells what was done: all */
    report(mm, start, end, mask);
}

void tlb_flush(struct mm *mm, uint64_t start, uint64_t end)
{
    tlb_flush_wish(mm, start, end, TLB_RANGE);
}

void tlb_flush_mm(struct mm *mm) { tlb_flush(mm, 0, UINT64_MAX & PAGE_MASK); }

void tlb_flush_here(struct mm *mm, uaddr_t va)
{
    struct cpu *c = this_cpu();
    if (c->active_mm == mm) {
        flush_local(mm, va, va + PAGE_SIZE);
        report(mm, va, va + PAGE_SIZE, bit_of(c));
    }
}

void tlb_leave(struct mm *mm)
{
    struct cpu *c = this_cpu();
    if (c->active_mm == mm || c->tlb.lazy_mm == mm)
        load_root(c, &kernel_mm);
    uint64_t others = ncpus > 1 ? cpus_with(mm) : 0;
    if (unlikely(others))
        request(mm, others, 0, 0, TLB_LEAVE);
    ASSERT(__atomic_load_n(&mm->cpus_active, __ATOMIC_SEQ_CST) == 0);
}

/* Who is held serves nobody, and nobody needs to be served until the holder is done, which waits for no one. */
void cpus_hold(void)
{
    uint64_t others = cpus_with(&kernel_mm) & ~bit_of(this_cpu());
    if (others)
        request(&kernel_mm, others, 0, 0, TLB_HOLD);
}

void cpus_release(void) { __atomic_fetch_add(&holds_ended, 1, __ATOMIC_RELEASE); }
