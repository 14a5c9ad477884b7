/* share.c - lowest tables that several address spaces lead to (guest/mm/share.c).
 *
 * What an entry in such a table means follows from who leads to it.  An address space has
 * the pages of all tables that it leads to; an entry's W has effect if an entry with W leads
 * to its table.  So both are counted anew when such an entry of level 2 changes.
 *
 *   S1  a table with several users is not written
 *   S2  a copy of a shared table has what that one has, W exchanged for the COW mark
 *   S3  a table that was shared is freed when its last user has left
 *   H1  a table that takes a huge page's place has its frames with its rights, W exchanged for the
 *       COW mark or not (F2 knows which)
 *   H2  that page's entry has lost P by then, and left the TLBs (the latter is reuse.c's)
 *
 * That nobody leads to a shared table with W is M6; that those who left it had flushed
 * before it changes, M3; that fork gives the child the parent's tables, F1. */
#include "vmm/trace/lint/share.h"

#include <inttypes.h>

#include "vmm/trace/lib/words.h"
#include "vmm/trace/lint/reuse.h"

void lint_share_table(struct lint *l, uint32_t pfn)
{
    const struct frame_links *k = &l->frames.links[pfn];
    l->in_bulk = false;
    l->is_linked = k->all > 0;
    l->w_counts = k->writable > 0;
    if (k->all > 1)
        lint_found(l, LINT_S1, "table %#x is written, and %u entries lead to it", pfn, k->all);
    if (l->frames.use[pfn] & FRAME_MULTI)
        lint_reuse_shared(l, pfn);
}

/* --- who leads to it changes ----------------------------------------------------------------- */

/* The entries' W begins or ceases to have effect. */
static void recount_w(struct lint *l, const struct replay_table *t, const struct lint_write *w,
                      bool counts)
{
    struct frames *f = &l->frames;
    uint64_t left = t->used > 0 ? words_with(t->slot, PT_SLOTS, PTE_W) : 0;
    for (unsigned i = 0; left > 0 && i < PT_SLOTS; i++) {
        uint64_t e = t->slot[i], pfn = pte_frame(e);
        left -= (e & PTE_W) != 0;
        if (!(e & PTE_W) || pfn >= f->n)
            continue;
        f->use[pfn] += counts ? FRAME_W : f->use[pfn] & FRAME_WS ? -FRAME_W : 0;
        if (counts && (e & PTE_ANON) && (f->use[pfn] & FRAME_SHARED) && frame_maps(f, pfn) > 1)
            lint_found(l, LINT_F2,
                       "va %#" PRIx64 ": table %#x gets W, and its slot %u leads to frame %#" PRIx64
                       ", as %u others do",
                       w->va, t->pfn, i, pfn, frame_maps(f, pfn) - 1);
    }
}

/* The address space has all its pages, or has them no more. */
static void count_pages(struct lint *l, const struct replay_table *t, bool comes)
{
    unsigned leaves = t->used;
    unsigned anon = leaves > 0 ? (unsigned)words_with(t->slot, PT_SLOTS, PTE_ANON) : 0;
    struct lint_mm *mm = l->mm;
    mm->leaves =
        comes ? mm->leaves + leaves : mm->leaves - (leaves < mm->leaves ? leaves : mm->leaves);
    mm->anon = comes ? mm->anon + anon : mm->anon - (anon < mm->anon ? anon : mm->anon);
    mm->anon_changes += anon;
}

static void count_links(struct lint *l, const struct lint_write *w, uint64_t entry, int by,
                        int by_w)
{
    uint64_t pfn = pte_frame(entry);
    const struct replay_table *t = replay_table(l->replay, (uint32_t)pfn);
    if (t == NULL || pfn >= l->frames.n) /* T5, M5 */
        return;
    struct frame_links *k = &l->frames.links[pfn];
    uint64_t *use = &l->frames.use[pfn];
    bool counted = k->writable > 0;
    if (by < 0 && k->all == 0)
        return;
    k->all += (unsigned)by;
    k->writable = by_w < 0 && k->writable == 0 ? 0 : k->writable + (unsigned)by_w;
    if (counted != (k->writable > 0))
        recount_w(l, t, w, !counted);
    if (by == 0)
        return;
    count_pages(l, t, by > 0);
    if (by > 0 && k->all > 1) {
        *use |= FRAME_MULTI;
        l->mm->tables++;
    } else if (by < 0 && (*use & FRAME_MULTI)) {
        l->mm->tables -= l->mm->tables > 0;
        l->orphans += k->all == 0;
        l->orphaned_at = l->last_tsc;
    }
}

/* --- the rules --------------------------------------------------------------------------------- */

