/* openat2: the sizes of its structure, the flags it refuses, and each way of walking: where mounts,
 * links, ".." and "/" may lead. */
#include "check.h"
#include <linux/openat2.h>
#include <sys/mount.h>

static long opened(int dfd, const char *name, uint64_t flags, uint64_t mode, uint64_t resolve)
{
    struct open_how how = { .flags = flags, .mode = mode, .resolve = resolve };

    return syscall(SYS_openat2, dfd, name, &how, sizeof(how));
}

/* Prints what came of it, and which file it is. */
static void walk(const char *what, int dfd, const char *name, uint64_t flags, uint64_t resolve)
{
    struct stat st, top, d, file;
    long fd = opened(dfd, name, flags, 0, resolve);

    if (fd < 0) {
        SAY("%s %s: %s\n", what, name, strerror(errno));
        return;
    }
    CHECK(fstat(fd, &st) == 0 && stat("/", &top) == 0 && stat("d", &d) == 0 &&
          stat("d/file", &file) == 0);
    SAY("%s %s: %s\n", what, name,
        st.st_ino == file.st_ino && st.st_dev == file.st_dev ? "the file"
        : st.st_ino == d.st_ino && st.st_dev == d.st_dev     ? "d"
        : st.st_ino == top.st_ino && st.st_dev == top.st_dev ? "/"
        : S_ISLNK(st.st_mode)                                ? "a link"
                                                             : "another");
    close(fd);
}

static void sizes(void)
{
    struct {
        struct open_how how;
        char more[4096];
    } big = { .how = { .flags = O_RDONLY } };
    char *end = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK_ERR(EINVAL, syscall(SYS_openat2, AT_FDCWD, "d/file", &big, 0));
    CHECK_ERR(EINVAL, syscall(SYS_openat2, AT_FDCWD, "d/file", &big, 23));
    CHECK_ERR(E2BIG, syscall(SYS_openat2, AT_FDCWD, "d/file", &big, 4097));
    CHECK(syscall(SYS_openat2, AT_FDCWD, "d/file", &big, 24) >= 0);
    CHECK(syscall(SYS_openat2, AT_FDCWD, "d/file", &big, 4096) >= 0);
    CHECK(syscall(SYS_openat2, AT_FDCWD, "d/file", &big, 101) >= 0);
    big.more[70] = 1;
    CHECK_ERR(E2BIG, syscall(SYS_openat2, AT_FDCWD, "d/file", &big, 101));
    CHECK(syscall(SYS_openat2, AT_FDCWD, "d/file", &big, 94) >= 0);
    CHECK_ERR(EFAULT, syscall(SYS_openat2, AT_FDCWD, "d/file", NULL, 24));
    CHECK(munmap(end + PAGE, PAGE) == 0);
    CHECK(syscall(SYS_openat2, AT_FDCWD, "d/file", end + PAGE - 24, 24) >= 0);
    CHECK_ERR(EFAULT, syscall(SYS_openat2, AT_FDCWD, "d/file", end + PAGE - 24, 32));
    CHECK_ERR(EFAULT, opened(AT_FDCWD, (char *)8, O_RDONLY, 0, 0));
    CHECK_ERR(EINVAL, opened(AT_FDCWD, (char *)8, O_RDONLY, 1, 0));
    for (int fd = 3; fd < 64; fd++)
        close(fd);
}

static void refused(void)
{
    CHECK_ERR(EINVAL, opened(AT_FDCWD, "d/file", 1ull << 32, 0, 0));
    CHECK_ERR(EINVAL, opened(AT_FDCWD, "d/file", 0x800000, 0, 0));
    CHECK_ERR(EINVAL, opened(AT_FDCWD, "d/file", O_RDONLY, 0644, 0));
    CHECK_ERR(EINVAL, opened(AT_FDCWD, "new", O_CREAT | O_RDWR, 010000, 0));
    CHECK_ERR(EINVAL, opened(AT_FDCWD, "new", O_CREAT | O_RDWR, -1ull, 0));
    CHECK_ERR(EINVAL, opened(AT_FDCWD, "d", O_PATH | O_RDWR, 0, 0));
    CHECK_ERR(EINVAL, opened(AT_FDCWD, "d", O_PATH | O_TRUNC, 0, 0));
    CHECK_ERR(EINVAL, opened(AT_FDCWD, "d", O_CREAT | O_DIRECTORY, 0, 0));
    CHECK_ERR(EINVAL, opened(AT_FDCWD, "d", O_TMPFILE, 0600, 0));
    CHECK_ERR(EINVAL, opened(AT_FDCWD, "d/file", O_RDONLY, 0, 0x40));
    CHECK_ERR(EINVAL, opened(AT_FDCWD, "d/file", O_RDONLY, 0, 1ull << 40));
    CHECK_ERR(EINVAL, opened(AT_FDCWD, "d/file", O_RDONLY, 0, RESOLVE_BENEATH | RESOLVE_IN_ROOT));
    CHECK_ERR(EAGAIN, opened(AT_FDCWD, "d/file", O_RDWR | O_TRUNC, 0, RESOLVE_CACHED));
    CHECK_ERR(EAGAIN, opened(AT_FDCWD, "new", O_RDWR | O_CREAT, 0600, RESOLVE_CACHED));
    CHECK_ERR(EBADF, opened(77, "d", O_RDONLY, 0, 0));
    CHECK_ERR(EBADF, opened(77, "/", O_RDONLY, 0, RESOLVE_IN_ROOT));
    CHECK_ERR(EXDEV, opened(77, "/", O_RDONLY, 0, RESOLVE_BENEATH));
    CHECK_ERR(ENOENT, opened(AT_FDCWD, "", O_RDONLY, 0, RESOLVE_IN_ROOT));
    CHECK_ERR(ENOENT, opened(AT_FDCWD, "new", O_RDONLY, 0, 0));
}

