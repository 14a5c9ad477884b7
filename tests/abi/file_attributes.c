/* chattr(1)'s attributes in three forms: FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR and file_setattr(2); what of them
 * tmpfs keeps, what it refuses, and that an attribute set by one form is told by the others.  What cannot be
 * shared between files, FICLONE, says why. */
#include "check.h"
#include <sys/ioctl.h>
#include <sys/mount.h>

#ifndef __NR_file_getattr
#define __NR_file_getattr 468
#define __NR_file_setattr 469
#endif
#define SIZE 24

/* <linux/fs.h>, which is not there for musl */
#define FS_IOC_GETFLAGS     0x80086601
#define FS_IOC_SETFLAGS     0x40086602
#define FS_IOC_FSGETXATTR   0x801c581f
#define FS_IOC_FSSETXATTR   0x401c5820
#define FICLONE             0x40049409
#define FICLONERANGE        0x4020940d
#define FS_APPEND_FL        0x20
#define FS_NODUMP_FL        0x40
#define FS_XFLAG_IMMUTABLE  0x8
#define FS_XFLAG_APPEND     0x10
#define FS_XFLAG_NOATIME    0x40
#define FS_XFLAG_NODUMP     0x80
#define FS_XFLAG_EXTSIZE    0x800
#define FS_XFLAG_COWEXTSIZE 0x10000
struct fsxattr {
    uint32_t fsx_xflags, fsx_extsize, fsx_nextents, fsx_projid, fsx_cowextsize;
    uint8_t fsx_pad[8];
};
struct file_clone_range {
    int64_t src_fd;
    uint64_t src_offset, src_length, dest_offset;
};

struct attr {
    uint64_t xflags;
    uint32_t extsize, nextents, projid, cowextsize;
    uint64_t later;
};

static long get(int dfd, const char *name, struct attr *a, size_t size, int flags)
{
    return syscall(__NR_file_getattr, dfd, name, a, size, flags);
}

static long set(int dfd, const char *name, struct attr *a, size_t size, int flags)
{
    return syscall(__NR_file_setattr, dfd, name, a, size, flags);
}

static void arguments(int dir)
{
    struct attr a = { 0 };
    long (*const calls[])(int, const char *, struct attr *, size_t, int) = { get, set };

    for (int i = 0; i < 2; i++) {
        CHECK_ERR(EBADF, calls[i](-1, "f", &a, SIZE, 0));
        CHECK_ERR(ENOENT, calls[i](dir, "none", &a, SIZE, 0));
        CHECK_ERR(ENOENT, calls[i](dir, "", &a, SIZE, 0));
        CHECK_ERR(EFAULT, calls[i](dir, NULL, &a, SIZE, 0));
        CHECK_ERR(EFAULT, calls[i](dir, "f", NULL, SIZE, 0));
        CHECK_ERR(EINVAL, calls[i](dir, "f", &a, 0, 0));
        CHECK_ERR(EINVAL, calls[i](dir, "f", &a, SIZE - 1, 0));
        CHECK_ERR(E2BIG, calls[i](dir, "f", &a, 4097, 0));
        CHECK_ERR(EINVAL, calls[i](dir, "f", &a, SIZE, -1));
        CHECK_ERR(EOPNOTSUPP, calls[i](dir, "link", &a, SIZE, AT_SYMLINK_NOFOLLOW));
        CHECK_ERR(EOPNOTSUPP, calls[i](dir, "fifo", &a, SIZE, 0));
        CHECK_ERR(EOPNOTSUPP, calls[i](dir, "/proc/self/maps", &a, SIZE, 0));
        CHECK_EQ(calls[i](dir, "link", &a, SIZE, 0), 0);
        CHECK_EQ(calls[i](dir, "", &a, SIZE, AT_EMPTY_PATH), 0);
    }
    a.later = 1;
    CHECK_EQ(get(dir, "f", &a, sizeof(a), 0), 0); /* what it does not know is 0 */
    CHECK_EQ(a.later, 0);
    a.later = 1;
    CHECK_ERR(E2BIG, set(dir, "f", &a, sizeof(a), 0));
}

static void say_set(const char *what, const char *name, struct attr a)
{
    int err = set(AT_FDCWD, name, &a, SIZE, 0) == 0 ? 0 : errno;
    struct attr now = { 0 };

    CHECK_EQ(get(AT_FDCWD, name, &now, SIZE, 0), 0);
    SAY("%s: %s, then %#llx\n", what, strerror(err), (unsigned long long)now.xflags);
}

