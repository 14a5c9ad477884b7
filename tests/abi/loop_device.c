/* Loop devices: a file as a block device.  Which is free, binding and letting go, what the device
 * shows of the file and the file of the device, sizes, offsets, read-only ones, what is refused. */
#include "check.h"
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#define DIR_NAME "/tmp/loop_device_abi"
#define SIZE     (1024 * 1024)

/* <linux/loop.h> and <linux/fs.h>, which musl does not bring */
enum {
    LOOP_SET_FD = 0x4c00,
    LOOP_CLR_FD,
    LOOP_SET_STATUS,
    LOOP_GET_STATUS,
    LOOP_SET_STATUS64,
    LOOP_GET_STATUS64,
    LOOP_CHANGE_FD,
    LOOP_SET_CAPACITY,
    LOOP_SET_BLOCK_SIZE = 0x4c09,
    LOOP_CONFIGURE,
    LOOP_CTL_ADD = 0x4c80,
    LOOP_CTL_GET_FREE = 0x4c82,
    BLKZEROOUT = 0x127f,
};
#define LO_FLAGS_AUTOCLEAR 4u

struct loop_info64 {
    uint64_t lo_device, lo_inode, lo_rdevice, lo_offset, lo_sizelimit;
    uint32_t lo_number, lo_encrypt_type, lo_encrypt_key_size, lo_flags;
    uint8_t lo_file_name[64], lo_crypt_name[64], lo_encrypt_key[32];
    uint64_t lo_init[2];
};

struct loop_info {
    int lo_number;
    unsigned long lo_device;
    unsigned long lo_inode;
    unsigned long lo_rdevice;
    int lo_offset, lo_encrypt_type, lo_encrypt_key_size, lo_flags;
    char lo_name[64];
    unsigned char lo_encrypt_key[32];
    unsigned long lo_init[2];
    char reserved[4];
};

static char device[32];

/* Another program may take the one that is free: then the next one. */
static int attach(int file, int flags)
{
    int control = open("/dev/loop-control", O_RDWR), fd = -1;

    for (int i = 0; i < 100; i++) {
        int n = ioctl(control, LOOP_CTL_GET_FREE);

        snprintf(device, sizeof(device), "/dev/loop%d", n);
        fd = open(device, flags);
        if (fd >= 0 && ioctl(fd, LOOP_SET_FD, file) == 0)
            break;
        CHECK(fd < 0 || errno == EBUSY);
        close(fd);
        fd = -1;
    }
    close(control);
    return fd;
}

static long size_of(int fd)
{
    uint64_t size = 0;

    CHECK_EQ(ioctl(fd, BLKGETSIZE64, &size), 0);
    return (long)size;
}

static void reads_and_writes(int fd, int file)
{
    char buf[SIZE / 1024];
    struct stat st;
    int n;

    CHECK(fstat(fd, &st) == 0 && S_ISBLK(st.st_mode) && major(st.st_rdev) == 7);
    CHECK_EQ(st.st_size, 0);
    CHECK_EQ(size_of(fd), SIZE);
    CHECK(ioctl(fd, BLKSSZGET, &n) == 0 && n == 512);
    CHECK(ioctl(fd, BLKROGET, &n) == 0 && n == 0);
    CHECK_EQ(lseek(fd, 0, SEEK_END), SIZE);
    CHECK_ERR(EINVAL, lseek(fd, SIZE + 1, SEEK_SET));
    CHECK_EQ(pwrite(fd, "hello", 5, 4096), 5);
    CHECK_EQ(fsync(fd), 0);
    CHECK(pread(file, buf, 5, 4096) == 5 && memcmp(buf, "hello", 5) == 0);
    CHECK_EQ(pwrite(file, "file", 4, 8192), 4);
    CHECK_EQ(ioctl(fd, BLKFLSBUF, 0), 0);
    CHECK(pread(fd, buf, 4, 8192) == 4 && memcmp(buf, "file", 4) == 0);
    CHECK_EQ(pread(fd, buf, sizeof(buf), SIZE - 100), 100);
    CHECK_EQ(pread(fd, buf, sizeof(buf), SIZE), 0);
    CHECK_EQ(pwrite(fd, buf, sizeof(buf), SIZE - 100), 100);
    CHECK_ERR(ENOSPC, pwrite(fd, buf, sizeof(buf), SIZE));
    CHECK(fstat(file, &st) == 0 && st.st_size == SIZE);
    uint64_t range[2] = { 4096, 4096 };
    CHECK_EQ(ioctl(fd, BLKZEROOUT, range), 0);
    CHECK(pread(fd, buf, 5, 4096) == 5 && memcmp(buf, "\0\0\0\0\0", 5) == 0);
    range[1] = 100;
    CHECK_ERR(EINVAL, ioctl(fd, BLKZEROOUT, range));
    range[1] = SIZE;
    CHECK_ERR(EINVAL, ioctl(fd, BLKZEROOUT, range));
}

