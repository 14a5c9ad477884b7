/* mman.c - the system calls on memory: mapping, the break, what is resident.
 * mmap, munmap and mprotect are mm/map.c's.  mremap(2) is in mremap.c; advice, locks and seals are in
 * madvise.c.  Left out: MAP_HUGETLB, memory policy. */
#include "arch/preempt.h"
#include "arch/uaccess.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/pages_io.h"
#include "mm/frame.h"
#include "mm/gather.h"
#include "mm/heap.h"
#include "mm/limits.h"
#include "mm/map.h"
#include "mm/mm.h"
#include "mm/populate.h"
#include "mm/pt.h"
#include "mm/share.h"
#include "mm/unmap.h"
#include "mm/vma.h"
#include "arch/syscall.h"

#include <linux/personality.h>
#include <linux/mman.h>

static inline int with_exec(int prot)
{
    return unlikely(current->cred.personality & READ_IMPLIES_EXEC) && (prot & PROT_READ)
               ? prot | PROT_EXEC
               : prot;
}

SYSCALL6(mmap, uaddr_t, at, size_t, len, int, prot, int, flags, int, fd, uint64_t, off)
{
    if (off & ~PAGE_MASK)
        return -EINVAL;
    if ((flags & MAP_LOCKED) && !mm_may_lock_any())
        return -EPERM;
    prot = with_exec(prot);
    if (flags & MAP_ANONYMOUS)
        return mm_map(current->mm, at, len, prot, flags, NULL, off);
    WITH_FILE(f, fd);
    if (!f)
        return -EBADF;
    if (unlikely(f->inode->attributes & INODE_APPEND) && file_writable(f) &&
        (flags & MAP_TYPE) != MAP_PRIVATE)
        return -EACCES;
    return mm_map(current->mm, at, len, prot, flags, f, off);
}

SYSCALL3(mprotect, uaddr_t, at, size_t, len, int, prot)
{
    return mm_protect(current->mm, at, len, with_exec(prot));
}

/* The processor's keys are not used, so there is none to be had: EINVAL for who asks first, as Linux says where
 * a processor has none, and ENOSPC from then on, for the children of who asked, too. */
SYSCALL4(pkey_mprotect, uaddr_t, at, size_t, len, int, prot, int, key)
{
    if (key != -1 && !(at & ~PAGE_MASK) && len != 0)
        return -EINVAL;
    return mm_protect(current->mm, at, len, with_exec(prot));
}

SYSCALL2(pkey_alloc, uint64_t, flags, uint64_t, rights)
{
    struct mm *mm = current->mm;

    if (flags != 0 || (rights & ~3ul))
        return -EINVAL;
    return __atomic_exchange_n(&mm->image.key_asked, true, __ATOMIC_RELAXED) ? -ENOSPC : -EINVAL;
}

SYSCALL1(pkey_free, int, key)
{
    (void)key;
    return -EINVAL;
}

/* Is [at, at + len) shared memory of one file, with the same rights?  That file, with a reference. */
static struct file *shared_file(struct mm *mm, uaddr_t at, size_t len, uint32_t *vm_flags)
{
    struct vma *first = vma_find(mm, at), *v = first;
    if (!v || v->start > at || !(v->flags & VM_SHARED))
        return NULL;
    for (; v->end < at + len; preempt_work(200)) {
        struct vma *next = vma_next(v);
        if (!next || next->start != v->end || next->file != v->file || next->flags != v->flags)
            return NULL;
        v = next;
    }
    *vm_flags = first->flags;
    file_get(first->file);
    return first->file;
}

/* As on Linux since 4.0: other pages of the file are mapped over it. */
SYSCALL5(remap_file_pages, uaddr_t, at, size_t, len, int, prot, uint64_t, page, int, flags)
{
    struct mm *mm = current->mm;
    uint32_t vm_flags;
    at &= PAGE_MASK;
    len &= PAGE_MASK;
    if (prot != 0 || at + len <= at || page + (len >> PAGE_SHIFT) < page)
        return -EINVAL;
    mutex_lock(&mm->lock);
    struct file *f = shared_file(mm, at, len, &vm_flags);
    mutex_unlock(&mm->lock);
    if (!f)
        return -EINVAL;
    flags = (flags & MAP_NONBLOCK) | MAP_SHARED | MAP_FIXED | MAP_POPULATE |
            (vm_flags & VM_LOCKED ? MAP_LOCKED : 0);
    prot = vm_flags & (VM_READ | VM_WRITE | VM_EXEC);
    long ret = page > INT64_MAX >> PAGE_SHIFT
                   ? -EOVERFLOW
                   : mm_map(mm, at, len, prot, flags, f, page << PAGE_SHIFT);
    file_put(f);
    return ret < 0 ? ret : 0;
}

SYSCALL2(munmap, uaddr_t, at, size_t, len) { return mm_unmap(current->mm, at, len); }

