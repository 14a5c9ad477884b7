/* /proc/PID/pagemap: what is there, whose it is, and that a fork shares and a write takes apart; the edges of
 * the file.  smaps_rollup is the sum of smaps.  clear_refs: which pages were used, or written, since; the most
 * memory.  personality is what the call says. */
#include "check.h"
#include <sys/personality.h>

#define PRESENT    (1ul << 63)
#define OF_FILE    (1ul << 61)
#define EXCLUSIVE  (1ul << 56)
#define SOFT_DIRTY (1ul << 55)
#define PFN        ((1ul << 55) - 1)

static int pm;

static uint64_t entry_in(int fd, const void *at)
{
    uint64_t e = 0;

    CHECK_EQ(pread(fd, &e, 8, (off_t)((uintptr_t)at / PAGE * 8)), 8);
    return e;
}

static void show(const char *what, const void *at)
{
    uint64_t e = entry_in(pm, at);

    SAY("%s:%s%s%s\n", what, e & PRESENT ? " present" : "", e & OF_FILE ? " file" : "",
        e & EXCLUSIVE ? " exclusive" : "");
}

static void pages(void)
{
    volatile char *p = map_pages(3);
    uint64_t two[2];

    show("untouched", (void *)p);
    p[0] = p[PAGE] = 1;
    show("written", (void *)p);
    CHECK((entry_in(pm, (void *)p) & PFN) != (entry_in(pm, (void *)(p + PAGE)) & PFN));
    CHECK_EQ(pread(pm, two, 16, (off_t)((uintptr_t)p / PAGE * 8)), 16);
    CHECK(two[0] == entry_in(pm, (void *)p) && two[1] == entry_in(pm, (void *)(p + PAGE)));
    uint64_t before = entry_in(pm, (void *)p) & PFN;
    pid_t pid =
        START(int own = open("/proc/self/pagemap", O_RDONLY);
              CHECK_EQ(entry_in(own, (void *)p) & (PFN | EXCLUSIVE | PRESENT), before | PRESENT);
              p[0] = 2; CHECK((entry_in(own, (void *)p) & PFN) != before);
              CHECK(entry_in(own, (void *)p) & EXCLUSIVE));
    CHECK_EQ(status_of(pid), 0);
    show("after a fork", (void *)p);
    CHECK_EQ(entry_in(pm, (void *)p) & PFN, before);
    munmap((void *)p, 3 * PAGE);
    show("unmapped", (void *)p);
    p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    p[0] = 1;
    show("shared", (void *)p);
    int fd = open("file", O_RDWR | O_CREAT, 0600);
    CHECK_EQ(ftruncate(fd, PAGE), 0);
    CHECK_EQ(write(fd, "x", 1), 1);
    p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK_EQ(p[0], 'x');
    show("of a file", (void *)p);
    p[0] = 'y';
    show("of a file, written", (void *)p);
    close(fd);
}

static void edges(void)
{
    char b[16];

    CHECK_ERR(EINVAL, pread(pm, b, 7, 0));
    CHECK_ERR(EINVAL, pread(pm, b, 8, 4));
    CHECK_EQ(pread(pm, b, 0, 0), 0);
    CHECK_EQ(pread(pm, b, 8, 1l << 55), 0);
    CHECK_ERR(EFAULT, pread(pm, (void *)8, 8, 0));
    CHECK_EQ(pread(pm, b, 16, 0), 16);
    int w = open("/proc/self/pagemap", O_RDWR);
    CHECK(w < 0 || write(w, b, 8) == -1);
    SAY("written to: %d %d\n", w < 0, errno);
    close(w);
}

static long sum_of(const char *text, const char *name)
{
    long sum = 0;

    for (const char *at = strstr(text, name); at != NULL; at = strstr(at + 1, name))
        if (at == text || at[-1] == '\n')
            sum += strtol(at + strlen(name), NULL, 10);
    return sum;
}

static void rollup(void)
{
    static const char *const names[] = { "Rss:", "Private_Dirty:", "Anonymous:", "Shared_Clean:",
                                         "Swap:" };
    char *text = strdup(slurp("/proc/self/smaps_rollup"));
    const char *all = slurp("/proc/self/smaps");

    CHECK(strstr(text, " ---p 00000000 00:00 0 ") != NULL && strstr(text, "[rollup]\n") != NULL);
    CHECK_EQ(strchr(text, '[') - text, 73);
    for (int i = 0; i < 5; i++) {
        long got = sum_of(text, names[i]), want = sum_of(all, names[i]);
        CHECK(got >= want - 64 && got <= want + 64); /* buffers come and go between the two */
    }
    free(text);
}

static long high_water(void)
{
    return strtol(strstr(slurp("/proc/self/status"), "VmHWM:") + 6, NULL, 10);
}

static long clear_refs(const char *path, const char *what)
{
    int fd = open(path, O_WRONLY);
    long n = fd < 0 ? -1 : write(fd, what, strlen(what));
    int err = errno;

    close(fd);
    errno = err;
    return n;
}

