/* pages.c - who maps which frame, and what that must not be: F2, F5, C2, E2, E4, E5, M6.
 *
 * Each frame counts the entries of programs that lead to it, present or (PROT_NONE) kept
 * without P.  Memory of a process's own carries a mark in its entries (PTE_ANON), so
 * where two address spaces map such a frame, fork has made it so, and neither may have W.
 * A frame that gets a new use while its count is not 0 was freed too early: somebody
 * did not count a reference. */
#include "vmm/trace/lint/families.h"

#include <inttypes.h>
#include <stdlib.h>

#define USER_LOWEST 0x10000ull /* vm.mmap_min_addr, also the kernel's */
#define USER_END    (1ull << 47)

/* --- tables ------------------------------------------------------------------------------ */

static void link_write(struct lint *l, struct lint_mm *mm, const struct lint_write *w)
{
    bool is_half = w->level == PT_LEVEL_PGD && w->index >= PT_SLOTS / 2;
    if (is_half)
        mm->half_is_known = false;
    if (is_table_link(w, w->was)) {
        struct frame *f = frame_of(l, pte_frame(w->was));
        f->links -= f->links > 0;
        f->writable_links -= (w->was & PTE_W) != 0 && f->writable_links > 0;
    }
    if (!is_table_link(w, w->new))
        return;
    struct frame *f = frame_of(l, pte_frame(w->new));
    f->links++;
    f->writable_links += (w->new &PTE_W) != 0;
    if (f->links > 1 && f->writable_links > 0 && !is_half)
        lint_found(l, LINT_M6,
                   "va %#" PRIx64 ": table %#x has %u parents, and may be written by one", w->va,
                   f->pfn, f->links);
}

/* --- leaves ------------------------------------------------------------------------------ */

static void leaf_goes(struct lint *l, struct lint_mm *mm, const struct lint_write *w)
{
    struct frame *f = frame_of(l, pte_frame(w->was));
    f->writable -= (w->was & PTE_W) != 0 && f->writable > 0;
    f->maps -= f->maps > 0;
    if (f->maps == 0) {
        f->is_shared = false;
        f->owner = 0;
    }
    mm->leaves -= mm->leaves > 0;
    if (w->was & PTE_ANON) {
        mm->anon -= mm->anon > 0;
        mm->anon_changes++;
    }
}

/* Memory of the program's own that was not there before: no second mapping of a page. */
static bool is_fresh(const struct lint_write *w)
{
    switch (w->reason) {
    case PT_demand_zero:
    case PT_demand_file:
    case PT_exec_map:
    case PT_cow_break: return (w->new &PTE_ANON) != 0;
    }
    return false;
}

static void check_fresh(struct lint *l, const struct lint_write *w, const struct frame *f)
{
    if (f->maps == 0 || !is_fresh(w))
        return;
    enum lint_check check = w->reason == PT_exec_map                     ? LINT_E2
                            : w->was != 0 && pte_frame(w->was) == f->pfn ? LINT_C2
                                                                         : LINT_F5;
    lint_found(l, check, "va %#" PRIx64 ": frame %#x, which %u other entries lead to", w->va,
               f->pfn, f->maps);
}

static void check_place(struct lint *l, const struct lint_mm *mm, const struct lint_write *w,
                        const struct frame *f)
{
    const uint64_t rights = PTE_P | PTE_W;
    if (w->va < USER_LOWEST || w->va >= USER_END)
        lint_found(l, LINT_E5, "a page at va %#" PRIx64, w->va);
    if (f->is_table || f->is_kernel_text)
        lint_found(l, LINT_M6, "va %#" PRIx64 " maps frame %#x, which is %s", w->va, f->pfn,
                   f->is_table ? "a page table" : "kernel text");
    l->has_nx |= (w->new &PTE_NX) != 0;
    if ((w->new &rights) == rights && !(w->new &PTE_NX) && l->has_nx &&
        !lint_is_special(mm, w->va, 6))
        lint_found(l, LINT_E4, "va %#" PRIx64 " is writable and executable: %#" PRIx64, w->va,
                   w->new);
}

