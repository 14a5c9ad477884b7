/* Keys of futexes: shared memory is the same word at every address and in every process, be it of a
 * file or anonymous; private memory is each process's own after fork; a private operation does not find who
 * waits by a shared one in a shared mapping; a key outlives munmap and the truncation of nothing else. */
#include "threads.h"

static volatile pid_t *ready; /* shared: who is about to wait */

static pid_t waiter(uint32_t *at, int op)
{
    *ready = 0;
    pid_t pid = START({
        struct timespec limit = { 4, 0 };
        if (op == FUTEX_WAIT_BITSET)
            limit = after_ms(CLOCK_MONOTONIC, 4000);
        *ready = getpid();
        long rc = futex(at, op, 1, &limit, NULL, ~0u);
        _exit(rc == 0 ? 0 : errno);
    });
    CHECK(WAIT_UNTIL(*ready == pid && sleeps_in(pid, pid) == SYS_futex));
    return pid;
}

static void *map_file(int fd, long offset, int flags)
{
    void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, flags, fd, offset);

    CHECK(p != MAP_FAILED);
    return p;
}

static void anonymous(void)
{
    uint32_t *a = map_shared(2 * PAGE), *b;

    a[3] = 1;
    b = mremap(a, 0, PAGE, MREMAP_MAYMOVE); /* the same pages a second time */
    pid_t pid = waiter(&a[3], FUTEX_WAIT);
    CHECK_EQ(futex(&a[2], FUTEX_WAKE, 1, NULL, NULL, 0), 0);
    CHECK_EQ(futex(&a[3 + PAGE / 4], FUTEX_WAKE, 1, NULL, NULL, 0), 0);
    CHECK_EQ(futex(&a[3], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
    if (b != MAP_FAILED)
        CHECK_EQ(futex(&b[3], FUTEX_WAKE, 1, NULL, NULL, 0), 1);
    else
        CHECK_EQ(futex(&a[3], FUTEX_WAKE, 1, NULL, NULL, 0), 1);
    CHECK_EQ(status_of(pid), 0);
}

static void of_a_file(void)
{
    int fd = open("words", O_RDWR | O_CREAT, 0600);

    CHECK(fd >= 0 && ftruncate(fd, 3 * PAGE) == 0);
    uint32_t *a = map_file(fd, PAGE, MAP_SHARED), *b = map_file(fd, PAGE, MAP_SHARED);
    uint32_t *c = map_file(fd, 0, MAP_SHARED), *copy = map_file(fd, PAGE, MAP_PRIVATE);
    a[5] = 1;
    pid_t pid = waiter(&a[5], FUTEX_WAIT_BITSET);
    CHECK_EQ(futex(&c[5], FUTEX_WAKE, 1, NULL, NULL, 0), 0);
    CHECK_EQ(futex(&copy[5], FUTEX_WAKE, 1, NULL, NULL, 0), 0);
    munmap(a, PAGE);
    CHECK_EQ(futex(&b[5], FUTEX_WAKE, 9, NULL, NULL, 0), 1);
    CHECK_EQ(status_of(pid), 0);

    /* moved from one word to another, across processes */
    pid = waiter(&b[5], FUTEX_WAIT);
    CHECK_EQ(futex(&b[5], FUTEX_CMP_REQUEUE, 0, (void *)1, &c[7], 1), 1);
    CHECK_EQ(futex(&b[5], FUTEX_WAKE, 1, NULL, NULL, 0), 0);
    CHECK_EQ(futex(&c[7], FUTEX_WAKE, 1, NULL, NULL, 0), 1);
    CHECK_EQ(status_of(pid), 0);
    /* and to a word of another file */
    uint32_t *d = map_shared(PAGE);
    pid = waiter(&b[5], FUTEX_WAIT);
    CHECK_EQ(futex(&b[5], FUTEX_REQUEUE, 0, (void *)1, &d[1], 0), 1);
    CHECK_EQ(futex(&d[1], FUTEX_WAKE, 1, NULL, NULL, 0), 1);
    CHECK_EQ(status_of(pid), 0);
    close(fd);
}

static void private_after_fork(void)
{
    uint32_t *a = (uint32_t *)map_pages(1);

    a[0] = 1;
    pid_t pid = waiter(a, FUTEX_WAIT); /* shared operation, private memory */
    CHECK_EQ(futex(a, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
    kill(pid, SIGKILL);
    CHECK_EQ(status_of(pid), KILLED(SIGKILL));
    CHECK_EQ(futex(a, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
}

/* A waiter that is killed is gone from the queue at once: its end takes nobody's wake. */
static void killed(void)
{
    uint32_t *a = map_shared(PAGE);

    a[0] = 1;
    pid_t first = waiter(a, FUTEX_WAIT), second = waiter(a, FUTEX_WAIT);
    kill(first, SIGKILL);
    CHECK_EQ(status_of(first), KILLED(SIGKILL));
    CHECK_EQ(futex(a, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
    CHECK_EQ(status_of(second), 0);
}

static void test(void)
{
    ready = map_shared(PAGE);
    anonymous();
    of_a_file();
    private_after_fork();
    killed();
}
