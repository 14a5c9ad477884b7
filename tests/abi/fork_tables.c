/* A large parent's memory is the child's as it was at the fork, whatever either does to it later,
 * in parts or as a whole: writes, munmap, mprotect, mremap, MADV_DONTNEED, brk, exec, forks of
 * its own.  Where the kernel shares page tables at fork (prctl PR_SET_FORK_TABLES, which Linux
 * refuses) and where it copies them, a program can see no difference.  The memory begins and
 * ends in the middle of what one page table maps, and a part of it is another mapping. */
#include "check.h"

#include "../../shared/prctl.h"
#include <sys/prctl.h>

#define MB    (1l << 20)
#define PART  (MB / 2)
#define SPAN  (2 * MB) /* what one lowest page table maps */
#define BYTES (9 * PART)
#define WORD  ((long)sizeof(long))

static long *area;

static long *word(long page) { return area + page * (PAGE / WORD); }

static void fill(long value)
{
    for (long i = 0; i < BYTES / PAGE; i++)
        *word(i) = value + i;
}

/* How many of the pages from `from` on do not have what fill() gave them. */
static long wrong(long value, long from, long bytes)
{
    long n = 0;
    for (long i = from / PAGE; i < (from + bytes) / PAGE; i++)
        n += *word(i) != value + i;
    return n;
}

static char *at(long offset) { return (char *)area + offset; }

/* --- what a child does to its copy ------------------------------------------------- */

static void reads(void) { CHECK_EQ(wrong(100, 0, BYTES), 0); }

static void writes(void)
{
    fill(500);
    CHECK_EQ(wrong(500, 0, BYTES), 0);
}

static void writes_a_few(void)
{
    for (long i = 0; i < BYTES / PAGE; i += SPAN / PAGE)
        *word(i) = 7;
    for (long i = 0; i < BYTES / PAGE; i++)
        CHECK(*word(i) == (i % (SPAN / PAGE) ? 100 + i : 7));
}

static void unmaps_the_middle(void)
{
    CHECK_EQ(munmap(at(3 * PART), 2 * PART + PART / 2), 0);
    CHECK_EQ(wrong(100, 0, 3 * PART), 0);
    CHECK_EQ(wrong(100, 6 * PART, 3 * PART), 0);
    CHECK(mmap(at(3 * PART), PART, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
               -1, 0) == at(3 * PART));
    CHECK_EQ(*(long *)at(3 * PART), 0);
}

static void protects(void)
{
    CHECK_EQ(mprotect(at(PART), 6 * PART, PROT_READ), 0);
    reads();
    CHECK_EQ(mprotect(at(PART), 6 * PART, PROT_NONE), 0);
    CHECK_EQ(mprotect(at(PART), 6 * PART, PROT_READ | PROT_WRITE), 0);
    reads();
    writes();
}

static void drops_pages(void)
{
    CHECK_EQ(madvise(at(PART), 5 * PART, MADV_DONTNEED), 0);
    CHECK_EQ(wrong(100, 0, PART), 0);
    for (long i = PART / PAGE; i < 6 * PART / PAGE; i++)
        CHECK(*word(i) == 0);
    CHECK_EQ(wrong(100, 6 * PART, 3 * PART), 0);
}

