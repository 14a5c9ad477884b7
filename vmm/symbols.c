/* symbols.c - see symbols.h. */
#include "vmm/symbols.h"

#include <elfutils/libdw.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct symbols {
    Elf *elf;
    Elf_Data *table;       /* .symtab; NULL: stripped */
    size_t count, strings; /* strings: section of the names */
    Dwarf *dwarf;          /* NULL: no source lines */
    uint64_t shift;        /* the kernel runs this far from where it is linked */
};

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
    s->dwarf = dwarf_begin_elf(s->elf, DWARF_C_READ, NULL);
    return s;
}

void symbols_shift(struct symbols *s, uint64_t by)
{
    if (s != NULL)
        s->shift = by;
}

void symbols_close(struct symbols *s)
{
    if (s == NULL)
        return;
    if (s->dwarf != NULL)
        dwarf_end(s->dwarf);
    elf_end(s->elf);
    free(s);
}

static bool is_code_of(const struct symbols *s, size_t section, uint64_t address)
{
    GElf_Shdr sh;
    return gelf_getshdr(elf_getscn(s->elf, section), &sh) != NULL &&
           (sh.sh_flags & SHF_EXECINSTR) && address - sh.sh_addr < sh.sh_size;
}

/* The last symbol of code at or below the address, in the address's section. */
static const char *find(const struct symbols *s, uint64_t address, uint64_t *start)
{
    const char *best = NULL;
    *start = 0;
    for (size_t i = 0; s->table != NULL && i < s->count; i++) {
        GElf_Sym sym;
        if (gelf_getsym(s->table, (int)i, &sym) == NULL || sym.st_shndx == SHN_UNDEF ||
            sym.st_shndx == SHN_ABS || sym.st_value > address || sym.st_value < *start)
            continue;
        int type = GELF_ST_TYPE(sym.st_info);
        if ((type != STT_FUNC && type != STT_NOTYPE) ||
            (sym.st_size != 0 && address - sym.st_value >= sym.st_size))
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
    if (s->dwarf == NULL || dwarf_addrdie(s->dwarf, address, &unit) == NULL)
        return;
    Dwarf_Line *found = dwarf_getsrc_die(&unit, address);
    const char *file = found != NULL ? dwarf_linesrc(found, NULL, NULL) : NULL;
    const char *twice = file != NULL ? strstr(file, "//") : NULL;
    if (twice != NULL) /* nasm names the directory in both halves of a path */
        file = twice + 2;
    if (file != NULL && dwarf_lineno(found, &line) == 0)
        fprintf(out, " (%s:%d)", file, line);
}

uint64_t symbols_print(struct symbols *s, uint64_t address, FILE *out)
{
    uint64_t start;
    if (s == NULL)
        return 0;
    uint64_t shift = s->shift;
    const char *name = find(s, address - shift, &start);
    if (name == NULL && shift != 0) { /* what has stayed: the stub */
        shift = 0;
        name = find(s, address, &start);
    }
    if (name == NULL)
        return 0;
    fprintf(out, " %s+0x%" PRIx64, name, address - shift - start);
    print_line(s, address - shift, out);
    return start + shift;
}

static const uint8_t *bytes_at(const struct symbols *s, uint64_t at, size_t n)
{
    Elf_Scn *section = NULL;
    while ((section = elf_nextscn(s->elf, section)) != NULL) {
        GElf_Shdr sh;
        Elf_Data *data;
        if (gelf_getshdr(section, &sh) == NULL || !(sh.sh_flags & SHF_EXECINSTR) ||
            at < sh.sh_addr || at - sh.sh_addr >= sh.sh_size)
            continue;
        data = elf_rawdata(section, NULL);
        if (data == NULL || data->d_buf == NULL || data->d_size < n ||
            data->d_size - n < at - sh.sh_addr)
            return NULL;
        return (const uint8_t *)data->d_buf + (at - sh.sh_addr);
    }
    return NULL;
}

const uint8_t *symbols_code(struct symbols *s, uint64_t address, uint64_t *start, size_t *n)
{
    *n = 0;
    if (s == NULL || find(s, address - s->shift - 1, start) == NULL)
        return NULL;
    *n = (size_t)(address - s->shift - *start);
    const uint8_t *code = bytes_at(s, *start, *n);
    *start += s->shift;
    return code;
}
