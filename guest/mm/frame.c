/* frame.c - page frames: a watermark, free lists, reference counts.
 *
 * At boot RAM is a few free ranges: what boot_info calls RAM, less the first
 * MiB, the kernel image with its root image, the modules and the command line.
 * From the ranges come, in this order, the region of page tables and the array
 * of struct frame; all that is left is handed out by a watermark that moves
 * through the ranges.  Nothing is written for a frame before it is used: the
 * array is zero memory of the host, and "refs 0" means "never handed out".
 * That is also what makes the root image immortal: its frames have no other
 * count, and get and put leave a count of 0 alone.  A freed frame has the count
 * FRAME_FREE, so that a put too many is found.
 *
 * In front of all that each CPU has a cache: freed frames, freed tables, and a
 * piece of what is above the watermarks.  Freed ones are kept in chains, which go between
 * caches and the global lists only when they are full; so that costs the same
 * as for one frame, and CPUs meet at the global lock once for CHAIN of them.  A cache has a lock of its own, which its CPU finds free: others
 * take it only to count, or when they would have to fail otherwise; so memory is
 * out when it is nowhere.  The two locks are never held together.
 *
 * The last put of a frame is the last access to it: the count goes down with
 * release and, for who reads 1 in frame_refs(), up to it with acquire.  Who sees 1
 * and has that reference is alone: a new one could only come through it.
 *
 * The direct map reaches as far as the watermark: whoever moves it over a 2 MiB
 * border has the next piece mapped first (kmap.c), with the lock released,
 * because that may take a table frame.
 *
 * Table frames are zero when they come back (pt.c frees only empty tables), so
 * they need no clearing; other frames are cleared when somebody wants zeros and
 * the watermark has nothing left. */
#include "mm/frame.h"
#include "mm/kmap.h"

#include "arch/hypercall.h"
#include "arch/machine.h"
#include "lib/string.h"
#include "proc/lock.h"

#define LOW_END     0x100000ull             /* BIOS data, ACPI tables, start info */
#define TABLES_MAX  (128ull << 20)
#define TABLES_MIN  (512ull << 10)
#define MAX_RANGES  (MAX_RAM_REGIONS + MAX_MODULES + 4)

struct range { paddr_t start, end; };

struct frame *frames;
pfn_t nframes;

static struct spinlock lock = SPINLOCK_INIT(LOCK_frame);    /* [l] */
static struct range range[MAX_RANGES];          /* [l] */
static unsigned nranges, at_range;              /* [l] the watermark is range[at_range].start */
static uint64_t fresh;                          /* [l] frames above it */
static pfn_t tables_start, tables_end;          /* [k] the table region */
static pfn_t tables_next;                       /* [l] its watermark */

enum kind { USUAL, TABLES, KINDS };

/* Free frames, linked by their tags.  In the global list, where all are of CHAIN frames,
 * the first one's refs are FRAME_FREE and the first of the next chain. */
#define CHAIN     32u
struct chain { pfn_t first; unsigned n; };
static struct { pfn_t first; uint64_t n; } full_chains[KINDS];      /* [l] */

#define FRESH_RUN 16u           /* frames that a cache takes from a watermark */

struct cache {
    struct spinlock lock;       /* guards the rest */
    struct {
        pfn_t fresh, fresh_end; /* never handed out; equal: none */
        struct chain top;       /* where frames go and come from */
        struct chain full;      /* another one, or empty */
    } of[KINDS];
} __attribute__((aligned(64)));
static struct cache caches[MAX_CPUS];

uint64_t frames_total;

/* Takes [start, end) out of the ranges, whole pages of it. */
static void reserve(paddr_t start, paddr_t end)
{
    start = page_down(start);
    end = page_up(end);
    for (unsigned i = 0; i < nranges; i++) {
        struct range *r = &range[i];
        if (end <= r->start || start >= r->end)
            continue;
        if (start > r->start && end < r->end) {         /* a hole: two ranges */
            ASSERT(nranges < MAX_RANGES);
            for (unsigned j = nranges++; j > i; j--)
                range[j] = range[j - 1];
            range[i + 1].start = end;
            r->end = start;
            i++;
        } else if (start > r->start) {
            r->end = start;
        } else {
            r->start = MIN(end, r->end);
        }
    }
}

