/* Capabilities bind: who has given one up may not do what it is for, though the user ID is
 * 0, and who has kept one may, though it is not; and the sets follow user IDs, securebits and
 * exec as capabilities(7) says. */
#include "check.h"
#include <sys/prctl.h>
#include <sys/mount.h>

#define CAP_CHOWN            0
#define CAP_DAC_OVERRIDE     1
#define CAP_DAC_READ_SEARCH  2
#define CAP_FOWNER           3
#define CAP_FSETID           4
#define CAP_KILL             5
#define CAP_SETGID           6
#define CAP_SETUID           7
#define CAP_SETPCAP          8
#define CAP_SYS_CHROOT       18
#define CAP_SYS_ADMIN        21
#define CAP_SYS_NICE         23
#define CAP_SYS_RESOURCE     24
#define CAP_SYS_TIME         25
#define CAP_MKNOD            27
#define PR_CAP_AMBIENT_RAISE 2
#define BIT(c)               (1ull << (c))

struct sets {
    uint64_t effective, permitted, inheritable;
};

static long caps(int call, struct sets *s)
{
    unsigned header[2] = { 0x20080522, 0 }, data[6];
    for (int i = 0; i < 2; i++) {
        data[3 * i] = s->effective >> 32 * i;
        data[3 * i + 1] = s->permitted >> 32 * i;
        data[3 * i + 2] = s->inheritable >> 32 * i;
    }
    long ret = syscall(call, header, data);
    s->effective = data[0] | (uint64_t)data[3] << 32;
    s->permitted = data[1] | (uint64_t)data[4] << 32;
    s->inheritable = data[2] | (uint64_t)data[5] << 32;
    return ret;
}

static struct sets get(void)
{
    struct sets s = { 0 };
    CHECK(caps(SYS_capget, &s) == 0);
    return s;
}

static long set(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
    struct sets s = { effective, permitted, inheritable };
    return caps(SYS_capset, &s);
}

/* Without that one in the effective set. */
static void without(int cap)
{
    struct sets s = get();
    CHECK(set(s.effective & ~BIT(cap), s.permitted, s.inheritable) == 0);
}

static void make(const char *name, int mode)
{
    int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    CHECK(fd >= 0 && fchmod(fd, mode) == 0);
    close(fd);
}

static int mode_of(const char *name)
{
    struct stat st;
    CHECK(stat(name, &st) == 0);
    return st.st_mode & 07777;
}

/* Root, less one. */
static void each(void)
{
    make("file", 0600);
    CHECK(chown("file", 5, 5) == 0);
    CHILD(without(CAP_CHOWN); CHECK_ERR(EPERM, chown("file", 6, 6)););
    CHILD(without(CAP_FOWNER); CHECK_ERR(EPERM, chmod("file", 0644)););
    CHILD(without(CAP_DAC_OVERRIDE); CHECK(open("file", O_RDONLY) >= 0);
          CHECK_ERR(EACCES, open("file", O_WRONLY)); without(CAP_DAC_READ_SEARCH);
          CHECK_ERR(EACCES, open("file", O_RDONLY)););
    CHILD(without(CAP_SYS_ADMIN); CHECK_ERR(EPERM, mount("none", "/", "tmpfs", 0, NULL));
          CHECK_ERR(EPERM, sethostname("x", 1)););
    CHILD(without(CAP_SYS_CHROOT); CHECK_ERR(EPERM, chroot("/")););
    CHILD(without(CAP_SYS_NICE); CHECK_ERR(EACCES, setpriority(PRIO_PROCESS, 0, -5)););
    CHILD(without(CAP_MKNOD); CHECK_ERR(EPERM, mknod("node", S_IFCHR | 0600, 0x103)););
    CHILD(without(CAP_SETUID); CHECK_ERR(EPERM, setuid(7)););
    CHILD(without(CAP_SETGID); CHECK_ERR(EPERM, setgid(7));
          CHECK_ERR(EPERM, syscall(SYS_setgroups, 0, NULL)););
    CHILD(without(CAP_SYS_TIME);
          CHECK_ERR(EPERM, clock_settime(CLOCK_REALTIME, &(struct timespec){ 1, 0 })););
    CHILD(without(CAP_SETPCAP); CHECK_ERR(EPERM, prctl(PR_CAPBSET_DROP, 3, 0, 0, 0));
          CHECK_ERR(EPERM, prctl(PR_CAPBSET_DROP, 99, 0, 0, 0)););
    CHILD(without(CAP_SYS_RESOURCE); struct rlimit l = { 10, 10 };
          CHECK(setrlimit(RLIMIT_CORE, &l) == 0); l.rlim_max = 20;
          CHECK_ERR(EPERM, setrlimit(RLIMIT_CORE, &l)););
    pid_t pid = START(CHECK(setuid(5) == 0); pause(););
    msleep(50);
    CHILD(without(CAP_KILL); CHECK_ERR(EPERM, kill(pid, SIGTERM)););
    CHECK(kill(pid, SIGKILL) == 0);
    CHECK_EQ(status_of(pid), KILLED(SIGKILL));
}

