/* symbols.c - see symbols.h.
 *
 * libdw brings four compression libraries along, and most runs never report
 * anything, so it is loaded with dlopen() at the first need, as Capstone is.  It
 * has a libelf of its own, not the one linked into vmm, so it gets the file and
 * never an Elf of ours. */
#include "vmm/symbols.h"

#include <dlfcn.h>
#include <elfutils/libdw.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct symbols {
    Elf *elf;
    Elf_Data *table;            /* .symtab; NULL: stripped */
    size_t count, strings;      /* strings: section of the names */
    void *so;
    Dwarf *dwarf;
    __typeof__(&dwarf_begin) begin;
    __typeof__(&dwarf_end) end;
    __typeof__(&dwarf_addrdie) addrdie;
    __typeof__(&dwarf_getsrc_die) getsrc;
    __typeof__(&dwarf_lineno) lineno;
    __typeof__(&dwarf_linesrc) linesrc;
};

static void load_dwarf(struct symbols *s, int fd)
{
    s->so = dlopen("libdw.so.1", RTLD_NOW | RTLD_LOCAL);
    if (s->so == NULL)
        return;
    s->begin = (__typeof__(s->begin))dlsym(s->so, "dwarf_begin");
    s->end = (__typeof__(s->end))dlsym(s->so, "dwarf_end");
    s->addrdie = (__typeof__(s->addrdie))dlsym(s->so, "dwarf_addrdie");
    s->getsrc = (__typeof__(s->getsrc))dlsym(s->so, "dwarf_getsrc_die");
    s->lineno = (__typeof__(s->lineno))dlsym(s->so, "dwarf_lineno");
    s->linesrc = (__typeof__(s->linesrc))dlsym(s->so, "dwarf_linesrc");
    if (s->begin && s->end && s->addrdie && s->getsrc && s->lineno && s->linesrc)
        s->dwarf = s->begin(fd, DWARF_C_READ);
}

static void find_table(struct symbols *s)
{
    Elf_Scn *section = NULL;
    while ((section = elf_nextscn(s->elf, section)) != NULL) {
        GElf_Shdr sh;
        if (gelf_getshdr(section, &sh) == NULL || sh.sh_type != SHT_SYMTAB || sh.sh_entsize == 0)
            continue;
        s->table = elf_getdata(section, NULL);
        s->count = sh.sh_size / sh.sh_entsize;
        s->strings = sh.sh_link;
        return;
    }
}

struct symbols *symbols_open(int fd)
{
    struct symbols *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return NULL;
    elf_version(EV_CURRENT);
    s->elf = elf_begin(fd, ELF_C_READ, NULL);
    if (s->elf == NULL) {
        free(s);
        return NULL;
    }
    find_table(s);
    load_dwarf(s, fd);
    return s;
}

void symbols_close(struct symbols *s)
{
    if (s == NULL)
        return;
    if (s->dwarf != NULL)
        s->end(s->dwarf);
    elf_end(s->elf);
    free(s);                    /* the library stays: it may be wanted again */
}

static bool is_code_of(const struct symbols *s, size_t section, uint64_t address)
{
    GElf_Shdr sh;
    return gelf_getshdr(elf_getscn(s->elf, section), &sh) != NULL
        && (sh.sh_flags & SHF_EXECINSTR) && address - sh.sh_addr < sh.sh_size;
}

/* The last symbol of code at or below the address, in the address's section. */
static const char *find(const struct symbols *s, uint64_t address, uint64_t *start)
{
    const char *best = NULL;
    *start = 0;
    for (size_t i = 0; s->table != NULL && i < s->count; i++) {
        GElf_Sym sym;
        if (gelf_getsym(s->table, (int)i, &sym) == NULL || sym.st_shndx == SHN_UNDEF
            || sym.st_shndx == SHN_ABS || sym.st_value > address || sym.st_value < *start)
            continue;
        int type = GELF_ST_TYPE(sym.st_info);
        if ((type != STT_FUNC && type != STT_NOTYPE)
            || (sym.st_size != 0 && address - sym.st_value >= sym.st_size))
            continue;
        if (!is_code_of(s, sym.st_shndx, address))
            continue;
        const char *name = elf_strptr(s->elf, s->strings, sym.st_name);
        if (name == NULL || *name == '\0')
            continue;
        best = name;
        *start = sym.st_value;
    }
    return best;
}

static void print_line(const struct symbols *s, uint64_t address, FILE *out)
{
    Dwarf_Die unit;
    int line;
    if (s->dwarf == NULL || s->addrdie(s->dwarf, address, &unit) == NULL)
        return;
    Dwarf_Line *found = s->getsrc(&unit, address);
    const char *file = found != NULL ? s->linesrc(found, NULL, NULL) : NULL;
    const char *twice = file != NULL ? strstr(file, "//") : NULL;
    if (twice != NULL)          /* nasm names the directory in both halves of a path */
        file = twice + 2;
    if (file != NULL && s->lineno(found, &line) == 0)
        fprintf(out, " (%s:%d)", file, line);
}

uint64_t symbols_print(struct symbols *s, uint64_t address, FILE *out)
{
    uint64_t start;
    if (s == NULL)
        return 0;
    const char *name = find(s, address, &start);
    if (name == NULL)
        return 0;
    fprintf(out, " %s+0x%" PRIx64, name, address - start);
    print_line(s, address, out);
    return start;
}