/* The lowest piece of that size, aligned, taken out of the ranges.  Panics if
 * there is none: a machine this small cannot boot. */
static paddr_t carve(uint64_t bytes)
{
    for (unsigned i = 0; i < nranges; i++) {
        paddr_t at = range[i].start;
        if (range[i].end - at >= bytes) {
            range[i].start += bytes;
            return at;
        }
    }
    panic("not enough memory: %llu KiB in one piece", (unsigned long long)bytes >> 10);
}

static void find_ranges(void)
{
    for (unsigned i = 0; i < boot_info.nregions; i++)
        range[nranges++] = (struct range){ boot_info.region[i].start, boot_info.region[i].end };
    reserve(0, LOW_END);
    reserve(virt_to_phys(kernel_start), virt_to_phys(kernel_end));
    reserve((paddr_t)(uintptr_t)rootimg_start, (paddr_t)(uintptr_t)rootimg_end);
    for (unsigned i = 0; i < boot_info.nmodules; i++)
        reserve(boot_info.module[i].start, boot_info.module[i].start + boot_info.module[i].bytes);
    paddr_t words = virt_to_phys(boot_info.cmdline);
    reserve(words, words + strlen(boot_info.cmdline) + 1);
}

/* Frames of the root images: in use by files from the start. */
static uint64_t image_frames(void)
{
    uint64_t bytes = (uint64_t)(rootimg_end - rootimg_start);
    for (unsigned i = 0; i < boot_info.nmodules; i++)
        bytes += boot_info.module[i].bytes;
    return page_up(bytes) >> PAGE_SHIFT;
}

void frame_init(void)
{
    uint64_t ram = 0;
    for (unsigned i = 0; i < boot_info.nregions; i++)
        ram += boot_info.region[i].end - boot_info.region[i].start;
    ASSERT(boot_info.nregions > 0);
    kmap_adopt_boot();
    nframes = (pfn_t)(boot_info.region[boot_info.nregions - 1].end >> PAGE_SHIFT);
    find_ranges();

    /* A small process is a quarter tables (8 of about 30 frames). */
    uint64_t bytes = page_down(MIN(ram / 8, TABLES_MAX));
    bytes = MAX(bytes, TABLES_MIN);
    tables_start = tables_next = (pfn_t)(carve(bytes) >> PAGE_SHIFT);
    tables_end = tables_start + (pfn_t)(bytes >> PAGE_SHIFT);
    /* Whoever maps more of the direct map needs tables: they are mapped first. */
    bytes = page_up((uint64_t)nframes * sizeof(struct frame));
    paddr_t array = carve(bytes);
    frames = phys_to_virt(array);
    kmap_direct((paddr_t)tables_end << PAGE_SHIFT);
    kmap_direct(array + bytes);

    for (unsigned i = 0; i < nranges; i++)
        fresh += (range[i].end - range[i].start) >> PAGE_SHIFT;
    frames_total = fresh + (tables_end - tables_start) + image_frames();
    for (unsigned i = 0; i < MAX_CPUS; i++)
        spin_class(&caches[i].lock, LOCK_frame_cache);
}

/* --- the watermark and the lists ----------------------------------------- */

/* Up to n frames at the watermark: how many, from *first on.  The global lock is
 * held; it may be released meanwhile. */
static SLOW_PATH unsigned take_fresh(unsigned n, pfn_t *first)
{
    for (;;) {
        while (at_range < nranges && range[at_range].start >= range[at_range].end)
            at_range++;
        if (at_range == nranges)
            return 0;
        paddr_t at = range[at_range].start;
        if (likely(kmap_direct_covers(at))) {
            paddr_t end = MIN(range[at_range].end, at + n * PAGE_SIZE);
            end = MIN(end, kmap_direct_end);
            range[at_range].start = end;
            *first = (pfn_t)(at >> PAGE_SHIFT);
            n = (unsigned)((end - at) >> PAGE_SHIFT);
            fresh -= n;
            return n;
        }
        spin_unlock(&lock);
        int err = kmap_direct(at + PAGE_SIZE);
        spin_lock(&lock);
        if (err)
            return 0;
    }
}

