/* pages.c - who maps which frame, and what that must not be: F2, F5, C2, E2, E4, E5, M6.
 *
 * Each frame counts the entries of programs that lead to it, present or (PROT_NONE) kept
 * without P.  Memory of a process's own carries a mark in its entries (PTE_ANON), so
 * where two address spaces map such a frame, fork has made it so, and neither may have W.
 * A frame that gets a new use while its count is not 0 was freed too early: somebody
 * did not count a reference. */
#include "vmm/trace/lint/families.h"
#include "vmm/trace/lint/share.h"

#include <inttypes.h>
#include <stdlib.h>

#define USER_LOWEST 0x10000ull /* vm.mmap_min_addr, also the kernel's */
#define USER_END    (1ull << 47)

/* --- tables ------------------------------------------------------------------------------ */

static void link_write(struct lint *l, struct lint_mm *mm, const struct lint_write *w)
{
    struct frames *f = &l->frames;
    bool is_half = w->level == PT_LEVEL_PGD && w->index >= PT_SLOTS / 2;
    if (is_half)
        mm->half_is_known = false;
    bool counted = w->level == PT_LEVEL_PMD && mm->id != 0;
    if (counted)
        lint_share_link(l, w);
    if (!counted && is_table_link(w, w->was) && pte_frame(w->was) < f->n) {
        struct frame_links *k = &f->links[pte_frame(w->was)];
        k->all -= k->all > 0;
        k->writable -= (w->was & PTE_W) != 0 && k->writable > 0;
    }
    if (!is_table_link(w, w->new) || pte_frame(w->new) >= f->n)
        return;
    struct frame_links *k = &f->links[pte_frame(w->new)];
    k->all += !counted;
    k->writable += !counted && (w->new &PTE_W) != 0;
    if (k->all > 1 && k->writable > 0 && !is_half)
        lint_found(l, LINT_M6,
                   "va %#" PRIx64 ": table %#" PRIx64 " has %u parents, and may be written by one",
                   w->va, (uint64_t)pte_frame(w->new), k->all);
}

/* --- leaves ------------------------------------------------------------------------------ */

static void leaf_goes(struct lint *l, struct lint_mm *mm, const struct lint_write *w)
{
    if (pte_frame(w->was) < l->frames.n)
        frame_unmap(&l->frames, pte_frame(w->was), (w->was & PTE_W) && l->w_counts);
    if (!l->is_linked)
        return;
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
    case PT_huge_map:
    case PT_cow_break: return (w->new &PTE_ANON) != 0;
    }
    return false;
}

static void check_fresh(struct lint *l, const struct lint_write *w)
{
    uint64_t pfn = pte_frame(w->new);
    if (!is_fresh(w) || frame_maps(&l->frames, pfn) == 0)
        return;
    enum lint_check check = w->reason == PT_exec_map                  ? LINT_E2
                            : w->was != 0 && pte_frame(w->was) == pfn ? LINT_C2
                                                                      : LINT_F5;
    lint_found(l, check, "va %#" PRIx64 ": frame %#" PRIx64 ", which %u other entries lead to",
               w->va, pfn, frame_maps(&l->frames, pfn));
}

static void check_place(struct lint *l, const struct lint_mm *mm, const struct lint_write *w)
{
    const uint64_t rights = PTE_P | PTE_W;
    uint64_t pfn = pte_frame(w->new), use = pfn < l->frames.n ? l->frames.use[pfn] : 0;
    if (w->va < USER_LOWEST || w->va >= USER_END)
        lint_found(l, LINT_E5, "a page at va %#" PRIx64, w->va);
    if (use & (FRAME_TABLE | FRAME_TEXT))
        lint_found(l, LINT_M6, "va %#" PRIx64 " maps frame %#" PRIx64 ", which is %s", w->va, pfn,
                   use & FRAME_TABLE ? "a page table" : "kernel text");
    l->has_nx |= (w->new &PTE_NX) != 0;
    if ((w->new &rights) == rights && !(w->new &PTE_NX) && l->has_nx &&
        !lint_is_special(mm, w->va, 6))
        lint_found(l, LINT_E4, "va %#" PRIx64 " is writable and executable: %#" PRIx64, w->va,
                   w->new);
}

static void leaf_comes(struct lint *l, struct lint_mm *mm, const struct lint_write *w)
{
    uint64_t pfn = pte_frame(w->new);
    struct frames *f = &l->frames;
    check_place(l, mm, w);
    mm->leaves += l->is_linked;
    if ((w->new &PTE_ANON) && l->is_linked) {
        mm->anon++;
        mm->anon_changes++;
    }
    if (pfn >= f->n) /* M5 has said so */
        return;
    check_fresh(l, w);
    frame_map(f, pfn, mm->id, (w->new &PTE_W) && l->w_counts);
    if (w->reason == PT_table_unshare)
        f->use[pfn] |= FRAME_SHARED;
    if ((w->new &PTE_ANON) && (f->use[pfn] & FRAME_SHARED) && frame_maps(f, pfn) > 1 &&
        frame_writable(f, pfn) > 0)
        lint_found(l, LINT_F2,
                   "va %#" PRIx64 ": %u entries lead to frame %#" PRIx64
                   ", of more than one address space, %u of them with W",
                   w->va, frame_maps(f, pfn), pfn, frame_writable(f, pfn));
}

static void kernel_leaf(struct lint *l, const struct lint_write *w)
{
    uint64_t pfn = pte_frame(w->new);
    l->has_nx |= (w->new &PTE_NX) != 0;
    if (!is_leaf(w, w->new) || pfn >= l->frames.n)
        return;
    if (w->level == PT_LEVEL_PTE && !(w->new &(PTE_NX | PTE_W)))
        l->frames.use[pfn] |= FRAME_TEXT;
    if (w->reason == PT_kernel_stack && frame_maps(&l->frames, pfn) > 0)
        lint_found(l, LINT_F5,
                   "a kernel stack in frame %#" PRIx64 ", which %u entries of programs lead to",
                   pfn, frame_maps(&l->frames, pfn));
}

