/* What RLIMIT_MEMLOCK, RLIMIT_DATA and RLIMIT_AS refuse, and how: by mlock, mlockall, mmap, mremap, brk and mprotect;
 * what is locked already counts once.  What cannot be brought in is locked and said.  Lengths that wrap.
 * What mlockall says of later mappings.  Swapping to a file that is none for it; oom_score_adj and oom_adj.  What lies behind
 * the heap.
 * Advice for locked memory.  Sizes of huge pages, and flags that are bits of them. */
#include "check.h"

#define MADV_COLD_    20
#define MADV_PAGEOUT_ 21
#define HUGE(log)     ((log) << 26)

static void *map(int prot, size_t pages, int flags, int fd)
{
    return mmap(NULL, pages * PAGE, prot, MAP_PRIVATE | (fd < 0 ? MAP_ANONYMOUS : 0) | flags, fd,
                0);
}

/* Not by libc, which makes ENOMEM of EPERM. */
static long map_locked(size_t pages)
{
    return syscall(SYS_mmap, NULL, pages * PAGE, PROT_READ,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0L);
}

static void become_nobody(int limit, rlim_t bytes)
{
    struct rlimit l = { bytes, bytes };

    CHECK_EQ(setrlimit(limit, &l), 0);
    CHECK_EQ(setuid(65534), 0);
}

