/* map_query.c - PROCMAP_QUERY (Linux 6.11): one mapping of /proc/PID/maps, asked for by an address.
 * The answer to how a file was built is that nobody knows: its notes are not read. */
#include "arch/preempt.h"
#include "arch/uaccess.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/mm.h"
#include "mm/vdso.h"
#include "mm/vma.h"
#include "procfs/internal.h"

/* After Linux 6.1's headers. */
struct query { /* struct procmap_query */
    uint64_t size, flags, address;
    uint64_t start, end, rights, page_size, offset, ino;
    uint32_t major, minor;
    uint32_t name_size, build_size;
    uint64_t name_at, build_at;
};
_Static_assert(sizeof(struct query) == 104, "Linux's");
#define SIZE_MIN     24u /* up to the address */
#define READABLE     0x1u
#define WRITABLE     0x2u
#define EXECUTABLE   0x4u
#define SHARED       0x8u
#define OR_NEXT      0x10u
#define OF_FILE      0x20u
#define RIGHTS       (READABLE | WRITABLE | EXECUTABLE | SHARED)
#define WORK_MAPPING 20u /* instructions, about (arch/preempt.h) */

static uint64_t rights_of(const struct vma *v)
{
    return (v->flags & VM_READ ? READABLE : 0) | (v->flags & VM_WRITE ? WRITABLE : 0) |
           (v->flags & VM_EXEC ? EXECUTABLE : 0) | (v->flags & VM_SHARED ? SHARED : 0);
}

static bool of_file(const struct vma *v) { return v->file && !vdso_name((struct vma *)v); }

static struct vma *find(struct mm *mm, const struct query *q)
{
    struct vma *v = vma_find(mm, q->address);

    for (; v; v = vma_next(v)) {
        bool fits =
            (q->flags & RIGHTS & ~rights_of(v)) == 0 && (!(q->flags & OF_FILE) || of_file(v));
        if (!(q->flags & OR_NEXT))
            return fits && v->start <= q->address ? v : NULL;
        if (fits)
            return v;
        preempt_work(WORK_MAPPING);
    }
    return NULL;
}

static void answer(struct query *q, const struct vma *v)
{
    q->start = v->start;
    q->end = v->end;
    q->rights = rights_of(v);
    q->page_size = PAGE_SIZE;
    if (of_file(v)) {
        q->offset = v->pgoff << PAGE_SHIFT;
        q->ino = v->file->inode->ino;
        q->major = DEV_MAJOR(v->file->inode->sb->dev);
        q->minor = DEV_MINOR(v->file->inode->sb->dev);
    }
}

/* mm.lock held.  *name: in the page. */
static long ask(struct mm *mm, struct query *q, char *page, const char **name)
{
    if (mm->image.vdso_due)
        vdso_map(mm);
    struct vma *v = find(mm, q);
    if (!v)
        return -ENOENT;
    answer(q, v);
    if (!q->name_size)
        return 0;
    *name = vma_name(v, page);
    size_t n = *name ? strlen(*name) + 1 : 0;
    if (n > q->name_size)
        return -ENAMETOOLONG;
    q->name_size = (uint32_t)n;
    return 0;
}

static long take(struct query *q, uaddr_t arg, uint64_t *size)
{
    if (get_user(*size, arg) != 0)
        return -EFAULT;
    if (*size > PAGE_SIZE)
        return -E2BIG;
    if (*size < SIZE_MIN)
        return -EINVAL;
    long err = copy_struct_from_user(q, sizeof(*q), arg, *size);
    if (err)
        return err;
    if (q->flags & ~(uint64_t)(RIGHTS | OR_NEXT | OF_FILE) || !q->name_size != !q->name_at ||
        !q->build_size != !q->build_at)
        return -EINVAL;
    return 0;
}

long proc_map_query(const struct pfs_node *n, uaddr_t arg)
{
    const char *name = NULL;
    struct query q;
    uint64_t size;
    long err = take(&q, arg, &size);

    if (err)
        return err;
    struct mm *mm = proc_mm(n);
    if (!mm)
        return -ESRCH;
    char *page = kmalloc(PAGE_SIZE);
    if (page) {
        mutex_lock(&mm->lock);
        err = ask(mm, &q, page, &name);
        mutex_unlock(&mm->lock);
    } else {
        err = -ENOMEM;
    }
    mm_put(mm, PT_exit_teardown);
    q.build_size = 0;
    if (!err && name && copy_to_user(q.name_at, name, q.name_size) != 0)
        err = -EFAULT;
    if (!err && copy_to_user(arg, &q, MIN(size, sizeof(q))) != 0)
        err = -EFAULT;
    kfree(page);
    return err;
}
