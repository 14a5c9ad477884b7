/* MADV_GUARD_INSTALL: an access gets SIGSEGV, in system calls EFAULT, what was there is gone; children have the guards;
 * MADV_DONTNEED and mprotect leave them; mremap takes them along; MADV_GUARD_REMOVE gives zeros, or the file's pages. */
#include "check.h"

#include <ucontext.h>

#define INSTALL 102
#define REMOVE  103
#define RW      (PROT_READ | PROT_WRITE)

static int guard(char *p, int pages) { return madvise(p, (size_t)pages * PAGE, INSTALL); }
static int unguard(char *p, int pages) { return madvise(p, (size_t)pages * PAGE, REMOVE); }

static void fill(char *p, int pages)
{
    for (int i = 0; i < pages; i++)
        p[i * PAGE] = (char)('a' + i);
}

static volatile int seen;
static void on_segv(int sig, siginfo_t *i, void *c)
{
    (void)sig;
    (void)c;
    seen = i->si_code;
    _exit(i->si_code == SEGV_MAPERR ? 7 : 8);
}

static void basic(void)
{
    char *p = map_pages(8);
    int fd = open("/dev/zero", O_RDONLY);

    fill(p, 8);
    CHECK_EQ(guard(p + 2 * PAGE, 3), 0);
    CHECK_EQ(guard(p + 3 * PAGE, 1), 0); /* again */
    CHECK(p[PAGE] == 'b' && p[5 * PAGE] == 'f');
    for (int i = 2; i < 5; i++) {
        CHECK_DIES(SIGSEGV, p[i * PAGE] = 1);
        CHECK_DIES(SIGSEGV, seen = p[i * PAGE + 77]);
    }
    struct sigaction sa = { .sa_sigaction = on_segv, .sa_flags = SA_SIGINFO };
    CHECK_EQ(CHILD(sigaction(SIGSEGV, &sa, NULL); p[2 * PAGE] = 1), EXITED(7));
    CHECK_ERR(EFAULT, read(fd, p + 3 * PAGE, 1));
    CHECK_EQ(read(fd, p + PAGE, 3 * PAGE), PAGE); /* as far as it goes */
    CHECK(p[PAGE] == 0);
    CHECK_EQ(unguard(p + 3 * PAGE, 1), 0);
    CHECK_EQ(p[3 * PAGE], 0);
    p[3 * PAGE] = 'x';
    CHECK_EQ(unguard(p, 8), 0);
    CHECK(p[2 * PAGE] == 0 && p[3 * PAGE] == 'x' && p[4 * PAGE] == 0 && p[5 * PAGE] == 'f');
    munmap(p, 8 * PAGE);
    close(fd);
}

