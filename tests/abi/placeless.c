/* Links of /proc/PID/fd to what has no place in a tree (sockets, pipes, eventfds) are followed as far
 * as that makes sense: looked at, not opened, not run, not entered.  The same by descriptor and an empty
 * name.  And what an unnamed file (O_TMPFILE) is called. */
#include "check.h"
#include <dirent.h>
#include <mqueue.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <utime.h>

#define EMPTY_PATH 0x1000

static const char *link_to(int fd)
{
    static char name[64];

    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    return name;
}

static long run_by(int fd)
{
    char *arg[] = { "x", NULL };

    return syscall(SYS_execveat, fd, "", arg, arg, EMPTY_PATH);
}

static void looked_at(int fd, mode_t type)
{
    struct stat by_name, by_fd;
    char *arg[] = { "x", NULL };
    char below[80];

    CHECK_EQ(stat(link_to(fd), &by_name), 0);
    CHECK_EQ(fstat(fd, &by_fd), 0);
    CHECK_EQ(by_name.st_ino, by_fd.st_ino);
    CHECK_EQ(by_name.st_mode, by_fd.st_mode);
    CHECK_EQ(by_name.st_mode & S_IFMT, type);
    CHECK_EQ(access(link_to(fd), R_OK), 0);
    CHECK_ERR(ENOTDIR, chdir(link_to(fd)));
    CHECK_ERR(EEXIST, mkdir(link_to(fd), 0700));
    CHECK_ERR(EACCES, execve(link_to(fd), arg, arg));
    CHECK_ERR(EACCES, run_by(fd));
    CHECK_ERR(EINVAL, truncate(link_to(fd), 0));
    snprintf(below, sizeof below, "%s/x", link_to(fd));
    CHECK_ERR(ENOTDIR, open(below, O_RDONLY));
    CHECK_ERR(ENOTDIR, openat(fd, "x", O_RDONLY));
    int path = open(link_to(fd), O_PATH);
    CHECK(path >= 0);
    CHECK_EQ(fstat(path, &by_name), 0);
    CHECK_EQ(by_name.st_ino, by_fd.st_ino);
    CHECK_EQ(close(path), 0);
}

static dev_t device(int fd)
{
    struct stat st;

    CHECK(fstat(fd, &st) == 0 && st.st_dev != 0);
    return st.st_dev;
}

