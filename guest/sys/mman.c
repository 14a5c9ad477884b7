/* mman.c - the system calls on memory.
 * mmap, munmap and mprotect are mm/map.c's; here are the calls that only a
 * process makes on its own memory.  Left out: MAP_HUGETLB, memory policy, and of
 * mremap MREMAP_DONTUNMAP and the old size 0, which doubles a shared mapping
 * (-EINVAL). */
#include "arch/preempt.h"
#include "arch/uaccess.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/pages_io.h"
#include "mm/fault.h"
#include "mm/frame.h"
#include "mm/gather.h"
#include "mm/heap.h"
#include "mm/map.h"
#include "mm/mm.h"
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
    prot = with_exec(prot);
    if (flags & MAP_ANONYMOUS)
        return mm_map(current->mm, at, len, prot, flags, NULL, off);
    WITH_FILE(f, fd);
    return f ? mm_map(current->mm, at, len, prot, flags, f, off) : -EBADF;
}

SYSCALL3(mprotect, uaddr_t, at, size_t, len, int, prot)
{
    return mm_protect(current->mm, at, len, with_exec(prot));
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
    if (next && next->start < new + (next->flags & VM_GROWSDOWN ? STACK_GAP : 0))
        return -ENOMEM;
    if (!mm_may_grow(mm, (new - old) >> PAGE_SHIFT, flags))
        return -ENOMEM;
    struct vma *v = vma_alloc(mm, old, new, flags);
    if (!v)
        return -ENOMEM;
    vma_insert(mm, v);
    vma_merge(mm, old, new);
    if (flags & VM_LOCKED)
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

/* --- mremap -------------------------------------------------------------- */

#define WORK_LOOK 60u /* instructions a page, about: to find its entry, and to move it */
#define WORK_MOVE 150u

/* Moves the entries of [from, from + len) to `to`.  The tables at `to` are made
 * first; after that nothing can fail. */
static int move_entries(struct mm *mm, uaddr_t from, uaddr_t to, size_t len)
{
    struct gather g;
    pte_t *e;
    for (uaddr_t va = from; pt_next_link(mm, &va, from + len); va = (va | (PT_SPAN - 1)) + 1) {
        uaddr_t first = to + (va - from);
        uaddr_t last = first + MIN(PT_SPAN - (va & (PT_SPAN - 1)), from + len - va) - 1;
        if (!pt_make(mm, va, PT_mmap) || !pt_make(mm, first, PT_mmap) ||
            !pt_make(mm, last, PT_mmap)) {
            mm_zap(mm, to, to + len, PT_mmap); /* there are only empty tables */
            return -ENOMEM;
        }
        preempt_work(4 * WORK_TABLE);
    }
    gather_start(&g, mm, PT_munmap);
    for (uaddr_t va = from; (e = pt_next_table(mm, &va, from + len)) != NULL; va += PAGE_SIZE) {
        preempt_work(WORK_LOOK);
        if (!*e)
            continue;
        pte_t entry = *e;
        uaddr_t at = to + (va - from);
        pt_write(mm, va, e, 1, PT_munmap, 0);
        gather_range(&g, va, va + PAGE_SIZE);
        pt_write(mm, at, pt_find(mm, at), 1, PT_mmap, entry);
        preempt_work(WORK_MOVE);
    }
    gather_flush(&g);
    return 0;
}

/* v, which is the whole mapping, goes to [to, to + new_len). */
static long move_vma(struct mm *mm, struct vma *v, uaddr_t to, size_t new_len)
{
    size_t old_len = v->end - v->start;
    uaddr_t from = v->start;
    struct vma *moved = vma_alloc(mm, to, to + new_len, v->flags);
    if (!moved)
        return -ENOMEM;
    moved->pgoff = v->pgoff;
    moved->file = v->file;
    moved->has_anon = v->has_anon;
    int err = move_entries(mm, from, to, MIN(old_len, new_len));
    if (err) {
        kfree(moved);
        return err;
    }
    if (moved->file)
        vma_file_link(moved, v);
    mm_drop(mm, from, from + old_len, PT_munmap);
    vma_insert(mm, moved);
    vma_merge(mm, to, to + new_len);
    return (long)to;
}

static long remap_to(struct mm *mm, uaddr_t old, size_t old_len, size_t new_len, int flags,
                     uaddr_t to)
{
    if (flags & MREMAP_FIXED) {
        if ((to & ~PAGE_MASK) || !user_range(to, new_len))
            return -EINVAL;
        if (to < old + old_len && old < to + new_len)
            return -EINVAL;
        if (to < MMAP_MIN_ADDR)
            return -EPERM;
        int err = mm_cut(mm, to, to + new_len);
        if (err)
            return err;
        mm_drop(mm, to, to + new_len, PT_munmap);
    } else {
        to = vma_gap(mm, new_len, mm->image.mmap_base);
        if (!to)
            return -ENOMEM;
    }
    int err = vma_split_ends(mm, old, old + old_len);
    if (err)
        return err;
    long ret = move_vma(mm, vma_find(mm, old), to, new_len);
    if (ret < 0)
        vma_merge(mm, old, old + old_len); /* as it was */
    return ret;
}

/* What is behind the new end goes, whatever and how many mappings it is: old, or -ENOMEM. */
static long drop_tail(struct mm *mm, uaddr_t old, size_t old_len, size_t new_len)
{
    int err = mm_cut(mm, old + new_len, old + old_len);
    if (err)
        return err;
    mm_drop(mm, old + new_len, old + old_len, PT_munmap);
    return (long)old;
}

static long remap_locked(struct mm *mm, uaddr_t old, size_t old_len, size_t new_len, int flags,
                         uaddr_t to)
{
    struct vma *v = vma_find(mm, old);
    if (!v || v->start > old)
        return -EFAULT;
    if (new_len <= old_len && !(flags & MREMAP_FIXED))
        return new_len < old_len ? drop_tail(mm, old, old_len, new_len) : (long)old;
    if (v->end - old < MIN(old_len, new_len)) /* what is moved is of one mapping */
        return -EFAULT;
    if (new_len < old_len) {
        long err = drop_tail(mm, old, old_len, new_len);
        if (err < 0)
            return err;
        old_len = new_len;
    }
    uint32_t locked = v->flags & VM_LOCKED;
    if (new_len > old_len && !mm_may_grow(mm, (new_len - old_len) >> PAGE_SHIFT, v->flags))
        return -ENOMEM;
    long ret = (long)old;
    if (!(flags & MREMAP_FIXED) && v->end == old + old_len && user_range(old, new_len) &&
        vma_range_free(mm, v->end, old + new_len)) {
        vma_resize(v, v->start, old + new_len);
        vma_merge(mm, old, old + new_len);
    } else if (flags & MREMAP_MAYMOVE) {
        ret = remap_to(mm, old, old_len, new_len, flags, to);
    } else {
        ret = -ENOMEM;
    }
    if (ret > 0 && locked)
        mm_populate(mm, (uaddr_t)ret, (uaddr_t)ret + new_len);
    return ret;
}

SYSCALL5(mremap, uaddr_t, old, size_t, old_len, size_t, new_len, int, flags, uaddr_t, to)
{
    struct mm *mm = current->mm;
    if (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED))
        return -EINVAL;
    if ((flags & MREMAP_FIXED) && !(flags & MREMAP_MAYMOVE))
        return -EINVAL;
    old_len = page_up(old_len);
    new_len = page_up(new_len);
    if ((old & ~PAGE_MASK) || new_len == 0 || new_len > USER_END || !user_range(old, old_len))
        return -EINVAL;
    if (old_len == 0)
        return -EINVAL; /* doubling a shared mapping */
    mutex_lock(&mm->lock);
    long ret = remap_locked(mm, old, old_len, new_len, flags, to);
    mutex_unlock(&mm->lock);
    return ret;
}

