/* vfork in a vfork child: each level blocks on its own child, all in one
 * memory.  fork in a vfork child: the grandchild has a copy, the child still
 * shares.  Many in a row, and deep. */
#include "check.h"

static volatile int order[16], count, value;

static void deep(int levels)
{
    pid_t pid = vfork();

    if (pid == 0) {
        if (levels > 1)
            deep(levels - 1);
        order[count++] = levels;
        _exit(levels);
    }
    CHECK_EQ(status_of(pid), EXITED(levels));
}

static void test(void)
{
    deep(6);
    CHECK_EQ(count, 6);
    for (int i = 0; i < count; i++)
        CHECK_EQ(order[i], i + 1);

    value = 1;
    CHECK_EQ(VCHILD({
                 value = 2;
                 CHECK_EQ(CHILD(value = 3; _exit(value)), EXITED(3));
                 CHECK_EQ(value, 2);
                 value = 4;
             }),
             0);
    CHECK_EQ(value, 4);

    for (int i = 0; i < 300; i++)
        if (VCHILD(value++) != 0)
            break;
    CHECK_EQ(value, 304);
}
