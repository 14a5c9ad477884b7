/* vfork copies no memory: after it neither child nor parent takes a fault for a
 * page that is there.  After fork each first write does. */
#include "check.h"

enum { PAGES = 16 };
static volatile long child_faults;

static long faults(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}

static long touch(char *p)
{
    long before = faults();

    for (int i = 0; i < PAGES; i++)
        ((volatile char *)p)[i * PAGE]++;
    return faults() - before;
}

static void test(void)
{
    char *p = map_pages(PAGES);

    touch(p);
    CHECK_EQ(touch(p), 0);
    CHECK_EQ(VCHILD(touch(p); child_faults = touch(p)), 0);
    CHECK_EQ(child_faults, 0);
    CHECK_EQ(touch(p), 0);
    CHECK_EQ(p[0], 5);

    pid_t child = START(pause());
    CHECK(touch(p) >= PAGES);
    CHECK_EQ(touch(p), 0);
    kill(child, SIGKILL);
    CHECK_EQ(status_of(child), KILLED(SIGKILL));
}
