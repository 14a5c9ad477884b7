/* What mount(2) and remounting say about times, links and rights is what statfs and /proc tell, and
 * what happens: MS_NOSYMFOLLOW, MS_NOATIME and their like; a file system that is read-only is so
 * in all its mounts. */
#include "check.h"
#include <sys/mount.h>
#include <sys/statfs.h>

#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif

static long flags_of(const char *path)
{
    struct statfs s;
    CHECK(statfs(path, &s) == 0);
    return s.f_flags;
}

/* The options of the mount at .../NAME in a file of /proc/self, from field `field` on. */
static void options(const char *file, const char *name, int field)
{
    char line[1024], path[64], want[64];
    FILE *f = fopen(file, "r");

    snprintf(want, sizeof want, "/%s ", name);
    while (f && fgets(line, sizeof line, f)) {
        if (!strstr(line, want) || !strstr(line, " tmpfs "))
            continue;
        char *at = strtok(line, " \n");
        for (int i = 0; at && i < field; i++)
            at = strtok(NULL, " \n");
        snprintf(path, sizeof path, "%s", at ? at : "nothing");
        char *size = strstr(path, ",size="); /* of what there is memory for */
        char *inodes = strstr(path, ",inode");
        if (size)
            *size = 0;
        if (inodes)
            *inodes = 0;
        SAY(" %s", path);
    }
    if (f)
        fclose(f);
}

static void tell(const char *name)
{
    SAY("%#lx", flags_of(name));
    options("/proc/self/mounts", name, 3);
    options("/proc/self/mountinfo", name, 5);
    options("/proc/self/mountinfo", name, 9);
    SAY("\n");
}

static int remount(const char *at, unsigned long flags)
{
    return mount("x", at, NULL, MS_REMOUNT | flags, NULL);
}

static void told(void)
{
    static const unsigned long given[] = {
        0,
        MS_NOSUID,
        MS_NODEV | MS_NOEXEC,
        MS_NOATIME,
        MS_NODIRATIME,
        MS_RELATIME,
        MS_STRICTATIME,
        MS_NOATIME | MS_STRICTATIME,
        MS_NOATIME | MS_RELATIME | MS_NODIRATIME,
        MS_NOSYMFOLLOW,
        MS_RDONLY,
        MS_SYNCHRONOUS,
        MS_RDONLY | MS_NOSUID | MS_NOATIME,
    };

    for (unsigned i = 0; i < sizeof given / sizeof *given; i++) {
        SAY("mounted with %#lx\n", given[i]);
        CHECK(mount("x", "d", "tmpfs", given[i], "size=1m") == 0);
        tell("d");
        CHECK(remount("d", MS_BIND) == 0); /* this mount only; times stay as they were */
        tell("d");
        CHECK(remount("d", MS_NOSUID | MS_NODIRATIME) == 0);
        tell("d");
        CHECK(remount("d", MS_BIND | MS_RDONLY | MS_STRICTATIME) == 0);
        tell("d");
        CHECK(umount("d") == 0);
    }
}

static void bound(void)
{
    CHECK(mkdir("b", 0755) == 0 && mount("x", "d", "tmpfs", MS_NOEXEC | MS_NOATIME, NULL) == 0);
    CHECK(mount("d", "b", NULL, MS_BIND | MS_NOSUID, NULL) == 0); /* as the one it shows */
    tell("b");
    CHECK(remount("b", MS_BIND | MS_RDONLY) == 0);
    CHECK_ERR(EROFS, open("b/f", O_CREAT | O_RDWR, 0644));
    write_file("d/f", "x");
    tell("d");
    tell("b");
    CHECK(remount("b", MS_BIND) == 0 && remount("d", MS_RDONLY) == 0); /* all of it */
    tell("d");
    tell("b");
    CHECK_ERR(EROFS, open("b/f", O_RDWR));
    CHECK_ERR(EROFS, unlink("d/f"));
    CHECK(remount("b", MS_SYNCHRONOUS) == 0);
    tell("d");
    tell("b");
    write_file("b/f", "y");
    CHECK_ERR(EROFS, open("d/f", O_RDWR)); /* that mount still is */
    CHECK(umount("b") == 0 && umount("d") == 0 && rmdir("b") == 0);
}

