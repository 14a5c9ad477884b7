/* Policies of memory on node 0: what is set is told, by mode and nodes, and goes on to children; memory that
 * is bound to the node is there; what makes no sense is refused. */
#include "../check.h"
#include <linux/mempolicy.h>

#define WORDS 32

static long get(int *mode, unsigned long *mask, unsigned long count, void *at, unsigned flags)
{
    return syscall(SYS_get_mempolicy, mode, mask, count, at, flags);
}

static long set(int mode, const unsigned long *mask, unsigned long count)
{
    return syscall(SYS_set_mempolicy, mode, mask, count);
}

static long bind_to(void *at, unsigned long len, int mode, const unsigned long *mask,
                    unsigned long count, unsigned flags)
{
    return syscall(SYS_mbind, at, len, mode, mask, count, flags);
}

static unsigned long node0[WORDS] = { 1 }, none[WORDS], beyond[WORDS], far[WORDS];

static void is(int mode, int has_node0)
{
    unsigned long mask[WORDS];
    int told = -1;

    memset(mask, 0xff, sizeof(mask));
    CHECK(get(&told, mask, sizeof(mask) * 8 + 1, NULL, 0) == 0);
    CHECK_EQ(told, mode);
    CHECK_EQ(mask[0], has_node0);
    CHECK_EQ(mask[WORDS - 1], 0); /* all of it is written */
}

static void of_task(void)
{
    is(MPOL_DEFAULT, 0);
    CHECK(set(MPOL_BIND, node0, 64) == 0);
    is(MPOL_BIND, 1);
    CHECK_EQ(CHILD(is(MPOL_BIND, 1); CHECK(set(MPOL_DEFAULT, NULL, 0) == 0)), 0);
    is(MPOL_BIND, 1);
    CHECK(set(MPOL_BIND | MPOL_F_STATIC_NODES, node0, 64) == 0);
    is(MPOL_BIND | MPOL_F_STATIC_NODES, 1);
    CHECK_ERR(EINVAL, get(NULL, NULL, 0, NULL, MPOL_F_NODE));
    CHECK(set(MPOL_INTERLEAVE, node0, 64) == 0);
    int next = -1;
    CHECK(get(&next, NULL, 0, NULL, MPOL_F_NODE) == 0 && next == 0);
    CHECK(set(MPOL_PREFERRED, node0, 64) == 0);
    is(MPOL_PREFERRED, 1);
    CHECK(set(MPOL_PREFERRED, NULL, 0) == 0);
    is(MPOL_LOCAL, 0);
    CHECK(set(MPOL_DEFAULT, none, 64) == 0);
    is(MPOL_DEFAULT, 0);
}

static void refused(void)
{
    CHECK_ERR(EINVAL, set(MPOL_DEFAULT, node0, 64));
    CHECK_ERR(EINVAL, set(MPOL_BIND, none, 64));
    CHECK_ERR(EINVAL, set(MPOL_BIND, node0, 1)); /* no bit is left of it */
    CHECK_ERR(EINVAL, set(MPOL_BIND, node0, 0));
    CHECK_ERR(EINVAL, set(MPOL_BIND, beyond, 64)); /* a node that is not there */
    CHECK_ERR(EINVAL, set(MPOL_BIND, far, sizeof(far) * 8 + 1));
    CHECK_ERR(EINVAL, set(MPOL_LOCAL, node0, 64));
    CHECK_ERR(EINVAL, set(77, node0, 64));
    CHECK_ERR(EINVAL, set(MPOL_BIND | MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES, node0, 64));
    CHECK_ERR(EINVAL, set(MPOL_PREFERRED | MPOL_F_STATIC_NODES, NULL, 0));
    CHECK_ERR(EFAULT, set(MPOL_BIND, (void *)8, 64));
    CHECK_ERR(EINVAL, get(NULL, NULL, 0, node0, 0));
    CHECK_ERR(EINVAL, get(NULL, NULL, 0, NULL, 64));
    CHECK_ERR(EINVAL, get(NULL, NULL, 0, NULL, MPOL_F_MEMS_ALLOWED | MPOL_F_NODE));
    CHECK_ERR(EFAULT, get((int *)8, NULL, 0, NULL, 0));
    is(MPOL_DEFAULT, 0);
}

static void of_memory(void)
{
    char *p = map_pages(4);
    unsigned long mask[WORDS];
    int node = -1;

    CHECK(get(NULL, mask, sizeof(mask) * 8 + 1, NULL, MPOL_F_MEMS_ALLOWED) == 0 && mask[0] & 1);
    CHECK(bind_to(p, 4 * PAGE, MPOL_BIND, node0, 64, 0) == 0);
    p[0] = 1;
    CHECK(get(&node, NULL, 0, p, MPOL_F_NODE | MPOL_F_ADDR) == 0 && node == 0);
    CHECK(bind_to(p, 0, MPOL_BIND, node0, 64, 0) == 0);
    CHECK_ERR(EINVAL, bind_to(p + 1, PAGE, MPOL_BIND, node0, 64, 0));
    CHECK_ERR(EINVAL, bind_to(p, PAGE, MPOL_BIND, none, 64, 0));
    CHECK_ERR(EINVAL, bind_to(p, PAGE, MPOL_BIND, node0, 64, 1 << 20));
    CHECK(munmap(p + PAGE, PAGE) == 0);
    CHECK_ERR(EFAULT, bind_to(p, 4 * PAGE, MPOL_BIND, node0, 64, 0));
    CHECK_ERR(EFAULT, get(&node, NULL, 0, p + PAGE, MPOL_F_ADDR));
    CHECK_EQ(CHILD(CHECK(setuid(1234) == 0);
                   CHECK_ERR(EPERM, bind_to(p, PAGE, MPOL_BIND, node0, 64, MPOL_MF_MOVE_ALL))),
             0);
}

static void test(void)
{
    beyond[0] = 1ul << 62; /* the last that a count of 64 has */
    far[WORDS - 1] = 1;
    of_task();
    refused();
    of_memory();
}
