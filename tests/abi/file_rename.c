/* rename: replaces, keeps the inode, moves directories, and what it refuses. */
#include "check.h"

static ino_t inode(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 ? st.st_ino : 0;
}

static void test(void)
{
    write_file("a", "A");
    write_file("b", "B");
    ino_t a = inode("a");
    int old = open("b", O_RDONLY);
    CHECK(rename("a", "b") == 0);
    CHECK_EQ(inode("b"), a);
    CHECK_ERR(ENOENT, rename("a", "c"));
    char c;
    CHECK(read(old, &c, 1) == 1 && c == 'B');
    CHECK(rename("b", "b") == 0);
    CHECK(link("b", "hard") == 0 && rename("b", "hard") == 0);
    CHECK_EQ(inode("b"), a); /* two names of one file: nothing happens */
    CHECK(mkdir("d1", 0755) == 0 && mkdir("d2", 0755) == 0 && mkdir("d1/sub", 0755) == 0);
    CHECK_ERR(EISDIR, rename("b", "d1"));
    CHECK_ERR(ENOTDIR, rename("d1", "b"));
    CHECK_ERR(EINVAL, rename("d1", "d1/sub/inside"));
    CHECK_ERR(ENOTEMPTY, rename("d2", "d1"));
    CHECK(rename("d1", "d2") == 0); /* over an empty one */
    CHECK(inode("d2/sub") != 0 && inode("d1") == 0);
    CHECK(rename("d2/sub", "top") == 0);
    CHECK_EQ(inode("top/.."), inode("."));
    CHECK_ERR(EBUSY, rename("top/.", "x"));
    CHECK_ERR(ENOTDIR, rename("b/", "x"));
    CHECK(symlink("nowhere", "link") == 0 && rename("link", "link2") == 0);
    CHECK(inode("link2") != 0);
    CHECK_ERR(ENOENT, rename("b", ""));
    CHECK_ERR(EEXIST, syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "hard", 1));
    CHECK(syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "fresh", 1) == 0);
    struct stat st;
    CHECK(stat("d2", &st) == 0 && st.st_nlink == 2);
}
