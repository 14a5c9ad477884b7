/* stat, fstat, lstat: fields that must agree; chmod, chown, umask, utimensat and
 * what times do; access. */
#include "check.h"
#include <sys/sysmacros.h>

static void test(void)
{
    struct stat st, old;
    struct timespec times[2] = { { 1000000000, 123456789 }, { 1111111111, 987654321 } };

    write_file("file", "12345");
    CHECK(stat("file", &st) == 0);
    SAY("mode %o nlink %d size %d blksize %d\n", st.st_mode, (int)st.st_nlink, (int)st.st_size,
        (int)st.st_blksize);
    CHECK(st.st_uid == getuid() && st.st_gid == getgid());
    CHECK(llabs((long long)st.st_mtime - time(NULL)) <= 2);

    CHECK(utimensat(AT_FDCWD, "file", times, 0) == 0 && stat("file", &st) == 0);
    SAY("%ld.%09ld %ld.%09ld\n", (long)st.st_atim.tv_sec, st.st_atim.tv_nsec,
        (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_nsec = UTIME_NOW;
    CHECK(utimensat(AT_FDCWD, "file", times, 0) == 0 && stat("file", &st) == 0);
    CHECK(st.st_atime == 1000000000 && llabs((long long)st.st_mtime - time(NULL)) <= 2);
    times[0].tv_nsec = 2000000000;
    CHECK_ERR(EINVAL, utimensat(AT_FDCWD, "file", times, 0));

    CHECK(stat("file", &old) == 0);
    msleep(30);
    write_file("file", "more");
    CHECK(stat("file", &st) == 0);
    CHECK(st.st_mtim.tv_sec > old.st_mtim.tv_sec || st.st_mtim.tv_nsec > old.st_mtim.tv_nsec);
    old = st;
    msleep(30);
    CHECK(chmod("file", 06751) == 0 && stat("file", &st) == 0);
    SAY("mode %o\n", st.st_mode);
    CHECK(st.st_mtim.tv_nsec == old.st_mtim.tv_nsec);
    CHECK(st.st_ctim.tv_sec > old.st_ctim.tv_sec || st.st_ctim.tv_nsec > old.st_ctim.tv_nsec);
    CHECK(chown("file", 12, 34) == 0 && stat("file", &st) == 0);
    SAY("mode %o after chown, owner %d %d\n", st.st_mode, st.st_uid, st.st_gid);
    CHECK(chown("file", -1, 56) == 0 && stat("file", &st) == 0 && st.st_uid == 12 &&
          st.st_gid == 56);
    CHECK_ERR(ENOENT, chmod("none", 0));
    CHECK_ERR(ENOENT, chown("none", 0, 0));
    CHECK(mkdir("dir", 0777) == 0 && stat("dir", &st) == 0);
    SAY("dir %o\n", st.st_mode);
    old = st;
    msleep(30);
    write_file("dir/x", "");
    CHECK(stat("dir", &st) == 0);
    CHECK(st.st_mtim.tv_sec > old.st_mtim.tv_sec || st.st_mtim.tv_nsec > old.st_mtim.tv_nsec);

    CHECK(access("file", F_OK) == 0);
    CHECK_ERR(ENOENT, access("none", F_OK));
    CHECK_ERR(EINVAL, access("file", 0100));
    chmod("file", 0600);
    CHECK(access("file", R_OK | W_OK) == 0);
    CHECK_ERR(EACCES, access("file", X_OK));
    close(open("set-id", O_CREAT | O_RDWR, 0600));
    CHECK(chmod("set-id", 06755) == 0);
    CHECK_EQ(CHILD({
                 CHECK(chmod("dir", 0700) == 0 && chmod(".", 0755) == 0);
                 CHECK(setgid(99) == 0 && setuid(99) == 0);
                 CHECK_ERR(EACCES, access("file", R_OK));
                 CHECK_ERR(EACCES, access("dir/x", F_OK));
                 CHECK_ERR(EPERM, chmod("file", 0777));
                 CHECK_ERR(EPERM, chown("file", 99, 99));
                 CHECK_ERR(EPERM, chown("set-id", -1, -1)); /* which would take its bits */
                 CHECK_EQ(chown("file", -1, -1), 0);
                 CHECK_ERR(EACCES, open("new", O_CREAT | O_RDWR, 0644));
                 CHECK_ERR(EACCES, unlink("file"));
                 CHECK_ERR(EACCES, mkdir("new", 0755));
                 CHECK_ERR(EACCES, rename("file", "other"));
             }),
             0);
    CHECK(stat("/dev/null", &st) == 0 && S_ISCHR(st.st_mode));
    SAY("null is %d:%d mode %o\n", major(st.st_rdev), minor(st.st_rdev), st.st_mode);
    CHECK(stat("/dev/zero", &st) == 0 && st.st_rdev == makedev(1, 5));
}
