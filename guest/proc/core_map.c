/* core_map.c - the memory in a core file.
 *
 * /proc/PID/coredump_filter says what is in it, as on Linux (core(5)).  By default that is
 * private mappings that were written, as a whole; memory that is shared and has no name; the first
 * page of what maps an ELF file from its beginning, by which a debugger knows the file. */
#include "proc/core_internal.h"
#include "arch/preempt.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/pages_io.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/huge.h"
#include "mm/pt.h"
#include "mm/vdso.h"
#include "mm/vma.h"

#include <linux/elf.h>

/* Instructions, about (arch/preempt.h). */
#define WORK_TAKE    1500u /* a mapping noted */
#define WORK_LOOK    400u  /* a page looked for */
#define WORK_ENTRIES 3000u /* a table's entries passed over */
#define WORK_WRITE   3000u /* a page written */

/* The frame of v's page at va, with a reference; 0: nobody has touched it.  mm->lock held. */
static pfn_t page_at(struct vma *v, uaddr_t va)
{
    const pte_t *e = pt_find(v->mm, va), *link = pt_link(v->mm, va);
    pfn_t pfn = 0;

    if (e != NULL && *e != 0) {
        pfn = pte_pfn(*e);
        frame_get(pfn);
    } else if (link != NULL && (*link & PTE_PS)) {
        pfn = huge_get_part(*link, va);
    } else if (v->file != NULL && S_ISREG(v->file->inode->mode) &&
               file_get_page(v->file, vma_file_page(v, va), false, &pfn) != 0) {
        pfn = 0;
    }
    return pfn;
}

/* Does v show an ELF file's beginning? */
static bool shows_elf(struct vma *v)
{
    if (v->pgoff != 0 || !(v->flags & VM_READ))
        return false;
    if (v->file->inode->mode & 0111)
        return true;
    pfn_t pfn = page_at(v, v->start);
    bool elf = pfn != 0 && memcmp(frame_va(pfn), ELFMAG, SELFMAG) == 0;
    if (pfn != 0)
        frame_put(pfn);
    return elf;
}

static uint64_t bytes_to_dump(struct vma *v)
{
    uint32_t filter = v->mm->image.core_filter, whole;

    if (vdso_name(v) != NULL)
        return v->end - v->start; /* a debugger needs it, whatever the filter */
    if (v->flags & VM_DONTDUMP)
        return 0;
    if (v->flags & VM_SHARED)
        whole = v->file == NULL || v->file->inode->nlink == 0 ? CORE_ANON_SHARED : CORE_FILE_SHARED;
    else
        whole = (v->has_anon ? CORE_ANON_PRIVATE : 0) | (v->file != NULL ? CORE_FILE_PRIVATE : 0);
    if (filter & whole)
        return v->end - v->start;
    if (v->flags & VM_SHARED || v->file == NULL || !(filter & CORE_ELF_HEADERS))
        return 0;
    return shows_elf(v) ? PAGE_SIZE : 0;
}

bool core_map_take(struct core_map *m, struct mm *mm)
{
    mutex_lock(&mm->lock);
    if (mm->image.vdso_due)
        vdso_map(mm); /* without memory it is not in it */
    for (struct vma *v = vma_find(mm, 0); v != NULL && m->count < CORE_VMAS_MAX; v = vma_next(v)) {
        struct file *file = vdso_name(v) == NULL ? v->file : NULL; /* it has no name in a note */
        const struct core_vma c = { v->start, v->end, bytes_to_dump(v), v->pgoff, file, v->flags };
        if (!spool_put(&m->vmas, &c, sizeof c))
            break;
        m->count++;
        if (file != NULL)
            file_get(file);
        preempt_work(WORK_TAKE);
    }
    mutex_unlock(&mm->lock);
    return !m->vmas.failed;
}

void core_map_free(struct core_map *m)
{
    struct spool_reader r = spool_read(&m->vmas);
    struct core_vma v;

    for (; m->count > 0; m->count--) {
        spool_get(&r, &v, sizeof v);
        if (v.file != NULL)
            file_put(v.file);
        preempt_work(WORK_TAKE);
    }
    spool_free(&m->vmas);
}

/* In a mapping without a file: moves *va on to the next page that is there, or to the end of
 * what one table maps.  As page_at() else. */
static pfn_t next_anonymous(struct mm *mm, uaddr_t *va, uaddr_t end)
{
    pte_t *link = pt_next_link(mm, va, end), *e;

    if (link == NULL) {
        *va = end;
        return 0;
    }
    if (*link & PTE_PS)
        return huge_get_part(*link, *va);
    e = pt_entry_in(*link, *va);
    uaddr_t stop = MIN(end, (*va | (PT_SPAN - 1)) + 1);
    pte_t *last = e + ((stop - *va) >> PAGE_SHIFT), *used = pt_next_used(e, last);
    *va += (uaddr_t)(used - e) << PAGE_SHIFT;
    if (used == last)
        return 0;
    if (unlikely(*used & PTE_MARK)) {
        *va += PAGE_SIZE;
        return 0;
    }
    frame_get(pte_pfn(*used));
    return pte_pfn(*used);
}

/* Moves *va on to the next page in [*va, end) that is there; its frame, with a reference.
 * 0: there is none, or the dump is to end. */
static pfn_t next_page(struct mm *mm, uaddr_t *va, uaddr_t end)
{
    pfn_t pfn = 0;

    mutex_lock(&mm->lock);
    while (*va < end && pfn == 0 && !preempt_killed()) {
        struct vma *v = vma_find(mm, *va);
        if (v == NULL || v->start > *va) { /* unmapped meanwhile */
            *va = v == NULL ? end : MIN(end, v->start);
        } else if (v->file == NULL) {
            pfn = next_anonymous(mm, va, MIN(end, v->end));
            preempt_work(WORK_ENTRIES);
        } else {
            pfn = page_at(v, *va);
            *va += pfn == 0 ? PAGE_SIZE : 0;
        }
        preempt_work(WORK_LOOK);
    }
    mutex_unlock(&mm->lock);
    return pfn;
}

static bool write_vma(struct core_file *c, struct mm *mm, const struct core_vma *v)
{
    uaddr_t va = v->start, from = va, end = va + v->dump;

    while (va < end) {
        pfn_t pfn = next_page(mm, &va, end);
        if (va != from) {
            c->pos += va - from;
            c->hole = true;
        }
        if (pfn == 0)
            return va == end;
        bool ok = core_write(c, frame_va(pfn), PAGE_SIZE);
        frame_put(pfn);
        preempt_work(WORK_WRITE);
        if (!ok)
            return false;
        from = va += PAGE_SIZE;
    }
    return true;
}

bool core_map_write(struct core_file *c, struct mm *mm, const struct core_map *m)
{
    struct spool_reader r = spool_read(&m->vmas);
    struct core_vma v;

    for (unsigned i = 0; i < m->count; i++) {
        spool_get(&r, &v, sizeof v);
        if (!write_vma(c, mm, &v))
            return false;
        preempt_work(WORK_LOOK);
    }
    return true;
}
