/* frame_pool.c - where frames come from: RAM, a watermark, lists of free ones.
 *
 * At boot RAM is a few free ranges: what boot_info calls RAM, less the first
 * MiB, the kernel image with its root image, the modules and the command line.
 * From the ranges come, in this order, the region of page tables and the array
 * of struct frame; all that is left is handed out by a watermark that moves
 * through the ranges.  Nothing is written for a frame before it is used: the
 * array is zero memory of the host, and "refs 0" means "never handed out".
 *
 * The direct map reaches as far as the watermark: whoever moves it over a 2 MiB
 * border has the next piece mapped first (kmap.c), with the lock released,
 * because that may take a table frame.
 *
 * Huge pages, 512 aligned frames that go together, come from the other end: from the top of the
 * ranges down, where nothing else has been taken, until the watermark is met.  So nothing is lost to
 * alignment, and single frames do not get in between.  One that was freed as a whole waits in a
 * list for the next who wants one, or is broken into single frames when there are no others.
 * Frames that were freed one by one are not put together again. */
#include "mm/frame_pool.h"
#include "arch/layout.h"
#include "arch/machine.h"
#include "arch/pvh.h"
#include "lib/string.h"
#include "mm/kmap.h"
#include "sync/lock.h"

#define LOW_END    0x100000ull /* BIOS data, ACPI tables, start info */
#define TABLES_MAX (128ull << 20)
#define TABLES_MIN (512ull << 10)
#define MAX_RANGES (2 * (MAX_RAM_REGIONS + MAX_MODULES + 4))
#define HUGE_BYTES (HUGE_FRAMES * PAGE_SIZE)

struct range {
    paddr_t start, end;
};

struct frame *frames;
pfn_t nframes;
uint64_t frames_total;
pfn_t tables_start, tables_end;
struct full_chains full_chains[FRAME_KINDS];

static struct spinlock lock = SPINLOCK_INIT(LOCK_frame); /* [l] */
static struct range range[MAX_RANGES];                   /* [l] */
static unsigned nranges, at_range; /* [l] the watermark is range[at_range].start */
static uint64_t fresh;             /* [l] frames above it */
static pfn_t tables_next;          /* [l] the table region's watermark */
static pfn_t huge_first;   /* [l] free huge pages, linked by the tags of their first frames */
static uint64_t huge_free; /* [l] how many */

