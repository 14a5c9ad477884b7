/* Extended attributes: set, get, list, remove by path, by link, by descriptor; names, sizes, flags, who may;
 * and that they go with the file and its other names, not with the name. */
#include "check.h"
#include <sys/xattr.h>

#define XATTR_SIZE_MAX 65536

#define DIR_NAME "xattr.test"

static int compare(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }

/* The names but the host's own, in order. */
static void say_names(const char *what, const char *list, long n)
{
    char *name[32];
    int count = 0;

    SAY("%s:", what);
    for (const char *at = list; n > 0 && at < list + n; at += strlen(at) + 1)
        if (strncmp(at, "security.", 9) != 0 || strcmp(at, "security.capability") == 0)
            name[count++] = (char *)at;
    qsort(name, count, sizeof(*name), compare);
    for (int i = 0; i < count; i++)
        SAY(" %s", name[i]);
    SAY("\n");
}

static void one_file(void)
{
    char buf[64], list[1024];
    int fd = open("f", O_CREAT | O_RDWR, 0644);

    CHECK_ERR(ENODATA, getxattr("f", "user.a", buf, sizeof(buf)));
    CHECK_EQ(setxattr("f", "user.a", "one", 3, 0), 0);
    CHECK_EQ(lsetxattr("f", "user.bb", "", 0, XATTR_CREATE), 0);
    CHECK_EQ(fsetxattr(fd, "trusted.c", "\0\1", 2, 0), 0);
    CHECK_EQ(getxattr("f", "user.a", NULL, 0), 3);
    CHECK_EQ(getxattr("f", "user.a", buf, 3), 3);
    CHECK(memcmp(buf, "one", 3) == 0);
    CHECK_EQ(fgetxattr(fd, "user.bb", buf, 1), 0);
    CHECK_EQ(lgetxattr("f", "trusted.c", buf, 64), 2);
    CHECK_ERR(ERANGE, getxattr("f", "user.a", buf, 2));
    CHECK_ERR(EEXIST, setxattr("f", "user.a", "x", 1, XATTR_CREATE));
    CHECK_ERR(ENODATA, setxattr("f", "user.no", "x", 1, XATTR_REPLACE));
    CHECK_EQ(setxattr("f", "user.a", "longer", 6, XATTR_REPLACE), 0);
    CHECK_EQ(fgetxattr(fd, "user.a", buf, 64), 6);
    long n = listxattr("f", list, sizeof(list));
    say_names("list", list, n);
    CHECK_EQ(flistxattr(fd, NULL, 0), n);
    CHECK_ERR(ERANGE, llistxattr("f", list, n - 1));
    CHECK_EQ(link("f", "g"), 0);
    CHECK_EQ(getxattr("g", "user.a", buf, 64), 6);
    CHECK_EQ(rename("g", "h"), 0);
    CHECK_EQ(removexattr("h", "user.a"), 0);
    CHECK_ERR(ENODATA, lremovexattr("f", "user.a"));
    CHECK_EQ(fremovexattr(fd, "trusted.c"), 0);
    n = listxattr("f", list, sizeof(list));
    say_names("left", list, n);
    close(fd);
}

static void names(void)
{
    char name[400], buf[8];

    memset(name, 'n', sizeof(name));
    memcpy(name, "user.", 5);
    name[255] = '\0';
    CHECK_EQ(setxattr("f", name, "x", 1, 0), 0);
    CHECK_EQ(removexattr("f", name), 0);
    name[255] = 'n';
    name[256] = '\0';
    CHECK_ERR(ERANGE, setxattr("f", name, "x", 1, 0));
    CHECK_ERR(ERANGE, getxattr("f", name, buf, 8));
    CHECK_ERR(ERANGE, removexattr("f", ""));
    CHECK_ERR(EINVAL, setxattr("f", "user.", "x", 1, 0));
    CHECK_ERR(EOPNOTSUPP, setxattr("f", "other.x", "x", 1, 0));
    CHECK_ERR(EOPNOTSUPP, getxattr("f", "user", buf, 8));
    CHECK_ERR(EOPNOTSUPP, removexattr("f", "nothing"));
    CHECK_ERR(EINVAL, setxattr("f", "user.x", "x", 1, 4));
    CHECK_ERR(EFAULT, setxattr("f", "user.x", (char *)8, 1, 0));
    CHECK_ERR(EFAULT, setxattr("f", (char *)8, "x", 1, 0));
    CHECK_EQ(setxattr("f", "user.x", "x", 1, 0), 0);
    CHECK_ERR(EFAULT, getxattr("f", "user.x", (char *)8, 8));
    CHECK_ERR(E2BIG, setxattr("f", "user.x", name, XATTR_SIZE_MAX + 1, 0));
    CHECK_ERR(ENOENT, getxattr("nothing", "user.x", buf, 8));
    CHECK_ERR(EBADF, fgetxattr(-1, "user.x", buf, 8));
    int fd = open("f", O_PATH);
    CHECK_ERR(EBADF, fgetxattr(fd, "user.x", buf, 8));
    CHECK_ERR(EBADF, fsetxattr(fd, "user.x", buf, 8, 0));
    CHECK_ERR(EBADF, flistxattr(fd, buf, 8));
    close(fd);
    CHECK_ERR(EOPNOTSUPP, getxattr("/proc/self/stat", "user.x", buf, 8));
    CHECK_EQ(listxattr("/proc/self/stat", NULL, 0), 0);
}

