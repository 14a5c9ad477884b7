/* Corners of calls on files: where pwritev2 appends, what a whiteout leaves, which temporary file can be
 * named, what a fallocate that fails leaves, times that are both left alone, names that are NULL. */
#include "check.h"
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x20
#endif
#ifndef RENAME_WHITEOUT
#define RENAME_WHITEOUT 4
#endif
#define QUERY(n) (1024 + (n))

static long put(int fd, const char *text, long pos, int flags)
{
    struct iovec v = { (void *)text, strlen(text) };

    return syscall(SYS_pwritev2, fd, &v, 1L, pos, 0L, flags);
}

static void appending(void)
{
    char got[32] = "";
    struct iovec v = { got, 3 };
    int fd = open("f", O_RDWR | O_CREAT, 0644), ends[2];

    CHECK(write(fd, "0123456789", 10) == 10 && lseek(fd, 2, SEEK_SET) == 2);
    CHECK(put(fd, "ab", 1, RWF_APPEND) == 2 && lseek(fd, 0, SEEK_CUR) == 2);
    CHECK(put(fd, "cd", -1, RWF_APPEND) == 2 && lseek(fd, 0, SEEK_CUR) == 14);
    CHECK(syscall(SYS_preadv2, fd, &v, 1L, 2L, 0L, RWF_APPEND) == 3 && memcmp(got, "234", 3) == 0);
    CHECK_ERR(EINVAL, put(fd, "x", -2, RWF_APPEND));
    CHECK_ERR(EOPNOTSUPP, put(fd, "x", 0, RWF_APPEND | 0x10000));
    CHECK(pipe(ends) == 0);
    CHECK_ERR(ESPIPE, put(ends[1], "x", 0, RWF_APPEND));
    CHECK(put(ends[1], "x", -1, RWF_APPEND) == 1);
    CHECK_ERR(EBADF, put(ends[0], "x", -1, RWF_APPEND));
    close(ends[0]);
    close(ends[1]);
    if (!linux_before(6, 9, "RWF_NOAPPEND")) {
        CHECK(fcntl(fd, F_SETFL, O_APPEND) == 0);
        CHECK(put(fd, "AB", 0, RWF_NOAPPEND) == 2 && put(fd, "CD", 0, 0) == 2);
        CHECK(lseek(fd, 4, SEEK_SET) == 4 && put(fd, "EF", -1, RWF_NOAPPEND) == 2);
        CHECK(lseek(fd, 0, SEEK_CUR) == 6);
        CHECK_ERR(EINVAL, put(fd, "x", 0, RWF_NOAPPEND | RWF_APPEND));
        CHECK(pread(fd, got, sizeof got, 0) == 16);
        SAY("%.16s\n", got);
    }
    close(fd);
    unlink("f");
}

static void whiteouts(void)
{
    struct stat st;

    write_file("old", "x");
    write_file("other", "y");
    CHECK(syscall(SYS_renameat2, AT_FDCWD, "old", AT_FDCWD, "new", RENAME_WHITEOUT) == 0);
    CHECK(lstat("old", &st) == 0 && st.st_rdev == 0 && st.st_nlink == 1);
    SAY("whiteout: %o\n", st.st_mode);
    CHECK(lstat("new", &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1);
    CHECK_ERR(ENXIO, open("old", O_RDONLY));
    CHECK_ERR(EINVAL, syscall(SYS_renameat2, AT_FDCWD, "new", AT_FDCWD, "other",
                              RENAME_WHITEOUT | RENAME_EXCHANGE));
    CHECK_ERR(EEXIST, syscall(SYS_renameat2, AT_FDCWD, "new", AT_FDCWD, "other",
                              RENAME_WHITEOUT | RENAME_NOREPLACE));
    CHECK(syscall(SYS_renameat2, AT_FDCWD, "new", AT_FDCWD, "other", RENAME_WHITEOUT) == 0);
    CHECK(strcmp(slurp("other"), "x") == 0);
    CHECK(lstat("new", &st) == 0 && S_ISCHR(st.st_mode));
    CHECK(unlink("old") == 0 && unlink("new") == 0 && unlink("other") == 0);
}

static void unnamed(void)
{
    char path[64];
    int fd = open(".", O_TMPFILE | O_RDWR, 0600);

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    CHECK(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW) == 0);
    close(fd);
    fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    CHECK_ERR(ENOENT, linkat(AT_FDCWD, path, AT_FDCWD, "never", AT_SYMLINK_FOLLOW));
    close(fd);
    unlink("named");
}

static void no_room(void)
{
    struct stat st;
    int fd;

    CHECK(mkdir("t", 0755) == 0 && mount("x", "t", "tmpfs", 0, "size=64k") == 0);
    fd = open("t/f", O_RDWR | O_CREAT, 0644);
    CHECK(write(fd, "x", 1) == 1);
    CHECK_ERR(ENOSPC, fallocate(fd, 0, 0, 65537));
    CHECK_ERR(ENOSPC, fallocate(fd, FALLOC_FL_KEEP_SIZE, 4096, 65536));
    CHECK(fstat(fd, &st) == 0 && st.st_size == 1 && st.st_blocks == 8);
    CHECK(fallocate(fd, 0, 0, 65536) == 0);
    CHECK(fstat(fd, &st) == 0 && st.st_size == 65536 && st.st_blocks == 128);
    close(fd);
    CHECK(umount("t") == 0 && rmdir("t") == 0);
}

