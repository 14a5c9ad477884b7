/* /proc/PID/map_files: one link for each mapping of a file, by its exact addresses, to that file; its mode is
 * what the file was opened for; to follow one takes CAP_SYS_ADMIN. */
#include "check.h"
#include <dirent.h>
#include <sys/prctl.h>

static char path[300];

static const char *link_at(const void *at, long bytes)
{
    snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)at,
             (unsigned long)at + bytes);
    return path;
}

static const char *target(void)
{
    static char text[256];
    ssize_t n = readlink(path, text, sizeof(text) - 1);

    text[n > 0 ? n : 0] = '\0';
    return text;
}

static unsigned mode(void)
{
    struct stat st;

    return lstat(path, &st) == 0 ? st.st_mode : 0;
}

/* As many as maps shows with an inode. */
static void listed(void)
{
    DIR *d = opendir("/proc/self/map_files");
    struct dirent *e;
    int links = 0, lines = 0;
    unsigned long from, to, last = 0;

    for (const char *line = slurp("/proc/self/maps"); line != NULL && *line;
         line = strchr(line, '\n') + 1) {
        unsigned long inode;
        if (sscanf(line, "%*s %*s %*s %*s %lu", &inode) == 1 && inode != 0)
            lines++;
    }
    while ((e = readdir(d)) != NULL) {
        if (e->d_name[0] == '.')
            continue;
        links++;
        CHECK(e->d_type == DT_LNK && sscanf(e->d_name, "%lx-%lx", &from, &to) == 2);
        CHECK(from >= last && to > from);
        last = to;
        snprintf(path, sizeof(path), "/proc/self/map_files/%s", e->d_name);
        CHECK(*target() == '/');
    }
    CHECK(lines > 3);
    CHECK_EQ(links, lines);
    closedir(d);
}

static void names(const char *p)
{
    static const char *const bad[] = { "x", "0-0", "1-", "-1", "1-2-3", "ffffffffffffffffffffff-1",
                                       "1" };

    for (int i = 0; i < 7; i++) {
        snprintf(path, sizeof(path), "/proc/self/map_files/%s", bad[i]);
        CHECK_ERR(ENOENT, readlink(path, (char[9]){ 0 }, 9));
    }
    link_at(p, PAGE);
    CHECK_EQ(mode(), 0);
    snprintf(path, sizeof(path), "/proc/self/map_files/0%lx-%lx", (unsigned long)p,
             (unsigned long)p + 2 * PAGE);
    CHECK_EQ(mode(), 0);
    snprintf(path, sizeof(path), "/proc/self/map_files/%lX-%lX", 0xabcdef0000ul, 0xabcdef1000ul);
    CHECK_EQ(mode(), 0);
}

static void test(void)
{
    struct stat st, direct;
    int fd = open("file", O_RDWR | O_CREAT, 0600);

    CHECK(ftruncate(fd, 4 * PAGE) == 0 && fstat(fd, &direct) == 0);
    int reads = open("file", O_RDONLY);
    char *p = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0), *shared = map_shared(PAGE);
    char *q = mmap((char *)0x7654000000, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, reads, PAGE);
    char *none =
        mmap((char *)0x7653000000, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

    link_at(p, 2 * PAGE);
    CHECK(strcmp(target() + strlen(target()) - 5, "/file") == 0);
    SAY("%o", mode());
    CHECK(stat(path, &st) == 0 && st.st_ino == direct.st_ino && st.st_dev == direct.st_dev);
    int again = open(path, O_RDWR);
    CHECK(again >= 0 && write(again, "x", 1) == 1 && p[0] == 'x');
    close(again);
    link_at(q, PAGE);
    SAY(" %o", mode());
    link_at(shared, PAGE);
    SAY(" %o %s\n", mode(), target());
    link_at(none, PAGE);
    CHECK_EQ(mode(), 0);
    CHECK(stat("/proc/self/map_files", &st) == 0);
    SAY("%o\n", st.st_mode);
    names(p);
    listed();
    close(fd);
    close(reads);
    CHECK(unlink("file") == 0);
    link_at(p, 2 * PAGE);
    CHECK(strstr(target(), "/file (deleted)") != NULL);
    again = open(path, O_RDONLY);
    CHECK(again >= 0 && fstat(again, &st) == 0 && st.st_ino == direct.st_ino);
    close(again);
    munmap(p + PAGE, PAGE);
    CHECK_EQ(mode(), 0);
    link_at(p, PAGE);
    CHECK(mode() != 0);
    CHECK_EQ(CHILD(char theirs[64];
                   snprintf(theirs, sizeof(theirs), "/proc/%d/map_files", (int)getppid());
                   CHECK(setgid(65534) == 0 && setuid(65534) == 0);
                   CHECK(prctl(PR_SET_DUMPABLE, 1) == 0); CHECK(*target() == '/');
                   CHECK_ERR(EPERM, open(path, O_RDONLY)); CHECK_ERR(EPERM, stat(path, &st));
                   CHECK_ERR(EACCES, open(theirs, O_RDONLY));
                   CHECK_ERR(EACCES, lstat(strcat(theirs, "/1-2"), &st))),
             0);
}
