/* sync_file_range and readahead: what they refuse, and nothing else. */
#include "check.h"

static long sync_range(int fd, long off, long n, unsigned flags)
{
    return syscall(SYS_sync_file_range, fd, off, n, flags);
}

static long ahead(int fd, long off, long n) { return syscall(SYS_readahead, fd, off, n); }

static void test(void)
{
    int fd = open("sync_range.data", O_RDWR | O_CREAT | O_TRUNC, 0600), p[2];
    int out = open("sync_range.data", O_WRONLY), dir = open(".", O_RDONLY),
        path = open(".", O_PATH);
    CHECK(fd >= 0 && out >= 0 && dir >= 0 && path >= 0 && pipe(p) == 0);
    CHECK_EQ(write(fd, "some text", 9), 9);
    for (unsigned flags = 0; flags < 8; flags++)
        CHECK_EQ(sync_range(fd, 0, 9, flags), 0);
    CHECK_EQ(sync_range(fd, 4, 0, 7), 0);
    CHECK_EQ(sync_range(fd, 1l << 40, 1l << 40, 2), 0);
    CHECK_EQ(sync_range(dir, 0, 1, 2), 0);
    CHECK_ERR(EINVAL, sync_range(fd, 0, 9, 8));
    CHECK_ERR(EINVAL, sync_range(fd, -1, 9, 2));
    CHECK_ERR(EINVAL, sync_range(fd, 9, -1, 2));
    CHECK_ERR(EINVAL, sync_range(fd, INT64_MAX, 9, 2));
    CHECK_ERR(EINVAL, sync_range(p[0], 0, 1, 8));
    CHECK_ERR(ESPIPE, sync_range(p[0], 0, 1, 2));
    CHECK_ERR(EBADF, sync_range(path, 0, 1, 2));
    CHECK_ERR(EBADF, sync_range(-1, -1, 1, 8));
    CHECK_EQ(ahead(fd, 0, 9), 0);
    CHECK_EQ(ahead(fd, 1l << 40, 0), 0);
    CHECK_ERR(EBADF, ahead(out, 0, 9));
    CHECK_ERR(EBADF, ahead(path, 0, 9));
    CHECK_ERR(EINVAL, ahead(p[0], 0, 9));
    CHECK_ERR(EINVAL, ahead(dir, 0, 9));
    CHECK_EQ(unlink("sync_range.data"), 0);
}
