/* pt.c - the one writer of page-table entries.
 *
 * Every store to a table of the kernel goes through the five functions at the end of this file.  Each is told the
 * reason and reports what it does, so the trace is complete by construction.  They report just before they store; a
 * vCPU that is stopped in between is let run to a place of rest before anyone compares memory with the events
 * (vmm/rest.h).
 *
 * Who stores to a user's table holds mm->lock (or the last reference); for the kernel's tables kmap.c has a lock for
 * each root slot.
 *
 * The processor itself changes entries, too: it sets Accessed and Dirty, on any CPU and at any moment.  Both bits
 * decide nothing here (nothing is swapped, nothing written back), so one that is set between the report and the store
 * may be lost, and the stores are plain; readers of the trace mask them.  The other way round nothing is lost: the
 * processor sets them in a locked cycle that finds the entry as it was, so an entry that was cleared, or lost W, does
 * not come back.
 *
 * A table keeps the number of its used entries in its frame's tag.  A table that is freed is empty and therefore all
 * zero, as frame_alloc_table() promises. */
#include "mm/pt.h"
#include "mm/frame.h"

#include "mm/gather.h"
#include "mm/kmap.h"
#include "mm/mm.h"
#include "mm/mutant.h"
#include "mm/share.h"
#include "sync/lock.h"
#include "trace/trace.h"

static inline uint64_t span_of(unsigned level) { return PAGE_SIZE << (9 * (level - 1)); }

static inline pte_t *entry_in(pfn_t table, uint64_t va, unsigned level)
{
    return (pte_t *)frame_va(table) + ((va >> (PAGE_SHIFT + 9 * (level - 1))) & 511);
}

/* The entry for va in the table that e leads to. */
static inline pte_t *step(pte_t e, uint64_t va, unsigned level)
{
    return (pte_t *)phys_to_virt(e & PTE_ADDR) + ((va >> (PAGE_SHIFT + 9 * (level - 1))) & 511);
}

/* Written out: each page fault comes here. */
static inline pte_t *link_of(const struct mm *mm, uint64_t va)
{
    pte_t *p = entry_in(mm->root, va, 4);
    if (!(*p & PTE_P))
        return NULL;
    p = step(*p, va, 3);
    if ((*p & (PTE_P | PTE_PS)) != PTE_P)
        return NULL;
    p = step(*p, va, 2);
    return *p & PTE_P ? p : NULL;
}

pte_t *pt_link(const struct mm *mm, uint64_t va) { return link_of(mm, va); }

pte_t *pt_find(const struct mm *mm, uint64_t va)
{
    pte_t *link = link_of(mm, va);
    return link && !(*link & PTE_PS) ? step(*link, va, 1) : NULL;
}

pte_t pt_entry(const struct mm *mm, uint64_t va)
{
    pte_t *link = link_of(mm, va);
    if (!link)
        return 0;
    if (unlikely(*link & PTE_PS))
        return pt_huge_part(*link, va);
    return *step(*link, va, 1) & (*link | ~PTE_W);
}

pte_t *pt_next_link(const struct mm *mm, uaddr_t *va, uaddr_t end)
{
    while (*va < end) {
        pte_t *e;
        pfn_t table = mm->root;
        unsigned level = 4;
        for (; *(e = entry_in(table, *va, level)) & PTE_P; level--) {
            if (level == 2)
                return e;
            table = pte_pfn(*e);
        }
        *va = (*va | (span_of(level) - 1)) + 1;
    }
    return NULL;
}

pte_t *pt_next_table(const struct mm *mm, uaddr_t *va, uaddr_t end)
{
    pte_t *link = pt_next_link(mm, va, end);
    ASSERT(!link || !(*link & PTE_PS));
    return link ? step(*link, *va, 1) : NULL;
}

pte_t *pt_next_used(pte_t *e, pte_t *stop)
{
    if (e == stop || *e)
        return e;
    uint64_t left = (uint64_t)(stop - e);
    bool zero;
    /* One instruction for the whole scan, or one an entry where it is interpreted. */
    __asm__ volatile("repe scasq" : "+D"(e), "+c"(left), "=@ccz"(zero) : "a"(0ull) : "memory");
    return zero ? stop : e - 1;
}

static pfn_t table_new(struct mm *mm, uint64_t va, unsigned level, enum pt_reason why)
{
    pfn_t pfn = frame_alloc_table();
    if (pfn) {
        __atomic_fetch_add(&mm->tables, 1, __ATOMIC_RELAXED); /* the kernel's: two locks */
        trace_table_alloc(mm->id, va, pfn, level, why);
    }
    return pfn;
}

