/* files.c - names, directories, mounts, and descriptors by the thousand. */
#include "tests/vm/long_calls/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static void in_getdents(void)
{
    static char b[MB];
    files_in("/tmp/many", many);
    int f = dev("/tmp/many", O_RDONLY);
    GO(lseek(f, 0, SEEK_SET); NEED(syscall(SYS_getdents64, f, b, sizeof(b)) > 0));
}
static void in_lookup(void)
{
    struct stat st;
    files_in("/tmp/many", many);
    GO(stat("/tmp/many/not there", &st); stat("/tmp/many/a-file-0", &st);
       rename("/tmp/many/a-file-1", "/tmp/many/a-file-0-"));
}
static void in_umount(void)
{
    mkdir("/tmp/m", 0700);
    again = false;
    NEED(mount("none", "/tmp/m", "tmpfs", 0, NULL) == 0);
    files_in("/tmp/m/d", many);
    int f = open("/tmp/m/big", O_RDWR | O_CREAT, 0600);
    NEED(fallocate(f, 0, 0, (off_t)big) == 0);
    close(f);
    GO(NEED(umount("/tmp/m") == 0));
}
static void in_getdents_proc(void)
{
    static char b[MB];
    children(crowd);
    int f = dev("/proc", O_RDONLY);
    GO(lseek(f, 0, SEEK_SET); syscall(SYS_getdents64, f, b, sizeof(b)));
}
static void in_getdents_task(void)
{
    static char b[MB];
    threads(crowd);
    int f = dev("/proc/self/task", O_RDONLY);
    GO(lseek(f, 0, SEEK_SET); syscall(SYS_getdents64, f, b, sizeof(b)));
}
static void in_proc_texts(void) /* that count tasks */
{
    static const char *const names[] = { "/proc/loadavg", "/proc/stat", "/proc/meminfo",
                                         "/proc/self/status", "/proc/self/stat" };
    static char b[MB];
    threads(crowd / 2);
    children(crowd / 2);
    GO(for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
        int f = dev(names[i], O_RDONLY);
        NEED(read(f, b, sizeof(b)) > 0);
        close(f);
    });
}
static void in_fds_fork(void)
{
    descriptors(4000);
    GO(pid_t p = fork(); if (p == 0) _exit(0); waitpid(p, NULL, 0));
}
static void in_fds_close(void)
{
    descriptors(4000);
    again = false;
    GO(syscall(SYS_close_range, 3, ~0u, 0));
}
static void in_fds_cloexec(void)
{
    descriptors(4000);
    GO(syscall(SYS_close_range, 3, ~0u, 4));
}
static void in_fds_proc(void)
{
    static char b[MB];
    descriptors(4000);
    int f = dev("/proc/self/fd", O_RDONLY);
    GO(lseek(f, 0, SEEK_SET); syscall(SYS_getdents64, f, b, sizeof(b)));
}
static void in_fds_million(void)
{
    struct rlimit r = { 1048576, 1048576 };
    NEED(setrlimit(RLIMIT_NOFILE, &r) == 0);
    GO(int f = dup2(2, 1048000); pid_t p = fork(); if (p == 0) _exit(0); waitpid(p, NULL, 0);
       fcntl(2, F_DUPFD, 1000000); syscall(SYS_close_range, 3, ~0u, 0); (void)f);
}
static void in_poll(void)
{
    static struct pollfd p[4000];
    descriptors(4000);
    for (unsigned i = 0; i < 4000; i++)
        p[i] = (struct pollfd){ (int)i, POLLIN, 0 };
    GO(poll(p, 4000, 0));
}
static void in_poll_wait(void)
{
    static struct pollfd p[4000];
    int e[2];
    NEED(pipe(e) == 0);
    struct rlimit r = { 5000, 5000 };
    NEED(setrlimit(RLIMIT_NOFILE, &r) == 0);
    for (unsigned i = 0; i < 4000; i++)
        p[i] = (struct pollfd){ e[0], POLLIN, 0 };
    GO(poll(p, 4000, 1));
}
static void in_select(void)
{
    static char set[8192 / 8];
    int e[2];
    NEED(pipe(e) == 0);
    descriptors(4000);
    for (int i = 3; i < 4000; i++)
        dup2(e[0], i);
    struct timeval t;
    GO(memset(set, 255, 500); set[0] = 0; t = (struct timeval){ 0, 1 };
       select(4000, (fd_set *)set, NULL, NULL, &t));
}
static void in_path(void)
{
    static char p[4096];
    struct stat st;
    for (unsigned i = 0; i < 4094; i += 2)
        memcpy(p + i, "./", 2);
    GO(stat(p, &st); NEED(st.st_mode != 0));
}
static void in_path_links(void)
{
    static char to[4000];
    struct stat st;
    chdir("/tmp");
    memset(to, '/', sizeof(to) - 1);
    for (unsigned i = 0; i + 2 < sizeof(to) - 8; i += 2)
        memcpy(to + i, "./", 2);
    for (unsigned i = 0; i < 39; i++) {
        char name[8];
        snprintf(name, sizeof(name), "l%02u", i);
        snprintf(to + 3900, 8, "l%02u", i + 1);
        unlink(name);
        symlink(to, name);
    }
    GO(stat("l00", &st));
}
static void in_getcwd_deep(void)
{
    static char b[65536];
    chdir("/tmp");
    for (unsigned i = 0; i < 1000; i++)
        if ((mkdir("d", 0700) != 0 && errno != EEXIST) || chdir("d") != 0)
            fail("mkdir");
    int f = dev("/proc/self/cwd", O_RDONLY | O_DIRECTORY);
    GO(syscall(SYS_getcwd, b, sizeof(b)); readlink("/proc/self/cwd", b, sizeof(b));
       rename(".", "/tmp/x"); openat(f, "../../..", O_RDONLY));
}
static void in_file_locks(void)
{
    int f = file(0);
    again = false;
    for (unsigned i = 0; i < 3000; i++) {
        struct flock l = { .l_type = F_WRLCK, .l_start = 2 * (off_t)i, .l_len = 1 };
        NEED(fcntl(f, F_SETLK, &l) == 0);
    }
    struct flock l = { .l_type = F_WRLCK };
    GO(fcntl(f, F_SETLK, &l); l.l_type = F_UNLCK; fcntl(f, F_SETLK, &l));
}
static void in_mounts(void)
{
    static char b[65536];
    char name[32];
    again = false;
    for (unsigned i = 0; i < 400; i++) {
        snprintf(name, sizeof(name), "/tmp/mnt%u", i);
        mkdir(name, 0700);
        NEED(mount("none", name, "tmpfs", 0, NULL) == 0);
    }
    int f = dev("/proc/self/mounts", O_RDONLY);
    GO(read(f, b, sizeof(b)); struct stat st; stat("/tmp/mnt399/x", &st));
    for (unsigned i = 0; i < 400; i++) {
        snprintf(name, sizeof(name), "/tmp/mnt%u", i);
        umount(name);
    }
}

/* clang-format off */
const struct call file_calls[] = {
    CALL(getdents),
    CALL(lookup),
    CALL(umount),
    CALL(getdents_proc),
    CALL(getdents_task),
    CALL(proc_texts),
    CALL(fds_fork),
    CALL(fds_close),
    CALL(fds_cloexec),
    CALL(fds_proc),
    CALL(fds_million),
    CALL(poll),
    CALL(poll_wait),
    CALL(select),
    CALL(path),
    CALL(path_links),
    CALL(getcwd_deep),
    CALL(file_locks),
    CALL(mounts),
    { 0 },
};
/* clang-format on */
