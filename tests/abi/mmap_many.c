/* Thousands of mappings that cannot be merged: the highest hole is found each time, and soon. */
#include "check.h"

#define MANY 2000

static char *map_one(int prot)
{
    return mmap(NULL, PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void test(void)
{
    static char *at[MANY];
    int failed = 0, apart = 0;

    for (int i = 0; i < MANY; i++) {
        at[i] = map_one(i % 2 ? PROT_READ : PROT_NONE);
        failed += at[i] == MAP_FAILED;
        apart += i > 500 && at[i] != at[i - 1] - PAGE;
    }
    CHECK_EQ(failed, 0);
    CHECK_EQ(apart, 0); /* downwards, without a hole between */

    CHECK(munmap(at[1000], PAGE) == 0); /* a hole that is large enough is used */
    CHECK(map_one(PROT_READ | PROT_EXEC) == at[1000]);
    CHECK(munmap(at[700], PAGE) == 0); /* and one that is not is passed over */
    char *two = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(two < at[MANY - 1]);
    CHECK(map_one(PROT_READ | PROT_EXEC) == at[700]);

    CHECK(munmap(at[1501], PAGE) == 0); /* a hole made in two steps */
    CHECK(munmap(at[1500], PAGE) == 0);
    CHECK(mmap(NULL, 2 * PAGE, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == at[1501]);
}
