/* fill.c - pages that userfaultfd(2) puts where none is.
 *
 * They come as what mremap moves does: nobody faults for them, and they are not zero.  A page that moves leaves the TLBs
 * before it is anywhere else.  What a write is asked about has PTE_WP and no W; the mark stays when fork copies the
 * entry, and means nothing where the mapping has no VM_ASK_WRITE. */
#include "mm/fill.h"
#include "fs/pages_io.h"
#include "mm/fault.h"
#include "mm/frame.h"
#include "mm/gather.h"
#include "mm/mark.h"
#include "mm/pt.h"
#include "mm/tlb.h"
#include "mm/unmap.h"
#include "mm/vma.h"

bool fill_asks(const struct vma *v, uaddr_t va)
{
    pfn_t pfn;
    if (file_get_page(v->file, vma_file_page(v, va), false, &pfn) != 0)
        return false;
    if (pfn)
        frame_put(pfn);
    return v->flags & (pfn ? VM_ASK_MINOR : VM_ASK_MISSING);
}

/* The place for va's entry: 0 and *e, -EEXIST or -ENOMEM. */
static int place(struct vma *v, uaddr_t va, pte_t **e)
{
    if (pt_entry(v->mm, va))
        return -EEXIST;
    *e = pt_make(v->mm, va, PT_mmap);
    return *e ? 0 : -ENOMEM;
}

static void put(struct vma *v, uaddr_t va, pte_t *e, pte_t entry)
{
    pt_write(v->mm, va, e, 1, PT_mmap, entry);
    mm_count_page(v->mm, entry & PTE_ANON ? PAGE_ANON : PAGE_OF_FILE, 1);
    if (entry & PTE_ANON)
        v->has_anon = true;
}

static pte_t rights(const struct vma *v, bool protect)
{
    return leaf_flags(v) | (protect ? PTE_WP : v->flags & VM_WRITE ? PTE_W | PTE_D : 0);
}

int fill_page(struct vma *v, uaddr_t va, pfn_t pfn, bool protect)
{
    pte_t *e, anon = v->flags & VM_SHARED ? 0 : PTE_ANON;
    int err = place(v, va, &e);
    if (!err && !anon)
        err = file_put_page(v->file, vma_file_page(v, va), pfn);
    if (!err)
        put(v, va, e, pte_make(pfn, rights(v, protect) | anon));
    return err;
}

int fill_from_file(struct vma *v, uaddr_t va)
{
    pfn_t pfn = 0;
    pte_t *e;
    int err = file_get_page(v->file, vma_file_page(v, va), false, &pfn);
    if (err || !pfn)
        return -EFAULT;
    err = place(v, va, &e);
    if (err)
        frame_put(pfn);
    else
        put(v, va, e, pte_make(pfn, v->flags & VM_SHARED ? rights(v, false) : leaf_flags(v)));
    return err;
}

int fill_lost(struct vma *v, uaddr_t va)
{
    pte_t *e;
    int err = place(v, va, &e);
    if (err)
        return err;
    vma_set_flags(v, v->flags | VM_MARKED);
    put(v, va, e, pte_make(0, PTE_MARK | PTE_LOST));
    return 0;
}

int fill_by_move(struct vma *v, uaddr_t va, struct vma *from, uaddr_t src)
{
    struct mm *mm = v->mm;
    pte_t entry = pt_entry(mm, src), *e, *old;
    if (!entry)
        return -ENOENT;
    int err = place(v, va, &e);
    if (err)
        return err;
    old = pt_make(mm, src, PT_mmap); /* of a huge page, or a table that others have */
    if (!old)
        return -ENOMEM;
    entry = *old;
    if (entry & PTE_MARK || frame_refs(pte_pfn(entry)) != 1)
        return -EBUSY;
    pt_write(mm, src, old, 1, PT_munmap, 0);
    tlb_flush(mm, src, src + PAGE_SIZE);
    mm_count_page(mm, PAGE_ANON, -1);
    from->flags &= ~VM_SOFT_CLEAN;
    put(v, va, pt_find(mm, va), pte_make(pte_pfn(entry), rights(v, false) | PTE_ANON));
    return 0;
}

void fill_protect(struct vma *v, uaddr_t start, uaddr_t end, bool protect)
{
    struct gather g;
    gather_start(&g, v->mm, PT_mprotect);
    gather_change(&g, start, end, protect ? PTE_W : PTE_WP, protect ? PTE_WP : 0);
    gather_flush(&g);
}
