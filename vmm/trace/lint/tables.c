/* tables.c - what an entry may say, and where: T5's links, T6, M1, M2's frames, M5, M7, M8, M9.
 *
 * Sources: the SDM, volume 3, chapter 4, for the bits; the kernel uses no bit above
 * the address but NX. */
#include "vmm/trace/lint/tables.h"

#include <asm/unistd_64.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>

#include "vmm/trace/lib/words.h"

#define PTE_NO_USE   (0x7ff0000000000000ull & ~(PTE_WP | PTE_LOST)) /* 52 to 62 */
#define PTE_SOFT     0xe00ull                                       /* 9 to 11: the kernel's own */
#define MPROTECT_MAY (PTE_NX | PTE_SOFT | PTE_WP | PTE_AD | PTE_U | PTE_W | PTE_P)
#define REFS_MAY     (PTE_A | PTE_W | PTE_COW)
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
    else if ((e & PTE_W) && (e & PTE_COW) && l->event->mm != 0)
        wrong = "both W and the mark that a write is to be copied first";
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
    else if (child->va != w->va)
        lint_found(l, LINT_T6, "va %#" PRIx64 ": a link to a table that was made for va %#" PRIx64,
                   w->va, child->va);
}

/* The address that the slot stands for, as the processor has it: bit 47 goes on upwards. */
static uint64_t slot_va(const struct replay_table *t, unsigned index)
{
    uint64_t va = t->va + ((uint64_t)index << (12 + 9 * (t->level - 1)));
    return t->level == PT_LEVEL_PGD && index >= PT_SLOTS / 2 ? va | 0xffffull << 48 : va;
}

static void check_address(struct lint *l, const struct lint_write *w)
{
    if (l->table != NULL && l->table->level == w->level && slot_va(l->table, w->index) != w->va)
        lint_found(l, LINT_T6, "va %#" PRIx64 ": slot %u of table %#x stands for va %#" PRIx64,
                   w->va, w->index, w->table_pfn, slot_va(l->table, w->index));
}

/* Whatever links a table says so, and whatever unlinks one; the kernel's half of a root goes with the root. */
static bool fits_link(const struct lint_write *w)
{
    bool was = is_table_link(w, w->old), is = is_table_link(w, w->new);
    switch (w->reason) {
    case PT_table_link: return is && w->old == 0;
    case PT_table_unlink: return was && w->new == 0;
    case PT_checkpoint:
    case PT_kernel_map:
    case PT_kernel_stack:
    case PT_kernel_half:
    case PT_table_share:
    case PT_table_unshare:
    case PT_huge_split: return true;
    case PT_exec_teardown:
    case PT_exit_teardown:
        return !is && (!was || (w->level == PT_LEVEL_PGD && w->index >= PT_SLOTS / 2));
    }
    return !was && !is;
}

/* A page that comes has been used; one that may be written is, too, and none of a file's that may not. */
static bool fits_bits(const struct lint_write *w)
{
    uint64_t new = w->new;
    bool has_d = new &PTE_D, has_w = new &PTE_W;
    switch (w->reason) {
    case PT_demand_file:
        if (has_d && !has_w)
            return false; /* fall through */
    case PT_demand_zero:
    case PT_huge_map:
    case PT_cow_break:
    case PT_exec_map: return !(new &PTE_P) || ((new &PTE_A) && has_d >= has_w);
    }
    return true;
}

/* An entry that mremap moves has just been cleared at its old place.  (userfaultfd enters pages, too, with rights of its own.) */
static bool moved(const struct lint *l, const struct lint_write *w)
{
    struct lint_task *t = l->task;
    if (t == NULL || !t->in_call || t->call != __NR_mremap)
        return true;
    bool is_it = t->moves != 0 && w->old == 0 && !((t->moves ^ w->new) & ~PTE_AD);
    t->moves = 0;
    return is_it;
}

