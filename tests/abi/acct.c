/* acct(2): which files it takes, and what a record says of a process that ended: how, whose, when, by which name.
 * On Linux other processes of the machine end meanwhile: those of ours count. */
#include "check.h"
#include <sys/prctl.h>

struct record {
    uint8_t flag, version;
    uint16_t tty;
    uint32_t exitcode, uid, gid, pid, ppid, begun;
    float elapsed;
    uint16_t utime, stime, memory, io, rw, minflt, majflt, swaps;
    char comm[16];
};

static uint64_t unpacked(uint16_t v) { return (uint64_t)(v & 0x1fff) << (v >> 13) * 3; }

/* The record of that process; 0: none. */
static int find(pid_t pid, struct record *r)
{
    int fd = open("records", O_RDONLY), found = 0;

    while (!found && read(fd, r, sizeof(*r)) == sizeof(*r))
        found = r->pid == (uint32_t)pid;
    close(fd);
    return found;
}

static struct record ended(pid_t pid)
{
    struct record r = { 0 };

    status_of(pid);
    CHECK(find(pid, &r));
    CHECK_EQ(r.version, 3);
    CHECK_EQ(r.ppid, getpid());
    return r;
}

static void refusals(void)
{
    char longer[5000];

    memset(longer, 'a', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = 0;
    CHECK_ERR(ENOENT, acct("none"));
    CHECK_ERR(ENOENT, acct(""));
    CHECK_ERR(EISDIR, acct("/"));
    CHECK_ERR(EACCES, acct("/dev/null"));
    CHECK_ERR(ENOTDIR, acct("records/x"));
    CHECK_ERR(EFAULT, acct((char *)-1));
    CHECK_ERR(ENAMETOOLONG, acct(longer));
    CHECK_EQ(symlink("loop", "loop"), 0);
    CHECK_ERR(ELOOP, acct("loop"));
    CHECK_EQ(CHILD(CHECK_EQ(setuid(65534), 0); CHECK_ERR(EPERM, acct("records"));
                   CHECK_ERR(EPERM, acct(NULL)); CHECK_ERR(EPERM, acct("none"))),
             0);
}

/* A regular file, but none of a file system where files are made. */
static void not_mounted(void)
{
    int fd[2] = { (int)syscall(SYS_memfd_create, "records", 0),
                  (int)syscall(SYS_mq_open, "records", O_CREAT | O_RDWR, 0600, NULL) };
    char path[64];

    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd[i]);
        CHECK_ERR(EINVAL, acct(path));
        close(fd[i]);
    }
    CHECK_EQ(syscall(SYS_mq_unlink, "records"), 0);
    CHECK_ERR(EINVAL, acct("/proc/self/comm"));
    CHECK_ERR(EINVAL, acct("/proc/self/maps"));
}

/* For the CPU time of a record. */
static void burn(void)
{
    struct rusage u;

    do
        getrusage(RUSAGE_SELF, &u);
    while (u.ru_utime.tv_usec + u.ru_stime.tv_usec < 70000 &&
           u.ru_utime.tv_sec + u.ru_stime.tv_sec == 0);
    _exit(0);
}

static void test(void)
{
    struct record r;
    struct timespec before, after;

    if (getenv("BURN") != NULL)
        burn();
    struct stat in_use;
    if (stat("/var/log/account/pacct", &in_use) == 0 && in_use.st_size > 0) {
        SAY("# this machine keeps accounts of its own: not compared\n");
        return;
    }
    close(open("records", O_CREAT | O_WRONLY, 0600));
    if (acct("records") != 0) {
        SAY("# no acct: %s\n", strerror(errno));
        return;
    }
    refusals();
    not_mounted();
    clock_gettime(CLOCK_REALTIME_COARSE, &before);
    r = ended(START(prctl(PR_SET_NAME, "somebody"); CHECK_EQ(setgid(7), 0); CHECK_EQ(setuid(8), 0);
                    _exit(5)));
    clock_gettime(CLOCK_REALTIME, &after);
    CHECK(r.uid == 8 && r.gid == 7 && r.exitcode == EXITED(5) && r.flag % 2 == 1);
    CHECK(strcmp(r.comm, "somebody") == 0);
    CHECK(r.begun + 1 >= before.tv_sec && r.begun <= after.tv_sec && r.elapsed >= 0 &&
          r.elapsed < 1000);
    CHECK(unpacked(r.memory) > 100 && unpacked(r.minflt) > 0 && r.majflt < 1000 && r.swaps == 0);

    r = ended(START(raise(SIGKILL)));
    CHECK(r.exitcode == SIGKILL && (r.flag & 0x18) == 0x10);
    r = ended(START(setenv("BURN", "", 1); execl("/proc/self/exe", "x", NULL)));
    CHECK(r.flag % 2 == 0 && r.exitcode == 0);
    CHECK(unpacked(r.utime) + unpacked(r.stime) >= 5 && r.elapsed >= 5);
    struct rlimit none = { 0, 0 };
    r = ended(
        START(CHECK_EQ(setrlimit(RLIMIT_FSIZE, &none), 0))); /* which is no limit for its record */
    CHECK_EQ(r.exitcode, 0);
    pid_t pid = vfork();
    if (pid == 0)
        _exit(3);
    CHECK_EQ(ended(pid).exitcode, EXITED(3));

    CHECK_EQ(acct(NULL), 0);
    pid = START(;);
    status_of(pid);
    CHECK(!find(pid, &r));
}
