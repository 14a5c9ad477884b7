/* Namespaces of mounts and of host names: pivot_root(2), trees of open_tree(2), files of namespaces that are bound, setns(2)
 * by them and by pidfds, clone(2) into new ones; who may. */
#include "mounts.h"
#include <sched.h>
#include <sys/utsname.h>

#define pivot(new, old)                   syscall(SYS_pivot_root, new, old)
#define open_tree(dfd, name, flags)       syscall(428, dfd, name, flags)
#define move_mount(f, from, t, to, flags) syscall(429, f, from, t, to, flags)
#define setattr(dfd, name, flags, at)     syscall(442, dfd, name, flags, at, 32)
#define CLONE_TREE                        1
#define RECURSIVE                         0x8000
#define EMPTY                             0x1000
#define SET_GROUP                         0x100

/* What new_root() and its like wrote there. */
static const char *mark_in(const char *dir)
{
    static char text[64];
    char name[128];

    snprintf(name, sizeof name, "%s/mark", dir);
    int fd = open(name, O_RDONLY);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    text[n > 0 ? n : 0] = 0;
    close(fd);
    return text;
}

static void mark(const char *dir)
{
    char name[128];

    snprintf(name, sizeof name, "%s/mark", dir);
    int fd = open(name, O_CREAT | O_WRONLY, 0644);
    CHECK(fd >= 0 && write(fd, dir, strlen(dir)) == (ssize_t)strlen(dir));
    close(fd);
}

static const char *host(void)
{
    static struct utsname u;

    uname(&u);
    return u.nodename;
}

/* A root to be: with /old and /proc. */
static void new_root(void)
{
    begin();
    mark(".");
    CHECK(mount("PBnew", "a", "tmpfs", 0, NULL) == 0);
    mark("a");
    CHECK(mkdir("a/old", 0755) == 0 && mkdir("a/proc", 0755) == 0);
    CHECK(mount("/proc", "a/proc", NULL, MS_BIND | MS_REC, NULL) == 0);
}

static void pivot_fails(void)
{
    begin();
    DO(pivot("a", "a"));
    DO(pivot("a", "a/nothing"));
    CHECK(mount("PBnew", "a", "tmpfs", 0, NULL) == 0 && mkdir("a/old", 0755) == 0);
    mark("a");
    DO(pivot("a", "b"));
    DO(pivot("b", "a/old"));
    DO(pivot("a/old", "a/old"));
    DO(pivot("a", "/"));
    DO(pivot("/", "a/old"));
    DO(pivot("/", "/"));
    DO(pivot("a/mark", "a/old"));
    DO(pivot("nothing", "a/old"));
    DO(pivot("a", (char *)1));
    CHECK(mount(NULL, "a", NULL, MS_SHARED, NULL) == 0);
    DO(pivot("a", "a/old"));
    CHECK(mount(NULL, "a", NULL, MS_PRIVATE, NULL) == 0 &&
          mount(NULL, ".", NULL, MS_SHARED, NULL) == 0);
    DO(pivot("a", "a/old"));
    CHECK(mount(NULL, ".", NULL, MS_PRIVATE, NULL) == 0 && chroot("b") == 0);
    DO(pivot("a", "a/old")); /* a directory is no mount */
}

static void pivots(void)
{
    int there[2], back[2];
    char c;

    new_root();
    CHECK(pipe(there) == 0 && pipe(back) == 0);
    pid_t pid = START({
        CHECK(chdir("/") == 0 && write(there[1], "x", 1) == 1 && read(back[0], &c, 1) == 1);
        SAY("child at %s\n", mark_in("/"));
        SAY("and %s\n", mark_in("."));
    });
    CHECK(read(there[0], &c, 1) == 1);
    DO(pivot("a", "a/old"));
    SAY("root %s\n", mark_in("/"));
    SAY("directory %s\n", mark_in("."));
    CHECK(write(back[1], "x", 1) == 1);
    CHECK_EQ(status_of(pid), 0);
    DO(chdir("/"));
    DO(umount("/old"));
    DO(umount2("/old", MNT_DETACH));
    show("the old one is off");
    DO(access("/old/tmp", F_OK));
}

static void pivot_on_itself(void)
{
    new_root();
    int old = open("/", O_RDONLY | O_DIRECTORY), now = open("a", O_RDONLY | O_DIRECTORY);
    DO(fchdir(now));
    DO(pivot(".", "."));
    DO(fchdir(old));
    DO(mount(NULL, ".", NULL, MS_REC | MS_SLAVE, NULL));
    DO(umount2(".", MNT_DETACH));
    DO(chdir("/"));
    SAY("root %s\n", mark_in("/"));
    show("that alone");
}

static void pivot_in_jail(void)
{
    new_root();
    CHECK(mkdir("a/in", 0755) == 0 && mount("PB2", "a/in", "tmpfs", 0, NULL) == 0);
    mark("a/in");
    CHECK(mkdir("a/in/old", 0755) == 0 && chroot("a") == 0 && chdir("/") == 0);
    DO(pivot("in", "in/old"));
    DO(chdir("/"));
    SAY("%s", mark_in("/"));
    SAY(" and %s\n", mark_in("/old"));
}