/* The change that a reason stands for.  Others have no such form, or C4 and M1 know it. */
static void check_reason(struct lint *l, const struct lint_write *w)
{
    bool fits = true;
    switch (w->reason) {
    case PT_fork_copy:
    case PT_exec_map:
    case PT_kernel_half: fits = w->old == 0; break;
    case PT_fork_wrprotect:
        fits = !((w->old ^ w->new) & ~(PTE_W | PTE_COW | PTE_AD)) && !(w->new &PTE_W);
        break;
    case PT_clear_refs: fits = !(w->new & ~w->old) && !((w->old ^ w->new) & ~REFS_MAY); break;
    case PT_exec_teardown:
    case PT_exit_teardown:
    case PT_table_unlink:
    case PT_truncate: fits = w->new == 0; break;
    case PT_checkpoint: fits = l->is_told || l->in_checkpoint; break;
    case PT_cow_break:
        fits = (w->new &PTE_ANON) && (pte_frame(w->old) != pte_frame(w->new) || (w->old & PTE_COW));
        break;
    case PT_mkwrite: fits = !(w->old & PTE_COW) && !((w->old ^ w->new) & PTE_ADDR); break;
    case PT_mmap: fits = w->level > PT_LEVEL_PTE || moved(l, w); break;
    }
    if (w->level > PT_LEVEL_PTE)
        fits = fits && fits_link(w);
    if (!fits || !fits_bits(w))
        lint_found(l, LINT_T10, "va %#" PRIx64 ": %s makes %#" PRIx64 " of %#" PRIx64, w->va,
                   trace_value_name("pt_reason", w->reason), w->new, w->old);
}

static void check_munmap(struct lint *l, const struct lint_write *w)
{
    struct lint_task *t = l->task;
    bool is_page = w->level == PT_LEVEL_PTE || is_huge(w, w->old);
    if (t != NULL)
        t->moves = w->old;
    if (w->new != 0 && is_page)
        lint_found(l, LINT_M1, "va %#" PRIx64 ": munmap writes %#" PRIx64, w->va, w->new);
    else if (is_page && t != NULL && t->in_call && t->call == __NR_munmap &&
             w->va - t->call_a0 >= t->call_a1)
        lint_found(l, LINT_M1,
                   "va %#" PRIx64 ": cleared by a munmap of %#" PRIx64 " bytes from %#" PRIx64,
                   w->va, t->call_a1, t->call_a0);
}

/* The processor sets Accessed where it walks, so in an entry with P, and Dirty where it writes, with W. */
static void check_hardware(struct lint *l, const struct lint_write *w)
{
    if (((w->was ^ w->old) & ~PTE_AD) || !lint_not_set(w->was, w->old))
        return;
    lint_found(l, LINT_M8, "va %#" PRIx64 ": %#" PRIx64 " has become %#" PRIx64 ", by no access",
               w->va, w->was, w->old);
}

/* A table is written as that of the address space for which it was made, but for one that
 * was shared, which who is left with it has under that address. */
static void check_owner(struct lint *l, const struct lint_write *w)
{
    const struct replay_table *t = l->table;
    uint32_t mm = l->event->mm;
    if (t == NULL || t->mm == mm ||
        (t->level == PT_LEVEL_PTE && mm != 0 && t->mm != 0 && w->table_pfn < l->frames.n &&
         (l->frames.use[w->table_pfn] & FRAME_MULTI)))
        return;
    lint_found(l, LINT_T5, "va %#" PRIx64 ": a table of address space %u is written as one of %u",
               w->va, t->mm, mm);
}

void lint_tables_write(struct lint *l, const struct lint_write *w)
{
    check_address(l, w);
    if ((w->was & ~w->old & PTE_AD) && !((w->was ^ w->old) & ~PTE_AD))
        lint_found(l, LINT_M8, "va %#" PRIx64 ": %#" PRIx64 " has become %#" PRIx64, w->va, w->was,
                   w->old);
    check_hardware(l, w);
    check_owner(l, w);
    check_reason(l, w);
    if (w->reason == PT_munmap)
        check_munmap(l, w);
    if (w->new &PTE_P)
        check_bits(l, w);
    if (is_table_link(w, w->new))
        check_link(l, w);
    /* W comes with a fault, which knows whose the frame is. */
    if (w->reason == PT_mprotect &&
        (((w->old ^ w->new) & ~MPROTECT_MAY) || (w->new & ~w->old &PTE_W)))
        lint_found(l, LINT_M2, "va %#" PRIx64 ": mprotect makes %#" PRIx64 " of %#" PRIx64, w->va,
                   w->new, w->old);
}

