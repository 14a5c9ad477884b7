/* mremap that leaves something behind: MREMAP_DONTUNMAP moves the pages and keeps the mapping, old
 * size 0 shows a shared mapping twice, and several mappings move at once, with what lies between. */
#include "check.h"

#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define KEEP (MREMAP_MAYMOVE | MREMAP_DONTUNMAP)
#define FIX  (MREMAP_MAYMOVE | MREMAP_FIXED)

/* musl's passes no address without MREMAP_FIXED. */
static char *remap(void *old, size_t old_len, size_t new_len, int flags, void *to)
{
    return (char *)syscall(SYS_mremap, old, old_len, new_len, flags, to);
}

static int mapped(char *p) { return msync(p, PAGE, 0) == 0; }

static char *numbered(int n)
{
    char *p = map_pages(n);
    for (int i = 0; i < n; i++)
        p[i * PAGE] = i + 1;
    return p;
}

static void arguments(void)
{
    char *p = numbered(4), *to = map_pages(4);

    CHECK_ERR(EINVAL, remap(p, PAGE, PAGE, MREMAP_DONTUNMAP, NULL));
    CHECK_ERR(EINVAL, remap(p, 2 * PAGE, PAGE, KEEP, NULL));
    CHECK_ERR(EINVAL, remap(p, PAGE, 2 * PAGE, KEEP, NULL));
    CHECK_ERR(EINVAL, remap(p, 0, PAGE, KEEP, NULL));
    CHECK_ERR(EINVAL, remap(p, 0, 0, KEEP, NULL));
    CHECK_ERR(EINVAL, remap(p, PAGE, PAGE, KEEP, to + 1));
    CHECK_ERR(EINVAL, remap(p, PAGE, PAGE, KEEP, (void *)-PAGE));
    CHECK_ERR(EINVAL, remap(p, 2 * PAGE, 2 * PAGE, KEEP | MREMAP_FIXED, p + PAGE));
    CHECK_ERR(EINVAL, remap(p, PAGE, PAGE, KEEP, p)); /* not even as a wish */
    CHECK_ERR(EINVAL, remap(p, PAGE, PAGE, KEEP | 8, NULL));
    CHECK(munmap(to, 4 * PAGE) == 0);
    CHECK_ERR(EFAULT, remap(to, PAGE, PAGE, KEEP, NULL));
    for (int i = 0; i < 4; i++)
        CHECK_EQ(p[i * PAGE], i + 1);
}

static void keeping(void)
{
    char *p = numbered(6), *q;

    q = remap(p + PAGE, 3 * PAGE, 3 * PAGE, KEEP, NULL);
    CHECK(q != MAP_FAILED && (q >= p + 6 * PAGE || q + 3 * PAGE <= p));
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(q[i * PAGE], i + 2);
        CHECK_EQ(p[(i + 1) * PAGE], 0);
    }
    CHECK(p[0] == 1 && p[4 * PAGE] == 5 && p[5 * PAGE] == 6);
    p[PAGE] = 42;
    CHECK(q[0] == 2 && munmap(q, 3 * PAGE) == 0 && p[PAGE] == 42);

    char *to = map_pages(6);
    to[0] = 99;
    CHECK(remap(p + 4 * PAGE, 2 * PAGE, 2 * PAGE, KEEP | MREMAP_FIXED, to + PAGE) == to + PAGE);
    CHECK(to[0] == 99 && to[PAGE] == 5 && to[2 * PAGE] == 6 && to[3 * PAGE] == 0);
    CHECK(p[4 * PAGE] == 0 && p[5 * PAGE] == 0);

    CHECK(mprotect(to, 6 * PAGE, PROT_READ) == 0); /* rights are those of before, on both sides */
    q = remap(to + PAGE, PAGE, PAGE, KEEP, NULL);
    CHECK(q != MAP_FAILED && q[0] == 5 && to[PAGE] == 0);
    CHECK_DIES(SIGSEGV, q[0] = 1);
    CHECK_DIES(SIGSEGV, to[PAGE] = 1);

    char *hole = map_pages(9); /* an address without MREMAP_FIXED is a wish */
    CHECK(munmap(hole, 9 * PAGE) == 0);
    CHECK(remap(p, PAGE, PAGE, KEEP, hole + 4 * PAGE) == hole + 4 * PAGE);
    CHECK(hole[4 * PAGE] == 1 && p[0] == 0);
    q = remap(p + PAGE, PAGE, PAGE, KEEP, hole + 4 * PAGE);
    CHECK(q != MAP_FAILED && q != hole + 4 * PAGE);
    CHECK(q[0] == 42 && hole[4 * PAGE] == 1);
}

