/* pvh.c - what the loader tells: memory, modules, command line.
 * Source: the documentation of Xen's x86/HVM direct boot ABI ("PVH"), version 1.
 *
 * The start info may lie anywhere below 4 GiB.  The first GiB is in the direct map
 * already; further up, 2 MiB pages are added to boot_pd_window as needed, all
 * within one GiB: loaders put their things together.  Everything is copied and
 * checked here, except the command line, which stays where it is. */
#include "arch/boot.h"
#include "arch/cpu.h"
#include "arch/layout.h"
#include "arch/pte.h"
#include "arch/pvh.h"
#include "lib/cmdline.h"
#include "lib/string.h"
#include "shared/kernel_note.h"
#include "shared/root_index.h"

/* An ELF note: sizes, type, name and contents, each padded to four bytes. */
static const struct {
    uint32_t name_bytes, bytes, type;
    char name[(sizeof(KERNEL_NOTE_NAME) + 3) / 4 * 4];
    struct kernel_note is;
} note __attribute__((used, aligned(4), section(".note.forkscope"))) = {
    sizeof(KERNEL_NOTE_NAME),
    sizeof(struct kernel_note),
    KERNEL_NOTE_TYPE,
    KERNEL_NOTE_NAME,
    { .cpus_max = MAX_CPUS, .least_kib = 6112, .per_cpu_kib = 32 },
};

#define START_MAGIC 0x336ec578u
#define TYPE_RAM    1u
#define LOW_END     0xa0000ull /* RAM below is nobody's: frame.c leaves the first MiB out */
#define HUGE_PAGE   0x200000ull

struct start_info {
    uint32_t magic, version, flags, nr_modules;
    uint64_t modlist, cmdline, rsdp, memmap;
    uint32_t memmap_entries, reserved;
};
struct module_entry {
    uint64_t start, size, cmdline, reserved;
};
struct memmap_entry {
    uint64_t start, size;
    uint32_t type, reserved;
};

struct boot_info boot_info;
static const char *words; /* the command line's, decoded */

/* Kernel address of [at, at+n), mapped for good. */
static void *reach(paddr_t at, uint64_t n)
{
    if (at >= 1ull << 32 || n >= 1ull << 30)
        panic("start info at %llx: beyond 4 GiB", (unsigned long long)at);
    for (paddr_t p = at & ~(HUGE_PAGE - 1); p < at + n; p += HUGE_PAGE) {
        if (p < BOOT_DIRECT_BYTES)
            continue;
        uint64_t *upper = &boot_pdpt_kernel[p >> 30];
        uint64_t window = virt_to_phys(boot_pd_window) | PTE_P | PTE_W | PTE_A;
        static bool window_used;
        if (*upper == 0 && !window_used)
            *upper = window;
        if (*upper != window)
            panic("start info lies in more than one GiB");
        window_used = true;
        boot_pd_window[p / HUGE_PAGE % 512] =
            p | PTE_P | PTE_W | PTE_A | PTE_D | PTE_PS | PTE_G | PTE_NX;
    }
    return phys_to_virt(at);
}

static void add_region(paddr_t start, paddr_t end)
{
    struct ram_region *r = boot_info.region;
    unsigned i = boot_info.nregions;
    start = page_up(start);
    end = page_down(MIN(end, DIRECT_MAX)); /* what is beyond has no place in the direct map */
    if (start >= end || i == MAX_RAM_REGIONS)
        return;
    for (; i > 0 && r[i - 1].start > start; i--)
        r[i] = r[i - 1];
    r[i] = (struct ram_region){ start, end };
    boot_info.nregions++;
}

/* A loader's map that says something twice is cut, not believed. */
static void drop_overlaps(void)
{
    struct ram_region *r = boot_info.region;
    unsigned kept = 0;
    for (unsigned i = 0; i < boot_info.nregions; i++) {
        if (kept > 0 && r[i].start < r[kept - 1].end)
            r[i].start = r[kept - 1].end;
        if (r[i].start < r[i].end)
            r[kept++] = r[i];
    }
    boot_info.nregions = kept;
}

static enum module_kind kind_of(paddr_t word)
{
    const char *w = word != 0 ? reach(word, 8) : "";

    return strncmp(w, "add", 4) == 0             ? MODULE_ADD
           : strncmp(w, ROOT_INDEX_WORD, 6) == 0 ? MODULE_INDEX
                                                 : MODULE_ROOT;
}

static void take_modules(const struct start_info *si)
{
    if (si->nr_modules == 0)
        return;
    unsigned n = MIN(si->nr_modules, (uint32_t)MAX_MODULES);
    const struct module_entry *m = reach(si->modlist, n * sizeof(*m));
    for (unsigned i = 0; i < n; i++) {
        boot_info.module[boot_info.nmodules++] =
            (struct boot_module){ m[i].start, m[i].size, kind_of(m[i].cmdline) };
    }
}

/* Room for the decoded words, at the top of the RAM below 640 KiB, which nobody
 * else uses; below the command line if the loader put that there. */
static char *words_room(const char *line)
{
    uint64_t bytes = strlen(line) + 1;
    paddr_t low = boot_info.region[0].start < LOW_END ? MIN(boot_info.region[0].end, LOW_END) : 0;
    paddr_t at = low - bytes, used = virt_to_phys(line);
    if (low >= bytes && at < used + bytes && used < at + bytes)
        at = used >= bytes ? used - bytes : low;
    if (low < bytes || at + bytes > low || at < PAGE_SIZE)
        panic("no low memory for a command line of %llu bytes", (unsigned long long)bytes);
    return phys_to_virt(at);
}

void pvh_init(paddr_t start_info)
{
    struct start_info si = *(const struct start_info *)reach(start_info, sizeof(si));
    if (si.magic != START_MAGIC || si.version < 1)
        panic("not started by a PVH loader of version 1");
    boot_info.rsdp = si.rsdp;
    const struct memmap_entry *e = reach(si.memmap, si.memmap_entries * sizeof(*e));
    for (unsigned i = 0; i < si.memmap_entries; i++)
        if (e[i].type == TYPE_RAM && e[i].start + e[i].size > e[i].start)
            add_region(e[i].start, e[i].start + e[i].size);
    drop_overlaps();
    if (boot_info.nregions == 0)
        panic("the loader reports no memory");
    take_modules(&si);
    boot_info.cmdline = si.cmdline != 0 ? reach(si.cmdline, HUGE_PAGE) : "";
    words = words_room(boot_info.cmdline);
    cmdline_parse(boot_info.cmdline, (char *)words);
}

static bool overlap(paddr_t page, const char *s, uint64_t bytes)
{
    paddr_t at = virt_to_phys(s);
    return page < at + bytes && at < page + PAGE_SIZE;
}

paddr_t pvh_low_page(void)
{
    const struct ram_region *low = &boot_info.region[0];
    uint64_t bytes = strlen(boot_info.cmdline) + 1;
    for (paddr_t page = MAX(low->start, PAGE_SIZE); page + PAGE_SIZE <= MIN(low->end, LOW_END);
         page += PAGE_SIZE)
        if (!overlap(page, boot_info.cmdline, bytes) && !overlap(page, words, bytes))
            return page;
    return 0;
}
