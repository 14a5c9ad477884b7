/* Credentials and limits: set*id by root and by others, groups, prlimit. */
#include "check.h"
#include <grp.h>
#include <stdbool.h>
#include <sys/prctl.h>

/* As many groups as there may be: they are sorted, go to children, and let into files. */
static void many_groups(void)
{
    enum { MOST = 65536 };
    static gid_t groups[MOST + 1], got[MOST];

    for (int i = 0; i <= MOST; i++)
        groups[i] = i * 7919u % (MOST + 1) * 3 + 1;
    CHECK_ERR(EINVAL, syscall(SYS_setgroups, MOST + 1, groups));
    CHECK(syscall(SYS_setgroups, MOST, groups) == 0);
    CHECK_EQ(getgroups(0, NULL), MOST);
    CHECK_ERR(EINVAL, getgroups(MOST - 1, got));
    CHECK_EQ(CHILD({
                 bool sorted = getgroups(MOST, got) == MOST;
                 for (int i = 1; i < MOST; i++)
                     sorted &= got[i - 1] < got[i];
                 CHECK(sorted && got[0] == 1);
                 int fd = memfd_create("theirs", 0);
                 char path[64];
                 snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
                 CHECK(fchmod(fd, 0040) == 0 && fchown(fd, 0, got[MOST / 3]) == 0);
                 CHECK(setresuid(5, 5, 5) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0);
                 CHECK(open(path, O_RDONLY) >= 0);
                 CHECK_ERR(EACCES, open(path, O_WRONLY));
             }),
             0);
    groups[1] = -1;
    CHECK_ERR(EINVAL, syscall(SYS_setgroups, 2, groups));
    CHECK_ERR(EFAULT, syscall(SYS_setgroups, 2, 8));
    CHECK_ERR(EFAULT, getgroups(MOST, (gid_t *)8));
    CHECK_EQ(getgroups(0, NULL), MOST);
    CHECK(syscall(SYS_setgroups, 0, NULL) == 0);
    CHECK_EQ(getgroups(0, NULL), 0);
}

static void test(void)
{
    CHECK_EQ(CHILD(many_groups()), 0);
    uid_t r, e, s;

    CHECK_EQ(CHILD({
                 gid_t groups[3] = { 5, 6, 7 }, got[8];
                 CHECK(setgroups(3, groups) == 0);
                 CHECK_EQ(getgroups(8, got), 3);
                 CHECK(got[0] == 5 && got[2] == 7);
                 CHECK_ERR(EINVAL, getgroups(2, got));
                 CHECK(setresgid(10, 11, 12) == 0);
                 CHECK(setresuid(100, 101, 102) == 0);
                 CHECK(getresuid(&r, &e, &s) == 0 && r == 100 && e == 101 && s == 102);
                 CHECK_ERR(EPERM, setuid(0));
                 CHECK(seteuid(102) == 0 && geteuid() == 102);
                 CHECK(setuid(100) == 0 && getresuid(&r, &e, &s) == 0 && e == 100 && s == 102);
                 CHECK_ERR(EPERM, setgroups(1, groups));
                 CHECK_ERR(EPERM, setresuid(5, -1, -1));
                 CHECK(setresuid(-1, -1, 100) == 0);
                 CHECK_ERR(EPERM, seteuid(102));
             }),
             0);
    CHECK_EQ(CHILD({
                 CHECK(setuid(33) == 0);
                 CHECK(getresuid(&r, &e, &s) == 0 && r == 33 && e == 33 && s == 33);
                 struct rlimit limit = { 100, 100 };
                 struct rlimit more = { 100, 200 };
                 CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
                 CHECK_ERR(EPERM, setrlimit(RLIMIT_NOFILE, &more));
                 limit = (struct rlimit){ 101, 100 };
                 CHECK_ERR(EINVAL, setrlimit(RLIMIT_NOFILE, &limit));
                 limit.rlim_cur = 50;
                 CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0 &&
                       getrlimit(RLIMIT_NOFILE, &limit) == 0);
                 CHECK(limit.rlim_cur == 50 && limit.rlim_max == 100);
                 CHECK_ERR(ESRCH, syscall(SYS_prlimit64, 999999, RLIMIT_NOFILE, NULL, &limit));
             }),
             0);
    CHECK_EQ(CHILD({
                 struct rlimit cpu = { 1, 3 };
                 setrlimit(RLIMIT_CPU, &cpu);
                 signal(SIGXCPU, SIG_DFL);
                 for (;;)
                     ;
             }) & ~0x80,
             KILLED(SIGXCPU));
}
