/* mmap and munmap: anonymous memory is zero, holes fault, MAP_FIXED replaces,
 * MAP_FIXED_NOREPLACE does not, addresses and errors. */
#include "check.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static void test(void)
{
    volatile char *p = map_pages(5);

    for (long i = 0; i < 5 * PAGE; i++)
        if (p[i] != 0) {
            CHECK(!"new memory is zero");
            break;
        }
    memset((void *)p, 7, 5 * PAGE);
    CHECK(munmap((void *)(p + PAGE), PAGE) == 0);
    CHECK(munmap((void *)(p + 3 * PAGE), PAGE) == 0);
    CHECK(munmap((void *)(p + PAGE), 3 * PAGE) == 0); /* holes are fine */
    CHECK(munmap((void *)(p + PAGE), 3 * PAGE) == 0);
    CHECK(p[0] == 7 && p[4 * PAGE] == 7);
    CHECK_DIES(SIGSEGV, (void)p[PAGE]);
    CHECK_DIES(SIGSEGV, (void)p[2 * PAGE]);
    CHECK(mmap((void *)(p + PAGE), PAGE, RW, ANON | MAP_FIXED, -1, 0) == p + PAGE);
    CHECK(p[PAGE] == 0);
    p[PAGE] = 9;
    CHECK(mmap((void *)p, 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0) == p);
    CHECK(p[0] == 0 && p[PAGE] == 0);
    CHECK_ERR(EEXIST, mmap((void *)p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
    CHECK(mmap((void *)(p + 2 * PAGE), PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) ==
          p + 2 * PAGE);
    /* a hint that is taken gives another place */
    void *hint = mmap((void *)p, PAGE, RW, ANON, -1, 0);
    CHECK(hint != MAP_FAILED && hint != p);
    CHECK_ERR(EINVAL, mmap(NULL, 0, RW, ANON, -1, 0));
    CHECK_ERR(EINVAL, mmap((void *)(p + 1), PAGE, RW, ANON | MAP_FIXED, -1, 0));
    CHECK_ERR(EINVAL, mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0));
    CHECK_ERR(EBADF, mmap(NULL, PAGE, RW, MAP_PRIVATE, 99, 0));
    CHECK_ERR(ENOMEM, mmap(NULL, 1UL << 47, RW, ANON, -1, 0));
    CHECK_ERR(ENOMEM, mmap((void *)0xffff800000000000UL, PAGE, RW, ANON | MAP_FIXED, -1, 0));
    CHECK_ERR(EINVAL, munmap((void *)(p + 1), PAGE));
    CHECK_ERR(EINVAL, munmap((void *)p, 0));
    CHECK_ERR(EINVAL, munmap((void *)0xffff800000000000UL, PAGE));
    CHECK(mmap(NULL, 10L << 30, RW, ANON | MAP_NORESERVE, -1, 0) != MAP_FAILED);
    CHECK_EQ(CHILD({
                 struct rlimit limit = { 32 << 20, 32 << 20 };
                 setrlimit(RLIMIT_AS, &limit);
                 CHECK_ERR(ENOMEM, mmap(NULL, 64 << 20, RW, ANON, -1, 0));
             }),
             0);
}
