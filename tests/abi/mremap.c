/* mremap: shrink, grow in place or by moving, contents move along, MREMAP_FIXED; errors. */
#include "check.h"

static int mapped(char *p) { return msync(p, PAGE, 0) == 0; }

/* What is behind the new end goes, though it be several mappings with holes between them; but what
 * moves or grows is one. */
static void several(void)
{
    char *p = map_pages(6), *to = map_pages(6);

    CHECK(mprotect(p + PAGE, PAGE, PROT_READ) == 0 && munmap(p + 3 * PAGE, PAGE) == 0);
    CHECK_ERR(EFAULT, mremap(p, 3 * PAGE, 7 * PAGE, MREMAP_MAYMOVE));
    CHECK_ERR(EFAULT, mremap(p + 3 * PAGE, 2 * PAGE, PAGE, 0));
    CHECK(mremap(p, 3 * PAGE, 3 * PAGE, 0) == p);
    CHECK(mremap(p, 5 * PAGE, 2 * PAGE, 0) == p);
    CHECK(mapped(p) && mapped(p + PAGE) && !mapped(p + 2 * PAGE) && !mapped(p + 4 * PAGE));
    CHECK(mapped(p + 5 * PAGE));
    p[0] = 5;
    CHECK(mremap(p, 2 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
    CHECK(to[0] == 5 && !mapped(p) && !mapped(p + PAGE));
}

static void test(void)
{
    char *p = map_pages(6), *q;

    for (int i = 0; i < 6; i++)
        p[i * PAGE] = i + 1;
    CHECK(mremap(p, 6 * PAGE, 4 * PAGE, 0) == p);
    CHECK_DIES(SIGSEGV, (void)*(volatile char *)(p + 4 * PAGE));
    mmap(p + 4 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK_ERR(ENOMEM, mremap(p, 4 * PAGE, 8 * PAGE, 0));
    q = mremap(p, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
    CHECK(q != MAP_FAILED && q != p);
    for (int i = 0; i < 8; i++)
        CHECK_EQ(q[i * PAGE], i < 4 ? i + 1 : 0);
    CHECK_DIES(SIGSEGV, (void)*(volatile char *)p);
    char *to = map_pages(3);
    to[0] = 99;
    CHECK(mremap(q, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
    CHECK(to[0] == 1 && to[PAGE] == 2 && to[2 * PAGE] == 0);
    CHECK(q[2 * PAGE] == 3);
    CHECK_ERR(EINVAL, mremap(to + 1, PAGE, PAGE, 0));
    CHECK_ERR(EINVAL, mremap(to, PAGE, 0, 0));
    CHECK_ERR(EINVAL, mremap(to, PAGE, PAGE, MREMAP_FIXED, q));
    several();
    munmap(to, PAGE);
    CHECK_ERR(EFAULT, mremap(to, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
}
