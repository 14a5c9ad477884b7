/* name_to_handle_at and open_by_handle_at: a handle leads to the same file, whatever its name is now;
 * how large it is, who may open one, and what is refused.  In a tmpfs of our own, as Linux's
 * other file systems have handles of other sizes. */
#include "check.h"
#include <sys/mount.h>

#define DIR_NAME "/tmp/file_handles_abi"
#define UNIQUE   1     /* AT_HANDLE_MNT_ID_UNIQUE */
#define FID      0x200 /* AT_HANDLE_FID */

static struct {
    struct file_handle h;
    char more[128];
} fh;
static union {
    int id;
    uint64_t unique;
} mount_of;

static long named(int dfd, const char *name, unsigned room, int flags)
{
    memset(&fh, 0, sizeof(fh));
    fh.h.handle_bytes = room;
    return syscall(SYS_name_to_handle_at, dfd, name, &fh, &mount_of, flags);
}

static long opened(int dfd, int flags) { return syscall(SYS_open_by_handle_at, dfd, &fh, flags); }

static int same_file(int fd, const char *name)
{
    struct stat a, b;

    return fstat(fd, &a) == 0 && lstat(name, &b) == 0 && a.st_ino == b.st_ino &&
           a.st_dev == b.st_dev;
}

static void leads_back(void)
{
    int fd;

    CHECK_EQ(named(AT_FDCWD, "f", 128, 0), 0);
    SAY("%u bytes, type %d\n", fh.h.handle_bytes, fh.h.handle_type);
    CHECK_EQ(rename("f", "d/g"), 0);
    CHECK((fd = opened(AT_FDCWD, O_RDWR)) >= 0);
    CHECK(same_file(fd, "d/g"));
    CHECK_EQ(write(fd, "1234", 4), 4);
    close(fd);
    CHECK((fd = opened(AT_FDCWD, O_RDONLY | O_TRUNC)) >= 0);
    CHECK_EQ(lseek(fd, 0, SEEK_END), 0);
    close(fd);
    CHECK_EQ(rename("d/g", "f"), 0);

    CHECK_EQ(named(AT_FDCWD, "d", 128, 0), 0);
    CHECK((fd = opened(AT_FDCWD, O_RDONLY | O_DIRECTORY)) >= 0);
    CHECK(same_file(fd, "d"));
    CHECK_ERR(EISDIR, opened(fd, O_RDWR));
    CHECK_EQ(named(fd, "", 128, AT_EMPTY_PATH), 0);
    close(fd);
    CHECK_EQ(named(AT_FDCWD, "", 128, AT_EMPTY_PATH), 0); /* the working directory */
    CHECK((fd = opened(AT_FDCWD, O_PATH)) >= 0 && same_file(fd, "."));
    close(fd);

    CHECK_EQ(named(AT_FDCWD, "l", 128, AT_SYMLINK_FOLLOW), 0);
    CHECK((fd = opened(AT_FDCWD, O_RDONLY)) >= 0 && same_file(fd, "f"));
    close(fd);
    CHECK_EQ(named(AT_FDCWD, "l", 128, 0), 0);
    CHECK_ERR(ELOOP, opened(AT_FDCWD, O_RDONLY));
    CHECK((fd = opened(AT_FDCWD, O_PATH)) >= 0 && same_file(fd, "l"));
    close(fd);

    CHECK_EQ(named(AT_FDCWD, "gone", 128, 0), 0);
    CHECK_EQ(unlink("gone"), 0);
    CHECK_ERR(ESTALE, opened(AT_FDCWD, O_RDONLY));
}

static void mounts(void)
{
    uint64_t sx[32]; /* stx_mnt_id is at 0x90 */

    CHECK_EQ(named(AT_FDCWD, "f", 128, 0), 0);
    CHECK_EQ(syscall(SYS_statx, AT_FDCWD, "f", 0, 0x1000 /* STATX_MNT_ID */, sx), 0);
    CHECK_EQ(mount_of.id, sx[0x90 / 8]);
    if (named(AT_FDCWD, "f", 128, UNIQUE) == 0) { /* Linux 6.12 */
        CHECK_EQ(syscall(SYS_statx, AT_FDCWD, "f", 0, 0x4000 /* ..._UNIQUE */, sx), 0);
        CHECK_EQ(mount_of.unique, sx[0x90 / 8]);
    }
    CHECK_ERR(EOPNOTSUPP, named(AT_FDCWD, "/proc/version", 128, 0));
    CHECK_EQ(named(AT_FDCWD, "/proc/version", 128, FID), 0); /* which opens nothing */
    SAY("of proc: %u bytes, type %d\n", fh.h.handle_bytes, fh.h.handle_type);
}

