/* links: guest/proc/elf.c */
/* What exec believes of a file's headers: good ones are understood, and hostile
 * ones are refused before anything is mapped.  A script's first line is cut as
 * Linux cuts it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "arch/uaccess.h"
#include "proc/elf.h"

uint64_t user_end = 0x00007ffffffff000;

#define BASE 0x400000ull

struct file {
    Elf64_Ehdr eh;
    Elf64_Phdr ph[4];
};

/* Text and data of a static program, a note, and a stack without rights to execute. */
static struct file good(void)
{
    struct file f = { 0 };

    memcpy(f.eh.e_ident, ELFMAG, SELFMAG);
    f.eh.e_ident[EI_CLASS] = ELFCLASS64;
    f.eh.e_ident[EI_DATA] = ELFDATA2LSB;
    f.eh.e_type = ET_EXEC;
    f.eh.e_machine = EM_X86_64;
    f.eh.e_phentsize = sizeof(Elf64_Phdr);
    f.eh.e_phnum = 4;
    f.eh.e_phoff = offsetof(struct file, ph);
    f.eh.e_entry = BASE + 0x1000;
    f.ph[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
                            .p_flags = PF_R | PF_X,
                            .p_vaddr = BASE,
                            .p_filesz = 0x5000,
                            .p_memsz = 0x5000 };
    f.ph[1] = (Elf64_Phdr){ .p_type = PT_LOAD,
                            .p_flags = PF_R | PF_W,
                            .p_vaddr = BASE + 0x6e10,
                            .p_offset = 0x5e10,
                            .p_filesz = 0x200,
                            .p_memsz = 0x3000 };
    f.ph[2] = (Elf64_Phdr){ .p_type = PT_NOTE };
    f.ph[3] = (Elf64_Phdr){ .p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W };
    return f;
}

static int check(const struct file *f)
{
    struct elf_image img;
    int err = elf_check_header(&f->eh);

    return err != 0 ? err : elf_layout(&f->eh, f->ph, &img);
}

static void understands_a_program(void **state)
{
    struct file f = good();
    struct elf_image img;

    (void)state;
    assert_int_equal(elf_check_header(&f.eh), 0);
    assert_int_equal(elf_layout(&f.eh, f.ph, &img), 0);
    assert_int_equal(img.nsegments, 2);
    assert_int_equal(img.start, BASE);
    assert_int_equal(img.end, BASE + 0xa000);
    assert_int_equal(img.phdr, BASE + offsetof(struct file, ph));
    assert_int_equal(img.bss_end, BASE + 0x6e10 + 0x3000);
    assert_int_equal(img.data_end, BASE + 0x6e10 + 0x200);
    assert_int_equal(img.code_end, BASE + 0x5000);
    assert_int_equal(img.interp_len, 0);
    assert_false(img.exec_stack);
}

/* Each line breaks one thing. */
static void refuses_a_bad_header(void **state)
{
    struct file f;

    (void)state;
#define REFUSED(change) \
    do { \
        f = good(); \
        change; \
        assert_int_equal(check(&f), -ENOEXEC); \
    } while (0)
    REFUSED(f.eh.e_ident[1] = 'e');
    REFUSED(f.eh.e_ident[EI_CLASS] = ELFCLASS32);
    REFUSED(f.eh.e_ident[EI_DATA] = ELFDATA2MSB);
    REFUSED(f.eh.e_machine = EM_386);
    REFUSED(f.eh.e_type = ET_REL);
    REFUSED(f.eh.e_type = ET_CORE);
    REFUSED(f.eh.e_phentsize = 32);
    REFUSED(f.eh.e_phnum = 0);
    REFUSED(f.eh.e_phnum = 0xffff);
    REFUSED(f.eh.e_phoff = UINT64_MAX - 8);
    REFUSED(f.eh.e_entry = 0);
    REFUSED(f.eh.e_entry = BASE + 0xa000);
}

static void refuses_bad_segments(void **state)
{
    struct file f;

    (void)state;
    REFUSED(f.ph[0].p_type = f.ph[1].p_type = PT_NULL);
    REFUSED(f.ph[1].p_filesz = 0x3001);        /* more in the file than in memory */
    REFUSED(f.ph[1].p_vaddr = 0x7ffffffff000); /* at and over the end of user memory */
    REFUSED(f.ph[1].p_memsz = UINT64_MAX - 0x100);
    REFUSED(f.ph[1].p_memsz = 0x800000000000);
    REFUSED(f.ph[1].p_vaddr = 0xffffffff80000e10);  /* the kernel's */
    REFUSED(f.ph[1].p_offset = 0x5e11);             /* not the same place in its page */
    REFUSED(f.ph[1].p_offset = UINT64_MAX - 0x1ef); /* the file position wraps */
    REFUSED(f.ph[1].p_vaddr = BASE + 0x4e10);       /* over the first one */
    REFUSED(f.ph[1].p_vaddr = 0x1e10);              /* before it */
    REFUSED(f.ph[0].p_vaddr = 0; f.eh.e_entry = 0x1000; f.ph[0].p_memsz = 0x5000); /* page 0 */
    REFUSED(f.ph[2].p_type = PT_INTERP); /* an empty name */
    REFUSED(f.ph[2].p_type = PT_INTERP; f.ph[2].p_filesz = 1 << 20);
#undef REFUSED
}

