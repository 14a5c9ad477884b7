/* MAP_DROPPABLE: memory that may become zero at any time, so no child has it, it is not locked, not dumped, has no file. */
#include "check.h"

#define DROPPABLE 0x08
#define RW        (PROT_READ | PROT_WRITE)

static char *map(int flags, int fd) { return mmap(NULL, 4 * PAGE, RW, flags | DROPPABLE, fd, 0); }

static long locked_kb(void)
{
    const char *at = strstr(slurp("/proc/self/status"), "VmLck:");
    return at ? atol(at + 6) : -1;
}

static void test(void)
{
    if (linux_before(6, 11, "MAP_DROPPABLE"))
        return;
    char *p = map(MAP_ANONYMOUS, -1);
    int fd = open("/dev/zero", O_RDWR);
    CHECK(p != MAP_FAILED);
    memset(p, 'd', 4 * PAGE);
    CHECK(p[0] == 'd' || p[0] == 0);
    CHECK_EQ(CHILD(CHECK_EQ(p[0], 0); CHECK_EQ(p[3 * PAGE], 0); p[0] = 1), 0);
    long before = locked_kb();
    CHECK_EQ(mlock(p, 4 * PAGE), 0);
    CHECK_EQ(locked_kb(), before);
    CHECK_ERR(EINVAL, madvise(p, PAGE, MADV_DODUMP));
    CHECK_ERR(EINVAL, madvise(p, PAGE, 19 /* MADV_KEEPONFORK */));
    CHECK_EQ(madvise(p, PAGE, MADV_DONTNEED), 0);
    CHECK_EQ(p[0], 0);
    char range[32];
    snprintf(range, sizeof range, "%lx-", (unsigned long)p);
    const char *at = strstr(slurp("/proc/self/smaps"), range);
    at = at ? strstr(at, "VmFlags:") : NULL;
    CHECK(at != NULL);
    for (int i = 0; at && i < 12; i++) {
        static const char flag[][4] = { "rd", "wr", "ex", "sh", "mr", "mw",
                                        "nr", "wf", "dd", "ac", "lo", "dp" };
        char word[6] = { ' ', flag[i][0], flag[i][1], ' ', 0 };
        const char *found = strstr(at, word);
        SAY("%s%d ", flag[i], found && found < at + strcspn(at, "\n"));
    }
    SAY("\n");
    CHECK_EQ(munmap(p, 4 * PAGE), 0);
    CHECK_ERR(EINVAL, map(0, fd));
    CHECK_ERR(EINVAL, map(MAP_ANONYMOUS | MAP_LOCKED, -1));
    CHECK_ERR(EINVAL, map(MAP_ANONYMOUS | MAP_GROWSDOWN, -1));
    CHECK_ERR(EINVAL, map(MAP_ANONYMOUS | MAP_HUGETLB, -1));
    close(fd);
}