/* --- brk ----------------------------------------------------------------- */

/* The heap's pages end at `new` instead of `old`. */
static int brk_move(struct mm *mm, uaddr_t old, uaddr_t new)
{
    const uint32_t flags = VM_READ | VM_WRITE | (mm->lock_future ? VM_LOCKED : 0);
    if (new < old) {
        int err = mm_cut(mm, new, old);
        if (!err)
            mm_drop(mm, new, old, PT_brk);
        return err;
    }
    if (new == old)
        return 0;
    struct vma *next = vma_find(mm, old);
    uaddr_t gap = next && (next->flags & VM_GROWSDOWN) ? STACK_GAP + PAGE_SIZE : PAGE_SIZE;
    if (next && next->start < new + gap)
        return -ENOMEM;
    uint64_t more = (new - old) >> PAGE_SHIFT;
    if (!mm_may_grow(mm, more, flags) || ((flags & VM_LOCKED) && !mm_may_lock(mm, more)))
        return -ENOMEM;
    struct vma *v = vma_alloc(mm, old, new, flags);
    if (!v)
        return -ENOMEM;
    vma_insert(mm, v);
    vma_merge(mm, old, new);
    if ((flags & VM_LOCKED) && !(mm->lock_future & MCL_ONFAULT))
        mm_populate(mm, old, new);
    return 0;
}

/* brk(2), the raw call: the break as it is afterwards, moved or not. */
SYSCALL1(brk, uaddr_t, to)
{
    struct mm *mm = current->mm;
    mutex_lock(&mm->lock);
    uint64_t data = mm->image.data_end - mm->image.data_start;
    bool ok = to >= mm->image.brk_start && to < USER_END &&
              to - mm->image.brk_start + data <= current->proc->rlim[RLIMIT_DATA].rlim_cur;
    if (ok && brk_move(mm, page_up(mm->image.brk), page_up(to)) == 0)
        mm->image.brk = to;
    long ret = (long)mm->image.brk;
    mutex_unlock(&mm->lock);
    return ret;
}

/* --- msync, mincore ------------------------------------------------------- */

SYSCALL3(msync, uaddr_t, at, size_t, len, int, flags)
{
    struct mm *mm = current->mm;
    if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || (at & ~PAGE_MASK) ||
        (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
        return -EINVAL;
    size_t bytes = page_up(len);
    if (bytes == 0)
        return 0; /* as on Linux also where it wraps to that */
    if (!user_range(at, bytes))
        return -ENOMEM;
    mutex_lock(&mm->lock); /* the mapping is the file: nothing to write back */
    bool ok = vma_covers(mm, at, at + bytes);
    bool locked = (flags & MS_INVALIDATE) && vma_any(mm, at, at + bytes, VM_LOCKED);
    mutex_unlock(&mm->lock);
    return locked ? -EBUSY : ok ? 0 : -ENOMEM;
}

#define WORK_PAGE 150u /* instructions, about */

/* Residency of up to n pages from at on, into out[]: how many, or -ENOMEM. */
static long resident(struct mm *mm, uaddr_t at, unsigned n, uint8_t *out)
{
    struct vma *v = vma_find(mm, at);
    if (!v || v->start > at)
        return -ENOMEM;
    n = (unsigned)MIN((uint64_t)n, (v->end - at) >> PAGE_SHIFT);
    for (unsigned i = 0; i < n; i++) {
        uaddr_t va = at + i * PAGE_SIZE;
        pte_t entry = pt_entry(mm, va);
        bool there = entry != 0 && !(entry & PTE_MARK);
        pfn_t pfn = 0;
        if (!there && v->file) {
            file_get_pages_present(v->file, vma_file_page(v, va), 1, &pfn);
            if (pfn)
                frame_put(pfn);
        }
        out[i] = there || pfn;
    }
    return n;
}

SYSCALL3(mincore, uaddr_t, at, size_t, len, uaddr_t, vec)
{
    struct mm *mm = current->mm;
    uint8_t part[64];
    if (at & ~PAGE_MASK)
        return -EINVAL;
    size_t bytes = page_up(len);
    if ((len != 0 && bytes == 0) || !user_range(at, bytes))
        return -ENOMEM;
    for (uaddr_t end = at + bytes; at < end;) {
        unsigned n = (unsigned)MIN((end - at) >> PAGE_SHIFT, sizeof part);
        mutex_lock(&mm->lock);
        long got = resident(mm, at, n, part);
        mutex_unlock(&mm->lock);
        if (got < 0)
            return got;
        if (copy_to_user(vec, part, (size_t)got))
            return -EFAULT;
        preempt_work((uint32_t)got * WORK_PAGE);
        vec += (uaddr_t)got;
        at += (uaddr_t)got * PAGE_SIZE;
    }
    return 0;
}
