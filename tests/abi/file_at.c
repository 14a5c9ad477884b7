/* The *at calls: relative to a directory's descriptor, AT_FDCWD, absolute paths, flags,
 * errors. */
#include "check.h"

static void test(void)
{
    struct stat st;
    char buf[32];

    CHECK(mkdir("d", 0755) == 0);
    int d = open("d", O_RDONLY | O_DIRECTORY), f, file;
    CHECK((f = openat(d, "file", O_CREAT | O_RDWR, 0644)) >= 0);
    CHECK(stat("d/file", &st) == 0);
    CHECK(mkdirat(d, "sub", 0700) == 0);
    CHECK(symlinkat("file", d, "link") == 0);
    CHECK_EQ(readlinkat(d, "link", buf, sizeof(buf)), 4);
    CHECK(fstatat(d, "link", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode));
    CHECK(fstatat(d, "link", &st, 0) == 0 && S_ISREG(st.st_mode));
    CHECK(fstatat(f, "", &st, AT_EMPTY_PATH) == 0 && S_ISREG(st.st_mode));
    CHECK_ERR(ENOENT, fstatat(d, "", &st, 0));
    CHECK_ERR(EINVAL, fstatat(d, "file", &st, 0x40000000));
    CHECK(linkat(d, "file", AT_FDCWD, "hard", 0) == 0);
    CHECK(linkat(d, "link", AT_FDCWD, "followed", AT_SYMLINK_FOLLOW) == 0);
    CHECK(lstat("followed", &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 3);
    CHECK(linkat(d, "link", AT_FDCWD, "not_followed", 0) == 0);
    CHECK(lstat("not_followed", &st) == 0 && S_ISLNK(st.st_mode));
    CHECK(renameat(d, "file", AT_FDCWD, "moved") == 0);
    CHECK(faccessat(d, "sub", X_OK, 0) == 0);
    CHECK_ERR(ENOENT, faccessat(d, "file", F_OK, 0));
    CHECK_ERR(EISDIR, unlinkat(d, "sub", 0));
    CHECK_ERR(ENOTDIR, unlinkat(d, "link", AT_REMOVEDIR));
    CHECK(unlinkat(d, "sub", AT_REMOVEDIR) == 0);
    CHECK(unlinkat(d, "link", 0) == 0);
    CHECK_ERR(EINVAL, unlinkat(d, "x", 0x8000));
    file = open("moved", O_RDONLY);
    CHECK_ERR(ENOTDIR, openat(file, "x", O_RDONLY));
    CHECK_ERR(EBADF, openat(99, "x", O_RDONLY));
    CHECK(openat(99, "/", O_RDONLY) >= 0);
    CHECK(fchdir(d) == 0);
    CHECK_ERR(ENOTDIR, fchdir(file));
    CHECK_ERR(ENOENT, stat("moved", &st));
    CHECK(stat("../moved", &st) == 0);
    CHECK(mknodat(d, "node", S_IFREG | 0600, 0) == 0 && stat("node", &st) == 0 &&
          S_ISREG(st.st_mode));
    CHECK(fchmodat(d, "node", 0123, 0) == 0 && stat("node", &st) == 0);
    SAY("mode %o\n", st.st_mode);
}
