/* Namespaces as far as one of each goes: the links of /proc/PID/ns, what they lead to, the
 * questions of ioctl_ns(2); setns(2) into one's own; what the unprivileged may not.  unshare(2) of what threads
 * and clones share: descriptors, directory, umask. */
#include "check.h"
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/statfs.h>

#define NS_GET_USERNS    0xb701
#define NS_GET_PARENT    0xb702
#define NS_GET_NSTYPE    0xb703
#define NS_GET_OWNER_UID 0xb704
#define NS_GET_MNTNS_ID  0x8008b705
#define NS_GET_PIDS      0x8004b706 /* NS_GET_PID_FROM_PIDNS and the three behind it */
#define NS_MNT_GET_INFO  0x8010b70a
#define NS_MNT_GET_PREV  0x8010b70c
#define NS_GET_ID        0x8008b70d
#define NSFS_MAGIC       0x6e736673
#define NEWTIME          0x80

static const struct {
    const char *name, *kind;
    unsigned long flag;
} ns[] = {
    { "cgroup", "cgroup", CLONE_NEWCGROUP },
    { "ipc", "ipc", CLONE_NEWIPC },
    { "mnt", "mnt", CLONE_NEWNS },
    { "net", "net", CLONE_NEWNET },
    { "pid", "pid", CLONE_NEWPID },
    { "pid_for_children", "pid", CLONE_NEWPID },
    { "time", "time", NEWTIME },
    { "time_for_children", "time", NEWTIME },
    { "user", "user", CLONE_NEWUSER },
    { "uts", "uts", CLONE_NEWUTS },
};
#define KINDS 10

static long enter(int fd, unsigned long flags) { return syscall(SYS_setns, fd, flags); }
static long part(unsigned long flags) { return syscall(SYS_unshare, flags); }

static const char *link_of(const char *path)
{
    static char text[128];
    ssize_t n = readlink(path, text, sizeof(text) - 1);

    text[n > 0 ? n : 0] = '\0';
    return text;
}

static int open_ns(int i)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/self/ns/%s", ns[i].name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* Errors as text, descriptors as "fd". */
static void say(const char *what, long rc)
{
    if (rc > 2 && rc < 100) {
        close(rc);
        SAY(" %s fd", what);
    } else {
        SAY(" %s %ld/%d", what, rc, rc < 0 ? errno : 0);
    }
}

static void links(void)
{
    char path[64], want[64];
    struct stat st, again;
    struct statfs fs;
    uint32_t uid = 7;

    for (int i = 0; i < KINDS; i++) {
        int fd = open_ns(i);
        snprintf(path, sizeof(path), "/proc/self/ns/%s", ns[i].name);
        CHECK(fd >= 0 && fstat(fd, &st) == 0 && stat(path, &again) == 0);
        CHECK(st.st_ino == again.st_ino && st.st_dev == again.st_dev);
        snprintf(want, sizeof(want), "%s:[%lu]", ns[i].kind, (unsigned long)st.st_ino);
        CHECK(strcmp(link_of(path), want) == 0);
        CHECK(lstat(path, &again) == 0);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        CHECK(strcmp(link_of(path), want) == 0);
        CHECK(fstatfs(fd, &fs) == 0 && fs.f_type == NSFS_MAGIC);
        SAY("%s: %o %o %d %d", ns[i].name, again.st_mode, st.st_mode, (int)st.st_size,
            (int)st.st_uid);
        CHECK_EQ(ioctl(fd, NS_GET_NSTYPE), ns[i].flag);
        say("owner", ioctl(fd, NS_GET_USERNS));
        say("parent", ioctl(fd, NS_GET_PARENT));
        say("uid", ioctl(fd, NS_GET_OWNER_UID, &uid));
        say("other", ioctl(fd, 0x1234));
        say("enter", enter(fd, 0));
        say("as it is", enter(fd, ns[i].flag));
        say("as another", enter(fd, i == 9 ? CLONE_NEWIPC : CLONE_NEWUTS));
        say("read", read(fd, path, 1));
        say("chmod", fchmod(fd, 0600));
        SAY("\n");
        close(fd);
    }
    CHECK_EQ(uid, 0);
    CHECK_ERR(ENOENT, open("/proc/self/ns/nothing", O_RDONLY));
    CHECK_ERR(EPERM, open("/proc/self/ns/uts", O_WRONLY));
    CHECK_ERR(EPERM, chmod("/proc/self/ns/uts", 0600));
    CHECK_ERR(ELOOP, open("/proc/self/ns/uts", O_RDONLY | O_NOFOLLOW));
    CHECK_ERR(ENOTDIR, open("/proc/self/ns/uts", O_RDONLY | O_DIRECTORY));
    CHECK(stat("/proc/self/ns", &st) == 0 && (st.st_mode & 0777) == 0511);
}