pfn_t pt_table_new(struct mm *mm, uint64_t va, enum pt_reason why)
{
    return table_new(mm, va, 1, why);
}

/* A table was made, but what it was for failed: the empty ones on va's path go.
 * No CPU can have seen them used. */
static void undo_tables(struct mm *mm, uint64_t va)
{
    struct gather g;
    if (mm != &kernel_mm) {
        gather_start(&g, mm, PT_table_unlink);
        pt_prune(mm, va, &g);
        gather_flush(&g);
    }
}

pte_t *pt_make_level(struct mm *mm, uint64_t va, unsigned to_level, enum pt_reason why)
{
    pfn_t table = mm->root;
    for (unsigned level = 4; level > to_level; level--) {
        pte_t *e = entry_in(table, va, level);
        if (unlikely(!(*e & PTE_P))) {
            uint64_t base = va & ~(span_of(level) - 1);
            pfn_t sub = table_new(mm, base, level - 1, why);
            if (!sub) {
                undo_tables(mm, va);
                return NULL;
            }
            pt_write(mm, base, e, level, PT_table_link,
                     pte_make(sub, mm == &kernel_mm ? pt_kernel_table() : PT_USER_TABLE));
        }
        table = pte_pfn(*e);
    }
    return entry_in(table, va, to_level);
}

pte_t *pt_own(const struct mm *mm, uint64_t va)
{
    pte_t *link = link_of(mm, va);
    return likely(link && pt_link_own(*link)) ? step(*link, va, 1) : NULL;
}

pte_t *pt_make(struct mm *mm, uint64_t va, enum pt_reason why)
{
    pte_t *link = link_of(mm, va);
    if (likely(link && pt_link_own(*link)))
        return step(*link, va, 1);
    return link ? share_own(mm, va, link) : pt_make_level(mm, va, 1, why);
}

void pt_prune(struct mm *mm, uaddr_t va, struct gather *g)
{
    pte_t *path[5];
    unsigned level = 4;
    for (pfn_t table = mm->root;; level--) {
        path[level] = entry_in(table, va, level);
        if (level == 1 || (*path[level] & (PTE_P | PTE_PS)) != PTE_P)
            break;
        table = pte_pfn(*path[level]);
    }
    for (; level < 4 && frame_tag(pt_table_of(path[level])) == 0; level++) {
        uint64_t base = va & ~(span_of(level + 1) - 1);
        pfn_t table = pt_table_of(path[level]);
        pt_write(mm, base, path[level + 1], level + 1, PT_table_unlink, 0);
        if (mutant(MUTANT_table_leaked)) {
            mm->tables--;
            continue;
        }
        gather_table(g, base, table, level);
    }
}

#define KERNEL_SLOT_VA (0xffff000000000000ull | (uint64_t)KERNEL_ROOT_SLOT << 39)

int pt_root_new(struct mm *mm, uint32_t from_mm)
{
    pfn_t root = frame_alloc_table();
    if (!root)
        return -ENOMEM;
    mm->root = root;
    mm->tables++;
    trace_mm_create(mm->id, root, from_mm);
    trace_table_alloc(mm->id, 0, root, 4, PT_kernel_half);
    pt_write(mm, KERNEL_SLOT_VA, (pte_t *)frame_va(root) + KERNEL_ROOT_SLOT, 4, PT_kernel_half,
             ((pte_t *)frame_va(kernel_mm.root))[KERNEL_ROOT_SLOT]);
    return 0;
}

void pt_root_free(struct mm *mm, enum pt_reason why)
{
    pt_write(mm, KERNEL_SLOT_VA, (pte_t *)frame_va(mm->root) + KERNEL_ROOT_SLOT, 4, why, 0);
    ASSERT(frame_tag(mm->root) == 0 && mm->tables == 1);
    trace_table_free(mm->id, 0, mm->root, 4, why);
    frame_put(mm->root);
    mm->root = 0;
    mm->tables = 0;
}

/* --- the stores ---------------------------------------------------------- */

static inline void store(pte_t *e, pte_t value) { __atomic_store_n(e, value, __ATOMIC_RELEASE); }

static inline void count_used(const pte_t *e, int by)
{
    pfn_t table = pt_table_of(e);
    frame_set_tag(table, frame_tag(table) + (uint32_t)by);
}

#if MUTANTS
static pte_t *wrong; /* the entry that is, for now, and what it should be; one CPU does that */
static pte_t right;