static void status(int fd, int file)
{
    struct loop_info64 info = { 0 };
    struct loop_info old;
    struct stat st;
    char buf[8];

    CHECK_EQ(ioctl(fd, LOOP_GET_STATUS64, &info), 0);
    CHECK(fstat(file, &st) == 0 && info.lo_inode == st.st_ino && info.lo_device == st.st_dev);
    SAY("flags %u, offset %llu, limit %llu, name '%s'\n", info.lo_flags,
        (unsigned long long)info.lo_offset, (unsigned long long)info.lo_sizelimit,
        info.lo_file_name);
    strcpy((char *)info.lo_file_name, "a name");
    info.lo_offset = 8192;
    info.lo_sizelimit = 10000;
    CHECK_EQ(ioctl(fd, LOOP_SET_STATUS64, &info), 0);
    CHECK_EQ(size_of(fd), 10000 / 512 * 512);
    CHECK(pread(fd, buf, 4, 0) == 4 && memcmp(buf, "file", 4) == 0);
    CHECK_EQ(ioctl(fd, LOOP_GET_STATUS, &old), 0);
    SAY("old: flags %d, offset %d, name '%s'\n", old.lo_flags, old.lo_offset, old.lo_name);
    old.lo_offset = 0;
    CHECK_EQ(ioctl(fd, LOOP_SET_STATUS, &old), 0); /* which has no limit */
    CHECK_EQ(size_of(fd), SIZE);
    CHECK_EQ(ftruncate(file, 2 * SIZE), 0);
    CHECK_EQ(size_of(fd), SIZE);
    CHECK_EQ(ioctl(fd, LOOP_SET_CAPACITY, 0), 0);
    CHECK_EQ(size_of(fd), 2 * SIZE);
    CHECK_EQ(ioctl(fd, LOOP_SET_BLOCK_SIZE, 4096), 0);
    CHECK_ERR(EINVAL, ioctl(fd, LOOP_SET_BLOCK_SIZE, 1000));
    CHECK_ERR(EINVAL, ioctl(fd, LOOP_SET_BLOCK_SIZE, 256));
    info.lo_encrypt_type = 1;
    CHECK_ERR(EINVAL, ioctl(fd, LOOP_SET_STATUS64, &info));
    CHECK_ERR(EINVAL, ioctl(fd, LOOP_CHANGE_FD, file)); /* can be written to */
    CHECK_ERR(EBADF, ioctl(fd, LOOP_CHANGE_FD, -1));
    CHECK_ERR(EINVAL, ioctl(fd, 0xdead, 0));
}

static void let_go(int fd, int file)
{
    struct loop_info64 info;
    int other = open(device, O_RDONLY);

    CHECK_ERR(EBUSY, ioctl(fd, LOOP_SET_FD, file));
    CHECK_EQ(ioctl(fd, LOOP_CLR_FD, 0), 0); /* when the last one closes it */
    CHECK_EQ(ioctl(other, LOOP_GET_STATUS64, &info), 0);
    CHECK_EQ(info.lo_flags & LO_FLAGS_AUTOCLEAR, LO_FLAGS_AUTOCLEAR);
    close(fd);
    CHECK_EQ(ioctl(other, LOOP_GET_STATUS64, &info), 0);
    close(other);
}

static void read_only(int file)
{
    int ro = open("f", O_RDONLY), fd, n;

    CHECK((fd = attach(ro, O_RDWR)) >= 0);
    CHECK(ioctl(fd, BLKROGET, &n) == 0 && n == 1);
    CHECK_ERR(EPERM, write(fd, "x", 1));
    CHECK_EQ(ioctl(fd, LOOP_CHANGE_FD, file), 0);
    close(ro);
    CHECK((ro = open("short", O_CREAT | O_RDWR, 0644)) >= 0);
    CHECK_ERR(EINVAL, ioctl(fd, LOOP_CHANGE_FD, ro)); /* of another size */
    CHECK_EQ(ioctl(fd, LOOP_CLR_FD, 0), 0);
    CHECK_ERR(ENXIO, ioctl(fd, LOOP_CLR_FD, 0));
    close(fd);
    close(ro);
}

static void refused(void)
{
    int control = open("/dev/loop-control", O_RDWR), p[2], fd;
    struct stat st;

    CHECK(fstat(control, &st) == 0 && S_ISCHR(st.st_mode));
    CHECK_EQ(st.st_rdev, makedev(10, 237));
    CHECK_ERR(EEXIST, ioctl(control, LOOP_CTL_ADD, 0));
    CHECK_ERR(ENOSYS, ioctl(control, 0x1234, 0));
    CHECK_ERR(EINVAL, read(control, &st, 1));
    close(control);
    fd = open(device, O_RDWR);
    CHECK_EQ(pipe(p), 0);
    CHECK_ERR(EBADF, ioctl(fd, LOOP_SET_FD, -1));
    CHECK_ERR(EINVAL, ioctl(fd, LOOP_SET_FD, p[0]));
    CHECK_ERR(EFAULT, ioctl(fd, LOOP_CONFIGURE, NULL));
    close(fd);
    CHECK_EQ(mknod("mine", S_IFBLK | 0600, makedev(7, 0)), 0);
    CHECK((fd = open("mine", O_RDONLY)) >= 0);
    close(fd);
    CHECK_EQ(unlink("mine"), 0);
    CHECK_EQ(mknod("none", S_IFBLK | 0600, makedev(60, 0)), 0);
    CHECK_ERR(ENXIO, open("none", O_RDONLY));
    CHECK_EQ(unlink("none"), 0);
}