static void lasting(void)
{
    char *p = map_pages(8);

    fill(p, 8);
    CHECK_EQ(guard(p + 2 * PAGE, 2), 0);
    CHECK_EQ(madvise(p, 8 * PAGE, MADV_DONTNEED), 0);
    CHECK(p[0] == 0 && p[4 * PAGE] == 0);
    CHECK_DIES(SIGSEGV, p[2 * PAGE] = 1);
    CHECK_DIES(SIGSEGV, p[3 * PAGE] = 1);
    CHECK_EQ(mprotect(p, 8 * PAGE, PROT_NONE), 0);
    CHECK_EQ(mprotect(p, 8 * PAGE, RW), 0);
    CHECK_DIES(SIGSEGV, p[2 * PAGE] = 1);
    CHECK_EQ(
        CHILD(CHECK_DIES(SIGSEGV, p[3 * PAGE] = 1); CHECK_EQ(unguard(p, 8), 0); p[3 * PAGE] = 5),
        0);
    CHECK_DIES(SIGSEGV, p[3 * PAGE] = 1);
    fill(p, 2);
    char *to = mremap(p, 8 * PAGE, 16 * PAGE, MREMAP_MAYMOVE);
    CHECK(to != MAP_FAILED);
    CHECK(to[0] == 'a' && to[PAGE] == 'b' && to[4 * PAGE] == 0);
    CHECK_DIES(SIGSEGV, to[2 * PAGE] = 1);
    CHECK_DIES(SIGSEGV, to[3 * PAGE] = 1);
    CHECK_EQ(munmap(to + 2 * PAGE, 2 * PAGE), 0);
    CHECK(mmap(to + 2 * PAGE, 2 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
          MAP_FAILED);
    to[2 * PAGE] = to[3 * PAGE] = 1;
    munmap(to, 16 * PAGE);
}

static void refused(void)
{
    char *p = map_pages(4), *hole = map_pages(3);

    CHECK_EQ(mlock(p, PAGE), 0);
    CHECK_ERR(EINVAL, guard(p, 1));
    CHECK_EQ(munlock(p, PAGE), 0);
    CHECK_ERR(EINVAL, guard(p + 1, 1));
    munmap(hole + PAGE, PAGE);
    CHECK_ERR(ENOMEM, guard(hole, 3));
    CHECK_DIES(SIGSEGV, hole[0] = 1);
    CHECK_DIES(SIGSEGV, hole[2 * PAGE] = 1);
    CHECK_ERR(EFAULT, madvise(hole, PAGE, 23 /* MADV_POPULATE_WRITE */));
    munmap(p, 4 * PAGE);
    munmap(hole, 3 * PAGE);
}

static void large(void)
{
    size_t n = 6ul << 20;
    char *p = mmap(NULL, n, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char in[16];

    for (size_t at = 0; at < n; at += PAGE)
        p[at] = 1;
    CHECK_EQ(madvise(p + (1 << 20), 4 << 20, INSTALL), 0);
    CHECK_EQ(CHILD(CHECK(p[(1 << 20) - PAGE] == 1 && p[5 << 20] == 1);
                   CHECK_DIES(SIGSEGV, p[3 << 20] = 1); p[0] = 2),
             0);
    CHECK_DIES(SIGSEGV, p[1 << 20] = 1);
    CHECK_DIES(SIGSEGV, p[(5 << 20) - 1] = 1);
    CHECK_EQ(mincore(p + (5 << 20) - 8 * PAGE, 16 * PAGE, in), 0);
    for (int i = 0; i < 16; i++)
        CHECK_EQ(in[i] & 1, i >= 8);
    CHECK_EQ(madvise(p, n, REMOVE), 0);
    CHECK(p[0] == 1 && p[3 << 20] == 0 && p[5 << 20] == 1);
    munmap(p, n);
}

static void of_files(void)
{
    if (linux_before(6, 15, "guards of files"))
        return;
    int fd = memfd_create("guards", 0);
    CHECK_EQ(ftruncate(fd, 4 * PAGE), 0);
    CHECK_EQ(pwrite(fd, "first", 5, PAGE), 5);
    char *shared = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
    char *private = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);
    private[PAGE] = 'p';
    CHECK_EQ(guard(shared + PAGE, 1), 0);
    CHECK_EQ(guard(private + PAGE, 1), 0);
    CHECK_DIES(SIGSEGV, seen = shared[PAGE]);
    CHECK_DIES(SIGSEGV, seen = private[PAGE]);
    CHECK_EQ(CHILD(CHECK_DIES(SIGSEGV, shared[PAGE] = 1); CHECK(shared[2 * PAGE] == 0)), 0);
    CHECK_EQ(pwrite(fd, "second", 6, PAGE), 6); /* the file is as it was */
    CHECK_EQ(fallocate(fd, 3, 0, PAGE), 0);
    CHECK_DIES(SIGSEGV, seen = shared[PAGE]);
    CHECK_EQ(unguard(shared, 4), 0);
    CHECK_EQ(unguard(private, 4), 0);
    CHECK(strcmp(shared + PAGE, "second") == 0);
    CHECK(strcmp(private + PAGE, "second") == 0);
    munmap(shared, 4 * PAGE);
    munmap(private, 4 * PAGE);
    close(fd);
}

static void test(void)
{
    if (linux_before(6, 13, "MADV_GUARD_INSTALL"))
        return;
    basic();
    lasting();
    refused();
    large();
    of_files();
}
