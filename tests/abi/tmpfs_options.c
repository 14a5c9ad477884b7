/* A tmpfs's limit of files, and what /proc/mounts tells of its options; a file system becomes
 * read-only unless somebody writes to it; a mount expires, and moves. */
#include "check.h"
#include <sys/mount.h>
#include <sys/statfs.h>

#define EXPIRE 4 /* umount2 */

static void make(const char *name) { close(open(name, O_CREAT | O_RDWR, 0644)); }

static int remount(unsigned long flags, const char *how)
{
    return mount("x", "d", "tmpfs", MS_REMOUNT | flags, how);
}

/* The options of what is mounted on the directory of that name. */
static void tell(const char *name)
{
    char line[1024], at[512], opts[512];
    FILE *f = fopen("/proc/self/mounts", "r");

    while (f && fgets(line, sizeof(line), f)) {
        const char *last =
            sscanf(line, "%*s %500s %*s %500s", at, opts) == 2 ? strrchr(at, '/') : "";
        if (last && strstr(at, "tmpfs_options") && strcmp(last + 1, name) == 0)
            SAY("%s: %s\n", name, opts);
    }
    fclose(f);
}

static void say_files(void)
{
    struct statfs s;

    CHECK_EQ(statfs("d", &s), 0);
    SAY("%ld files, %ld free\n", (long)s.f_files, (long)s.f_ffree);
}

static void inodes(void)
{
    CHECK_EQ(mount("x", "d", "tmpfs", 0, "size=1m,nr_inodes=5,mode=700,uid=3,gid=4"), 0);
    tell("d");
    make("d/a");
    make("d/b");
    CHECK_EQ(link("d/a", "d/c"), 0); /* a name more counts */
    say_files();
    CHECK_EQ(mkdir("d/e", 0755), 0);
    CHECK_ERR(ENOSPC, mkdir("d/f", 0755));
    CHECK_ERR(ENOSPC, symlink("x", "d/f"));
    CHECK_ERR(ENOSPC, link("d/a", "d/f"));
    CHECK_ERR(ENOSPC, mknod("d/f", S_IFREG | 0600, 0));
    CHECK_ERR(ENOSPC, open("d/f", O_CREAT | O_RDWR, 0600));
    CHECK_ERR(ENOSPC, open("d", O_TMPFILE | O_RDWR, 0600));
    say_files();
    CHECK_EQ(rename("d/b", "d/c"), 0); /* one of two names less */
    say_files();
    CHECK_EQ(unlink("d/a"), 0);
    say_files();
    CHECK_ERR(EINVAL, remount(0, "nr_inodes=2"));
    CHECK_EQ(remount(0, "nr_inodes=1k,mode=777,uid=9"), 0);
    say_files();
    tell("d");
    CHECK_EQ(umount("d"), 0);
}

static void options(void)
{
    static const char *const good[] = { "noswap",         "inode64",      "inode32",
                                        "huge=never",     "mpol=default", "mode=1777,uid=0,gid=0",
                                        "size=64k,,uid=7" };
    static const char *const bad[] = { "bad",  "size=abc",   "mode=9",     "nr_inodes=x",
                                       "size", "huge=wrong", "uid=nobody", "size=64k,bad" };

    for (unsigned i = 0; i < sizeof(good) / sizeof(*good); i++) {
        CHECK_EQ(mount("x", "d", "tmpfs", 0, good[i]), 0);
        SAY("%s: ", good[i]);
        tell("d");
        CHECK_EQ(umount("d"), 0);
    }
    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        CHECK_ERR(EINVAL, mount("x", "d", "tmpfs", 0, bad[i]));
    struct stat st;
    struct statfs s;
    CHECK_EQ(mount("x", "d", "ramfs", 0, "mode=711,whatever"), 0);
    CHECK(stat("d", &st) == 0 && (st.st_mode & 07777) == 0711);
    CHECK(statfs("d", &s) == 0 && s.f_blocks == 0 && s.f_files == 0);
    CHECK_EQ(umount("d"), 0);
}

