/* image.c - an ELF64 kernel with a PVH note, from a file nobody vouches for.
 *
 * libelf parses; this file believes nothing it says.  The sums of two fields
 * are formed only after a comparison has shown that they do not overflow.
 * The entry point is that of XEN_ELFNOTE_PHYS32_ENTRY, the address where a
 * 32-bit protected mode start is wanted; e_entry is not used. */
#include "vmm/image.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define XEN_ELFNOTE_PHYS32_ENTRY 18

static const char *add_segment(struct image *im, const GElf_Phdr *ph, uint64_t file_size)
{
    if (ph->p_memsz == 0)
        return NULL;
    if (im->nseg == IMAGE_SEGMENTS)
        return "more loadable segments than any kernel has";
    if (ph->p_filesz > ph->p_memsz)
        return "a segment has more bytes in the file than in memory";
    if (ph->p_offset > file_size || ph->p_filesz > file_size - ph->p_offset)
        return "a segment reaches past the end of the file";
    if (ph->p_paddr > UINT64_MAX - ph->p_memsz)
        return "a segment wraps around the end of memory";
    if (image_overlap(im, ph->p_paddr, ph->p_memsz) != NULL)
        return "two segments overlap";
    im->seg[im->nseg++] = (struct image_segment){
        .vaddr = ph->p_vaddr,
        .paddr = ph->p_paddr,
        .offset = ph->p_offset,
        .filesz = ph->p_filesz,
        .memsz = ph->p_memsz,
    };
    return NULL;
}

static bool is_note(const GElf_Nhdr *note, const char *at, uint32_t type, const char *name)
{
    return note->n_type == type && note->n_namesz == strlen(name) + 1 &&
           memcmp(at, name, note->n_namesz) == 0;
}

/* Looks at the notes in one PT_NOTE segment.  True: the PVH entry is there. */
static bool read_notes(struct image *im, Elf *elf, const GElf_Phdr *ph, uint64_t file_size)
{
    bool found = false;
    if (ph->p_offset > file_size || ph->p_filesz > file_size - ph->p_offset)
        return false;
    Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t)ph->p_offset, ph->p_filesz,
                                          ph->p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
    GElf_Nhdr note;
    size_t name, desc, at = 0;
    while (data != NULL && (at = gelf_getnote(data, at, &note, &name, &desc)) > 0) {
        const char *bytes = data->d_buf;
        if (is_note(&note, bytes + name, KERNEL_NOTE_TYPE, KERNEL_NOTE_NAME) &&
            note.n_descsz >= sizeof(im->note)) {
            im->is_ours = true;
            memcpy(&im->note, bytes + desc, sizeof(im->note));
        } else if (is_note(&note, bytes + name, KERNEL_NOTE_RING3, KERNEL_NOTE_NAME) &&
                   note.n_descsz == sizeof(struct kernel_note_ring3)) {
            struct kernel_note_ring3 ring3;
            memcpy(&ring3, bytes + desc, sizeof(ring3));
            im->has_ring3 = true;
            im->ring3_shift = ring3.to - ring3.from;
        } else if (!found && is_note(&note, bytes + name, XEN_ELFNOTE_PHYS32_ENTRY, "Xen") &&
                   (note.n_descsz == 4 || note.n_descsz == 8)) {
            uint64_t value = 0;
            memcpy(&value, bytes + desc, note.n_descsz);
            im->entry = (uint32_t)value;
            found = value <= UINT32_MAX;
        }
    }
    return found;
}

static void read_dynamic(struct image *im, Elf *elf, const GElf_Phdr *ph, uint64_t file_size)
{
    if (ph->p_offset > file_size || ph->p_filesz > file_size - ph->p_offset)
        return;
    Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t)ph->p_offset, ph->p_filesz, ELF_T_DYN);
    GElf_Dyn d;
    for (int i = 0; data != NULL && gelf_getdyn(data, i, &d) != NULL && d.d_tag != DT_NULL; i++) {
        if (d.d_tag == DT_RELR)
            im->relr = d.d_un.d_ptr;
        else if (d.d_tag == DT_RELRSZ)
            im->relr_bytes = d.d_un.d_val;
    }
}

