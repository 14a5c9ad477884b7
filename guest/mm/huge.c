/* huge.c - huge pages: 2 MiB of private anonymous memory by one entry of level 2.
 *
 * They save a program the TLB misses, and the kernel the faults and 511 of 512 entries.  A mapping gets one at the
 * first touch of 2 MiB that it has all of, where it may be written and
 *     mm.thp=always   memory is not short (SHORT below), or MADV_HUGEPAGE was said: the default
 *     mm.thp=madvise  MADV_HUGEPAGE was said
 *     mm.thp=never    never
 * /sys/kernel/mm/transparent_hugepage/enabled tells and changes which. MADV_NOHUGEPAGE and PR_SET_THP_DISABLE forbid
 * it.  Where there is no huge page, the fault goes on as if there were no such thing (fault.c).
 *
 * A huge page is a lowest table that nobody has written out.  Each comes with a table frame in reserve, which *is*
 * the table for share.c: it has the count of users and the mark TABLE_COPIED; a reference to each of the 512 frames
 * belongs to it.  So the five rules of share.c hold with their reasons: fork counts the reserve once and takes W from
 * both entries; who would change less than all of it, or is not the only user, first gets a table of its own:
 *
 *     the only user     the reserve is filled with what the entry says, and led to: needs no memory
 *     others are there  a new table, whose entries have W exchanged for the COW mark and count
 *                       each frame; the page stays what it is for the others.  ENOMEM is possible,
 *                       as it is for a shared table
 *
 * A table that is full is written out once, and does not become huge again by itself.  MADV_COLLAPSE makes a huge
 * page of what 2 MiB hold: the small pages are taken out, as by MADV_DONTNEED, and flushed; then, when nobody reaches
 * them, they are copied into the new page, which comes as what mremap moves does.  All memory is there before that
 * begins.
 *
 * All users of a reserve that is not filled have the huge entry, because only an only user fills it.
 *
 * Entries of both sizes for one address are never in the TLBs together, which processors take amiss: the entry loses
 * P, all flush, and then the table is led to.  Who faults meanwhile waits for mm->lock.
 *
 * The entry always has the rights of its mapping, which may be written: mprotect and whatever changes a part of it
 * (munmap, madvise, mremap) gets a table first, by share_own_range() and share_own_ends(), before it changes
 * anything.  mremap moves entries of pages, too.
 *
 * A write to a page without W, by its only user: W is back, unless a frame of it is counted elsewhere. */
#include "mm/huge.h"
#include "arch/preempt.h"
#include "lib/cmdline.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/mm.h"
#include "mm/mutant.h"
#include "mm/share.h"
#include "mm/tlb.h"
#include "mm/unmap.h"
#include "mm/vma.h"
#include "trace/trace.h"

/* With less than this free, or less than a quarter of all, only who asked gets one: what a
 * program does not use of it might be wanted elsewhere. */
#define SHORT      (64ull << 20 >> PAGE_SHIFT)
#define AT_ONCE    64u
#define WORK_ENTRY 15u
#define WORK_CLEAR 600u
#define WORK_MAP   2500u

static uint64_t in_use; /* [a] */

uint64_t huge_count(void) { return __atomic_load_n(&in_use, __ATOMIC_RELAXED); }

static inline uaddr_t span_start(uaddr_t va) { return va & ~(PT_SPAN - 1); }
static inline pte_t *entries(pfn_t table) { return frame_va(table); }
static inline pfn_t page_of(pfn_t reserve)
{
    return (frame_tag(reserve) & (HUGE_TAG - 1)) >> HUGE_PLACE << 9;
}

/* --- one comes ------------------------------------------------------------------------ */

static unsigned chosen; /* [a] 0: nobody has asked yet; whoever comes second finds the same */

unsigned huge_mode(void)
{
    char how[8];
    unsigned now = __atomic_load_n(&chosen, __ATOMIC_RELAXED);
    if (likely(now))
        return now;
    now = HUGE_ALWAYS;
    if (cmdline_value("mm.thp", how, sizeof how))
        now = strcmp(how, "never") == 0     ? HUGE_NEVER
              : strcmp(how, "madvise") == 0 ? HUGE_MADVISE
                                            : HUGE_ALWAYS;
    huge_set_mode(now);
    return now;
}

void huge_set_mode(unsigned mode) { __atomic_store_n(&chosen, mode, __ATOMIC_RELAXED); }

static bool memory_is_short(void)
{
    uint64_t left = frames_free_about();
    return left < SHORT + HUGE_FRAMES || left < frames_total / 4 + HUGE_FRAMES;
}

/* Whatever the mode. */
static inline bool can_have(const struct vma *v, uaddr_t base)
{
    return !v->file &&
           (v->flags & (VM_SHARED | VM_GROWSDOWN | VM_NOHUGEPAGE | VM_WRITE | VM_MARKED |
                        VM_ASK_ALL)) == VM_WRITE &&
           v->start <= base && v->end - base >= PT_SPAN && !(v->mm->kept & MM_KEPT_SMALL);
}

