/* Mounts by descriptors: trees that are cloned, moved and put beneath others; file systems made step by step; attributes;
 * bind mounts of all that lies below; the numbers of what is mounted, and what is told of them. */
#include "check.h"
#include <linux/mount.h>
#include <stdbool.h>
#include <sys/statvfs.h>

#ifndef MOVE_MOUNT_BENEATH
#define MOVE_MOUNT_BENEATH 0x200
#endif
#define MS_PRIVATE_ALL ((1 << 18) | (1 << 14))
int mount(const char *source, const char *target, const char *type, unsigned long flags,
          const void *data);
int umount2(const char *target, int flags);

#define open_tree(dfd, name, flags)         syscall(428, dfd, name, flags)
#define move_mount(f, from, t, to, flags)   syscall(429, f, from, t, to, flags)
#define fsopen(type, flags)                 syscall(430, type, flags)
#define fsconfig(fd, cmd, key, value, aux)  syscall(431, fd, cmd, key, value, aux)
#define fsmount(fd, flags, attr)            syscall(432, fd, flags, attr)
#define fspick(dfd, name, flags)            syscall(433, dfd, name, flags)
#define mount_setattr(dfd, name, flags, at) syscall(442, dfd, name, flags, at, sizeof(*(at)))

#define FAILS(call, error) CHECK((call) == -1 && errno == (error))

static void touch(const char *name) { close(open(name, O_CREAT | O_RDWR, 0600)); }

static bool there(const char *name) { return access(name, F_OK) == 0; }

static void begin(void)
{
    if (unshare(CLONE_NEWNS) == 0) /* what others see is theirs, where that can be */
        CHECK(mount(NULL, "/", NULL, MS_PRIVATE_ALL, NULL) == 0);
    mkdir("a", 0755);
    mkdir("b", 0755);
    mkdir("c", 0755);
    touch("f");
}