static void by_pidfd(void)
{
    int fd = (int)syscall(SYS_pidfd_open, getpid(), 0), null = open("/dev/null", O_RDONLY);

    CHECK_ERR(EBADF, enter(-1, 0));
    CHECK_ERR(EINVAL, enter(null, 0));
    CHECK_ERR(EINVAL, enter(fd, 0));
    CHECK_ERR(EINVAL, enter(fd, CLONE_NEWUTS | 1));
    CHECK_ERR(EINVAL, enter(fd, CLONE_NEWUSER));
    CHECK_EQ(enter(fd, CLONE_NEWUTS | CLONE_NEWPID | CLONE_NEWNS | NEWTIME), 0);
    close(fd);
    pid_t pid = START(_exit(0));
    fd = (int)syscall(SYS_pidfd_open, pid, 0);
    status_of(pid);
    CHECK_ERR(ESRCH, enter(fd, CLONE_NEWUTS));
    close(fd);
    close(null);
}

/* What came later. */
static void numbers(void)
{
    struct {
        uint32_t size, mounts;
        uint64_t id;
    } info;
    uint64_t id, mnt_id;

    for (int i = 0; i < KINDS; i++) {
        int fd = open_ns(i);

        id = mnt_id = info.id = info.mounts = 0;
        say(ns[i].name, ioctl(fd, NS_GET_MNTNS_ID, &mnt_id));
        say("info", ioctl(fd, NS_MNT_GET_INFO, &info));
        for (int k = 0; k < 4; k++) {
            long pid = ioctl(fd, NS_GET_PIDS + k, getpid());
            say("pid", pid == getpid() ? 0 : pid);
            say("nobody's", ioctl(fd, NS_GET_PIDS + k, 0x3fffffff));
        }
        if (!linux_before(6, 18, "NS_GET_ID"))
            CHECK(ioctl(fd, NS_GET_ID, &id) == 0 && id != 0 && (mnt_id == 0 || mnt_id == id));
        CHECK(info.id == mnt_id && (info.mounts != 0) == (mnt_id != 0));
        SAY("\n");
        close(fd);
    }
}

/* From a new namespace of mounts to one that was there before. */
static void neighbours(void)
{
    struct {
        uint32_t size, mounts;
        uint64_t id;
    } mine = { 0 }, before = { 0 };
    int fd, prev;

    CHECK(part(CLONE_NEWNS) == 0);
    fd = open_ns(2);
    CHECK_EQ(ioctl(fd, NS_MNT_GET_INFO, &mine), 0);
    prev = ioctl(fd, NS_MNT_GET_PREV, &before);
    CHECK(prev >= 0 && before.id != 0 && before.id < mine.id && before.mounts != 0);
    CHECK_EQ(ioctl(prev, NS_MNT_GET_INFO, &mine), 0);
    CHECK_EQ(mine.id, before.id);
    CHECK_EQ(fcntl(prev, F_GETFD), FD_CLOEXEC);
    CHECK_ERR(EINVAL, ioctl(open_ns(4), NS_MNT_GET_PREV, NULL));
}

