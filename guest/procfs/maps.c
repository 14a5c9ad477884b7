/* maps.c - /proc/PID/maps and smaps, in Linux's columns.
 * The VMAs are read under mm->lock; nobody who blocks in vfork holds that. */
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/path_name.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/mm.h"
#include "mm/pt.h"
#include "mm/vma.h"
#include "procfs/internal.h"

#define NAME_COLUMN 73

static const char *vma_name(struct vma *v, char *page)
{
    struct mm *mm = v->mm;
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
    const struct inode *in = v->file ? v->file->inode : NULL;
    uint32_t dev = in ? in->sb->dev : 0;
    char line[128];
    int n =
        ksnprintf(line, sizeof line, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu ",
                  (unsigned long long)v->start, (unsigned long long)v->end,
                  v->flags & VM_READ ? 'r' : '-', v->flags & VM_WRITE ? 'w' : '-',
                  v->flags & VM_EXEC ? 'x' : '-', v->flags & VM_SHARED ? 's' : 'p',
                  in ? (unsigned long long)v->pgoff << PAGE_SHIFT : 0ull, dev >> 8 & 0xfff,
                  (dev & 0xff) | (dev >> 12 & 0xfff00), in ? (unsigned long long)in->ino : 0ull);
    const char *name = vma_name(v, page);
    text_put(t, line, (size_t)n);
    if (name) {
        text_printf(t, "%*s", MAX(NAME_COLUMN - n, 0), "");
        text_put(t, name, strlen(name));
    }
    text_put(t, "\n", 1);
}

struct usage {
    uint64_t rss, anon, pss, shared_clean, shared_dirty, private_clean, private_dirty;
};

/* One page that is mapped. */
static void add_page(struct usage *u, pte_t e)
{
    uint32_t refs = frame_refs(pte_pfn(e));
    /* The file's own reference is no mapping. */
    uint32_t mappings = e & PTE_ANON ? refs : refs == UINT32_MAX ? 1 : MAX(refs, 2u) - 1;
    uint64_t *sum = mappings > 1 ? (e & PTE_D ? &u->shared_dirty : &u->shared_clean)
                                 : (e & PTE_D ? &u->private_dirty : &u->private_clean);
    *sum += PAGE_SIZE;
    u->rss += PAGE_SIZE;
    u->anon += e & PTE_ANON ? PAGE_SIZE : 0;
    u->pss += PAGE_SIZE / mappings;
}

static void vma_usage(const struct vma *v, struct usage *u)
{
    pte_t *e;
    for (uaddr_t va = v->start; (e = pt_next_table(v->mm, &va, v->end)) != NULL;) {
        uaddr_t end = MIN(v->end, (va | (PT_SPAN - 1)) + 1);
        pte_t *stop = e + ((end - va) >> PAGE_SHIFT);
        for (; (e = pt_next_used(e, stop)) < stop; e++)
            add_page(u, *e);
        va = end;
    }
}

static void show_usage(struct text *t, const struct vma *v)
{
    struct usage u = { 0 };
    vma_usage(v, &u);
    const struct {
        const char *name;
        uint64_t bytes;
    } line[] = {
        { "Size:", v->end - v->start },
        { "KernelPageSize:", PAGE_SIZE },
        { "MMUPageSize:", PAGE_SIZE },
        { "Rss:", u.rss },
        { "Pss:", u.pss },
        { "Shared_Clean:", u.shared_clean },
        { "Shared_Dirty:", u.shared_dirty },
        { "Private_Clean:", u.private_clean },
        { "Private_Dirty:", u.private_dirty },
        { "Anonymous:", u.anon },
        { "Swap:", 0 },
        { "Locked:", v->flags & VM_LOCKED ? u.pss : 0 },
    };
    for (size_t i = 0; i < ARRAY_SIZE(line); i++)
        text_printf(t, "%-15s %8llu kB\n", line[i].name, (unsigned long long)line[i].bytes >> 10);
}

static int show_all(struct text *t, const struct proc_node *n, bool usage)
{
    struct mm *mm = proc_mm(n);
    char *page = text_page();
    if (mm && page) {
        mutex_lock(&mm->lock);
        for (struct vma *v = vma_find(mm, 0); v; v = vma_next(v)) {
            show_vma(t, v, page);
            if (usage)
                show_usage(t, v);
        }
        mutex_unlock(&mm->lock);
    }
    if (mm)
        mm_put(mm, PT_exit_teardown);
    int err = page ? 0 : -ENOMEM;
    kfree(page);
    return err;
}

int show_maps(struct text *t, const struct proc_node *n) { return show_all(t, n, false); }
int show_smaps(struct text *t, const struct proc_node *n) { return show_all(t, n, true); }
