/* mremap.c - mremap(2): a mapping gets another size, another place, or both.
 *
 * Moved are the entries, never the bytes: tables for the new place are made first, then each
 * entry goes over, and the old place is flushed before anybody may use it for anything else.  Shared
 * tables and huge pages become tables of mm's own before that (pt_make), as an entry is taken out of
 * the middle of them.  An entry keeps its frame and its W: the new place has the rights of the old.
 *
 *   MREMAP_FIXED       what is at the new place goes first, and stays gone if the rest then fails
 *   MREMAP_DONTUNMAP   the old mapping stays, with nothing in it: its pages are zero again, or the
 *                      file's
 *   old size 0         a shared mapping gets a second one beside it; nothing moves
 *   same size, fixed   several mappings move, as far from each other as they were.  One after the
 *                      other: what fails leaves the first ones where they went, as on Linux */
#include "arch/preempt.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "mm/gather.h"
#include "mm/heap.h"
#include "mm/limits.h"
#include "mm/map.h"
#include "mm/mm.h"
#include "mm/populate.h"
#include "mm/pt.h"
#include "mm/unmap.h"
#include "mm/vma.h"

#include <linux/mman.h>

#define WORK_LOOK 60u /* instructions a page, about: to find its entry, and to move it */
#define WORK_MOVE 150u

struct remap {
    struct mm *mm;
    uaddr_t old, to; /* to: with PLACED; without MREMAP_FIXED, where it would be liked */
    size_t old_len, new_len;
    int flags;
};
#define PLACED (MREMAP_FIXED | MREMAP_DONTUNMAP) /* it goes to another place, whatever its size */

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

/* The old mapping stays, and has no page.  Its tables go: they are empty, and mm's own. */
static void leave_empty(struct mm *mm, struct vma *v)
{
    mm_zap(mm, v->start, v->end, PT_munmap);
    vma_set_flags(v, v->flags & ~VM_LOCKED);
    v->has_anon = false;
}

/* v, which is the whole mapping, goes to [to, to + new_len); or, where r->old_len is 0, is
 * shown there, too, from r->old on. */
static long move_vma(const struct remap *r, struct vma *v, uaddr_t to)
{
    struct mm *mm = r->mm;
    struct vma *moved =
        vma_alloc(mm, to, to + r->new_len, v->flags & ~(VM_SOFT_CLEAN | VM_ASK_ALL));
    if (!moved)
        return -ENOMEM;
    moved->pgoff = vma_file_page(v, r->old);
    moved->file = v->file;
    moved->has_anon = v->has_anon;
    int err = move_entries(mm, r->old, to, MIN(r->old_len, r->new_len));
    if (err) {
        kfree(moved);
        return err;
    }
    if (moved->file)
        vma_file_link(moved, v);
    if (r->flags & MREMAP_DONTUNMAP)
        leave_empty(mm, v);
    else if (r->old_len != 0)
        mm_drop(mm, r->old, r->old + r->old_len, PT_munmap);
    vma_insert(mm, moved);
    vma_merge(mm, r->old, r->old + r->old_len);
    vma_merge(mm, to, to + r->new_len);
    return (long)to;
}

/* What is behind the new end goes, whatever and how many mappings it is.  0 or -errno. */
static long drop_tail(const struct remap *r)
{
    uaddr_t from = r->old + r->new_len, end = r->old + r->old_len;
    int err = mm_cut(r->mm, from, end);
    if (!err)
        mm_drop(r->mm, from, end, PT_munmap);
    return err;
}

static struct vma *find_old(const struct remap *r)
{
    struct vma *v = vma_find(r->mm, r->old);
    return v && v->start <= r->old ? v : NULL;
}

/* The new place is made free.  *v may have been split by that, or be gone. */
static long clear_place(const struct remap *r, struct vma **v)
{
    int err = mm_cut(r->mm, r->to, r->to + r->new_len);
    if (err)
        return err;
    mm_drop(r->mm, r->to, r->to + r->new_len, PT_munmap);
    *v = find_old(r);
    return *v ? 0 : -EFAULT;
}

static long remap_to(struct remap *r, struct vma *v)
{
    struct mm *mm = r->mm;
    if (mm->nvmas + 5 >= max_map_count) /* they may become so many more */
        return -ENOMEM;
    long err = r->flags & MREMAP_FIXED ? clear_place(r, &v) : 0;
    if (!err && r->new_len < r->old_len) {
        err = drop_tail(r);
        r->old_len = r->new_len;
    }
    if (!err && (r->flags & MREMAP_DONTUNMAP) &&
        !mm_may_grow(mm, r->new_len >> PAGE_SHIFT, v->flags))
        err = -ENOMEM;
    if (err)
        return err;
    long to = (long)r->to;
    if (!(r->flags & MREMAP_FIXED))
        to = mm_place(mm, r->flags & PLACED ? r->to : 0, r->new_len);
    if (to < 0)
        return to;
    uaddr_t end = r->old + r->old_len;
    err = r->old_len ? vma_split_ends(mm, r->old, end) : 0;
    if (err)
        return err;
    long ret = move_vma(r, find_old(r), (uaddr_t)to);
    if (ret < 0)
        vma_merge(mm, r->old, end); /* as it was */
    return ret;
}

