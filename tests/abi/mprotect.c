/* mprotect: rights are enforced page by page, splits and merges do not matter, contents
 * stay, holes are ENOMEM, execution needs PROT_EXEC. */
#include "check.h"

/* What was opened for reading is never written, though its memory is no file's: /dev/zero's. */
static void read_only_shared(void)
{
    int fd = open("/dev/zero", O_RDONLY);
    volatile char *p = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0);

    CHECK_EQ(p[0], 0);
    CHECK_ERR(EACCES, mprotect((void *)p, PAGE, PROT_READ | PROT_WRITE));
    CHECK_ERR(EACCES, mprotect((void *)p, 2 * PAGE, PROT_WRITE));
    CHECK_DIES(SIGSEGV, p[0] = 1);
    CHECK(mprotect((void *)p, PAGE, PROT_NONE) == 0 && mprotect((void *)p, PAGE, PROT_READ) == 0);
    CHECK_EQ(CHILD(CHECK_ERR(EACCES, mprotect((void *)p, PAGE, PROT_WRITE))), 0);
    CHECK(mmap((void *)p, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == p);
    CHECK(mprotect((void *)p, PAGE, PROT_READ | PROT_WRITE) == 0);
    p[0] = 1;
    close(fd);
}

static void test(void)
{
    volatile char *p = map_pages(8);

    memset((void *)p, 1, 8 * PAGE);
    for (int i = 0; i < 8; i += 2)
        CHECK(mprotect((void *)(p + i * PAGE), PAGE, PROT_READ) == 0);
    for (int i = 0; i < 8; i++) {
        int status = CHILD(p[i * PAGE] = 2);
        CHECK_EQ(status & ~0x80, i % 2 ? 0 : SIGSEGV);
    }
    CHECK(mprotect((void *)p, 8 * PAGE, PROT_NONE) == 0);
    CHECK_DIES(SIGSEGV, (void)p[3 * PAGE]);
    CHECK(mprotect((void *)p, 8 * PAGE, PROT_READ | PROT_WRITE) == 0);
    for (int i = 0; i < 8; i++)
        CHECK_EQ(p[i * PAGE], 1);
    CHECK(munmap((void *)(p + 4 * PAGE), PAGE) == 0);
    CHECK_ERR(ENOMEM, mprotect((void *)p, 8 * PAGE, PROT_READ));
    CHECK_DIES(SIGSEGV, p[0] = 1); /* done up to the hole */
    CHECK_ERR(EINVAL, syscall(SYS_mprotect, p + 1, PAGE, PROT_READ));
    CHECK_ERR(EINVAL, mprotect((void *)p, PAGE, 0x10000));
    CHECK(mprotect((void *)p, 0, PROT_READ) == 0);

    unsigned char *code = (void *)map_pages(1);
    memcpy(code, "\xb8\x2a\0\0\0\xc3", 6); /* mov $42, %eax; ret */
    CHECK_DIES(SIGSEGV, ((int (*)(void))code)());
    CHECK(mprotect(code, PAGE, PROT_READ | PROT_EXEC) == 0);
    CHECK_EQ(((int (*)(void))code)(), 42);
    CHECK_DIES(SIGSEGV, code[0] = 0);
    /* a system call checks rights, too */
    int fds[2];
    CHECK(pipe(fds) == 0 && write(fds[1], "abc", 3) == 3);
    CHECK_ERR(EFAULT, read(fds[0], code, 3));
    CHECK(mprotect(code, PAGE, PROT_NONE) == 0);
    CHECK_ERR(EFAULT, write(fds[1], code, 3));
    read_only_shared();
}