static void leaf_comes(struct lint *l, struct lint_mm *mm, const struct lint_write *w)
{
    struct frame *f = frame_of(l, pte_frame(w->new));
    check_fresh(l, w, f);
    check_place(l, mm, w, f);
    if (f->maps == 0)
        f->owner = mm->id;
    else if (f->owner != mm->id)
        f->is_shared = true;
    f->maps++;
    f->writable += (w->new &PTE_W) != 0;
    mm->leaves++;
    if (!(w->new &PTE_ANON))
        return;
    mm->anon++;
    mm->anon_changes++;
    if (f->is_shared && f->maps > 1 && f->writable > 0)
        lint_found(l, LINT_F2,
                   "va %#" PRIx64 ": %u entries lead to frame %#x, of more than one address "
                   "space, %u of them with W",
                   w->va, f->maps, f->pfn, f->writable);
}

static void kernel_leaf(struct lint *l, const struct lint_write *w)
{
    l->has_nx |= (w->new &PTE_NX) != 0;
    if (!is_leaf(w, w->new))
        return;
    uint32_t pfn = (uint32_t)pte_frame(w->new);
    if (w->level == PT_LEVEL_PTE && !(w->new &(PTE_NX | PTE_W)))
        frame_of(l, pfn)->is_kernel_text = true;
    if (w->reason == PT_kernel_stack && frame_of(l, pfn)->maps > 0)
        lint_found(l, LINT_F5, "a kernel stack in frame %#x, which %u entries of programs lead to",
                   pfn, frame_of(l, pfn)->maps);
}

void lint_pages_write(struct lint *l, const struct lint_write *w)
{
    struct lint_mm *mm = l->mm;
    if (w->level > PT_LEVEL_PTE && (is_table_link(w, w->was) || is_table_link(w, w->new))) {
        link_write(l, mm, w);
        return;
    }
    if (mm->id == 0) {
        kernel_leaf(l, w);
        return;
    }
    mm->writes++;
    if (w->reason == PT_fork_wrprotect && !((w->was ^ w->new) & (PTE_ADDR | PTE_ANON | PTE_NX)) &&
        w->was != 0 && !(w->new &PTE_W)) { /* W goes, and nothing else that matters here */
        struct frame *f = frame_of(l, pte_frame(w->was));
        f->writable -= (w->was & PTE_W) != 0 && f->writable > 0;
        return;
    }
    if (w->was != 0)
        leaf_goes(l, mm, w);
    if (w->new != 0)
        leaf_comes(l, mm, w);
}

/* --- tables and address spaces come and go --------------------------------------------------- */

static void table_comes(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_table_alloc *f = e->fields;
    struct frame *frame = frame_of(l, f->table_pfn);
    if (frame->maps > 0)
        lint_found(l, LINT_M6, "frame %#x becomes a table, but %u entries of programs lead to it",
                   f->table_pfn, frame->maps);
    frame->is_table = true;
    lint_mm(l, e->mm)->tables++;
}

static void table_goes(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_table_free *f = e->fields;
    struct frame *frame = frame_of(l, f->table_pfn);
    struct lint_mm *mm = lint_mm(l, e->mm);
    frame->is_table = false;
    frame->links = 0;
    frame->writable_links = 0;
    mm->tables -= mm->tables > 0;
}

static void forget_special(struct lint_mm *mm)
{
    while (mm->special != NULL) {
        struct lint_special *s = mm->special;
        mm->special = s->next;
        free(s);
    }
}

static void special_comes(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_vma_special *f = e->fields;
    struct lint_mm *mm = lint_mm(l, e->mm);
    for (struct lint_special *s = mm->special; s != NULL; s = s->next)
        if (s->start <= f->start && f->end <= s->end && s->flags == f->flags)
            return;
    struct lint_special *s = need(calloc(1, sizeof(*s)));
    *s = (struct lint_special){ mm->special, f->start, f->end, f->flags };
    mm->special = s;
}

void lint_pages_before(struct lint *l, const struct trace_event *e)
{
    switch (e->id) {
    case TRACE_EV_table_alloc: table_comes(l, e); break;
    case TRACE_EV_table_free: table_goes(l, e); break;
    case TRACE_EV_mm_free: forget_special(lint_mm(l, e->mm)); break;
    case TRACE_EV_vma_special: special_comes(l, e); break;
    }
}

static void end_mm(void *arg, void *mm)
{
    (void)arg;
    forget_special(mm);
}

void lint_pages_end(struct lint *l)
{
    idmap_each(l->mms, end_mm, NULL);
    lint_note(l, LINT_C2, "not checked: contents");
    if (!l->has_nx)
        lint_note(l, LINT_E4, "not checked: no entry has NX, so the processor may not know it");
}