/* As large as one may be, in memory on both sides. */
static void large(void)
{
    int fd = memfd_create("large", 0);
    char *value = malloc(XATTR_SIZE_MAX), *back = malloc(XATTR_SIZE_MAX);

    for (int i = 0; i < XATTR_SIZE_MAX; i++)
        value[i] = (char)(i * 7 + i / 251);
    for (long n = 1; n <= XATTR_SIZE_MAX; n = n * 3 + 1) {
        CHECK_EQ(fsetxattr(fd, "trusted.large", value, n, 0), 0);
        CHECK_EQ(fgetxattr(fd, "trusted.large", back, XATTR_SIZE_MAX), n);
        CHECK(memcmp(value, back, n) == 0);
    }
    CHECK_EQ(fsetxattr(fd, "trusted.large", value, XATTR_SIZE_MAX, 0), 0);
    CHECK_EQ(fgetxattr(fd, "trusted.large", back, 10 * XATTR_SIZE_MAX), XATTR_SIZE_MAX);
    CHECK(memcmp(value, back, XATTR_SIZE_MAX) == 0);
    CHECK_ERR(ERANGE, fgetxattr(fd, "trusted.large", back, XATTR_SIZE_MAX - 1));
    CHECK_EQ(fremovexattr(fd, "trusted.large"), 0);
    close(fd);
    free(value);
    free(back);
}

/* Kinds of files: only those that have contents of a user's have user.*. */
static void kinds(void)
{
    char buf[8];

    CHECK_EQ(mkdir("d", 0755), 0);
    CHECK_EQ(symlink("f", "l"), 0);
    CHECK_EQ(symlink("nothing", "dangling"), 0);
    CHECK_EQ(mkfifo("p", 0644), 0);
    CHECK_EQ(setxattr("d", "user.d", "x", 1, 0), 0);
    CHECK_EQ(getxattr("d", "user.d", buf, 8), 1);
    CHECK_EQ(getxattr("l", "user.x", buf, 8), 1);
    CHECK_ERR(ENODATA, lgetxattr("l", "user.x", buf, 8));
    CHECK_ERR(EPERM, lsetxattr("l", "user.x", "x", 1, 0));
    CHECK_EQ(lsetxattr("l", "trusted.x", "x", 1, 0), 0);
    CHECK_EQ(lgetxattr("l", "trusted.x", buf, 8), 1);
    CHECK_ERR(ENODATA, getxattr("l", "trusted.x", buf, 8));
    CHECK_ERR(ENOENT, setxattr("dangling", "trusted.x", "x", 1, 0));
    CHECK_ERR(EPERM, setxattr("p", "user.x", "x", 1, 0));
    CHECK_ERR(ENODATA, getxattr("p", "user.x", buf, 8));
    CHECK_EQ(setxattr("p", "trusted.x", "x", 1, 0), 0);
    CHECK_EQ(removexattr("p", "trusted.x"), 0);
}

static void somebody(void)
{
    char buf[8], list[256];

    CHECK_EQ(setxattr("f", "trusted.t", "x", 1, 0), 0);
    CHECK_EQ(chmod("d", 01777), 0);
    CHECK(setgid(1000) == 0 && setuid(1000) == 0);
    CHECK_EQ(getxattr("f", "user.x", buf, 8), 1);
    CHECK_ERR(EACCES, setxattr("f", "user.x", "y", 1, 0));
    CHECK_ERR(EACCES, removexattr("f", "user.x"));
    CHECK_ERR(ENODATA, getxattr("f", "trusted.t", buf, 8));
    CHECK_ERR(EPERM, setxattr("f", "trusted.t", "y", 1, 0));
    CHECK_ERR(EPERM, removexattr("f", "trusted.t"));
    CHECK_ERR(EPERM, setxattr("d", "user.d", "y", 1, 0)); /* sticky, and another's */
    say_names("somebody's list", list, listxattr("f", list, sizeof(list)));
    _exit(0);
}

static void times(void)
{
    struct stat a, b;

    CHECK_EQ(stat("f", &a), 0);
    usleep(20000);
    CHECK_EQ(setxattr("f", "user.t", "x", 1, 0), 0);
    CHECK_EQ(stat("f", &b), 0);
    CHECK(memcmp(&a.st_ctim, &b.st_ctim, sizeof(a.st_ctim)) != 0);
    CHECK(memcmp(&a.st_mtim, &b.st_mtim, sizeof(a.st_mtim)) == 0);
}