/* Another user, with one. */
static void kept(void)
{
    CHILD(struct sets s; CHECK(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0);
          CHECK(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) == 1); CHECK(setuid(5) == 0); s = get();
          CHECK(s.effective == 0 && s.permitted != 0); CHECK_ERR(EPERM, chown("file", 6, 6));
          CHECK(set(BIT(CAP_CHOWN), BIT(CAP_CHOWN), 0) == 0); CHECK(chown("file", 6, 6) == 0);
          CHECK(chown("file", 5, 5) == 0); CHECK_ERR(
              EPERM, set(BIT(CAP_CHOWN) | BIT(CAP_KILL), BIT(CAP_CHOWN) | BIT(CAP_KILL), 0)););
    CHILD(CHECK(setuid(5) == 0); struct sets s = get();
          CHECK(s.effective == 0 && s.permitted == 0););
    CHILD(CHECK(seteuid(5) == 0); struct sets s = get();
          CHECK(s.effective == 0 && s.permitted != 0); CHECK(seteuid(0) == 0); s = get();
          CHECK(s.effective == s.permitted););
    CHECK_ERR(EINVAL, prctl(PR_SET_KEEPCAPS, 2, 0, 0, 0));
}

static void securebits(void)
{
    CHECK(prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) == 0);
    CHECK_ERR(EPERM, prctl(PR_SET_SECUREBITS, 1 << 20, 0, 0, 0));
    CHILD(CHECK(prctl(PR_SET_SECUREBITS, 0x2f, 0, 0, 0) == 0); /* NOROOT, NO_SETUID_FIXUP, locked */
          CHECK(prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) == 0x2f);
          CHECK_ERR(EPERM, prctl(PR_SET_SECUREBITS, 0, 0, 0, 0)); CHECK(setuid(5) == 0);
          CHECK(get().effective != 0););
    CHILD(without(CAP_SETPCAP); CHECK_ERR(EPERM, prctl(PR_SET_SECUREBITS, 1, 0, 0, 0)););
    if (CHILD(if (prctl(PR_SET_SECUREBITS, 0x500, 0, 0, 0) != 0) _exit(5)) != 0) {
        SAY("# no bits of exec before Linux 6.14\n");
        return;
    }
    CHILD(without(CAP_SETPCAP); CHECK(prctl(PR_SET_SECUREBITS, 0x300, 0, 0, 0) == 0);
          CHECK(prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) == 0x300);
          CHECK_ERR(EPERM, prctl(PR_SET_SECUREBITS, 0x200, 0, 0, 0));
          CHECK_ERR(EPERM, prctl(PR_SET_SECUREBITS, 0x100, 0, 0, 0));
          CHECK_ERR(EPERM, prctl(PR_SET_SECUREBITS, 0x301, 0, 0, 0));
          CHECK(prctl(PR_SET_SECUREBITS, 0xf00, 0, 0, 0) == 0););
}

