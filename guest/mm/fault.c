/* fault.c - page faults: what a VMA promises becomes an entry.
 *
 *   nothing there, anonymous    a zeroed frame, writable if the VMA is.  Reads get
 *                               one, too: there is no shared page of zeros, so a
 *                               write after a read does not fault again.  Where
 *                               pages are touched in a row, as many more as there
 *                               are before it
 *   nothing there, file         the file's own frame.  Private: read-only; a write
 *                               gets a copy at once.  Shared: W on a write only
 *   there, write, private       COW: the last owner takes the frame over in place,
 *                               anybody else gets a copy
 *   there, write, shared        W
 *
 * A read of a file maps its neighbours with it, as far as they are in the file already: 16 pages aligned, or 64 where
 * they are the root image's.  Those lie one after the other and are not counted, so that an entry costs some five
 * instructions to make and as many to clear, and a fault that is saved some four hundred.  Entries get A (and D with
 * W) when they are made, so that the processor need not write them.
 *
 * The first touch of 2 MiB may bring a huge page (huge.c).  Where it does not, memory that is touched from its
 * beginning on mostly is touched to its end.  So where a huge page could be (a VMA has all of the 2 MiB, and was not
 * told otherwise by MADV_NOHUGEPAGE), a fault maps as many pages as are in use just before it, AHEAD at most: a table
 * of 512 takes 21 faults, at most half of the memory is not asked for, and memory that is touched here and there gets
 * what it touches and no more.  MADV_HUGEPAGE: AHEAD at once.
 *
 * "Used" and "present" differ for pages under PROT_NONE: the entry keeps its frame and has P clear; mprotect sets it
 * again.
 *
 * All under mm->lock: of two threads that fault on one page the second finds the entry there.  An entry that keeps
 * its frame and gets more rights is flushed on this CPU only: on others a stale one faults once more.
 *
 * "Its frame has one reference" decides that a write needs no copy.  That reference is this entry's, so nobody can
 * take another one but through it, under this mm->lock; and who gave theirs back had flushed before (tlb.h).  A
 * file's index has a reference of its own, so a file's page counts two at least.  Two mms that both see 2 both copy,
 * and the second put frees the frame.
 *
 * Memory that a userfaultfd asks about (VM_ASK_*) is not touched here: FAULT_ASK, and whoever took the fault goes
 * there when mm->lock is given back (event/userfaultfd.c).  Entries that are marks are in mark.h.
 *
 * The stack grows to any address within RLIMIT_STACK, unless it came nearer than STACK_GAP to what is below.  As on
 * Linux the stack pointer has no say. */
#include "mm/fault.h"
#include "arch/preempt.h"
#include "arch/uaccess.h"
#include "fs/pages_io.h"
#include "mm/fill.h"
#include "mm/frame.h"
#include "mm/huge.h"
#include "mm/limits.h"
#include "mm/mark.h"
#include "mm/mm.h"
#include "mm/mutant.h"
#include "mm/pt.h"
#include "mm/tlb.h"
#include "mm/unmap.h"
#include "mm/vdso.h"
#include "mm/vma.h"
#include "trace/trace.h"

#define AROUND       16u /* pages; powers of two */
#define IMAGE_AROUND 64u
#define AHEAD        32u

static bool grow_stack(struct mm *mm, struct vma *v, uaddr_t at)
{
    uaddr_t start = page_down(at);
    struct vma *below = vma_prev(v);
    if (start < MMAP_MIN_ADDR || (v->end - start) >> PAGE_SHIFT > mm_rlimit_pages(RLIMIT_STACK))
        return false;
    if (below && !(below->flags & VM_GROWSDOWN) && start < below->end + STACK_GAP)
        return false;
    if (below && start < below->end)
        return false;
    if (!mm_may_grow(mm, (v->start - start) >> PAGE_SHIFT, v->flags))
        return false;
    vma_resize(v, start, v->end);
    return true;
}

static bool is_private(const struct vma *v) { return !(v->flags & VM_SHARED); }