static const char *read_headers(struct image *im, Elf *elf, uint64_t file_size)
{
    GElf_Ehdr eh;
    size_t n;
    if (elf == NULL || elf_kind(elf) != ELF_K_ELF || gelf_getehdr(elf, &eh) == NULL)
        return "not an ELF file";
    if (eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_ident[EI_DATA] != ELFDATA2LSB ||
        eh.e_machine != EM_X86_64)
        return "not an ELF file for x86-64";
    if (elf_getphdrnum(elf, &n) != 0 || n == 0)
        return "no program headers; not a kernel";

    bool found = false;
    for (size_t i = 0; i < n; i++) {
        GElf_Phdr ph;
        const char *wrong = NULL;
        if (gelf_getphdr(elf, (int)i, &ph) == NULL)
            return "program headers reach past the end of the file";
        if (ph.p_type == PT_LOAD)
            wrong = add_segment(im, &ph, file_size);
        else if (ph.p_type == PT_NOTE)
            found |= read_notes(im, elf, &ph, file_size);
        else if (ph.p_type == PT_DYNAMIC)
            read_dynamic(im, elf, &ph, file_size);
        if (wrong != NULL)
            return wrong;
    }
    if (!found)
        return "no PVH entry note (Xen, type 18); not a kernel that can start here";
    if (image_overlap(im, im->entry, 1) == NULL)
        return "the PVH entry point is outside all segments";
    return NULL;
}

const char *image_open(struct image *im, const char *path)
{
    struct stat st;
    *im = (struct image){ .path = path, .fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) };
    if (im->fd < 0)
        return strerror(errno);
    const char *wrong;
    if (fstat(im->fd, &st) != 0) {
        wrong = strerror(errno);
    } else if (!S_ISREG(st.st_mode)) {
        wrong = "not a regular file";
    } else {
        elf_version(EV_CURRENT);
        Elf *elf = elf_begin(im->fd, ELF_C_READ, NULL);
        wrong = read_headers(im, elf, (uint64_t)st.st_size);
        elf_end(elf);
    }
    if (wrong != NULL)
        image_close(im);
    return wrong;
}

void image_close(struct image *im)
{
    if (im->fd >= 0)
        close(im->fd);
    im->fd = -1;
}

const struct image_segment *image_overlap(const struct image *im, uint64_t start, uint64_t len)
{
    for (unsigned i = 0; i < im->nseg; i++) {
        const struct image_segment *s = &im->seg[i];
        if (start < s->paddr + s->memsz && s->paddr < start + len)
            return s;
    }
    return NULL;
}

uint64_t image_least_memory(const struct image *im, unsigned cpus)
{
    return ((uint64_t)im->note.least_kib + (uint64_t)cpus * im->note.per_cpu_kib) << 10;
}

const char *image_place(const struct image *im, struct gmem *mem)
{
    if (image_overlap(im, BOOT_RESERVED_START, BOOT_RESERVED_END - BOOT_RESERVED_START) != NULL)
        return "a segment lies where the PC's BIOS area is (0xa0000 to 1 MiB)";
    for (unsigned i = 0; i < im->nseg; i++) {
        const struct image_segment *s = &im->seg[i];
        if (gmem_span(mem, s->paddr, s->memsz) == NULL)
            return "does not fit into guest RAM; try a larger --memory";
        int err = gmem_place_file(mem, s->paddr, im->fd, s->offset, s->filesz);
        if (err != 0)
            return strerror(-err);
    }
    return NULL;
}

/* Guest RAM behind an address of the image as it is linked, 8 bytes and aligned, or NULL. */
static uint64_t *linked_word(const struct image *im, const struct gmem *mem, uint64_t va)
{
    for (unsigned i = 0; i < im->nseg; i++) {
        const struct image_segment *s = &im->seg[i];
        uint64_t into = va - s->vaddr;
        if (va >= s->vaddr && into < s->memsz && s->memsz - into >= 8 && va % 8 == 0 &&
            (s->paddr + into) % 8 == 0)
            return gmem_span(mem, s->paddr + into, 8);
    }
    return NULL;
}

/* Packed relative relocations: an even word is the address of a word to move, an odd one a
 * map of which of the 63 words behind the last of those are moved, too. */
const char *image_move_to_ring3(const struct image *im, struct gmem *mem)
{
    static const char wrong[] = "its relocations are not within the image";
    uint64_t next = 0;
    for (uint64_t done = 0; done + 8 <= im->relr_bytes; done += 8) {
        const uint64_t *entry = linked_word(im, mem, im->relr + done);
        if (entry == NULL)
            return wrong;
        uint64_t map = *entry & 1 ? *entry >> 1 : 1;
        uint64_t at = *entry & 1 ? next : *entry;
        next = at + (*entry & 1 ? 63 : 1) * 8;
        for (; map != 0; map >>= 1, at += 8) {
            uint64_t *word = map & 1 ? linked_word(im, mem, at) : NULL;
            if (word != NULL)
                *word += im->ring3_shift;
            else if (map & 1)
                return wrong;
        }
    }
    return NULL;
}
