/* inotify: what is told of files, directories, names and their ends; masks, one shot, moves,
 * what does not fit, waiting, errors. */
#include "check.h"
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/epoll.h>

#ifndef IN_MASK_CREATE
#define IN_MASK_CREATE 0x10000000
#endif

static const char *const names[32] = { "ACCESS",         "MODIFY",   "ATTRIB",      "CLOSE_WRITE",
                                       "CLOSE_NOWRITE",  "OPEN",     "MOVED_FROM",  "MOVED_TO",
                                       "CREATE",         "DELETE",   "DELETE_SELF", "MOVE_SELF",
                                       [13] = "UNMOUNT", "OVERFLOW", "IGNORED",     [30] = "DIR" };
static uint32_t first_cookie;

/* All that is there, one line each. */
static void say(const char *what, int fd)
{
    static char b[65536] __attribute__((aligned(8)));
    ssize_t n = read(fd, b, sizeof(b));

    SAY("%s:%s\n", what, n < 0 ? " nothing" : "");
    for (ssize_t at = 0; at < n;) {
        struct inotify_event *e = (struct inotify_event *)(b + at);
        SAY("  %d", e->wd);
        for (int i = 0; i < 32; i++)
            if (e->mask & 1u << i)
                SAY(" %s", names[i] ? names[i] : "?");
        if (e->cookie && !first_cookie)
            first_cookie = e->cookie;
        if (e->cookie)
            SAY(" cookie +%u", e->cookie - first_cookie);
        if (e->len)
            SAY(" [%s] %u", e->name, e->len);
        SAY("\n");
        at += (ssize_t)sizeof(*e) + e->len;
    }
}

static void in_directory(int fd)
{
    int dir, f;

    mkdir("d", 0755);
    mkdir("e", 0755);
    dir = inotify_add_watch(fd, "d", IN_ALL_EVENTS);
    SAY("wd %d\n", dir);
    f = open("d/file", O_CREAT | O_RDWR, 0644);
    CHECK(f >= 0 && write(f, "hello", 5) == 5);
    say("made", fd);
    char c;
    CHECK(pread(f, &c, 1, 0) == 1);
    CHECK(ftruncate(f, 2) == 0);
    CHECK(fchmod(f, 0600) == 0);
    CHECK(futimens(f, NULL) == 0);
    struct timespec t[2] = { { 5, 0 }, { 0, UTIME_OMIT } };
    CHECK(futimens(f, t) == 0);
    close(f);
    say("used", fd);
    close(open("d/file", O_WRONLY | O_TRUNC));
    close(open("d/file", O_PATH));
    CHECK(access("d/file", R_OK) == 0 && open("d/none", O_RDONLY) < 0);
    say("cut", fd);
    CHECK(link("d/file", "d/other") == 0);
    CHECK(symlink("file", "d/link") == 0);
    CHECK(mkdir("d/sub", 0700) == 0);
    CHECK(mkfifo("d/fifo", 0600) == 0);
    say("names", fd);
    CHECK(rename("d/file", "d/a-name-of-some-length") == 0);
    CHECK(rename("d/sub", "e/sub") == 0);
    CHECK(rename("e/sub", "d/sub") == 0);
    say("moved", fd);
    CHECK(rename("d/other", "d/link") == 0);
    CHECK(unlink("d/link") == 0 && unlink("d/fifo") == 0 && rmdir("d/sub") == 0);
    say("removed", fd);
    f = open("d", O_RDONLY | O_DIRECTORY);
    static char b[4096];
    CHECK(syscall(SYS_getdents64, f, b, sizeof(b)) > 0);
    close(f);
    say("listed", fd);
    CHECK(chmod("d", 0700) == 0);
    CHECK(inotify_rm_watch(fd, dir) == 0);
    CHECK_ERR(EINVAL, inotify_rm_watch(fd, dir));
    say("done", fd);
}

