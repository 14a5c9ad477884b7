/* pagemap.c - /proc/PID/pagemap: what stands behind each page, eight bytes a page, in Linux's bits.
 *
 * The frame numbers are those of the trace.  Who lacks CAP_SYS_ADMIN sees 0 for them. */
#include "arch/preempt.h"
#include "arch/uaccess.h"
#include "fs/uio.h"
#include "mm/frame.h"
#include "mm/huge.h"
#include "mm/mm.h"
#include "mm/pt.h"
#include "mm/refs.h"
#include "mm/vdso.h"
#include "mm/vma.h"
#include "proc/task.h"
#include "procfs/internal.h"
#include <linux/capability.h>

#define PM_SOFT_DIRTY     (1ul << 55)
#define PM_MMAP_EXCLUSIVE (1ul << 56)
#define PM_ASK_WRITE      (1ul << 57) /* a write is for a userfaultfd to decide */
#define PM_GUARD          (1ul << 58)
#define PM_FILE           (1ul << 61) /* of a file, or of shared memory */
#define PM_PRESENT        (1ul << 63)
#define PM_BYTES          sizeof(uint64_t)
#define PAGES_AT_ONCE     32u
#define WORK_PAGE         200u /* instructions, about (arch/preempt.h) */

static uint64_t entry_of(struct mm *mm, uaddr_t va, bool with_frame)
{
    struct vma *v = vma_find(mm, va);
    if (!v || v->start > va)
        return 0;
    pte_t e = pt_entry(mm, va);
    uint64_t dirty = mm_soft_dirty(v, e) ? PM_SOFT_DIRTY : 0;
    if (!(e & PTE_P))
        return dirty | ((e & (PTE_MARK | PTE_LOST)) == PTE_MARK ? PM_GUARD : 0);
    dirty |= e & PTE_WP && v->flags & VM_ASK_WRITE ? PM_ASK_WRITE : 0;
    uint32_t users = frame_refs(huge_or_table(*pt_link(mm, va)));
    return PM_PRESENT | dirty | (e & PTE_ANON ? 0 : PM_FILE) |
           (page_mappings(e, users) == 1 ? PM_MMAP_EXCLUSIVE : 0) | (with_frame ? pte_pfn(e) : 0);
}

/* The position counts bytes of the file, which ends where user memory does. */
long read_pagemap(const struct pfs_node *n, struct uio *u, uint64_t *pos)
{
    uint64_t entry[PAGES_AT_ONCE];
    bool with_frame = has_cap(CAP_SYS_ADMIN);
    long done = 0;
    if (*pos % PM_BYTES != 0 || u->left % PM_BYTES != 0)
        return -EINVAL;
    struct mm *mm = proc_mm(n);
    while (mm && u->left > 0 && *pos / PM_BYTES < USER_END >> PAGE_SHIFT) {
        uaddr_t va = *pos / PM_BYTES << PAGE_SHIFT;
        unsigned many =
            (unsigned)MIN(MIN(u->left / PM_BYTES, PAGES_AT_ONCE), (USER_END - va) >> PAGE_SHIFT);
        mutex_lock(&mm->lock);
        for (unsigned i = 0; i < many; i++)
            entry[i] = entry_of(mm, va + i * PAGE_SIZE, with_frame);
        mutex_unlock(&mm->lock);
        preempt_work(many * WORK_PAGE);
        long put = uio_put(u, entry, many * PM_BYTES);
        if (put <= 0) {
            done = done != 0 ? done : put;
            break;
        }
        *pos += (uint64_t)put;
        done += put;
    }
    if (mm)
        mm_put(mm, PT_exit_teardown);
    return done;
}
