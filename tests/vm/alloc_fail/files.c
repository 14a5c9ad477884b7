/* files.c - names, descriptors, pipes, locks, mounts, /proc. */
#include "tests/vm/alloc_fail/ops.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int do_open(void)
{
    int fd = open("/tmp/alloc_fail", O_CREAT | O_EXCL | O_RDWR, 0600), cause = errno;

    if (fd < 0) {
        UNDO(if (unlink("/tmp/alloc_fail") == 0) cause = EPROTO);
        return -cause;
    }
    long n = write(fd, page_of_names, sizeof(page_of_names));
    int err = n < 0 ? -errno : 0;
    close(fd);
    UNDO(unlink("/tmp/alloc_fail"));
    return err;
}

static int do_open_long(void) /* a name that needs memory of its own */
{
    char name[600] = "";

    while (strlen(name) < 500)
        strcat(name, "/bin/..");
    strcat(name, "/bin/busybox");
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

static int do_names(void)
{
    static const char *const made[] = { "/tmp/d", "/tmp/d/s", "/tmp/d/h", "/tmp/d/f", "/tmp/d/n" };
    int err = 0;

    if (mkdir("/tmp/d", 0700) < 0)
        return -errno;
    if (symlink(page_of_names + 2000, made[1]) < 0 || mknod(made[3], S_IFIFO | 0600, 0) < 0 ||
        link(made[3], made[2]) < 0 || rename(made[3], made[4]) < 0)
        err = -errno;
    UNDO(for (int i = 4; i > 0; i--) unlink(made[i]); rmdir(made[0]));
    return err;
}

static int do_pipe(void)
{
    int ends[2];

    if (pipe2(ends, O_NONBLOCK) < 0)
        return -errno;
    long n = write(ends[1], page_of_names, 3000);
    int err = n < 0 ? -errno : 0;
    if (err == 0 && fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) < 0)
        err = -errno;
    close(ends[0]);
    close(ends[1]);
    return err;
}

static int do_mount(void)
{
    if (mount(page_of_names + 2500, "/mnt", "tmpfs", 0, "size=64k,mode=700") < 0)
        return -errno;
    int err = mkdir("/mnt/x", 0700) < 0 ? -errno : 0;
    UNDO(if (umount("/mnt") < 0) err = -EPROTO);
    return err;
}

static int do_bind(void)
{
    if (mount("/bin", "/mnt", NULL, MS_BIND, NULL) < 0)
        return -errno;
    int err = 0;
    UNDO(if (umount("/mnt") < 0) err = -EPROTO);
    return err;
}

static int do_memfd(void)
{
    int fd = syscall(SYS_memfd_create, "x", 2);

    if (fd < 0)
        return -errno;
    int err = pwrite(fd, "x", 1, 1 << 20) < 0 || pwrite(fd, "x", 1, 1l << 32) < 0 ? -errno : 0;
    close(fd);
    return err;
}

static int do_poll(void)
{
    struct pollfd fds[100];

    for (int i = 0; i < 100; i++)
        fds[i] = (struct pollfd){ .fd = i % 3, .events = POLLPRI };
    return done(poll(fds, 100, 0));
}

static int do_dup_high(void) /* the table of descriptors grows, in a child */
{
    pid_t pid = fork();

    if (pid == 0) {
        arm(exec_nth);
        int err = dup2(0, 900) < 0 ? errno : 0;
        _exit(disarm() ? err : err ? 97 : 100);
    }
    return child_said(pid);
}

static int do_locks(void)
{
    struct flock l = { .l_type = F_WRLCK, .l_start = 5, .l_len = 5 };
    int fd = open("/tmp", O_RDONLY | O_DIRECTORY), err = 0;

    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX) < 0)
        err = -errno;
    close(fd);
    if (err || (fd = open("/tmp/locked", O_RDWR)) < 0)
        return err ? err : -errno;
    err = done(fcntl(fd, F_SETLK, &l));
    l = (struct flock){ .l_type = F_UNLCK, .l_start = 7, .l_len = 1 };
    if (!err)
        err = done(fcntl(fd, F_SETLK, &l));
    close(fd);
    return err;
}

static int do_proc(void)
{
    static const char *const files[] = { "/proc/self/maps", "/proc/self/stat",  "/proc/mounts",
                                         "/proc/meminfo",   "/proc/self/smaps", "/proc/1/status" };
    static char text[20000];

    for (unsigned i = 0; i < sizeof(files) / sizeof(*files); i++) {
        int fd = open(files[i], O_RDONLY | O_NONBLOCK);
        if (fd < 0)
            return -errno;
        long n = read(fd, text, sizeof(text));
        int err = n < 0 ? -errno : 0;
        close(fd);
        if (err)
            return err;
    }
    return 0;
}

static int do_links(void)
{
    char text[200];
    struct stat s;

    if (readlink("/proc/self/exe", text, 200) < 0 || stat("/bin/sh", &s) < 0 ||
        getcwd(text, 200) == NULL)
        return -errno;
    return chdir("/tmp") < 0 || chdir("/") < 0 ? -errno : 0;
}

static int do_vectors(void)
{
    struct iovec v[200];
    char c[200];
    int fd = open("/dev/zero", O_RDONLY);

    if (fd < 0)
        return -errno;
    for (int i = 0; i < 200; i++)
        v[i] = (struct iovec){ c + i, 1 };
    int err = done(readv(fd, v, 200));
    close(fd);
    return err;
}

static int do_tmpfile(void)
{
    int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600), err;

    if (fd < 0)
        return -errno;
    err = done(fallocate(fd, 0, 0, 100 * PAGE));
    if (!err && sendfile(fd, fd, NULL, 0) < 0)
        err = -errno;
    if (!err) /* tables for a file that others map */
        err = done(ftruncate(fd, 1 << 20));
    close(fd);
    return err;
}

static int do_fifo(void)
{
    int fd = open("/tmp/fifo", O_RDWR | O_NONBLOCK);

    if (fd < 0)
        return -errno;
    int err = write(fd, page_of_names, 3000) < 0 ? -errno : 0;
    close(fd);
    return err;
}

static int do_rename(void)
{
    if (rename("/tmp/locked", "/tmp/a name that is longer than it was, by some") < 0)
        return -errno;
    UNDO(rename("/tmp/a name that is longer than it was, by some", "/tmp/locked"));
    return 0;
}

static int do_select(void)
{
    static unsigned long sets[3][256];
    struct timespec now = { 0, 0 };

    memset(sets, 0, sizeof(sets));
    sets[0][0] = 7;
    return done(syscall(SYS_pselect6, 1000, sets[0], sets[1], sets[2], &now, NULL));
}

const struct op file_ops[] = {
    { "open", do_open, 0 },
    { "a long name", do_open_long, 0 },
    { "names", do_names, 0 },
    { "pipe", do_pipe, 0 },
    { "mount", do_mount, 0 },
    { "bind mount", do_bind, 0 },
    { "memfd", do_memfd, 0 },
    { "poll", do_poll, 0 },
    { "descriptors", do_dup_high, 1 },
    { "locks", do_locks, 0 },
    { "proc", do_proc, 0 },
    { "links", do_links, 0 },
    { "vectors", do_vectors, 0 },
    { "O_TMPFILE", do_tmpfile, 0 },
    { "fifo", do_fifo, 0 },
    { "rename", do_rename, 0 },
    { "select", do_select, 0 },
    { 0 },
};
