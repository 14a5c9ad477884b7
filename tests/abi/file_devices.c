/* /dev/null, zero, full, random, urandom, tty: what they read and take. */
#include "check.h"
#include <sys/ioctl.h>
#include <termios.h>

static void test(void)
{
    char buf[64];
    int fd = open("/dev/null", O_RDWR);

    CHECK_EQ(read(fd, buf, 8), 0);
    CHECK_EQ(write(fd, buf, 8), 8);
    CHECK_EQ(lseek(fd, 0, SEEK_END), 0);
    CHECK_ERR(ENOTTY, ioctl(fd, TCGETS, buf));
    fd = open("/dev/zero", O_RDWR);
    memset(buf, 1, sizeof(buf));
    CHECK_EQ(read(fd, buf, sizeof(buf)), 64);
    CHECK(buf[0] == 0 && buf[63] == 0);
    CHECK_EQ(write(fd, buf, 8), 8);
    char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(p != MAP_FAILED && p[5] == 0);
    p[5] = 1;
    fd = open("/dev/full", O_RDWR);
    CHECK_EQ(read(fd, buf, 8), 8);
    CHECK_ERR(ENOSPC, write(fd, buf, 8));
    fd = open("/dev/urandom", O_RDONLY);
    char other[64];
    CHECK(read(fd, buf, 64) == 64 && read(fd, other, 64) == 64);
    CHECK(memcmp(buf, other, 64) != 0);
    CHECK(open("/dev/random", O_RDONLY) >= 0);
    CHECK(syscall(SYS_getrandom, other, 64, 0) == 64);
    CHECK(memcmp(buf, other, 64) != 0);
    CHECK_ERR(EINVAL, syscall(SYS_getrandom, other, 8, 0x100));
    CHECK_ERR(EFAULT, syscall(SYS_getrandom, 8, 8, 0));
    CHECK_ERR(ENXIO, open("/dev/tty", O_RDWR)); /* no controlling terminal here */
}