/* The VMA that allows the access, or NULL and the si_code. */
static struct vma *find_allowed(struct mm *mm, uaddr_t at, uint32_t error, int *code)
{
    struct vma *v = at < USER_END ? vma_find(mm, at) : NULL;
    *code = SEGV_MAPERR;
    if (!v && vdso_due(mm, at, at + 1) && vdso_map(mm) == 0)
        v = vma_find(mm, at);
    if (!v || (v->start > at && (!(v->flags & VM_GROWSDOWN) || !grow_stack(mm, v, at))))
        return NULL;
    uint32_t need = error & FAULT_WRITE   ? VM_WRITE
                    : error & FAULT_FETCH ? VM_EXEC
                                          : VM_READ | VM_WRITE | VM_EXEC;
    *code = SEGV_ACCERR;
    if (unlikely(error & FAULT_FORCE) && is_private(v)) {
        need = VM_READ | VM_WRITE | VM_EXEC;
        v->flags &= ~VM_SOFT_CLEAN;
    }
    return v->flags & need ? v : NULL;
}

/* A copy takes the old frame's place, in an address space that other CPUs run, too: one
 * of them could write to the copy while another still reads the old frame by a
 * stale translation, and that is no order of memory that a program may see.  So the
 * copy is read-only, and equal to the old frame, until no CPU knows the old one. */
static SLOW_PATH void replace_readonly(struct mm *mm, uaddr_t va, pte_t *e, enum pt_reason why,
                                       pte_t new)
{
    pt_write(mm, va, e, 1, why, new & ~(PTE_W | PTE_D));
    tlb_flush(mm, va, va + PAGE_SIZE);
}

/* A frame of v's own that replaces the one in *e, if any. */
static void own_page(struct vma *v, uaddr_t va, pte_t *e, pfn_t pfn, enum pt_reason why)
{
    struct mm *mm = v->mm;
    pte_t old = *e, w = v->flags & VM_WRITE ? PTE_W | PTE_D : 0;
    pte_t new = pte_make(pfn, leaf_flags(v) | PTE_ANON | w);
    bool moves = old && pte_pfn(old) != pfn, elsewhere = moves;
    if (moves && unlikely(tlb_others(mm))) {
        replace_readonly(mm, va, e, why, new);
        why = PT_mkwrite;
        elsewhere = false;
    }
    if (w && mutant(MUTANT_writable_exec))
        new &= ~PTE_NX;
    pt_write(mm, va, e, 1, why, new);
    if (old) {
        mm_count_page(mm, old & PTE_ANON ? PAGE_ANON : PAGE_OF_FILE, -1);
        if (moves && mutant(MUTANT_cow_no_flush))
            ;
        else if (elsewhere)
            tlb_flush(mm, va, va + PAGE_SIZE);
        else
            tlb_flush_here(mm, va);
    }
    mm_count_page(mm, PAGE_ANON, 1);
    v->has_anon = true;
    if (moves)
        frame_put(pte_pfn(old));
}

/* For mutants: a byte in the page's end, which programs seldom use. */
static void spoil(pfn_t pfn) { ((uint8_t *)frame_va(pfn))[PAGE_SIZE - 9] ^= 0x10; }

/* A write to a read-only entry, which the VMA allows. */
static int write_fault(struct vma *v, uaddr_t va, pte_t *e, int *code)
{
    pfn_t old = pte_pfn(*e), new;
    if (v->flags & (VM_SHARED | VM_MARKED)) {
        int ret = mark_write(v, va, e, code);
        if (ret != MARK_NONE)
            return ret;
    }
    if (frame_refs(old) == 1) { /* the others have left */
        own_page(v, va, e, old, *e & PTE_COW ? PT_cow_break : PT_mkwrite);
        return 0;
    }
    new = frame_alloc();
    if (!new)
        return -ENOMEM;
    frame_copy(new, old);
    if (mutant(MUTANT_cow_copies_wrong))
        spoil(new);
    own_page(v, va, e, new, PT_cow_break);
    return 0;
}

