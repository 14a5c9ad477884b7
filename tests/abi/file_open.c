/* open: flags and their errors, the mode through umask, the lowest free descriptor,
 * O_CREAT|O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW, O_PATH. */
#include "check.h"

static void test(void)
{
    struct stat st;
    char buf[32];
    static char name[300];

    memset(name, 'n', 299);
    umask(027);
    int fd = open("file", O_RDWR | O_CREAT | O_EXCL, 0666);
    CHECK(fd >= 0 && fstat(fd, &st) == 0);
    SAY("mode %o size %d nlink %d\n", st.st_mode, (int)st.st_size, (int)st.st_nlink);
    CHECK_ERR(EEXIST, open("file", O_RDWR | O_CREAT | O_EXCL, 0666));
    CHECK_ERR(ENOENT, open("none", O_RDONLY));
    CHECK_ERR(ENOENT, open("", O_RDONLY));
    CHECK_ERR(ENOENT, open("none/file", O_CREAT | O_RDWR, 0666));
    CHECK_ERR(ENOTDIR, open("file/below", O_CREAT | O_RDWR, 0666));
    CHECK_ERR(ENOTDIR, open("file/", O_RDONLY));
    CHECK_ERR(ENOTDIR, open("file", O_RDONLY | O_DIRECTORY));
    CHECK_ERR(EISDIR, open(".", O_WRONLY));
    CHECK_ERR(EISDIR, open(".", O_RDWR | O_CREAT, 0666));
    CHECK_ERR(EISDIR, open("new/", O_RDWR | O_CREAT, 0666));
    CHECK_ERR(ENAMETOOLONG, open(name, O_RDWR | O_CREAT, 0666));
    CHECK_ERR(EFAULT, open((char *)8, O_RDONLY));
    CHECK(symlink("file", "link") == 0);
    CHECK_ERR(ELOOP, open("link", O_RDONLY | O_NOFOLLOW));
    CHECK_ERR(EEXIST, open("link", O_RDWR | O_CREAT | O_EXCL, 0666));
    CHECK(symlink("target", "dangling") == 0);
    int made = open("dangling", O_RDWR | O_CREAT, 0600);
    CHECK(made >= 0 && stat("target", &st) == 0);
    close(made);

    CHECK(write(fd, "0123456789", 10) == 10);
    int app = open("file", O_WRONLY | O_APPEND);
    CHECK_EQ(lseek(app, 2, SEEK_SET), 2);
    CHECK(write(app, "AB", 2) == 2);
    CHECK_EQ(lseek(app, 0, SEEK_CUR), 12);
    CHECK_EQ(pread(fd, buf, 32, 0), 12);
    CHECK(memcmp(buf, "0123456789AB", 12) == 0);
    CHECK_ERR(EBADF, read(app, buf, 1));
    CHECK_ERR(EBADF, pread(app, buf, 1, 0));
    SAY("flags %o %o\n", fcntl(app, F_GETFL) & (O_ACCMODE | O_APPEND),
        fcntl(fd, F_GETFL) & O_ACCMODE);
    close(app);
    int trunc = open("file", O_WRONLY | O_TRUNC);
    CHECK(fstat(trunc, &st) == 0 && st.st_size == 0);
    CHECK_EQ(read(fd, buf, 1), 0);

    int neither = open("file", 3); /* for ioctl(2) only */
    SAY("mode 3: %o\n", fcntl(neither, F_GETFL) & 3);
    CHECK_ERR(EBADF, read(neither, buf, 1));
    CHECK_ERR(EBADF, write(neither, buf, 1));
    CHECK_ERR(EACCES, (long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, neither, 0));
    CHECK_ERR(EINVAL, ftruncate(neither, 0));
    close(neither);
    CHECK(mkfifo("fifo", 0666) == 0);
    CHECK_ERR(EINVAL, open("fifo", 3));

    int low = dup(fd);
    close(fd);
    CHECK_EQ(open("file", O_RDONLY), fd);
    close(low);
    int path = open("file", O_PATH);
    CHECK(path >= 0 && fstat(path, &st) == 0);
    CHECK_ERR(EBADF, read(path, buf, 1));
    CHECK_EQ(CHILD({
                 CHECK(chmod("file", 0400) == 0 && chmod(".", 0777) == 0);
                 CHECK(chown("file", 777, 777) == 0);
                 CHECK(setgid(777) == 0 && setuid(777) == 0);
                 CHECK_ERR(EACCES, open("file", O_RDWR));
                 CHECK(open("file", O_RDONLY) >= 0);
                 CHECK_ERR(EACCES, open("target", O_RDONLY));
             }),
             0);
}
