/* pvh.h - what the loader tells. */
#ifndef ARCH_PVH_H
#define ARCH_PVH_H

#include "lib/base.h"

/* From the PVH start info, copied out and checked.  RAM regions are sorted,
 * page-aligned, do not overlap. */
struct ram_region {
    paddr_t start, end;
};
/* In the order in which they are put together: the index (shared/root_index.h) or the archive that
 * is the root instead of the one inside the kernel, then what is added. */
enum module_kind { MODULE_INDEX, MODULE_ROOT, MODULE_ADD };
struct boot_module {
    paddr_t start;
    uint64_t bytes;
    enum module_kind kind;
};
#define MAX_RAM_REGIONS 8
#define MAX_MODULES     32
struct boot_info {
    unsigned nregions, nmodules;
    struct ram_region region[MAX_RAM_REGIONS];
    struct boot_module module[MAX_MODULES];
    paddr_t rsdp;
    const char *cmdline; /* NUL-terminated, in the direct map; "" if none */
};
extern struct boot_info boot_info;

/* Fills in boot_info and the command line's words.  Before any memory is handed out: what
 * the loader left may lie in free RAM. */
void pvh_init(paddr_t start_info);
/* A page below 640 KiB that nobody uses, 0 if there is none.  Always the same. */
paddr_t pvh_low_page(void);

#endif