static void made(int d)
{
    struct stat st;
    long fd = opened(d, "sub/made", O_CREAT | O_EXCL | O_WRONLY, 04751, RESOLVE_BENEATH);

    CHECK(fd >= 0 && fstat(fd, &st) == 0);
    SAY("mode %o\n", st.st_mode);
    CHECK_ERR(EEXIST, opened(d, "/sub/made", O_CREAT | O_EXCL | O_WRONLY, 0600, RESOLVE_IN_ROOT));
    CHECK_ERR(EXDEV, opened(d, "../made", O_CREAT | O_WRONLY, 0600, RESOLVE_BENEATH));
    CHECK(opened(d, "../../made", O_CREAT | O_WRONLY, 0600, RESOLVE_IN_ROOT) >= 0);
    CHECK(stat("d/made", &st) == 0);
    CHECK(opened(d, "dangling", O_CREAT | O_WRONLY, 0600, RESOLVE_IN_ROOT) >= 0);
    CHECK(stat("d/far", &st) == 0);
    CHECK_ERR(EXDEV, opened(d, "dangling", O_CREAT | O_WRONLY, 0600, RESOLVE_BENEATH));
    CHECK((fd = opened(d, "file", O_RDONLY | O_CLOEXEC, 0, 0)) >= 0);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
}

static void test(void)
{
    static const char *const names[] = {
        "file",
        "./sub/../file",
        "/file",
        "/",
        "..",
        ".",
        "sub/../..",
        "../d/file",
        "link",
        "sub/up",
        "sub/out",
        "sub/round",
        "absolute",
        "self",
        "proc/self",
        "proc/magic",
        "loop",
        "proc/self/cwd/d/file",
        "m",
        "m/..",
        "m/in",
        "m/back",
        "sub/..",
        "link/x",
        "file/",
        "dirlink/",
        "dirlink/../file",
    };
    static const struct {
        const char *name;
        uint64_t flags;
    } ways[] = {
        { "any", 0 },
        { "no-xdev", RESOLVE_NO_XDEV },
        { "no-magic", RESOLVE_NO_MAGICLINKS },
        { "no-links", RESOLVE_NO_SYMLINKS },
        { "beneath", RESOLVE_BENEATH },
        { "in-root", RESOLVE_IN_ROOT },
        { "in-root-no-xdev", RESOLVE_IN_ROOT | RESOLVE_NO_XDEV },
    };
    char text[256], here[128];

    /* A mount of our own, so that "/" is beyond one on both sides. */
    CHECK(mkdir("t", 0755) == 0 && mount("none", "t", "tmpfs", 0, NULL) == 0 && chdir("t") == 0);
    CHECK(mkdir("d", 0755) == 0 && mkdir("d/sub", 0755) == 0 && mkdir("d/m", 0755) == 0 &&
          mkdir("d/proc", 0755) == 0);
    close(open("d/file", O_CREAT | O_RDWR, 0644));
    CHECK(symlink("file", "d/link") == 0 && symlink("../file", "d/sub/up") == 0);
    CHECK(symlink("../../d/file", "d/sub/out") == 0 &&
          symlink("../sub/./../file", "d/sub/round") == 0);
    CHECK(symlink("/file", "d/absolute") == 0 && symlink("/proc/self/root", "d/self") == 0);
    CHECK(symlink("loop", "d/loop") == 0 && symlink("/far", "d/dangling") == 0 &&
          symlink("sub", "d/dirlink") == 0);
    CHECK(mount("none", "d/m", "tmpfs", 0, NULL) == 0 &&
          mount("none", "d/proc", "proc", 0, NULL) == 0);
    close(open("d/m/in", O_CREAT | O_RDWR, 0644));
    CHECK(getcwd(here, sizeof(here)) != NULL);
    snprintf(text, sizeof(text), "%s/d/file", here);
    CHECK(symlink(text, "d/m/back") == 0);
    sizes();
    refused();
    int d = open("d", O_RDONLY | O_DIRECTORY);
    for (unsigned w = 0; w < sizeof(ways) / sizeof(ways[0]); w++)
        for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            walk(ways[w].name, d, names[i], O_RDONLY, ways[w].flags);
    walk("link itself", d, "link", O_PATH | O_NOFOLLOW, RESOLVE_NO_SYMLINKS);
    walk("link itself", d, "link", O_NOFOLLOW, RESOLVE_NO_SYMLINKS);
    walk("cached", d, "file", O_RDONLY, RESOLVE_CACHED);
    walk("from here", AT_FDCWD, "d/file", O_RDONLY, RESOLVE_BENEATH);
    walk("from here", AT_FDCWD, "/d/file", O_RDONLY, RESOLVE_IN_ROOT);
    walk("from here", AT_FDCWD, "/proc/version", O_RDONLY, RESOLVE_NO_XDEV);
    walk("a device", d, "/dev/null", O_RDONLY, RESOLVE_NO_XDEV);
    walk("a text", AT_FDCWD, text, O_RDONLY, RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);
    made(d);
    close(d);
    CHECK(umount2("d/proc", MNT_DETACH) == 0 && umount2("d/m", MNT_DETACH) == 0);
    CHECK(chdir("..") == 0 && umount2("t", MNT_DETACH) == 0);
}