static void on_itself(int fd)
{
    write_file("f", "text");
    CHECK(mkdir("g", 0755) == 0);
    int f = inotify_add_watch(fd, "f", IN_ALL_EVENTS),
        g = inotify_add_watch(fd, "g", IN_ALL_EVENTS);
    SAY("wd %d %d\n", f, g);
    CHECK(rename("f", "f2") == 0 && rename("g", "g2") == 0);
    CHECK(link("f2", "f3") == 0 && unlink("f3") == 0);
    say("moved", fd);
    int open_one = open("f2", O_RDONLY);
    CHECK(unlink("f2") == 0);
    say("removed, open", fd);
    close(open_one);
    say("closed", fd);
    CHECK(rmdir("g2") == 0);
    say("directory removed", fd);
    write_file("h", "x");
    write_file("i", "y");
    CHECK(inotify_add_watch(fd, "i", IN_DELETE_SELF | IN_ATTRIB) > 0);
    CHECK(rename("h", "i") == 0);
    say("replaced", fd);
    unlink("i");
}

static void masks(int fd)
{
    write_file("m", "x");
    int wd = inotify_add_watch(fd, "m", IN_OPEN);
    CHECK_EQ(inotify_add_watch(fd, "m", IN_MODIFY), wd);
    close(open("m", O_RDONLY));
    write_file("m", "y");
    say("only modify", fd);
    CHECK_EQ(inotify_add_watch(fd, "m", IN_OPEN | IN_MASK_ADD), wd);
    close(open("m", O_RDONLY));
    close(open("m", O_WRONLY | O_TRUNC));
    say("and open", fd);
    CHECK_ERR(EEXIST, inotify_add_watch(fd, "m", IN_OPEN | IN_MASK_CREATE));
    CHECK_ERR(EINVAL, inotify_add_watch(fd, "m", IN_OPEN | IN_MASK_CREATE | IN_MASK_ADD));
    CHECK(inotify_add_watch(fd, "m", IN_OPEN | IN_ONESHOT) == wd);
    close(open("m", O_RDONLY));
    close(open("m", O_RDONLY));
    say("one shot", fd);
    CHECK_ERR(EINVAL, inotify_rm_watch(fd, wd));
    symlink("m", "l");
    wd = inotify_add_watch(fd, "l", IN_ATTRIB | IN_DONT_FOLLOW);
    CHECK(chmod("m", 0600) == 0);
    unlink("l");
    say("the link itself", fd);
    CHECK_ERR(ENOTDIR, inotify_add_watch(fd, "m", IN_OPEN | IN_ONLYDIR));
    /* Equal events in a row are one. */
    wd = inotify_add_watch(fd, "m", IN_MODIFY);
    int f = open("m", O_WRONLY);
    for (int i = 0; i < 5; i++)
        CHECK(write(f, "z", 1) == 1);
    close(f);
    say("many writes", fd);
    inotify_rm_watch(fd, wd);
    /* Removed, but open: told or not. */
    mkdir("x", 0755);
    wd = inotify_add_watch(fd, "x", IN_MODIFY | IN_DELETE);
    f = open("x/n", O_CREAT | O_WRONLY, 0600);
    unlink("x/n");
    CHECK(write(f, "1", 1) == 1);
    say("unlinked", fd);
    CHECK(inotify_add_watch(fd, "x", IN_MODIFY | IN_EXCL_UNLINK) == wd);
    CHECK(write(f, "1", 1) == 1);
    close(f);
    inotify_rm_watch(fd, wd);
    say("not told", fd);
}

static void reading(void)
{
    int fd = inotify_init(), ep = epoll_create1(0), n = 0;
    struct epoll_event e = { .events = EPOLLIN };
    char b[64];

    SAY("flags %x %x\n", fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
    mkdir("r", 0755);
    CHECK(inotify_add_watch(fd, "r", IN_CREATE | IN_DELETE) > 0);
    CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) == 0);
    CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
    pid_t child = START(CHECK(read(fd, b, sizeof(b)) == 32));
    CHECK(WAIT_UNTIL(state_of(child) == 'S'));
    mkdir("r/one", 0700);
    CHECK_EQ(status_of(child), EXITED(0));
    mkdir("r/two", 0700);
    CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
    CHECK(ioctl(fd, FIONREAD, &n) == 0);
    SAY("bytes %d\n", n);
    CHECK_ERR(EINVAL, read(fd, b, 16));
    mkdir("r/three", 0700);
    CHECK_EQ(read(fd, b, 63), 32);
    CHECK_EQ(read(fd, b, 64), 32);
    rmdir("r/one");
    rmdir("r/two");
    rmdir("r/three");
    rmdir("r");
    CHECK_EQ(read(fd, b, 64), 64);
    SAY("bytes left %d\n", ioctl(fd, FIONREAD, &n) == 0 ? n : -1);
    close(ep);
    close(fd);
}