static unsigned take_fresh_tables(unsigned n, pfn_t *first)
{
    n = MIN(n, tables_end - tables_next);
    *first = tables_next;
    tables_next += n;
    return n;
}

static pfn_t take_chain(enum kind kind)
{
    spin_lock(&lock);
    pfn_t first = full_chains[kind].first;
    if (first) {
        full_chains[kind].first = frames[first].refs & ~FRAME_FREE;
        full_chains[kind].n--;
    }
    spin_unlock(&lock);
    return first;
}

static void put_chain(enum kind kind, pfn_t first)
{
    spin_lock(&lock);
    frames[first].refs = FRAME_FREE | full_chains[kind].first;
    full_chains[kind].first = first;
    full_chains[kind].n++;
    spin_unlock(&lock);
}

/* Are there any?  A hint: the lock is not held. */
static inline bool any_chain(enum kind kind)
{
    return __atomic_load_n(&full_chains[kind].first, __ATOMIC_RELAXED) != 0;
}

/* --- the CPUs' caches ---------------------------------------------------- */

static inline struct cache *my_cache(void) { return &caches[this_cpu()->id]; }

/* c->lock held; the chain is not empty. */
static inline pfn_t pop(struct chain *k)
{
    pfn_t pfn = k->first;
    k->first = frames[pfn].tag;
    k->n--;
    return pfn;
}

/* The topmost chain is empty: it is the full one now.  c->lock held. */
static struct chain *use_full(struct cache *c, enum kind kind)
{
    c->of[kind].top = c->of[kind].full;
    c->of[kind].full.n = 0;
    return &c->of[kind].top;
}

/* One that was freed, 0: there are none; what more it finds goes into my cache. */
static SLOW_PATH pfn_t refill(enum kind kind)
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
    if (!pfn && any_chain(kind) && (first = take_chain(kind)) != 0) {
        spin_lock(&c->lock);
        *top = (struct chain){ first, CHAIN };      /* only its CPU adds: it is still empty */
        pfn = pop(top);
        spin_unlock(&c->lock);
    }
    return pfn;
}

/* One that was never handed out: zero. */
static SLOW_PATH pfn_t refill_fresh(enum kind kind)
{
    struct cache *c = my_cache();
    pfn_t first;
    spin_lock(&lock);
    unsigned n = kind == USUAL ? take_fresh(FRESH_RUN, &first)
                               : take_fresh_tables(FRESH_RUN, &first);
    spin_unlock(&lock);
    if (n == 0)
        return 0;
    spin_lock(&c->lock);
    c->of[kind].fresh = first + 1;
    c->of[kind].fresh_end = first + n;
    spin_unlock(&c->lock);
    return first;
}

/* One of what any CPU keeps. */
static SLOW_PATH pfn_t steal(enum kind kind)
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

static SLOW_PATH pfn_t alloc_slow(enum kind kind)
{
    pfn_t pfn = refill(kind);
    if (!pfn && !(pfn = refill_fresh(kind)))
        pfn = steal(kind);
    return pfn;
}

/* What was freed goes first: it is in the processor's caches, and fresh frames are
 * for who wants zeros. */
static inline pfn_t alloc(enum kind kind)
{
    struct cache *c = my_cache();
    pfn_t pfn = 0;
    spin_lock(&c->lock);
    if (likely(c->of[kind].top.n > 0))
        pfn = pop(&c->of[kind].top);
    else if (c->of[kind].full.n == 0 && !any_chain(kind)
             && c->of[kind].fresh < c->of[kind].fresh_end)
        pfn = c->of[kind].fresh++;
    spin_unlock(&c->lock);
    return hand_out(likely(pfn) ? pfn : alloc_slow(kind));
}

pfn_t frame_alloc(void) { return alloc(USUAL); }
pfn_t frame_alloc_table(void) { return alloc(TABLES); }

static SLOW_PATH pfn_t alloc_zeroed_slow(void)
{
    pfn_t pfn = refill_fresh(USUAL);
    if (!pfn && ((pfn = refill(USUAL)) != 0 || (pfn = steal(USUAL)) != 0))
        frame_clear(pfn);
    return pfn;
}

