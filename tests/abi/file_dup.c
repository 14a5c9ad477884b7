/* dup, dup2, dup3, fcntl: what is shared, close-on-exec, limits, errors. */
#include "check.h"

static void test(void)
{
    int fd = open("file", O_RDWR | O_CREAT, 0644), fd2;
    struct rlimit limit = { 64, 64 };

    CHECK(write(fd, "abcdef", 6) == 6);
    fd2 = dup(fd);
    CHECK_EQ(lseek(fd2, 1, SEEK_SET), 1);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 1);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    CHECK_EQ(fcntl(fd2, F_GETFD), 0);
    CHECK_EQ(dup2(fd, fd), fd);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(dup2(fd, 50), 50);
    CHECK_EQ(fcntl(50, F_GETFD), 0);
    CHECK_EQ(dup3(fd, 51, O_CLOEXEC), 51);
    CHECK_EQ(fcntl(51, F_GETFD), FD_CLOEXEC);
    CHECK_ERR(EINVAL, syscall(SYS_dup3, fd, fd, 0));
    CHECK_ERR(EINVAL, syscall(SYS_dup3, fd, 52, O_NONBLOCK));
    CHECK_ERR(EBADF, dup2(99, 52));
    CHECK_ERR(EBADF, dup(-1));
    CHECK_ERR(EBADF, dup2(fd, -1));
    CHECK_EQ(fcntl(fd, F_DUPFD, 40), 40);
    CHECK_EQ(fcntl(fd, F_DUPFD_CLOEXEC, 40), 41);
    CHECK_EQ(fcntl(41, F_GETFD), FD_CLOEXEC);
    fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK);
    CHECK_EQ(fcntl(fd2, F_GETFL) & (O_APPEND | O_NONBLOCK | O_ACCMODE),
             O_APPEND | O_NONBLOCK | O_RDWR);
    CHECK_ERR(EBADF, close(60));
    setrlimit(RLIMIT_NOFILE, &limit);
    CHECK_ERR(EBADF, dup2(fd, 64));
    CHECK_ERR(EINVAL, fcntl(fd, F_DUPFD, 64));
    int last = -1, next;
    while ((next = dup(fd)) >= 0)
        last = next;
    CHECK_EQ(errno, EMFILE);
    CHECK_EQ(last, 63);
    CHECK_ERR(EMFILE, open("file", O_RDONLY));
    int fds[2];
    close(63);
    CHECK_ERR(EMFILE, pipe(fds));
    CHECK(open("file", O_RDONLY) == 63);
    CHECK_ERR(EINVAL, fcntl(fd, 9999));
}
