/* map.c - mmap, munmap and mprotect on any address space.
 *
 * Each makes its checks, splits VMAs at the ends of its range and allocates what it needs; that is the last that can
 * fail.  Then it changes things.
 *
 * What may be promised is in limits.c. */
#include "mm/map.h"
#include "arch/preempt.h"
#include "arch/uaccess.h"
#include "fs/anon_file.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/pages_io.h"
#include "fs/seal.h"
#include "mm/frame.h"
#include "mm/gather.h"
#include "mm/heap.h"
#include "mm/limits.h"
#include "mm/mark.h"
#include "mm/mm.h"
#include "mm/populate.h"
#include "mm/pt.h"
#include "mm/share.h"
#include "mm/unmap.h"
#include "mm/vdso.h"
#include "mm/vma.h"

#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/stat.h>

#define LOW_2G     0x80000000ull
#define STACK_ROOM (128 * 1024ul) /* below a new image's arguments */
/* All flags that mmap(2) names; MAP_SHARED_VALIDATE refuses others. */
#define KNOWN_FLAGS \
    (MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_DENYWRITE | MAP_EXECUTABLE | \
     MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | \
     MAP_FIXED_NOREPLACE | MAP_32BIT | MAP_ABOVE4G_ | HUGE_SIZES)
#define HUGE_SIZES   (MAP_HUGE_2MB | MAP_HUGE_1GB)
#define MAP_ABOVE4G_ 0x80
#ifndef MAP_DROPPABLE /* newer than some systems' headers */
#define MAP_DROPPABLE 0x08
#endif

static int check_file(const struct file *f, int prot, int flags)
{
    bool writes = (flags & MAP_TYPE) != MAP_PRIVATE && (prot & PROT_WRITE);

    if (f->flags & O_PATH)
        return -EBADF;
    if (!file_readable(f) || (writes && !file_writable(f)))
        return -EACCES;
    if ((prot & PROT_EXEC) && f->path.mnt && (f->path.mnt->flags & MS_NOEXEC))
        return -EPERM;
    if (!f->ops->mmap && !S_ISREG(f->inode->mode))
        return -ENODEV;
    return 0;
}

static int check_kind(const struct file *f, int prot, int flags)
{
    int type = flags & MAP_TYPE;
    if (type == MAP_SHARED_VALIDATE && f) {
        if (flags & ~KNOWN_FLAGS)
            return -EOPNOTSUPP;
    } else if (type == MAP_DROPPABLE && !f) {
        return flags & (MAP_LOCKED | MAP_HUGETLB | MAP_GROWSDOWN) ? -EINVAL : 0;
    } else if (type != MAP_SHARED && type != MAP_PRIVATE) {
        return -EINVAL;
    }
    if ((flags & MAP_GROWSDOWN) && (f || type != MAP_PRIVATE))
        return -EINVAL;
    if (flags & MAP_HUGETLB && f)
        return -EINVAL;
    if (flags & MAP_HUGETLB) { /* there are no reserved huge pages */
        int size = flags & MAP_HUGE_MASK << MAP_HUGE_SHIFT;
        return !size || size == MAP_HUGE_2MB || size == (int)MAP_HUGE_1GB ? -ENOMEM : -EINVAL;
    }
    return f ? check_file(f, prot, flags) : 0;
}

static bool place_free(struct mm *mm, uaddr_t at, size_t len)
{
    struct vma *v = vma_find(mm, at);
    return at >= MMAP_MIN_ADDR && user_range(at, len) &&
           (!v || at + len <= (v->flags & VM_GROWSDOWN ? v->start - STACK_GAP : v->start));
}

/* Where the mapping goes: an address or -errno. */
static long find_place(struct mm *mm, uaddr_t at, size_t len, int flags)
{
    if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
        if (at & ~PAGE_MASK)
            return -EINVAL;
        if (!user_range(at, len))
            return -ENOMEM;
        if (at < MMAP_MIN_ADDR)
            return -EPERM;
        if ((flags & MAP_FIXED_NOREPLACE) && !vma_range_free(mm, at, at + len))
            return -EEXIST;
        return (long)at;
    }
    bool low = flags & MAP_32BIT;
    at = page_up(at);
    if (at && place_free(mm, at, len) && (!low || at + len <= LOW_2G))
        return (long)at;
    at = vma_gap(mm, len, low ? LOW_2G : mm->image.mmap_base);
    bool high = flags & MAP_ABOVE4G_;
    return at && (!low || at + len <= LOW_2G) && (!high || at >> 32) ? (long)at : -ENOMEM;
}

long mm_place(struct mm *mm, uaddr_t at, size_t len) { return find_place(mm, at, len, 0); }

uint32_t max_map_count = 65530;

