/* vma.c - VMAs: a red-black tree by address.
 *
 * The truth about an address space.  Every function leaves the tree sorted and
 * without overlaps, and the page counts of the mm (total, data, stack, exec)
 * equal to the sums over the tree: they change only in account().
 *
 * A gap is searched downwards from the top, VMA by VMA, as Linux places mappings.
 * full_from and full_size say what earlier searches found: no room for full_size
 * from there up.  A search goes on there, and what is unmapped further up moves
 * full_from to the top of the hole, so it finds that one first. */
#include "mm/vma.h"
#include "mm/vdso.h"
#include "arch/preempt.h"
#include "mm/heap.h"

#include "arch/uaccess.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "trace/trace.h"

static struct vma *of(struct rb_node *n) { return n ? rb_entry(n, struct vma, node) : NULL; }

struct vma *vma_next(struct vma *v) { return of(rb_next(&v->node)); }
struct vma *vma_prev(struct vma *v) { return of(rb_prev(&v->node)); }

struct vma *vma_find(struct mm *mm, uaddr_t at)
{
    struct vma *best = NULL;
    for (struct rb_node *n = mm->vmas.node; n;) {
        struct vma *v = of(n);
        if (v->end > at) {
            best = v;
            if (v->start <= at)
                break;
            n = n->left;
        } else {
            n = n->right;
        }
    }
    return best;
}

/* Linux's classes: stack; data: private and writable; exec: code. */
static void account(struct mm *mm, uint32_t flags, int64_t pages)
{
    mm->total_vm += (uint64_t)pages;
    mm->hiwater_vm = MAX(mm->hiwater_vm, mm->total_vm);
    if (flags & VM_GROWSDOWN)
        mm->stack_vm += (uint64_t)pages;
    else if ((flags & (VM_WRITE | VM_SHARED)) == VM_WRITE)
        mm->data_vm += (uint64_t)pages;
    else if ((flags & (VM_EXEC | VM_WRITE)) == VM_EXEC)
        mm->exec_vm += (uint64_t)pages;
}

struct vma *vma_alloc(struct mm *mm, uaddr_t start, uaddr_t end, uint32_t flags)
{
    struct vma *v = kzalloc(sizeof *v);
    if (v) {
        v->mm = mm;
        v->start = start;
        v->end = end;
        v->flags = flags;
        list_init(&v->file_link);
    }
    return v;
}

static void tree_insert(struct mm *mm, struct vma *v)
{
    struct rb_node **link = &mm->vmas.node, *parent = NULL;
    while (*link) {
        parent = *link;
        link = v->start < of(parent)->start ? &parent->left : &parent->right;
    }
    rb_insert(&mm->vmas, parent, link, &v->node);
    mm->nvmas++;
}

/* What the trace's reader cannot know from entries alone, and is rare. */
static SLOW_PATH void tell_if_special(const struct vma *v)
{
    uint32_t rights = v->flags & (VM_WRITE | VM_EXEC);
    bool not_forked = v->flags & (VM_DONTFORK | VM_WIPEONFORK);
    if (unlikely(rights == (VM_WRITE | VM_EXEC) || not_forked))
        trace_vma_special(v->mm->id, v->start, v->end, rights | (not_forked ? 8 : 0));
}

static inline void tell_special(const struct vma *v)
{
    if (unlikely(trace_on))
        tell_if_special(v);
}

void vma_insert(struct mm *mm, struct vma *v)
{
    ASSERT_HELD(&mm->lock);
    tree_insert(mm, v);
    account(mm, v->flags, (int64_t)vma_pages(v));
    tell_special(v);
    if (v->file && list_empty(&v->file_link))
        vma_file_link(v, NULL);
}

/* Where the neighbour below v must end. */
static uaddr_t low_side(const struct vma *v)
{
    if (!(v->flags & VM_GROWSDOWN))
        return v->start;
    return v->start > STACK_GAP ? v->start - STACK_GAP : 0;
}

/* There is room now right below `above`; NULL: up to the end. */
static void room_appears(struct mm *mm, const struct vma *above)
{
    uaddr_t top = above ? MIN(low_side(above), mm->image.mmap_base) : mm->image.mmap_base;
    if (mm->full_from && mm->full_from < top)
        mm->full_from = top;
}

void vma_remove(struct mm *mm, struct vma *v)
{
    room_appears(mm, vma_next(v));
    rb_erase(&mm->vmas, &v->node);
    mm->nvmas--;
    account(mm, v->flags, -(int64_t)vma_pages(v));
    if (v->file)
        vma_file_unlink(v);
    kfree(v);
}

void vma_set_flags(struct vma *v, uint32_t flags)
{
    account(v->mm, v->flags, -(int64_t)vma_pages(v));
    v->flags = flags;
    account(v->mm, v->flags, (int64_t)vma_pages(v));
    tell_special(v);
}

