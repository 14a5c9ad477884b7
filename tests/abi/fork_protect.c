/* Rights after fork are those of the mapping: a page made read-only stays so,
 * one made writable in the child is still its own copy, PROT_NONE hides and gives
 * back the contents. */
#include "check.h"

static void test(void)
{
    volatile char *p = map_pages(3);

    p[0] = p[PAGE] = p[2 * PAGE] = 1;
    CHECK(mprotect((void *)p, PAGE, PROT_READ) == 0);
    CHECK(mprotect((void *)(p + PAGE), PAGE, PROT_NONE) == 0);
    CHECK_DIES(SIGSEGV, p[0] = 2);
    CHECK_DIES(SIGSEGV, (void)p[PAGE]);
    CHECK_EQ(CHILD({
                 CHECK(mprotect((void *)p, 2 * PAGE, PROT_READ | PROT_WRITE) == 0);
                 CHECK(p[0] == 1 && p[PAGE] == 1);
                 p[0] = p[PAGE] = p[2 * PAGE] = 9;
             }),
             0);
    CHECK_EQ(p[0], 1);
    CHECK_EQ(p[2 * PAGE], 1);
    CHECK_DIES(SIGSEGV, p[0] = 2);
    CHECK(mprotect((void *)p, 2 * PAGE, PROT_READ | PROT_WRITE) == 0);
    CHECK_EQ(p[PAGE], 1);
    pid_t pid = START(msleep(50); CHECK(p[0] == 1));
    CHECK(mprotect((void *)p, PAGE, PROT_READ) == 0);
    CHECK(mprotect((void *)p, PAGE, PROT_READ | PROT_WRITE) == 0);
    p[0] = 5; /* still shared with the child: a copy */
    CHECK_EQ(status_of(pid), 0);
}