static uint32_t vma_flags(const struct mm *mm, int prot, int flags)
{
    uint32_t f = (uint32_t)prot & (VM_READ | VM_WRITE | VM_EXEC);
    if ((flags & MAP_TYPE) == MAP_DROPPABLE)
        return f | VM_DROPPABLE | VM_NORESERVE | VM_WIPEONFORK | VM_DONTDUMP;
    f |= (flags & MAP_TYPE) == MAP_PRIVATE ? 0 : VM_SHARED;
    f |= flags & MAP_GROWSDOWN ? VM_GROWSDOWN : 0;
    f |= flags & MAP_NORESERVE ? VM_NORESERVE : 0;
    f |= flags & MAP_LOCKED || mm->lock_future ? VM_LOCKED : 0;
    return f;
}

/* mm->lock held.  Address or -errno. */
static long map_locked(struct mm *mm, uaddr_t at, size_t len, uint32_t vm_flags, int flags,
                       struct file *file, uint64_t off)
{
    uint64_t pages = len >> PAGE_SHIFT;
    uint32_t most = __atomic_load_n(&max_map_count, __ATOMIC_RELAXED);
    if (unlikely(mm->nvmas + 1 >= most) && mm->nvmas + vdso_vmas(mm) > most)
        return -ENOMEM;
    long place = find_place(mm, at, len, flags);
    if (place < 0)
        return place;
    at = (uaddr_t)place;
    if (!mm_may_grow(mm, pages, vm_flags))
        return -ENOMEM;
    if ((vm_flags & VM_LOCKED) && !mm_may_lock(mm, pages))
        return -EAGAIN;
    struct vma *v = vma_alloc(mm, at, at + len, vm_flags);
    if (!v)
        return -ENOMEM;
    v->file = file;
    v->pgoff = file ? off >> PAGE_SHIFT : at >> PAGE_SHIFT;
    int err = file && file->ops->mmap ? file->ops->mmap(file, v) : 0;
    bool over = (flags & MAP_FIXED) && !vma_range_free(mm, at, at + len);
    if (!err && over)
        err = mm_cut(mm, at, at + len);
    if (err) {
        kfree(v);
        return err;
    }
    if (over)
        mm_drop(mm, at, at + len, PT_munmap);
    vma_insert(mm, v);
    vma_merge(mm, at, at + len);
    if ((flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE ||
        ((vm_flags & VM_LOCKED) && !(mm->lock_future & MCL_ONFAULT)))
        mm_populate(mm, at, at + len);
    return place;
}

long mm_map(struct mm *mm, uaddr_t at, size_t len, int prot, int flags, struct file *file,
            uint64_t off)
{
    struct file *backing = file;
    if (len == 0)
        return -EINVAL;
    len = page_up(len);
    if (len == 0 || len > USER_END)
        return -ENOMEM;
    if (file && (off + len < off || (S_ISREG(file->inode->mode) && off + len > FILE_SIZE_MAX)))
        return -EOVERFLOW;
    int err = check_kind(file, prot, flags);
    if (err)
        return err;
    uint32_t vm_flags = vma_flags(mm, prot, flags);
    bool counted = false;
    if (unlikely(!mm_may_be_code(mm, vm_flags, vm_flags)))
        return -EACCES;
    if (file && (vm_flags & VM_SHARED) && file_writable(file)) {
        counted = inode_map_begin(file->inode) == 0; /* until the VMA counts for itself */
        if (!counted && (prot & PROT_WRITE))
            return -EPERM;
        vm_flags |= counted ? 0 : VM_READONLY;
    } else if (file && (vm_flags & VM_SHARED)) {
        vm_flags |= VM_READONLY;
    }
    if (!file && (vm_flags & VM_SHARED)) {
        err = anon_file_create("dev/zero", 0777, len, &backing);
        if (err)
            return err;
        off = 0;
    }
    mutex_lock(&mm->lock);
    long ret = map_locked(mm, at, len, vm_flags, flags, backing, off);
    mutex_unlock(&mm->lock);
    if (counted)
        inode_map_end(file->inode);
    if (backing != file)
        file_put(backing);
    return ret;
}

long mm_unmap(struct mm *mm, uaddr_t at, size_t len)
{
    len = page_up(len); /* 0 for 0, and on overflow */
    if (at & ~PAGE_MASK || len == 0 || !user_range(at, len))
        return -EINVAL;
    mutex_lock(&mm->lock);
    long err = mm_cut(mm, at, at + len);
    if (!err)
        mm_drop(mm, at, at + len, PT_munmap);
    mutex_unlock(&mm->lock);
    return err;
}

/* The entries of a VMA follow its new rights.  W is never given here: a write
 * fault does that, which knows whose the frame is. */
static void protect_entries(struct gather *g, const struct vma *v)
{
    bool any = v->flags & (VM_READ | VM_WRITE | VM_EXEC), exec = v->flags & VM_EXEC;
    pte_t nx = cpu_has.nx ? PTE_NX : 0;
    pte_t on = any ? PTE_P | (exec ? 0 : nx) : 0;
    pte_t off = any ? (exec ? nx : 0) | (v->flags & VM_WRITE ? 0 : PTE_W) : PTE_P | PTE_W;
    if (unlikely(v->flags & VM_MARKED))
        mark_change(g, v, off, on);
    else
        gather_change(g, v->start, v->end, off, on);
}

/* What Linux checks VMA by VMA: 0 or the error. */
static int may_protect(const struct vma *v, uint32_t rights)
{
    if ((rights & VM_WRITE) && (v->flags & VM_READONLY))
        return -EACCES;
    if ((rights & VM_WRITE) && !(v->flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) &&
        !mm_may_be_data(v->mm, vma_pages(v)))
        return -ENOMEM;
    const struct mount *m = v->file ? v->file->path.mnt : NULL;
    if ((rights & VM_EXEC) && ((m && (m->flags & MS_NOEXEC)) || vma_secret(v) ||
                               !mm_may_be_code(v->mm, v->flags, rights)))
        return -EACCES;
    return v->flags & VM_SEALED ? -EPERM : 0; /* the same rights, too */
}

static long protect_locked(struct mm *mm, uaddr_t start, uaddr_t end, uint32_t rights)
{
    const uint32_t mask = VM_READ | VM_WRITE | VM_EXEC;
    struct gather g;
    int err = vma_split_ends(mm, start, end);
    if (!err)
        err = share_own_range(mm, start, end);
    if (err)
        return err;
    gather_start(&g, mm, PT_mprotect);
    uaddr_t at = start;
    struct vma *v = vma_find(mm, start);
    for (; !err && at < end; v = vma_next(v)) {
        if (!v || v->start > at) {
            err = -ENOMEM; /* a hole: what is before it is done */
            break;
        }
        err = may_protect(v, rights);
        if (!err && (v->flags & mask) != rights) {
            vma_set_flags(v, (v->flags & ~(mask | VM_SOFT_CLEAN)) | rights);
            protect_entries(&g, v);
        }
        at = v->end;
        if (preempt_ends(4 * WORK_VMA))
            err = -EINTR;
    }
    gather_flush(&g);
    vma_merge(mm, start, end);
    return err;
}

long mm_protect(struct mm *mm, uaddr_t at, size_t len, int prot)
{
    int grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
    if ((at & ~PAGE_MASK) || grows == (PROT_GROWSDOWN | PROT_GROWSUP))
        return -EINVAL;
    if (len == 0)
        return 0;
    len = page_up(len);
    if (len == 0 || !user_range(at, len))
        return -ENOMEM;
    if (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM | PROT_GROWSDOWN | PROT_GROWSUP))
        return -EINVAL;
    mutex_lock(&mm->lock);
    uaddr_t start = at;
    struct vma *v = vma_find(mm, at);
    long err = 0;
    if (grows & PROT_GROWSUP)
        err = -EINVAL;
    else if (grows && (!v || v->start >= at + len || !(v->flags & VM_GROWSDOWN)))
        err = -EINVAL;
    else if (grows)
        start = v->start;
    if (!err)
        err = protect_locked(mm, start, at + len, (uint32_t)prot & (VM_READ | VM_WRITE | VM_EXEC));
    mutex_unlock(&mm->lock);
    return err;
}

