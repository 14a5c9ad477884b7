/* exec_load.c - an ELF file's segments into a new address space.
 * elf_layout() has checked every number; here only memory can run out. */
#include "arch/uaccess.h"
#include "fs/pages_io.h"
#include "mm/access.h"
#include "mm/heap.h"
#include "mm/map.h"
#include "mm/mm.h"
#include "proc/exec_internal.h"
#include <linux/mman.h>

int read_image(struct file *f, const char *head, size_t n, struct elf_image *img)
{
    const Elf64_Ehdr *eh = (const Elf64_Ehdr *)head;

    if (n < sizeof *eh || elf_check_header(eh) != 0)
        return -ENOEXEC;
    size_t bytes = eh->e_phnum * sizeof(Elf64_Phdr);
    Elf64_Phdr *ph = kmalloc(bytes);
    if (ph == NULL)
        return -ENOMEM;
    long got = file_read_kernel(f, ph, bytes, eh->e_phoff);
    int err = (int)got;
    if (got >= 0)
        err = (size_t)got < bytes ? -ENOEXEC : elf_layout(eh, ph, img);
    kfree(ph);
    return err;
}

/* File pages, then zeroed ones; the rest of the last file page is cleared, which
 * only a writable segment can have any use for. */
static int map_segment(struct mm *mm, struct file *f, const struct elf_segment *s, uaddr_t bias)
{
    uaddr_t at = bias + page_down(s->vaddr);
    uaddr_t file_end = bias + s->vaddr + s->filesz, end = page_up(bias + s->vaddr + s->memsz);
    long rc;

    if (s->filesz != 0) {
        rc = mm_map(mm, at, page_up(file_end) - at, (int)s->prot, MAP_PRIVATE | MAP_FIXED, f,
                    page_down(s->offset));
        if (rc < 0)
            return (int)rc;
        at = page_up(file_end);
        if (s->memsz > s->filesz && file_end % PAGE_SIZE != 0 && (s->prot & PROT_WRITE)) {
            rc = mm_clear_tail(mm, file_end);
            if (rc < 0)
                return (int)rc;
        }
    }
    if (at < end) {
        rc = mm_map(mm, at, end - at, (int)s->prot, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, NULL,
                    0);
        if (rc < 0)
            return (int)rc;
    }
    return 0;
}

/* base 0: wherever there is room for all of it. */
int map_image(struct mm *mm, struct file *f, const struct elf_image *img, uaddr_t base,
              uaddr_t *bias)
{
    *bias = 0;
    if (img->type == ET_DYN) {
        if (base == 0) {
            /* Nobody else maps into this mm yet: what mm_map finds free stays so. */
            size_t span = img->end - img->start;
            long at = mm_map(mm, 0, span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
            if (at < 0)
                return (int)at;
            mm_unmap(mm, (uaddr_t)at, span);
            base = (uaddr_t)at;
        }
        *bias = base - img->start;
        if (!user_range(base, img->end - img->start))
            return -ENOEXEC;
    }
    for (unsigned i = 0; i < img->nsegments; i++) {
        int err = map_segment(mm, f, &img->segment[i], *bias);
        if (err != 0)
            return err;
    }
    return 0;
}