static void overflow(void)
{
    FILE *most = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), limit = 16384, events = 0, last = 0;
    static char b[1 << 16] __attribute__((aligned(8)));
    ssize_t n;

    if (most && fscanf(most, "%d", &limit) != 1)
        limit = 16384;
    if (most)
        fclose(most);
    write_file("o", "x");
    CHECK(inotify_add_watch(fd, "o", IN_OPEN | IN_CLOSE_NOWRITE) > 0);
    for (int i = 0; i < limit / 2 + 10; i++)
        close(open("o", O_RDONLY));
    while ((n = read(fd, b, sizeof(b))) > 0)
        for (ssize_t at = 0; at < n; at += (ssize_t)sizeof(struct inotify_event), events++) {
            struct inotify_event *e = (struct inotify_event *)(b + at);
            last = (int)e->mask;
            if (e->mask == IN_Q_OVERFLOW)
                CHECK(e->wd == -1 && e->len == 0);
        }
    CHECK_EQ(events, limit + 1);
    CHECK_EQ(last, IN_Q_OVERFLOW);
    close(open("o", O_RDONLY));
    say("goes on", fd);
    close(fd);
}

static void errors(int fd)
{
    CHECK_ERR(EINVAL, inotify_init1(1));
    CHECK_ERR(EINVAL, inotify_add_watch(fd, ".", 0));
    CHECK_ERR(ENOENT, inotify_add_watch(fd, "none", IN_OPEN));
    CHECK_ERR(EFAULT, inotify_add_watch(fd, (char *)8, IN_OPEN));
    CHECK_ERR(EBADF, inotify_add_watch(99, ".", IN_OPEN));
    CHECK_ERR(EINVAL, inotify_add_watch(1, ".", IN_OPEN));
    CHECK_ERR(EINVAL, inotify_rm_watch(1, 1));
    CHECK_ERR(EINVAL, inotify_rm_watch(fd, 12345));
    CHECK_ERR(EBADF, inotify_rm_watch(99, 1));
    char b[64];
    CHECK_ERR(EAGAIN, read(fd, b, 64));
    CHECK_ERR(EBADF, write(fd, b, 64));
    write_file("secret", "x");
    chmod("secret", 0600);
    chmod(".", 0777);
    CHECK_EQ(
        CHILD(if (setuid(1000) == 0 && inotify_add_watch(fd, "secret", IN_OPEN) < 0) _exit(errno)),
        EXITED(EACCES));
}

static void unmounting(void)
{
    int fd = inotify_init1(IN_NONBLOCK);

    CHECK(mkdir("mnt", 0755) == 0 && mount("x", "mnt", "tmpfs", 0, "size=64k") == 0);
    close(open("mnt/f", O_CREAT | O_RDWR, 0600));
    CHECK(inotify_add_watch(fd, "mnt", IN_CREATE) == 1);
    CHECK_EQ(umount("mnt"), 0);
    say("a directory unmounted", fd);
    CHECK(mount("x", "mnt", "tmpfs", 0, "size=64k") == 0);
    close(open("mnt/f", O_CREAT | O_RDWR, 0600));
    CHECK(inotify_add_watch(fd, "mnt/f", IN_OPEN) == 2);
    CHECK_EQ(umount("mnt"), 0);
    say("a file unmounted", fd);
    close(fd);
    rmdir("mnt");
}

static void test(void)
{
    char path[64], link[64] = "";
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    SAY("flags %x %x\n", fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    CHECK(readlink(path, link, sizeof(link) - 1) > 0);
    SAY("%s\n", link);
    in_directory(fd);
    on_itself(fd);
    masks(fd);
    reading();
    overflow();
    errors(fd);
    close(fd);
    unmounting();
}
