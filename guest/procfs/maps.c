/* maps.c - /proc/PID/maps and smaps, in Linux's columns.
 * The VMAs are read under mm->lock; nobody who blocks in vfork holds that. */
#include "arch/preempt.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/path_name.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/huge.h"
#include "mm/mm.h"
#include "mm/pt.h"
#include "mm/vdso.h"
#include "mm/vma.h"
#include "procfs/internal.h"

#define NAME_COLUMN 73
/* Instructions a line and a page, about (arch/preempt.h). */
#define WORK_LINE 4000u
#define WORK_PAGE 40u

static const char *vma_name(struct vma *v, char *page)
{
    struct mm *mm = v->mm;
    const char *vdso = vdso_name(v);
    if (vdso)
        return vdso;
    if (v->file)
        return file_name(v->file, page, PAGE_SIZE);
    if (v->flags & VM_STACK)
        return "[stack]";
    if (v->start <= mm->image.brk && v->end > mm->image.brk_start &&
        mm->image.brk > mm->image.brk_start)
        return "[heap]";
    return NULL;
}

static void show_vma(struct text *t, struct vma *v, char *page)
{
    const struct inode *in = v->file && !vdso_name(v) ? v->file->inode : NULL;
    uint32_t dev = in ? in->sb->dev : 0;
    char line[128];
    int n = ksnprintf(line, sizeof line, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", v->start,
                      v->end, v->flags & VM_READ ? 'r' : '-', v->flags & VM_WRITE ? 'w' : '-',
                      v->flags & VM_EXEC ? 'x' : '-', v->flags & VM_SHARED ? 's' : 'p',
                      in ? v->pgoff << PAGE_SHIFT : 0ul, DEV_MAJOR(dev), DEV_MINOR(dev),
                      in ? in->ino : 0ul);
    const char *name = vma_name(v, page);
    text_put(t, line, (size_t)n);
    if (name) {
        text_printf(t, "%*s", MAX(NAME_COLUMN - n, 0), "");
        text_put(t, name, strlen(name));
    }
    text_put(t, "\n", 1);
}

struct usage {
    uint64_t rss, anon, huge, pss, shared_clean, shared_dirty, private_clean, private_dirty;
};

/* One page that is mapped, by an entry in a table of so many address spaces.  Those count as one
 * in the page's own count (mm/share.c). */
static void add_page(struct usage *u, pte_t e, uint32_t table_users)
{
    uint32_t refs = frame_refs(pte_pfn(e));
    /* The file's own reference is no mapping. */
    uint32_t mappings = refs + table_users - 1;
    if (!(e & PTE_ANON))
        mappings = refs == UINT32_MAX ? 1 : MAX(refs, 2u) - 1;
    uint64_t *sum = mappings > 1 ? (e & PTE_D ? &u->shared_dirty : &u->shared_clean)
                                 : (e & PTE_D ? &u->private_dirty : &u->private_clean);
    *sum += PAGE_SIZE;
    u->rss += PAGE_SIZE;
    u->anon += e & PTE_ANON ? PAGE_SIZE : 0;
    u->pss += PAGE_SIZE / mappings;
}

static void vma_usage(const struct vma *v, struct usage *u)
{
    pte_t *link;
    for (uaddr_t va = v->start; (link = pt_next_link(v->mm, &va, v->end)) != NULL;) {
        uaddr_t end = MIN(v->end, (va | (PT_SPAN - 1)) + 1);
        uint32_t users = frame_refs(huge_or_table(*link));
        if (*link & PTE_PS) {
            u->huge += end - va;
            for (uaddr_t at = va; at < end; at += PAGE_SIZE)
                add_page(u, pt_huge_part(*link, at), users);
        } else {
            pte_t *e = pt_entry_in(*link, va), *stop = e + ((end - va) >> PAGE_SHIFT);
            for (; (e = pt_next_used(e, stop)) < stop; e++)
                add_page(u, *e, users);
        }
        preempt_work((uint32_t)((end - va) >> PAGE_SHIFT) * WORK_PAGE);
        va = end;
    }
}

static void show_usage(struct text *t, const struct vma *v)
{
    struct usage u = { 0 };
    vma_usage(v, &u);
    const struct text_row row[] = {
        { "Size:", (v->end - v->start) >> 10 },
        { "KernelPageSize:", PAGE_SIZE >> 10 },
        { "MMUPageSize:", PAGE_SIZE >> 10 },
        { "Rss:", u.rss >> 10 },
        { "Pss:", u.pss >> 10 },
        { "Shared_Clean:", u.shared_clean >> 10 },
        { "Shared_Dirty:", u.shared_dirty >> 10 },
        { "Private_Clean:", u.private_clean >> 10 },
        { "Private_Dirty:", u.private_dirty >> 10 },
        { "Anonymous:", u.anon >> 10 },
        { "AnonHugePages:", u.huge >> 10 },
        { "Swap:", 0 },
        { "Locked:", v->flags & VM_LOCKED ? u.pss >> 10 : 0 },
    };
    text_sizes(t, row, ARRAY_SIZE(row));
}

static void show_all(struct text *t, struct mm *mm,
                     void (*usage)(struct text *, const struct vma *))
{
    char *page = text_page(t);
    if (!page)
        return;
    mutex_lock(&mm->lock);
    if (mm->image.vdso_due)
        vdso_map(mm); /* without memory it is not shown */
    for (struct vma *v = vma_find(mm, 0); v; v = vma_next(v)) {
        show_vma(t, v, page);
        preempt_work(WORK_LINE);
        if (usage)
            usage(t, v);
    }
    mutex_unlock(&mm->lock);
    kfree(page);
}

void show_maps(struct text *t, struct mm *mm) { show_all(t, mm, NULL); }
void show_smaps(struct text *t, struct mm *mm) { show_all(t, mm, show_usage); }
