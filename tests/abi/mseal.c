/* mseal: what is sealed cannot be unmapped, moved, shrunk, grown, mapped over or made accessible in
 * another way, nor emptied where it may not be written; a call that touches a sealed page among
 * others changes nothing, but mprotect and madvise, which go mapping by mapping.  A child inherits
 * the seal, exec ends it, and what only looks, or locks, is free to. */
#include "check.h"

#include <sys/shm.h>
#include <sys/uio.h>

#ifndef SYS_mseal
#define SYS_mseal 462
#endif
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

#define REFUSED(...) CHECK_ERR(EPERM, __VA_ARGS__)

static int mseal_(void *at, size_t len, unsigned long flags)
{
    return syscall(SYS_mseal, at, len, flags);
}

static int mapped(char *p) { return msync(p, PAGE, 0) == 0; }

/* Six pages with their numbers in them; the third and the fourth are sealed. */
static char *some(int prot)
{
    char *p = map_pages(6);
    for (int i = 0; i < 6; i++)
        p[i * PAGE] = i + 1;
    CHECK(mprotect(p + 2 * PAGE, 2 * PAGE, prot) == 0);
    CHECK(mseal_(p + 2 * PAGE, 2 * PAGE, 0) == 0);
    return p;
}

static void unchanged(const char *p)
{
    for (int i = 0; i < 6; i++)
        CHECK_EQ(p[i * PAGE], i + 1);
}

static void arguments(void)
{
    char *p = map_pages(6);

    CHECK_ERR(EINVAL, mseal_(p, PAGE, 1));
    CHECK_ERR(EINVAL, mseal_(p, PAGE, 1ul << 32));
    CHECK_ERR(EINVAL, mseal_(p + 1, PAGE, 0));
    CHECK_ERR(EINVAL, mseal_(p, -1ul, 0));
    CHECK_ERR(EINVAL, mseal_(p, -2ul * PAGE, 0));
    CHECK_ERR(EINVAL, mseal_(p + 1, 0, 0));
    CHECK(mseal_(p, 0, 0) == 0 && mseal_(NULL, 0, 0) == 0);
    CHECK(munmap(p + 3 * PAGE, PAGE) == 0);
    CHECK_ERR(ENOMEM, mseal_(p, 6 * PAGE, 0));
    CHECK_ERR(ENOMEM, mseal_(p + 3 * PAGE, 2 * PAGE, 0));
    CHECK_ERR(ENOMEM, mseal_(p + 2 * PAGE, 2 * PAGE, 0));
    CHECK_ERR(ENOMEM, mseal_(p, 1ul << 62, 0));
    CHECK(munmap(p, 6 * PAGE) == 0); /* none of it was sealed */
    p = map_pages(2);
    CHECK(mseal_(p, 1, 0) == 0 && mseal_(p, PAGE, 0) == 0);
    REFUSED(munmap(p, PAGE));
    CHECK(munmap(p + PAGE, PAGE) == 0);
}

static void unmapping(void)
{
    char *p = some(RW);

    REFUSED(munmap(p + 2 * PAGE, 1));
    REFUSED(munmap(p, 6 * PAGE));
    REFUSED(munmap(p + 3 * PAGE, 3 * PAGE));
    REFUSED(munmap(p, 3 * PAGE));
    CHECK_EQ((long)mmap(p, 6 * PAGE, RW, ANON | MAP_FIXED, -1, 0), -1);
    CHECK_EQ(errno, EPERM);
    CHECK_EQ((long)mmap(p + 3 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0), -1);
    CHECK_EQ(errno, EPERM);
    CHECK_EQ((long)mmap(p + 3 * PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), -1);
    CHECK_EQ(errno, EEXIST);
    unchanged(p);
    CHECK(munmap(p, 2 * PAGE) == 0 && munmap(p + 4 * PAGE, 2 * PAGE) == 0);
    CHECK(!mapped(p) && mapped(p + 2 * PAGE) && mapped(p + 3 * PAGE) && !mapped(p + 4 * PAGE));
    CHECK_EQ(p[2 * PAGE], 3);
}

