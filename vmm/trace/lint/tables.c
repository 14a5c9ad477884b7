/* tables.c - what an entry may say: T5's links, M2's frames, M5.
 *
 * Sources: the SDM, volume 3, chapter 4, for the bits; the kernel uses no bit above
 * the address but NX. */
#include "vmm/trace/lint/tables.h"

#include <inttypes.h>

#define PTE_NO_USE   0x7ff0000000000000ull /* 52 to 62 */
#define PTE_SOFT     0xe00ull              /* 9 to 11: the kernel's own */
#define MPROTECT_MAY (PTE_NX | PTE_SOFT | PTE_AD | PTE_U | PTE_W | PTE_P)
#define HOLE_START   (3ull << 30) /* no RAM from here to 4 GiB: vmm/gmem.h */
#define HOLE_END     (4ull << 30)

static bool is_ram(const struct lint *l, uint64_t at)
{
    return l->meta->ram_end == 0 || (at < l->meta->ram_end && (at < HOLE_START || at >= HOLE_END));
}

static void check_bits(struct lint *l, const struct lint_write *w)
{
    uint64_t e = w->new, below = (1ull << (12 + 9 * (w->level - 1))) - 1;
    const char *wrong = NULL;

    if (e & PTE_NO_USE)
        wrong = "bits above the address";
    else if (w->level == PT_LEVEL_PGD && (e & PTE_PS))
        wrong = "PS in a PGD";
    else if (w->level > PT_LEVEL_PTE && is_leaf(w, e) &&
             ((pte_frame(e) << 12) & below & ~0x1000ull))
        wrong = "a large page that is not aligned"; /* bit 12 is PAT there */
    else if (w->reason != PT_kernel_map && w->reason != PT_checkpoint &&
             !is_ram(l, pte_frame(e) << 12))
        wrong = "a frame that is not RAM";
    if (wrong != NULL)
        lint_found(l, LINT_M5, "va %#" PRIx64 ", level %u: %#" PRIx64 " has %s", w->va, w->level, e,
                   wrong);
}

static void check_link(struct lint *l, const struct lint_write *w)
{
    const struct replay_table *child = replay_table(l->replay, (uint32_t)pte_frame(w->new));
    if (child == NULL)
        lint_found(l, LINT_T5,
                   "va %#" PRIx64 ", level %u: a link to frame %#" PRIx64 ", which is no table",
                   w->va, w->level, (uint64_t)pte_frame(w->new));
    else if (child->level + 1u != w->level)
        lint_found(l, LINT_T5, "va %#" PRIx64 ": a link from level %u to a table of level %u",
                   w->va, w->level, child->level);
}

void lint_tables_write(struct lint *l, const struct lint_write *w)
{
    if (w->new &PTE_P)
        check_bits(l, w);
    if (is_table_link(w, w->new))
        check_link(l, w);
    if (w->reason == PT_mprotect && ((w->old ^ w->new) & ~MPROTECT_MAY))
        lint_found(l, LINT_M2, "va %#" PRIx64 ": mprotect makes %#" PRIx64 " of %#" PRIx64, w->va,
                   w->new, w->old);
}