static void show(const char *who)
{
    struct sets s = get();
    int ambient = prctl(PR_CAP_AMBIENT, 1, CAP_KILL, 0, 0);
    SAY("%s: %s %s kill %d%d%d ambient %d keep %d\n", who, s.effective ? "some" : "none",
        s.permitted ? "some" : "none", (int)(s.effective >> CAP_KILL & 1),
        (int)(s.permitted >> CAP_KILL & 1), (int)(s.inheritable >> CAP_KILL & 1), ambient,
        prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
}

#define EXEC_AS(who, ...) \
    CHECK_EQ(CHILD(__VA_ARGS__; setenv("CAPS_TEST", who, 1); \
                   execl("/proc/self/exe", "caps", NULL); _exit(9)), \
             0)

static void over_exec(void)
{
    EXEC_AS("root", );
    EXEC_AS("root with less", without(CAP_KILL));
    EXEC_AS("root, bounding set without kill", prctl(PR_CAPBSET_DROP, CAP_KILL, 0, 0, 0));
    EXEC_AS("user", CHECK(setuid(5) == 0));
    EXEC_AS("user that kept", prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0); CHECK(setuid(5) == 0));
    EXEC_AS("user with an ambient one", prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0); CHECK(setuid(5) == 0);
            CHECK_ERR(EPERM, prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
            CHECK(set(BIT(CAP_KILL), BIT(CAP_KILL), BIT(CAP_KILL)) == 0);
            CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0) == 0));
    EXEC_AS("real root only", CHECK(seteuid(5) == 0));
    /* no new privileges: root, too, gets back nothing that it has given up */
    EXEC_AS("root that never gave it up", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    EXEC_AS("root that gave it up", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); without(CAP_KILL));
    EXEC_AS("root that gave up all", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
            CHECK(set(0, 0, 0) == 0));
    EXEC_AS("root that may inherit it", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
            CHECK(set(0, 0, BIT(CAP_KILL)) == 0));
    EXEC_AS("root under NOROOT", CHECK(prctl(PR_SET_SECUREBITS, 1, 0, 0, 0) == 0));
}

/* access(2) asks for the real user. */
static void real_user(void)
{
    make("secret", 0600);
    CHILD(CHECK(setresuid(5, 0, 0) == 0); CHECK_ERR(EACCES, access("secret", R_OK));
          CHECK(faccessat(AT_FDCWD, "secret", R_OK, AT_EACCESS) == 0);
          CHECK(open("secret", O_RDONLY) >= 0););
}

/* S_ISGID is for those who have the group. */
static void setgid_bit(void)
{
    CHECK(mkdir("dir", 0777) == 0 && chmod("dir", 0777) == 0 && chown("dir", 5, 77) == 0);
    CHECK(chmod("dir", 02777) == 0);
    umask(0);
    CHILD(CHECK(setgid(6) == 0); CHECK(syscall(SYS_setgroups, 0, NULL) == 0); CHECK(setuid(5) == 0);
          int fd = open("dir/runs", O_CREAT | O_WRONLY, 02755); CHECK(fd >= 0);
          fd = open("dir/locks", O_CREAT | O_WRONLY, 02744); CHECK(fd >= 0);
          CHECK(mkdir("dir/sub", 0755) == 0););
    SAY("created: %o %o %o\n", mode_of("dir/runs"), mode_of("dir/locks"), mode_of("dir/sub"));
    CHILD(CHECK(setgid(6) == 0); CHECK(syscall(SYS_setgroups, 0, NULL) == 0); CHECK(setuid(5) == 0);
          CHECK(chmod("dir", 02777) == 0); CHECK(chmod("dir/runs", 06755) == 0););
    SAY("chmod: %o %o\n", mode_of("dir"), mode_of("dir/runs"));
    CHECK(chmod("dir/runs", 06755) == 0 && chown("dir/runs", 5, 77) == 0);
    SAY("chown: %o\n", mode_of("dir/runs"));
    CHECK(chmod("dir/runs", 06766) == 0 && chmod("dir/locks", 02766) == 0);
    CHILD(CHECK(setgid(6) == 0); CHECK(syscall(SYS_setgroups, 0, NULL) == 0); CHECK(setuid(9) == 0);
          int fd = open("dir/runs", O_WRONLY); CHECK(write(fd, "x", 1) == 1);
          fd = open("dir/locks", O_WRONLY); CHECK(write(fd, "x", 1) == 1););
    SAY("written: %o %o\n", mode_of("dir/runs"), mode_of("dir/locks"));
}

/* Namespaces are not for everybody; whether there are any is another question. */
static void namespaces(void)
{
    CHILD(CHECK(setuid(5) == 0);
          CHECK_ERR(EPERM, syscall(SYS_clone, 0x04000000 | SIGCHLD, 0, 0, 0, 0)););
    CHECK_ERR(EINVAL, syscall(SYS_clone, 0x04000000 | 0x00010000 | SIGCHLD, 0, 0, 0, 0));
}

static void test(void)
{
    const char *who = getenv("CAPS_TEST");

    if (who != NULL) {
        show(who);
        return;
    }
    each();
    kept();
    securebits();
    over_exec();
    real_user();
    setgid_bit();
    namespaces();
}