static void names(void)
{
    struct timespec omit[2] = { { 0, UTIME_OMIT }, { 0, UTIME_OMIT } };
    struct stat st;
    struct statx x;
    int fd = open(".", O_RDONLY);

    CHECK(utimensat(AT_FDCWD, "nowhere", omit, 0) == 0);
    CHECK(utimensat(AT_FDCWD, "nowhere", omit, 0x8000) == 0);
    CHECK_ERR(ENOENT, utimensat(AT_FDCWD, "nowhere", NULL, 0));
    if (!linux_before(6, 11, "AT_EMPTY_PATH with NULL")) {
        CHECK(syscall(SYS_newfstatat, fd, NULL, &st, AT_EMPTY_PATH) == 0 && S_ISDIR(st.st_mode));
        CHECK(syscall(SYS_statx, fd, NULL, AT_EMPTY_PATH, STATX_BASIC_STATS, &x) == 0);
    }
    CHECK_ERR(EFAULT, syscall(SYS_newfstatat, fd, NULL, &st, 0));
    close(fd);
}

static void queries(void)
{
    uint64_t hint = 9;
    int fd = open("f", O_CREAT | O_RDWR, 0600), two = open("f", O_CREAT | O_RDWR, 0600);
    int same = dup(fd);

    CHECK(fcntl(fd, F_GET_RW_HINT, &hint) == 0 && hint == 0);
    hint = 4 /* long */;
    CHECK(fcntl(fd, F_SET_RW_HINT, &hint) == 0);
    hint = 9;
    CHECK(fcntl(two, F_GET_RW_HINT, &hint) == 0 && hint == 4);
    hint = 6;
    CHECK_ERR(EINVAL, fcntl(fd, F_SET_RW_HINT, &hint));
    CHECK_ERR(EFAULT, fcntl(fd, F_SET_RW_HINT, 8));
    if (!linux_before(6, 12, "F_CREATED_QUERY, F_DUPFD_QUERY")) {
        CHECK(fcntl(fd, QUERY(4)) == 1 && fcntl(two, QUERY(4)) == 0);
        CHECK(fcntl(fd, QUERY(3), same) == 1 && fcntl(fd, QUERY(3), two) == 0);
        CHECK_ERR(EBADF, fcntl(fd, QUERY(3), -1));
    }
    close(fd);
    close(two);
    close(same);
    unlink("f");
}

static void copying(void)
{
    struct rlimit small = { 16, 16 };
    loff_t before = -1, zero = 0, limit = 16;
    int from = open("from", O_RDWR | O_CREAT, 0644), to = open("to", O_RDWR | O_CREAT, 0644),
        ends[2];

    CHECK(write(from, "0123456789", 10) == 10 && pipe(ends) == 0);
    CHECK_ERR(EOVERFLOW, copy_file_range(from, &before, to, &zero, 16, 0));
    CHECK_ERR(EOVERFLOW, copy_file_range(from, &zero, to, &before, 16, 0));
    CHECK_ERR(EINVAL, copy_file_range(from, &before, to, &zero, 0, 0));
    CHECK_ERR(ESPIPE, sendfile(to, ends[0], &zero, 1));
    CHECK_EQ(CHILD(signal(SIGXFSZ, SIG_IGN); CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
                   loff_t end = 10; /* nothing is left to read, and still it may not be written */
                   CHECK_ERR(EFBIG, copy_file_range(from, &end, to, &limit, 5, 0)); limit = 14;
                   CHECK(copy_file_range(from, &zero, to, &limit, 5, 0) == 2)),
             0);
    CHECK_ERR(EINVAL, readahead(from, 0, -1));
    CHECK(readahead(from, -1, 1) == 0);
    close(from);
    close(to);
    close(ends[0]);
    close(ends[1]);
    unlink("from");
    unlink("to");
}

static void old_calls(void)
{
    char name[64] = "", room[64];
    struct stat st;

    long proc = syscall(SYS_sysfs, 1, "proc");
    CHECK(proc >= 0 && proc < syscall(SYS_sysfs, 3));
    CHECK(syscall(SYS_sysfs, 2, proc, name) == 0 && strcmp(name, "proc") == 0);
    CHECK_ERR(EINVAL, syscall(SYS_sysfs, 1, "no such"));
    CHECK_ERR(EFAULT, syscall(SYS_sysfs, 1, 8L));
    CHECK_ERR(EFAULT, syscall(SYS_sysfs, 2, 0L, 8L));
    CHECK_ERR(EINVAL, syscall(SYS_sysfs, 2, 1000L, name));
    CHECK_ERR(EINVAL, syscall(SYS_sysfs, 0));
    CHECK(stat(".", &st) == 0 && syscall(SYS_ustat, (unsigned)st.st_dev, room) == 0);
    CHECK_ERR(EFAULT, syscall(SYS_ustat, (unsigned)st.st_dev, 8L));
    CHECK_ERR(EINVAL, syscall(SYS_ustat, -1, room));
}

static void test(void)
{
    CHECK(mkdir("w", 0755) == 0 && mount("x", "w", "tmpfs", 0, NULL) == 0 && chdir("w") == 0);
    appending();
    whiteouts();
    unnamed();
    no_room();
    names();
    queries();
    copying();
    old_calls();
    CHECK(chdir("..") == 0 && umount("w") == 0 && rmdir("w") == 0);
}