static void check_shared(struct lint *l, const struct lint_write *w)
{
    if (l->mm->from == 0)
        return; /* the parent's, which loses W */
    const struct replay_table *parents = lint_find_table(l, lint_mm(l, l->mm->from), w->va);
    if (parents == NULL || parents->pfn != pte_frame(w->new))
        lint_found(l, LINT_F1,
                   "va %#" PRIx64 ": the child shares table %#" PRIx64
                   ", the parent has %#x (0: none)",
                   w->va, (uint64_t)pte_frame(w->new), parents != NULL ? parents->pfn : 0);
    if (l->mm->was_started)
        lint_found(l, LINT_F7, "va %#" PRIx64 ": address space %u, which is in use, gets a table",
                   w->va, l->mm->id);
}

static void check_shared_huge(struct lint *l, const struct lint_write *w)
{
    if (l->mm->from == 0)
        return; /* the parent's, which loses W */
    uint64_t parents = lint_find_huge(l, lint_mm(l, l->mm->from), w->va);
    if ((parents ^ w->new) & ~PTE_AD)
        lint_found(l, LINT_F1,
                   "va %#" PRIx64 ": the child gets the huge page %#" PRIx64
                   ", the parent has %#" PRIx64,
                   w->va, w->new, parents);
    if (l->mm->was_started)
        lint_found(l, LINT_F7, "va %#" PRIx64 ": address space %u, which is in use, gets a page",
                   w->va, l->mm->id);
}

static void check_split(struct lint *l, const struct lint_write *w)
{
    const struct replay_table *t = replay_table(l->replay, (uint32_t)pte_frame(w->new));
    const uint64_t may = PTE_AD | PTE_P | PTE_W | PTE_COW;
    for (unsigned i = 0; t != NULL && i < PT_SLOTS; i++) {
        uint64_t e = t->slot[i];
        bool rights = (e & PTE_P) && !(e & PTE_W) == !!(e & PTE_COW);
        if (!rights || ((huge_part(w->was, i) ^ e) & ~may)) {
            lint_found(l, LINT_H1,
                       "va %#" PRIx64 ": slot %u of the table is %#" PRIx64
                       ", of the huge page %#" PRIx64,
                       w->va, i, e, w->was);
            return;
        }
    }
}

void lint_share_huge(struct lint *l, const struct lint_write *w)
{
    if (is_table_link(w, w->new)) {
        check_split(l, w);
        if (w->was & PTE_P)
            lint_found(l, LINT_H2,
                       "va %#" PRIx64
                       ": a table takes the place of a huge page that is still there",
                       w->va);
    } else if (w->reason == PT_table_share && !is_huge(w, w->was)) {
        check_shared_huge(l, w);
    }
}

static uint64_t in_a_copy(uint64_t entry)
{
    return entry & PTE_W ? (entry & ~PTE_W) | PTE_COW : entry;
}

static void check_copy(struct lint *l, const struct lint_write *w)
{
    const struct replay_table *from = replay_table(l->replay, (uint32_t)pte_frame(w->was));
    const struct replay_table *to = replay_table(l->replay, (uint32_t)pte_frame(w->new));
    for (unsigned i = 0; from != NULL && to != NULL && i < PT_SLOTS; i++)
        if ((in_a_copy(from->slot[i]) ^ to->slot[i]) & ~PTE_AD) {
            lint_found(l, LINT_S2,
                       "va %#" PRIx64 ": slot %u of the copy is %#" PRIx64
                       ", of the shared table %#" PRIx64,
                       w->va, i, to->slot[i], from->slot[i]);
            break;
        }
}

void lint_share_link(struct lint *l, const struct lint_write *w)
{
    bool was = is_table_link(w, w->was), is = is_table_link(w, w->new);
    bool same = was && is && pte_frame(w->was) == pte_frame(w->new);
    if (is && !same && w->reason == PT_table_share)
        check_shared(l, w);
    if (was && is && !same && w->reason == PT_table_unshare)
        check_copy(l, w);
    if (same) {
        count_links(l, w, w->new, 0, !!(w->new &PTE_W) - !!(w->was & PTE_W));
        return;
    }
    if (was)
        count_links(l, w, w->was, -1, -!!(w->was & PTE_W));
    if (is)
        count_links(l, w, w->new, 1, !!(w->new &PTE_W));
}

bool lint_share_freed(struct lint *l, uint32_t pfn)
{
    bool was_shared = l->frames.use[pfn] & FRAME_MULTI;
    l->frames.use[pfn] &= ~FRAME_MULTI;
    if (was_shared && l->frames.links[pfn].all == 0) {
        l->orphans -= l->orphans > 0;
        return true;
    }
    return false;
}

#define LONG_AGO 1000000000u /* nanoseconds; the trace may end between the link's and the table's */

void lint_share_end(struct lint *l)
{
    if (l->orphans > 0 && trace_ns(l->meta, l->last_tsc - l->orphaned_at) > LONG_AGO)
        lint_found(l, LINT_S3,
                   "%u tables that were shared have no user any more, and are not freed",
                   l->orphans);
}
