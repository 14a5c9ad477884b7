/* MADV_HUGEPAGE and MADV_NOHUGEPAGE are kept with a mapping: they split it and join it again. */
#include "check.h"

#define BYTES (12 * PAGE)

/* How many mappings have a part of [p, p + BYTES). */
static int mappings(const char *p)
{
    unsigned long start, end;
    int n = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    char line[512];
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "%lx-%lx", &start, &end) == 2)
            n += start < (unsigned long)p + BYTES && end > (unsigned long)p;
    if (f)
        fclose(f);
    return n;
}

static void test(void)
{
    char *p = mmap(NULL, BYTES + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    p += PAGE;
    CHECK_EQ(mprotect(p, BYTES, PROT_READ | PROT_WRITE), 0);
    CHECK_EQ(mappings(p), 1);
    CHECK_EQ(madvise(p + 4 * PAGE, 4 * PAGE, MADV_NOHUGEPAGE), 0);
    CHECK_EQ(mappings(p), 3);
    CHECK_EQ(madvise(p + 4 * PAGE, 4 * PAGE, MADV_HUGEPAGE), 0);
    CHECK_EQ(mappings(p), 3);
    CHECK_EQ(madvise(p, BYTES, MADV_HUGEPAGE), 0);
    CHECK_EQ(mappings(p), 1);
    for (long i = 0; i < BYTES; i += PAGE)
        p[i] = 1;
    CHECK_EQ(CHILD(CHECK_EQ(mappings(p), 1); p[0] = 2), 0);
    CHECK_EQ(p[0], 1);
}
