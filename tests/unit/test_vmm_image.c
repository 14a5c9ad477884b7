/* links: vmm/image.c vmm/gmem.c */
/* An ELF file is refused with a phrase, or its segments are inside the file and
 * inside RAM: whatever its headers say. */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "vmm/image.h"

struct file {
    Elf64_Ehdr eh;
    Elf64_Phdr load[2], note;
    Elf64_Nhdr nh;
    char name[4];
    uint32_t entry;
    char code[64];
};

static struct file good(void)
{
    struct file f = {
        .eh = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
                .e_type = ET_EXEC,
                .e_machine = EM_X86_64,
                .e_version = EV_CURRENT,
                .e_phoff = offsetof(struct file, load),
                .e_ehsize = sizeof(Elf64_Ehdr),
                .e_phentsize = sizeof(Elf64_Phdr),
                .e_phnum = 3 },
        .load = { { .p_type = PT_LOAD,
                    .p_offset = offsetof(struct file, code),
                    .p_paddr = 0x100000,
                    .p_filesz = 64,
                    .p_memsz = 4096 },
                  { .p_type = PT_LOAD, .p_paddr = 0x200000, .p_memsz = 4096 } },
        .note = { .p_type = PT_NOTE,
                  .p_offset = offsetof(struct file, nh),
                  .p_filesz = sizeof(Elf64_Nhdr) + 8,
                  .p_align = 4 },
        .nh = { .n_namesz = 4, .n_descsz = 4, .n_type = 18 },
        .name = "Xen",
        .entry = 0x100010,
    };
    memset(f.code, 0x90, sizeof(f.code));
    return f;
}

static char placed[64]; /* the first segment of the last file that was placed */

/* What image_open() and then image_place() say in 8 MiB of RAM. */
static const char *try(const struct file *f, size_t len)
{
    char path[64];
    struct image im;
    struct gmem *mem;
    int fd = memfd_create("kernel", 0);
    assert_int_equal(write(fd, f, len), len);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    const char *wrong = image_open(&im, path);
    if (wrong == NULL) {
        assert_int_equal(gmem_create(&mem, 8 << 20), 0);
        wrong = image_place(&im, mem);
        if (wrong == NULL)
            memcpy(placed, gmem_span(mem, 0x100000, sizeof(placed)), sizeof(placed));
        gmem_destroy(mem);
        image_close(&im);
    }
    close(fd);
    return wrong;
}

static void a_good_file_is_placed(void **state)
{
    (void)state;
    struct file f = good();
    assert_null(try(&f, sizeof(f)));
    assert_memory_equal(placed, f.code, sizeof(placed));
}

#define REFUSED(change) \
    do { \
        struct file f = good(); \
        change; \
        assert_non_null(try(&f, sizeof(f))); \
    } while (0)

static void bad_headers_are_refused(void **state)
{
    (void)state;
    REFUSED(f.eh.e_ident[0] = 0);
    REFUSED(f.eh.e_ident[EI_CLASS] = ELFCLASS32);
    REFUSED(f.eh.e_machine = EM_386);
    REFUSED(f.eh.e_phnum = 0);
    REFUSED(f.eh.e_phoff = 1 << 20);
    REFUSED(f.eh.e_phoff = UINT64_MAX - 8);
    REFUSED(f.nh.n_type = 17);
    REFUSED(f.nh.n_namesz = 0xffffffff);
    REFUSED(f.nh.n_descsz = 0xfffffff0);
    REFUSED(f.note.p_offset = UINT64_MAX - 4);
    REFUSED(f.note.p_filesz = UINT64_MAX);
    REFUSED(f.entry = 0x300000);
}

static void bad_segments_are_refused(void **state)
{
    (void)state;
    REFUSED(f.load[0].p_offset = sizeof(f) - 10);
    REFUSED(f.load[0].p_offset = UINT64_MAX - 10);
    REFUSED(f.load[0].p_filesz = UINT64_MAX);
    REFUSED(f.load[0].p_filesz = 5000);
    REFUSED(f.load[0].p_memsz = UINT64_MAX);
    REFUSED(f.load[1].p_paddr = UINT64_MAX - 100);
    REFUSED(f.load[1].p_paddr = 0x100800);
    REFUSED(f.load[1].p_paddr = 0xf0000);
    REFUSED(f.load[1].p_paddr = 8 << 20);
    REFUSED(f.load[1].p_memsz = 8 << 20);
    REFUSED(f.load[1].p_paddr = 1ull << 32);
}

static void short_files_are_refused(void **state)
{
    (void)state;
    struct file f = good();
    for (size_t len = 0; len < offsetof(struct file, code) + sizeof(f.code); len++)
        assert_non_null(try(&f, len));
}

static void random_damage_is_survived(void **state)
{
    (void)state;
    srand(1);
    for (int round = 0; round < 20000; round++) {
        struct file f = good();
        for (int i = rand() % 8; i >= 0; i--)
            ((uint8_t *)&f)[(size_t)rand() % offsetof(struct file, code)] = (uint8_t)rand();
        try(&f, sizeof(f));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_file_is_placed),     cmocka_unit_test(bad_headers_are_refused),
        cmocka_unit_test(bad_segments_are_refused),  cmocka_unit_test(short_files_are_refused),
        cmocka_unit_test(random_damage_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
