/* cachestat: how many pages of a range of a file are in memory; who may ask. */
#include "check.h"

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

struct range {
    uint64_t off, len;
};
struct stats {
    uint64_t cache, dirty, writeback, evicted, recently;
};

static int ask(int fd, uint64_t off, uint64_t len, struct stats *s)
{
    struct range r = { off, len };
    memset(s, 0xee, sizeof *s);
    return syscall(SYS_cachestat, fd, &r, s, 0);
}

static void has(int fd, uint64_t off, uint64_t len, uint64_t pages)
{
    struct stats s;
    CHECK(ask(fd, off, len, &s) == 0);
    CHECK_EQ(s.cache, pages);
    CHECK(s.dirty == 0 && s.writeback == 0 && s.evicted == 0 && s.recently == 0);
}

static void counts(void)
{
    int fd = memfd_create("file", 0);

    has(fd, 0, 0, 0);
    CHECK(ftruncate(fd, 100 * PAGE) == 0);
    has(fd, 0, 0, 0);
    for (int i = 10; i < 20; i++)
        CHECK(pwrite(fd, "x", 1, i * PAGE) == 1);
    CHECK(pwrite(fd, "x", 1, 70 * PAGE + 5) == 1);
    has(fd, 0, 0, 11);
    has(fd, 0, 100 * PAGE, 11);
    has(fd, 10 * PAGE, PAGE, 1);
    has(fd, 10 * PAGE + 100, PAGE, 2);
    has(fd, 10 * PAGE - 1, 1, 0);
    has(fd, 10 * PAGE - 1, 2, 1);
    has(fd, 15 * PAGE, 0, 6);
    has(fd, 15 * PAGE, -1ul, 0); /* it wraps */
    has(fd, 15 * PAGE, -1ul - 15 * PAGE, 6);
    has(fd, 200 * PAGE, 0, 0);
    has(fd, -1ul, 1, 0);
    char *p = mmap(NULL, 100 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    p[40 * PAGE] = 1;
    has(fd, 0, 0, 12);
    CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 12 * PAGE, 4 * PAGE) == 0);
    has(fd, 0, 0, 8);
    CHECK(ftruncate(fd, 30 * PAGE) == 0);
    has(fd, 0, 0, 6);
    close(fd);
}

static void refused(void)
{
    struct stats s;
    struct range r = { 0, 0 };
    int fd = memfd_create("file", 0), path = open(".", O_PATH), ends[2];

    CHECK_ERR(EBADF, ask(-1, 0, 0, &s));
    CHECK_ERR(EBADF, ask(path, 0, 0, &s));
    CHECK_ERR(EINVAL, syscall(SYS_cachestat, fd, &r, &s, 1));
    CHECK_ERR(EFAULT, syscall(SYS_cachestat, fd, NULL, &s, 1));
    CHECK_ERR(EFAULT, syscall(SYS_cachestat, fd, &r, NULL, 0));
    CHECK_ERR(EBADF, syscall(SYS_cachestat, -1, NULL, NULL, 1));
    CHECK(pipe(ends) == 0);
    has(ends[0], 0, 0, 0);
    has(ends[1], 0, 0, 0);
    close(fd);
    if (linux_before(6, 15, "who may ask"))
        return;
    write_file("secret", "x");
    CHECK(chmod("secret", 0444) == 0);
    int f = open("secret", O_RDONLY), both = open("secret", O_RDWR);
    CHECK(chmod(".", 0755) == 0 && ask(f, 0, 0, &s) == 0);
    CHECK_EQ(CHILD({
                 CHECK(setuid(1000) == 0);
                 CHECK_ERR(EPERM, ask(f, 0, 0, &s));
                 CHECK_ERR(EPERM, syscall(SYS_cachestat, f, &r, &s, 1));
                 CHECK(ask(both, 0, 0, &s) == 0);
             }),
             0);
    CHECK(chown("secret", 1000, 0) == 0); /* its owner, and who could write */
    CHECK_EQ(CHILD(CHECK(setuid(1000) == 0 && ask(f, 0, 0, &s) == 0)), 0);
    CHECK(chown("secret", 0, 0) == 0 && chmod("secret", 0666) == 0);
    CHECK_EQ(CHILD(CHECK(setuid(1000) == 0 && ask(f, 0, 0, &s) == 0)), 0);
}

static void test(void)
{
    if (linux_before(6, 5, "cachestat"))
        return;
    counts();
    refused();
}
