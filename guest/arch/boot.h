/* boot.h - the page tables that boot.asm starts with, for mm_init() to adopt.
 * boot_pd_direct is data of the kernel image, filled by the assembler; the others
 * are in .bss and have their few entries from its first instructions:
 *
 *   boot_pml4         [511]: boot_pdpt_kernel; [0]: boot_pdpt_low
 *   boot_pdpt_kernel  [0]: boot_pd_direct; another one: boot_pd_window if the
 *                     start info lies beyond the first GiB (pvh.c); [510]: boot_pd_kernel
 *   boot_pd_kernel    [0] [1]: 4 MiB from physical 0 on, 2 MiB pages, RWX: the
 *                     kernel image ends below; mm_init() makes it W^X
 *   boot_pd_direct    512 x 2 MiB: the first GiB, RW NX G, whether RAM or not
 *   boot_pd_window    0, or single 2 MiB pages, RW NX G
 *   boot_pdpt_low     [0]: boot_pd_kernel, which makes the first 4 MiB identity-mapped;
 *                     mm_init() clears boot_pml4[0], and it is used no more (CPUs that
 *                     start later get other tables: smp.c)
 *
 * Where the kernel runs in ring 3 (ring3.h), boot_pdpt_kernel hangs in slot 255, and 511 leads to boot_pt_stub: the
 * stub's code, RX, and the boot CPU's stub page, RW NX, both supervisor.  All else says U, which counts only there: in
 * slot 511 and below boot_pdpt_low the root's entry forbids it.
 *
 * Upper-level entries are P W A.  Accessed and Dirty are set in all leaves. CR4.PGE comes on in cpu_init_bsp(). */
#ifndef ARCH_BOOT_H
#define ARCH_BOOT_H

#include "lib/base.h"

/* boot.asm */
extern uint64_t boot_pml4[512], boot_pdpt_kernel[512], boot_pd_kernel[512];
extern uint64_t boot_pd_direct[512], boot_pd_window[512], boot_pt_stub[512];

/* What a CPU copies below 1 MiB to start another one there. */
extern const char ap_trampoline[], ap_trampoline_end[];

extern char idt[];

#define BOOT_DIRECT_BYTES (1ull << 30) /* what boot_pd_direct maps */

#endif
