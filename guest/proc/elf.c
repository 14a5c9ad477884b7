/* elf.c - checks of the ELF headers and of a script's first line.
 *
 * Everything is checked before anything is believed: after elf_layout() every
 * segment lies in user memory, starts in the same place of a page in the file
 * and in memory, does not wrap, and comes after the one before it; so whoever
 * maps them needs no check of its own.  What a file lacks behind its end is
 * the page fault's business (SIGBUS). */
#include "proc/elf.h"
#include "arch/uaccess.h"
#include "lib/string.h"
#include <linux/mman.h>

int elf_check_header(const Elf64_Ehdr *eh)
{
    if (memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0 || eh->e_ident[EI_CLASS] != ELFCLASS64 ||
        eh->e_ident[EI_DATA] != ELFDATA2LSB || eh->e_machine != EM_X86_64)
        return -ENOEXEC;
    if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
        return -ENOEXEC;
    if (eh->e_phentsize != sizeof(Elf64_Phdr) || eh->e_phnum == 0 || eh->e_phnum > ELF_MAX_PHDRS)
        return -ENOEXEC;
    return eh->e_phoff <= INT64_MAX - PAGE_SIZE ? 0 : -ENOEXEC;
}

static uint32_t prot_of(uint32_t flags)
{
    return (flags & PF_R ? PROT_READ : 0) | (flags & PF_W ? PROT_WRITE : 0) |
           (flags & PF_X ? PROT_EXEC : 0);
}

static int add_segment(const Elf64_Ehdr *eh, const Elf64_Phdr *p, struct elf_image *img)
{
    uaddr_t end = p->p_vaddr + p->p_memsz;

    if (p->p_filesz > p->p_memsz || !user_range(p->p_vaddr, p->p_memsz) ||
        page_up(end) > USER_END || p->p_offset > INT64_MAX - p->p_memsz)
        return -ENOEXEC;
    if ((p->p_vaddr - p->p_offset) % PAGE_SIZE != 0)
        return -ENOEXEC;
    if (img->end != 0 && page_down(p->p_vaddr) < img->end)
        return -ENOEXEC; /* out of order, or two rights for one page */
    if (img->end == 0)
        img->start = page_down(p->p_vaddr);
    img->end = page_up(end);
    if (img->end == 0)
        return -ENOEXEC;
    if (img->nsegments == ELF_MAX_SEGMENTS)
        return -ENOEXEC;
    img->segment[img->nsegments++] = (struct elf_segment){ p->p_vaddr, p->p_memsz, p->p_filesz,
                                                           p->p_offset, prot_of(p->p_flags) };
    img->bss_end = end;
    if (p->p_flags & PF_X) {
        if (img->code_end == 0)
            img->code_start = p->p_vaddr;
        img->code_end = p->p_vaddr + p->p_filesz;
    }
    if (p->p_flags & PF_W) {
        if (img->data_end == 0)
            img->data_start = p->p_vaddr;
        img->data_end = p->p_vaddr + p->p_filesz;
    }
    uint64_t table = (uint64_t)eh->e_phnum * sizeof(Elf64_Phdr);
    if (eh->e_phoff >= p->p_offset && eh->e_phoff - p->p_offset <= p->p_filesz &&
        p->p_filesz - (eh->e_phoff - p->p_offset) >= table)
        img->phdr = p->p_vaddr + (eh->e_phoff - p->p_offset);
    return 0;
}

/* What is no power of two is no alignment. */
static uint64_t strictest(const Elf64_Ehdr *eh, const Elf64_Phdr *ph)
{
    uint64_t align = PAGE_SIZE;

    for (unsigned i = 0; i < eh->e_phnum; i++)
        if (ph[i].p_type == PT_LOAD && ph[i].p_align > align &&
            (ph[i].p_align & (ph[i].p_align - 1)) == 0)
            align = ph[i].p_align;
    return align;
}

int elf_layout(const Elf64_Ehdr *eh, const Elf64_Phdr *ph, struct elf_image *img)
{
    /* The segments' descriptions are written when there are some. */
    memset(img, 0, offsetof(struct elf_image, segment));
    memset(&img->entry, 0, sizeof *img - offsetof(struct elf_image, entry));
    img->type = eh->e_type;
    img->phnum = eh->e_phnum;
    img->entry = eh->e_entry;
    img->exec_stack = true; /* no PT_GNU_STACK: an old program */
    for (unsigned i = 0; i < eh->e_phnum; i++) {
        const Elf64_Phdr *p = &ph[i];
        if (p->p_type == PT_LOAD && p->p_memsz != 0) {
            int err = add_segment(eh, p, img);
            if (err != 0)
                return err;
        } else if (p->p_type == PT_INTERP && img->interp_len == 0) {
            if (p->p_filesz < 2 || p->p_filesz > PAGE_SIZE || p->p_offset > INT64_MAX - PAGE_SIZE)
                return -ENOEXEC;
            img->interp_off = p->p_offset;
            img->interp_len = p->p_filesz;
        } else if (p->p_type == PT_GNU_STACK) {
            img->exec_stack = (p->p_flags & PF_X) != 0;
        }
    }
    if (img->type == ET_DYN)
        img->align = strictest(eh, ph);
    if (img->end == 0 || img->entry < img->start || img->entry >= img->end)
        return -ENOEXEC;
    /* An ET_EXEC at page 0 would make NULL a valid address. */
    return img->type == ET_EXEC && img->start == 0 ? -ENOEXEC : 0;
}

uaddr_t elf_place(const struct elf_image *img, uaddr_t at)
{
    uaddr_t aligned = img->type == ET_DYN ? at & ~(img->align - 1) : at;

    return aligned != 0 ? aligned : at;
}

static bool blank(char c) { return c == ' ' || c == '\t'; }

int script_parse(char *line, size_t n, size_t room, char **interp, char **arg)
{
    size_t end = 2, at = 2;

    if (n < 2 || line[0] != '#' || line[1] != '!')
        return -ENOEXEC;
    while (end < n && line[end] != '\n' && line[end] != '\0')
        end++;
    bool cut = end == n && n == room; /* the line goes on behind what was read */
    while (at < end && blank(line[at]))
        at++;
    size_t name = at;
    while (at < end && !blank(line[at]))
        at++;
    if (at == name && (end == n ? !cut : line[end] == '\0'))
        return -EACCES; /* the interpreter "", which is a directory: this one */
    if (at == name || (cut && at == end))
        return -ENOEXEC; /* nothing there, or a name that may be cut off */
    size_t name_end = at;
    while (at < end && blank(line[at]))
        at++;
    while (end > at && blank(line[end - 1]))
        end--;
    *interp = line + name;
    *arg = at < end ? line + at : NULL;
    line[name_end] = '\0';
    line[end] = '\0';
    return 0;
}
