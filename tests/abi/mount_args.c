/* What mount(2) makes of its texts: too long, not there, ending with the memory that can be read;
 * and a mount that fails changes nothing. */
#include "check.h"
#include <sys/mount.h>

static char *edge, *endless; /* 100 bytes at the end of what can be read; longer than any name */

static void sources(void)
{
    char medium[2001];

    memset(medium, 'b', 2000);
    medium[2000] = 0;
    CHECK_ERR(EINVAL, mount(endless, "d", "tmpfs", 0, NULL));
    CHECK_ERR(ENOENT, mount(medium, "nowhere", "tmpfs", 0, NULL));
    CHECK_ERR(EFAULT, mount(edge, "d", "tmpfs", 0, NULL));
    CHECK_ERR(EFAULT, mount((void *)8, "d", "tmpfs", 0, NULL));
    CHECK_ERR(EINVAL, mount(endless, "nowhere", "tmpfs", 0, NULL));
    CHECK_ERR(ENAMETOOLONG, mount("x", endless, "tmpfs", 0, NULL));
    CHECK_ERR(EFAULT, mount("x", edge, "tmpfs", 0, NULL));
    CHECK_ERR(EINVAL, mount(NULL, "d", NULL, MS_BIND, NULL));
    CHECK_ERR(EINVAL, mount("", "d", NULL, MS_BIND, NULL));
    CHECK_ERR(ENOENT, mount(medium + 1900, "d", NULL, MS_BIND, NULL));
    CHECK_ERR(ENAMETOOLONG, mount(medium, "d", NULL, MS_BIND, NULL));
}

static void types(void)
{
    char medium[2001];

    memset(medium, 't', 2000);
    medium[2000] = 0;
    CHECK_ERR(EINVAL, mount("x", "d", endless, 0, NULL));
    CHECK_ERR(ENODEV, mount("x", "d", medium, 0, NULL));
    CHECK_ERR(ENODEV, mount("x", "d", "no such", 0, NULL));
    CHECK_ERR(EFAULT, mount("x", "d", edge, 0, NULL));
    CHECK_ERR(EINVAL, mount("x", "d", NULL, 0, NULL));
    CHECK_ERR(ENODEV, mount("x", "d", "", 0, NULL));
}

static void options(void)
{
    struct stat before, after;

    CHECK_ERR(EINVAL, mount("x", "d", "tmpfs", 0, edge));
    CHECK_ERR(EINVAL, mount("x", "d", "tmpfs", 0, endless));
    CHECK_ERR(EFAULT, mount("x", "d", "tmpfs", 0, (void *)8));
    CHECK_ERR(EINVAL, mount("x", "d", "tmpfs", 0, "size=1m,bogus"));
    memcpy(edge,
           "mode=0711,mode=0711,mode=0711,mode=0711,mode=0711,mode=0711,mode=0711,mode=0711,"
           "mode=0711,mode=0711,",
           100);
    CHECK(mount("x", "d", "tmpfs", 0, edge) == 0);
    CHECK(stat("d", &before) == 0);
    SAY("mode %o\n", before.st_mode);
    CHECK_ERR(EINVAL, mount("x", "d", "tmpfs", MS_REMOUNT, "mode=0700,bogus"));
    CHECK(stat("d", &after) == 0 && before.st_mode == after.st_mode);
    CHECK(mount("x", "d", "tmpfs", MS_REMOUNT, "mode=0700,size=4m") == 0);
    CHECK(stat("d", &after) == 0 && before.st_mode == after.st_mode);
    CHECK(umount("d") == 0);
}

/* Nobody may, but after the names have been looked at. */
static void not_root(void)
{
    CHECK_EQ(CHILD(CHECK(setuid(1000) == 0); CHECK_ERR(EPERM, mount("x", "d", "tmpfs", 0, NULL));
                   CHECK_ERR(ENOENT, mount("x", "nowhere", "tmpfs", 0, NULL));
                   CHECK_ERR(EFAULT, mount(edge, "d", "tmpfs", 0, NULL))),
             0);
}

/* A directory that is shown elsewhere may go; that place stays, under its name. */
static void of_what_is_gone(void)
{
    char here[200], want[300];

    CHECK(getcwd(here, sizeof(here)) != NULL);
    snprintf(want, sizeof(want), " %s/d ", here);
    CHECK(mkdir("source", 0755) == 0 && mount("source", "d", NULL, MS_BIND, NULL) == 0);
    CHECK(rmdir("source") == 0);
    CHECK_ERR(EBUSY, rmdir("d"));
    CHECK(strstr(slurp("/proc/self/mounts"), want) != NULL);
    const char *info = strstr(slurp("/proc/self/mountinfo"), want);
    CHECK(info != NULL && strncmp(info - 16, "/source//deleted", 16) == 0);
    if (info != NULL)
        SAY("%.16s\n", info - 16);
    CHECK(umount("d") == 0);
}

/* A memfd is in no mount: nothing can be mounted on it, nor it on anything, nor unmounted. */
static void without_a_place(void)
{
    char path[64];
    int fd = syscall(SYS_memfd_create, "x", 0);

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    write_file("f", "");
    CHECK_ERR(EINVAL, umount2(path, 0));
    CHECK_ERR(EINVAL, mount(path, "f", NULL, MS_BIND, NULL));
    CHECK_ERR(EINVAL, mount("x", path, "tmpfs", MS_REMOUNT, NULL));
    close(fd);
    unlink("f");
}

static void test(void)
{
    char *pages = map_pages(5);

    CHECK(mkdir("d", 0755) == 0);
    memset(pages, 'a', 5 * PAGE);
    munmap(pages + PAGE, PAGE);
    edge = pages + PAGE - 100;
    endless = pages + 2 * PAGE;
    endless[2 * PAGE] = 0;
    for (int i = 0; i < 20; i++) { /* what is freed twice shows when it is handed out again */
        memset(edge, 'a', 100);
        sources();
        types();
        options();
    }
    not_root();
    of_what_is_gone();
    without_a_place();
    rmdir("d");
}