static void put_right(void)
{
    if (wrong)
        store(wrong, right);
    wrong = NULL;
}

/* Is it this store's turn to go wrong?  Then it has. */
static bool store_wrong(pte_t *e, pte_t new, enum pt_reason why)
{
    if (why != PT_cow_break)
        return false;
    if (mutant(MUTANT_report_not_stored))
        return true;
    bool until_flush = mutant(MUTANT_wrong_until_flush), back = mutant(MUTANT_wrong_and_back);
    if (!until_flush && !back && !mutant(MUTANT_wrong_for_a_moment))
        return false;
    if (back)
        store(e, new);
    wrong = e;
    right = new;
    store(e, new ^ PTE_COW);
    if (!until_flush)
        put_right();
    return true;
}
#else
static inline void put_right(void) {}
static inline bool store_wrong(pte_t *e, pte_t new, enum pt_reason why)
{
    (void)e, (void)new, (void)why;
    return false;
}
#endif

static inline void write_one(pte_t *e, pte_t old, pte_t new, enum pt_reason why)
{
    HERE->pte_writes++;
    if (!store_wrong(e, new, why))
        store(e, new);
    if (!old != !new)
        count_used(e, new ? 1 : -1);
}

/* Apart, so that pt_write() need not save registers for it. */
static SLOW_PATH void report_and_write(struct mm *mm, uint64_t va, pte_t *e, unsigned level,
                                       enum pt_reason why, pte_t new)
{
    if (why != PT_cow_break || !mutant(MUTANT_store_unreported))
        trace_pte_write(mm->id, va, e, level, why, new);
    write_one(e, *e, new, why);
}

void pt_write(struct mm *mm, uint64_t va, pte_t *e, unsigned level, enum pt_reason why, pte_t new)
{
    put_right();
    if (unlikely(trace_on && !trace_by_call)) {
        report_and_write(mm, va, e, level, why, new);
        return;
    }
    if (why != PT_cow_break || !mutant(MUTANT_store_unreported))
        trace_pte_write(mm->id, va, e, level, why, new);
    write_one(e, *e, new, why);
}

void pt_fill(struct mm *mm, uint64_t va, pte_t *e, unsigned level, unsigned n, enum pt_reason why,
             const pte_t *new)
{
    if (n == 1) {
        pt_write(mm, va, e, level, why, *new);
        return;
    }
    put_right();
    HERE->pte_writes += n;
    trace_pte_range_new(mm->id, va, e, level, why, n, new);
    for (unsigned i = 0; i < n; i++)
        store(&e[i], new[i]);
    count_used(e, (int)n);
}

unsigned pt_fill_run(struct mm *mm, uint64_t va, pte_t *e, unsigned n, enum pt_reason why,
                     pte_t first)
{
    pte_t *p = e, *stop = e + n;
    put_right();
    trace_pte_fill(mm->id, va, e, 1, why, n, first);
    for (; stop - p >= 4 && !(p[0] | p[1] | p[2] | p[3]); p += 4, first += 4 * PAGE_SIZE) {
        store(&p[0], first);
        store(&p[1], first + PAGE_SIZE);
        store(&p[2], first + 2 * PAGE_SIZE);
        store(&p[3], first + 3 * PAGE_SIZE);
    }
    for (; p < stop && !*p; p++, first += PAGE_SIZE)
        store(p, first);
    n = (unsigned)(p - e);
    HERE->pte_writes += n;
    count_used(e, (int)n);
    return n;
}

void pt_clear(struct mm *mm, uint64_t va, pte_t *e, unsigned level, unsigned n, enum pt_reason why)
{
    if (n == 1) {
        pt_write(mm, va, e, level, why, 0);
        return;
    }
    put_right();
    HERE->pte_writes += n;
    trace_pte_range_old(mm->id, va, e, level, why, n);
#pragma GCC unroll 4
    for (unsigned i = 0; i < n; i++)
        store(&e[i], 0);
    count_used(e, -(int)n);
}

unsigned pt_change(struct mm *mm, uint64_t va, pte_t *e, unsigned level, unsigned n,
                   enum pt_reason why, pte_t off, pte_t on)
{
    unsigned changed = 0;
    put_right();
    trace_pte_change(mm->id, va, e, level, why, n, off, on);
    for (unsigned i = 0; i < n; i++) {
        pte_t old = e[i], new = (old & ~off) | on;
        if (new != old) {
            store(&e[i], new);
            changed++;
        }
    }
    HERE->pte_writes += changed;
    return changed;
}