int mm_map_stack(struct mm *mm, uaddr_t top, const pfn_t *pages, unsigned npages, int prot)
{
    uint64_t limit = page_down(current->proc->rlim[RLIMIT_STACK].rlim_cur);
    uint64_t used = npages * PAGE_SIZE, size = MIN(used + STACK_ROOM, limit);
    size = MAX(size, used);
    uint32_t flags = ((uint32_t)prot & 7u) | VM_GROWSDOWN | VM_STACK;
    struct vma *v = vma_alloc(mm, top - size, top, flags);
    int err = 0;
    if (!v)
        return -ENOMEM;
    v->has_anon = true;
    mutex_lock(&mm->lock);
    vma_insert(mm, v);
    pte_t own = PTE_P | PTE_U | PTE_W | PTE_A | PTE_D | PTE_ANON;
    if (!(prot & PROT_EXEC) && cpu_has.nx)
        own |= PTE_NX;
    /* All tables first: then nothing fails any more. */
    for (uaddr_t va = top - used; va < top && !err; va = (va | (PT_SPAN - 1)) + 1)
        err = pt_make(mm, va, PT_exec_map) ? 0 : -ENOMEM;
    for (unsigned i = 0; i < npages && !err;) {
        pte_t entry[32 + VDSO_BYTES / PAGE_SIZE];
        uaddr_t va = top - used + i * PAGE_SIZE;
        pte_t *e = pt_find(mm, va);
        unsigned n = MIN(npages - i, 512 - pt_index(e));
        n = MIN(n, 32u);
        for (unsigned j = 0; j < n; j++)
            entry[j] = pte_make(pages[i + j], own);
        unsigned more = vdso_entries(mm, va + n * PAGE_SIZE, entry + n);
        pt_fill(mm, va, e, 1, n + more, PT_exec_map, entry);
        i += n;
        mm->pages_mapped += more;
    }
    if (!err) {
        mm->pages_mapped += npages;
        mm->pages_anon += npages;
        mm->hiwater_rss = MAX(mm->hiwater_rss, mm->pages_mapped);
    }
    mutex_unlock(&mm->lock);
    return err;
}