static bool may_have(const struct vma *v, uaddr_t base)
{
    if (!can_have(v, base) || huge_mode() == HUGE_NEVER)
        return false;
    return v->flags & VM_HUGEPAGE || (huge_mode() == HUGE_ALWAYS && !memory_is_short());
}

bool huge_eligible(const struct vma *v)
{
    uaddr_t base = (v->start + PT_SPAN - 1) & ~(PT_SPAN - 1);
    bool asked = v->flags & VM_HUGEPAGE;
    return base < v->end && can_have(v, base) && huge_mode() != HUGE_NEVER &&
           (asked || huge_mode() == HUGE_ALWAYS);
}

static void clear(pfn_t first)
{
    for (unsigned i = 0; i < HUGE_FRAMES; i++) {
        frame_clear(first + i);
        preempt_work(WORK_CLEAR);
    }
}

/* The page and its reserve; 0: there is none. */
static pfn_t alloc(pfn_t *reserve)
{
    bool zero;
    *reserve = frame_alloc_table();
    if (!*reserve)
        return 0;
    pfn_t first = frame_alloc_huge(&zero);
    if (!first) {
        frame_put(*reserve);
        return 0;
    }
    if (!zero)
        clear(first);
    frame_set_tag(first, *reserve);
    frame_set_tag(*reserve, HUGE_TAG | first >> 9 << HUGE_PLACE | HUGE_FRAMES);
    __atomic_fetch_add(&in_use, 1, __ATOMIC_RELAXED);
    return first;
}

static void enter(struct vma *v, uaddr_t base, pte_t *e, pfn_t first, enum pt_reason why)
{
    struct mm *mm = v->mm;
    pte_t nx = v->flags & VM_EXEC || !cpu_has.nx ? 0 : PTE_NX;
    pt_write(mm, base, e, 2, why,
             pte_make(first, PTE_P | PTE_W | PTE_U | PTE_A | PTE_D | PTE_PS | PTE_ANON | nx));
    mm->huge++;
    mm->shared++;
    mm->tables++;
    mm->pages_mapped += HUGE_FRAMES - 1;
    mm->pages_anon += HUGE_FRAMES - 1;
    mm_count_page(mm, PAGE_ANON, 1);
    v->has_anon = true;
    preempt_work(WORK_MAP);
}

bool huge_map(struct vma *v, uaddr_t va)
{
    struct mm *mm = v->mm;
    uaddr_t base = span_start(va);
    pfn_t reserve, first;
    if (!may_have(v, base) || !(first = alloc(&reserve)))
        return false;
    pte_t *e = pt_make_level(mm, base, 2, PT_huge_map);
    if (!e) {
        huge_free(reserve);
        return false;
    }
    enter(v, base, e, first, PT_huge_map);
    return true;
}

bool huge_settle(struct mm *mm, uaddr_t va, pte_t *link, bool write)
{
    if (write && !(*link & PTE_W)) {
        pfn_t reserve = huge_or_table(*link);
        if (frame_refs(reserve) != 1)
            return false;
        if (frame_tag(reserve) & TABLE_COPIED) {
            if (!frame_huge_alone(pte_pfn(*link)))
                return false;
            frame_set_tag(reserve, frame_tag(reserve) & ~TABLE_COPIED);
        }
        pt_write(mm, span_start(va), link, 2, PT_table_unshare, *link | PTE_W);
    }
    tlb_flush_here(mm, va);
    return true;
}

/* --- small ones become one -------------------------------------------------------------- */

/* The frames of the table that link leads to, each with the reference that its entry was, into
 * pfn[]; the table is gone, and nobody reaches them. */
static void take_out(struct mm *mm, uaddr_t base, pte_t *link, pfn_t *pfn)
{
    pfn_t table = pte_pfn(*link);
    pte_t *first = entries(table), *stop = first + HUGE_FRAMES;
    struct gather g;
    gather_start(&g, mm, PT_munmap);
    for (pte_t *e = first; (e = pt_next_used(e, stop)) < stop;) {
        unsigned n = 0, at = (unsigned)(e - first);
        for (; e + n < stop && e[n]; n++)
            pfn[at + n] = pte_pfn(e[n]);
        pt_clear(mm, base + at * PAGE_SIZE, e, 1, n, PT_munmap);
        mm->pages_mapped -= n;
        mm->pages_anon -= n;
        e += n;
        preempt_work(n * WORK_ENTRY);
    }
    pt_write(mm, base, link, 2, PT_table_unlink, 0);
    gather_table(&g, base, table, 1);
    gather_range(&g, base, base + PT_SPAN);
    gather_flush(&g);
}

int huge_collapse(struct vma *v, uaddr_t base)
{
    struct mm *mm = v->mm;
    pte_t *link = pt_link(mm, base);
    pfn_t reserve, first, list, *old;
    if (!can_have(v, base) || !link)
        return -EINVAL;
    if (*link & PTE_PS)
        return 0;
    if (!pt_link_own(*link) && !share_own(mm, base, link))
        return -ENOMEM;
    list = frame_alloc_zeroed();
    first = list ? alloc(&reserve) : 0;
    if (!first) {
        if (list)
            frame_put(list);
        return -ENOMEM;
    }
    old = frame_va(list);
    take_out(mm, base, link, old);
    for (unsigned i = 0; i < HUGE_FRAMES; i++) {
        if (!old[i])
            continue;
        frame_copy(first + i, old[i]);
        frame_put(old[i]);
        preempt_work(WORK_CLEAR);
    }
    frame_put(list);
    enter(v, base, link, first, PT_mmap); /* nobody faults, and it is not zero */
    return 0;
}