/* Takes [start, end) out of the ranges, whole pages of it. */
static void reserve(paddr_t start, paddr_t end)
{
    start = page_down(start);
    end = page_up(end);
    for (unsigned i = 0; i < nranges; i++) {
        struct range *r = &range[i];
        if (end <= r->start || start >= r->end)
            continue;
        if (start > r->start && end < r->end) { /* a hole: two ranges */
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
    reserve(virt_to_phys(rootimg_start), virt_to_phys(rootimg_end));
    for (unsigned i = 0; i < boot_info.nmodules; i++)
        reserve(boot_info.module[i].start, boot_info.module[i].start + boot_info.module[i].bytes);
    paddr_t words = virt_to_phys(boot_info.cmdline);
    reserve(words, words + strlen(boot_info.cmdline) + 1);
}

/* Ranges end where a huge page can; what is behind that is a range of its own. */
static void align_ends(void)
{
    for (unsigned i = 0; i < nranges; i++) {
        paddr_t end = range[i].end & ~(HUGE_BYTES - 1);
        if (end > range[i].start && end < range[i].end)
            reserve(end, end);
    }
}

pfn_t frames_uncounted_from(pfn_t pfn)
{
    paddr_t at = (paddr_t)pfn << PAGE_SHIFT, start = virt_to_phys(rootimg_start),
            bytes = (paddr_t)(rootimg_end - rootimg_start);
    if (pfn >= nframes) /* no RAM: of the VMM's files */
        return -pfn;
    for (unsigned i = 0; at - start >= bytes; i++) {
        if (i == boot_info.nmodules)
            return 1;
        start = boot_info.module[i].start;
        bytes = boot_info.module[i].bytes;
    }
    return (pfn_t)((start + bytes - at + PAGE_SIZE - 1) >> PAGE_SHIFT);
}

/* Frames of RAM that are root images: in use by files from the start. */
uint64_t pool_image_frames(void)
{
    uint64_t bytes = (uint64_t)(rootimg_end - rootimg_start);
    for (unsigned i = 0; i < boot_info.nmodules; i++)
        if (boot_info.module[i].kind != MODULE_INDEX) /* it lies above RAM */
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
    frame_caches_init();
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

    align_ends();
    for (unsigned i = 0; i < nranges; i++)
        fresh += (range[i].end - range[i].start) >> PAGE_SHIFT;
    frames_total = fresh + (tables_end - tables_start) + pool_image_frames();
}

/* Usual ones.  The lock is held; it may be released meanwhile. */
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

unsigned pool_take_fresh(enum frame_kind kind, unsigned n, pfn_t *first)
{
    spin_lock(&lock);
    if (kind == FRAME_USUAL) {
        n = take_fresh(n, first);
    } else {
        n = MIN(n, tables_end - tables_next);
        *first = tables_next;
        tables_next += n;
    }
    spin_unlock(&lock);
    return n;
}

pfn_t pool_take_chain(enum frame_kind kind)
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

void pool_put_chain(enum frame_kind kind, pfn_t first)
{
    spin_lock(&lock);
    frames[first].refs = FRAME_FREE | full_chains[kind].first;
    full_chains[kind].first = first;
    full_chains[kind].n++;
    spin_unlock(&lock);
}

/* --- huge pages ---------------------------------------------------------- */

/* The uppermost 2 MiB that were never handed out.  The lock is held; it is released meanwhile. */
static pfn_t take_uppermost(void)
{
    for (;;) {
        unsigned i = nranges;
        while (i > at_range && (range[i - 1].end & (HUGE_BYTES - 1) ||
                                range[i - 1].end < range[i - 1].start + HUGE_BYTES))
            i--;
        if (i == at_range)
            return 0;
        paddr_t end = range[i - 1].end, at = end - HUGE_BYTES;
        spin_unlock(&lock);
        int err = kmap_direct_part(at, end);
        spin_lock(&lock);
        if (err)
            return 0;
        if (range[i - 1].end == end && range[i - 1].start <= at) {
            range[i - 1].end = at;
            fresh -= HUGE_FRAMES;
            return (pfn_t)(at >> PAGE_SHIFT);
        }
    }
}

/* lock held. */
static pfn_t pop_huge(void)
{
    pfn_t first = huge_first;
    if (first) {
        huge_first = frames[first].tag;
        huge_free--;
    }
    return first;
}

pfn_t pool_take_huge(bool *is_fresh)
{
    spin_lock(&lock);
    pfn_t first = pop_huge();
    *is_fresh = first == 0;
    if (!first)
        first = take_uppermost();
    spin_unlock(&lock);
    return first;
}

void pool_put_huge(pfn_t first)
{
    spin_lock(&lock);
    frames[first] = (struct frame){ FRAME_FREE, huge_first };
    huge_first = first;
    huge_free++;
    spin_unlock(&lock);
}

bool pool_break_huge(void)
{
    spin_lock(&lock);
    pfn_t first = pop_huge();
    spin_unlock(&lock);
    for (pfn_t pfn = first, end = first ? first + HUGE_FRAMES : 0; pfn < end; pfn += CHAIN) {
        for (unsigned i = 0; i < CHAIN; i++)
            frames[pfn + i] = (struct frame){ FRAME_FREE, i < CHAIN - 1 ? pfn + i + 1 : 0 };
        pool_put_chain(FRAME_USUAL, pfn);
    }
    return first != 0;
}

/* Not one number at one moment, but nothing hangs on that. */
uint64_t frames_free_about(void)
{
    return __atomic_load_n(&fresh, __ATOMIC_RELAXED) +
           __atomic_load_n(&full_chains[FRAME_USUAL].n, __ATOMIC_RELAXED) * CHAIN +
           __atomic_load_n(&huge_free, __ATOMIC_RELAXED) * HUGE_FRAMES;
}

uint64_t pool_free(enum frame_kind kind)
{
    spin_lock(&lock);
    uint64_t n = full_chains[kind].n * CHAIN;
    n += kind == FRAME_USUAL ? fresh + huge_free * HUGE_FRAMES : tables_end - tables_next;
    spin_unlock(&lock);
    return n;
}