static void read_only(void)
{
    int fd;

    CHECK_EQ(mount("x", "d", "tmpfs", 0, NULL), 0);
    CHECK_EQ(mkdir("d/sub", 0755), 0);
    fd = open("d/sub/f", O_CREAT | O_RDWR, 0644);
    CHECK_ERR(EBUSY, remount(MS_RDONLY, NULL));
    CHECK_ERR(EBUSY, remount(MS_RDONLY | MS_BIND, NULL));
    CHECK_EQ(remount(MS_NOSUID, NULL), 0);
    close(fd);
    fd = open("d/sub/f", O_RDONLY);
    CHECK_EQ(remount(MS_RDONLY, NULL), 0);
    CHECK_ERR(EROFS, open("d/sub/f", O_RDWR));
    CHECK_EQ(remount(0, NULL), 0);
    close(fd);
    /* Whoever writes by another way does not mind. */
    CHECK_EQ(mount("d", "b", NULL, MS_BIND, NULL), 0);
    fd = open("d/sub/f", O_RDWR);
    CHECK_EQ(mount("x", "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
    CHECK_ERR(EROFS, open("b/sub/f", O_RDWR));
    CHECK_ERR(EBUSY, remount(MS_RDONLY, NULL));
    close(fd);
    CHECK_EQ(umount("b"), 0);
    CHECK_EQ(umount("d"), 0);
}

static void expires(void)
{
    int fd;

    CHECK_EQ(mount("x", "d", "tmpfs", 0, NULL), 0);
    make("d/f");
    CHECK_ERR(EINVAL, umount2("d", EXPIRE | 1)); /* MNT_FORCE */
    CHECK_ERR(EINVAL, umount2("d", EXPIRE | 2)); /* MNT_DETACH */
    CHECK_ERR(EAGAIN, umount2("d", EXPIRE));
    CHECK_EQ(access("d/f", F_OK), 0);
    CHECK_ERR(EAGAIN, umount2("d", EXPIRE));
    fd = open("d/f", O_RDONLY);
    CHECK_ERR(EBUSY, umount2("d", EXPIRE));
    close(fd);
    CHECK_ERR(EAGAIN, umount2("d", EXPIRE));
    CHECK_EQ(umount2("d", EXPIRE), 0);
    CHECK_ERR(EINVAL, umount2("d", EXPIRE));
    CHECK_ERR(EINVAL, umount2("/", EXPIRE));
}

static void moves(void)
{
    CHECK_EQ(mount("x", "d", "tmpfs", 0, NULL), 0);
    CHECK_EQ(mkdir("d/sub", 0755), 0);
    CHECK_EQ(mount("y", "d/sub", "tmpfs", 0, NULL), 0);
    make("d/sub/f");
    CHECK_ERR(EINVAL, mount("b", "d", NULL, MS_MOVE, NULL)); /* nothing is mounted on it */
    CHECK_ERR(ELOOP, mount("d", "d/sub", NULL, MS_MOVE, NULL));
    CHECK_ERR(EINVAL, mount("d", "plain", NULL, MS_MOVE, NULL));
    CHECK_ERR(EINVAL, mount(NULL, "d", NULL, MS_MOVE, NULL));
    CHECK_EQ(mount("d", "b", NULL, MS_MOVE, NULL), 0);
    CHECK_EQ(access("b/sub/f", F_OK), 0);
    CHECK_ERR(ENOENT, access("d/sub", F_OK));
    tell("b");
    tell("sub");
    CHECK_ERR(EINVAL, umount("d"));
    CHECK_ERR(EBUSY, umount("b"));
    CHECK_EQ(mount(NULL, "b", NULL, MS_PRIVATE | MS_REC, NULL), 0);
    CHECK_EQ(mount(NULL, "b", NULL, MS_SLAVE, NULL), 0);
    CHECK_ERR(EINVAL, mount(NULL, "b", NULL, MS_SLAVE | MS_PRIVATE, NULL));
    CHECK_ERR(EINVAL, mount(NULL, "d", NULL, MS_PRIVATE, NULL));
    CHECK_EQ(umount("b/sub"), 0);
    CHECK_EQ(umount("b"), 0);
}

static void test(void)
{
    CHECK_EQ(mkdir("/tmp/tmpfs_options", 0755), 0);
    CHECK_EQ(mount("x", "/tmp/tmpfs_options", "tmpfs", 0, NULL), 0);
    CHECK_EQ(mount(NULL, "/tmp/tmpfs_options", NULL, MS_PRIVATE, NULL), 0);
    CHECK_EQ(chdir("/tmp/tmpfs_options"), 0);
    CHECK(mkdir("d", 0755) == 0 && mkdir("b", 0755) == 0);
    make("plain");
    inodes();
    options();
    read_only();
    expires();
    moves();
    CHECK_EQ(chdir("/"), 0);
    CHECK_EQ(umount("/tmp/tmpfs_options"), 0);
    CHECK_EQ(rmdir("/tmp/tmpfs_options"), 0);
}