/* Each kind is a device of its own. */
static void devices(void)
{
    int p[2], q[2], pair[2];

    CHECK(pipe(p) == 0 && pipe(q) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    CHECK_EQ(device(p[0]), device(q[1]));
    CHECK_EQ(device(pair[0]), device(socket(AF_INET, SOCK_STREAM, 0)));
    CHECK_EQ(device(eventfd(0, 0)), device(epoll_create(1)));
    CHECK(device(p[0]) != device(pair[0]) && device(p[0]) != device(eventfd(0, 0)));
    CHECK(device(pair[0]) != device(epoll_create(1)) &&
          device(p[0]) != device(open(".", O_RDONLY)));
}

static void sockets_and_pipes(void)
{
    int pair[2], ends[2], event = eventfd(0, 0), inet = socket(AF_INET, SOCK_STREAM, 0);
    char name[64], text[64];

    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    CHECK_EQ(pipe(ends), 0);
    looked_at(pair[0], S_IFSOCK);
    looked_at(inet, S_IFSOCK);
    looked_at(ends[0], S_IFIFO);
    looked_at(event, 0);
    CHECK_ERR(ENXIO, open(link_to(pair[0]), O_RDWR));
    CHECK_ERR(ENXIO, open(link_to(event), O_RDWR));
    int path = open(link_to(pair[0]), O_PATH); /* outlives the socket */
    ssize_t n = readlink(link_to(pair[0]), name, sizeof name);
    CHECK_EQ(readlink(link_to(path), text, sizeof text), n);
    CHECK(memcmp(name, text, n) == 0);
    CHECK_EQ(close(pair[0]), 0);
    CHECK_EQ(write(pair[1], "x", 1), -1);
    struct stat st;
    CHECK_EQ(fstat(path, &st), 0);
    CHECK_EQ(st.st_mode & S_IFMT, S_IFSOCK);
    CHECK_EQ(chmod(link_to(pair[1]), 0600), 0);
    CHECK_EQ(fstat(pair[1], &st), 0);
    CHECK_EQ(st.st_mode & 07777, 0600);
    close(path);
    close(pair[1]);
    close(ends[0]);
    close(ends[1]);
    close(event);
    close(inet);
}

static void queues(void)
{
    struct mq_attr a = { .mq_maxmsg = 2, .mq_msgsize = 16 };
    char text[80];
    mqd_t q = mq_open("/placeless", O_CREAT | O_RDWR, 0600, &a);

    CHECK(q >= 0);
    CHECK_EQ(mq_send(q, "hello", 5, 1), 0);
    int again = open(link_to(q), O_RDONLY);
    CHECK(again >= 0);
    CHECK(read(again, text, sizeof text) > 0 && memcmp(text, "QSIZE:5 ", 8) == 0);
    CHECK_EQ(close(q), 0);
    CHECK_EQ(mq_unlink("/placeless"), 0);
    CHECK(pread(again, text, sizeof text, 0) > 0 && memcmp(text, "QSIZE:5 ", 8) == 0);
    CHECK_EQ(close(again), 0);
}

/* The kernel's texts: their rights and sizes are its own. */
static void task_files(void)
{
    struct utimbuf then = { 5, 5 };
    struct stat st;

    CHECK_ERR(EPERM, chmod("/proc/self", 0555));
    CHECK_ERR(EPERM, chown("/proc/self", 0, 0));
    CHECK_ERR(EPERM, utime("/proc/self", &then));
    CHECK_ERR(EPERM, chmod("/proc/self/task/", 0555));
    CHECK_ERR(EPERM, chmod("/proc/self/status", 0444));
    CHECK_ERR(EPERM, chmod("/proc/self/fd", 0500));
    CHECK_ERR(EISDIR, truncate("/proc/self", 0));
    CHECK_EQ(truncate("/proc/self/status", 0), 0);
    CHECK_EQ(truncate("/proc/uptime", 0), 0);
    CHECK_EQ(stat("/proc/self/status", &st), 0);
    CHECK_EQ(st.st_mode, S_IFREG | 0444);
}

static void own_call(void)
{
    char text[200], want[100];
    int fd = open("/proc/self/syscall", O_RDONLY);

    CHECK(fd >= 0);
    memset(text, 0, sizeof text);
    CHECK(syscall(SYS_read, fd, text, 199L) > 0);
    snprintf(want, sizeof want, "%d %#x %#lx 0xc7 ", SYS_read, fd, (unsigned long)text);
    CHECK(memcmp(text, want, strlen(want)) == 0);
    close(fd);
}

static void unnamed(void)
{
    char cwd[200], want[300], name[300] = "";
    struct stat st;

    CHECK(getcwd(cwd, sizeof cwd) != NULL);
    CHECK_EQ(mkdir("dir", 0700), 0);
    int fd = open("dir", O_TMPFILE | O_RDWR, 0600);
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK_EQ(fcntl(fd, F_GETFL) & O_TMPFILE, O_TMPFILE);
    CHECK_EQ(fcntl(fd, F_SETFL, O_APPEND), 0);
    CHECK_EQ(fcntl(fd, F_GETFL) & (O_TMPFILE | O_APPEND), O_TMPFILE | O_APPEND);
    snprintf(want, sizeof want, "%s/dir/#%lu (deleted)", cwd, (unsigned long)st.st_ino);
    CHECK(readlink(link_to(fd), name, sizeof name - 1) > 0);
    CHECK(strcmp(name, want) == 0);
    CHECK_EQ(linkat(AT_FDCWD, link_to(fd), AT_FDCWD, "named", AT_SYMLINK_FOLLOW), 0);
    CHECK_EQ(rmdir("dir"), 0); /* it holds no place there */
    CHECK_EQ(write(fd, "text", 4), 4);
    CHECK_EQ(stat("named", &st), 0);
    CHECK_EQ(st.st_size, 4);
    CHECK_EQ(close(fd), 0);
    CHECK_EQ(unlink("named"), 0);
    fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
    CHECK_ERR(ENOENT, linkat(AT_FDCWD, link_to(fd), AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
    CHECK_EQ(close(fd), 0);
    fd = open(".", O_TMPFILE | O_RDWR, 0600);
    CHECK_EQ(linkat(AT_FDCWD, link_to(fd), AT_FDCWD, "named", AT_SYMLINK_FOLLOW), 0);
    CHECK_EQ(unlink("named"), 0);
    CHECK_ERR(ENOENT, linkat(AT_FDCWD, link_to(fd), AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
    CHECK_EQ(close(fd), 0);
}

static void test(void)
{
    devices();
    signal(SIGPIPE, SIG_IGN);
    sockets_and_pipes();
    queues();
    task_files();
    own_call();
    unnamed();
    SAY("done\n");
}