/* --- M7: the kernel's half of a root ---------------------------------------------------------- */

/* The kernel's own root has been made before the first program's. */
static void check_half(struct lint *l, const struct trace_event *e)
{
    struct lint_mm *mm = l->mm;
    const struct replay_table *root = replay_table(l->replay, mm->root_pfn);
    const struct replay_table *kernel = replay_table(l->replay, l->kernel->root_pfn);
    if (e->mm == 0 || mm->half_is_known || root == NULL || kernel == NULL)
        return;
    const unsigned half = PT_SLOTS / 2;
    bool differ = words_differ(root->slot + half, kernel->slot + half, half, ~PTE_AD);
    for (unsigned i = half; differ && i < PT_SLOTS; i++)
        if ((root->slot[i] ^ kernel->slot[i]) & ~PTE_AD) {
            lint_found(l, LINT_M7,
                       "the root of address space %u has %#" PRIx64 " in slot %u, the kernel's "
                       "own %#" PRIx64,
                       e->mm, root->slot[i], i, kernel->slot[i]);
            break;
        }
    mm->half_is_known = true;
}

/* Has an entry what a call should have taken from its range? */
static bool has_left(struct lint *l, uint64_t va, uint64_t entry)
{
    const struct lint_task *t = l->task;
    if (t->call == __NR_munmap) {
        if (entry != 0)
            lint_found(l, LINT_M1, "va %#" PRIx64 " is still mapped after munmap", va);
        return entry != 0;
    }
    uint64_t prot = t->call_a2 & (PROT_READ | PROT_WRITE | PROT_EXEC);
    bool allows = (entry & PTE_P) && (prot == 0 || (!(prot & PROT_WRITE) && (entry & PTE_W)) ||
                                      (!(prot & PROT_EXEC) && l->has_nx && !(entry & PTE_NX)));
    if (allows)
        lint_found(l, LINT_M2, "va %#" PRIx64 " has %#" PRIx64 " after an mprotect to %#" PRIx64,
                   va, entry, prot);
    return allows;
}

/* Nothing is left of a range that was unmapped, and no right that was taken, if nobody else can have changed
 * something there since. */
static void check_range(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_syscall_exit *f = e->fields;
    const struct lint_task *t = l->task;
    const struct lint_mm *mm = l->mm;
    if (!t->in_call || (t->call != __NR_munmap && t->call != __NR_mprotect) || f->nr != t->call ||
        f->ret != 0 || mm->users != 1)
        return;
    uint64_t end = t->call_a0 + ((t->call_a1 + 4095) & ~4095ull);
    for (uint64_t va = t->call_a0; va < end; va = (va | 0x1fffff) + 1) {
        const struct replay_table *table = lint_find_table(l, mm, va);
        if (has_left(l, va, lint_find_huge(l, mm, va)))
            return;
        for (uint64_t at = va; table != NULL && at < end && at >> 21 == va >> 21; at += 4096)
            if (has_left(l, at, table->slot[at >> 12 & 511]))
                return;
    }
}

void lint_tables_before(struct lint *l, const struct trace_event *e)
{
    if (e->id == TRACE_EV_cr3_load)
        check_half(l, e);
    else if (e->id == TRACE_EV_syscall_exit && e->pid != 0)
        check_range(l, e);
}

void lint_tables_end(struct lint *l)
{
    static const char *const names[PT_REASON_MAX] = {
#define X(name, value) [value] = #name,
        TRACE_PT_REASONS(X)
#undef X
    };
    char text[LINT_TEXT_MAX] = "";
    size_t at = 0;
    for (unsigned r = 0; r < PT_REASON_MAX; r++)
        if (l->waste[r] > 0 && at < sizeof(text) - 40)
            at += (size_t)snprintf(text + at, sizeof(text) - at, ", %s %" PRIu64, names[r],
                                   l->waste[r]);
    lint_note(l, LINT_M9, "%" PRIu64 " entries written%s", l->writes,
              at > 0 ? text : ", none of them in vain");
}
