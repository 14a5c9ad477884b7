/* share.c - lowest page tables that fork shares instead of copying, huge pages among them.
 *
 * A table that maps 2 MiB of private anonymous memory may have several users, each an address space that maps it at
 * the same address.  The table's frame counts them.  The rules:
 *
 *   1. An entry of level 2 that leads to a shared table has no W.  The entries in the table
 *      keep theirs; the processor takes the AND of both, so every write faults.
 *   2. A table with more than one user is not written by anybody (the processor may set A).
 *   3. A reference to each frame in it belongs to the table, not to its users: fork counts
 *      one table where it would count up to 512 frames.
 *   4. Who would change an entry first gets a table of its own (share_own): a copy, whose
 *      entries have W exchanged for the COW mark and which counts each frame once more; or
 *      the table itself, if it is the last user.  Its entry of level 2 then has W.
 *   5. Who maps nothing there any more leaves (share_leave): the entry of level 2 is cleared,
 *      the TLBs forget the 2 MiB, then the reference goes.  The last one clears the table.
 *
 * Why that is right.  Each user holds its own mm->lock only.  The count decides, as a frame's does for COW (fault.c):
 * a new user comes only by a fork of a user, under that user's lock; so who finds 1 is alone and stays it.  Who finds
 * more may be mistaken at once, since others leave meanwhile: two users copy and both leave, and the one whose
 * leaving brings the count to 0 clears the table (share_put).  Nobody reads what is being written: with several users
 * nobody writes, and who is alone is the only reader.
 *
 * A frame's own count may be 1 while the table that holds it has several users.  Nobody acts on that: the count is
 * asked before a write in place (fault.c), for which the table must be the asker's own.  A copy raises the count, and
 * the copied entries have no W.  Those of the table that was copied still have it, hence TABLE_COPIED in its tag: the
 * last user takes W from the entries whose frames are counted more than once before it gets W at level 2. The mark is
 * set before the copier leaves, and who sees the count 1 sees what was before it.
 *
 * TLBs.  fork takes W at level 2 from the parent and flushes its TLBs once.  Whoever goes to a copy drops
 * paging-structure caches before it leaves: another CPU that ran on through the old table would not see what changes
 * in the copy, and the table may soon be another's.  Translations from the old table may stay: they are read-only,
 * and equal to the copy's until one is changed, and flushed.  Who becomes the last user only gains rights.
 *
 * What may be shared is decided by VMAs: all that have a part of the 2 MiB are private, anonymous and copied by fork.
 * So no file page is in a shared table, and truncation, which may not fail, never meets one.  And it must pay: a
 * table whose copy is wanted later costs a fault more than one that fork copies.  Small processes are mostly forked
 * to go on on both sides, so theirs must be nearly full; in a large one the few that are not are shared with the
 * others.
 *
 * Memory may be out when a copy is wanted.  A fault says so to the program as any other would; munmap, mprotect,
 * mremap and their like get all tables of their own that they need before they change anything (share_own_ends,
 * share_own_range) and fail with ENOMEM, as Linux does when it cannot split a mapping. */
#include "mm/share.h"
#include "arch/preempt.h"
#include "lib/cmdline.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/huge.h"
#include "mm/mm.h"
#include "mm/mutant.h"
#include "mm/tlb.h"
#include "mm/unmap.h"
#include "mm/vma.h"
#include "sched/task.h"
#include "trace/trace.h"

#define SHARE_LEAST 64u  /* used entries, */
#define SMALL_LEAST 384u /* and in address spaces with fewer pages than */
#define SMALL       1024u
#define WORK_SHARE  60u /* instructions a table, about */
#define WORK_ENTRY  15u /* an entry that is copied, */
#define WORK_CLEAR  40u /* or cleared, with its frame */

static inline uaddr_t span_start(uaddr_t va) { return va & ~(PT_SPAN - 1); }
static inline unsigned used_entries(pfn_t table) { return frame_tag(table) & TABLE_USED; }
static inline pte_t *entries(pfn_t table) { return frame_va(table); }

