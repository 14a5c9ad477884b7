/* elf.h - what exec needs to know of an ELF file, from its two headers.
 * Pure functions over bytes that a hostile file may hold. */
#ifndef PROC_ELF_H
#define PROC_ELF_H

#include "lib/base.h"
#include <linux/elf.h>

#define ELF_MAX_PHDRS 72 /* they are read into one heap object */

#define ELF_MAX_SEGMENTS 16

struct elf_segment {
    uint64_t vaddr, memsz, filesz, offset;
    uint32_t prot;
}; /* PROT_* */
struct elf_image {
    uint16_t type; /* ET_EXEC or ET_DYN */
    uint16_t phnum;
    unsigned nsegments;
    struct elf_segment segment[ELF_MAX_SEGMENTS]; /* PT_LOAD, by address */
    uaddr_t entry;
    uaddr_t start, end; /* page-aligned span of all segments; relative for ET_DYN */
    uaddr_t code_start, code_end, data_start, data_end, bss_end;
    uaddr_t phdr;        /* where the program headers will lie; 0: in no segment */
    uint64_t interp_off; /* PT_INTERP: file position and bytes with the NUL; 0 bytes: none */
    uint64_t interp_len;
    uint64_t align; /* ET_DYN: the strictest of the segments, a page at least; a power of two */
    bool exec_stack;
};

/* First bytes of the file: an ELF64 x86-64 program with usable program headers?
 * 0 or -ENOEXEC. */
int elf_check_header(const Elf64_Ehdr *eh);
/* Its program headers (eh->e_phnum of them).  0 or -ENOEXEC. */
int elf_layout(const Elf64_Ehdr *eh, const Elf64_Phdr *ph, struct elf_image *img);

/* Where to put an ET_DYN image instead of at `at`, so that its segments have the alignment they want
 * (huge pages', mostly).  One that no place in user memory has is not given. */
uaddr_t elf_place(const struct elf_image *img, uaddr_t at);

/* The line of a script: "#!", interpreter, at most one argument (which may hold
 * blanks).  line holds n bytes read of at most room, has room + 1, and is changed:
 * both are cut out of it.  *arg NULL: none.  0; -ENOEXEC: no such line, or the
 * name goes on behind what was read; -EACCES: it ends, before any name, without a newline. */
int script_parse(char *line, size_t n, size_t room, char **interp, char **arg);

#endif
