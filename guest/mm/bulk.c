/* bulk.c - copies by hypercall, for hosts that interpret ring 0.
 *
 * There one instruction moves 8 bytes and takes as long as any other, so a page
 * takes half a millisecond, and a hypercall a fraction of that.  The VMM knows
 * no page tables: here the user's pages are looked up as the MMU would do it,
 * with the rights of user mode, and what is not mapped is first touched by the
 * usual copy, whose fault settles it or is the error.  mm->lock is held from the
 * look until the VMM is done, so that the frame is still that page's. */
#include "mm/bulk.h"
#include "arch/uaccess.h"
#include "mm/mm.h"
#include "mm/pt.h"
#include "sched/task.h"

static int usual(uaddr_t at, void *kernel, size_t n, enum bulk what)
{
    switch (what) {
    case BULK_TO_USER: return copy_to_user(at, kernel, n);
    case BULK_FROM_USER: return copy_from_user(kernel, at, n);
    default: return clear_user(at, n);
    }
}

/* Physical address behind at, 0 if user mode could not do that there now. */
static paddr_t user_page(struct mm *mm, uaddr_t at, enum bulk what)
{
    pte_t need = PTE_P | PTE_U | (what == BULK_FROM_USER ? 0 : PTE_W);
    pte_t e = pt_entry(mm, at);

    if ((e & need) != need)
        return 0;
    return ((paddr_t)pte_pfn(e) << PAGE_SHIFT) + (at & (PAGE_SIZE - 1));
}

/* A piece within one page; false: the page is not there. */
static bool by_hypercall(struct mm *mm, uaddr_t at, void *kernel, size_t n, enum bulk what)
{
    mutex_lock(&mm->lock);
    paddr_t page = user_page(mm, at, what);
    if (page != 0) {
        if (what == BULK_TO_USER)
            hypercall(HC_COPY, page, virt_to_phys(kernel), n, 0);
        else if (what == BULK_FROM_USER)
            hypercall(HC_COPY, virt_to_phys(kernel), page, n, 0);
        else
            hypercall(HC_CLEAR, page, n, 0, 0);
    }
    mutex_unlock(&mm->lock);
    return page != 0;
}

int bulk_user(uaddr_t at, void *kernel, size_t n, enum bulk what)
{
    struct mm *mm = current->mm;
    int err = 0;

    if (!user_range(at, n))
        return -EFAULT;
    for (size_t part; n > 0 && err == 0; at += part, kernel = (char *)kernel + part, n -= part) {
        part = MIN(n, PAGE_SIZE - (at & (PAGE_SIZE - 1)));
        if (part >= BULK_MIN) {
            if (by_hypercall(mm, at, kernel, part, what))
                continue;
            err = usual(at, kernel, 1, what);
            if (err == 0 && by_hypercall(mm, at, kernel, part, what))
                continue;
        }
        if (err == 0)
            err = usual(at, kernel, part, what);
    }
    return err;
}

void bulk_copy(void *to, const void *from, size_t n)
{
    hypercall(HC_COPY, virt_to_phys(to), virt_to_phys(from), n, 0);
}