/* --- fork ------------------------------------------------------------------------ */

bool share_by_default(void)
{
    char how[8];
    return !cmdline_value("mm.fork", how, sizeof how) || strcmp(how, "copy") != 0;
}

static bool may_share(const struct vma *v)
{
    return current->proc->fork_shares && !v->file &&
           !(v->flags & (VM_SHARED | VM_DONTFORK | VM_WIPEONFORK | VM_MARKED));
}

/* Others than v, as far as they have a part of the span: may it be shared for all of them? */
static bool others_allow(const struct vma *v, uaddr_t base)
{
    struct vma *n = (struct vma *)v, *before = vma_prev(n);
    if (before && before->end > base)
        return false; /* it was asked first, and had to copy */
    while ((n = vma_next(n)) != NULL && n->start < base + PT_SPAN)
        if (!may_share(n))
            return false;
    return true;
}

static inline bool pays(pte_t link, unsigned least)
{
    return (link & (PTE_P | PTE_PS)) == PTE_P && used_entries(pte_pfn(link)) >= least;
}

static inline bool is_huge(pte_t link) { return (link & (PTE_P | PTE_PS)) == (PTE_P | PTE_PS); }

/* One more user for each of up to `most` that follow one another.  How many; *used: their entries. */
static unsigned count_tables(const pte_t *e, unsigned most, unsigned least, uint64_t *used)
{
    unsigned n = 0;
    *used = 0;
    do {
        pfn_t table = pte_pfn(e[n]);
        frame_get_inline(table);
        *used += used_entries(table);
    } while (++n < most && pays(e[n], least));
    return n;
}

static unsigned count_huge(const pte_t *e, unsigned most, uint64_t *used)
{
    unsigned n = 0;
    do
        frame_get_inline(frame_tag(pte_pfn(e[n])));
    while (++n < most && is_huge(e[n]));
    *used = n * HUGE_FRAMES;
    return n;
}

uaddr_t share_tables(struct mm *mm, struct mm *from, const struct vma *v, uaddr_t va, bool *lost_w)
{
    uaddr_t base = span_start(va), end = MIN(v->end, base + PT_SPAN);
    pte_t *e = pt_link(from, va), *to;
    unsigned least = from->pages_mapped < SMALL ? SMALL_LEAST : SHARE_LEAST, most = 1, n;
    bool huge = is_huge(*e), whole = va == base && end == base + PT_SPAN;
    uint64_t used;
    /* A whole huge page also where tables are copied: it is one entry. */
    if (!(may_share(v) || (huge && whole)) || !(huge || pays(*e, least)))
        return va;
    if (whole) {
        most = (unsigned)MIN((v->end - va) / PT_SPAN, 512u - pt_index(e));
    } else {
        to = pt_link(mm, va);
        if (to && pte_pfn(*to) == pte_pfn(*e))
            return end; /* with its neighbour's */
        if (!others_allow(v, base))
            return va;
    }
    to = pt_make_level(mm, base, 2, PT_table_share);
    if (!to)
        return 0;
    n = huge ? count_huge(e, most, &used) : count_tables(e, most, least, &used);
    pte_t off = mutant(huge ? MUTANT_huge_keeps_w : MUTANT_share_keeps_w) ? 0 : PTE_W;
    unsigned lost = pt_change(from, base, e, 2, n, PT_table_share, off, 0);
    *lost_w |= lost != 0;
    if (huge)
        mm->huge += n;
    else
        from->shared += lost;
    pt_fill(mm, base, to, 2, n, PT_table_share, e);
    mm->shared += n;
    mm->tables += n;
    mm->pages_mapped += used;
    mm->pages_anon += used;
    mm_count_page(mm, PAGE_OF_FILE, 0); /* for the high-water mark */
    preempt_work(n * WORK_SHARE);
    return MAX(end, base + n * PT_SPAN) < v->end ? base + n * PT_SPAN : v->end;
}

