/* MADV_DONTFORK makes a hole in the child, MADV_WIPEONFORK zeros; the parent
 * keeps its pages. */
#include "check.h"

static void test(void)
{
    volatile char *p = map_pages(3);

    p[0] = p[PAGE] = p[2 * PAGE] = 1;
    CHECK(madvise((void *)(p + PAGE), PAGE, MADV_DONTFORK) == 0);
    CHECK(madvise((void *)(p + 2 * PAGE), PAGE, MADV_WIPEONFORK) == 0);
    CHECK_EQ(CHILD(CHECK(p[0] == 1); CHECK(p[2 * PAGE] == 0); p[2 * PAGE] = 2), 0);
    CHECK_DIES(SIGSEGV, (void)p[PAGE]);
    CHECK(p[PAGE] == 1 && p[2 * PAGE] == 1);
    CHECK(madvise((void *)(p + PAGE), PAGE, MADV_DOFORK) == 0);
    CHECK(madvise((void *)(p + 2 * PAGE), PAGE, MADV_KEEPONFORK) == 0);
    CHECK_EQ(CHILD(CHECK(p[PAGE] == 1 && p[2 * PAGE] == 1)), 0);
}