/* --- one becomes a table ----------------------------------------------------------------- */

static inline pte_t copied(pte_t pte) { return (pte & ~PTE_W) | PTE_COW; }

/* What stands in the page's entry, page by page.  counts: the table is a copy, its entries are
 * references of their own; else W is where a frame has no other. */
static void write_out(struct mm *mm, uaddr_t base, pfn_t table, pte_t huge, bool counts)
{
    pte_t some[AT_ONCE], entry = pt_huge_part(huge, 0) | PTE_P | PTE_W;
    for (unsigned at = 0; at < HUGE_FRAMES; at += AT_ONCE) {
        for (unsigned i = 0; i < AT_ONCE; i++, entry += PAGE_SIZE) {
            pfn_t pfn = pte_pfn(entry);
            if (counts)
                frame_get_inline(pfn);
            some[i] = counts || frame_refs(pfn) != 1 ? copied(entry) : entry;
        }
        unsigned n = mutant(MUTANT_split_drops_one) && at > 0 ? AT_ONCE - 1 : AT_ONCE;
        pt_fill(mm, base + at * PAGE_SIZE, entries(table) + at, 1, n, PT_huge_split, some);
        preempt_work(AT_ONCE * WORK_ENTRY);
    }
}

/* No CPU has the page's translation any more; nor one that keeps the root without using it, which
 * may walk the tables by speculation. */
static void invalidate(struct mm *mm, uaddr_t base, pte_t *link)
{
    pt_write(mm, base, link, 2, PT_huge_split, *link & ~(PTE_P | PTE_W));
    if (!mutant(MUTANT_split_no_flush))
        tlb_flush_wish(mm, base, base + PT_SPAN, TLB_TABLES);
}

static void lead_to(struct mm *mm, uaddr_t base, pte_t *link, pfn_t table)
{
    pt_write(mm, base, link, 2, PT_huge_split, pte_make(table, PT_USER_TABLE));
    mm->huge--;
    mm->shared--;
}

static void fill_reserve(struct mm *mm, uaddr_t base, pte_t *link, pfn_t reserve)
{
    pte_t huge = *link;
    bool was_copied = frame_tag(reserve) & TABLE_COPIED;
    trace_table_alloc(mm->id, base, reserve, 1, PT_huge_split);
    invalidate(mm, base, link);
    frame_set_tag(reserve, 0);
    if (was_copied || mutant(MUTANT_split_drops_one))
        write_out(mm, base, reserve, huge, false);
    else
        pt_fill_run(mm, base, entries(reserve), HUGE_FRAMES, PT_huge_split,
                    pt_huge_part(huge, 0) | PTE_W);
    lead_to(mm, base, link, reserve);
    __atomic_fetch_sub(&in_use, 1, __ATOMIC_RELAXED);
    preempt_work(HUGE_FRAMES * WORK_ENTRY / 4);
}

pte_t *huge_split(struct mm *mm, uaddr_t va, pte_t *link)
{
    uaddr_t base = span_start(va);
    pfn_t reserve = huge_or_table(*link), table = reserve;
    if (frame_refs(reserve) == 1) {
        fill_reserve(mm, base, link, reserve);
    } else {
        pte_t huge = *link;
        table = pt_table_new(mm, base, PT_huge_split);
        if (!table)
            return NULL;
        invalidate(mm, base, link);
        write_out(mm, base, table, huge, true);
        frame_mark_tag(reserve, TABLE_COPIED);
        lead_to(mm, base, link, table);
        mm->tables--;
        share_put(mm, base, reserve, PT_huge_split);
    }
    return entries(table) + ((va >> PAGE_SHIFT) & 511);
}

/* --- one goes ------------------------------------------------------------------------------- */

void huge_free(pfn_t reserve)
{
    pfn_t first = page_of(reserve), put[AT_ONCE];
    if (!(frame_tag(reserve) & TABLE_COPIED) || frame_huge_alone(first)) {
        frame_put_huge(first);
    } else {
        for (unsigned at = 0; at < HUGE_FRAMES; at += AT_ONCE) {
            for (unsigned i = 0; i < AT_ONCE; i++)
                put[i] = first + at + i;
            frame_put_all(put, AT_ONCE);
            preempt_work(AT_ONCE * WORK_ENTRY);
        }
    }
    frame_put(reserve);
    __atomic_fetch_sub(&in_use, 1, __ATOMIC_RELAXED);
}

pfn_t huge_get_part(pte_t huge, uaddr_t va)
{
    pfn_t pfn = pte_pfn(pt_huge_part(huge, va));
    frame_mark_tag(huge_or_table(huge), TABLE_COPIED);
    frame_get(pfn);
    return pfn;
}