/* --- what /sys says of it --------------------------------------------------------------------- */

static void say_file(const char *name)
{
    char path[96], text[256] = "";
    snprintf(path, sizeof(path), "/sys/block/%s/%s", device + 5, name);
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

    if (n < 0)
        SAY("  %s: %s\n", name, strerror(errno));
    else
        SAY("  %s: %.*s\n", name, (int)strcspn(text, "\n"), text);
    close(fd);
}

static void say_files(const char *when)
{
    static const char *const name[] = { "ro",
                                        "size",
                                        "partscan",
                                        "removable",
                                        "range",
                                        "loop/autoclear",
                                        "loop/backing_file",
                                        "loop/dio",
                                        "loop/offset",
                                        "loop/partscan",
                                        "loop/sizelimit",
                                        "queue/logical_block_size",
                                        "queue/read_ahead_kb" };

    SAY("%s:\n", when);
    for (unsigned i = 0; i < sizeof(name) / sizeof(*name); i++)
        say_file(name[i]);
}

static void in_sysfs(int file)
{
    struct loop_info64 info = { .lo_offset = 4096,
                                .lo_sizelimit = SIZE / 2,
                                .lo_flags = LO_FLAGS_AUTOCLEAR };
    unsigned long ahead = 0;
    int fd = attach(file, O_RDWR), on = 1, off = 0, is = -1;
    char path[96];

    say_files("bound");
    CHECK_EQ(ioctl(fd, LOOP_SET_STATUS64, &info), 0);
    say_files("with limits");
    CHECK_EQ(ioctl(fd, BLKROSET, &on), 0);
    CHECK(ioctl(fd, BLKROGET, &is) == 0 && is == 1);
    say_file("ro");
    CHECK_ERR(EPERM, pwrite(fd, "x", 1, 0));
    CHECK_EQ(ioctl(fd, BLKROSET, &off), 0);
    CHECK_EQ(pwrite(fd, "x", 1, 0), 1);
    CHECK_EQ(ioctl(fd, BLKRASET, 511), 0);
    CHECK(ioctl(fd, BLKRAGET, &ahead) == 0);
    SAY("ahead %lu\n", ahead);
    say_file("queue/read_ahead_kb");
    CHECK_EQ(ioctl(fd, BLKRASET, 256), 0);
    CHECK_ERR(EINVAL, ioctl(fd, BLKRAGET, NULL));
    CHECK_ERR(EFAULT, ioctl(fd, BLKROSET, NULL));
    CHECK_EQ(rename("f", "g"), 0);
    say_file("loop/backing_file");
    CHECK_EQ(rename("g", "f"), 0);
    snprintf(path, sizeof(path), "/sys/class/block/%s/subsystem/%s/loop/offset", device + 5,
             device + 5);
    CHECK_EQ(access(path, R_OK), 0);
    snprintf(path, sizeof(path), "/sys/dev/block/7:%s/size", device + 9);
    CHECK_EQ(access(path, R_OK), 0);
    info = (struct loop_info64){ 0 };
    CHECK_EQ(ioctl(fd, LOOP_SET_STATUS64, &info), 0);
    CHECK_EQ(ioctl(fd, LOOP_CLR_FD), 0);
    close(fd);
    snprintf(path, sizeof(path), "/sys/block/%s/loop", device + 5);
    CHECK(WAIT_UNTIL(access(path, F_OK) != 0)); /* or somebody else has the device */
}

static void test(void)
{
    int file, fd;

    mkdir(DIR_NAME, 0755);
    CHECK_EQ(mount("none", DIR_NAME, "tmpfs", 0, NULL), 0);
    CHECK_EQ(chdir(DIR_NAME), 0);
    file = open("f", O_CREAT | O_RDWR, 0644);
    CHECK_EQ(posix_fallocate(file, 0, SIZE), 0);
    CHECK((fd = attach(file, O_RDWR)) >= 0);
    reads_and_writes(fd, file);
    status(fd, file);
    let_go(fd, file);
    read_only(file);
    in_sysfs(file);
    refused();
    close(file);
    CHECK_EQ(chdir("/"), 0);
    for (int i = 0; umount(DIR_NAME) != 0 && errno == EBUSY && i < 200; i++)
        usleep(20000); /* Linux lets go of the file a moment later */
    CHECK_EQ(rmdir(DIR_NAME), 0);
}
