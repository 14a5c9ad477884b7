/* brk grows and shrinks, new memory is zero; the stack grows by itself down to its limit,
 * not beyond; MADV_DONTNEED makes private pages zero again and re-reads files. */
#include "check.h"

static __attribute__((noinline)) int use_stack(int pages)
{
    volatile char big[4096];

    big[0] = pages;
    return pages > 0 ? use_stack(pages - 1) + big[0] - big[0] : 0;
}

static void test(void)
{
    long start = syscall(SYS_brk, 0);

    CHECK_EQ(syscall(SYS_brk, start + 10 * PAGE), start + 10 * PAGE);
    volatile char *p = (char *)start;
    for (int i = 0; i < 10 * PAGE; i += 512)
        if (p[i] != 0)
            CHECK_EQ(p[i], 0);
    p[9 * PAGE] = 1;
    CHECK_EQ(syscall(SYS_brk, start + PAGE + 1), start + PAGE + 1);
    CHECK_EQ(syscall(SYS_brk, start + 10 * PAGE), start + 10 * PAGE);
    CHECK_EQ(p[9 * PAGE], 0);
    CHECK_EQ(syscall(SYS_brk, 0), start + 10 * PAGE);
    CHECK_EQ(syscall(SYS_brk, PAGE), start + 10 * PAGE);
    CHECK_EQ(syscall(SYS_brk, start), start);
    CHECK_DIES(SIGSEGV, (void)p[2 * PAGE]);
    CHECK_EQ(CHILD({
                 struct rlimit limit = { 1 << 20, RLIM_INFINITY };
                 setrlimit(RLIMIT_DATA, &limit);
                 CHECK_EQ(syscall(SYS_brk, start + (2 << 20)), start);
             }),
             0);

    struct rlimit small = { 512 * 1024, RLIM_INFINITY }, big = { 8 << 20, RLIM_INFINITY };
    setrlimit(RLIMIT_STACK, &small);
    CHECK_EQ(CHILD(use_stack(60)), 0);
    CHECK_DIES(SIGSEGV, use_stack(200));
    setrlimit(RLIMIT_STACK, &big);
    CHECK_EQ(CHILD(use_stack(1500)), 0);
    CHECK_DIES(SIGSEGV, use_stack(3000));

    p = map_pages(4);
    memset((void *)p, 5, 4 * PAGE);
    CHECK(madvise((void *)(p + PAGE), 2 * PAGE, MADV_DONTNEED) == 0);
    CHECK(p[0] == 5 && p[PAGE] == 0 && p[2 * PAGE] == 0 && p[3 * PAGE] == 5);
    write_file("file", "on disk");
    int fd = open("file", O_RDWR);
    volatile char *f = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    f[0] = 'X';
    CHECK(madvise((void *)f, PAGE, MADV_DONTNEED) == 0);
    CHECK_EQ(f[0], 'o');
    CHECK_ERR(EINVAL, madvise((void *)(p + 1), PAGE, MADV_DONTNEED));
    CHECK_ERR(EINVAL, madvise((void *)p, PAGE, 9999));
    munmap((void *)(p + PAGE), PAGE);
    CHECK_ERR(ENOMEM, madvise((void *)p, 4 * PAGE, MADV_DONTNEED));
    CHECK_EQ(p[0], 0);
    unsigned char vec[4];
    f = map_pages(3);
    f[PAGE] = 1;
    CHECK(mincore((void *)f, 3 * PAGE, vec) == 0);
    SAY("resident: %d %d %d\n", vec[0] & 1, vec[1] & 1, vec[2] & 1);
    munmap((void *)f, PAGE);
    CHECK_ERR(ENOMEM, mincore((void *)f, 3 * PAGE, vec));
}
