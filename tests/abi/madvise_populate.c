/* MADV_POPULATE_READ and MADV_POPULATE_WRITE bring pages in as an access would, and say what an
 * access would meet: afterwards there are no faults.  Locks: mlock, mlock2, what a lock forbids. */
#include "check.h"

#define RW (PROT_READ | PROT_WRITE)
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#define READ_IN(at, len)  madvise(at, len, MADV_POPULATE_READ)
#define WRITE_IN(at, len) madvise(at, len, MADV_POPULATE_WRITE)

static long faults(void)
{
    struct rusage u;
    CHECK(getrusage(RUSAGE_SELF, &u) == 0);
    return u.ru_minflt;
}

/* Writing to all of it is no fault.  But one, at times, in a child's copy of the page that was written last before the
 * fork: seen on Linux 6.18. */
static void no_fault(char *p, int pages)
{
    faults(); /* the stack is there, too */
    long before = faults();
    for (int i = 0; i < pages; i++)
        ((volatile char *)p)[i * PAGE] = 1;
    CHECK(faults() - before <= 1);
}

static int resident(char *p, int pages)
{
    unsigned char vec[64];
    int n = 0;
    CHECK(mincore(p, pages * PAGE, vec) == 0);
    for (int i = 0; i < pages; i++)
        n += vec[i] & 1;
    return n;
}

static void anonymous(void)
{
    char *p = map_pages(16);

    CHECK(WRITE_IN(p + PAGE, 14 * PAGE) == 0);
    CHECK_EQ(resident(p, 16), 14);
    no_fault(p + PAGE, 14);
    CHECK(WRITE_IN(p, 0) == 0);
    p[5 * PAGE] = 42; /* what is there stays, and copies are made ahead */
    CHECK_EQ(CHILD({
                 CHECK(WRITE_IN(p, 16 * PAGE) == 0);
                 CHECK_EQ(p[5 * PAGE], 42);
                 no_fault(p, 16);
             }),
             0);
    CHECK_EQ(p[5 * PAGE], 42);
    CHECK(WRITE_IN(p, 16 * PAGE) == 0);
    no_fault(p, 16);
    p = map_pages(4);
    CHECK(READ_IN(p, 4 * PAGE) == 0);
    CHECK_EQ(p[PAGE], 0);
    p = map_shared(8 * PAGE);
    CHECK(READ_IN(p, PAGE) == 0 && WRITE_IN(p, 8 * PAGE) == 0);
    CHECK_EQ(resident(p, 8), 8);
    no_fault(p, 8);
}

static void files(void)
{
    int fd = memfd_create("file", 0);
    CHECK(ftruncate(fd, 4 * PAGE) == 0 && pwrite(fd, "a", 1, 0) == 1);
    char *p = mmap(NULL, 6 * PAGE, RW, MAP_PRIVATE, fd, 0);

    CHECK(READ_IN(p, 4 * PAGE) == 0 && WRITE_IN(p, 4 * PAGE) == 0);
    CHECK_EQ(p[0], 'a');
    no_fault(p, 4);
    CHECK_ERR(EFAULT, READ_IN(p, 6 * PAGE)); /* behind the end of the file */
    CHECK_ERR(EFAULT, WRITE_IN(p + 4 * PAGE, PAGE));
    p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
    CHECK(WRITE_IN(p, 4 * PAGE) == 0);
    no_fault(p, 4);
    close(fd);
}

static void refused(void)
{
    char *p = map_pages(6);

    CHECK_ERR(EINVAL, READ_IN(p + 1, PAGE));
    CHECK(mprotect(p + 2 * PAGE, PAGE, PROT_READ) == 0);
    CHECK_ERR(EINVAL, WRITE_IN(p, 4 * PAGE));
    CHECK_EQ(resident(p, 2), 2); /* as far as it went */
    CHECK_EQ(resident(p + 3 * PAGE, 1), 0);
    CHECK(READ_IN(p, 4 * PAGE) == 0);
    CHECK(mprotect(p + 2 * PAGE, PAGE, PROT_NONE) == 0);
    CHECK_ERR(EINVAL, READ_IN(p + 2 * PAGE, PAGE));
    CHECK_ERR(EINVAL, WRITE_IN(p + 2 * PAGE, PAGE));
    CHECK(mprotect(p + 2 * PAGE, PAGE, PROT_WRITE) == 0);
    CHECK(WRITE_IN(p + 2 * PAGE, PAGE) == 0);
    CHECK_ERR(EINVAL,
              READ_IN(p + 2 * PAGE, PAGE)); /* by the name of the right, not by what x86 can */
    CHECK(munmap(p + 2 * PAGE, PAGE) == 0);
    CHECK_ERR(ENOMEM, WRITE_IN(p, 6 * PAGE)); /* up to the hole */
    CHECK_EQ(resident(p + 4 * PAGE, 2), 0);
    CHECK_ERR(ENOMEM, READ_IN(p + 2 * PAGE, PAGE));
}

static void locks(void)
{
    char *p = map_pages(6);

    CHECK_ERR(EINVAL, syscall(SYS_mlock2, p, PAGE, 2));
    CHECK_ERR(ENOMEM, syscall(SYS_mlock2, NULL, PAGE, 0));
    CHECK(syscall(SYS_mlock2, p, 2 * PAGE, 0) == 0);
    CHECK(syscall(SYS_mlock2, p + 2 * PAGE, 2 * PAGE, 1 /* MLOCK_ONFAULT */) == 0);
    CHECK(resident(p, 2) == 2 && resident(p + 2 * PAGE, 2) == 0);
    CHECK_ERR(EBUSY, msync(p, 6 * PAGE, MS_INVALIDATE));
    CHECK_ERR(EBUSY, msync(p + 2 * PAGE, 4 * PAGE, MS_INVALIDATE | MS_SYNC));
    CHECK_ERR(EBUSY, msync(p + 3 * PAGE, PAGE, MS_INVALIDATE | MS_ASYNC));
    CHECK(msync(p, 6 * PAGE, MS_SYNC) == 0 && msync(p + 4 * PAGE, PAGE, MS_INVALIDATE) == 0);
    CHECK(munmap(p + 4 * PAGE, PAGE) == 0); /* a lock behind a hole is found, and before it */
    CHECK(mlock(p + 5 * PAGE, PAGE) == 0 && munlock(p, 4 * PAGE) == 0);
    CHECK_ERR(EBUSY, msync(p, 6 * PAGE, MS_INVALIDATE));
    CHECK_ERR(ENOMEM, msync(p, 5 * PAGE, MS_INVALIDATE));
    CHECK_ERR(EINVAL, madvise(p + 5 * PAGE, PAGE, MADV_DONTNEED));
    p[5 * PAGE] = 1;
    CHECK(madvise(p + 5 * PAGE, PAGE, MADV_DONTNEED_LOCKED) == 0);
    CHECK_EQ(p[5 * PAGE], 0);
}

static void test(void)
{
    CHECK(mlockall(MCL_CURRENT) ==
          0); /* a page of the program's own that Linux takes away is no fault to count */
    if (!linux_before(5, 18, "MADV_POPULATE_* and MADV_DONTNEED_LOCKED")) {
        anonymous();
        files();
        refused();
        locks();
    }
}