/* setxattrat and so on, Linux 6.13; on an older one it is as if they had passed. */
static void at_calls(void)
{
    struct {
        uint64_t value;
        uint32_t size, flags;
        uint64_t more;
    } a = { 0 };
    char got[16] = "";
    int dfd = open(".", O_RDONLY), fd = open("f", O_RDONLY), p[2];

    if (syscall(464, dfd, "f", 0, "user.at", &a, 16) == -1 && errno == ENOSYS)
        return;
    CHECK_ERR(ENODATA, syscall(464, dfd, "f", 0, "user.at", &a, 16));
    a.value = (uint64_t) "abc";
    a.size = 3;
    CHECK_EQ(syscall(463, dfd, "f", 0, "user.at", &a, 16), 0);
    a.flags = XATTR_CREATE;
    CHECK_ERR(EEXIST, syscall(463, dfd, "f", 0, "user.at", &a, 16));
    a.flags = 4;
    CHECK_ERR(EINVAL, syscall(463, dfd, "f", 0, "user.at", &a, 16));
    CHECK_ERR(EINVAL, syscall(464, dfd, "f", 0, "user.at", &a, 16));
    a.flags = 0;
    a.value = (uint64_t)got;
    a.size = sizeof(got);
    CHECK_EQ(syscall(464, fd, "", AT_EMPTY_PATH, "user.at", &a, 16), 3);
    CHECK(strcmp(got, "abc") == 0);
    CHECK_EQ(syscall(464, fd, NULL, AT_EMPTY_PATH, "user.at", &a, 24), 3);
    a.more = 1;
    CHECK_ERR(E2BIG, syscall(464, dfd, "f", 0, "user.at", &a, 24));
    CHECK_ERR(E2BIG, syscall(464, dfd, "f", 0, "user.at", &a, 4097));
    CHECK_ERR(EINVAL, syscall(464, dfd, "f", 0, "user.at", &a, 15));
    CHECK_ERR(EFAULT, syscall(464, dfd, "f", 0, "user.at", NULL, 16));
    CHECK_ERR(EINVAL, syscall(464, dfd, "f", 1, "user.at", &a, 16));
    CHECK_ERR(EBADF, syscall(464, -1, "f", 0, "user.at", &a, 16));
    CHECK_ERR(ENOENT, syscall(464, dfd, "", 0, "user.at", &a, 16));
    CHECK_ERR(ENOTDIR, syscall(464, fd, "f", 0, "user.at", &a, 16));
    CHECK(syscall(465, dfd, "f", 0, got, 0) > 0);
    CHECK_ERR(EFAULT, syscall(465, dfd, NULL, 0, got, 0));
    CHECK_EQ(syscall(465, dfd, "l", AT_SYMLINK_NOFOLLOW, got, 0), llistxattr("l", NULL, 0));
    CHECK_EQ(syscall(466, dfd, "f", 0, "user.at"), 0);
    CHECK_ERR(ENODATA, syscall(466, fd, "", AT_EMPTY_PATH, "user.at"));
    CHECK_EQ(pipe(p), 0);
    CHECK_ERR(EOPNOTSUPP, syscall(466, p[0], "", AT_EMPTY_PATH, "security.at"));
    close(p[0]);
    close(p[1]);
    close(dfd);
    close(fd);
}

/* Many tasks at one file. */
static void together(void)
{
    char name[32], list[4096];
    int status;

    for (int i = 0; i < 4; i++)
        if (fork() == 0) {
            for (int n = 0; n < 200; n++) {
                snprintf(name, sizeof(name), "user.%d", i);
                if (setxattr("f", name, list, n % 50, 0) != 0 ||
                    getxattr("f", name, list, sizeof(list)) != n % 50 ||
                    (n % 3 == 0 && removexattr("f", name) != 0))
                    _exit(1);
            }
            _exit(0);
        }
    for (int i = 0; i < 4; i++)
        CHECK(wait(&status) > 0 && status == 0);
    say_names("together", list, listxattr("f", list, sizeof(list)));
}

static void test(void)
{
    int status;

    umask(0);
    CHECK_EQ(mkdir(DIR_NAME, 0755), 0);
    CHECK_EQ(chdir(DIR_NAME), 0);
    one_file();
    names();
    large();
    kinds();
    if (fork() == 0)
        somebody();
    CHECK(wait(&status) > 0 && status == 0);
    times();
    at_calls();
    together();
    const char *made[] = { "f", "h", "l", "dangling", "p" };
    for (unsigned i = 0; i < sizeof(made) / sizeof(made[0]); i++)
        CHECK_EQ(unlink(made[i]), 0);
    CHECK_EQ(rmdir("d"), 0);
    CHECK_EQ(chdir(".."), 0);
    CHECK_EQ(rmdir(DIR_NAME), 0);
}
