/* share.c - memory whose page tables, or huge pages, a fork has shared: whoever is refused a table of
 * its own finds everything as it was, and so does the other side. */
#include "tests/vm/alloc_fail/ops.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#define MB    (1l << 20)
#define BYTES (5 * MB)
#define PLACE ((char *)0x500000080000) /* two whole tables, and parts of two */

static long wrong(const char *p, char value)
{
    long n = 0;
    for (long at = 0; at < BYTES; at += PAGE)
        n += p[at] != value;
    return n;
}

static void fill(char *p, char value)
{
    for (long at = 0; at < BYTES; at += PAGE)
        p[at] = value;
}

static int advice;

/* Beside a child that has the same tables and looks at the end whether its memory is as it was. */
static int beside_a_child(int (*act)(char *p))
{
    int go[2], err;
    char *p =
        mmap(PLACE, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (p == MAP_FAILED || pipe(go) != 0)
        return -EPROTO;
    madvise(p, BYTES, advice);
    fill(p, 1);
    pid_t pid = fork();
    if (pid == 0) {
        char c;
        close(go[1]);
        _exit(read(go[0], &c, 1) != 0 || wrong(p, 1) != 0);
    }
    arm(exec_nth);
    err = act(p);
    UNDO({
        if (err != 0 && wrong(p, 1) != 0)
            err = -EPROTO;
        close(go[0]);
        close(go[1]);
        if (wait_for(pid) != 0)
            err = -EPROTO;
        munmap(p, BYTES);
    });
    return err;
}

static int forks(char *p)
{
    pid_t pid = fork();
    if (pid == 0) {
        fill(p, 2);
        _exit(wrong(p, 2) != 0);
    }
    if (pid < 0)
        return -errno;
    int status;
    UNDO(status = wait_for(pid));
    return status == 0 && wrong(p, 1) == 0 ? 0 : -EPROTO;
}

/* Faults never fail: what could be had in the end is. */
static int writes(char *p)
{
    fill(p, 3);
    return wrong(p, 3) != 0 ? -EPROTO : 0;
}

static int unmaps(char *p) { return done(munmap(p + PAGE, 3 * MB)); }

static int protects(char *p)
{
    int err = done(mprotect(p + PAGE, 3 * MB, PROT_READ));
    if (err == 0)
        UNDO(mprotect(p + PAGE, 3 * MB, PROT_READ | PROT_WRITE));
    return err;
}

static int drops(char *p) { return done(madvise(p + PAGE, 3 * MB, MADV_DONTNEED)); }

static int moves(char *p)
{
    char *to = p + 64 * MB, *q;
    q = mremap(p + PAGE, 3 * MB, 3 * MB, MREMAP_MAYMOVE | MREMAP_FIXED, to);
    if (q == MAP_FAILED)
        return -errno;
    UNDO(munmap(to, 3 * MB));
    return 0;
}

static int maps_over(char *p)
{
    char *q = mmap(p + PAGE, 3 * MB, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    return q == MAP_FAILED ? -errno : 0;
}

/* By one who has it alone: only where it is touched first may something be missing. */
static int first_touch(void)
{
    char *p =
        mmap(PLACE, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (p == MAP_FAILED)
        return -errno;
    madvise(p, BYTES, MADV_HUGEPAGE);
    fill(p, 4);
    int err = wrong(p, 4) != 0 ? -EPROTO : 0;
    UNDO(munmap(p, BYTES));
    return err;
}

#define BOTH(act) \
    static int do_##act(void) \
    { \
        advice = MADV_NOHUGEPAGE; \
        return beside_a_child(act); \
    } \
    static int do_##act##_huge(void) \
    { \
        advice = MADV_HUGEPAGE; \
        return beside_a_child(act); \
    }
BOTH(forks)
BOTH(writes)
BOTH(unmaps)
BOTH(protects)
BOTH(drops)
BOTH(moves)
BOTH(maps_over)

const struct op share_ops[] = {
    { "fork again below shared tables", do_forks, 1 },
    { "writes below shared tables", do_writes, 1 },
    { "munmap below shared tables", do_unmaps, 1 },
    { "mprotect below shared tables", do_protects, 1 },
    { "MADV_DONTNEED below shared tables", do_drops, 1 },
    { "mremap below shared tables", do_moves, 1 },
    { "mmap over shared tables", do_maps_over, 1 },
    { "first touch of huge pages", first_touch, 0 },
    { "fork again below huge pages", do_forks_huge, 1 },
    { "writes below huge pages", do_writes_huge, 1 },
    { "munmap below huge pages", do_unmaps_huge, 1 },
    { "mprotect below huge pages", do_protects_huge, 1 },
    { "MADV_DONTNEED below huge pages", do_drops_huge, 1 },
    { "mremap below huge pages", do_moves_huge, 1 },
    { "mmap over huge pages", do_maps_over_huge, 1 },
    { 0 },
};
