/* memory.c - memory, and mappings by the thousand. */
#include "tests/vm/long_calls/calls.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static void in_populate(void)
{
    char *p;
    GO(p = mmap(NULL, big, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1,
                0);
       munmap(p, big));
}
static void in_populate_file(void)
{
    int f = file(big);
    char *p;
    GO(p = mmap(NULL, big, PROT_READ, MAP_SHARED | MAP_POPULATE, f, 0); munmap(p, big));
}
static void in_populate_hole(void)
{
    int f = file(0);
    char *p;
    NEED(ftruncate(f, (off_t)big) == 0);
    GO(p = mmap(NULL, big, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, f, 0);
       munmap(p, big));
}
static void in_mlock(void)
{
    char *p = memory(big, false);
    GO(mlock(p, big));
}
static void in_mlock_again(void)
{
    char *p = memory(big, true);
    GO(mlock(p, big));
}
static void in_brk(void)
{
    char *end = sbrk(0);
    NEED(mlockall(MCL_FUTURE) == 0);
    GO(syscall(SYS_brk, end + big); syscall(SYS_brk, end));
}
static void in_munmap(void)
{
    char *p = memory(big, true);
    GO(munmap(p, big));
}
static void in_dontneed(void)
{
    char *p = memory(big, true);
    GO(madvise(p, big, MADV_DONTNEED); madvise(p, big, 23 /* MADV_POPULATE_WRITE */));
}
static void in_mprotect(void)
{
    char *p = memory(big, true);
    GO(mprotect(p, big, PROT_NONE); mprotect(p, big, PROT_READ | PROT_WRITE));
}
static void in_mremap(void)
{
    char *p = memory(big, true), *at = memory(2 * big, false), *to = at;
    GO(p = mremap(p, big, big, MREMAP_MAYMOVE | MREMAP_FIXED, to); NEED(p == to);
       to = to == at ? at + big : at);
}
static void in_mincore(void)
{
    char *p = memory(big, false);
    static unsigned char vec[65536];
    GO(mincore(p, big, vec));
}
static void in_mincore_file(void)
{
    int f = file(big);
    char *p = mmap(NULL, big, PROT_READ, MAP_SHARED, f, 0);
    static unsigned char vec[65536];
    GO(mincore(p, big, vec));
}
static void in_mappings_munmap(void)
{
    char *p = mappings(many);
    GO(munmap(p, many * PAGE));
}
static void in_mappings_over(void)
{
    char *p = mappings(many);
    GO(mmap(p, many * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
}
static void in_mappings_mprotect(void)
{
    char *p = mappings(many);
    GO(mprotect(p, many * PAGE, PROT_READ));
}
static void in_mappings_madvise(void)
{
    char *p = mappings(many);
    GO(madvise(p, many * PAGE, MADV_DONTNEED));
}
static void in_mappings_mlock(void)
{
    char *p = mappings(many);
    GO(mlock(p, many * PAGE); munlock(p, many * PAGE));
}
static void in_mappings_msync(void)
{
    char *p = mappings(many);
    GO(msync(p, many * PAGE, MS_SYNC));
}
static void in_mappings_proc(void)
{
    static char b[MB];
    mappings(many);
    int f = dev("/proc/self/maps", O_RDONLY);
    GO(pread(f, b, sizeof(b), 0));
}
static void in_mappings_gap(void)
{
    char *p = memory(2 * many * PAGE, false);
    for (unsigned i = 0; i < 2 * many; i += 2)
        munmap(p + i * PAGE, PAGE);
    GO(p = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
       munmap(p, 2 * PAGE));
}

/* clang-format off */
const struct call memory_calls[] = {
    CALL(populate),
    CALL(populate_file),
    CALL(populate_hole),
    CALL(mlock),
    CALL(mlock_again),
    CALL(brk),
    CALL(munmap),
    CALL(dontneed),
    CALL(mprotect),
    CALL(mremap),
    CALL(mincore),
    CALL(mincore_file),
    CALL(mappings_munmap),
    CALL(mappings_over),
    CALL(mappings_mprotect),
    CALL(mappings_madvise),
    CALL(mappings_mlock),
    CALL(mappings_msync),
    CALL(mappings_proc),
    CALL(mappings_gap),
    { 0 },
};
/* clang-format on */