static void values(void)
{
    for (int bit = 0; bit < 34; bit++) {
        char what[32];
        snprintf(what, sizeof(what), "bit %d", bit);
        say_set(what, "f", (struct attr){ .xflags = 1ull << bit });
        say_set("  on a directory", "d", (struct attr){ .xflags = 1ull << bit });
    }
    say_set("sizes", "f", (struct attr){ .xflags = FS_XFLAG_EXTSIZE, .extsize = 4096 });
    say_set("copies", "f", (struct attr){ .xflags = FS_XFLAG_COWEXTSIZE, .cowextsize = 4096 });
    say_set("project", "f", (struct attr){ .projid = 1 });
    say_set("immutable", "f", (struct attr){ .xflags = FS_XFLAG_IMMUTABLE });
    CHECK_ERR(EPERM, unlink("f"));
    say_set("no more", "f", (struct attr){ 0 });
}

/* In one form, told in the others. */
static void forms(void)
{
    int fd = open("f", O_RDONLY), flags = FS_APPEND_FL | FS_NODUMP_FL;
    struct fsxattr x = { 0 };
    struct attr a;

    CHECK_EQ(ioctl(fd, FS_IOC_SETFLAGS, &flags), 0);
    CHECK_EQ(ioctl(fd, FS_IOC_FSGETXATTR, &x), 0);
    CHECK_EQ(x.fsx_xflags, FS_XFLAG_APPEND | FS_XFLAG_NODUMP);
    x.fsx_xflags = FS_XFLAG_NOATIME;
    CHECK_EQ(ioctl(fd, FS_IOC_FSSETXATTR, &x), 0);
    CHECK_EQ(get(fd, "", &a, SIZE, AT_EMPTY_PATH), 0);
    CHECK_EQ(a.xflags, FS_XFLAG_NOATIME);
    x.fsx_projid = 1;
    CHECK_ERR(EOPNOTSUPP, ioctl(fd, FS_IOC_FSSETXATTR, &x));
    x.fsx_projid = 0;
    x.fsx_xflags = 1u << 30;
    CHECK_ERR(EOPNOTSUPP, ioctl(fd, FS_IOC_FSSETXATTR, &x));
    CHECK_EQ(CHILD({
                 a.xflags = 0;
                 CHECK(setuid(65534) == 0);
                 CHECK_ERR(EPERM, set(AT_FDCWD, "f", &a, SIZE, 0));
                 x.fsx_xflags = 0;
                 CHECK_ERR(EPERM, ioctl(fd, FS_IOC_FSSETXATTR, &x));
             }),
             0);
    x.fsx_xflags = 0;
    CHECK_EQ(ioctl(fd, FS_IOC_FSSETXATTR, &x), 0);
    CHECK_EQ(ioctl(fd, FS_IOC_GETFLAGS, &flags), 0);
    CHECK_EQ(flags, 0);
    close(fd);
}

static void clones(int dir)
{
    int from = open("f", O_RDWR), to = open("g", O_CREAT | O_RDWR, 0600), p[2];
    struct file_clone_range r = { .src_fd = from };

    CHECK(pipe(p) == 0);
    CHECK_ERR(EOPNOTSUPP, ioctl(to, FICLONE, from));
    CHECK_ERR(EOPNOTSUPP, ioctl(to, FICLONERANGE, &r));
    CHECK_ERR(EFAULT, ioctl(to, FICLONERANGE, 0));
    CHECK_ERR(EBADF, ioctl(to, FICLONE, -1));
    CHECK_ERR(EBADF, ioctl(to, FICLONE, open("f", O_WRONLY)));
    CHECK_ERR(EBADF, ioctl(open("g", O_RDONLY), FICLONE, from));
    CHECK_ERR(EBADF, ioctl(open("g", O_WRONLY | O_APPEND), FICLONE, from));
    CHECK_ERR(EBADF, ioctl(to, FICLONE, open("f", O_PATH)));
    CHECK_ERR(EISDIR, ioctl(to, FICLONE, dir));
    CHECK_ERR(EINVAL, ioctl(to, FICLONE, open("fifo", O_RDWR)));
    CHECK_ERR(EXDEV, ioctl(to, FICLONE, p[0]));
}

static void test(void)
{
    CHECK(mkdir("m", 0755) == 0 && mount("x", "m", "tmpfs", 0, "size=1m") == 0);
    CHECK(chdir("m") == 0 && chmod(".", 0755) == 0);
    CHECK(mkdir("d", 0755) == 0 && symlink("f", "link") == 0 && mkfifo("fifo", 0600) == 0);
    close(open("f", O_CREAT | O_RDWR, 0666));
    clones(open(".", O_RDONLY));
    if (!linux_before(6, 17, "file_getattr")) {
        arguments(open(".", O_RDONLY));
        values();
        forms();
    }
    CHECK(chdir("..") == 0 && umount2("m", MNT_DETACH) == 0);
}
