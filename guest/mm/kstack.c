/* kstack.c - kernel stacks: three mapped pages above one that is never mapped.
 *
 * A stack that is freed keeps its pages and waits for the next task, so that making a task
 * mostly writes no entry; two are kept in reserve by those calls that write entries
 * anyway (fork, exec), so that vfork and clone write none.  More than most() are not kept:
 * the oldest of them give their frames back, and so do all when memory is short.
 *
 * Taking a mapping of the kernel away while CPUs run.  A stack that is kept is used by no
 * CPU: its task has left it for good (task.c).  But any CPU may have it in its TLB, by
 * use or by speculation, and such entries are global.  So, in this order:
 *
 *   1  vmap_lock: the stack leaves the list, its entries are cleared
 *   2  all CPUs flush the range (tlb_flush: the requester waits, and every loop
 *      in which a CPU could wait for it serves requests)
 *   3  the frames are put: nobody can reach them by the old address any more
 *   4  vmap_lock: the place may be mapped again.  Its entries are "not present" until
 *      then, and those are in no TLB
 *
 * Between 1 and 4 the place belongs to who gives it back.  The page tables stay. */
#include "mm/kstack.h"
#include "mm/frame.h"
#include "mm/kmap.h"
#include "mm/mm.h"
#include "mm/pt.h"
#include "mm/tlb.h"

#include "arch/cpu.h"
#include "arch/layout.h"
#include "sync/lock.h"

#define STACK_PAGES (KSTACK_BYTES / PAGE_SIZE)
#define STRIDE      (KSTACK_BYTES + PAGE_SIZE)
#define SPARES      2u
#define KEEP_MOST   32u
#define PLACES      (PAGE_SIZE * 8) /* as many as there are PIDs */
#define AT_ONCE     16u             /* given back with one flush */

/* All: vmap_lock. */
static uintptr_t spares; /* tops, newest first; the word below the top is the next one */
static unsigned nspares, nstacks;
static uint64_t *free_place; /* a bit for each that was a stack's: a page */
static unsigned nfree;

static uintptr_t *link_of(uintptr_t top) { return (uintptr_t *)top - 1; }

/* So many are kept: 384 KiB, but no more than a part in 64 of a small machine. */
static unsigned most(void) { return MAX(SPARES, MIN(KEEP_MOST, (unsigned)(frames_total / 192))); }

/* --- places ------------------------------------------------------------------ */

static unsigned place_of(uintptr_t top) { return (unsigned)((top - STRIDE - vmap_base) / STRIDE); }

static uint64_t place_new(void)
{
    if (!free_place) {
        pfn_t pfn = frame_alloc_zeroed();
        free_place = pfn ? frame_va(pfn) : NULL;
    }
    uint64_t at = free_place ? kmap_range(STRIDE, STRIDE) : 0;
    return at < vmap_base + PLACES * STRIDE ? at : 0;
}

/* The lowest address of a free one, 0: there is none. */
static uint64_t place_take(void)
{
    if (nfree == 0)
        return place_new();
    unsigned w = 0;
    while (free_place[w] == 0)
        w++;
    unsigned i = w * 64 + (unsigned)__builtin_ctzll(free_place[w]);
    free_place[w] &= free_place[w] - 1;
    nfree--;
    return vmap_base + (uint64_t)i * STRIDE;
}

static void place_put(unsigned i)
{
    free_place[i / 64] |= 1ull << i % 64;
    nfree++;
}

/* --- making, and keeping ------------------------------------------------------- */

/* Frames for a stack and their entries, all or none. */
static bool take_frames(pte_t entry[STACK_PAGES])
{
    pte_t flags = PTE_W | (cpu_has.nx ? PTE_NX : 0) | kmap_page(0);
    for (unsigned i = 0; i < STACK_PAGES; i++) {
        pfn_t pfn = frame_alloc();
        entry[i] = pte_make(pfn, flags);
        if (pfn)
            continue;
        while (i-- > 0)
            frame_put(pte_pfn(entry[i]));
        return false;
    }
    return true;
}

