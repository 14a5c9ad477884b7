/* madvise.c - what a program says about its memory: advice, locks, seals.
 *
 * A seal (mseal) is a flag of a mapping that nothing takes back but exec and exit.  What would unmap,
 * move, shrink or overwrite a sealed mapping asks mm_cut() first, which says EPERM before anything has
 * changed; mprotect goes mapping by mapping, so what lies before a sealed one is done; and here,
 * advice that would lose what a mapping holds is refused where the program could not have written
 * there anyway: private memory without a file, sealed read-only. */
#include "sys/madvise.h"
#include "arch/preempt.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/notify.h"
#include "fs/pages_io.h"
#include "mm/huge.h"
#include "mm/limits.h"
#include "mm/mark.h"
#include "mm/mm.h"
#include "mm/populate.h"
#include "mm/pt.h"
#include "mm/share.h"
#include "mm/unmap.h"
#include "mm/vma.h"

#include <linux/capability.h>
#include <linux/falloc.h>
#include <linux/mman.h>

/* Newer than some systems' headers. */
#define MADV_GUARD_INSTALL_ 102
#define MADV_GUARD_REMOVE_  103

/* --- advice -------------------------------------------------------------------- */

/* Is it an advice that a Linux without KSM knows?  Most need nothing here. */
static bool known_advice(int advice)
{
    switch (advice) {
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_WILLNEED:
    case MADV_DONTNEED:
    case MADV_DONTNEED_LOCKED:
    case MADV_FREE:
    case MADV_DONTFORK:
    case MADV_DOFORK:
    case MADV_HUGEPAGE:
    case MADV_NOHUGEPAGE:
    case MADV_DONTDUMP:
    case MADV_DODUMP:
    case MADV_WIPEONFORK:
    case MADV_KEEPONFORK:
    case MADV_COLD:
    case MADV_PAGEOUT:
    case MADV_COLLAPSE:
    case MADV_REMOVE:
    case MADV_POPULATE_READ:
    case MADV_POPULATE_WRITE:
    case MADV_GUARD_INSTALL_:
    case MADV_GUARD_REMOVE_: return true;
    }
    return false;
}

static uint32_t with(uint32_t flags, uint32_t off, uint32_t on) { return (flags & ~off) | on; }

static bool loses_contents(int advice)
{
    switch (advice) {
    case MADV_FREE:
    case MADV_DONTNEED:
    case MADV_DONTNEED_LOCKED:
    case MADV_DONTFORK:
    case MADV_WIPEONFORK:
    case MADV_GUARD_INSTALL_: return true;
    }
    return false;
}