/* Whoever enters the mounts' namespace leaves a chroot. */
static void mounts(void)
{
    int fd = open_ns(2);
    char cwd[64];

    CHECK(mkdir("jail", 0700) == 0);
    CHECK_EQ(CHILD(CHECK(chroot("jail") == 0 && chdir("/") == 0); CHECK(access("/proc", F_OK) != 0);
                   CHECK_EQ(enter(fd, 0), 0); CHECK(access("/proc/self", F_OK) == 0);
                   CHECK(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/") == 0)),
             0);
    close(fd);
    rmdir("jail");
}

static void unprivileged(void)
{
    int fd[KINDS], pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);

    for (int i = 0; i < KINDS; i++)
        fd[i] = open_ns(i);
    CHECK(setgid(65534) == 0 && setuid(65534) == 0);
    for (int i = 0; i < KINDS; i++) {
        SAY("%s unprivileged:", ns[i].name);
        say("enter", enter(fd[i], 0));
        if (ns[i].flag != CLONE_NEWUSER)
            say("part", part(ns[i].flag));
        SAY("\n");
    }
    CHECK_ERR(EPERM, enter(pidfd, CLONE_NEWUTS));
    CHECK_ERR(EACCES, readlink("/proc/1/ns/pid", (char[9]){ 0 }, 9));
    CHECK_ERR(EACCES, open("/proc/1/ns/pid", O_RDONLY));
    CHECK_ERR(EPERM, syscall(SYS_clone, CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0));
    CHECK_EQ(part(CLONE_FS | CLONE_FILES | CLONE_SYSVSEM), 0);
}

static volatile int stage;

static void *other(void *arg)
{
    (void)arg;
    CHECK_EQ(part(CLONE_FS | CLONE_FILES), 0);
    CHECK(chdir("/proc") == 0);
    umask(077);
    close(0);
    stage = 1;
    while (stage != 2)
        msleep(1);
    return NULL;
}

static void parts(void)
{
    pthread_t t;
    int time = open_ns(6), user = open_ns(8), net = open_ns(3), mnt = open_ns(2);
    char cwd[256], now[256];

    CHECK_EQ(part(0), 0);
    CHECK_ERR(EINVAL, part(1));
    CHECK_ERR(EINVAL, part(CLONE_VFORK));
    CHECK_ERR(EINVAL, part(1ul << 40));
    CHECK_EQ(part(CLONE_THREAD), 0);
    CHECK_EQ(part(CLONE_VM | CLONE_SIGHAND), 0);
    CHECK(getcwd(cwd, sizeof(cwd)) != NULL);
    CHECK(pthread_create(&t, NULL, other, NULL) == 0);
    CHECK_ERR(EUSERS, enter(time, 0));
    CHECK_ERR(EINVAL, enter(user, 0));
    CHECK_EQ(enter(net, 0), 0);
    CHECK_ERR(EINVAL, part(CLONE_THREAD));
    CHECK_ERR(EINVAL, part(CLONE_SIGHAND));
    CHECK_ERR(EINVAL, part(CLONE_VM));
    CHECK_ERR(EINVAL, part(CLONE_NEWUSER));
    CHECK_EQ(part(CLONE_SYSVSEM), 0);
    while (stage != 1)
        msleep(1);
    CHECK(getcwd(now, sizeof(now)) != NULL && strcmp(cwd, now) == 0);
    CHECK_EQ(umask(022), 022);
    CHECK(fcntl(0, F_GETFD) >= 0);
    stage = 2;
    pthread_join(t, NULL);
    close(time);
    close(user);
    close(net);
    close(mnt);
}

/* Who shares its place with a thread may not enter the mounts' namespace. */
static void *wait_for_end(void *arg)
{
    while (!*(volatile int *)arg)
        msleep(1);
    return NULL;
}

static void shared_place(void)
{
    pthread_t t;
    int end = 0, mnt = open_ns(2);

    CHECK(pthread_create(&t, NULL, wait_for_end, &end) == 0);
    CHECK_ERR(EINVAL, enter(mnt, 0));
    end = 1;
    pthread_join(t, NULL);
    close(mnt);
}

/* What semop would take back at the end is taken back at once. */
static void undo(void)
{
    int id = semget(IPC_PRIVATE, 1, 0600);
    struct sembuf up = { 0, 3, SEM_UNDO };

    CHECK(id >= 0);
    CHECK_EQ(CHILD(CHECK(semop(id, &up, 1) == 0); CHECK_EQ(semctl(id, 0, GETVAL), 3);
                   CHECK_EQ(part(CLONE_SYSVSEM), 0); CHECK_EQ(semctl(id, 0, GETVAL), 0);
                   CHECK(semop(id, &up, 1) == 0)),
             0);
    CHECK_EQ(semctl(id, 0, GETVAL), 0);
    semctl(id, 0, IPC_RMID);
}

static void test(void)
{
    links();
    if (!linux_before(6, 12, "what ioctl_ns(2) tells of numbers")) {
        numbers();
        CHECK_EQ(CHILD(neighbours()), 0);
    }
    by_pidfd();
    mounts();
    parts();
    shared_place();
    undo();
    CHECK_EQ(CHILD(unprivileged()), 0);
}
