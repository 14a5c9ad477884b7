/* Symbolic links: readlink, following, chains of up to 40, loops, links in the middle
 * of a path and at its end, lstat. */
#include "check.h"

static void test(void)
{
    char buf[64], name[16], target[16];
    struct stat st;

    CHECK(symlink("some/where", "l") == 0);
    memset(buf, '#', sizeof(buf));
    CHECK_EQ(readlink("l", buf, sizeof(buf)), 10);
    CHECK(buf[10] == '#');
    CHECK_EQ(readlink("l", buf, 4), 4);
    CHECK_ERR(EINVAL, syscall(SYS_readlink, "l", buf, 0));
    CHECK_ERR(EINVAL, readlink(".", buf, 8));
    CHECK_ERR(ENOENT, readlink("none", buf, 8));
    CHECK_ERR(EEXIST, symlink("x", "l"));
    CHECK_ERR(ENOENT, symlink("", "empty"));
    CHECK(lstat("l", &st) == 0);
    SAY("mode %o size %d\n", st.st_mode, (int)st.st_size);
    CHECK_ERR(ENOENT, stat("l", &st));

    write_file("end", "reached");
    for (int i = 0; i < 42; i++) {
        snprintf(name, sizeof(name), "c%d", i);
        if (i == 0)
            strcpy(target, "end");
        else
            snprintf(target, sizeof(target), "c%d", i - 1);
        CHECK(symlink(target, name) == 0);
    }
    CHECK(strcmp(slurp("c39"), "reached") == 0);
    CHECK_ERR(ELOOP, open("c40", O_RDONLY));
    CHECK(symlink("loop", "loop") == 0);
    CHECK_ERR(ELOOP, stat("loop", &st));
    CHECK_ERR(ELOOP, open("loop/x", O_RDONLY));
    CHECK(unlink("loop") == 0);

    CHECK(mkdir("dir", 0755) == 0 && mkdir("dir/sub", 0755) == 0);
    write_file("dir/file", "in dir");
    CHECK(symlink("dir", "to_dir") == 0 && symlink("../file", "dir/sub/up") == 0);
    CHECK(strcmp(slurp("to_dir/file"), "in dir") == 0);
    CHECK(strcmp(slurp("to_dir/sub/up"), "in dir") == 0);
    CHECK(strcmp(slurp("to_dir/sub/../file"), "in dir") == 0);
    CHECK(lstat("to_dir/", &st) == 0 && S_ISDIR(st.st_mode));
    CHECK(lstat("to_dir", &st) == 0 && S_ISLNK(st.st_mode));
    CHECK_ERR(ENOTDIR, rmdir("to_dir"));
    CHECK(unlink("to_dir") == 0 && stat("dir", &st) == 0);
}
