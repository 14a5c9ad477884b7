/* What a program is called after exec: the last part of the path it was started by; started by
 * a descriptor alone, what the file is called (a script's: its interpreter's file). */
#include "check.h"

static char self[512];

static void run(int dfd, const char *path, int flags)
{
    char *args[] = { "zero", "show", NULL }, *env[] = { NULL };

    CHECK_EQ(CHILD(syscall(SYS_execveat, dfd, path, args, env, flags); _exit(77)), 0);
}

__attribute__((constructor)) static void show(void)
{
    if (getenv("PATH") == NULL) {
        SAY("%s", slurp("/proc/self/comm"));
        _exit(0);
    }
}

static void copy(int to)
{
    static char buf[65536];
    int from = open(self, O_RDONLY);
    ssize_t n;

    while ((n = read(from, buf, sizeof(buf))) > 0)
        CHECK(write(to, buf, n) == n);
    close(from);
}

static void test(void)
{
    CHECK(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
    CHECK(symlink(self, "a_link") == 0);
    run(AT_FDCWD, self, 0);
    run(AT_FDCWD, "./a_link", 0);
    int here = open(".", O_RDONLY | O_DIRECTORY);
    run(here, "a_link", 0);
    run(open(self, O_PATH), "", AT_EMPTY_PATH);
    run(open("a_link", O_RDONLY), "", AT_EMPTY_PATH);
    int long_name = open("a_name_longer_than_fifteen", O_CREAT | O_RDWR, 0755);
    copy(long_name);
    close(long_name);
    run(open("a_name_longer_than_fifteen", O_PATH), "", AT_EMPTY_PATH);
    run(AT_FDCWD, "a_name_longer_than_fifteen", 0);
    int script = open("script", O_CREAT | O_WRONLY, 0755);
    dprintf(script, "#!a_name_longer_than_fifteen\n");
    close(script);
    run(open("script", O_RDONLY), "", AT_EMPTY_PATH);
    run(AT_FDCWD, "./script", 0);
    int m = syscall(SYS_memfd_create, "in_memory", 0);
    copy(m);
    run(m, "", AT_EMPTY_PATH);
    unlink("script");
    unlink("a_link");
    unlink("a_name_longer_than_fifteen");
}
