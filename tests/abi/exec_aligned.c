/* A position-independent program whose segments want more than a page's alignment has it, with and
 * without addresses that are drawn. */
#include "check.h"
#include <elf.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/stat.h>

struct image {
    Elf64_Ehdr head;
    Elf64_Phdr load;
    unsigned char code[40];
};

/* Exit status 0: it began at a multiple of align, which is a power of two. */
static int began_at(uint64_t align)
{
    static char *none[] = { "x", NULL };
    struct image im = {
        .head = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
                  .e_type = ET_DYN,
                  .e_machine = EM_X86_64,
                  .e_version = EV_CURRENT,
                  .e_entry = offsetof(struct image, code),
                  .e_phoff = offsetof(struct image, load),
                  .e_ehsize = sizeof(Elf64_Ehdr),
                  .e_phentsize = sizeof(Elf64_Phdr),
                  .e_phnum = 1 },
        .load = { .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_align = align },
    };
    /* lea the beginning, %rdi; and $align - 1, %edi; test %edi, %edi; setne %dil;
     * movzbl %dil, %edi; mov $60, %eax; syscall */
    static const unsigned char code[] = { 0x48, 0x8d, 0x3d, 0,    0,    0,    0,    0x81,
                                          0xe7, 0,    0,    0,    0,    0x85, 0xff, 0x40,
                                          0x0f, 0x95, 0xc7, 0x40, 0x0f, 0xb6, 0xff, 0xb8,
                                          60,   0,    0,    0,    0x0f, 0x05 };
    int32_t back = -(int32_t)(offsetof(struct image, code) + 7);
    uint32_t mask = (uint32_t)align - 1;
    int fd = memfd_create("aligned", 0);

    im.load.p_filesz = im.load.p_memsz = sizeof im;
    memcpy(im.code, code, sizeof code);
    memcpy(im.code + 3, &back, 4);
    memcpy(im.code + 9, &mask, 4);
    CHECK_EQ(write(fd, &im, sizeof im), sizeof im);
    CHECK_EQ(fchmod(fd, 0700), 0);
    int status = CHILD(fexecve(fd, none, none); _exit(99));
    close(fd);
    return status;
}

static void test(void)
{
    for (int fixed = 0; fixed < 2; fixed++) {
        CHECK(personality(fixed ? ADDR_NO_RANDOMIZE : 0) >= 0);
        for (int i = 0; i < 4; i++) {
            CHECK_EQ(began_at(0x1000), 0);
            CHECK_EQ(began_at(0x200000), 0);
            CHECK_EQ(began_at(0x1000000), 0);
        }
    }
    SAY("done\n");
}
