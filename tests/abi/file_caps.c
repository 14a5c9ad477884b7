/* Capabilities of files: what security.capability gives to who runs the file, by its sets and the process's, and
 * what takes it away. */
#include "check.h"
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/xattr.h>

#define CAP_KILL       5
#define CAP_SETFCAP    31
#define CAP_SYS_CHROOT 18
#define BIT(c)         (1ull << (c))
#define NAME           "security.capability"
#define PROGRAM        "file_caps.copy"

struct caps { /* revision 2, little-endian */
    uint32_t magic, permitted, inheritable, more[2];
};
#define EFFECTIVE 0x02000001u
#define PLAIN     0x02000000u

static long sets(int call, uint64_t *effective, uint64_t *permitted, uint64_t *inheritable)
{
    unsigned header[2] = { 0x20080522, 0 }, data[6] = { *effective, *permitted, *inheritable };
    data[3] = *effective >> 32, data[4] = *permitted >> 32, data[5] = *inheritable >> 32;
    long ret = syscall(call, header, data);
    *effective = data[0] | (uint64_t)data[3] << 32;
    *permitted = data[1] | (uint64_t)data[4] << 32;
    *inheritable = data[2] | (uint64_t)data[5] << 32;
    return ret;
}

static void show(const char *who)
{
    uint64_t e = 0, p = 0, i = 0;

    CHECK(sets(SYS_capget, &e, &p, &i) == 0);
    SAY("%s: effective %s%llx permitted %s%llx inheritable %llx euid %d ambient %d secure %d\n",
        who, e >> 8 & 1 ? "all " : "", e >> 8 & 1 ? 0ull : (unsigned long long)e,
        p >> 8 & 1 ? "all " : "", p >> 8 & 1 ? 0ull : (unsigned long long)p, (unsigned long long)i,
        geteuid(), prctl(47 /* PR_CAP_AMBIENT */, 1 /* IS_SET */, CAP_KILL, 0, 0),
        (int)getauxval(AT_SECURE));
}

static void copy(void)
{
    char buf[65536];
    ssize_t n;
    int from = open("/proc/self/exe", O_RDONLY),
        to = open(PROGRAM, O_CREAT | O_TRUNC | O_WRONLY, 0755);

    CHECK(from >= 0 && to >= 0);
    while ((n = read(from, buf, sizeof(buf))) > 0)
        CHECK(write(to, buf, n) == n);
    CHECK(fchmod(to, 0755) == 0);
    close(from);
    close(to);
}

static int give(uint32_t magic, uint32_t permitted, uint32_t inheritable)
{
    struct caps c = { magic, permitted, inheritable, { 0 } };
    return setxattr(PROGRAM, NAME, &c, sizeof(c), 0);
}

/* Runs the copy after some preparations. */
#define RUN(who, ...) \
    do { \
        int status_; \
        if (fork() == 0) { \
            __VA_ARGS__; \
            setenv("FILE_CAPS_TEST", who, 1); \
            execl(PROGRAM, "copy", NULL); \
            SAY("%s: not run, error %d\n", who, errno); \
            _exit(0); \
        } \
        CHECK(wait(&status_) > 0 && status_ == 0); \
    } while (0)

#define USER CHECK(setgid(5) == 0 && setuid(5) == 0)

static void keep(uint64_t inheritable)
{
    uint64_t e = inheritable, p = inheritable, i = inheritable;

    prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    USER;
    CHECK(sets(SYS_capset, &e, &p, &i) == 0);
}

static void runs(void)
{
    RUN("no capabilities", USER);
    CHECK(give(EFFECTIVE, BIT(CAP_KILL), 0) == 0);
    RUN("user", USER);
    RUN("root", );
    RUN("real root", CHECK(seteuid(5) == 0));
    RUN("no new privileges", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); USER);
    RUN("bounding set without, effective", prctl(PR_CAPBSET_DROP, CAP_KILL, 0, 0, 0); USER);
    RUN("ambient", keep(BIT(CAP_KILL)); CHECK(prctl(47, 2, CAP_KILL, 0, 0) == 0));
    CHECK(give(PLAIN, BIT(CAP_KILL) | BIT(CAP_SYS_CHROOT), 0) == 0);
    RUN("not effective", USER);
    RUN("bounding set without", prctl(PR_CAPBSET_DROP, CAP_KILL, 0, 0, 0); USER);
    CHECK(give(EFFECTIVE, 0, BIT(CAP_KILL)) == 0);
    RUN("inheritable here, not there", USER);
    RUN("inheritable here and there", keep(BIT(CAP_KILL)));
    CHECK(give(EFFECTIVE, 0, 0) == 0);
    RUN("empty", USER);
    CHECK(give(EFFECTIVE, BIT(CAP_KILL), 0) == 0 && chmod(PROGRAM, 04755) == 0);
    RUN("and root's set-user-ID", USER);
    CHECK(chmod(PROGRAM, 0755) == 0);
}

static void goes(void)
{
    char buf[64];
    int fd;

    CHECK(give(EFFECTIVE, BIT(CAP_KILL), 0) == 0);
    CHECK_EQ(getxattr(PROGRAM, NAME, buf, sizeof(buf)), 20);
    CHECK_EQ(chmod(PROGRAM, 0755), 0);
    CHECK_EQ(getxattr(PROGRAM, NAME, buf, sizeof(buf)), 20);
    CHECK_EQ(chown(PROGRAM, 0, 0), 0);
    CHECK_ERR(ENODATA, getxattr(PROGRAM, NAME, buf, sizeof(buf)));
    CHECK(give(EFFECTIVE, BIT(CAP_KILL), 0) == 0);
    fd = open(PROGRAM, O_WRONLY | O_APPEND);
    CHECK_EQ(getxattr(PROGRAM, NAME, buf, sizeof(buf)), 20);
    CHECK_EQ(write(fd, "x", 1), 1);
    CHECK_ERR(ENODATA, getxattr(PROGRAM, NAME, buf, sizeof(buf)));
    CHECK(give(EFFECTIVE, BIT(CAP_KILL), 0) == 0);
    CHECK_EQ(ftruncate(fd, 100), 0);
    CHECK_ERR(ENODATA, getxattr(PROGRAM, NAME, buf, sizeof(buf)));
    close(fd);
}

static void forms(void)
{
    struct caps c = { 0x01000000, 1, 0, { 0 } };
    int status;

    CHECK_ERR(EINVAL, setxattr(PROGRAM, NAME, &c, 12, 0));
    CHECK_ERR(EINVAL, setxattr(PROGRAM, NAME, &c, 20, 0));
    CHECK_EQ(give(PLAIN, 1, 0), 0);
    if (fork() == 0) {
        CHECK(setuid(5) == 0);
        CHECK_ERR(EPERM, give(PLAIN, 1, 0));
        CHECK_ERR(EPERM, removexattr(PROGRAM, NAME));
        CHECK_EQ(getxattr(PROGRAM, NAME, &c, sizeof(c)), 20);
        _exit(0);
    }
    CHECK(wait(&status) > 0 && status == 0);
    CHECK_EQ(removexattr(PROGRAM, NAME), 0);
}

static void test(void)
{
    const char *who = getenv("FILE_CAPS_TEST");

    if (who != NULL) {
        show(who);
        return;
    }
    umask(0);
    copy();
    runs();
    goes();
    forms();
    CHECK_EQ(unlink(PROGRAM), 0);
}
