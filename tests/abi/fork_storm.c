/* Threads fault, unmap, protect, move and write while siblings fork, and children do the same to
 * what they got: nobody sees another's writes, no page is lost, and at the end the memory that is
 * used is what it was at the beginning.  With page tables that fork copies, and that it
 * shares (prctl PR_SET_FORK_TABLES, which Linux refuses). */
#include "threads.h"

#include "../../shared/prctl.h"
#include <sys/prctl.h>

#define MB      (1l << 20)
#define EACH    (3 * MB) /* a thread's own part, on the others' page tables at its ends */
#define THREADS 3
#define ROUNDS  4
#define PAGES   (EACH / PAGE)

static char *area;
static volatile int done;

static volatile long *word(char *part, long page) { return (volatile long *)(part + page * PAGE); }

static void fill(char *part, long value)
{
    for (long i = 0; i < PAGES; i++)
        *word(part, i) = value + i;
}

static long wrong(char *part, long value)
{
    long n = 0;
    for (long i = 0; i < PAGES; i++)
        n += *word(part, i) != value + i;
    return n;
}

static unsigned next(unsigned *seed) { return *seed = *seed * 1103515245 + 12345; }

/* One change to a part that has `value`, which it has again afterwards. */
static void change(char *part, long value, unsigned *seed)
{
    long page = next(seed) / 65536 % (PAGES - 64), n = 1 + next(seed) / 65536 % 64;
    char *at = part + page * PAGE;
    switch (next(seed) / 65536 % 4) {
    case 0:
        CHECK_EQ(mprotect(at, n * PAGE, PROT_READ), 0);
        CHECK_EQ(mprotect(at, n * PAGE, PROT_READ | PROT_WRITE), 0);
        break;
    case 1: CHECK_EQ(madvise(at, n * PAGE, MADV_DONTNEED), 0); break;
    case 2:
        CHECK(mmap(at, n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                   -1, 0) == at);
        break;
    }
    for (long i = page; i < page + n; i++)
        *word(part, i) = value + i;
}

static void *change_all_the_time(void *arg)
{
    char *part = area + (long)arg * EACH;
    unsigned seed = (unsigned)(long)arg + 1;
    long value = 1000000 * ((long)arg + 1), bad = 0, n = 0;
    for (; !done; n++) {
        change(part, value, &seed);
        if (n % 64 == 0)
            bad += wrong(part, value);
    }
    return (void *)(bad + wrong(part, value));
}

/* The last part belongs to who forks: nothing changes there. */
static void child(unsigned seed)
{
    char *mine = area + THREADS * EACH;
    CHECK_EQ(wrong(mine, 5), 0);
    for (int i = 0; i < 40; i++)
        change(mine, 5, &seed);
    CHECK_EQ(wrong(mine, 5), 0);
    if (seed / 65536 % 2)
        CHECK_EQ(CHILD(CHECK_EQ(wrong(mine, 5), 0); fill(mine, 7); CHECK_EQ(wrong(mine, 7), 0)), 0);
    CHECK_EQ(munmap(area + MB, 2 * EACH), 0);
    CHECK_EQ(wrong(mine, 5), 0);
}

static void storm(int how)
{
    pthread_t thread[THREADS];
    pid_t pid[2];
    CHECK(prctl(PR_SET_FORK_TABLES, how, 0, 0, 0) == 0 || errno == EINVAL);
    area = mmap(NULL, (THREADS + 1) * EACH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0);
    for (long i = 0; i < THREADS; i++)
        fill(area + i * EACH, 1000000 * (i + 1));
    fill(area + THREADS * EACH, 5);
    done = 0;
    for (long i = 0; i < THREADS; i++)
        thread[i] = start(change_all_the_time, (void *)i);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < 2; i++)
            pid[i] = START(child(round * 2 + i));
        fill(area + THREADS * EACH, 6);
        CHECK_EQ(wrong(area + THREADS * EACH, 6), 0);
        fill(area + THREADS * EACH, 5);
        for (unsigned i = 0; i < 2; i++)
            CHECK_EQ(status_of(pid[i]), 0);
    }
    done = 1;
    for (long i = 0; i < THREADS; i++)
        CHECK_EQ(join(thread[i]), 0);
    CHECK_EQ(wrong(area + THREADS * EACH, 5), 0);
    CHECK_EQ(munmap(area, (THREADS + 1) * EACH), 0);
}

static void test(void)
{
    storm(FORK_TABLES_COPY);
    storm(FORK_TABLES_SHARE);
}
