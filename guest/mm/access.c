/* access.c - memory of an address space that need not be the current one: the
 * tail of a data segment in exec, another process's arguments in procfs.
 * Pages are faulted in as the program would have it, and reached through the
 * direct map, under mm->lock all the while. */
#include "mm/access.h"
#include "arch/preempt.h"
#include "fs/file.h"
#include "lib/string.h"
#include "mm/fault.h"
#include "mm/frame.h"
#include "mm/mm.h"
#include "mm/pt.h"
#include "mm/vma.h"
#include "trace/trace.h"

/* The page at va in kernel memory, faulted in; NULL and *err. */
static char *page_for(struct mm *mm, uaddr_t va, uint32_t access, int *err)
{
    int code;
    pte_t e = pt_entry(mm, va);
    if (!(e & PTE_P) || ((access & FAULT_WRITE) && !(e & PTE_W))) {
        trace_page_fault(mm->id, va, 0,
                         (access & ~(FAULT_FORCE | FAULT_TAIL)) | (e & PTE_P ? FAULT_PRESENT : 0));
        int ret = mm_fault_locked(mm, va, access, &code);
        if (ret != 0) {
            *err = ret == -ENOMEM ? ret : -EFAULT;
            return NULL;
        }
        e = pt_entry(mm, va);
    }
    return (char *)frame_va(pte_pfn(e)) + (va & (PAGE_SIZE - 1));
}

/* One of to and from is NULL. */
static long transfer(struct mm *mm, uaddr_t at, char *to, const char *from, size_t n,
                     uint32_t force)
{
    size_t done = 0;
    int err = 0;
    mutex_lock(&mm->lock);
    while (done < n) {
        size_t part = MIN(n - done, PAGE_SIZE - ((at + done) & (PAGE_SIZE - 1)));
        const struct vma *v = vma_find(mm, at + done);
        err = v && vma_secret(v) ? -EFAULT : 0;
        char *p =
            err ? NULL : page_for(mm, at + done, (from != NULL ? FAULT_WRITE : 0) | force, &err);
        if (!p)
            break;
        if (from != NULL)
            memcpy(p, from + done, part);
        else
            memcpy(to + done, p, part);
        done += part;
        preempt_work((uint32_t)part / 8 + 100);
    }
    mutex_unlock(&mm->lock);
    return done > 0 ? (long)done : err;
}

long mm_read(struct mm *mm, uaddr_t at, void *buf, size_t n)
{
    return transfer(mm, at, buf, NULL, n, 0);
}

long mm_write(struct mm *mm, uaddr_t at, const void *buf, size_t n)
{
    return transfer(mm, at, NULL, buf, n, 0);
}

long mm_read_any(struct mm *mm, uaddr_t at, void *buf, size_t n)
{
    return transfer(mm, at, buf, NULL, n, FAULT_FORCE);
}

long mm_write_any(struct mm *mm, uaddr_t at, const void *buf, size_t n)
{
    return transfer(mm, at, NULL, buf, n, FAULT_FORCE);
}

int mm_clear_tail(struct mm *mm, uaddr_t at)
{
    int err = 0;
    mutex_lock(&mm->lock);
    bool there = pt_entry(mm, at) != 0;
    char *p = page_for(mm, at, FAULT_WRITE | FAULT_TAIL, &err);
    if (p && there)
        memset(p, 0, PAGE_SIZE - (at & (PAGE_SIZE - 1)));
    preempt_work(PAGE_SIZE / 8 + 100);
    mutex_unlock(&mm->lock);
    return err;
}

struct file *mm_get_exe(struct mm *mm)
{
    mutex_lock(&mm->lock);
    struct file *f = mm->image.exe;
    if (f)
        file_get(f);
    mutex_unlock(&mm->lock);
    return f;
}