/* A lock goes along and leaves the old one. */
static void locked(void)
{
    char *p = numbered(2);

    CHECK(mlock(p, 2 * PAGE) == 0);
    char *q = remap(p, 2 * PAGE, 2 * PAGE, KEEP, NULL);
    CHECK(q != MAP_FAILED);
    CHECK(msync(p, 2 * PAGE, MS_INVALIDATE) == 0);
    CHECK_ERR(EBUSY, msync(q, 2 * PAGE, MS_INVALIDATE));
    CHECK(q[PAGE] == 2 && p[PAGE] == 0);
}

static void keeping_files(void)
{
    int fd = memfd_create("file", 0);
    CHECK(fd >= 0 && ftruncate(fd, 3 * PAGE) == 0 && pwrite(fd, "a", 1, 0) == 1);
    CHECK(pwrite(fd, "b", 1, PAGE) == 1 && pwrite(fd, "c", 1, 2 * PAGE) == 1);

    char *s = mmap(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0);
    char *t = remap(s + PAGE, 2 * PAGE, 2 * PAGE, KEEP, NULL);
    CHECK(t != MAP_FAILED && t[0] == 'b' && s[PAGE] == 'b' && t[PAGE] == 'c');
    t[0] = 'B';
    CHECK_EQ(s[PAGE], 'B'); /* shared: both show the file */

    char *p = mmap(NULL, 3 * PAGE, RW, MAP_PRIVATE, fd, 0);
    p[0] = 'x';
    char *q = remap(p, 3 * PAGE, 3 * PAGE, KEEP, NULL);
    CHECK(q != MAP_FAILED && q[0] == 'x' && q[PAGE] == 'B');
    CHECK_EQ(p[0], 'a'); /* private: what was written went along */
    CHECK(ftruncate(fd, 0) == 0);
    CHECK_DIES(SIGBUS, (void)*(volatile char *)q);
    CHECK_DIES(SIGBUS, (void)*(volatile char *)p);
    CHECK_DIES(SIGBUS, (void)*(volatile char *)t);
    close(fd);
}

static void twice(void)
{
    int fd = memfd_create("file", 0);
    char *p = map_pages(2), *s, *t;

    CHECK_ERR(EINVAL, remap(p, 0, PAGE, MREMAP_MAYMOVE, NULL)); /* private */
    CHECK(ftruncate(fd, 4 * PAGE) == 0);
    s = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
    for (int i = 0; i < 4; i++)
        s[i * PAGE] = i + 1;
    CHECK_ERR(ENOMEM, remap(s, 0, PAGE, 0, NULL));
    CHECK_ERR(EINVAL, remap(s, 0, 0, MREMAP_MAYMOVE, NULL));
    CHECK_ERR(EINVAL, remap(s + PAGE, 0, 4 * PAGE, FIX, s)); /* over itself */
    t = remap(s + PAGE, 0, 2 * PAGE, MREMAP_MAYMOVE, NULL);
    CHECK(t != MAP_FAILED && t[0] == 2 && t[PAGE] == 3 && s[PAGE] == 2);
    t[PAGE] = 30;
    CHECK_EQ(s[2 * PAGE], 30);
    CHECK(munmap(s, 4 * PAGE) == 0);
    CHECK_EQ(t[PAGE], 30);
    CHECK(remap(t, 0, PAGE, FIX, p) == p);
    CHECK(p[0] == 2 && mapped(p + PAGE) && p[PAGE] == 0 && t[0] == 2);
    s = remap(t, 0, 5 * PAGE, MREMAP_MAYMOVE,
              NULL); /* further than the old one, and than the file */
    CHECK(s != MAP_FAILED && s[PAGE] == 30 && s[2 * PAGE] == 4);
    CHECK_DIES(SIGBUS, (void)*(volatile char *)(s + 4 * PAGE));
    CHECK_ERR(EFAULT, remap(t, 0, PAGE, FIX, t)); /* what is there goes before it is looked at */
    CHECK(!mapped(t) && mapped(t + PAGE));

    char *a = map_shared(2 * PAGE);
    a[0] = 1;
    t = remap(a, 0, 2 * PAGE, MREMAP_MAYMOVE, NULL);
    CHECK(t != MAP_FAILED);
    CHECK_EQ(CHILD(t[0] = 9), 0);
    CHECK_EQ(a[0], 9);
    CHECK(mprotect(a, PAGE, PROT_READ) == 0);
    t = remap(a, 0, PAGE, MREMAP_MAYMOVE, NULL);
    CHECK_DIES(SIGSEGV, t[0] = 1);
    close(fd);
}