static void moves(void)
{
    char *to = mmap(NULL, BYTES + SPAN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(mremap(at(2 * PART), 3 * PART, 3 * PART, MREMAP_MAYMOVE | MREMAP_FIXED, to + PAGE) ==
          to + PAGE);
    for (long i = 0; i < 3 * PART / PAGE; i++)
        CHECK(*(long *)(to + PAGE + i * PAGE) == 100 + 2 * PART / PAGE + i);
    *(long *)(to + PAGE) = 1;
    CHECK_EQ(wrong(100, 0, 2 * PART), 0);
}

static void forks_on(void)
{
    CHECK_EQ(CHILD(reads(); writes()), 0);
    reads();
    pid_t pid = START(CHECK_EQ(CHILD(unmaps_the_middle()), 0); reads());
    fill(300);
    CHECK_EQ(wrong(300, 0, BYTES), 0);
    CHECK_EQ(status_of(pid), 0);
}

static void execs(void)
{
    execl("/bin/true", "true", NULL);
    _exit(1);
}

static void changes_a_mapping(void)
{
    CHECK_EQ(madvise(at(PART + PAGE), 4 * PART, MADV_DONTDUMP), 0);
}

/* A pipe's data is written by the kernel. */
static void reads_into(void)
{
    int fd[2];
    long value = 77;
    CHECK(pipe(fd) == 0 && write(fd[1], &value, WORD) == WORD);
    CHECK_EQ(read(fd[0], at(4 * PART), WORD), WORD);
    CHECK_EQ(*(long *)at(4 * PART), 77);
}

static void (*const acts[])(void) = {
    reads, writes,   writes_a_few, unmaps_the_middle, protects,  drops_pages,
    moves, forks_on, execs,        changes_a_mapping, reads_into
};
#define ACTS (long)(sizeof(acts) / sizeof(acts[0]))

/* --- how much memory that is --------------------------------------------------------- */

/* KiB of a line of the area's first mapping in /proc/self/smaps. */
static long smaps(const char *line)
{
    char text[256], begins[32];
    long kib = -1, here = 0;
    FILE *f = fopen("/proc/self/smaps", "r");
    snprintf(begins, sizeof(begins), "%lx-", (long)area);
    while (f && kib < 0 && fgets(text, sizeof(text), f)) {
        here |= strncmp(text, begins, strlen(begins)) == 0;
        if (here && strncmp(text, line, strlen(line)) == 0)
            kib = atol(text + strlen(line));
    }
    if (f)
        fclose(f);
    return kib;
}

static void counts(void)
{
    long kib = smaps("Rss:");
    CHECK_EQ(kib, 5 * PART / 1024);
    CHECK_EQ(smaps("Pss:"), kib / 2);
    CHECK_EQ(smaps("Private_Dirty:") + smaps("Private_Clean:"), 0);
    *word(0) = 1;
    CHECK_EQ(smaps("Rss:"), kib);
    CHECK_EQ(smaps("Private_Dirty:"), 4);
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    *word(1) = 1;
    *word(2) = *word(3) + 1;
    getrusage(RUSAGE_SELF, &after);
    CHECK_EQ(after.ru_minflt - before.ru_minflt, 2); /* the entries are there: writes fault only */
}

/* --- all that, with tables that are copied and shared ------------------------------------- */

static void both(int how)
{
    int err = prctl(PR_SET_FORK_TABLES, how, 0, 0, 0);
    CHECK(err == 0 ? prctl(PR_GET_FORK_TABLES, 0, 0, 0, 0) == how : errno == EINVAL);
    char *p = mmap(NULL, BYTES + 2 * SPAN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    p += SPAN - (uintptr_t)p % SPAN + 100 * PAGE;
    area = (long *)p;
    CHECK_EQ(mprotect(p, BYTES, PROT_READ | PROT_WRITE), 0);
    CHECK_EQ(madvise(p, BYTES, MADV_NOHUGEPAGE) == 0 || errno == EINVAL, 1);
    CHECK_EQ(madvise(p + 5 * PART, PART / 2, MADV_DONTDUMP), 0);
    fill(100);
    for (long i = 0; i < ACTS; i++) {
        CHECK_EQ(CHILD(acts[i]()), 0);
        reads();
        CHECK_EQ(CHILD(acts[i]()), 0);
        fill(100);
        pid_t pid = START(acts[i]());
        fill(200);
        CHECK_EQ(wrong(200, 0, BYTES), 0);
        CHECK_EQ(status_of(pid), 0);
        fill(100);
    }
    CHECK_EQ(CHILD(counts()), 0);
    unmaps_the_middle();
    CHECK_DIES(SIGSEGV, CHECK_EQ(wrong(100, 6 * PART, 3 * PART), 0); fill(1));
    CHECK_EQ(wrong(100, 6 * PART, 3 * PART), 0);
    CHECK_EQ(munmap(p, BYTES), 0);
}

static void test(void)
{
    CHECK_ERR(EINVAL, prctl(PR_SET_FORK_TABLES, 2, 0, 0, 0));
    CHECK_ERR(EINVAL, prctl(PR_SET_FORK_TABLES, 1, 1, 0, 0));
    both(FORK_TABLES_COPY);
    both(FORK_TABLES_SHARE);
}