/* Is there room behind v, at whose end r's old part ends? */
static bool can_stay(const struct remap *r, const struct vma *v)
{
    uaddr_t end = r->old + r->new_len;
    return !(r->flags & PLACED) && v->end == r->old + r->old_len &&
           user_range(r->old, r->new_len) && vma_range_free(r->mm, v->end, end);
}

/* May v, of which r->old is a part, move or grow as r says?  0 or -errno. */
static long may_move(const struct remap *r, const struct vma *v)
{
    if (r->old_len == 0 && !(v->flags & VM_SHARED))
        return -EINVAL; /* private memory has no second place */
    if (v->end - r->old < MIN(r->old_len, r->new_len))
        return -EFAULT;
    if (r->new_len <= r->old_len)
        return 0;
    uint64_t more = (r->new_len - r->old_len) >> PAGE_SHIFT;
    if ((v->flags & VM_LOCKED) && !mm_may_lock(r->mm, more))
        return -EAGAIN;
    return mm_may_grow(r->mm, more, v->flags) ? 0 : -ENOMEM;
}

static long remap_one(struct remap *r)
{
    struct mm *mm = r->mm;
    struct vma *v = find_old(r);
    if (!v)
        return -EFAULT;
    if (v->flags & VM_SEALED)
        return -EPERM;
    if (r->new_len <= r->old_len && !(r->flags & PLACED)) {
        long err = r->new_len < r->old_len ? drop_tail(r) : 0;
        return err ? err : (long)r->old;
    }
    long ret = may_move(r, v);
    bool locked = v->flags & VM_LOCKED;
    if (ret)
        return ret;
    if (can_stay(r, v)) {
        vma_resize(v, v->start, r->old + r->new_len);
        vma_merge(mm, r->old, r->old + r->new_len);
        ret = (long)r->old;
    } else {
        ret = r->flags & MREMAP_MAYMOVE ? remap_to(r, v) : -ENOMEM;
    }
    if (ret > 0 && locked)
        mm_populate(mm, (uaddr_t)ret, (uaddr_t)ret + r->new_len);
    return ret;
}

/* All that is in the range goes to its new place with MREMAP_FIXED, mapping by mapping. */
static long remap_several(const struct remap *all)
{
    uaddr_t at = all->old, end = all->old + all->old_len;
    long ret = -EFAULT;
    for (struct vma *v = find_old(all); v && MAX(v->start, at) < end; v = vma_find(all->mm, at)) {
        struct remap one = *all;
        one.old = MAX(v->start, at);
        one.old_len = one.new_len = MIN(v->end, end) - one.old;
        one.to = all->to + (one.old - all->old);
        at = one.old + one.old_len;
        long moved = remap_one(&one);
        if (moved < 0)
            return moved;
        ret = (long)all->to;
        preempt_work(4 * WORK_VMA);
    }
    return ret;
}

static long check(const struct remap *r)
{
    if (r->flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
        return -EINVAL;
    if ((r->old & ~PAGE_MASK) || r->new_len == 0 || r->new_len > USER_END)
        return -EINVAL;
    if (!(r->flags & PLACED))
        return 0;
    if ((r->to & ~PAGE_MASK) || r->to > USER_END - r->new_len || !(r->flags & MREMAP_MAYMOVE))
        return -EINVAL;
    if ((r->flags & MREMAP_DONTUNMAP) && r->old_len != r->new_len)
        return -EINVAL;
    if (r->to < r->old + r->old_len && r->old < r->to + r->new_len)
        return -EINVAL;
    return (r->flags & MREMAP_FIXED) && r->to < MMAP_MIN_ADDR ? -EPERM : 0;
}

SYSCALL5(mremap, uaddr_t, old, size_t, old_len, size_t, new_len, int, flags, uaddr_t, to)
{
    struct mm *mm = current->mm;
    struct remap r = { mm, old, to, page_up(old_len), page_up(new_len), flags };
    long ret = check(&r);
    if (!ret && !user_range(old, r.old_len))
        ret = -EFAULT;
    if (ret)
        return ret;
    mutex_lock(&mm->lock);
    ret = (flags & MREMAP_FIXED) && r.old_len == r.new_len ? remap_several(&r) : remap_one(&r);
    mutex_unlock(&mm->lock);
    return ret;
}