static void locks(void)
{
    char *p = map(PROT_READ | PROT_WRITE, 64, 0, -1);

    CHECK_EQ(CHILD(become_nobody(RLIMIT_MEMLOCK, 0); CHECK_ERR(EPERM, mlock(p, PAGE));
                   CHECK_ERR(EPERM, mlock(p, 0)); CHECK_ERR(EPERM, mlockall(MCL_CURRENT));
                   CHECK_ERR(EPERM, mlockall(MCL_FUTURE)); CHECK_ERR(EPERM, map_locked(1));
                   CHECK_EQ(munlock(p, PAGE), 0); CHECK_EQ(munlockall(), 0)),
             0);
    /* less than a page is not nothing */
    CHECK_EQ(CHILD(become_nobody(RLIMIT_MEMLOCK, 7); CHECK_ERR(ENOMEM, mlock(p, PAGE));
                   CHECK_ERR(ENOMEM, mlockall(MCL_CURRENT)); CHECK_ERR(EAGAIN, map_locked(1))),
             0);
    CHECK_EQ(CHILD(become_nobody(RLIMIT_MEMLOCK, 16 * PAGE); CHECK_ERR(ENOMEM, mlock(p, 17 * PAGE));
                   CHECK_EQ(mlock(p, 8 * PAGE), 0); CHECK_EQ(mlock(p, 8 * PAGE), 0);
                   CHECK_EQ(mlock(p + 4 * PAGE, 12 * PAGE), 0);
                   CHECK_ERR(ENOMEM, mlock(p + 16 * PAGE, 1)); CHECK_EQ(mlock(p, 16 * PAGE), 0);
                   CHECK_ERR(EAGAIN, map_locked(1)); CHECK_ERR(ENOMEM, mlockall(MCL_CURRENT));
                   CHECK_EQ(munlock(p, PAGE), 0); CHECK(map_locked(1) != -1)),
             0);
    CHECK_EQ(CHILD(become_nobody(RLIMIT_MEMLOCK, 16 * PAGE); CHECK_EQ(mlock(p, 16 * PAGE), 0);
                   CHECK_EQ(mlockall(MCL_FUTURE), 0);
                   CHECK(map(PROT_READ, 1, 0, -1) == MAP_FAILED && errno == EAGAIN);
                   char *heap = (char *)syscall(SYS_brk, 0);
                   CHECK((char *)syscall(SYS_brk, heap + 2 * PAGE) == heap);
                   CHECK(mremap(p, 16 * PAGE, 17 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED &&
                         errno == EAGAIN)),
             0);
    CHECK(mremap(p, 64 * PAGE, 65 * PAGE, MREMAP_MAYMOVE) != MAP_FAILED);
}

static int is_locked(const void *at)
{
    char start[32];

    snprintf(start, sizeof(start), "\n%lx-", (unsigned long)at);
    const char *line = strstr(slurp("/proc/self/smaps"), start);
    const char *flags = line ? strstr(line, "VmFlags:") : NULL,
               *end = flags ? strchr(flags, '\n') : NULL;
    const char *lo = flags ? strstr(flags, " lo ") : NULL;
    return lo != NULL && lo < end;
}

static void not_brought_in(void)
{
    int fd = open("file", O_RDWR | O_CREAT, 0600);
    char *none = map(PROT_NONE, 2, 0, -1), *past = map(PROT_READ, 4, 0, fd);

    CHECK_EQ(ftruncate(fd, PAGE), 0);
    CHECK_ERR(ENOMEM, mlock(none, 2 * PAGE));
    CHECK(is_locked(none));
    CHECK_ERR(ENOMEM, mlock(past, 4 * PAGE));
    CHECK(is_locked(past));
    CHECK_EQ(mlock(past, PAGE), 0);
    CHECK_EQ(syscall(SYS_mlock2, past, 4 * PAGE, 1), 0);
    CHECK_EQ(munlock(none, 2 * PAGE), 0);
    CHECK(!is_locked(none));
    close(fd);
}

/* What is mapped later is locked, and brought in at once, or when it is touched. */
static void later(void)
{
    unsigned char there[4];

    for (int on_fault = 0; on_fault < 2; on_fault++) {
        CHECK_EQ(mlockall(MCL_FUTURE | (on_fault ? 4 : 0)), 0);
        char *p = map(PROT_READ | PROT_WRITE, 4, 0, -1);
        char *heap = (char *)syscall(SYS_brk, 0);
        CHECK((char *)syscall(SYS_brk, heap + PAGE) == heap + PAGE);
        CHECK_EQ(mincore(p, 4 * PAGE, there), 0);
        SAY("later, MCL_ONFAULT %d: %d %d\n", on_fault, there[0] & 1, there[3] & 1);
        CHECK_EQ(munlockall(), 0);
    }
    char *p = map(PROT_READ | PROT_WRITE, 4, MAP_POPULATE | MAP_NONBLOCK, -1);
    CHECK_EQ(mincore(p, 4 * PAGE, there), 0);
    SAY("not waited for: %d\n", there[0] & 1);
}

/* A page stays free behind the heap. */
static void neighbours(void)
{
    char *heap = (char *)syscall(SYS_brk, 0), *at = (char *)((uintptr_t)(heap + 5 * PAGE) & -PAGE);

    CHECK(mmap(at, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
    CHECK((char *)syscall(SYS_brk, at) == heap);
    CHECK((char *)syscall(SYS_brk, at - PAGE + 1) == heap);
    CHECK((char *)syscall(SYS_brk, at - PAGE) == at - PAGE);
    munmap(at, PAGE);
    CHECK_ERR(EFAULT, syscall(SYS_mremap, 0x7ffffffff000, PAGE, PAGE, 1, 0));
}

static void swaps(void)
{
    close(open("file", O_RDWR | O_CREAT, 0600));
    CHECK_ERR(ENOENT, syscall(SYS_swapoff, "nothing"));
    CHECK_ERR(EINVAL, syscall(SYS_swapoff, "file"));
    CHECK_ERR(EINVAL, syscall(SYS_swapon, "file", 0));
    CHECK_ERR(EINVAL, syscall(SYS_swapon, "file", 0x80000));
    CHECK_ERR(ENOENT, syscall(SYS_swapon, "nothing", 0));
    CHECK_ERR(EISDIR, syscall(SYS_swapon, "/", 0));
    CHECK_ERR(EISDIR, syscall(SYS_swapoff, "/"));
    CHECK_ERR(EFAULT, syscall(SYS_swapon, (void *)8, 0));
    CHECK_EQ(CHILD(CHECK_EQ(setuid(65534), 0); CHECK_ERR(EPERM, syscall(SYS_swapon, "file", 0));
                   CHECK_ERR(EPERM, syscall(SYS_swapoff, "file"))),
             0);
}

static long adjust(const char *file, const char *text)
{
    int fd = open(file, O_WRONLY);
    long n = write(fd, text, strlen(text)), error = errno;

    close(fd);
    errno = (int)error;
    return n;
}

static void oom(void)
{
    static const char new[] = "/proc/self/oom_score_adj", old[] = "/proc/self/oom_adj";

    CHECK_EQ(adjust(new, " 7 \n"), 4);
    CHECK_EQ(adjust(new, "0x10"), 4);
    CHECK(strcmp(slurp(new), "16\n") == 0 && strcmp(slurp(old), "0\n") == 0);
    CHECK_ERR(EINVAL, adjust(new, "1001"));
    CHECK_ERR(EINVAL, adjust(new, "-1001"));
    CHECK_ERR(EINVAL, adjust(new, "x"));
    CHECK_EQ(adjust(old, "15"), 2);
    CHECK(strcmp(slurp(new), "1000\n") == 0 && strcmp(slurp(old), "15\n") == 0);
    CHECK_ERR(EINVAL, adjust(old, "16"));
    CHECK_ERR(EINVAL, adjust(old, "-18"));
}

static void wraps(void)
{
    char *p = map(PROT_READ, 2, 0, -1);
    int fd = open("file", O_RDWR | O_CREAT, 0600);

    CHECK_EQ(mlock(p, (size_t)-1), 0);
    CHECK_ERR(EINVAL, mlock(p, (size_t)-PAGE));
    CHECK_EQ(msync(p, (size_t)-1, MS_SYNC), 0);
    CHECK_ERR(ENOMEM, msync(p, (size_t)-PAGE, MS_SYNC));
    errno = 0;
    CHECK(syscall(SYS_mmap, NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, fd, INT64_MAX & -PAGE) == -1 &&
          errno == EOVERFLOW);
    CHECK(syscall(SYS_mmap, NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, fd,
                  (INT64_MAX & -PAGE) - 2 * PAGE) != -1);
    close(fd);
}

static void advice(void)
{
    char *p = map(PROT_READ | PROT_WRITE, 2, 0, -1);

    p[0] = 1;
    CHECK_EQ(madvise(p, 2 * PAGE, MADV_COLD_), 0);
    CHECK_EQ(madvise(p, 2 * PAGE, MADV_PAGEOUT_), 0);
    CHECK_EQ(mlock(p, PAGE), 0);
    CHECK_ERR(EINVAL, madvise(p, 2 * PAGE, MADV_COLD_));
    CHECK_ERR(EINVAL, madvise(p, 2 * PAGE, MADV_PAGEOUT_));
    CHECK_EQ(p[0], 1);
}

static void data(void)
{
    struct rlimit l = { 8 << 20, 8 << 20 };
    char *p = map(PROT_READ, 4096, 0, -1);

    CHECK_EQ(CHILD(CHECK_EQ(setrlimit(RLIMIT_DATA, &l), 0);
                   CHECK_ERR(ENOMEM, mprotect(p, 4096 * PAGE, PROT_READ | PROT_WRITE));
                   CHECK_EQ(mprotect(p, 256 * PAGE, PROT_READ | PROT_WRITE), 0);
                   CHECK(map(PROT_READ | PROT_WRITE, 4096, 0, -1) == MAP_FAILED && errno == ENOMEM);
                   CHECK(map(PROT_READ, 4096, 0, -1) != MAP_FAILED)),
             0);
    l.rlim_cur = l.rlim_max = 4096 * PAGE + (64 << 20);
    CHECK_EQ(CHILD(CHECK_EQ(setrlimit(RLIMIT_AS, &l), 0);
                   CHECK(map(PROT_NONE, 32768, 0, -1) == MAP_FAILED && errno == ENOMEM);
                   CHECK(map(PROT_NONE, 1024, 0, -1) != MAP_FAILED)),
             0);
}

static void huge(void)
{
    int fd = open("file", O_RDWR | O_CREAT, 0600);

    CHECK(map(PROT_READ, 512, MAP_HUGETLB | HUGE(22), -1) == MAP_FAILED && errno == EINVAL);
    CHECK_ERR(EINVAL, syscall(SYS_shmget, 0, 2 << 20, 04000 | 0600 | HUGE(22))); /* SHM_HUGETLB */
    CHECK(map(PROT_READ, 512, MAP_HUGETLB | HUGE(21), -1) == MAP_FAILED && errno == ENOMEM);
    CHECK(mmap(NULL, PAGE, PROT_READ, 0x03 | HUGE(2), fd, 0) !=
          MAP_FAILED); /* MAP_SHARED_VALIDATE */
    CHECK(mmap(NULL, PAGE, PROT_READ, 0x03 | 0x800000, fd, 0) == MAP_FAILED && errno == EOPNOTSUPP);
    close(fd);
}

static void test(void)
{
    locks();
    not_brought_in();
    later();
    neighbours();
    swaps();
    oom();
    wraps();
    advice();
    data();
    huge();
}
