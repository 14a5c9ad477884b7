/* Memory for which huge pages were asked (MADV_HUGEPAGE) is like any other: whatever is done to a part
 * of one, or to all, by who has it alone and by parent and child after a fork, each page has what was
 * written there last, and what is gone is gone.  The area begins and ends in the middle of a huge page,
 * and has whole ones between. */
#include "check.h"

#include <sys/prctl.h>

#define HUGE_BYTES (2l << 20)
#define BYTES      (5 * HUGE_BYTES)
#define PAGES      (BYTES / PAGE)
#define RW         (PROT_READ | PROT_WRITE)
#define ANON       (MAP_PRIVATE | MAP_ANONYMOUS)

static char *area; /* half a huge page, four whole ones, half of one */

static volatile long *word(long page) { return (volatile long *)(area + page * PAGE); }

static void fill(long value)
{
    for (long i = 0; i < PAGES; i++)
        if (*word(i) != value + i)
            *word(i) = value + i;
}

static long wrong(long value, long from, long to)
{
    long n = 0;
    for (long i = from; i < to; i++)
        n += *word(i) != value + i;
    return n;
}

#define ALL      0, PAGES
#define WHOLE(i) (256 + 512 * (i)) /* the first page of a whole one */

/* The pages of [from, to) have been lost, the others have their value: all get it again. */
static void restored(long from, long to)
{
    CHECK_EQ(wrong(100, 0, from), 0);
    CHECK_EQ(wrong(100, to, PAGES), 0);
    for (long i = from; i < to; i++)
        CHECK(*word(i) == 0);
    fill(100);
    CHECK_EQ(wrong(100, ALL), 0);
}

static void drop(long from, long to)
{
    CHECK_EQ(madvise((char *)word(from), (to - from) * PAGE, MADV_DONTNEED), 0);
    restored(from, to);
}

static void drops(void)
{
    drop(WHOLE(1) + 7, WHOLE(1) + 8);
    drop(WHOLE(0), WHOLE(2));
    drop(WHOLE(0) - 1, WHOLE(1) + 1);
    drop(WHOLE(2), WHOLE(3) + 300);
}

static void unmap(long from, long to)
{
    char *at = (char *)word(from);
    CHECK_EQ(munmap(at, (to - from) * PAGE), 0);
    CHECK_DIES(SIGSEGV, *word(from) = 1);
    CHECK_DIES(SIGSEGV, *word(to - 1) = 1);
    CHECK(mmap(at, (to - from) * PAGE, RW, ANON | MAP_FIXED, -1, 0) == at);
    CHECK_EQ(madvise(area, BYTES, MADV_HUGEPAGE) == 0 || errno == EINVAL, 1);
    restored(from, to);
}

static void unmaps(void)
{
    unmap(WHOLE(1) + 100, WHOLE(1) + 200);
    unmap(WHOLE(1), WHOLE(2));
    unmap(WHOLE(0) + 511, WHOLE(3) + 1);
    unmap(WHOLE(2), WHOLE(2) + 1);
}

static void protect(long from, long to)
{
    char *at = (char *)word(from);
    size_t n = (to - from) * PAGE;
    CHECK_EQ(mprotect(at, n, PROT_READ), 0);
    CHECK_EQ(wrong(100, ALL), 0);
    CHECK_DIES(SIGSEGV, *word(from) = 1);
    *word(from - 1) = 100 + from - 1;
    CHECK_EQ(mprotect(at, n, PROT_NONE), 0);
    CHECK_DIES(SIGSEGV, CHECK_EQ(*word(to - 1), 100 + to - 1));
    CHECK_EQ(mprotect(at, n, RW), 0);
    CHECK_EQ(wrong(100, ALL), 0);
    fill(100);
}

static void protects(void)
{
    protect(WHOLE(1), WHOLE(2));
    protect(WHOLE(2) + 3, WHOLE(2) + 4);
    protect(WHOLE(0) + 3, WHOLE(3) + 4);
}

/* Shrinks it to end in the middle of a huge page, and lets it grow again. */
static void shrinks(void)
{
    long to = WHOLE(2) + 77;
    CHECK(mremap(area, BYTES, to * PAGE, 0) == area);
    CHECK_EQ(wrong(100, 0, to), 0);
    CHECK_DIES(SIGSEGV, *word(to) = 1);
    CHECK(mremap(area, to * PAGE, BYTES, 0) == area);
    restored(to, PAGES);
}

