/* bootinfo.h - what a PVH kernel finds in memory when it starts.
 *
 * All of it lies in the PC's BIOS area, which no memory map calls RAM, so a
 * kernel need not take care of it:
 *     0xe0000 ACPI tables     0xe8000 start info, modules, memory map
 *     0xef000 command line, up to 64 KiB and a NUL
 * Modules lie at the top of RAM below 4 GiB, page-aligned, the first highest. */
#ifndef VMM_BOOTINFO_H
#define VMM_BOOTINFO_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/gmem.h"
#include "vmm/image.h"

#define BOOT_ACPI       0xe0000u
#define BOOT_ACPI_BYTES 0x8000u
#define BOOT_START_INFO 0xe8000u /* for EBX at the entry point */
#define BOOT_CMDLINE    0xef000u

#define BOOT_MODULES_MAX 3

/* A file in memory for the kernel.  `word` is its own command line: "root"
 * replaces the root image inside the kernel, "add" is unpacked on top of it,
 * "index" is a root that is there already, at guest address `at` (shared/root_index.h). */
struct boot_module {
    int fd;      /* not looked at if `at` is not 0 */
    uint64_t at; /* 0: put it where there is room */
    uint64_t bytes;
    const char *word;
};

/* Write it all; the kernel's segments are in place.  NULL, or what does not
 * fit, as a phrase. */
const char *bootinfo_write(struct gmem *mem, const struct image *im, const char *cmdline,
                           const struct boot_module *modules, unsigned nmodules, unsigned ncpus);

#endif