/* The most memory that was used counts anew. */
static void refs(void)
{
    static const char *const bad[] = { "0", "6", "x", "-5", "5x" };
    char *p = map_pages(4096), path[64], c;
    struct stat st;

    memset(p, 1, 4096 * PAGE);
    munmap(p, 4096 * PAGE);
    CHECK(high_water() >= 4096 * 4);
    for (int i = 0; i < 5; i++)
        CHECK_ERR(EINVAL, clear_refs("/proc/self/clear_refs", bad[i]));
    CHECK(high_water() >= 4096 * 4);
    CHECK_EQ(clear_refs("/proc/self/clear_refs", " 5\n"), 3);
    CHECK(high_water() < 4096 * 4);
    CHECK(stat("/proc/self/clear_refs", &st) == 0);
    SAY("clear_refs %o\n", st.st_mode);
    int fd = open("/proc/self/clear_refs", O_RDONLY);
    CHECK_ERR(EINVAL, read(fd, &c, 1));
    close(fd);
    snprintf(path, sizeof(path), "/proc/%d/clear_refs", (int)getpid());
    CHECK_EQ(CHILD(CHECK(setuid(65534) == 0); CHECK_ERR(EACCES, clear_refs(path, "5"))), 0);
}

/* Kilobytes that smaps calls so, of the mapping that begins there. */
static long smaps_row(const void *start, const char *name)
{
    char line[32];

    snprintf(line, sizeof(line), "\n%lx-", (unsigned long)start);
    const char *at = strstr(slurp("/proc/self/smaps"), line);
    return at == NULL ? -1 : strtol(strstr(at, name) + strlen(name), NULL, 10);
}

/* What was used since: of mappings without a file, of those with one, of all. */
static void used(void)
{
    int fd = open("file", O_RDWR | O_CREAT, 0600);
    CHECK_EQ(ftruncate(fd, 4 * PAGE), 0);
    volatile char *apart = mmap(NULL, 12 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    volatile char *anon = mmap((char *)apart + PAGE, 4 * PAGE, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    volatile char *file = mmap((char *)apart + 6 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_FIXED, fd, 0);

    for (int i = 0; i < 4; i++)
        anon[i * PAGE] = file[i * PAGE] = 1;
    for (int of = 1; of <= 3; of++) {
        char what[2] = { (char)('0' + of), 0 };
        CHECK_EQ(clear_refs("/proc/self/clear_refs", what), 1);
        SAY("clear_refs %d:", of);
        SAY(" %ld", smaps_row((void *)anon, "Referenced:"));
        SAY(" %ld of", smaps_row((void *)file, "Referenced:"));
        SAY(" %ld", smaps_row((void *)anon, "Rss:"));
        SAY(" %ld\n", smaps_row((void *)file, "Rss:"));
        CHECK_EQ(CHILD(),
                 0); /* and TLBs forget that they have said so: Linux leaves that to chance */
        anon[0] += 1;
        file[2 * PAGE] += 1;
        SAY("then: %ld", smaps_row((void *)anon, "Referenced:"));
        SAY(" %ld\n", smaps_row((void *)file, "Referenced:"));
        for (int i = 0; i < 4; i++)
            anon[i * PAGE] += file[i * PAGE];
    }
    munmap((void *)apart, 12 * PAGE);
    close(fd);
}

static int dirty(const volatile void *at) { return !!(entry_in(pm, (void *)at) & SOFT_DIRTY); }

/* What was written since, where Linux is made so that it knows; of a child, and by it. */
static void written(void)
{
    volatile char *apart = mmap(NULL, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    volatile char *p = mmap((char *)apart + PAGE, 3 * PAGE, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    volatile char *s = mmap((char *)apart + 5 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

    p[0] = p[PAGE] = s[0] = s[PAGE] = 1;
    int known = dirty(p);
    CHECK(known || !is_forkscope());
    CHECK(dirty(p + 2 * PAGE) == known); /* a new mapping is */
    CHECK_EQ(clear_refs("/proc/self/clear_refs", "4"), 1);
    CHECK(!dirty(p) && !dirty(p + PAGE) && !dirty(p + 2 * PAGE) && !dirty(s) && !dirty(s + PAGE));
    CHECK(p[0] == 1 && s[0] == 1 && !dirty(p) && !dirty(s));
    p[PAGE] = s[PAGE] = 2;
    CHECK(!dirty(p) && dirty(p + PAGE) == known && !dirty(s) && dirty(s + PAGE) == known);
    pid_t pid = START(pm = open("/proc/self/pagemap", O_RDONLY);
                      CHECK(!dirty(p) && dirty(p + PAGE) == known); p[0] = s[0] = 3;
                      CHECK(dirty(p) == known && dirty(s) == known););
    CHECK_EQ(status_of(pid), 0);
    CHECK(!dirty(p) && dirty(p + PAGE) == known && !dirty(s));
    CHECK(p[0] == 1 && s[0] == 3);
    CHECK_EQ(clear_refs("/proc/self/clear_refs", "4"), 1);
    volatile char *q = mremap((void *)p, 3 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
    CHECK(dirty(q) == known && dirty(q + 9 * PAGE) == known);
    munmap((void *)q, 64 * PAGE);
    munmap((void *)apart, 8 * PAGE);
}

static void test(void)
{
    pm = open("/proc/self/pagemap", O_RDONLY);
    CHECK(pm >= 0);
    pages();
    edges();
    rollup();
    refs();
    used();
    written();
    CHECK(strcmp(slurp("/proc/self/personality"), "00000000\n") == 0);
    CHECK_EQ(CHILD(personality(ADDR_NO_RANDOMIZE);
                   CHECK(strcmp(slurp("/proc/self/personality"), "00040000\n") == 0)),
             0);
}