static void moves(void)
{
    char *place = mmap(NULL, 2 * BYTES, PROT_NONE, ANON, -1, 0), *was = area;
    long whole = (uintptr_t)place % HUGE_BYTES;
    char *to = place + (whole ? HUGE_BYTES - whole : 0) + HUGE_BYTES / 2;
    CHECK(mremap(was, BYTES, BYTES, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
    area = to;
    CHECK_EQ(wrong(100, ALL), 0);
    fill(300);
    CHECK(mremap(to, BYTES, BYTES, MREMAP_MAYMOVE | MREMAP_FIXED, was) == was);
    area = was;
    CHECK_EQ(wrong(300, ALL), 0);
    fill(100);
    CHECK_EQ(munmap(place, 2 * BYTES) == 0, 1);
}

static void replaces(void)
{
    char *at = (char *)word(WHOLE(1) + 5);
    CHECK(mmap(at, 3 * PAGE, RW, ANON | MAP_FIXED, -1, 0) == at);
    restored(WHOLE(1) + 5, WHOLE(1) + 8);
}

/* The kernel reads and writes it, and says what is there. */
static void kernel_uses(void)
{
    unsigned char there[PAGES];
    long n = 0, value = 77;
    int fd[2];
    CHECK_EQ(mincore(area, BYTES, there), 0);
    for (long i = 0; i < PAGES; i++)
        n += there[i] & 1;
    CHECK_EQ(n, PAGES);
    CHECK(pipe(fd) == 0);
    CHECK_EQ(write(fd[1], (char *)word(WHOLE(1) + 1) - 4, 12), 12);
    CHECK_EQ(read(fd[0], (char *)word(WHOLE(2) + 1) - 4, 12), 12);
    CHECK_EQ(*word(WHOLE(2) + 1), 100 + WHOLE(1) + 1);
    CHECK_EQ(write(fd[1], &value, sizeof(value)), sizeof(value));
    CHECK_EQ(read(fd[0], (char *)word(WHOLE(3) + 9), sizeof(value)), sizeof(value));
    CHECK_EQ(*word(WHOLE(3) + 9), 77);
    int mem = open("/proc/self/mem", O_RDONLY);
    CHECK_EQ(pread(mem, &value, sizeof(value), (off_t)word(WHOLE(1) + 3)), sizeof(value));
    CHECK_EQ(value, 100 + WHOLE(1) + 3);
    close(mem);
    close(fd[0]);
    close(fd[1]);
    fill(100);
}

static void advises(void)
{
    char *at = (char *)word(WHOLE(1) + 50);
    CHECK_EQ(madvise(at, 9 * PAGE, MADV_DONTFORK), 0);
    CHECK_EQ(CHILD(CHECK_EQ(wrong(100, 0, WHOLE(1) + 50), 0);
                   CHECK_EQ(wrong(100, WHOLE(1) + 59, PAGES), 0);
                   CHECK_DIES(SIGSEGV, *word(WHOLE(1) + 50) = 1)),
             0);
    CHECK_EQ(madvise(at, 9 * PAGE, MADV_DOFORK), 0);
    CHECK_EQ(madvise(at, 9 * PAGE, MADV_WIPEONFORK), 0);
    CHECK_EQ(CHILD(restored(WHOLE(1) + 50, WHOLE(1) + 59)), 0);
    CHECK_EQ(madvise(at, 9 * PAGE, MADV_KEEPONFORK), 0);
    CHECK_EQ(wrong(100, ALL), 0);
    CHECK_EQ(mlock(at, 9 * PAGE), 0);
    CHECK_EQ(munlock(at, 9 * PAGE), 0);
    fill(100);
}

static void writes(void)
{
    fill(500);
    CHECK_EQ(wrong(500, ALL), 0);
    fill(100);
}

static void writes_some(void)
{
    for (long i = 0; i < 4; i++)
        *word(WHOLE(i) + 13) = 9;
    for (long i = 0; i < PAGES; i++)
        CHECK(*word(i) == (i >= 256 && i < WHOLE(4) && i % 512 == 256 + 13 ? 9 : 100 + i));
    fill(100);
}

static void (*const acts[])(void) = { writes,  writes_some, drops,    unmaps,  protects,
                                      shrinks, moves,       replaces, advises, kernel_uses };
#define ACTS (long)(sizeof(acts) / sizeof(acts[0]))

static void new_area(void)
{
    char *p = mmap(NULL, BYTES + 2 * HUGE_BYTES, PROT_NONE, ANON, -1, 0);
    area = p + HUGE_BYTES - (uintptr_t)p % HUGE_BYTES + HUGE_BYTES / 2;
    CHECK_EQ(mprotect(area, BYTES, RW), 0);
    CHECK_EQ(madvise(area, BYTES, MADV_HUGEPAGE) == 0 || errno == EINVAL, 1);
    fill(100);
}

/* Whose page it is at last does not matter: the child's, the parent's, or both still have it. */
static void in_families(long i)
{
    CHECK_EQ(CHILD(acts[i]()), 0);
    CHECK_EQ(wrong(100, ALL), 0);
    pid_t pid = START(acts[i]());
    fill(200);
    CHECK_EQ(status_of(pid), 0);
    CHECK_EQ(wrong(200, ALL), 0);
    fill(100);
    CHECK_EQ(CHILD(CHECK_EQ(CHILD(acts[i]()), 0); CHECK_EQ(wrong(100, ALL), 0); acts[i]();
                   CHECK_EQ(CHILD(acts[(i + 1) % ACTS]()), 0)),
             0);
    pid = START(usleep(1000); CHECK_EQ(wrong(100, ALL), 0));
    acts[i]();
    CHECK_EQ(wrong(100, ALL), 0);
    CHECK_EQ(status_of(pid), 0);
}

static void test(void)
{
    for (long i = 0; i < ACTS; i++) {
        new_area();
        acts[i]();
        CHECK_EQ(wrong(100, ALL), 0);
        in_families(i);
        CHECK_EQ(munmap(area, BYTES), 0);
    }
    CHECK_EQ(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), 0);
    new_area();
    CHECK_EQ(CHILD(writes()), 0);
    CHECK_EQ(wrong(100, ALL), 0);
}