static void links(void)
{
    char text[16];

    CHECK(mount("x", "d", "tmpfs", MS_NOSYMFOLLOW, NULL) == 0);
    CHECK(mkdir("d/dir", 0755) == 0 && symlink("dir", "d/link") == 0);
    CHECK(symlink("nowhere", "d/dangling") == 0 && symlink("d/dir", "outside") == 0);
    write_file("d/dir/f", "x");
    CHECK_ERR(ELOOP, open("d/link/f", O_RDONLY));
    CHECK_ERR(ELOOP, open("d/link", O_RDONLY));
    CHECK_ERR(ELOOP, open("d/dangling", O_RDONLY | O_CREAT, 0600));
    CHECK_ERR(EEXIST, open("d/dangling", O_RDONLY | O_CREAT | O_EXCL, 0600));
    CHECK_ERR(ELOOP, chdir("d/link"));
    CHECK_ERR(ELOOP, access("d/link", F_OK));
    CHECK_ERR(ELOOP, truncate("d/link", 0));
    struct stat st;
    CHECK_ERR(ELOOP, stat("d/link", &st));
    CHECK(lstat("d/link", &st) == 0 && S_ISLNK(st.st_mode));
    CHECK(readlink("d/link", text, sizeof text) == 3);
    int fd = open("d/link", O_PATH | O_NOFOLLOW);
    CHECK(fd >= 0 && close(fd) == 0);
    CHECK(access("outside/f", F_OK) == 0 &&
          access("d/dir/f", F_OK) == 0); /* the link is elsewhere */
    CHECK(rename("d/link", "d/other") == 0 && unlink("d/other") == 0 && unlink("outside") == 0);
    CHECK(symlink("dir", "d/link") == 0 && remount("d", MS_BIND) == 0);
    CHECK(access("d/link/f", F_OK) == 0);
    CHECK(umount("d") == 0);
}

/* Reading changes the time of access: 'a' always, 'o' once after a change, '-' never. */
static char kept(const char *path, int dir)
{
    struct stat before, after;
    int changed[2];

    CHECK(chmod(path, dir ? 0755 : 0644) == 0); /* ctime is now */
    for (int i = 0; i < 2; i++) {
        msleep(20); /* coarser than the clock of the file system */
        char buf[1024];
        int fd = open(path, O_RDONLY);
        CHECK(fstat(fd, &before) == 0);
        CHECK(dir ? syscall(SYS_getdents64, fd, buf, sizeof buf) > 0 : read(fd, buf, 1) == 1);
        CHECK(fstat(fd, &after) == 0);
        changed[i] = memcmp(&before.st_atim, &after.st_atim, sizeof before.st_atim) != 0;
        close(fd);
    }
    return changed[0] ? changed[1] ? 'a' : 'o' : changed[1] ? '?' : '-';
}

static void times(void)
{
    static const unsigned long given[] = { 0, MS_NOATIME, MS_NODIRATIME, MS_STRICTATIME,
                                           MS_STRICTATIME | MS_NODIRATIME };

    CHECK(mount("x", "d", "tmpfs", 0, NULL) == 0 && mkdir("d/dir", 0755) == 0);
    write_file("d/f", "x");
    write_file("d/dir/f", "x");
    for (unsigned i = 0; i < sizeof given / sizeof *given; i++) {
        CHECK(remount("d", given[i] | (i == 0 ? MS_RELATIME : 0)) == 0);
        SAY("%#lx: file %c, directory %c\n", given[i], kept("d/f", 0), kept("d/dir", 1));
    }
    CHECK(umount("d") == 0);
}

/* Where nothing may be written it does not matter whether the name is there. */
static void read_only_names(void)
{
    CHECK(mount("x", "d", "tmpfs", 0, NULL) == 0);
    write_file("d/f", "x");
    write_file("f", "x");
    CHECK(remount("d", MS_RDONLY) == 0);
    const char *names[] = { "d/f", "d/nothing", "d/nothing/" };
    for (unsigned i = 0; i < 3; i++) {
        CHECK_ERR(EROFS, unlink(names[i]));
        CHECK_ERR(EROFS, rmdir(names[i]));
        CHECK_ERR(EROFS, rename(names[i], "d/other"));
    }
    CHECK_ERR(EEXIST, mkdir("d/f", 0755));
    CHECK_ERR(EROFS, mkdir("d/nothing", 0755));
    CHECK_ERR(EROFS, link("f", "d/nothing")); /* before EXDEV */
    CHECK_ERR(EXDEV, rename("f", "d/nothing"));
    CHECK_ERR(EEXIST, link("f", "d/f"));
    CHECK_ERR(EISDIR, open("d/", O_RDWR | O_CREAT | O_EXCL, 0600));
    CHECK(umount("d") == 0 && unlink("f") == 0);
}

static void test(void)
{
    struct statfs s;
    int ends[2], fd = memfd_create("file", 0);

    if (linux_before(5, 10, "MS_NOSYMFOLLOW, and all that stands beside it"))
        return;
    CHECK(mkdir("d", 0755) == 0);
    CHECK(pipe(ends) == 0 && fstatfs(ends[0], &s) == 0 && s.f_flags == 0x20);
    CHECK(fstatfs(fd, &s) == 0 && s.f_flags == 0x20); /* ST_VALID: in no mount */
    told();
    bound();
    links();
    times();
    read_only_names();
}
