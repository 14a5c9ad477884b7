/* What chattr(1) sets: a file that is immutable or only appended to refuses what changes it, to root,
 * too, and says so in statx; and the other ioctls that files know because they are files. */
#include "check.h"
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/time.h>
#include <sys/xattr.h>

static int set(const char *path, int flags)
{
    int fd = open(path, O_RDONLY), done = ioctl(fd, FS_IOC_SETFLAGS, &flags), err = errno;

    close(fd);
    errno = err;
    return done;
}

static int get(const char *path)
{
    int flags = -1, fd = open(path, O_RDONLY);

    CHECK(ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0);
    close(fd);
    return flags;
}

static long attributes(const char *path)
{
    struct statx x;

    CHECK(statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &x) == 0);
    return x.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND | STATX_ATTR_NODUMP);
}

static void immutable(void)
{
    struct timespec both[2] = { { 1, 0 }, { 1, 0 } };
    int early = open("f", O_RDWR);

    CHECK(set("f", FS_IMMUTABLE_FL) == 0 && get("f") == FS_IMMUTABLE_FL);
    CHECK_EQ(attributes("f"), STATX_ATTR_IMMUTABLE);
    CHECK_ERR(EPERM, open("f", O_WRONLY));
    CHECK_ERR(EPERM, open("f", O_RDONLY | O_TRUNC));
    CHECK_ERR(EPERM, truncate("f", 0));
    CHECK_ERR(EPERM, access("f", W_OK));
    CHECK(access("f", R_OK) == 0);
    CHECK_ERR(EPERM, unlink("f"));
    CHECK_ERR(EPERM, rename("f", "g"));
    CHECK_ERR(EPERM, link("f", "g"));
    CHECK_ERR(EPERM, chmod("f", 0600));
    CHECK_ERR(EPERM, chown("f", 1, 1));
    CHECK_ERR(EPERM, utimensat(AT_FDCWD, "f", both, 0));
    CHECK_ERR(EPERM, utimensat(AT_FDCWD, "f", NULL, 0));
    CHECK_ERR(EPERM, setxattr("f", "user.x", "y", 1, 0));
    CHECK_ERR(EPERM, fallocate(early, 0, 0, 10));
    CHECK(write(early, "more", 4) == 4); /* who has it open goes on */
    CHECK(ftruncate(early, 1) == 0);
    close(early);
    CHECK(set("f", 0) == 0 && unlink("f") == 0);
    write_file("f", "text");
}

static void append_only(void)
{
    struct timespec both[2] = { { 1, 0 }, { 1, 0 } };
    int fd;

    CHECK(set("f", FS_APPEND_FL) == 0);
    CHECK_EQ(attributes("f"), STATX_ATTR_APPEND);
    CHECK_ERR(EPERM, open("f", O_WRONLY));
    CHECK_ERR(EPERM, open("f", O_WRONLY | O_APPEND | O_TRUNC));
    CHECK_ERR(EPERM, truncate("f", 0));
    CHECK_ERR(EPERM, unlink("f"));
    CHECK_ERR(EPERM, link("f", "g"));
    CHECK_ERR(EPERM, chmod("f", 0600));
    CHECK_ERR(EPERM, utimensat(AT_FDCWD, "f", both, 0));
    CHECK(utimensat(AT_FDCWD, "f", NULL, 0) == 0);
    CHECK_ERR(EPERM, removexattr("f", "user.x"));
    fd = open("f", O_RDWR | O_APPEND);
    CHECK(fd >= 0 && write(fd, "more", 4) == 4);
    CHECK_ERR(EPERM, ftruncate(fd, 0));
    CHECK_ERR(EPERM, fcntl(fd, F_SETFL, 0));
    CHECK_ERR(EPERM, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4));
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EACCES);
    close(fd);
    CHECK(set("f", 0) == 0);
}