static void too_many_segments(void **state)
{
    Elf64_Phdr ph[ELF_MAX_SEGMENTS + 1];
    struct file f = good();
    struct elf_image img;

    (void)state;
    for (unsigned i = 0; i <= ELF_MAX_SEGMENTS; i++)
        ph[i] =
            (Elf64_Phdr){ .p_type = PT_LOAD, .p_vaddr = BASE + i * 0x1000ull, .p_memsz = 0x1000 };
    f.eh.e_phnum = ELF_MAX_SEGMENTS;
    assert_int_equal(elf_layout(&f.eh, ph, &img), 0);
    f.eh.e_phnum = ELF_MAX_SEGMENTS + 1;
    assert_int_equal(elf_layout(&f.eh, ph, &img), -ENOEXEC);
}

/* Random bytes in the headers: refused or laid out, never out of bounds. */
static void survives_noise(void **state)
{
    (void)state;
    srand(1);
    for (int i = 0; i < 200000; i++) {
        struct file f = good();
        for (int k = rand() % 6; k >= 0; k--) {
            size_t at = (size_t)rand() % sizeof f;
            ((unsigned char *)&f)[at] = (unsigned char)(rand() % 3 == 0 ? 0xff : rand());
        }
        f.eh.e_phnum = f.eh.e_phnum > 4 ? 4 : f.eh.e_phnum; /* as many as there are */
        struct elf_image img;
        if (elf_check_header(&f.eh) != 0 || elf_layout(&f.eh, f.ph, &img) != 0)
            continue;
        assert_true(img.start < img.end && img.end <= 0x7ffffffff000);
        for (unsigned s = 0; s < img.nsegments; s++) {
            assert_true(img.segment[s].vaddr >= img.start);
            assert_true(img.segment[s].vaddr + img.segment[s].memsz <= img.end);
            assert_true(img.segment[s].filesz <= img.segment[s].memsz);
        }
    }
}

static void script(const char *text, int err, const char *interp, const char *arg)
{
    char line[257], *i = NULL, *a = NULL;
    size_t n = strlen(text);

    memcpy(line, text, n);
    assert_int_equal(script_parse(line, n, 256, &i, &a), err);
    if (err != 0)
        return;
    assert_string_equal(i, interp);
    if (arg != NULL)
        assert_string_equal(a, arg);
    else
        assert_null(a);
}

static void cuts_script_lines(void **state)
{
    char longline[257];

    (void)state;
    script("#!/bin/sh\necho", 0, "/bin/sh", NULL);
    script("#!/bin/sh", 0, "/bin/sh", NULL); /* no newline at all */
    script("#!", -EACCES, NULL, NULL);       /* Linux: the name is "" */
    script("#! \t/bin/sh -e \t\nx", 0, "/bin/sh", "-e");
    script("#!/bin/awk -f  x y\n", 0, "/bin/awk", "-f  x y"); /* one argument */
    script("#!/bin/sh\t-x\n", 0, "/bin/sh", "-x");
    script("#!\n/bin/sh", -ENOEXEC, NULL, NULL);
    script("#!   \n", -ENOEXEC, NULL, NULL);
    script("#/bin/sh\n", -ENOEXEC, NULL, NULL);
    script("", -ENOEXEC, NULL, NULL);
    memset(longline, 'a', 256); /* the name may go on */
    longline[256] = '\0';
    memcpy(longline, "#!/", 3);
    script(longline, -ENOEXEC, NULL, NULL);
    longline[100] = ' '; /* an argument may be cut */
    char name[128];
    memcpy(name, longline + 2, 98);
    name[98] = '\0';
    script(longline, 0, name, longline + 101);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(understands_a_program), cmocka_unit_test(refuses_a_bad_header),
        cmocka_unit_test(refuses_bad_segments),  cmocka_unit_test(too_many_segments),
        cmocka_unit_test(survives_noise),        cmocka_unit_test(cuts_script_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