static void several(void)
{
    char *p = numbered(8), *to = map_pages(10);

    if (linux_before(6, 17, "moving several mappings at once"))
        return;
    CHECK(mprotect(p + 2 * PAGE, PAGE, PROT_READ) == 0 && munmap(p + 4 * PAGE, 2 * PAGE) == 0);
    for (int i = 0; i < 10; i++)
        to[i * PAGE] = 90 + i;
    CHECK_ERR(EFAULT, remap(p + 4 * PAGE, 4 * PAGE, 4 * PAGE, FIX, to)); /* begins with a hole */
    CHECK_ERR(EFAULT, remap(p, 8 * PAGE, 8 * PAGE, KEEP, NULL));
    CHECK_ERR(EFAULT, remap(p, 8 * PAGE, 9 * PAGE, FIX, to));
    CHECK_EQ(to[0], 90);
    CHECK(remap(p + PAGE, 6 * PAGE, 6 * PAGE, FIX, to + PAGE) == to + PAGE);
    for (int i = 0; i < 10; i++)
        CHECK_EQ(to[i * PAGE], i == 1 || i == 2 || i == 3 || i == 6 ? i + 1 : 90 + i);
    CHECK_DIES(SIGSEGV, to[2 * PAGE] = 1);
    for (int i = 0; i < 8; i++)
        CHECK_EQ(mapped(p + i * PAGE), i == 0 || i == 7);
    CHECK(munmap(p, 8 * PAGE) == 0);

    p = numbered(3);
    CHECK(mlock(p, PAGE) == 0 && mprotect(p + 2 * PAGE, PAGE, PROT_READ) == 0);
    CHECK(remap(p, 3 * PAGE, 3 * PAGE, KEEP | MREMAP_FIXED, to) == to);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(to[i * PAGE], i + 1);
        CHECK_EQ(p[i * PAGE], 0);
    }
}

/* In large memory: huge pages, and tables that a fork shares, on both sides of it. */
#define SPAN  (2l << 20)
#define LARGE (5 * SPAN)
static void large(int flags, long from, long len, int advice)
{
    char *p = mmap(NULL, LARGE, RW, ANON, -1, 0), *q = NULL;

    CHECK(madvise(p, LARGE, advice) == 0 || errno == EINVAL);
    for (long at = 0; at < LARGE; at += PAGE)
        *(int *)(p + at) = (int)at + 1;
    for (int side = 0; side < 2; side++) {
        pid_t child = fork();
        if (child == 0 || side == 1) {
            q = remap(p + from, len, len, flags, NULL);
            CHECK(q != MAP_FAILED);
            for (long at = 0; at < len; at += PAGE)
                CHECK(*(int *)(q + at) == (int)(from + at) + 1);
            for (long at = 0; at < LARGE; at += PAGE) {
                int moved = at >= from && at < from + len;
                CHECK(*(int *)(p + at) == (moved ? 0 : (int)at + 1));
            }
            for (long at = 0; at < len; at += PAGE)
                *(int *)(q + at) = *(int *)(p + from + at) = -1;
        }
        if (child == 0)
            _exit(0);
        CHECK_EQ(status_of(child), 0);
        for (long at = 0; side == 0 && at < LARGE; at += PAGE)
            CHECK(*(int *)(p + at) == (int)at + 1);
    }
    CHECK(munmap(p, LARGE) == 0 && munmap(q, len) == 0);
}

static void test(void)
{
    arguments();
    keeping();
    locked();
    keeping_files();
    twice();
    several();
    large(KEEP, 0, LARGE, MADV_HUGEPAGE);
    large(KEEP, SPAN / 2, 3 * SPAN, MADV_HUGEPAGE);
    large(KEEP, 0, LARGE, MADV_NOHUGEPAGE);
    large(KEEP, SPAN + 7 * PAGE, SPAN, MADV_NOHUGEPAGE);
}