static void trees(void)
{
    CHECK(mount("none", "a", "tmpfs", 0, NULL) == 0 && mount("none", "b", "tmpfs", 0, NULL) == 0);
    touch("a/A");
    touch("b/B");
    int a = open_tree(AT_FDCWD, "a", OPEN_TREE_CLOEXEC | OPEN_TREE_CLONE);
    int b = open("b", O_PATH | O_NOFOLLOW);
    CHECK(a >= 0 && fcntl(a, F_GETFD) == FD_CLOEXEC && faccessat(a, "A", F_OK, 0) == 0);
    CHECK(move_mount(a, "", b, "",
                     MOVE_MOUNT_BENEATH | MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0);
    close(a);
    close(b);
    CHECK(there("b/B") && there("a/A") && !there("b/A"));
    CHECK(umount2("b", 0) == 0 && there("b/A"));
    CHECK(umount2("b", 0) == 0 && !there("b/A") && umount2("a", 0) == 0);

    FAILS(open_tree(AT_FDCWD, "a", 0x80000000), EINVAL);
    FAILS(open_tree(AT_FDCWD, "a", AT_RECURSIVE), EINVAL);
    FAILS(open_tree(AT_FDCWD, "nope", OPEN_TREE_CLONE), ENOENT);
    FAILS(open_tree(-1, "a", OPEN_TREE_CLONE), EBADF);
    FAILS(move_mount(AT_FDCWD, "a", AT_FDCWD, "b", 0x1000), EINVAL);
    FAILS(move_mount(AT_FDCWD, "a", AT_FDCWD, "b", MOVE_MOUNT_BENEATH | MOVE_MOUNT_SET_GROUP),
          EINVAL);
    FAILS(move_mount(AT_FDCWD, "a", AT_FDCWD, "b", 0), EINVAL);
    FAILS(move_mount(AT_FDCWD, "nope", AT_FDCWD, "b", 0), ENOENT);
    FAILS(move_mount(99, "a", AT_FDCWD, "b", 0), EBADF);
    int f = open_tree(AT_FDCWD, "f", 0);
    CHECK(f >= 0);
    FAILS(read(f, &f, 1), EBADF);
    close(f);
}

static void steps(void)
{
    int fd = fsopen("tmpfs", FSOPEN_CLOEXEC), file = open("f", O_RDWR);

    FAILS(fsopen("invalid", 0), ENODEV);
    FAILS(fsopen("tmpfs", 0x10), EINVAL);
    FAILS(fsconfig(-1, FSCONFIG_SET_FLAG, "rw", NULL, 0), EINVAL);
    FAILS(fsconfig(999, FSCONFIG_CMD_CREATE, NULL, NULL, 0), EBADF);
    FAILS(fsconfig(file, FSCONFIG_CMD_CREATE, NULL, NULL, 0), EINVAL);
    FAILS(fsconfig(fd, 100, "rw", NULL, 0), EOPNOTSUPP);
    FAILS(fsconfig(fd, FSCONFIG_SET_FLAG, "rw", "foo", 0), EINVAL);
    FAILS(fsconfig(fd, FSCONFIG_SET_STRING, "source", NULL, 0), EINVAL);
    FAILS(fsconfig(fd, FSCONFIG_SET_BINARY, "sync", "foo", 0), EINVAL);
    FAILS(fsconfig(fd, FSCONFIG_SET_PATH, "sync", "/dev/foo", -1), EINVAL);
    FAILS(fsconfig(fd, FSCONFIG_SET_FD, "sync", NULL, -1), EINVAL);
    FAILS(fsconfig(fd, FSCONFIG_CMD_CREATE, "foo", NULL, 0), EINVAL);
    CHECK(fsconfig(fd, FSCONFIG_SET_FLAG, "rw", NULL, 0) == 0);
    CHECK(fsconfig(fd, FSCONFIG_SET_STRING, "source", "here", 0) == 0);
    CHECK(fsconfig(fd, FSCONFIG_SET_STRING, "size", "1m", 0) == 0);
    FAILS(fsconfig(fd, FSCONFIG_SET_STRING, "nosuch", "1m", 0), EINVAL);
    FAILS(fsconfig(fd, FSCONFIG_SET_STRING, "size", "zz", 0), EINVAL);
    FAILS(fsmount(fd, 0, 0), EINVAL);
    FAILS(fsconfig(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0), EBUSY);
    CHECK(fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0);
    FAILS(fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0), EBUSY);
    FAILS(fsmount(fd, 0, 0x80000000), EINVAL);
    int m = fsmount(fd, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOATIME);
    CHECK(m >= 0);
    FAILS(fsmount(fd, 0, 0), EBUSY);
    close(openat(m, "x", O_CREAT | O_RDWR, 0600));
    FAILS(move_mount(m, "", AT_FDCWD, "f", MOVE_MOUNT_F_EMPTY_PATH), EINVAL);
    CHECK(move_mount(m, "", AT_FDCWD, "c", MOVE_MOUNT_F_EMPTY_PATH) == 0 && there("c/x"));
    struct statvfs v;
    CHECK(statvfs("c", &v) == 0 && v.f_blocks == 256 && v.f_flag & ST_NOEXEC &&
          v.f_flag & ST_NOATIME);
    FAILS(umount2("c", 0), EBUSY);
    close(m);
    close(fd);
    fd = fspick(AT_FDCWD, "c", 0);
    FAILS(fspick(AT_FDCWD, "a", 0), EINVAL);
    FAILS(fspick(AT_FDCWD, "c", 0x100), EINVAL);
    FAILS(fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0), EBUSY);
    CHECK(fsconfig(fd, FSCONFIG_SET_FLAG, "ro", NULL, 0) == 0);
    CHECK(fsconfig(fd, FSCONFIG_SET_STRING, "size", "2m", 0) == 0);
    CHECK(fsconfig(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) == 0);
    CHECK(statvfs("c", &v) == 0 && v.f_blocks == 512 && v.f_flag & ST_RDONLY);
    FAILS(open("c/y", O_CREAT | O_RDWR, 0600), EROFS);
    close(fd);
    CHECK(umount2("c", 0) == 0);
    m = fsopen("tmpfs", 0); /* one that is made and never mounted ends with its descriptor */
    CHECK(fsconfig(m, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0 && close(m) == 0);
    close(file);
}

static void attributes(void)
{
    static const struct {
        uint64_t attr;
        unsigned long told;
    } each[] = { { MOUNT_ATTR_RDONLY, ST_RDONLY },
                 { MOUNT_ATTR_NOSUID, ST_NOSUID },
                 { MOUNT_ATTR_NODEV, ST_NODEV },
                 { MOUNT_ATTR_NOEXEC, ST_NOEXEC },
                 { MOUNT_ATTR_NODIRATIME, ST_NODIRATIME } };
    struct mount_attr at = { 0 };
    struct statvfs v;

    CHECK(mount("n", "a", "tmpfs", 0, NULL) == 0 && mkdir("a/s", 0755) == 0);
    CHECK(mount("n", "a/s", "tmpfs", 0, NULL) == 0);
    FAILS(mount_setattr(AT_FDCWD, "a", 0x10, &at), EINVAL);
    FAILS(syscall(442, AT_FDCWD, "a", 0, &at, 8), EINVAL);
    FAILS(syscall(442, AT_FDCWD, "a", 0, &at, 5000), E2BIG);
    at.attr_set = MOUNT_ATTR_NOATIME;
    FAILS(mount_setattr(AT_FDCWD, "a", 0, &at), EINVAL);
    at.attr_clr = MOUNT_ATTR__ATIME;
    CHECK(mount_setattr(AT_FDCWD, "a", 0, &at) == 0);
    at = (struct mount_attr){ .attr_set = MOUNT_ATTR_NOSUID };
    CHECK(mount_setattr(AT_FDCWD, "a", AT_RECURSIVE, &at) == 0);
    CHECK(statvfs("a", &v) == 0 && v.f_flag & ST_NOATIME && v.f_flag & ST_NOSUID);
    CHECK(statvfs("a/s", &v) == 0 && !(v.f_flag & ST_NOATIME) && v.f_flag & ST_NOSUID);
    FAILS(mount_setattr(AT_FDCWD, "b", 0, &at), EINVAL);
    for (int i = 0; i < 5; i++) {
        int fd = open_tree(AT_FDCWD, "a", OPEN_TREE_CLONE);
        at = (struct mount_attr){ .attr_set = each[i].attr };
        CHECK(mount_setattr(fd, "", AT_EMPTY_PATH, &at) == 0);
        CHECK(move_mount(fd, "", AT_FDCWD, "b", MOVE_MOUNT_F_EMPTY_PATH) == 0);
        close(fd);
        CHECK(statvfs("b", &v) == 0 && v.f_flag & each[i].told && umount2("b", 0) == 0);
    }
    touch("a/s/x");
    CHECK(mount("a", "b", NULL, 1 << 12 | 1 << 14, NULL) == 0 &&
          there("b/s/x")); /* MS_BIND, MS_REC */
    FAILS(umount2("b", 0), EBUSY);
    CHECK(umount2("b", 2) == 0 && !there("b/s/x") && there("a/s/x")); /* MNT_DETACH */
    CHECK(umount2("a/s", 0) == 0 && umount2("a", 0) == 0);
}