/* One VMA that lies in the range as a whole. */
static int advise_vma(struct mm *mm, struct vma *v, int advice)
{
    bool shared_or_file = v->file != NULL || (v->flags & VM_SHARED);
    if (unlikely(v->flags & VM_SEALED) && !v->file && !(v->flags & VM_WRITE) &&
        loses_contents(advice))
        return -EPERM;
    switch (advice) {
    case MADV_FREE: /* may drop the pages at any time: does it now */
        if (shared_or_file)
            return -EINVAL;
        /* fall through */
    case MADV_DONTNEED:
        if (v->flags & VM_LOCKED)
            return -EINVAL;
        /* fall through */
    case MADV_DONTNEED_LOCKED:
        if (share_own_ends(mm, v->start, v->end))
            return -ENOMEM;
        mark_zap(v, v->start, v->end, PT_munmap);
        return 0;
    case MADV_GUARD_INSTALL_:
        return v->flags & VM_LOCKED ? -EINVAL : mark_guards(v, v->start, v->end);
    case MADV_GUARD_REMOVE_: mark_remove_guards(v, v->start, v->end); return 0;
    case MADV_COLD:
    case MADV_PAGEOUT: return v->flags & VM_LOCKED ? -EINVAL : 0;
    case MADV_DONTFORK: vma_set_flags(v, with(v->flags, 0, VM_DONTFORK)); return 0;
    case MADV_DOFORK: vma_set_flags(v, with(v->flags, VM_DONTFORK, 0)); return 0;
    case MADV_HUGEPAGE: vma_set_flags(v, with(v->flags, VM_NOHUGEPAGE, VM_HUGEPAGE)); return 0;
    case MADV_NOHUGEPAGE: vma_set_flags(v, with(v->flags, VM_HUGEPAGE, VM_NOHUGEPAGE)); return 0;
    case MADV_DONTDUMP: vma_set_flags(v, with(v->flags, 0, VM_DONTDUMP)); return 0;
    case MADV_DODUMP:
        if (v->flags & VM_DROPPABLE)
            return -EINVAL;
        vma_set_flags(v, with(v->flags, VM_DONTDUMP, 0));
        return 0;
    case MADV_WIPEONFORK:
        if (shared_or_file)
            return -EINVAL;
        vma_set_flags(v, with(v->flags, 0, VM_WIPEONFORK));
        return 0;
    case MADV_KEEPONFORK:
        if (v->flags & VM_DROPPABLE)
            return -EINVAL;
        vma_set_flags(v, with(v->flags, VM_WIPEONFORK, 0));
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

/* May what v shows of its file be given back? */
static int may_remove(const struct vma *v)
{
    if (v->flags & VM_LOCKED || !v->file)
        return -EINVAL;
    if ((v->flags & (VM_SHARED | VM_READONLY)) != VM_SHARED)
        return -EACCES;
    return S_ISREG(v->file->inode->mode) ? 0 : -ENODEV;
}

/* A hole in the file for the first mapping in [*at, end), and *at is behind that.  The hole takes its pages
 * out of all address spaces, so this one's lock is not held meanwhile. */
static int remove_next(struct mm *mm, uaddr_t *at, uaddr_t end, bool *hole)
{
    mutex_lock(&mm->lock);
    struct vma *v = vma_find(mm, *at);
    uaddr_t start = v && v->start < end ? MAX(v->start, *at) : end;
    int err = start < end ? may_remove(v) : 0;
    struct file *f = !err && start < end ? v->file : NULL;
    uint64_t off = f ? vma_file_page(v, start) << PAGE_SHIFT : 0;
    *hole |= start > *at;
    *at = f ? MIN(v->end, end) : end;
    if (f)
        file_get(f);
    mutex_unlock(&mm->lock);
    if (!f)
        return err;
    err = inode_allocate(f->inode, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, *at - start);
    if (!err)
        notify_file(f, IN_MODIFY);
    file_put(f);
    return err;
}

static int remove_range(struct mm *mm, uaddr_t at, uaddr_t end)
{
    bool hole = false;
    int err = 0;
    while (!err && at < end) {
        err = remove_next(mm, &at, end, &hole);
        preempt_work(WORK_VMA);
    }
    return err ? err : hole ? -ENOMEM : 0;
}

/* Whole huge pages in [start, end), which is v's: all of them, or the last one's error. */
static int collapse_vma(struct vma *v, uaddr_t start, uaddr_t end)
{
    uaddr_t base = (start + PT_SPAN - 1) & ~(PT_SPAN - 1), stop = end & ~(PT_SPAN - 1);
    int err = base > stop ? -EINVAL : 0;
    for (; base < stop && err != -ENOMEM; base += PT_SPAN) {
        int failed = huge_collapse(v, base);
        err = failed ? failed : err;
        preempt_work(WORK_TABLE);
    }
    return err;
}

static int collapse_range(struct mm *mm, uaddr_t at, uaddr_t end)
{
    int hole = 0, err = 0;
    for (struct vma *v = vma_find(mm, at); !err && v && v->start < end; v = vma_next(v)) {
        if (v->start > at)
            hole = -ENOMEM;
        err = collapse_vma(v, MAX(v->start, at), MIN(v->end, end));
        at = v->end;
    }
    if (!err && at < end)
        hole = -ENOMEM;
    return err ? err : hole;
}

static int advise_locked(struct mm *mm, uaddr_t at, size_t bytes, int advice)
{
    switch (advice) {
    case MADV_POPULATE_READ:
    case MADV_POPULATE_WRITE:
        return mm_populate_all(mm, at, at + bytes, advice == MADV_POPULATE_WRITE);
    case MADV_COLLAPSE: return collapse_range(mm, at, at + bytes);
    }
    return for_vmas(mm, at, at + bytes, advise_vma, advice);
}

int madvise_range(struct mm *mm, uaddr_t at, size_t len, int advice)
{
    if (!known_advice(advice) || (at & ~PAGE_MASK))
        return -EINVAL;
    size_t bytes = page_up(len);
    if ((len != 0 && bytes == 0) || at + bytes < at)
        return -EINVAL;
    if (bytes == 0)
        return 0;
    if (!user_range(at, bytes))
        return -ENOMEM;
    if (advice == MADV_REMOVE)
        return remove_range(mm, at, at + bytes);
    mutex_lock(&mm->lock);
    int err = advise_locked(mm, at, bytes, advice);
    mutex_unlock(&mm->lock);
    return err;
}

SYSCALL3(madvise, uaddr_t, at, size_t, len, int, advice)
{
    return madvise_range(current->mm, at, len, advice);
}

/* --- seals, locks ---------------------------------------------------------------- */

static int seal_vma(struct mm *mm, struct vma *v, int unused)
{
    (void)unused;
    vma_set_flags(v, v->flags | VM_SEALED);
    mm->image.sealed = true;
    return 0;
}

SYSCALL3(mseal, uaddr_t, at, size_t, len, uint64_t, flags)
{
    struct mm *mm = current->mm;
    size_t bytes = page_up(len);
    if (flags != 0 || (at & ~PAGE_MASK) || (len != 0 && bytes == 0) || at + bytes < at)
        return -EINVAL;
    if (bytes == 0)
        return 0;
    if (!user_range(at, bytes))
        return -ENOMEM;
    mutex_lock(&mm->lock);
    int err = vma_covers(mm, at, at + bytes) ? for_vmas(mm, at, at + bytes, seal_vma, 0) : -ENOMEM;
    mutex_unlock(&mm->lock);
    return err;
}

enum locking { UNLOCK, LOCK, LOCK_TOUCHED }; /* the last brings no page in */

static int lock_vma(struct mm *mm, struct vma *v, int how)
{
    (void)mm;
    if (!(v->flags & VM_DROPPABLE) && !vma_secret(v))
        vma_set_flags(v, with(v->flags, VM_LOCKED, how == UNLOCK ? 0 : VM_LOCKED));
    return 0;
}

static int lock_range(struct mm *mm, uaddr_t at, size_t bytes, enum locking how)
{
    uint64_t more = bytes >> PAGE_SHIFT;
    if (how != UNLOCK && !mm_may_lock(mm, more - mm_locked_pages(mm, at, at + bytes)))
        return -ENOMEM;
    int err = for_vmas(mm, at, at + bytes, lock_vma, how);
    if (err || how != LOCK)
        return err;
    err = mm_populate(mm, at, at + bytes); /* and locked it stays */
    return err == -EFAULT ? -ENOMEM : err == -ENOMEM ? -EAGAIN : err;
}

static long change_lock(uaddr_t at, size_t len, enum locking how)
{
    struct mm *mm = current->mm;
    size_t bytes = page_up(len + (at & ~PAGE_MASK));
    if (how != UNLOCK && !mm_may_lock_any())
        return -EPERM;
    at = page_down(at);
    if (at + bytes < at)
        return -EINVAL;
    if (bytes == 0)
        return 0; /* as on Linux also where the sum wraps to that */
    if (!user_range(at, bytes))
        return -ENOMEM;
    mutex_lock(&mm->lock);
    int err = lock_range(mm, at, bytes, how);
    mutex_unlock(&mm->lock);
    return err;
}

SYSCALL2(mlock, uaddr_t, at, size_t, len) { return change_lock(at, len, LOCK); }
SYSCALL3(mlock2, uaddr_t, at, size_t, len, int, flags)
{
    if (flags & ~MLOCK_ONFAULT)
        return -EINVAL;
    return change_lock(at, len, flags ? LOCK_TOUCHED : LOCK);
}
SYSCALL2(munlock, uaddr_t, at, size_t, len) { return change_lock(at, len, UNLOCK); }

SYSCALL1(mlockall, int, flags)
{
    struct mm *mm = current->mm;
    if (flags == 0 || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || flags == MCL_ONFAULT)
        return -EINVAL;
    if (!mm_may_lock_any())
        return -EPERM;
    mutex_lock(&mm->lock);
    bool may = !(flags & MCL_CURRENT) || has_cap(CAP_IPC_LOCK) ||
               mm->total_vm <= mm_rlimit_pages(RLIMIT_MEMLOCK);
    if (may)
        mm->lock_future = flags & MCL_FUTURE ? (uint8_t)flags : 0;
    if (may && (flags & MCL_CURRENT)) {
        for_vmas(mm, MMAP_MIN_ADDR, USER_END, lock_vma, LOCK);
        if (!(flags & MCL_ONFAULT)) /* what can be had */
            for (struct vma *v = vma_find(mm, 0); v; v = vma_next(v))
                mm_populate(mm, v->start, v->end);
    }
    mutex_unlock(&mm->lock);
    return may ? 0 : -ENOMEM;
}

SYSCALL0(munlockall)
{
    struct mm *mm = current->mm;
    mutex_lock(&mm->lock);
    mm->lock_future = 0;
    for_vmas(mm, MMAP_MIN_ADDR, USER_END, lock_vma, UNLOCK);
    mutex_unlock(&mm->lock);
    return 0;
}
