/* Names and files: a file without a name lives while it is open; hard links share;
 * directories must be empty; "." cannot go; counts of links; a directory that was removed
 * while it is somebody's own. */
#include "check.h"
#include <dirent.h>

static void test(void)
{
    struct stat st;
    char buf[256];
    int fd = open("file", O_RDWR | O_CREAT, 0644);

    CHECK(write(fd, "data", 4) == 4);
    CHECK(link("file", "second") == 0);
    CHECK(fstat(fd, &st) == 0 && st.st_nlink == 2);
    CHECK(unlink("file") == 0 && fstat(fd, &st) == 0 && st.st_nlink == 1);
    CHECK(strcmp(slurp("second"), "data") == 0);
    CHECK(unlink("second") == 0 && fstat(fd, &st) == 0 && st.st_nlink == 0);
    CHECK_EQ(pread(fd, buf, 8, 0), 4);
    CHECK(pwrite(fd, "more", 4, 4) == 4);
    CHECK_EQ(pread(fd, buf, 8, 0), 8);
    CHECK_ERR(ENOENT, unlink("file"));
    CHECK(mkdir("dir", 0755) == 0 && stat("dir", &st) == 0);
    SAY("dir mode %o nlink %d\n", st.st_mode, (int)st.st_nlink);
    CHECK(mkdir("dir/sub", 0755) == 0 && stat("dir", &st) == 0);
    SAY("with one below: nlink %d\n", (int)st.st_nlink);
    CHECK_ERR(EEXIST, mkdir("dir", 0755));
    CHECK_ERR(EEXIST, mkdir(".", 0755));
    CHECK_ERR(EEXIST, mkdir("/", 0755));
    CHECK_ERR(ENOENT, mkdir("none/dir", 0755));
    CHECK(mkdir("slash/", 0755) == 0 && rmdir("slash/") == 0);
    CHECK_ERR(ENOTEMPTY, rmdir("dir"));
    CHECK_ERR(EISDIR, unlink("dir"));
    CHECK_ERR(EINVAL, rmdir("dir/sub/."));
    CHECK_ERR(ENOTEMPTY, rmdir("dir/sub/.."));
    CHECK_ERR(EPERM, link("dir", "dirlink"));
    write_file("plain", "");
    CHECK_ERR(ENOTDIR, rmdir("plain"));
    CHECK_ERR(EEXIST, link("plain", "dir"));
    CHECK_ERR(ENOENT, link("none", "x"));
    CHECK_ERR(ENOTDIR, unlink("plain/"));
    CHECK_ERR(EBUSY, rmdir("/"));

    CHECK(chdir("dir/sub") == 0);
    CHECK(rmdir("../sub") == 0);
    CHECK_ERR(ENOENT, syscall(SYS_getcwd, buf, sizeof(buf)));
    CHECK_ERR(ENOENT, open("new", O_CREAT | O_RDWR, 0644));
    CHECK_ERR(ENOENT, mkdir("new", 0755));
    CHECK(stat(".", &st) == 0 && st.st_nlink == 0);
    CHECK(chdir("..") == 0);
    CHECK(getcwd(buf, sizeof(buf)) != NULL && strcmp(buf + strlen(buf) - 4, "/dir") == 0);
    CHECK_ERR(ERANGE, syscall(SYS_getcwd, buf, 3));
    CHECK(syscall(SYS_getcwd, buf, sizeof(buf)) == (long)strlen(buf) + 1);
}