/* --- numbers ------------------------------------------------------------------------------------- */

struct request {
    uint32_t size, spare;
    uint64_t id, param, namespace;
};
static uint64_t id_of(const char *name)
{
    uint64_t statx[32] = { 0 };

    CHECK(syscall(332, AT_FDCWD, name, 0, 0x4000 /* STATX_MNT_ID_UNIQUE */, statx) == 0);
    return statx[18];
}

static long list(uint64_t of, uint64_t last, uint64_t *to, int n, int flags)
{
    struct request r = { 24, 0, of, last, 0 };

    return syscall(458, &r, to, n, flags);
}

static long told(uint64_t id, uint64_t mask, void *to, size_t size)
{
    struct request r = { 24, 0, id, mask, 0 };

    return syscall(457, &r, to, size, 0);
}

static void numbers(void)
{
    uint64_t got[16], answer[128], root, a, b;

    CHECK(mount("src", "c", "tmpfs", 0, NULL) == 0 && mkdir("c/a", 0755) == 0 &&
          mkdir("c/b", 0755) == 0);
    CHECK(mount("A", "c/a", "tmpfs", 1, NULL) == 0 && mount("B", "c/b", "tmpfs", 0, NULL) == 0);
    CHECK(chroot("c") == 0 && chdir("/") == 0);
    root = id_of("/");
    a = id_of("/a");
    b = id_of("/b");
    CHECK(list(UINT64_MAX, 0, got, 16, 0) == 3 && got[0] == root && got[1] == a && got[2] == b);
    CHECK(list(UINT64_MAX, root, got, 1, 0) == 1 && got[0] == a);
    CHECK(list(UINT64_MAX, 0, got, 16, 1) == 3 && got[0] == b && got[2] == root);
    CHECK(list(root, 0, got, 16, 0) == 2 && got[0] == a && list(a, 0, got, 16, 0) == 0);
    FAILS(list(0, 0, got, 16, 0), EINVAL);
    FAILS(list(UINT64_MAX - 1, 0, got, 16, 0), ENOENT);
    FAILS(list(UINT64_MAX, 5, got, 16, 0), EINVAL);
    FAILS(list(UINT64_MAX, 0, got, 16, -1), EINVAL);
    FAILS(list(UINT64_MAX, 0, NULL, 16, 0), EFAULT);
    FAILS(syscall(458, NULL, got, 16, 0), EFAULT);
    memset(answer, 0, sizeof(answer));
    CHECK(told(a, 3, answer, sizeof(answer)) == 0); /* SB_BASIC, MNT_BASIC */
    CHECK(answer[1] == 3 && answer[3] == 0x01021994 && answer[5] == a && answer[6] == root);
    SAY("size %d, flags %x, attributes %x, propagation %x\n", (int)answer[0], (int)answer[4],
        (int)answer[8], (int)answer[9]);
    CHECK(told(a, 0x38, answer, sizeof(answer)) == 0); /* FS_TYPE, MNT_ROOT, MNT_POINT */
    const char *text = (const char *)answer + 512;
    SAY("type %s, root %s, point %s\n", text + ((uint32_t *)answer)[9],
        text + ((uint32_t *)answer)[26], text + ((uint32_t *)answer)[27]);
    FAILS(told(a, 0x20, answer, 512), EOVERFLOW);
    FAILS(told(a, 0x20, answer, 515), EOVERFLOW);
    FAILS(told(0, 1, answer, 512), EINVAL);
    FAILS(told(UINT64_MAX - 1, 1, answer, 512), ENOENT);
    CHECK(umount2("/a", 0) == 0 && umount2("/b", 0) == 0);
}

static void test(void)
{
    begin();
    trees();
    steps();
    attributes();
    if (fork() == 0) {
        numbers();
        _exit(0);
    }
    wait(NULL);
    umount2("c", 0);
}