static void moving(void)
{
    char *p = some(RW), *to = map_pages(6);

    REFUSED(mremap(p + 2 * PAGE, 2 * PAGE, 2 * PAGE, 0));
    REFUSED(mremap(p + 2 * PAGE, 2 * PAGE, PAGE, 0));
    REFUSED(mremap(p + 3 * PAGE, PAGE, 8 * PAGE, MREMAP_MAYMOVE));
    REFUSED(mremap(p + 2 * PAGE, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to));
    REFUSED(mremap(p + 2 * PAGE, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP));
    REFUSED(mremap(p + 2 * PAGE, 0, 2 * PAGE, MREMAP_MAYMOVE));
    REFUSED(mremap(p + PAGE, 4 * PAGE, PAGE, 0)); /* the tail is sealed */
    REFUSED(mremap(p, 4 * PAGE, PAGE, MREMAP_MAYMOVE));
    to[0] = 99;
    REFUSED(mremap(to, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 3 * PAGE));
    REFUSED(mremap(to, 6 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p));
    CHECK(mapped(to + 5 * PAGE));
    CHECK_EQ(to[0], 99);
    unchanged(p);
}

static void protecting(void)
{
    char *p = some(RW);

    REFUSED(mprotect(p + 2 * PAGE, PAGE, PROT_READ));
    REFUSED(mprotect(p + 3 * PAGE, PAGE, RW)); /* what it has */
    REFUSED(mprotect(p, 6 * PAGE, PROT_READ));
    CHECK_DIES(SIGSEGV, p[PAGE] = 1); /* done before the seal */
    CHECK_EQ(CHILD(p[2 * PAGE] = p[3 * PAGE] = p[4 * PAGE] = 1), 0);
    unchanged(p);
    CHECK(mprotect(p, 2 * PAGE, RW) == 0);
    p = some(PROT_READ);
    REFUSED(mprotect(p + 2 * PAGE, 2 * PAGE, RW));
    CHECK_DIES(SIGSEGV, p[2 * PAGE] = 1);
}

static void advising(void)
{
    static const int losing[] = { MADV_DONTNEED, MADV_FREE, MADV_WIPEONFORK, MADV_DONTFORK };
    static const int harmless[] = { MADV_NORMAL, MADV_RANDOM, MADV_WILLNEED, MADV_DODUMP,
                                    MADV_DOFORK };
    char *p = some(PROT_READ);

    for (unsigned i = 0; i < sizeof losing / sizeof *losing; i++)
        REFUSED(madvise(p + 2 * PAGE, PAGE, losing[i]));
    for (unsigned i = 0; i < sizeof harmless / sizeof *harmless; i++)
        CHECK(madvise(p + 2 * PAGE, PAGE, harmless[i]) == 0);
    unchanged(p);
    REFUSED(madvise(p, 6 * PAGE, MADV_DONTNEED)); /* goes up to the seal */
    CHECK(p[0] == 0 && p[PAGE] == 0 && p[2 * PAGE] == 3 && p[3 * PAGE] == 4 && p[4 * PAGE] == 5);

    p = some(PROT_NONE);
    REFUSED(madvise(p + 2 * PAGE, PAGE, MADV_DONTNEED));
    p = some(RW); /* who may write may as well say so */
    CHECK(madvise(p + 2 * PAGE, 2 * PAGE, MADV_DONTNEED) == 0);
    CHECK_EQ(p[2 * PAGE], 0);

    int fd = memfd_create("sealed", 0);
    CHECK(fd >= 0 && ftruncate(fd, PAGE) == 0 && write(fd, "x", 1) == 1);
    p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0); /* so is a file's */
    CHECK(mseal_(p, PAGE, 0) == 0 && madvise(p, PAGE, MADV_DONTNEED) == 0 && p[0] == 'x');
    p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(mseal_(p, PAGE, 0) == 0 && madvise(p, PAGE, MADV_DONTNEED) == 0);
    REFUSED(munmap(p, PAGE));
    close(fd);
}

