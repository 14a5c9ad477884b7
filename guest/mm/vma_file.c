/* vma_file.c - who maps a file, and what happens to them when it shrinks, or gets a hole.
 *
 * Each VMA of a file hangs in inode->mappings.  Unmapping its pages needs mm->lock of
 * each, which may not be waited for while a spinlock guards the list.  So the
 * whole list is moved aside, and one VMA at a time comes back into the inode's
 * list before its address space is looked at.  A VMA that is made meanwhile as
 * a copy (fork, split) goes in beside the one it copies: if that one is still
 * to be done, so is the copy; if it is done, it had no stale pages to copy. */
#include "arch/preempt.h"
#include "mm/mark.h"
#include "mm/mm.h"
#include "mm/pt.h"
#include "mm/unmap.h"
#include "mm/vma.h"

#include "fs/file.h"
#include "fs/inode.h"
#include "fs/secret.h"

bool vma_secret(const struct vma *v) { return v->file && inode_secret(v->file->inode); }

/* Writes through v, which is shared, go, now or after mprotect(2), to the file. */
static bool may_write_file(const struct vma *v)
{
    return !(v->flags & VM_READONLY) && file_writable(v->file);
}

/* Some files want to know how often they are shared. */
static SLOW_PATH void tell_file(struct file *f, int by)
{
    if (f->ops->mapped)
        f->ops->mapped(f, by);
}

void vma_file_link(struct vma *v, struct vma *sibling)
{
    struct inode *in = v->file->inode;
    file_get(v->file);
    spin_lock(&in->pages_lock);
    list_push_front(sibling ? &sibling->file_link : &in->mappings, &v->file_link);
    if (v->flags & VM_SHARED)
        in->shared_maps += may_write_file(v);
    spin_unlock(&in->pages_lock);
    if (v->flags & VM_SHARED)
        tell_file(v->file, 1);
}

void vma_file_unlink(struct vma *v)
{
    struct inode *in = v->file->inode;
    spin_lock(&in->pages_lock);
    list_remove(&v->file_link);
    if (v->flags & VM_SHARED)
        in->shared_maps -= may_write_file(v);
    spin_unlock(&in->pages_lock);
    if (v->flags & VM_SHARED)
        tell_file(v->file, -1);
    file_put(v->file);
    v->file = NULL;
}

/* The next address space of the list, with a reference; NULL: the list is empty. */
static struct mm *next_mapper(struct inode *in, struct list *todo)
{
    struct mm *mm = NULL;
    spin_lock(&in->pages_lock);
    while (!mm && !list_empty(todo)) {
        struct vma *v = list_first(todo, struct vma, file_link);
        list_remove(&v->file_link);
        list_push_back(&in->mappings, &v->file_link);
        if (mm_get_unless_dead(v->mm))
            mm = v->mm;
    }
    spin_unlock(&in->pages_lock);
    return mm;
}

/* The file's own pages of a private mapping; what was copied by a write stays.  No table of a file's is
 * shared or huge. */
static void zap_uncopied(struct mm *mm, uaddr_t start, uaddr_t end)
{
    pte_t *e;
    for (uaddr_t va = start; (e = pt_next_table(mm, &va, end)) != NULL;) {
        uaddr_t first = va, stop = MIN(end, (va | (PT_SPAN - 1)) + 1);
        while (va < stop && *e && !(*e & (PTE_ANON | PTE_MARK)))
            va += PAGE_SIZE, e++;
        if (va > first)
            mm_zap(mm, first, va, PT_truncate);
        else
            va += PAGE_SIZE;
        preempt_work(WORK_TABLE);
    }
}

static void zap_file(struct mm *mm, struct inode *in, uint64_t from, uint64_t to)
{
    for (struct vma *v = vma_find(mm, 0); v; v = vma_next(v)) {
        preempt_work(WORK_VMA / 4);
        if (!v->file || v->file->inode != in || v->pgoff + vma_pages(v) <= from || v->pgoff >= to)
            continue;
        uaddr_t start = v->pgoff >= from ? v->start : v->start + ((from - v->pgoff) << PAGE_SHIFT);
        uaddr_t end =
            to - v->pgoff >= vma_pages(v) ? v->end : v->start + ((to - v->pgoff) << PAGE_SHIFT);
        if (to == MM_FILE_END || v->flags & VM_SHARED)
            mark_zap(v, start, end, PT_truncate);
        else
            zap_uncopied(mm, start, end);
    }
}

void mm_file_unmap(struct inode *in, uint64_t from, uint64_t to)
{
    struct list todo;
    struct mm *mm;
    list_init(&todo);
    spin_lock(&in->pages_lock);
    list_splice_back(&todo, &in->mappings);
    spin_unlock(&in->pages_lock);
    while ((mm = next_mapper(in, &todo)) != NULL) {
        mutex_lock(&mm->lock);
        zap_file(mm, in, from, to);
        mutex_unlock(&mm->lock);
        mm_put(mm, PT_exit_teardown);
    }
}
