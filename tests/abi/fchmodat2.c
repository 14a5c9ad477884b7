/* fchmodat2: by name, by link, by descriptor, also one of O_PATH or of a file without a place; and
 * fchownat by such a descriptor. */
#include "check.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

static long change(int dfd, const char *name, unsigned mode, unsigned flags)
{
    return syscall(SYS_fchmodat2, dfd, name, mode, flags);
}

static unsigned mode_of(const char *name)
{
    struct stat st;

    return lstat(name, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void test(void)
{
    struct stat st;
    int ends[2];

    CHECK(mkdir("d", 0755) == 0);
    int d = open("d", O_RDONLY), f = open("d/file", O_CREAT | O_RDWR, 0600),
        path = open("d/file", O_PATH);
    CHECK(symlink("file", "d/link") == 0 && pipe(ends) == 0);
    CHECK_EQ(change(d, "file", 0640, 0), 0);
    CHECK_EQ(mode_of("d/file"), 0640);
    CHECK_EQ(change(d, "link", 04711, 0), 0);
    CHECK_EQ(mode_of("d/file"), 04711);
    CHECK_EQ(change(d, "file", 0644, AT_SYMLINK_NOFOLLOW), 0);
    CHECK_EQ(mode_of("d/file"), 0644);
    CHECK_ERR(EOPNOTSUPP, change(d, "link", 0600, AT_SYMLINK_NOFOLLOW));
    CHECK_EQ(change(f, "", 0601, AT_EMPTY_PATH), 0);
    CHECK_EQ(mode_of("d/file"), 0601);
    CHECK_EQ(change(path, "", 0602, AT_EMPTY_PATH), 0);
    CHECK_EQ(mode_of("d/file"), 0602);
    CHECK_ERR(EBADF, syscall(SYS_fchmod, path, 0600)); /* libc would try /proc */
    CHECK_EQ(change(AT_FDCWD, "", 0700, AT_EMPTY_PATH), 0);
    CHECK_EQ(mode_of("."), 0700);
    CHECK_EQ(change(ends[0], "", 0604, AT_EMPTY_PATH), 0);
    CHECK(fstat(ends[1], &st) == 0);
    SAY("pipe %o\n", st.st_mode);
    CHECK_EQ(fchownat(ends[0], "", 12, 13, AT_EMPTY_PATH), 0);
    CHECK(fstat(ends[1], &st) == 0);
    SAY("pipe %u %u\n", st.st_uid, st.st_gid);
    CHECK_ERR(ENOENT, change(f, "", 0600, 0));
    CHECK_ERR(EBADF, change(77, "", 0600, AT_EMPTY_PATH));
    CHECK_ERR(EBADF, change(77, "file", 0600, 0));
    CHECK_ERR(ENOTDIR, change(f, "file", 0600, 0));
    CHECK_ERR(ENOENT, change(d, "none", 0600, 0));
    CHECK_ERR(EFAULT, change(d, (char *)8, 0600, 0));
    CHECK_ERR(EINVAL, change(d, "file", 0600, AT_SYMLINK_FOLLOW));
    CHECK_ERR(EINVAL, change(d, "file", 0600, AT_REMOVEDIR));
}