static void allowed(void)
{
    char *p = some(RW), vec[6];

    CHECK(mlock(p, 6 * PAGE) == 0 && munlock(p, 6 * PAGE) == 0);
    CHECK(msync(p, 6 * PAGE, MS_SYNC) == 0 && mincore(p, 6 * PAGE, (void *)vec) == 0);
    CHECK(mseal_(p, 6 * PAGE, 0) == 0); /* more of it, and again */
    REFUSED(munmap(p, PAGE));
    p[2 * PAGE] = 3;
    unchanged(p);
    p = some(PROT_READ); /* a debugger writes where the program cannot */
    char byte = 77;
    int fd = open("/proc/self/mem", O_RDWR);
    CHECK(fd >= 0 && pwrite(fd, &byte, 1, (off_t)(uintptr_t)(p + 2 * PAGE)) == 1);
    CHECK_EQ(p[2 * PAGE], 77);
    close(fd);
}

/* A child has the seals, and copies of its own of what it writes. */
static void inheriting(void)
{
    char *p = some(RW), *after = NULL;

    CHECK_EQ(CHILD({
                 REFUSED(munmap(p, 6 * PAGE));
                 p[2 * PAGE] = 50;
                 CHECK(munmap(p, 2 * PAGE) == 0 && !mapped(p));
                 CHECK_EQ(CHILD(REFUSED(mprotect(p + 3 * PAGE, PAGE, PROT_NONE))), 0);
             }),
             0);
    CHECK_EQ(VCHILD(REFUSED(munmap(p + 2 * PAGE, PAGE))), 0);
    unchanged(p);
    CHECK_EQ(CHILD({
                 after = map_pages(2);
                 CHECK(mseal_(after, 2 * PAGE, 0) == 0);
             }),
             0);
    CHECK(after == NULL);
}

/* The break does not come back over it; it may go on above. */
static void the_break(void)
{
    char *from = sbrk(0);
    from += -(uintptr_t)from % PAGE;
    CHECK(brk(from + 4 * PAGE) == 0 ||
          syscall(SYS_brk, from + 4 * PAGE) == (long)(from + 4 * PAGE));
    from[0] = 1;
    CHECK(mseal_(from, 2 * PAGE, 0) == 0);
    CHECK_EQ(syscall(SYS_brk, from) - (long)from, 4 * PAGE);
    CHECK_EQ(from[0], 1);
    CHECK_EQ(syscall(SYS_brk, from + 2 * PAGE) - (long)from, 2 * PAGE);
    CHECK_EQ(syscall(SYS_brk, from + 3 * PAGE) - (long)from, 3 * PAGE);
    from[2 * PAGE] = 1;
    REFUSED(munmap(from, 3 * PAGE));
}

static void segments(void)
{
    int id = shmget(IPC_PRIVATE, 2 * PAGE, 0600);
    char *p = shmat(id, NULL, 0);

    CHECK(p != (char *)-1 && shmctl(id, IPC_RMID, NULL) == 0);
    p[0] = 7;
    CHECK(mseal_(p, PAGE, 0) == 0);
    SAY("shmdt of a sealed one: %d\n", shmdt(p));
    CHECK(mapped(p));
    CHECK_EQ(p[0], 7);
}

/* In large memory, whose tables a fork shares, and which has huge pages. */
static void large(void)
{
    long bytes = 6l << 20;
    char *p = mmap(NULL, bytes, RW, ANON, -1, 0);

    CHECK(madvise(p, bytes, MADV_HUGEPAGE) == 0 || errno == EINVAL);
    for (long at = 0; at < bytes; at += PAGE)
        p[at] = 1;
    CHECK(mseal_(p + bytes / 2, PAGE, 0) == 0);
    CHECK_EQ(CHILD({
                 REFUSED(munmap(p, bytes));
                 REFUSED(mprotect(p + bytes / 2, PAGE, PROT_READ));
                 for (long at = 0; at < bytes; at += PAGE)
                     CHECK(p[at]++ == 1);
             }),
             0);
    for (long at = 0; at < bytes; at += PAGE)
        CHECK(p[at] == 1);
    CHECK(munmap(p, bytes / 2) == 0 && p[bytes / 2] == 1 && !mapped(p + bytes / 2 - PAGE));
}

static void test(void)
{
    if (linux_before(6, 12, "mseal, all of it"))
        return;
    arguments();
    unmapping();
    moving();
    protecting();
    advising();
    allowed();
    inheriting();
    the_break();
    segments();
    large();
}
