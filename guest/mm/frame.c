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
 * piece of what is above the watermark.  CPUs meet at the global lock only once for
 * MOVE frames.  A cache has a lock of its own, which its CPU finds free: others
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
static struct { pfn_t first; uint64_t n; } freed[KINDS];    /* [l] linked by their tags */

#define CACHE_MAX 64u
#define MOVE      32u           /* between a cache and the lists */
#define FRESH_RUN 16u           /* frames that a cache takes from the watermark */

struct cache {
    struct spinlock lock;       /* guards the rest */
    pfn_t fresh, fresh_end;     /* never handed out; equal: none */
    unsigned n[KINDS];
    pfn_t slot[KINDS][CACHE_MAX];
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

/* Up to MOVE freed frames, or tables, which may be fresh as well. */
static unsigned take_freed(enum kind kind, pfn_t *out)
{
    unsigned n = 0;
    spin_lock(&lock);
    for (pfn_t pfn; n < MOVE && (pfn = freed[kind].first) != 0; n++) {
        freed[kind].first = frames[pfn].tag;
        out[n] = pfn;
    }
    freed[kind].n -= n;
    for (; kind == TABLES && n < MOVE && tables_next < tables_end; n++)
        out[n] = tables_next++;
    spin_unlock(&lock);
    return n;
}

static void put_freed(enum kind kind, const pfn_t *pfn, unsigned n)
{
    spin_lock(&lock);
    for (unsigned i = 0; i < n; i++) {
        frames[pfn[i]].tag = freed[kind].first;
        freed[kind].first = pfn[i];
    }
    freed[kind].n += n;
    spin_unlock(&lock);
}

/* --- the CPUs' caches ---------------------------------------------------- */

static inline struct cache *my_cache(void) { return &caches[this_cpu()->id]; }

/* One of what any CPU keeps. */
static SLOW_PATH pfn_t steal(enum kind kind)
{
    pfn_t pfn = 0;
    for (unsigned i = 0; i < ncpus && !pfn; i++) {
        struct cache *c = &caches[i];
        spin_lock(&c->lock);
        if (c->n[kind] > 0)
            pfn = c->slot[kind][--c->n[kind]];
        else if (kind == USUAL && c->fresh < c->fresh_end)
            pfn = c->fresh++;
        spin_unlock(&c->lock);
    }
    return pfn;
}

/* My cache has none: one from the lists, some more go into it. */
static SLOW_PATH pfn_t refill(enum kind kind)
{
    struct cache *c = my_cache();
    pfn_t some[MOVE];
    unsigned n = take_freed(kind, some);
    if (n == 0)
        return 0;
    spin_lock(&c->lock);        /* only its CPU adds: the room is there */
    for (unsigned i = 1; i < n; i++)
        c->slot[kind][c->n[kind]++] = some[i];
    spin_unlock(&c->lock);
    return some[0];
}

/* A freed one, 0: there are none. */
static inline pfn_t take(enum kind kind)
{
    struct cache *c = my_cache();
    pfn_t pfn = 0;
    spin_lock(&c->lock);
    if (likely(c->n[kind] > 0))
        pfn = c->slot[kind][--c->n[kind]];
    spin_unlock(&c->lock);
    return likely(pfn) ? pfn : refill(kind);
}

static SLOW_PATH pfn_t refill_zero(void)
{
    struct cache *c = my_cache();
    pfn_t first;
    spin_lock(&lock);
    unsigned n = take_fresh(FRESH_RUN, &first);
    spin_unlock(&lock);
    if (n == 0)
        return 0;
    spin_lock(&c->lock);
    c->fresh = first + 1;
    c->fresh_end = first + n;
    spin_unlock(&c->lock);
    return first;
}

/* One that was never handed out: zero.  0: there are none. */
static inline pfn_t take_zero(void)
{
    struct cache *c = my_cache();
    pfn_t pfn = 0;
    spin_lock(&c->lock);
    if (likely(c->fresh < c->fresh_end))
        pfn = c->fresh++;
    spin_unlock(&c->lock);
    return likely(pfn) ? pfn : refill_zero();
}

static inline pfn_t hand_out(pfn_t pfn)
{
    if (likely(pfn)) {
        frames[pfn].tag = 0;
        __atomic_store_n(&frames[pfn].refs, 1, __ATOMIC_RELAXED);
    }
    return pfn;
}

pfn_t frame_alloc(void)
{
    pfn_t pfn = take(USUAL);
    if (unlikely(!pfn) && !(pfn = take_zero()))
        pfn = steal(USUAL);
    return hand_out(pfn);
}

pfn_t frame_alloc_zeroed(void)
{
    pfn_t pfn = take_zero();
    if (unlikely(!pfn) && ((pfn = take(USUAL)) != 0 || (pfn = steal(USUAL)) != 0))
        frame_clear(pfn);
    return hand_out(pfn);
}

pfn_t frame_alloc_table(void)
{
    pfn_t pfn = take(TABLES);
    return hand_out(likely(pfn) ? pfn : steal(TABLES));
}

void frame_get(pfn_t pfn)
{
    frame_get_inline(pfn);
}

/* Makes room for MOVE.  c->lock held; released meanwhile. */
static SLOW_PATH void drain(struct cache *c, enum kind kind)
{
    pfn_t some[MOVE];
    unsigned n = 0;
    while (n < MOVE && c->n[kind] > 0)
        some[n++] = c->slot[kind][--c->n[kind]];
    spin_unlock(&c->lock);
    put_freed(kind, some, n);
    spin_lock(&c->lock);
}

/* At most MOVE frames whose last reference is gone. */
static void give_back(enum kind kind, const pfn_t *pfn, unsigned n)
{
    struct cache *c = my_cache();
    spin_lock(&c->lock);
    if (unlikely(c->n[kind] + n > CACHE_MAX))
        drain(c, kind);
    pfn_t *to = c->slot[kind] + c->n[kind];
    c->n[kind] += n;
    for (const pfn_t *stop = pfn + n; pfn < stop; )
        *to++ = *pfn++;
    spin_unlock(&c->lock);
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
    if (drop(pfn))
        give_back(pfn >= tables_start && pfn < tables_end ? TABLES : USUAL, &pfn, 1);
}

void frame_put_all(const pfn_t *pfn, unsigned n)
{
    pfn_t gone[MOVE];
    unsigned k = 0;
    for (const pfn_t *stop = pfn + n; pfn < stop; pfn++) {
        if (!drop(*pfn))
            continue;
        gone[k++] = *pfn;
        if (k == MOVE) {
            give_back(USUAL, gone, k);
            k = 0;
        }
    }
    if (k > 0)
        give_back(USUAL, gone, k);
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

void frame_count(struct frame_counts *c)
{
    uint64_t tables = 0, usual = 0;
    for (unsigned i = 0; i < ncpus; i++) {
        struct cache *k = &caches[i];
        spin_lock(&k->lock);
        usual += k->n[USUAL] + (k->fresh_end - k->fresh);
        tables += k->n[TABLES];
        spin_unlock(&k->lock);
    }
    spin_lock(&lock);
    usual += fresh + freed[USUAL].n;
    tables += tables_end - tables_next + freed[TABLES].n;
    spin_unlock(&lock);
    c->total = frames_total;
    c->image = image_frames();
    c->free = usual + tables;
    c->tables_total = tables_end - tables_start;
    c->tables_used = c->tables_total - tables;
}