void vma_resize(struct vma *v, uaddr_t start, uaddr_t end)
{
    bool below = start > v->start, above = end < v->end;
    if (start < v->start || end > v->end)
        v->flags &= ~VM_SOFT_CLEAN;
    account(v->mm, v->flags, -(int64_t)vma_pages(v));
    v->pgoff += ((int64_t)start - (int64_t)v->start) / (int64_t)PAGE_SIZE;
    v->start = start;
    v->end = end;
    account(v->mm, v->flags, (int64_t)vma_pages(v));
    tell_special(v);
    if (below || above)
        room_appears(v->mm, above ? vma_next(v) : v);
}

static __attribute__((noinline)) int split_at(struct vma *v, uaddr_t at)
{
    struct mm *mm = v->mm;
    struct vma *upper = vma_alloc(mm, at, v->end, v->flags);
    if (!upper)
        return -ENOMEM;
    upper->pgoff = vma_file_page(v, at);
    upper->file = v->file;
    upper->has_anon = v->has_anon;
    if (upper->file)
        vma_file_link(upper, v);
    v->end = at;
    tree_insert(mm, upper);
    return 0;
}

int vma_split(struct mm *mm, uaddr_t at)
{
    ASSERT_HELD(&mm->lock);
    struct vma *v = vma_find(mm, at);
    return v && v->start < at ? split_at(v, at) : 0;
}

int vma_split_ends(struct mm *mm, uaddr_t start, uaddr_t end)
{
    int err = unlikely(vdso_due(mm, start, end)) ? vdso_map(mm) : 0;
    if (!err)
        err = vma_split(mm, start);
    if (!err && (err = vma_split(mm, end)) != 0)
        vma_merge(mm, start, start); /* as it was */
    return err;
}

static bool joinable(const struct vma *a, const struct vma *b)
{
    if (a->end != b->start || ((a->flags ^ b->flags) & ~(VM_SOFT_CLEAN | VM_MARKED)) ||
        a->file != b->file)
        return false;
    return a->file ? a->pgoff + vma_pages(a) == b->pgoff : !(a->flags & VM_GROWSDOWN);
}

void vma_merge(struct mm *mm, uaddr_t start, uaddr_t end)
{
    struct vma *v = vma_find(mm, start > 0 ? start - 1 : 0);
    while (v && v->start <= end) {
        struct vma *next = vma_next(v);
        if (next && joinable(v, next)) {
            uaddr_t new_end = next->end, full_from = mm->full_from;
            uint32_t kept = (v->flags & next->flags & VM_SOFT_CLEAN) | (next->flags & VM_MARKED);
            v->has_anon |= next->has_anon;
            vma_remove(mm, next);
            vma_resize(v, v->start, new_end);
            v->flags |= kept;
            mm->full_from = full_from; /* no room has appeared */
        } else {
            v = next;
        }
        preempt_work(WORK_VMA);
    }
}

bool vma_range_free(struct mm *mm, uaddr_t start, uaddr_t end)
{
    struct vma *v = vma_find(mm, start);
    return (!v || v->start >= end) && !vdso_due(mm, start, end);
}

bool vma_covers(struct mm *mm, uaddr_t start, uaddr_t end)
{
    for (struct vma *v = vma_find(mm, start); start < end; v = vma_next(v)) {
        if (!v || v->start > start)
            return false;
        start = v->end;
        preempt_work(WORK_VMA / 8);
    }
    return true;
}

bool vma_any(struct mm *mm, uaddr_t start, uaddr_t end, uint32_t flags)
{
    bool any = false;
    for (struct vma *v = vma_find(mm, start); v && v->start < end && !any; v = vma_next(v)) {
        any = v->flags & flags;
        preempt_work(WORK_VMA / 8);
    }
    return any;
}

/* The upper end of the highest free range of n bytes below `from`; 0: there is none. */
static uaddr_t gap_below(struct mm *mm, size_t n, uaddr_t from)
{
    struct vma *above = vma_find(mm, from), *v;
    uaddr_t ceiling = above ? MIN(from, low_side(above)) : from;
    for (v = above ? vma_prev(above) : of(rb_last(&mm->vmas));; v = vma_prev(v)) {
        uaddr_t floor = v ? v->end : MMAP_MIN_ADDR;
        if (ceiling >= floor && ceiling - floor >= n)
            return ceiling;
        if (!v)
            return 0;
        ceiling = low_side(v);
        preempt_work(WORK_VMA / 8);
    }
}

uaddr_t vma_gap(struct mm *mm, size_t n, uaddr_t top)
{
    bool usual = top == mm->image.mmap_base, known = usual && mm->full_from && n >= mm->full_size;
    uaddr_t ceiling = gap_below(mm, n, known ? mm->full_from : top);
    if (usual) {
        mm->full_from = ceiling;
        mm->full_size = n;
    }
    if (ceiling)
        return ceiling - n;
    struct vma *v;
    uaddr_t floor = top;
    for (v = vma_find(mm, top);; v = vma_next(v)) {
        preempt_work(WORK_VMA / 8);
        if (v && v->start <= floor) {
            floor = v->end;
            continue;
        }
        ceiling = v ? low_side(v) : USER_END;
        if (ceiling >= floor && ceiling - floor >= n)
            return floor;
        if (!v)
            return 0;
        floor = v->end;
    }
}
