/* bootinfo.c - see bootinfo.h.  Source of the structures: the documentation of
 * Xen's x86/HVM direct boot ABI ("PVH"), version 1 with a memory map. */
#include "vmm/bootinfo.h"

#include <stdio.h>
#include <string.h>

#include "vmm/acpi.h"
#include "vmm/cmdline.h"

struct start_info {
    uint32_t magic, version, flags, nr_modules;
    uint64_t modlist, cmdline, rsdp, memmap;
    uint32_t memmap_entries, reserved;
};
_Static_assert(sizeof(struct start_info) == 56, "as in the ABI");

struct module_entry {
    uint64_t start, size, cmdline, reserved;
};

struct memmap_entry {
    uint64_t start, size;
    uint32_t type, reserved;
};

#define START_MAGIC   0x336ec578u
#define TYPE_RAM      1u
#define TYPE_RESERVED 2u
#define MEMMAP_MAX    4

/* One page, written at once. */
struct info_page {
    struct start_info start;
    struct module_entry module[BOOT_MODULES_MAX];
    struct memmap_entry map[MEMMAP_MAX];
    char word[BOOT_MODULES_MAX][16];
};
_Static_assert(sizeof(struct info_page) <= GMEM_PAGE, "one page");
_Static_assert(BOOT_CMDLINE + CMDLINE_MAX + 1 <= BOOT_RESERVED_END, "the longest line fits");

#define INFO_ADDRESS(member) (BOOT_START_INFO + offsetof(struct info_page, member))

static unsigned memory_map(const struct gmem *mem, struct memmap_entry *map)
{
    unsigned n = 0;
    map[n++] = (struct memmap_entry){ 0, BOOT_RESERVED_START, TYPE_RAM, 0 };
    map[n++] = (struct memmap_entry){ BOOT_RESERVED_START, BOOT_RESERVED_END - BOOT_RESERVED_START,
                                      TYPE_RESERVED, 0 };
    map[n++] = (struct memmap_entry){ BOOT_RESERVED_END, gmem_low_bytes(mem) - BOOT_RESERVED_END,
                                      TYPE_RAM, 0 };
    if (gmem_high_bytes(mem) != 0)
        map[n++] = (struct memmap_entry){ GMEM_HIGH_BASE, gmem_high_bytes(mem), TYPE_RAM, 0 };
    return n;
}

/* Downwards from *top.  On success *top is the module's address. */
static const char *place_module(struct gmem *mem, const struct image *im,
                                const struct boot_module *m, uint64_t *top)
{
    uint64_t room = *top - BOOT_RESERVED_END;
    if (m->bytes > room)
        return "the root image does not fit into guest RAM; try a larger --memory";
    uint64_t at = (*top - m->bytes) & ~(GMEM_PAGE - 1);
    if (at < BOOT_RESERVED_END || image_overlap(im, at, *top - at) != NULL)
        return "kernel and root image do not both fit into guest RAM; try a larger --memory";
    int err = gmem_place_file(mem, at, m->fd, 0, m->bytes);
    if (err != 0)
        return strerror(-err);
    *top = at;
    return NULL;
}

const char *bootinfo_write(struct gmem *mem, const struct image *im, const char *cmdline,
                           const struct boot_module *modules, unsigned nmodules, unsigned ncpus)
{
    struct info_page page = { .start = {
                                  .magic = START_MAGIC,
                                  .version = 1,
                                  .nr_modules = nmodules,
                                  .modlist = nmodules != 0 ? INFO_ADDRESS(module) : 0,
                                  .cmdline = BOOT_CMDLINE,
                                  .rsdp = BOOT_ACPI,
                                  .memmap = INFO_ADDRESS(map),
                              } };
    uint64_t top = gmem_low_bytes(mem);
    for (unsigned i = 0; i < nmodules; i++) {
        const char *wrong = modules[i].at == 0 ? place_module(mem, im, &modules[i], &top) : NULL;
        if (wrong != NULL)
            return wrong;
        page.module[i].start = modules[i].at != 0 ? modules[i].at : top;
        page.module[i].size = modules[i].bytes;
        page.module[i].cmdline = INFO_ADDRESS(word) + i * sizeof(page.word[0]);
        snprintf(page.word[i], sizeof(page.word[i]), "%s", modules[i].word);
    }
    page.start.memmap_entries = memory_map(mem, page.map);

    /* RAM is at least a few MiB, so this area is there. */
    memcpy(gmem_span(mem, BOOT_START_INFO, sizeof(page)), &page, sizeof(page));
    size_t len = strlen(cmdline) + 1;
    memcpy(gmem_span(mem, BOOT_CMDLINE, len), cmdline, len);
    acpi_write(gmem_span(mem, BOOT_ACPI, BOOT_ACPI_BYTES), BOOT_ACPI, BOOT_ACPI_BYTES, ncpus);
    return NULL;
}
