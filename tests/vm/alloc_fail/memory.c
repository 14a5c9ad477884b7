/* memory.c - mappings, faults, the break. */
#include "tests/vm/alloc_fail/ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static int do_mmap(void)
{
    char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return -errno;
    UNDO(munmap(p, 3 * PAGE));
    return 0;
}

static int do_mmap_shared(void)
{
    char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return -errno;
    p[PAGE] = 1;
    UNDO(munmap(p, 3 * PAGE));
    return 0;
}

static int do_mmap_file(void)
{
    int fd = open("/bin/busybox", O_RDONLY);

    if (fd < 0)
        return -errno;
    char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    int err = p == MAP_FAILED ? -errno : 0;
    close(fd);
    if (err)
        return err;
    p[0] = p[PAGE];
    UNDO(munmap(p, 3 * PAGE));
    return 0;
}

/* Faults never fail: what could be had in the end is. */
static int do_fault(void)
{
    static const uintptr_t far[] = { 0x100000000000, 0x200000000000, 0x200040000000 };

    for (int i = 0; i < 3; i++) {
        char *p = mmap((void *)far[i], PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        if (p == MAP_FAILED)
            return -errno;
        p[0] = 1;
        UNDO(munmap(p, PAGE));
    }
    return 0;
}

static int do_populate(void)
{
    char *p = mmap(NULL, 40 * PAGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    if (p == MAP_FAILED)
        return -errno;
    UNDO(munmap(p, 40 * PAGE));
    return 0;
}

static int do_split(void)
{
    int err = done(mprotect(five + PAGE, PAGE, PROT_READ));

    UNDO(mprotect(five, 5 * PAGE, PROT_READ | PROT_WRITE));
    return err;
}

static int do_unmap_middle(void)
{
    if (munmap(five + 2 * PAGE, PAGE) != 0)
        return -errno;
    UNDO(mmap(five + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
         five[2 * PAGE] = 1);
    return 0;
}

static int do_mremap(void)
{
    char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *q;

    if (p == MAP_FAILED)
        return -errno;
    p[0] = p[PAGE] = 7;
    q = mremap(p, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)0x300000000000);
    int err = q == MAP_FAILED ? -errno : 0;
    if (err == 0 && (q[0] != 7 || q[PAGE] != 7))
        err = -EPROTO;
    UNDO(munmap(err ? p : q, (err ? 2 : 4) * PAGE));
    return err;
}

static int do_brk(void)
{
    char *at = sbrk(0);

    if (syscall(SYS_brk, at + 64 * PAGE) != (long)(at + 64 * PAGE))
        return -ENOMEM;
    at[40 * PAGE] = 1;
    return syscall(SYS_brk, at) == (long)at ? 0 : -EPROTO;
}

static int do_zero(void)
{
    int fd = open("/dev/zero", O_RDWR);

    if (fd < 0)
        return -errno;
    char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int err = p == MAP_FAILED ? -errno : 0;
    close(fd);
    if (err)
        return err;
    p[0] = 1;
    UNDO(munmap(p, PAGE));
    return 0;
}

const struct op memory_ops[] = {
    { "mmap", do_mmap, 0 },
    { "shared mmap", do_mmap_shared, 0 },
    { "mmap of a file", do_mmap_file, 0 },
    { "page faults", do_fault, 0 },
    { "MAP_POPULATE", do_populate, 0 },
    { "mprotect", do_split, 0 },
    { "munmap", do_unmap_middle, 0 },
    { "mremap", do_mremap, 0 },
    { "brk", do_brk, 0 },
    { "shared /dev/zero", do_zero, 0 },
    { 0 },
};