static void refused(void)
{
    int p[2];

    CHECK_ERR(EINVAL, named(AT_FDCWD, "f", 128, -1));
    CHECK_ERR(EINVAL, named(AT_FDCWD, "f", 129, 0));
    CHECK_ERR(EOVERFLOW, named(AT_FDCWD, "f", 0, 0));
    SAY("too small: %u bytes, type %d\n", fh.h.handle_bytes, fh.h.handle_type);
    CHECK_ERR(EBADF, named(-1, "f", 128, 0));
    CHECK_ERR(ENOENT, named(AT_FDCWD, "nothing", 128, 0));
    CHECK_ERR(ENOENT, named(AT_FDCWD, "", 128, 0));
    CHECK_ERR(EFAULT, named(AT_FDCWD, NULL, 128, 0));
    CHECK_ERR(EFAULT, named(AT_FDCWD, NULL, 128, AT_EMPTY_PATH));
    CHECK_ERR(EFAULT, syscall(SYS_name_to_handle_at, AT_FDCWD, "f", NULL, &mount_of, 0));
    CHECK_ERR(EFAULT, syscall(SYS_name_to_handle_at, AT_FDCWD, "f", &fh, NULL, 0));
    CHECK_EQ(pipe(p), 0);
    CHECK_ERR(EOPNOTSUPP, named(p[0], "", 128, AT_EMPTY_PATH));

    CHECK_EQ(named(AT_FDCWD, "f", 128, 0), 0);
    CHECK_ERR(EBADF, opened(-1, O_RDONLY));
    CHECK_ERR(ESTALE, opened(p[0], O_RDONLY));
    CHECK_ERR(EFAULT, syscall(SYS_open_by_handle_at, AT_FDCWD, NULL, O_RDONLY));
    CHECK_ERR(ENOTDIR, opened(AT_FDCWD, O_RDONLY | O_DIRECTORY));
    fh.h.handle_bytes = 8;
    CHECK_ERR(ESTALE, opened(AT_FDCWD, O_RDONLY));
    fh.h.handle_bytes = 0;
    CHECK_ERR(EINVAL, opened(AT_FDCWD, O_RDONLY));
    fh.h.handle_bytes = 129;
    CHECK_ERR(EINVAL, opened(AT_FDCWD, O_RDONLY));
    CHECK_EQ(named(AT_FDCWD, "f", 128, 0), 0);
    fh.h.handle_type = -1;
    CHECK_ERR(EINVAL, opened(AT_FDCWD, O_RDONLY));
    fh.h.handle_type = 1;
    fh.h.f_handle[4] ^= 0x55; /* another number */
    CHECK_ERR(ESTALE, opened(AT_FDCWD, O_RDONLY));
    CHECK_EQ(named(AT_FDCWD, "f", 128, 0), 0);
    CHECK_EQ(CHILD(setresuid(65534, 65534, 65534); CHECK_ERR(EPERM, opened(AT_FDCWD, O_RDONLY))),
             0);
    close(p[0]);
    close(p[1]);
}

static void test(void)
{
    mkdir(DIR_NAME, 0755);
    CHECK_EQ(mount("none", DIR_NAME, "tmpfs", 0, NULL), 0);
    CHECK_EQ(chdir(DIR_NAME), 0);
    CHECK_EQ(mkdir("d", 0755), 0);
    CHECK_EQ(symlink("f", "l"), 0);
    close(open("f", O_CREAT | O_RDWR, 0644));
    close(open("gone", O_CREAT | O_RDWR, 0644));
    leads_back();
    mounts();
    refused();
    CHECK_EQ(chdir("/"), 0);
    CHECK_EQ(umount(DIR_NAME), 0);
    CHECK_EQ(rmdir(DIR_NAME), 0);
}
