/* PROCMAP_QUERY of /proc/PID/maps: one mapping by an address in it or before it, by what it must be; its name;
 * what is refused. */
#include "check.h"
#include <sys/ioctl.h>

#define PROCMAP_QUERY 0xc0686611

struct query {
    uint64_t size, flags, address, start, end, rights, page_size, offset, ino;
    uint32_t major, minor, name_size, build_size;
    uint64_t name, build;
};
enum { R = 1, W = 2, X = 4, SHARED = 8, NEXT = 16, FILES = 32 };

static int maps;
static char
    *base; /* eight pages: none, r, rw, a hole, rw shared file, none, r private file, a hole */

static void ask(const char *what, int page, uint64_t flags)
{
    struct query q = { .size = sizeof(q),
                       .flags = flags,
                       .address = (uint64_t)(base + page * PAGE) };

    if (ioctl(maps, PROCMAP_QUERY, &q) != 0) {
        SAY("%s: %s\n", what, strerror(errno));
        return;
    }
    long first = ((long)q.start - (long)base) / PAGE, last = ((long)q.end - (long)base) / PAGE;
    if (first > 8)
        SAY("%s: beyond\n", what);
    else
        SAY("%s: %ld to %ld, rights %llx, pages of %llu, offset %llx, a file %d\n", what, first,
            last, (unsigned long long)q.rights, (unsigned long long)q.page_size,
            (unsigned long long)q.offset, q.ino != 0 && q.major + q.minor != 0);
}

static void lay_out(int fd)
{
    base = mmap(NULL, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(base != MAP_FAILED);
    CHECK(mprotect(base + PAGE, PAGE, PROT_READ) == 0);
    CHECK(mprotect(base + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
    CHECK(munmap(base + 3 * PAGE, PAGE) == 0 && munmap(base + 7 * PAGE, PAGE) == 0);
    CHECK(mmap(base + 4 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, PAGE) !=
          MAP_FAILED);
    CHECK(mmap(base + 6 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) != MAP_FAILED);
}

static void names(void)
{
    char name[256] = "", want[256] = "";
    struct query q = { .size = sizeof(q), .address = (uint64_t)(base + 4 * PAGE) };

    q.name = (uint64_t)name;
    q.name_size = sizeof(name);
    CHECK_EQ(ioctl(maps, PROCMAP_QUERY, &q), 0);
    CHECK(getcwd(want, 200) != NULL);
    strcat(want, "/mapped");
    CHECK(strcmp(name, want) == 0 && q.name_size == strlen(want) + 1);
    q.name_size = strlen(want);
    CHECK_ERR(ENAMETOOLONG, ioctl(maps, PROCMAP_QUERY, &q));
    q.name_size = sizeof(name);
    q.name = 8;
    CHECK_ERR(EFAULT, ioctl(maps, PROCMAP_QUERY, &q));
    q.name = (uint64_t)name;
    q.address = (uint64_t)(base + PAGE);
    CHECK_EQ(ioctl(maps, PROCMAP_QUERY, &q), 0);
    CHECK_EQ(q.name_size, 0);
    q.address = (uint64_t)name;
    q.name_size = sizeof(name);
    CHECK_EQ(ioctl(maps, PROCMAP_QUERY, &q), 0);
    SAY("a variable is in %s\n", name);
    q.name_size = 0;
    CHECK_ERR(EINVAL, ioctl(maps, PROCMAP_QUERY, &q));
}

static void refused(void)
{
    struct {
        struct query q;
        uint64_t later;
    } a = { .q = { .size = sizeof(a), .address = (uint64_t)(base + PAGE) } };

    CHECK_EQ(ioctl(maps, PROCMAP_QUERY, &a), 0);
    a.later = 1;
    CHECK_ERR(E2BIG, ioctl(maps, PROCMAP_QUERY, &a));
    a.q.size = 23;
    CHECK_ERR(EINVAL, ioctl(maps, PROCMAP_QUERY, &a));
    a.q.size = 4097;
    CHECK_ERR(E2BIG, ioctl(maps, PROCMAP_QUERY, &a));
    a.q.size = 24;
    a.q.start = 7;
    CHECK_EQ(ioctl(maps, PROCMAP_QUERY, &a), 0);
    CHECK_EQ(a.q.start, 7); /* there is no room for that */
    a.q.flags = 64;
    CHECK_ERR(EINVAL, ioctl(maps, PROCMAP_QUERY, &a));
    CHECK_ERR(EFAULT, ioctl(maps, PROCMAP_QUERY, NULL));
    CHECK_ERR(ENOTTY, ioctl(maps, PROCMAP_QUERY + 1, &a));
    CHECK_ERR(ENOTTY, ioctl(open("/proc/self/status", O_RDONLY), PROCMAP_QUERY, &a));
}

static void test(void)
{
    int fd = open("mapped", O_CREAT | O_RDWR, 0600);

    if (linux_before(6, 11, "PROCMAP_QUERY"))
        return;
    CHECK(ftruncate(fd, 4 * PAGE) == 0);
    maps = open("/proc/self/maps", O_RDONLY);
    lay_out(fd);
    for (int i = 0; i < 8; i++) {
        SAY("page %d\n", i);
        ask("in", i, 0);
        ask("in or behind", i, NEXT);
        ask("to be read", i, R);
        ask("to be written, behind", i, NEXT | W);
        ask("shared, behind", i, NEXT | SHARED);
        ask("of a file", i, FILES);
        ask("of a file, behind", i, NEXT | FILES);
        ask("run", i, X);
    }
    names();
    refused();
}