/* How many pages from va on, whose entry is e and 0; 0: a userfaultfd says. */
static unsigned anon_ahead(const struct vma *v, uaddr_t va, const pte_t *e)
{
    uaddr_t span = va & ~(PT_SPAN - 1);
    unsigned at = pt_index(e), n = 0, most = MIN(AHEAD, 512 - at), free = 1;
    if (v->flags & (VM_NOHUGEPAGE | VM_GROWSDOWN | VM_ASK_MISSING))
        return v->flags & VM_ASK_MISSING ? 0 : 1;
    if (v->start > span || v->end - span < PT_SPAN)
        return 1;
    while (n < most && n < at && *(e - n - 1))
        n++;
    if (v->flags & VM_HUGEPAGE)
        n = most;
    while (free < n && !e[free])
        free++;
    return free;
}

/* As many of them as there is memory for; at least one. */
static int anon_run(struct vma *v, uaddr_t va, pte_t *e, unsigned n)
{
    struct mm *mm = v->mm;
    pte_t entry[AHEAD],
        flags = leaf_flags(v) | PTE_ANON | (v->flags & VM_WRITE ? PTE_W | PTE_D : 0);
    unsigned got = 0;
    for (pfn_t pfn; got < n && (pfn = frame_alloc_zeroed()) != 0; got++)
        entry[got] = pte_make(pfn, flags);
    if (mutant(MUTANT_zeroes_all_but_one) && got > 0)
        spoil(pte_pfn(entry[got - 1]));
    if (got == 0)
        return -ENOMEM;
    pt_fill(mm, va, e, 1, got, PT_demand_zero, entry);
    mm->pages_mapped += got - 1;
    mm->pages_anon += got - 1;
    mm_count_page(mm, PAGE_ANON, 1);
    v->has_anon = true;
    preempt_work(got * WORK_POPULATE);
    return 0;
}

static int anon_fault(struct vma *v, uaddr_t va, pte_t *e)
{
    unsigned n = anon_ahead(v, va, e);
    if (n != 1)
        return n ? anon_run(v, va, e, n) : FAULT_ASK;
    pfn_t pfn = frame_alloc_zeroed();
    if (!pfn)
        return -ENOMEM;
    if (mutant(MUTANT_zeroes_all_but_one))
        spoil(pfn);
    own_page(v, va, e, pfn, PT_demand_zero);
    return 0;
}

/* The pages of v around va: how many, and the first one. */
static unsigned around(const struct vma *v, uaddr_t va, unsigned pages, uaddr_t *start)
{
    uaddr_t first = va & ~(pages * PAGE_SIZE - 1), end = MIN(v->end, first + pages * PAGE_SIZE);
    *start = MAX(v->start, first);
    return (unsigned)((end - *start) >> PAGE_SHIFT);
}

static pte_t read_only_flags(const struct vma *v)
{
    return leaf_flags(v) | (is_private(v) && (v->flags & VM_WRITE) ? PTE_COW : 0);
}

/* Maps what the root image has of the file around va, read-only; true if va is mapped then. */
static bool map_image_around(struct vma *v, uaddr_t va, pte_t *e)
{
    uaddr_t start;
    unsigned n = around(v, va, IMAGE_AROUND, &start), at = (unsigned)((va - start) >> PAGE_SHIFT);
    pte_t *first = e - at, flags = read_only_flags(v);
    pfn_t image;
    unsigned run = file_image_run(v->file, vma_file_page(v, start), n, &image);
    if (at >= run)
        return false;
    for (unsigned i = 0, got; i < run; i += got ? got : 1) {
        got = pt_fill_run(v->mm, start + i * PAGE_SIZE, first + i, run - i, PT_demand_file,
                          pte_make(image + i, flags));
        v->mm->pages_mapped += got;
    }
    mm_count_page(v->mm, PAGE_OF_FILE, 0);
    return true;
}