static void trees(void)
{
    uint64_t at[4] = { 0, 0, MS_SHARED, 0 };

    begin();
    CHECK(mount("PBa", "a", "tmpfs", 0, NULL) == 0 && mkdir("a/x", 0755) == 0);
    CHECK(mount("PBx", "a/x", "tmpfs", 0, NULL) == 0);
    mark("a/x");
    int tree = open_tree(AT_FDCWD, "a", CLONE_TREE | RECURSIVE);
    CHECK(tree >= 0);
    show("cloned");
    int in = openat(tree, "x/mark", O_RDONLY);
    DO(in);
    DO(openat(tree, "x/../x/mark", O_RDONLY));
    DO(setattr(tree, "", EMPTY | RECURSIVE, at));
    DO(move_mount(tree, "", AT_FDCWD, "b", 4));
    show("moved");
    close(tree);
    show("stays");
    DO(umount2("b", MNT_DETACH));
    close(in);
    tree = open_tree(AT_FDCWD, "a", CLONE_TREE | RECURSIVE);
    in = openat(tree, "x", O_RDONLY);
    CHECK(tree >= 0 && in >= 0 && close(tree) == 0);
    DO(openat(in, "mark", O_RDONLY));
    close(in);
    DO(umount("a/x"));
    DO(umount("a"));
    at[2] = MS_SHARED | MS_SLAVE;
    DO(setattr(AT_FDCWD, ".", 0, at));
    at[2] = 1;
    DO(setattr(AT_FDCWD, ".", 0, at));
    at[2] = MS_UNBINDABLE;
    DO(setattr(AT_FDCWD, ".", 0, at));
    DO(open_tree(AT_FDCWD, ".", CLONE_TREE));
    at[2] = MS_PRIVATE;
    DO(setattr(AT_FDCWD, ".", 0, at));
    show("as before");
}

static void set_group(void)
{
    begin();
    CHECK(mount("PBa", "a", "tmpfs", 0, NULL) == 0 && mount(NULL, "a", NULL, MS_SHARED, NULL) == 0);
    CHECK(mount("a", "b", NULL, MS_BIND, NULL) == 0 &&
          mount(NULL, "b", NULL, MS_PRIVATE, NULL) == 0);
    CHECK(mount("PBc", "c", "tmpfs", 0, NULL) == 0);
    DO(move_mount(AT_FDCWD, "a", AT_FDCWD, "c", SET_GROUP));
    DO(move_mount(AT_FDCWD, "b", AT_FDCWD, "a", SET_GROUP));
    DO(move_mount(AT_FDCWD, "a", AT_FDCWD, "b", SET_GROUP));
    DO(move_mount(AT_FDCWD, "a", AT_FDCWD, "b", SET_GROUP));
    show("joined");
}

static void names(void)
{
    struct stat bound, own;

    begin();
    CHECK(unshare(CLONE_NEWUTS) == 0 && sethostname("outer", 5) == 0);
    int outer = open("/proc/self/ns/uts", O_RDONLY);
    CHECK(rmdir("f") == 0 && rmdir("g") == 0);
    close(open("f", O_CREAT | O_RDWR, 0644));
    close(open("g", O_CREAT | O_RDWR, 0644));
    CHECK(unshare(CLONE_NEWUTS) == 0 && sethostname("inner", 5) == 0);
    DO(mount("/proc/self/ns/uts", "f", NULL, MS_BIND, NULL));
    show("a namespace's file");
    CHECK(stat("f", &bound) == 0 && stat("/proc/self/ns/uts", &own) == 0);
    CHECK(bound.st_ino == own.st_ino && bound.st_dev == own.st_dev);
    CHECK(fstat(outer, &own) == 0 && bound.st_ino != own.st_ino);
    DO(setns(outer, CLONE_NEWIPC));
    DO(setns(outer, CLONE_NEWUTS));
    SAY("%s\n", host());
    int fd = open("f", O_RDONLY);
    DO(setns(fd, 0));
    SAY("%s\n", host());
    close(fd);
    DO(mount("/proc/self/ns/mnt", "g", NULL, MS_BIND, NULL)); /* it would hold itself */
    DO(mount("f", "g", NULL, MS_BIND, NULL));
    DO(umount("g"));
    DO(unlink("f"));
    DO(umount("f"));
    DO(unlink("f"));
}

/* The file of a namespace that is older than who wants to have it: neither by its name nor as a tree from elsewhere. */
static void older(const char *path)
{
    int tree = open_tree(AT_FDCWD, "g", CLONE_TREE);

    CHECK_EQ(CHILD(CHECK(unshare(CLONE_NEWNS) == 0); DO(mount(path, "g", NULL, MS_BIND, NULL));
                   DO(move_mount(tree, "", AT_FDCWD, "g", 4))),
             0);
    DO(move_mount(tree, "", AT_FDCWD, "g", 4));
    DO(mount(NULL, "g", NULL, MS_REMOUNT, NULL));
    close(tree);
    DO(umount("g"));
}

