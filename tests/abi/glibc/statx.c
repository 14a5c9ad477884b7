/* statx agrees with stat, and takes AT_EMPTY_PATH. */
#include "check.h"
#include <sys/sysmacros.h>

static void test(void)
{
    struct stat st;
    struct statx stx, same;

    write_file("file", "12345");
    CHECK(stat("file", &st) == 0);
    CHECK(statx(AT_FDCWD, "file", 0, STATX_BASIC_STATS, &stx) == 0);
    CHECK((stx.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
    CHECK(stx.stx_ino == st.st_ino && stx.stx_size == 5 && stx.stx_mode == st.st_mode);
    CHECK(stx.stx_nlink == 1 && stx.stx_uid == st.st_uid && stx.stx_mtime.tv_sec == st.st_mtime);
    CHECK(stx.stx_mtime.tv_nsec == st.st_mtim.tv_nsec);
    CHECK(stx.stx_dev_major == major(st.st_dev) && stx.stx_dev_minor == minor(st.st_dev));
    int fd = open("file", O_RDONLY);
    CHECK(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &same) == 0);
    CHECK(same.stx_ino == stx.stx_ino);
    CHECK_ERR(ENOENT, statx(AT_FDCWD, "none", 0, STATX_BASIC_STATS, &stx));
    CHECK_ERR(ENOENT, statx(fd, "", 0, STATX_BASIC_STATS, &stx));
    CHECK_ERR(EFAULT, statx(AT_FDCWD, "file", 0, STATX_BASIC_STATS, (struct statx *)8));
}
