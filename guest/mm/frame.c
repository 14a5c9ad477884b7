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

static struct spinlock lock = SPINLOCK_INIT(LOCK_frame);    /* everything below but refs */
static struct range range[MAX_RANGES];
static unsigned nranges, at_range;              /* the watermark is range[at_range].start */
static pfn_t free_list, table_list;             /* 0: empty */
static pfn_t tables_start, tables_next, tables_end;     /* the table region */
static uint64_t total, fresh, freed, tables_free;       /* frames; fresh: above the watermark */

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
    tables_free = tables_end - tables_start;
    /* Whoever maps more of the direct map needs tables: they are mapped first. */
    bytes = page_up((uint64_t)nframes * sizeof(struct frame));
    paddr_t array = carve(bytes);
    frames = phys_to_virt(array);
    kmap_direct((paddr_t)tables_end << PAGE_SHIFT);
    kmap_direct(array + bytes);

    for (unsigned i = 0; i < nranges; i++)
        fresh += (range[i].end - range[i].start) >> PAGE_SHIFT;
    total = fresh + tables_free + image_frames();
}

/* The next frame of the watermark, or 0.  Lock held; may be released meanwhile. */
static SLOW_PATH pfn_t take_fresh(void)
{
    for (;;) {
        while (at_range < nranges && range[at_range].start >= range[at_range].end)
            at_range++;
        if (at_range == nranges)
            return 0;
        paddr_t at = range[at_range].start;
        if (likely(kmap_direct_covers(at))) {
            range[at_range].start = at + PAGE_SIZE;
            fresh--;
            return (pfn_t)(at >> PAGE_SHIFT);
        }
        spin_unlock(&lock);
        int err = kmap_direct(at + PAGE_SIZE);
        spin_lock(&lock);
        if (err)
            return 0;
    }
}

static pfn_t take_freed(pfn_t *list)
{
    pfn_t pfn = *list;
    if (pfn)
        *list = frames[pfn].tag;
    return pfn;
}

static pfn_t hand_out(pfn_t pfn)
{
    if (pfn) {
        frames[pfn].tag = 0;
        __atomic_store_n(&frames[pfn].refs, 1, __ATOMIC_RELAXED);
    }
    return pfn;
}

pfn_t frame_alloc(void)
{
    spin_lock(&lock);
    pfn_t pfn = take_freed(&free_list);
    if (pfn)
        freed--;
    else
        pfn = take_fresh();
    spin_unlock(&lock);
    return hand_out(pfn);
}

pfn_t frame_alloc_zeroed(void)
{
    spin_lock(&lock);
    pfn_t pfn = take_fresh();
    bool dirty = false;
    if (!pfn && (pfn = take_freed(&free_list)) != 0) {
        freed--;
        dirty = true;
    }
    spin_unlock(&lock);
    if (dirty)
        frame_clear(pfn);
    return hand_out(pfn);
}

pfn_t frame_alloc_table(void)
{
    spin_lock(&lock);
    pfn_t pfn = take_freed(&table_list);
    if (!pfn && tables_next < tables_end)
        pfn = tables_next++;
    if (pfn)
        tables_free--;
    spin_unlock(&lock);
    return hand_out(pfn);
}

void frame_get(pfn_t pfn)
{
    frame_get_inline(pfn);
}

static SLOW_PATH void give_back(pfn_t pfn)
{
    spin_lock(&lock);
    frames[pfn].refs = FRAME_FREE;
    pfn_t *list = &free_list;
    if (pfn >= tables_start && pfn < tables_end) {
        list = &table_list;
        tables_free++;
    } else {
        freed++;
    }
    frames[pfn].tag = *list;
    *list = pfn;
    spin_unlock(&lock);
}

static inline void put(pfn_t pfn)
{
    if (!frame_counted(pfn))
        return;
    uint32_t was = __atomic_fetch_sub(&frames[pfn].refs, 1, __ATOMIC_ACQ_REL);
    ASSERT(was < FRAME_FREE);
    if (was == 1)
        give_back(pfn);
}

void frame_put(pfn_t pfn)
{
    put(pfn);
}

void frame_put_all(const pfn_t *pfn, unsigned n)
{
    for (const pfn_t *stop = pfn + n; pfn < stop; pfn++)
        put(*pfn);
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
    spin_lock(&lock);
    c->total = total;
    c->image = image_frames();
    c->free = fresh + freed + tables_free;
    c->tables_total = tables_end - tables_start;
    c->tables_used = c->tables_total - tables_free;
    spin_unlock(&lock);
}