/* --- walks over whole ranges --------------------------------------------- */

/* Is every page of [start, end) mapped?  mm->lock held. */
static bool all_mapped(struct mm *mm, uaddr_t start, uaddr_t end)
{
    for (struct vma *v = vma_find(mm, start); start < end; v = vma_next(v)) {
        if (!v || v->start > start)
            return false;
        start = v->end;
        preempt_work(WORK_VMA / 8);
    }
    return true;
}

static bool some_locked(struct mm *mm, uaddr_t start, uaddr_t end)
{
    bool locked = false;
    for (struct vma *v = vma_find(mm, start); v && v->start < end && !locked; v = vma_next(v)) {
        locked = v->flags & VM_LOCKED;
        preempt_work(WORK_VMA / 8);
    }
    return locked;
}

SYSCALL3(msync, uaddr_t, at, size_t, len, int, flags)
{
    struct mm *mm = current->mm;
    if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || (at & ~PAGE_MASK) ||
        (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
        return -EINVAL;
    size_t bytes = page_up(len);
    if (len != 0 && (bytes == 0 || !user_range(at, bytes)))
        return -ENOMEM;
    mutex_lock(&mm->lock); /* the mapping is the file: nothing to write back */
    bool ok = all_mapped(mm, at, at + bytes);
    bool locked = (flags & MS_INVALIDATE) && some_locked(mm, at, at + bytes);
    mutex_unlock(&mm->lock);
    return locked ? -EBUSY : ok ? 0 : -ENOMEM;
}

/* Residency of up to n pages from at on, into out[]: how many, or -ENOMEM. */
static long resident(struct mm *mm, uaddr_t at, unsigned n, uint8_t *out)
{
    struct vma *v = vma_find(mm, at);
    if (!v || v->start > at)
        return -ENOMEM;
    n = (unsigned)MIN((uint64_t)n, (v->end - at) >> PAGE_SHIFT);
    for (unsigned i = 0; i < n; i++) {
        uaddr_t va = at + i * PAGE_SIZE;
        bool there = pt_entry(mm, va) != 0;
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
        preempt_work((uint32_t)got * WORK_MOVE);
        vec += (uaddr_t)got;
        at += (uaddr_t)got * PAGE_SIZE;
    }
    return 0;
}

/* --- madvise, mlock ------------------------------------------------------ */

/* Is it an advice that Linux knows?  Most need nothing here. */
static bool known_advice(int advice)
{
    switch (advice) {
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_WILLNEED:
    case MADV_DONTNEED:
    case MADV_FREE:
    case MADV_DONTFORK:
    case MADV_DOFORK:
    case MADV_HUGEPAGE:
    case MADV_NOHUGEPAGE:
    case MADV_MERGEABLE:
    case MADV_UNMERGEABLE:
    case MADV_DONTDUMP:
    case MADV_DODUMP:
    case MADV_WIPEONFORK:
    case MADV_KEEPONFORK:
    case MADV_COLD:
    case MADV_PAGEOUT:
    case MADV_POPULATE_READ:
    case MADV_POPULATE_WRITE: return true;
    }
    return false;
}

static uint32_t with(uint32_t flags, uint32_t off, uint32_t on) { return (flags & ~off) | on; }

/* One VMA that lies in the range as a whole. */
static int advise_vma(struct mm *mm, struct vma *v, int advice)
{
    bool shared_or_file = v->file != NULL || (v->flags & VM_SHARED);
    switch (advice) {
    case MADV_FREE: /* may drop the pages at any time: does it now */
        if (shared_or_file)
            return -EINVAL;
        /* fall through */
    case MADV_DONTNEED:
        if (v->flags & VM_LOCKED)
            return -EINVAL;
        if (share_own_ends(mm, v->start, v->end))
            return -ENOMEM;
        mm_zap(mm, v->start, v->end, PT_munmap);
        return 0;
    case MADV_DONTFORK: vma_set_flags(v, with(v->flags, 0, VM_DONTFORK)); return 0;
    case MADV_DOFORK: vma_set_flags(v, with(v->flags, VM_DONTFORK, 0)); return 0;
    case MADV_HUGEPAGE: vma_set_flags(v, with(v->flags, VM_NOHUGEPAGE, VM_HUGEPAGE)); return 0;
    case MADV_NOHUGEPAGE: vma_set_flags(v, with(v->flags, VM_HUGEPAGE, VM_NOHUGEPAGE)); return 0;
    case MADV_DONTDUMP: vma_set_flags(v, with(v->flags, 0, VM_DONTDUMP)); return 0;
    case MADV_DODUMP: vma_set_flags(v, with(v->flags, VM_DONTDUMP, 0)); return 0;
    case MADV_WIPEONFORK:
        if (shared_or_file)
            return -EINVAL;
        vma_set_flags(v, with(v->flags, 0, VM_WIPEONFORK));
        return 0;
    case MADV_KEEPONFORK: vma_set_flags(v, with(v->flags, VM_WIPEONFORK, 0)); return 0;
    case MADV_POPULATE_READ:
    case MADV_POPULATE_WRITE:
        if (!(v->flags & (advice == MADV_POPULATE_WRITE ? VM_WRITE : VM_READ)))
            return -EINVAL;
        mm_populate(mm, v->start, v->end);
        return 0;
    }
    return 0;
}

/* Applies fn to the VMAs of a range, split at its ends.  Holes are skipped, and
 * make it -ENOMEM. */
static int for_vmas(struct mm *mm, uaddr_t start, uaddr_t end,
                    int (*fn)(struct mm *, struct vma *, int), int arg)
{
    int hole = 0, err = vma_split_ends(mm, start, end);
    uaddr_t at = start;
    for (struct vma *v = vma_find(mm, start); !err && v && v->start < end; v = vma_next(v)) {
        if (v->start > at)
            hole = -ENOMEM;
        err = fn(mm, v, arg);
        at = v->end;
        preempt_work(WORK_VMA / 2);
    }
    vma_merge(mm, start, end);
    if (!err && at < end)
        hole = -ENOMEM;
    return err ? err : hole;
}

SYSCALL3(madvise, uaddr_t, at, size_t, len, int, advice)
{
    struct mm *mm = current->mm;
    if (!known_advice(advice) || (at & ~PAGE_MASK))
        return -EINVAL;
    size_t bytes = page_up(len);
    if ((len != 0 && bytes == 0) || at + bytes < at)
        return -EINVAL;
    if (bytes == 0)
        return 0;
    if (!user_range(at, bytes))
        return -ENOMEM;
    mutex_lock(&mm->lock);
    int err = for_vmas(mm, at, at + bytes, advise_vma, advice);
    mutex_unlock(&mm->lock);
    return err;
}

static int lock_vma(struct mm *mm, struct vma *v, int lock)
{
    vma_set_flags(v, with(v->flags, lock ? 0 : VM_LOCKED, lock ? VM_LOCKED : 0));
    if (lock)
        mm_populate(mm, v->start, v->end);
    return 0;
}

/* Would `more` locked pages be within RLIMIT_MEMLOCK?  0, -EPERM or -ENOMEM. */
static int may_lock(struct mm *mm, uint64_t more)
{
    uint64_t limit = mm_rlimit_pages(RLIMIT_MEMLOCK);
    if (has_cap(CAP_IPC_LOCK))
        return 0;
    if (limit == 0)
        return -EPERM;
    for (struct vma *v = vma_find(mm, 0); v; v = vma_next(v)) {
        more += v->flags & VM_LOCKED ? vma_pages(v) : 0;
        preempt_work(WORK_VMA / 8);
    }
    return more <= limit ? 0 : -ENOMEM;
}

enum locking { UNLOCK, LOCK };

static long change_lock(uaddr_t at, size_t len, enum locking how)
{
    struct mm *mm = current->mm;
    size_t bytes = page_up(len + (at & ~PAGE_MASK));
    at = page_down(at);
    if (bytes < len || !user_range(at, bytes))
        return len ? -ENOMEM : 0;
    mutex_lock(&mm->lock);
    int err = how == LOCK ? may_lock(mm, bytes >> PAGE_SHIFT) : 0;
    if (!err && bytes > 0)
        err = for_vmas(mm, at, at + bytes, lock_vma, how);
    mutex_unlock(&mm->lock);
    return err;
}

SYSCALL2(mlock, uaddr_t, at, size_t, len) { return change_lock(at, len, LOCK); }
SYSCALL2(munlock, uaddr_t, at, size_t, len) { return change_lock(at, len, UNLOCK); }

SYSCALL1(mlockall, int, flags)
{
    struct mm *mm = current->mm;
    if (flags == 0 || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || flags == MCL_ONFAULT)
        return -EINVAL;
    mutex_lock(&mm->lock);
    int err = may_lock(mm, flags & MCL_CURRENT ? mm->total_vm : 0);
    if (!err) {
        mm->lock_future = flags & MCL_FUTURE;
        if (flags & MCL_CURRENT)
            for_vmas(mm, MMAP_MIN_ADDR, USER_END, lock_vma, LOCK);
    }
    mutex_unlock(&mm->lock);
    return err;
}

SYSCALL0(munlockall)
{
    struct mm *mm = current->mm;
    mutex_lock(&mm->lock);
    mm->lock_future = false;
    for_vmas(mm, MMAP_MIN_ADDR, USER_END, lock_vma, UNLOCK);
    mutex_unlock(&mm->lock);
    return 0;
}
