/* maps.c - /proc/PID/maps, smaps, smaps_rollup and numa_maps, in Linux's columns.
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

const char *vma_name(struct vma *v, char *page)
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
    uint64_t rss, anon, huge, used, pss, pss_dirty, pss_anon, locked;
    uint64_t shared_clean, shared_dirty, private_clean, private_dirty;
    uint32_t most_mappings; /* of one page */
};

uint32_t page_mappings(uint64_t e, uint32_t table_users)
{
    uint32_t refs = frame_refs(pte_pfn(e));
    if (e & PTE_ANON)
        return refs + table_users - 1;
    return refs == UINT32_MAX ? 1 : MAX(refs, 2u) - 1; /* the file's own reference is no mapping */
}

static void add_page(struct usage *u, pte_t e, uint32_t table_users)
{
    if (e & PTE_MARK)
        return;
    uint32_t mappings = page_mappings(e, table_users);
    uint64_t *sum = mappings > 1 ? (e & PTE_D ? &u->shared_dirty : &u->shared_clean)
                                 : (e & PTE_D ? &u->private_dirty : &u->private_clean);
    *sum += PAGE_SIZE;
    u->most_mappings = MAX(u->most_mappings, mappings);
    u->rss += PAGE_SIZE;
    u->used += e & PTE_A ? PAGE_SIZE : 0;
    u->anon += e & PTE_ANON ? PAGE_SIZE : 0;
    u->pss += PAGE_SIZE / mappings;
    u->pss_dirty += e & PTE_D ? PAGE_SIZE / mappings : 0;
    u->pss_anon += e & PTE_ANON ? PAGE_SIZE / mappings : 0;
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

static void show_pss(struct text *t, const struct usage *u, bool rollup)
{
    const struct text_row row[] = {
        { "Rss:", u->rss >> 10 },
        { "Pss:", u->pss >> 10 },
        { "Pss_Dirty:", u->pss_dirty >> 10 },
        { "Pss_Anon:", u->pss_anon >> 10 },
        { "Pss_File:", (u->pss - u->pss_anon) >> 10 },
        { "Pss_Shmem:", 0 },
    };
    text_sizes(t, "", row, rollup ? ARRAY_SIZE(row) : 3);
}

/* What smaps and smaps_rollup have in common; what is 0 there is none of here. */
static void show_sums(struct text *t, const struct usage *u)
{
    const struct text_row row[] = {
        { "Shared_Clean:", u->shared_clean >> 10 },
        { "Shared_Dirty:", u->shared_dirty >> 10 },
        { "Private_Clean:", u->private_clean >> 10 },
        { "Private_Dirty:", u->private_dirty >> 10 },
        { "Referenced:", u->used >> 10 },
        { "Anonymous:", u->anon >> 10 },
        { "KSM:", 0 },
        { "LazyFree:", 0 },
        { "AnonHugePages:", u->huge >> 10 },
        { "ShmemPmdMapped:", 0 },
        { "FilePmdMapped:", 0 },
        { "Shared_Hugetlb:", 0 },
        { "Private_Hugetlb:", 0 },
        { "Swap:", 0 },
        { "SwapPss:", 0 },
        { "Locked:", u->locked >> 10 },
    };
    text_sizes(t, "", row, ARRAY_SIZE(row));
}

/* In the order of Linux's bits: those that a mapping here can have. */
static void show_flags(struct text *t, const struct vma *v)
{
    const uint32_t f = v->flags;
    const bool shared = f & VM_SHARED, fixed = f & VM_READONLY;
    const struct {
        bool has;
        char name[3];
    } flag[] = {
        { f & VM_READ, "rd" },
        { f & VM_WRITE, "wr" },
        { f & VM_EXEC, "ex" },
        { shared && !fixed, "sh" },
        { true, "mr" },
        { !fixed, "mw" },
        { true, "me" },
        { shared, "ms" },
        { f & VM_GROWSDOWN, "gd" },
        { f & VM_ASK_MISSING, "um" },
        { f & VM_ASK_WRITE, "uw" },
        { f & VM_LOCKED, "lo" },
        { f & VM_DONTFORK, "dc" },
        { (f & (VM_WRITE | VM_SHARED | VM_NORESERVE)) == VM_WRITE, "ac" },
        { f & VM_NORESERVE, "nr" },
        { f & VM_WIPEONFORK, "wf" },
        { f & VM_DONTDUMP, "dd" },
        { !(f & VM_SOFT_CLEAN), "sd" },
        { f & VM_HUGEPAGE, "hg" },
        { f & VM_NOHUGEPAGE, "nh" },
        { f & VM_ASK_MINOR, "ui" },
        { f & VM_DROPPABLE, "dp" },
        { f & VM_SEALED, "sl" },
    };
    text_printf(t, "VmFlags:");
    for (unsigned i = 0; i < ARRAY_SIZE(flag); i++)
        if (flag[i].has)
            text_printf(t, " %s", flag[i].name);
    text_put(t, " \n", 2);
}

static void add_vma(struct usage *u, const struct vma *v)
{
    uint64_t before = u->pss;
    vma_usage(v, u);
    if (v->flags & VM_LOCKED)
        u->locked += u->pss - before;
}

static void show_usage(struct text *t, const struct vma *v)
{
    const struct text_row size[] = {
        { "Size:", (v->end - v->start) >> 10 },
        { "KernelPageSize:", PAGE_SIZE >> 10 },
        { "MMUPageSize:", PAGE_SIZE >> 10 },
    };
    struct usage u = { 0 };
    add_vma(&u, v);
    text_sizes(t, "", size, ARRAY_SIZE(size));
    show_pss(t, &u, false);
    show_sums(t, &u);
    text_printf(t, "THPeligible:    %8u\n", huge_eligible(v));
    show_flags(t, v);
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

void show_smaps_rollup(struct text *t, struct mm *mm)
{
    struct usage u = { 0 };
    uaddr_t start = 0, end = 0;
    mutex_lock(&mm->lock);
    if (mm->image.vdso_due)
        vdso_map(mm);
    for (struct vma *v = vma_find(mm, 0); v; v = vma_next(v)) {
        start = end == 0 ? v->start : start;
        end = v->end;
        add_vma(&u, v);
        preempt_work(WORK_LINE);
    }
    mutex_unlock(&mm->lock);
    text_printf(t, "%08lx-%08lx ---p %08lx %02x:%02x %d ", start, end, 0ul, 0, 0, 0);
    text_printf(t, "%*s[rollup]\n", MAX(NAME_COLUMN - (int)t->bytes, 0), "");
    show_pss(t, &u, true);
    show_sums(t, &u);
}

/* A mapping's policy, mbind(2)'s: there is the one node.  In the order of MPOL_*. */
static void put_policy(struct text *t, const struct vma *v)
{
    static const char *const name[] = { "default",
                                        "prefer:0",
                                        "bind:0",
                                        "interleave:0",
                                        "local",
                                        "prefer (many):0",
                                        "weighted interleave:0" };
    unsigned mode = (v->flags & VM_POLICY_ALL) >> VM_POLICY & 7;

    text_printf(t, "%08lx %s", v->start, mode < ARRAY_SIZE(name) ? name[mode] : name[0]);
}

static void put_pages(struct text *t, const char *what, uint64_t bytes)
{
    if (bytes)
        text_printf(t, " %s=%lu", what, bytes >> PAGE_SHIFT);
}

static void show_numa_vma(struct text *t, struct vma *v, char *page)
{
    struct usage u = { 0 };
    const char *name = vma_name(v, page);

    put_policy(t, v);
    if (v->file && !vdso_name(v)) {
        text_printf(t, " file=");
        if (name) /* NULL: it does not fit */
            text_put(t, name, strlen(name));
    } else if (!v->file && name) {
        text_printf(t, name[1] == 'h' ? " heap" : " stack");
    }
    vma_usage(v, &u);
    uint64_t dirty = u.shared_dirty + u.private_dirty;
    put_pages(t, "anon", u.anon);
    put_pages(t, "dirty", dirty);
    put_pages(t, "mapped", u.rss != u.anon && u.rss != dirty ? u.rss : 0);
    if (u.most_mappings > 1)
        text_printf(t, " mapmax=%u", u.most_mappings);
    put_pages(t, "N0", u.rss);
    text_printf(t, u.rss ? " kernelpagesize_kB=%lu\n" : "\n", PAGE_SIZE >> 10);
}

void show_numa_maps(struct text *t, struct mm *mm)
{
    char *page = text_page(t);
    if (!page)
        return;
    mutex_lock(&mm->lock);
    if (mm->image.vdso_due)
        vdso_map(mm);
    for (struct vma *v = vma_find(mm, 0); v; v = vma_next(v)) {
        show_numa_vma(t, v, page);
        preempt_work(WORK_LINE);
    }
    mutex_unlock(&mm->lock);
    kfree(page);
}