static void enters(pid_t pid)
{
    int fd = open("g", O_RDONLY), pidfd = syscall(SYS_pidfd_open, pid, 0);

    CHECK_EQ(CHILD(DO(setns(fd, CLONE_NEWUTS)); DO(setns(fd, CLONE_NEWNS)); show("by a file");
                   SAY("%s\n", host())),
             0);
    CHECK_EQ(CHILD(DO(setns(pidfd, CLONE_NEWNS | CLONE_NEWUTS)); show("by a pidfd");
                   SAY("%s\n", host()); DO(unshare(CLONE_NEWNS))),
             0);
    close(fd);
    close(pidfd);
}

static void others(void)
{
    int there[2], back[2], n = 0;
    char c, path[64], line[1024];

    begin();
    CHECK(unshare(CLONE_NEWUTS) == 0 && sethostname("here", 4) == 0);
    CHECK(rmdir("g") == 0);
    close(open("g", O_CREAT | O_RDWR, 0644));
    CHECK(pipe(there) == 0 && pipe(back) == 0);
    pid_t pid = START({
        CHECK(unshare(CLONE_NEWNS | CLONE_NEWUTS) == 0 && sethostname("kid", 3) == 0);
        CHECK(mount("PBkid", "a", "tmpfs", 0, NULL) == 0 &&
              mount("PBtop", "/", "tmpfs", 0, NULL) == 0);
        CHECK(write(there[1], "x", 1) == 1 && read(back[0], &c, 1) == 1);
    });
    CHECK(read(there[0], &c, 1) == 1);
    snprintf(path, sizeof path, "/proc/%d/ns/mnt", pid);
    DO(mount(path, "g", NULL, MS_BIND, NULL));
    older(path);
    enters(pid);
    snprintf(path, sizeof path, "/proc/%d/mountinfo", pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        n += strstr(line, "PBkid") != NULL;
    CHECK(f && n == 1 && fclose(f) == 0);
    CHECK(write(back[1], "x", 1) == 1);
    CHECK_EQ(status_of(pid), 0);
    DO(umount("g"));
}

static long into_new(unsigned long flags)
{
    return syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
}

static void clones(void)
{
    begin();
    CHECK(unshare(CLONE_NEWUTS) == 0 && sethostname("parent", 6) == 0);
    pid_t pid = into_new(CLONE_NEWNS | CLONE_NEWUTS);
    if (pid == 0) {
        CHECK(mount("PBx", "a", "tmpfs", 0, NULL) == 0 && sethostname("child", 5) == 0);
        show("child");
        SAY("%s\n", host());
        _exit(0);
    }
    CHECK_EQ(status_of(pid), 0);
    show("parent");
    SAY("%s\n", host());
    DO(into_new(CLONE_NEWNS | CLONE_FS));
    DO(unshare(CLONE_NEWNS | CLONE_FS));
    DO(unshare(CLONE_NEWUTS | 1));
    CHECK_EQ(CHILD(CHECK(setuid(1000) == 0); DO(unshare(CLONE_NEWNS)); DO(unshare(CLONE_NEWUTS));
                   DO(into_new(CLONE_NEWNS)); DO(pivot("/", "/"));
                   DO(mount(NULL, "/", NULL, MS_PRIVATE, NULL));
                   DO(open_tree(AT_FDCWD, ".", CLONE_TREE))),
             0);
}

/* What has its names made when somebody looks for them can be covered, too. */
static void on_proc(void)
{
    begin();
    mark("a");
    DO(mount("a", "/proc/sys", NULL, MS_BIND, NULL));
    SAY("%s\n", mark_in("/proc/sys"));
    DO(access("/proc/sys/kernel", F_OK));
    DO(mount("a/mark", "/proc/version", NULL, MS_BIND, NULL));
    DO(access("/proc/version/x", F_OK));
    DO(mount("/proc/version", "/proc/uptime", NULL, MS_BIND, NULL));
    DO(umount("/proc/uptime"));
    DO(umount("/proc/version"));
    DO(umount("/proc/sys"));
    DO(access("/proc/sys/kernel", F_OK));
    DO(umount("/proc/sys"));
}

/* Linux 6.18 numbers namespaces by CPU, and goes by the numbers when one is to be mounted in another. */
static void on_one_cpu(void)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
}

static void test(void)
{
    on_one_cpu();
    CHECK_EQ(CHILD(pivot_fails()), 0);
    CHECK_EQ(CHILD(pivots()), 0);
    CHECK_EQ(CHILD(pivot_on_itself()), 0);
    CHECK_EQ(CHILD(pivot_in_jail()), 0);
    CHECK_EQ(CHILD(trees()), 0);
    CHECK_EQ(CHILD(set_group()), 0);
    CHECK_EQ(CHILD(names()), 0);
    CHECK_EQ(CHILD(others()), 0);
    CHECK_EQ(CHILD(clones()), 0);
    CHECK_EQ(CHILD(on_proc()), 0);
}
