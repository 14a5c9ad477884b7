/* kmap.c - the kernel's own half: direct map, image, stacks, device registers.
 *
 * boot.asm starts on tables that are data of the image (arch/boot.h).  They stay: mm_init() takes the identity map out,
 * and gives the image's sections their rights page by page.  Every root shares what hangs below its slot 511, so a
 * change made here is at once in all address spaces.
 *
 * W^X holds for each mapping by itself; the direct map, as everywhere, has all RAM writable, never executable.
 *
 * Device mappings are for ever; stacks come and go (kstack.c).  What else is here is not taken out or changed while
 * several CPUs run, and needs no flush: an entry that was not present is in no TLB. */
#include "mm/kmap.h"
#include "mm/frame.h"
#include "mm/mm.h"
#include "mm/pt.h"
#include "mm/tlb.h"

#include "arch/boot.h"
#include "arch/ring3.h"
#include "arch/machine.h"
#include "trace/trace.h"

#define LARGE_PAGE (2ull << 20)

struct mm kernel_mm = { .users = { 1 } };
paddr_t kmap_direct_end;

/* Two locks, each for the tables of one root slot: VMAP's and the direct map's. */
struct spinlock vmap_lock = SPINLOCK_INIT(LOCK_vmap); /* [v] */
static struct spinlock direct_lock =
    SPINLOCK_INIT(LOCK_direct);        /* kmap_direct_end grows under it */
static uint64_t vmap_next = VMAP_BASE; /* [v] */

pte_t kmap_page(pte_t flags)
{
    return flags | PTE_P | PTE_A | PTE_D | (cpu_has.pge ? PTE_G : 0) | (ring3() ? PTE_U : 0);
}

static pte_t no_exec(void) { return cpu_has.nx ? PTE_NX : 0; }

uint64_t kmap_range(size_t n, size_t align)
{
    ASSERT_SPIN_HELD(&vmap_lock);
    uint64_t at = (vmap_next + align - 1) & ~(align - 1);
    if (at + n > vmap_base + VMAP_BYTES)
        return 0;
    vmap_next = at + n;
    return at;
}

void kmap_adopt_boot(void)
{
    kernel_mm.root = (pfn_t)(virt_to_phys(boot_pml4) >> PAGE_SHIFT);
    kernel_mm.tables = ring3() ? 7 : 4;
    mutex_init(&kernel_mm.lock, LOCK_mm);
    kmap_direct_end = BOOT_DIRECT_BYTES;
}

/* direct_lock held. */
static int map_large(paddr_t at)
{
    uint64_t va = direct_map + at;
    pte_t *e = pt_make_level(&kernel_mm, va, 2, PT_kernel_map);

    if (!e)
        return -ENOMEM;
    if (!*e) /* the start info's page may be there since boot, or a module's */
        pt_write(&kernel_mm, va, e, 2, PT_kernel_map,
                 at | PTE_PS | PTE_W | no_exec() | kmap_page(0));
    return 0;
}

int kmap_direct(paddr_t end)
{
    int err = 0;
    if (end <= kmap_direct_end)
        return 0;
    spin_lock(&direct_lock);
    while (kmap_direct_end < end && (err = map_large(kmap_direct_end)) == 0)
        __atomic_store_n(&kmap_direct_end, kmap_direct_end + LARGE_PAGE, __ATOMIC_RELEASE);
    spin_unlock(&direct_lock);
    return err;
}

int kmap_direct_part(paddr_t start, paddr_t end)
{
    int err = 0;
    spin_lock(&direct_lock);
    paddr_t at = MAX(start & ~(LARGE_PAGE - 1), kmap_direct_end);
    for (; at < end && err == 0; at += LARGE_PAGE)
        err = map_large(at);
    spin_unlock(&direct_lock);
    return err;
}

/* Fills entries for [start, end) of the image into tables for 2 MiB each, which hold nothing there yet. */
static void map_section(const pfn_t *table, const char *start, const char *end, pte_t flags)
{
    uint64_t va = (uint64_t)start;
    flags = kmap_page(flags);
    while (va < (uint64_t)end) {
        pte_t *e =
            (pte_t *)frame_va(table[(va - kernel_base) / LARGE_PAGE]) + (va >> PAGE_SHIFT & 511);
        unsigned n =
            (unsigned)MIN(((uint64_t)end - va) >> PAGE_SHIFT, (uint64_t)(512 - pt_index(e)));
        pt_fill_run(&kernel_mm, va, e, n, PT_kernel_map, (va - kernel_base) | flags);
        va += n * PAGE_SIZE;
    }
}

static void protect_image(void)
{
    pfn_t table[2] = { 0, 0 };
    unsigned n = 0;
    for (; kernel_base + n * LARGE_PAGE < (uint64_t)kernel_end; n++) {
        ASSERT(n < ARRAY_SIZE(table));
        table[n] = frame_alloc_table();
        ASSERT(table[n] != 0);
        kernel_mm.tables++;
        trace_table_alloc(0, kernel_base + n * LARGE_PAGE, table[n], 1, PT_kernel_map);
    }
    map_section(table, kernel_start, text_end, 0);
    map_section(table, text_end, rodata_end, no_exec());
    map_section(table, rodata_end, kernel_end, PTE_W | no_exec());
    for (unsigned i = 0; i < ARRAY_SIZE(table); i++)
        pt_write(&kernel_mm, kernel_base + i * LARGE_PAGE, &boot_pd_kernel[i], 2, PT_kernel_map,
                 i < n ? pte_make(table[i], pt_kernel_table()) : 0);
}

void mm_init(void)
{
    pt_write(&kernel_mm, 0, &boot_pml4[0], 4, PT_kernel_map, 0); /* the identity map */
    protect_image();
    tlb_flush_mm(&kernel_mm);
    for (uint64_t va = kernel_base; va < kernel_base + 2 * LARGE_PAGE; va += LARGE_PAGE)
        tlb_flush(&kernel_mm, va, va + PAGE_SIZE); /* global or not */
}

/* --- devices ------------------------------------------------------------- */

static void *map_forever(paddr_t at, size_t n, pte_t flags)
{
    paddr_t start = page_down(at), end = page_up(at + n);
    spin_lock(&vmap_lock);
    uint64_t base = kmap_range(end - start, PAGE_SIZE);
    ASSERT(base != 0);
    for (paddr_t pa = start; pa < end; pa += PAGE_SIZE) {
        uint64_t va = base + (pa - start);
        pte_t *e = pt_make(&kernel_mm, va, PT_kernel_map);
        if (!e)
            panic("no memory to map a device at %#llx", (unsigned long long)at);
        pt_write(&kernel_mm, va, e, 1, PT_kernel_map,
                 pa | PTE_W | flags | no_exec() | kmap_page(0));
    }
    spin_unlock(&vmap_lock);
    return (void *)(base + (at - start));
}

void *map_device(paddr_t at, size_t n) { return map_forever(at, n, PTE_PCD | PTE_PWT); }
void *map_window(paddr_t at, size_t n) { return map_forever(at, n, 0); }
