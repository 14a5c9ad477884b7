/* listmount(2) and statmount(2): what is told of a mount by each bit of the mask, and in how many bytes; which
 * mounts lie below one; what is refused, and what those may not ask who do not see it. */
#include "check.h"
#include <sys/mount.h>

#ifndef __NR_statmount
#define __NR_statmount 457
#define __NR_listmount 458
#endif
#define ROOT    UINT64_MAX
#define UNIQUE  0x4000 /* STATX_MNT_ID_UNIQUE */
#define ANSWER  512
#define NO_SUCH (ROOT - 1)

struct request {
    uint32_t size, spare;
    uint64_t id, param;
};

static uint64_t number(const char *path)
{
    uint64_t x[32] = { 0 }; /* struct statx, of whose 256 bytes the mount's number are eight */

    CHECK_EQ(syscall(SYS_statx, AT_FDCWD, path, 0, UNIQUE, x), 0);
    return x[18];
}

static long list(uint64_t id, uint64_t after, uint64_t *to, size_t n, uint32_t flags)
{
    struct request r = { 24, 0, id, after };

    return syscall(__NR_listmount, &r, to, n, flags);
}

static long tell(uint64_t id, uint64_t mask, void *to, size_t size)
{
    struct request r = { 24, 0, id, mask };

    return syscall(__NR_statmount, &r, to, size, 0);
}

static void bits(uint64_t id)
{
    static struct {
        uint32_t size, options;
        uint64_t mask;
        uint8_t rest[ANSWER - 16];
        char text[512];
    } a;

    for (int bit = 0; bit < 13; bit++) {
        memset(&a, 0, sizeof(a));
        CHECK_EQ(tell(id, 1ull << bit, &a, sizeof(a)), 0);
        /* names of the place differ in length */
        SAY("bit %d: mask %llx, %u bytes", bit, (unsigned long long)a.mask, bit == 4 ? 0 : a.size);
        if (bit == 7)
            SAY(", %s", a.text + a.options);
        SAY("\n");
        if (bit == 3 || bit == 4 || bit == 5 || bit == 7 || bit == 9 || bit == 10)
            CHECK_ERR(EOVERFLOW, tell(id, 1ull << bit, &a, ANSWER));
        else
            CHECK_EQ(tell(id, 1ull << bit, &a, ANSWER), bit == 8 || bit == 11 ? -1 : 0);
    }
    CHECK_ERR(ENOENT, tell(NO_SUCH, 1, &a, sizeof(a)));
    CHECK_ERR(EFAULT, tell(id, 1, NULL, sizeof(a)));
    CHECK_EQ(tell(id, 1, &a, 8), 0);
}

static void lists(uint64_t id, uint64_t inner)
{
    uint64_t to[8] = { 0 };
    struct request r = { 24, 0, ROOT, 0 };

    CHECK(list(id, 0, to, 8, 0) == 1 && to[0] == inner);
    CHECK(list(id, inner, to, 8, 0) == 0 && list(inner, 0, to, 8, 0) == 0);
    CHECK(list(id, 0, to, 8, 1) == 1 && to[0] == inner);
    CHECK_EQ(list(ROOT, 0, to, 1, 0), 1);
    CHECK_ERR(ENOENT, list(NO_SUCH, 0, to, 8, 0));
    CHECK_ERR(EINVAL, list(0, 0, to, 8, 0));
    CHECK_ERR(EINVAL, list(ROOT, 5, to, 8, 0));
    CHECK_ERR(EINVAL, list(ROOT, 0, to, 8, -1));
    CHECK_ERR(EFAULT, list(ROOT, 0, NULL, 8, 0));
    CHECK_ERR(EFAULT, syscall(__NR_listmount, NULL, to, 8, 0));
    r.spare = 1;
    CHECK_ERR(EINVAL, syscall(__NR_listmount, &r, to, 8, 0));
    r.spare = 0;
    r.size = 23;
    CHECK_ERR(EINVAL, syscall(__NR_listmount, &r, to, 8, 0));
}

/* Who is locked in sees what is inside. */
static void locked_in(uint64_t outer, uint64_t id, uint64_t inner)
{
    uint64_t to[8] = { 0 };
    char a[ANSWER];

    CHECK(chroot("m") == 0 && chdir("/") == 0);
    CHECK(list(ROOT, 0, to, 8, 0) == 2 && to[0] == id && to[1] == inner);
    CHECK_EQ(tell(outer, 1, a, sizeof(a)), 0);
    CHECK(list(outer, 0, to, 8, 0) >= 1);
    CHECK(setuid(65534) == 0);
    CHECK_EQ(list(ROOT, 0, to, 8, 0), 2);
    CHECK_EQ(list(id, 0, to, 8, 0), 1);
    CHECK_EQ(tell(inner, 1, a, sizeof(a)), 0);
    CHECK_ERR(EPERM, tell(outer, 1, a, sizeof(a)));
    CHECK_ERR(EPERM, list(outer, 0, to, 8, 0));
}

static void test(void)
{
    uint64_t outer = number("."), id, inner;

    if (linux_before(6, 16, "what listmount and statmount tell"))
        return;
    CHECK(mkdir("m", 0755) == 0 && mount("source", "m", "tmpfs", 0, "size=1m,mode=755") == 0);
    CHECK(mkdir("m/in", 0755) == 0 && mount("source", "m/in", "tmpfs", 0, "size=1m") == 0);
    id = number("m");
    inner = number("m/in");
    bits(id);
    lists(id, inner);
    CHECK_EQ(CHILD(locked_in(outer, id, inner)), 0);
    CHECK(umount("m/in") == 0 && umount("m") == 0 && rmdir("m") == 0);
}
