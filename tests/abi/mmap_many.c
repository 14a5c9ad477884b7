/* Thousands of mappings that cannot be merged: the highest hole is found each time, and soon; maps and smaps show all of
 * them. */
#include "check.h"

#define MANY 2000

static char *map_one(int prot)
{
    return mmap(NULL, PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* How many lines of the file begin so. */
static int lines_with(const char *path, const char *begin)
{
    static char line[1 << 12];
    FILE *f = fopen(path, "r");
    int n = 0;

    CHECK(f != NULL);
    while (fgets(line, sizeof line, f))
        n += strncmp(line, begin, strlen(begin)) == 0;
    fclose(f);
    return n;
}

static void all_shown(void)
{
    int had = lines_with("/proc/self/maps", "");

    for (int i = 0; i < 6000; i++)
        CHECK(map_one(i % 2 ? PROT_READ : PROT_NONE) != MAP_FAILED);
    CHECK(lines_with("/proc/self/maps", "") - had >= 5998);
    CHECK(lines_with("/proc/self/smaps", "VmFlags:") - had >= 5998); /* some 5 MB */
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
    CHECK_EQ(CHILD(all_shown()), 0);
}
