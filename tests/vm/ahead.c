/* ahead.c - how many faults does it take to touch memory, and how much is there afterwards?
 * Prints a line for each way: name, faults, pages that are there. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define PAGE  4096ul
#define SPAN  (2ul << 20)
#define PAGES 512ul

static unsigned char there[PAGES];

static long faults(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return r.ru_minflt;
}

static unsigned long resident(char *p)
{
    unsigned long n = 0;
    if (mincore(p, SPAN, there) != 0)
        return 9999;
    for (unsigned long i = 0; i < PAGES; i++)
        n += there[i] & 1;
    return n;
}

/* Touches pages first, first + step, ... below end of 2 MiB that lie in one mapping, or that a
 * mapping's end cuts off. */
static void touch(const char *name, unsigned long first, unsigned long end, unsigned long step,
                  int advice, unsigned long bytes)
{
    char *p = mmap(NULL, 2 * SPAN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    volatile char *at = (char *)(((unsigned long)p + SPAN - 1) & ~(SPAN - 1));
    mprotect((void *)at, bytes, PROT_READ | PROT_WRITE);
    madvise((void *)at, bytes, advice);
    resident((char *)at); /* brings in the page of its answers */
    long before = faults();
    for (unsigned long i = first; i < end; i += step)
        at[i * PAGE] = 1;
    long after = faults();
    printf("%s %ld %lu\n", name, after - before, resident((char *)at));
    munmap(p, 2 * SPAN);
}

int main(void)
{
    touch("in-a-row", 0, PAGES, 1, MADV_NORMAL, SPAN);
    touch("some-in-a-row", 0, 40, 1, MADV_NORMAL, SPAN);
    touch("here-and-there", 0, PAGES, 8, MADV_NORMAL, SPAN);
    touch("one", 100, 101, 1, MADV_NORMAL, SPAN);
    touch("advised-against", 0, PAGES, 1, MADV_NOHUGEPAGE, SPAN);
    touch("advised", 0, PAGES, 1, MADV_HUGEPAGE, SPAN);
    touch("small", 0, PAGES / 2, 1, MADV_NORMAL, SPAN / 2);
    return 0;
}