/* --- a table of one's own -------------------------------------------------------- */

#define AT_ONCE 64u

/* An entry in a copy: W exchanged for the COW mark. */
static inline pte_t copied(pte_t pte)
{
    if (mutant(MUTANT_unshare_keeps_w))
        return pte;
    return (pte & ~PTE_W) | (pte & PTE_W) * (PTE_COW / PTE_W);
}

static void copy_entries(struct mm *mm, uaddr_t base, pfn_t from, pfn_t to)
{
    pte_t *old = entries(from), *stop = old + 512, some[AT_ONCE];
    struct frame *all = frames;
    for (pte_t *e = old; (e = pt_next_used(e, stop)) < stop;) {
        pte_t *first = e, *end = MIN(stop, e + AT_ONCE), *copy = some;
        for (pte_t pte; e < end && (pte = *e) != 0; e++) {
            frame_get_counted(pte_pfn(pte), all + pte_pfn(pte));
            *copy++ = copied(pte);
        }
        unsigned n = (unsigned)(e - first), at = (unsigned)(first - old);
        if (mutant(MUTANT_unshare_drops_one) && e == stop)
            n--;
        pt_fill(mm, base + at * PAGE_SIZE, entries(to) + at, 1, n, PT_table_unshare, some);
        preempt_work(n * WORK_ENTRY);
    }
}

/* The last user: W stays where a frame has no other entry. */
static void keep(struct mm *mm, uaddr_t base, pfn_t table, pte_t *link)
{
    pte_t *first = entries(table), *stop = first + 512;
    if (frame_tag(table) & TABLE_COPIED) {
        for (pte_t *e = first; (e = pt_next_used(e, stop)) < stop; e++)
            if ((*e & PTE_W) && frame_refs(pte_pfn(*e)) != 1)
                pt_write(mm, base + (uaddr_t)(e - first) * PAGE_SIZE, e, 1, PT_table_unshare,
                         copied(*e));
        frame_set_tag(table, used_entries(table));
        preempt_work(512 * WORK_ENTRY);
    }
    pt_write(mm, base, link, 2, PT_table_unshare, *link | PTE_W);
    mm->shared--;
}

pte_t *share_own(struct mm *mm, uaddr_t va, pte_t *link)
{
    uaddr_t base = span_start(va);
    pfn_t table = pte_pfn(*link);
    struct gather g;
    if (*link & PTE_PS)
        return huge_split(mm, va, link);
    if (frame_refs(table) == 1) {
        keep(mm, base, table, link);
        tlb_flush_here(mm, va);
        return entries(table) + ((va >> PAGE_SHIFT) & 511);
    }
    pfn_t copy = pt_table_new(mm, base, PT_table_unshare);
    if (!copy)
        return NULL;
    copy_entries(mm, base, table, copy);
    if (!mutant(MUTANT_unshare_unmarked))
        frame_mark_tag(table, TABLE_COPIED);
    gather_start(&g, mm, PT_table_unshare);
    pt_write(mm, base, link, 2, PT_table_unshare, pte_make(copy, *link & ~PTE_ADDR) | PTE_W);
    mm->shared--;
    gather_shared(&g, base, table, PAGE_SIZE);
    gather_flush(&g);
    return entries(copy) + ((va >> PAGE_SHIFT) & 511);
}

static int own_at(struct mm *mm, uaddr_t va)
{
    pte_t *link = pt_link(mm, va);
    return !link || pt_link_own(*link) || share_own(mm, va, link) ? 0 : -ENOMEM;
}

int share_own_range(struct mm *mm, uaddr_t start, uaddr_t end)
{
    int err = 0;
    if (likely(!mm->shared))
        return 0;
    for (uaddr_t va = start; !err && pt_next_link(mm, &va, end); va = span_start(va) + PT_SPAN) {
        err = own_at(mm, va);
        preempt_work(WORK_TABLE);
    }
    return err;
}

