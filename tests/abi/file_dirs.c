/* Reading directories: each name once, "." and ".." too, d_type; deleting while reading;
 * rewinddir sees what is new; 500 entries through a small buffer. */
#include "check.h"
#include <dirent.h>

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void test(void)
{
    char name[300];
    static int seen[500];
    char *names[8];
    int count = 0, extra = 0;

    write_file("reg", "");
    CHECK(mkdir("dir", 0755) == 0 && symlink("x", "lnk") == 0 && mkfifo("fifo", 0600) == 0);
    DIR *d = opendir(".");
    struct dirent *e;
    while ((e = readdir(d)) != NULL && count < 8) {
        CHECK(e->d_ino != 0);
        snprintf(name, sizeof(name), "%s %d", e->d_name, e->d_type);
        names[count++] = strdup(name);
    }
    qsort(names, count, sizeof(names[0]), by_text);
    for (int i = 0; i < count; i++)
        SAY("%s\n", names[i]);
    closedir(d);

    CHECK(mkdir("many", 0755) == 0);
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "many/%d", i);
        write_file(name, "");
    }
    d = opendir("many");
    count = 0;
    while ((e = readdir(d)) != NULL) {
        if (e->d_name[0] == '.') {
            extra++;
            continue;
        }
        seen[atoi(e->d_name)]++;
        count++;
        CHECK(unlinkat(dirfd(d), e->d_name, 0) == 0);
    }
    CHECK_EQ(count, 500);
    CHECK_EQ(extra, 2);
    for (int i = 0; i < 500; i++)
        if (seen[i] != 1)
            CHECK_EQ(seen[i], 1);
    write_file("many/new", "");
    rewinddir(d);
    count = 0;
    while ((e = readdir(d)) != NULL)
        count++;
    CHECK_EQ(count, 3);
    closedir(d);
    CHECK_ERR(ENOTEMPTY, rmdir("many"));
    CHECK(unlink("many/new") == 0 && rmdir("many") == 0);

    char buf[64];
    int fd = open(".", O_RDONLY), file = open("reg", O_RDONLY);
    CHECK_ERR(EINVAL, syscall(SYS_getdents64, fd, buf, 8));
    CHECK_ERR(ENOTDIR, syscall(SYS_getdents64, file, buf, 64));
    CHECK(syscall(SYS_getdents64, fd, buf, 64) > 0);
}