static void directories(void)
{
    CHECK(mkdir("d", 0755) == 0);
    write_file("d/f", "x");
    CHECK(set("d", FS_APPEND_FL) == 0);
    write_file("d/g", "x");
    CHECK_ERR(EPERM, unlink("d/f"));
    CHECK_ERR(EPERM, rename("d/f", "d/h"));
    CHECK(set("d", FS_IMMUTABLE_FL) == 0);
    CHECK_ERR(EPERM, mkdir("d/x", 0755));
    CHECK_ERR(EPERM, open("d/x", O_CREAT | O_RDWR, 0600));
    CHECK_ERR(EPERM, open("d", O_TMPFILE | O_RDWR, 0600));
    CHECK_ERR(EPERM, unlink("d/f"));
    CHECK_ERR(EPERM, rmdir("d"));
    write_file("d/f", "written"); /* its files are not */
    CHECK(set("d", 0) == 0 && unlink("d/f") == 0 && unlink("d/g") == 0 && rmdir("d") == 0);
}

static void who(void)
{
    unsigned x[7];
    int fd = open("f", O_RDWR), flags = FS_NODUMP_FL;

    CHECK(chown("f", 1000, 1000) == 0 && chmod("f", 0644) == 0);
    CHECK_EQ(CHILD(CHECK(setuid(1000) == 0); CHECK(set("f", FS_NODUMP_FL) == 0);
                   CHECK_ERR(EPERM, set("f", FS_IMMUTABLE_FL));
                   CHECK_ERR(EPERM, set("f", FS_NODUMP_FL | FS_APPEND_FL))),
             0);
    CHECK_EQ(attributes("f"), STATX_ATTR_NODUMP);
    CHECK_EQ(CHILD(CHECK(setuid(1001) == 0); CHECK_ERR(EPERM, set("f", 0))), 0);
    CHECK_ERR(EOPNOTSUPP, set("f", FS_SECRM_FL));
    CHECK(ioctl(fd, FS_IOC_FSGETXATTR, x) == 0 && x[0] == FS_XFLAG_NODUMP);
    CHECK_ERR(EFAULT, ioctl(fd, FS_IOC_GETFLAGS, 8));
    CHECK_ERR(EFAULT, ioctl(fd, FS_IOC_SETFLAGS, 8));
    close(fd);
    CHECK(remove("f") == 0);
    fd = open("/dev/null", O_RDWR);
    CHECK_ERR(ENOTTY, ioctl(fd, FS_IOC_GETFLAGS, &flags));
    close(fd);
    fd = open("/proc/version", O_RDONLY);
    CHECK_ERR(ENOTTY, ioctl(fd, FS_IOC_GETFLAGS, &flags));
    close(fd);
}

static void others(void)
{
    struct fiemap range = { 0 };
    int fd, size = 0;
    long stored = 0;

    write_file("f", "x");
    fd = open("f", O_RDWR);
    CHECK(ioctl(fd, FIGETBSZ, &size) == 0 && size == 4096);
    CHECK(ioctl(fd, FIOQSIZE, &stored) == 0 && stored == 4096);
    CHECK_ERR(EFAULT, ioctl(fd, FIOQSIZE, 8));
    CHECK_ERR(EINVAL, ioctl(fd, FIBMAP, &size));
    CHECK_ERR(EOPNOTSUPP, ioctl(fd, FICLONE, fd));
    CHECK_ERR(EOPNOTSUPP, ioctl(fd, FIFREEZE, 0));
    CHECK_ERR(EINVAL, ioctl(fd, FITHAW, 0));
    CHECK_ERR(EOPNOTSUPP, ioctl(fd, FS_IOC_FIEMAP, &range));
    CHECK_EQ(CHILD(CHECK(setuid(1000) == 0); CHECK_ERR(EPERM, ioctl(fd, FIFREEZE, 0));
                   CHECK_ERR(EPERM, ioctl(fd, FIBMAP, &size))),
             0);
    close(fd);
    unlink("f");
    fd = open("/dev/null", O_RDWR);
    CHECK(ioctl(fd, FIGETBSZ, &size) == 0);
    CHECK_ERR(ENOTTY, ioctl(fd, FIOQSIZE, &stored));
    close(fd);
}

static void test(void)
{
    if (linux_before(6, 6, "the attributes of files in memory, with their xattrs"))
        return;
    CHECK(mkdir("t", 0755) == 0 && mount("x", "t", "tmpfs", 0, NULL) == 0 && chdir("t") == 0);
    write_file("f", "text");
    immutable();
    append_only();
    directories();
    who();
    others();
    CHECK(chdir("..") == 0 && umount("t") == 0 && rmdir("t") == 0);
}