int share_own_ends(struct mm *mm, uaddr_t start, uaddr_t end)
{
    uaddr_t first = span_start(start), last = span_start(end);
    int err = 0;
    if (likely(!mm->shared) || start >= end)
        return 0;
    if (start != first)
        err = own_at(mm, start);
    if (!err && end != last && (last != first || start == first))
        err = own_at(mm, end);
    return err;
}

/* --- leaving ----------------------------------------------------------------------- */

/* Nobody uses the table any more: its entries, and the references that they are. */
static SLOW_PATH void clear_table(struct mm *mm, uaddr_t va, pfn_t table, enum pt_reason why)
{
    pte_t *first = entries(table), *stop = first + 512;
    pfn_t put[AT_ONCE];
    frame_set_tag(table, used_entries(table));
    for (pte_t *e = first; (e = pt_next_used(e, stop)) < stop;) {
        unsigned n = 0;
        for (; n < AT_ONCE && e + n < stop && e[n] != 0; n++)
            put[n] = pte_pfn(e[n]);
        pt_clear(mm, va + (uaddr_t)(e - first) * PAGE_SIZE, e, 1, n, why);
        frame_put_all(put, n);
        e += n;
        preempt_work(n * WORK_CLEAR);
    }
    trace_table_free(mm->id, va, table, 1, why);
    frame_put(table);
}

/* n tables, or huge pages, that follow one another: out of the tree, and what they were. */
static void unlink_tables(struct gather *g, uaddr_t va, pte_t *link, unsigned n, pfn_t *table)
{
    struct mm *mm = g->mm;
    bool huge = is_huge(*link);
    unsigned used = 0;
    if (huge) {
        for (unsigned i = 0; i < n; i++)
            table[i] = frame_tag(pte_pfn(link[i]));
        mm->huge -= n;
        used = n * HUGE_FRAMES;
    } else {
        for (unsigned i = 0; i < n; i++) {
            table[i] = pte_pfn(link[i]);
            used += used_entries(table[i]);
        }
    }
    mm->shared -= n;
    mm->pages_mapped -= used;
    mm->pages_anon -= used;
    pt_clear(mm, va, link, 2, n, huge ? g->why : PT_table_unlink); /* pages go as small ones do */
}

/* The reference goes, and with the last one what it was to. */
static inline void leave(struct mm *mm, uaddr_t va, pfn_t table, enum pt_reason why)
{
    if (!frame_leave(table) || mutant(MUTANT_shared_leaked))
        return;
    if (frame_tag(table) & HUGE_TAG)
        huge_free(table);
    else
        clear_table(mm, va, table, why);
}

unsigned share_leave(struct gather *g, uaddr_t va, uaddr_t end, pte_t *link)
{
    struct mm *mm = g->mm;
    unsigned most = (unsigned)MIN((end - va) / PT_SPAN, 512u - pt_index(link)), n = 0;
    pfn_t table[AT_ONCE];
    bool alone = ref_read(&mm->users) == 0; /* no TLB knows it any more */
    most = MIN(most, alone ? AT_ONCE : (unsigned)GATHER_TABLES);
    pte_t mask = PTE_P | PTE_PS | (is_huge(*link) ? 0 : PTE_W), kind = *link & mask; /* one kind */
    while (n < most && (link[n] & mask) == kind)
        n++;
    unlink_tables(g, va, link, n, table);
    for (unsigned i = 0; i < n; i++) {
        uaddr_t at = va + i * PT_SPAN;
        if (!alone)
            gather_shared(g, at, table[i], PT_SPAN);
        else
            leave(mm, at, table[i], g->why);
    }
    mm->tables -= alone ? n : 0;
    preempt_work(n * WORK_SHARE);
    return n;
}

void share_put(struct mm *mm, uaddr_t va, pfn_t table, enum pt_reason why)
{
    leave(mm, va, table, why);
}
