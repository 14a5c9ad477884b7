/* fork: private memory is a copy, both ways; shared mappings stay shared; the
 * data segment, the stack, file pages and MAP_PRIVATE of a file are copied at the
 * first write.  Forking again before any write, and many children of one page. */
#include "check.h"

#define CHILDREN 260 /* more than a count of 8 bits holds */

static volatile int data = 1, bss;
extern char **environ;

static void isolation(void)
{
    volatile int local = 1, *heap = malloc(sizeof(int)), *shared = map_shared(PAGE);

    *heap = 1;
    int status = CHILD({
        CHECK(data == 1 && bss == 0 && local == 1 && *heap == 1);
        data = bss = local = *heap = *shared = 2;
        setenv("FORK_MEMORY", "child", 1);
    });
    CHECK_EQ(status, 0);
    CHECK(data == 1 && bss == 0 && local == 1 && *heap == 1);
    CHECK_EQ(*shared, 2);
    CHECK(getenv("FORK_MEMORY") == NULL);

    volatile int *go = map_shared(PAGE);
    pid_t pid = START({
        CHECK(WAIT_UNTIL(*go));
        CHECK(data == 1 && local == 1 && *heap == 1);
        CHECK_EQ(*shared, 3);
    });
    data = local = *heap = *shared = 3;
    *go = 1;
    CHECK_EQ(status_of(pid), 0);
    data = 1;
}

static void file_pages(void)
{
    write_file("file", "original");
    int fd = open("file", O_RDWR);
    char *private = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    CHECK_EQ(
        CHILD(private[0] = 'P'; CHECK(shared[0] == 'o'); shared[1] = 'S'; CHECK(private[1] == 'r')),
        0);
    CHECK_EQ(private[0], 'o');
    CHECK_EQ(shared[1], 'S');
    private[2] = 'x';
    CHECK_EQ(CHILD(CHECK(private[2] == 'x'); private[2] = 'y'), 0);
    CHECK_EQ(private[2], 'x');
    CHECK(strcmp(slurp("file"), "oSiginal") == 0);
    close(fd);
}

static void again_and_again(void)
{
    char *p = map_pages(4);
    pid_t pid[CHILDREN];
    int started;

    p[0] = 1;
    for (int i = 0; i < 3; i++) /* the page is read-only already */
        CHECK_EQ(CHILD(CHECK(p[0] == 1); p[0] = 2; CHECK(p[0] == 2)), 0);
    p[0] = 3;
    CHECK_EQ(CHILD(CHECK(p[0] == 3)), 0);
    for (started = 0; started < CHILDREN; started++) {
        pid[started] = START(msleep(20); p[0]++; _exit(p[0]));
        if (pid[started] < 0)
            break;
    }
    CHECK_EQ(started, CHILDREN);
    for (int i = 0; i < started; i++)
        CHECK_EQ(status_of(pid[i]), EXITED(4));
    CHECK_EQ(p[0], 3);
}

/* Each generation writes to the page, then its child does. */
static int generations(int depth, volatile char *p)
{
    p[depth] = 1;
    if (depth < 12) {
        int status = CHILD(_exit(generations(depth + 1, p)));
        CHECK_EQ(status, EXITED(12 - depth - 1));
        CHECK_EQ(p[depth + 1], 0);
    }
    return 12 - depth;
}

static void test(void)
{
    isolation();
    file_pages();
    again_and_again();
    CHECK_EQ(generations(0, map_pages(1)), 12);
}