/* Maps another stack: its top, or 0. */
static uintptr_t stack_new(void)
{
    pte_t entry[STACK_PAGES];
    uint64_t place = place_take();
    if (place == 0)
        return 0;
    pte_t *e = pt_make(&kernel_mm, place + PAGE_SIZE, PT_kernel_stack);
    if (!e || !take_frames(entry)) {
        place_put(place_of(place + STRIDE));
        return 0;
    }
    pt_fill(&kernel_mm, place + PAGE_SIZE, e, 1, STACK_PAGES, PT_kernel_stack, entry);
    nstacks++;
    return place + STRIDE;
}

static void keep(uintptr_t top)
{
    *link_of(top) = spares;
    spares = top;
    nspares++;
}

static uintptr_t take_spare(void)
{
    uintptr_t top = spares;
    if (top) {
        spares = *link_of(top);
        nspares--;
    }
    return top;
}

/* --- giving back ---------------------------------------------------------------- */

struct given {
    unsigned n, place[AT_ONCE];
    pfn_t frame[AT_ONCE * STACK_PAGES];
    uint64_t start, end;
};

/* Step 1.  Lock held. */
static void unmap_spares(struct given *g, unsigned n)
{
    g->start = UINT64_MAX;
    g->end = 0;
    for (g->n = 0; g->n < n; g->n++) {
        uintptr_t top = take_spare(), bottom = top - KSTACK_BYTES;
        pte_t *e = pt_find(&kernel_mm, bottom);
        for (unsigned i = 0; i < STACK_PAGES; i++)
            g->frame[g->n * STACK_PAGES + i] = pte_pfn(e[i]);
        g->place[g->n] = place_of(top);
        g->start = MIN(g->start, bottom);
        g->end = MAX(g->end, top);
        pt_clear(&kernel_mm, bottom, e, 1, STACK_PAGES, PT_kernel_stack);
    }
    nstacks -= n;
}

/* Steps 2 to 4.  No lock of ours held. */
static void give(const struct given *g)
{
    tlb_flush(&kernel_mm, g->start, g->end);
    frame_put_all(g->frame, g->n * STACK_PAGES);
    spin_lock(&vmap_lock);
    for (unsigned i = 0; i < g->n; i++)
        place_put(g->place[i]);
    spin_unlock(&vmap_lock);
}

/* So many are left of those that are kept, or there were fewer.  Lock held; given back. */
static SLOW_PATH void trim(unsigned left)
{
    struct given g;
    unsigned n = nspares > left ? MIN(nspares - left, AT_ONCE) : 0;
    unmap_spares(&g, n);
    spin_unlock(&vmap_lock);
    if (n != 0)
        give(&g);
}

/* Whoever needs a frame may hold any spinlock, so the lock is only tried. */
bool kstack_give_back(void)
{
    if (__atomic_load_n(&nspares, __ATOMIC_RELAXED) == 0 || !spin_trylock(&vmap_lock))
        return false;
    trim(0);
    return true;
}

/* --- for everybody ------------------------------------------------------------- */

uintptr_t kstack_alloc(void)
{
    spin_lock(&vmap_lock);
    uintptr_t top = take_spare();
    if (!top)
        top = stack_new();
    spin_unlock(&vmap_lock);
    return top;
}

void kstack_free(uintptr_t top)
{
    spin_lock(&vmap_lock);
    keep(top);
    if (unlikely(nspares > most()))
        trim(most() / 2);
    else
        spin_unlock(&vmap_lock);
}

void kstack_count(uint64_t *all, uint64_t *kept)
{
    spin_lock(&vmap_lock);
    *all = nstacks;
    *kept = nspares;
    spin_unlock(&vmap_lock);
}

void kstack_replenish(void)
{
    if (__atomic_load_n(&nspares, __ATOMIC_RELAXED) >= SPARES)
        return;
    spin_lock(&vmap_lock);
    while (nspares < SPARES) {
        uintptr_t top = stack_new();
        if (!top)
            break;
        keep(top);
    }
    spin_unlock(&vmap_lock);
}