/* --- huge pages --------------------------------------------------------------------------- */

/* W comes or goes, and nothing else that matters here. */
static void huge_rights(struct lint *l, const struct lint_write *w)
{
    struct frames *f = &l->frames;
    bool had = w->was & PTE_W, has = w->new &PTE_W;
    for (unsigned i = 0; had != has && i < HUGE_FRAMES; i++) {
        uint64_t pfn = pte_frame(w->new) + i;
        if (pfn >= f->n)
            return;
        f->use[pfn] += has ? FRAME_W : f->use[pfn] & FRAME_WS ? -FRAME_W : 0;
        if (has && (f->use[pfn] & FRAME_SHARED) && frame_maps(f, pfn) > 1) {
            lint_found(l, LINT_F2,
                       "va %#" PRIx64
                       ": a huge page gets W, and %u others lead to its frame %#" PRIx64,
                       w->va, frame_maps(f, pfn) - 1, pfn);
            return;
        }
    }
}

/* Each of its pages comes, or goes; a table may take their place. */
static void huge_write(struct lint *l, struct lint_mm *mm, const struct lint_write *w)
{
    struct lint_write page = *w, link = *w;
    bool was = is_huge(w, w->was), is = is_huge(w, w->new);
    mm->writes++;
    if (was && is && !((w->was ^ w->new) & (PTE_ADDR | PTE_ANON | PTE_NX))) {
        huge_rights(l, w);
        return;
    }
    page.level = PT_LEVEL_PTE;
    for (unsigned i = 0; i < HUGE_FRAMES; i++, page.va += 4096) {
        page.was = was ? huge_part(w->was, i) : 0;
        page.new = is ? huge_part(w->new, i) : 0;
        if (was)
            leaf_goes(l, mm, &page);
        if (is)
            leaf_comes(l, mm, &page);
    }
    link.was = was ? 0 : w->was;
    link.new = is ? 0 : w->new;
    if (is_table_link(&link, link.was) || is_table_link(&link, link.new))
        link_write(l, mm, &link);
}

void lint_pages_write(struct lint *l, const struct lint_write *w)
{
    struct lint_mm *mm = l->mm;
    if (mm->id != 0 && (is_huge(w, w->was) || is_huge(w, w->new))) {
        lint_share_huge(l, w);
        huge_write(l, mm, w);
        return;
    }
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
        w->was != 0 && !(w->new &PTE_W) && pte_frame(w->was) < l->frames.n) {
        /* W goes, and nothing else that matters here */
        uint64_t *use = &l->frames.use[pte_frame(w->was)];
        *use -= (w->was & PTE_W) && l->w_counts && (*use & FRAME_WS) ? FRAME_W : 0;
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
    const struct trace_ev_table_alloc *t = e->fields;
    struct frames *f = &l->frames;
    l->mm->tables++;
    l->mm->empty += t->level != PT_LEVEL_PGD;
    if (t->table_pfn >= f->n)
        return;
    if (frame_maps(f, t->table_pfn) > 0)
        lint_found(l, LINT_M6, "frame %#x becomes a table, but %u entries of programs lead to it",
                   t->table_pfn, frame_maps(f, t->table_pfn));
    f->use[t->table_pfn] |= FRAME_TABLE;
}

static void table_goes(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_table_free *t = e->fields;
    struct frames *f = &l->frames;
    const struct replay_table *was = replay_table(l->replay, t->table_pfn);
    l->mm->emptied_on = e->cpu;
    l->mm->emptied_events = l->on->events;
    l->mm->empty -= l->mm->empty > 0 && was != NULL && was->used == 0 && was->level != PT_LEVEL_PGD;
    if (t->table_pfn >= f->n || !lint_share_freed(l, t->table_pfn))
        l->mm->tables -= l->mm->tables > 0;
    if (t->table_pfn >= f->n)
        return;
    f->use[t->table_pfn] &= ~FRAME_TABLE;
    f->links[t->table_pfn] = (struct frame_links){ 0 };
}

void lint_pages_forget(struct lint_mm *mm)
{
    while (mm->special != NULL) {
        struct lint_special *s = mm->special;
        mm->special = s->next;
        free(s);
    }
}

void lint_pages_special(struct lint *l, const struct trace_event *e)
{
    const struct trace_ev_vma_special *f = e->fields;
    struct lint_mm *mm = l->mm;
    if (!mm->live)
        return;
    for (struct lint_special *s = mm->special; s != NULL; s = s->next)
        if (s->start <= f->start && f->end <= s->end && s->flags == f->flags)
            return;
    struct lint_special *s = need(calloc(1, sizeof(*s)));
    *s = (struct lint_special){ mm->special, f->start, f->end, f->flags };
    mm->special = s;
}

void lint_pages_table(struct lint *l, const struct trace_event *e)
{
    if (e->id == TRACE_EV_table_alloc)
        table_comes(l, e);
    else
        table_goes(l, e);
}

static void end_mm(void *arg, void *mm)
{
    (void)arg;
    lint_pages_forget(mm);
}

void lint_pages_end(struct lint *l)
{
    idmap_each(l->mms, end_mm, NULL);
    if (!l->has_contents) {
        lint_note(l, LINT_C2, "not checked: contents; record with vmm --trace-contents");
        lint_note(l, LINT_C4, "not checked: contents; record with vmm --trace-contents");
    }
    if (!l->has_nx)
        lint_note(l, LINT_E4, "not checked: no entry has NX, so the processor may not know it");
}
