/* A table: system calls with bad arguments, and what errno they give. */
#include "check.h"
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <termios.h>

#define BAD ((void *)8)
#define E(call) \
    do { \
        errno = 0; \
        long r_ = (long)(call); \
        SAY("%-60s %s%d\n", #call, r_ == -1 ? "errno " : "= ", r_ == -1 ? errno : (int)r_); \
    } while (0)
#define S(nr, ...) syscall(SYS_##nr, __VA_ARGS__)

static void test(void)
{
    int fd = open("file", O_RDWR | O_CREAT, 0644);
    char buf[16];

    CHECK_EQ(fd, 3);
    E(S(read, -1, buf, 1));
    E(S(read, fd, BAD, 0));
    E(S(write, 77, buf, 1));
    E(S(write, fd, BAD, 1));
    E(S(write, fd, (char *)0xffff800000000000UL, 1));
    E(S(read, 0, buf, 8));
    E(S(close, -1));
    E(S(stat, BAD, buf));
    E(S(stat, "/none", BAD));
    E(S(stat, "/", BAD));
    E(S(fstat, -1, BAD));
    E(S(fstat, fd, BAD));
    E(S(ioctl, fd, TCGETS, BAD));
    E(S(ioctl, -1, TCGETS, BAD));
    E(S(ioctl, fd, 0x12345, 0));
    E(S(access, BAD, 0));
    E(S(pipe, BAD));
    E(S(fcntl, -1, F_GETFD, 0));
    E(S(ftruncate, -1, 0));
    E(S(ftruncate, 1, -5L));
    E(S(chdir, "file"));
    E(S(chdir, "/none"));
    E(S(chdir, BAD));
    E(S(chdir, ""));
    E(S(fchdir, -1));
    E(S(mkdir, "", 0));
    E(S(mkdir, BAD, 0));
    E(S(rmdir, ""));
    E(S(rmdir, "/none"));
    E(S(rmdir, "."));
    E(S(rename, "", "x"));
    E(S(rename, BAD, "x"));
    E(S(link, BAD, "x"));
    E(S(symlink, BAD, "x"));
    E(S(unlink, "."));
    E(S(unlink, ""));
    E(S(unlink, "/"));
    E(S(readlink, "file", buf, 8));
    E(S(chmod, "", 0));
    E(S(mknod, "file", 0100644, 0));
    E(S(mknod, "x", 0777777, 0));
    E(S(getdents64, fd, buf, 16));
    E(S(getdents64, -1, buf, 16));
    E(S(getcwd, BAD, 100));
    E(S(getcwd, buf, 0));
    E(S(openat, -5, "x", 0));
    E(S(openat, AT_FDCWD, BAD, 0));
    E(S(dup2, -1, 5));
    E(S(dup2, fd, 10000000));
    E(S(lseek, -1, 0, 0));
    E(S(readv, fd, BAD, 1));
    E(S(readv, fd, BAD, 0));
    E(S(pread64, fd, buf, 1, -1L));
    E(S(sendfile, fd, -1, NULL, 1));
    E(S(poll, BAD, 1, 0));
    E(S(poll, BAD, 0, 0));
    E(S(rt_sigprocmask, 99, BAD, NULL, 8));
    E(S(rt_sigprocmask, 0, BAD, NULL, 8));
    E(S(rt_sigprocmask, 0, NULL, NULL, 7));
    E(S(rt_sigpending, BAD, 8));
    E(S(rt_sigsuspend, BAD, 8));
    E(S(sigaltstack, BAD, NULL));
    E(S(kill, 0, 99));
    E(S(wait4, -1, NULL, 0, NULL));
    E(S(wait4, -1, NULL, 0x40000000 | 0x100, NULL));
    E(S(setpgid, -1, 0));
    E(S(getpgid, -1));
    E(S(getpriority, 9, 0));
    E(S(getrlimit, 99, BAD));
    E(S(getrlimit, 0, BAD));
    E(S(setrlimit, 0, BAD));
    E(S(prlimit64, 0, 99, NULL, NULL));
    E(S(getrusage, 5, BAD));
    E(S(getrusage, 0, BAD));
    E(S(uname, BAD));
    E(S(sysinfo, BAD));
    E(S(gettimeofday, BAD, NULL));
    E(S(clock_getres, 99, NULL));
    E(S(clock_nanosleep, 99, 0, BAD, NULL));
    E(S(clock_nanosleep, CLOCK_MONOTONIC, 0, BAD, NULL));
    E(S(getitimer, 9, BAD));
    E(S(mmap, NULL, PAGE, 3, 0x22, -1, 1));
    E(S(mprotect, 1, PAGE, 1));
    E(S(munmap, 1, PAGE));
    E(S(execve, "/none", NULL, NULL));
    E(S(execve, BAD, NULL, NULL));
    E(S(getgroups, -1, NULL));
    E(S(getgroups, 0, NULL) >= 0);
    E(S(setgroups, 100000, NULL));
    E(S(set_tid_address, BAD) > 0);
    E(S(prctl, 99999, 0, 0, 0, 0));
    E(S(prctl, 15, BAD, 0, 0, 0));
    E(S(arch_prctl, 0x9999, 0));
    E(S(arch_prctl, 0x1002, 0xffff800000000000UL));
    E(S(umask, 0777777) & 0777);
    E(S(flock, -1, 1));
    E(S(flock, fd, 0));
    E(S(fsync, -1));
    E(S(fsync, fd));
    E(S(utimensat, AT_FDCWD, "/none", NULL, 0));
    E(S(utimensat, AT_FDCWD, "file", BAD, 0));
    E(syscall(SYS_sched_yield));
    E(S(tkill, 0, 0));
    E(syscall(9999));
    E(syscall(1000000000));
}