/* The same for pages that each have a count and a place of their own. */
static bool map_around(struct vma *v, uaddr_t va, pte_t *e)
{
    uaddr_t start;
    unsigned n = around(v, va, AROUND, &start), run;
    pte_t *first = e - ((va - start) >> PAGE_SHIFT), flags = read_only_flags(v), entry[AROUND];
    pfn_t pfn[AROUND];

    file_get_pages_present(v->file, vma_file_page(v, start), n, pfn);
    for (unsigned i = 0; i < n;) {
        const pfn_t *from = pfn + i;
        const pte_t *to = first + i;
        unsigned left = n - i;
        for (run = 0; run < left && from[run] && !to[run]; run++)
            entry[run] = pte_make(from[run], flags);
        if (run > 0) {
            pt_fill(v->mm, start + i * PAGE_SIZE, first + i, 1, run, PT_demand_file, entry);
            i += run;
            v->mm->pages_mapped += run - 1;
            mm_count_page(v->mm, PAGE_OF_FILE, 1);
        } else {
            if (pfn[i])
                frame_put(pfn[i]);
            i++;
        }
    }
    return *e != 0;
}

/* A userfaultfd that does not ask about a page that the file has gets that page alone. */
static int file_fault(struct vma *v, uaddr_t at, pte_t *e, uint32_t error, int *code)
{
    uaddr_t va = page_down(at);
    bool write = error & FAULT_WRITE;
    pfn_t page, copy;
    if (unlikely(v->flags & (VM_ASK_MISSING | VM_ASK_MINOR))) {
        if (fill_asks(v, va))
            return FAULT_ASK;
    } else if (!write && (map_image_around(v, va, e) || map_around(v, va, e))) {
        return 0;
    }
    int err = file_get_page(v->file, vma_file_page(v, va), true, &page);
    if (err == -ENOMEM)
        return err;
    if (err) {
        *code = BUS_ADRERR;
        return SIGBUS;
    }
    if (write && is_private(v)) {
        copy = frame_alloc();
        if (copy) {
            frame_copy_head(copy, page, error & FAULT_TAIL ? at - va : PAGE_SIZE);
            own_page(v, va, e, copy, PT_demand_file);
        }
        frame_put(page);
        return copy ? 0 : -ENOMEM;
    }
    pte_t w = write ? PTE_W | PTE_D : 0;
    pt_write(v->mm, va, e, 1, PT_demand_file, pte_make(page, read_only_flags(v) | w));
    mm_count_page(v->mm, PAGE_OF_FILE, 1);
    return 0;
}

static inline void count_fault(struct mm *mm)
{
    mm->minor_faults++;
    current->minflt++;
}

/* The entry for va where v's address space has no table of its own.  NULL: *result is the fault's. */
static SLOW_PATH pte_t *make_entry(struct vma *v, uaddr_t va, bool write, int *result)
{
    pte_t *link = pt_link(v->mm, va), *e;
    *result = 0;
    if (link ? (*link & PTE_PS) && huge_settle(v->mm, va, link, write) : huge_map(v, va)) {
        count_fault(v->mm);
        return NULL;
    }
    e = pt_make(v->mm, va, v->file ? PT_demand_file : PT_demand_zero);
    if (!e)
        *result = -ENOMEM;
    return e;
}

int mm_fault_locked(struct mm *mm, uaddr_t at, uint32_t error, int *code)
{
    ASSERT_HELD(&mm->lock);
    ASSERT(!(error & FAULT_RSVD)); /* our tables are broken */
    struct vma *v = find_allowed(mm, at, error, code);
    if (!v)
        return SIGSEGV;
    uaddr_t va = page_down(at);
    bool write = error & FAULT_WRITE;
    pte_t *e = pt_own(mm, va);
    if (unlikely(!e) && !(e = make_entry(v, va, write, code)))
        return *code;
    count_fault(mm);
    if (!*e)
        return v->file ? file_fault(v, at, e, error, code) : anon_fault(v, va, e);
    if (write && !(*e & PTE_W))
        return write_fault(v, va, e, code);
    if (unlikely(*e & PTE_MARK))
        return mark_fault(*e, code);
    tlb_flush_here(mm, va); /* somebody else was faster, or only this TLB was stale */
    return 0;
}

int mm_fault(struct mm *mm, uaddr_t at, uint32_t error, int *code)
{
    mutex_lock(&mm->lock);
    int ret = mm_fault_locked(mm, at, error, code);
    mutex_unlock(&mm->lock);
    return ret;
}
