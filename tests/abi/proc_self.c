/* /proc/self: maps agrees with mmap and mprotect; stat and status agree with the calls;
 * fd lists what is open; limits of reading; entries of processes that end go away. */
/* not on nested: its Linux 6.1 counts the pages of a process late */
#include "check.h"
#include <dirent.h>

static int in_maps(const void *at, const char *rights)
{
    char want[64];

    snprintf(want, sizeof(want), "%lx-", (unsigned long)at);
    const char *line = slurp("/proc/self/maps"), *hit;
    for (hit = strstr(line, want); hit; hit = strstr(hit + 1, want))
        if ((hit == line || hit[-1] == '\n') && strncmp(strchr(hit, ' ') + 1, rights, 4) == 0)
            return 1;
    return 0;
}

static long field(const char *name)
{
    const char *at = strstr(slurp("/proc/self/status"), name);

    return at != NULL ? strtol(at + strlen(name), NULL, 10) : -1;
}

/* What a link says of how its file is open. */
static void modes(void)
{
    static const int how[] = { O_RDONLY, O_WRONLY, O_RDWR, O_ACCMODE, O_PATH };
    char path[64];
    struct stat st;

    for (size_t i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
        int fd = open("open", how[i] | O_CREAT, 0600);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        CHECK(fd >= 0 && lstat(path, &st) == 0);
        SAY("open for %o: %o, %ld\n", how[i], st.st_mode, (long)st.st_size);
        close(fd);
    }
    CHECK(lstat("/proc/self/exe", &st) == 0);
    SAY("exe: %o, %ld\n", st.st_mode, (long)st.st_size);
}

static void test(void)
{
    char *p = map_pages(3), link[64], path[64];
    struct stat st;

    mprotect(p + PAGE, PAGE, PROT_READ);
    CHECK(in_maps(p + PAGE, "r--p"));
    CHECK(in_maps(p + 2 * PAGE, "rw-p"));
    mprotect(p + PAGE, PAGE, PROT_NONE);
    CHECK(in_maps(p + PAGE, "---p"));
    munmap(p + PAGE, PAGE);
    CHECK(!in_maps(p + PAGE, "---p"));
    void *shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    mprotect((char *)shared, PAGE, PROT_NONE);
    CHECK(in_maps(shared, "---s"));
    CHECK(strstr(slurp("/proc/self/maps"), "proc_self\n") != NULL);
    CHECK(strstr(slurp("/proc/self/maps"), "[stack]\n") != NULL);

    CHECK_EQ(field("Pid:\t"), getpid());
    CHECK_EQ(field("Tgid:\t"), getpid());
    CHECK_EQ(field("PPid:\t"), getppid());
    CHECK_EQ(field("Uid:\t"), getuid());
    CHECK_EQ(field("Threads:\t"), 1);
    CHECK(field("VmSize:") > 8 && field("VmRSS:") > 8);
    CHECK(strncmp(slurp("/proc/self/status"), "Name:\tproc_self\n", 16) == 0);
    int pid, ppid, pgrp, session, count;
    char comm[32], state;
    count = sscanf(slurp("/proc/self/stat"), "%d (%31[^)]) %c %d %d %d", &pid, comm, &state, &ppid,
                   &pgrp, &session);
    CHECK_EQ(count, 6);
    SAY("%s %c\n", comm, state);
    CHECK(pid == getpid() && ppid == getppid() && pgrp == getpgrp() && session == getsid(0));
    count = 0;
    for (const char *c = slurp("/proc/self/stat"); *c; c++)
        count += *c == ' ';
    CHECK(count >= 43);
    long rss;
    CHECK(sscanf(slurp("/proc/self/statm"), "%*d %ld", &rss) == 1 && rss > 2);

    modes();
    int fd = open("file", O_RDWR | O_CREAT, 0644);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(path, link, sizeof(link) - 1);
    CHECK(len > 5 && memcmp(link + len - 5, "/file", 5) == 0);
    CHECK(write(fd, "via fd", 6) == 6);
    CHECK(strcmp(slurp(path), "via fd") == 0);
    CHECK(stat(path, &st) == 0 && st.st_size == 6);
    close(fd);
    CHECK_ERR(ENOENT, readlink(path, link, sizeof(link)));
    len = readlink("/proc/self", link, sizeof(link) - 1);
    link[len > 0 ? len : 0] = '\0';
    CHECK_EQ(atoi(link), getpid());
    len = readlink("/proc/self/cwd", link, sizeof(link) - 1);
    char cwd[64];
    CHECK(getcwd(cwd, sizeof(cwd)) != NULL && len == (ssize_t)strlen(cwd));
    CHECK(memcmp(slurp("/proc/self/environ"), "", 0) == 0 &&
          strstr(slurp("/proc/self/cmdline"), "proc_self"));

    pid_t child = START(pause());
    snprintf(path, sizeof(path), "/proc/%d", child);
    CHECK(stat(path, &st) == 0 && S_ISDIR(st.st_mode));
    kill(child, SIGKILL);
    status_of(child);
    CHECK_ERR(ENOENT, stat(path, &st));
    CHECK_ERR(ENOENT, open("/proc/999999/stat", O_RDONLY));
    DIR *d = opendir("/proc");
    struct dirent *e;
    int found = 0;
    while ((e = readdir(d)) != NULL)
        found += atoi(e->d_name) == getpid();
    CHECK_EQ(found, 1);
    closedir(d);
}