pfn_t frame_alloc_zeroed(void)
{
    struct cache *c = my_cache();
    pfn_t pfn = 0;
    spin_lock(&c->lock);
    if (likely(c->of[USUAL].fresh < c->of[USUAL].fresh_end))
        pfn = c->of[USUAL].fresh++;
    spin_unlock(&c->lock);
    return hand_out(likely(pfn) ? pfn : alloc_zeroed_slow());
}

void frame_get(pfn_t pfn)
{
    frame_get_inline(pfn);
}

/* The topmost chain is full: makes room.  c->lock held; released meanwhile. */
static SLOW_PATH void make_room(struct cache *c, enum kind kind)
{
    struct chain full = c->of[kind].full;
    c->of[kind].full = c->of[kind].top;
    c->of[kind].top.n = 0;
    c->of[kind].top.first = 0;
    if (full.n > 0) {
        spin_unlock(&c->lock);
        put_chain(kind, full.first);
        spin_lock(&c->lock);
    }
}

/* c->lock held. */
static inline void push(struct cache *c, enum kind kind, pfn_t pfn)
{
    struct chain *top = &c->of[kind].top;
    if (unlikely(top->n == CHAIN))
        make_room(c, kind);
    frames[pfn].tag = top->first;
    top->first = pfn;
    top->n++;
}

/* True: that was the last reference. */
static inline bool drop(pfn_t pfn)
{
    if (!frame_counted(pfn))
        return false;
    uint32_t was = __atomic_fetch_sub(&frames[pfn].refs, 1, __ATOMIC_ACQ_REL);
    ASSERT(was < FRAME_FREE);
    if (was != 1)
        return false;
    frames[pfn].refs = FRAME_FREE;
    return true;
}

void frame_put(pfn_t pfn)
{
    if (!drop(pfn))
        return;
    struct cache *c = my_cache();
    spin_lock(&c->lock);
    push(c, pfn >= tables_start && pfn < tables_end ? TABLES : USUAL, pfn);
    spin_unlock(&c->lock);
}

void frame_put_all(const pfn_t *pfn, unsigned n)
{
    struct cache *c = my_cache();
    if (n == 0)
        return;
    spin_lock(&c->lock);
    for (const pfn_t *stop = pfn + n; pfn < stop; pfn++)
        if (drop(*pfn))
            push(c, USUAL, *pfn);
    spin_unlock(&c->lock);
}

uint32_t frame_refs(pfn_t pfn)
{
    uint32_t refs = pfn < nframes ? __atomic_load_n(&frames[pfn].refs, __ATOMIC_ACQUIRE) : 0;
    return refs ? refs : UINT32_MAX;
}

void frame_copy(pfn_t to, pfn_t from)
{
    if (hc_caps & HC_CAP_PAGE_OPS)
        hypercall(HC_PAGE_COPY, (paddr_t)to << PAGE_SHIFT, (paddr_t)from << PAGE_SHIFT, 0, 0);
    else
        memcpy(frame_va(to), frame_va(from), PAGE_SIZE);
}

void frame_clear(pfn_t pfn)
{
    if (hc_caps & HC_CAP_PAGE_OPS)
        hypercall(HC_PAGE_CLEAR, (paddr_t)pfn << PAGE_SHIFT, 1, 0, 0);
    else
        memset(frame_va(pfn), 0, PAGE_SIZE);
}

static uint64_t count_free(enum kind kind)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < ncpus; i++) {
        struct cache *c = &caches[i];
        spin_lock(&c->lock);
        n += c->of[kind].top.n + c->of[kind].full.n + (c->of[kind].fresh_end - c->of[kind].fresh);
        spin_unlock(&c->lock);
    }
    spin_lock(&lock);
    n += full_chains[kind].n * CHAIN + (kind == USUAL ? fresh : tables_end - tables_next);
    spin_unlock(&lock);
    return n;
}

void frame_count(struct frame_counts *c)
{
    uint64_t tables = count_free(TABLES);
    c->total = frames_total;
    c->image = image_frames();
    c->free = count_free(USUAL) + tables;
    c->tables_total = tables_end - tables_start;
    c->tables_used = c->tables_total - tables;
}
