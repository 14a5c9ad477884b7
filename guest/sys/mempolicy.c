/* mempolicy.c - on which nodes memory is to be.  There is one, so whatever may be asked for is so: a task's
 * policy is kept and told, and goes on to its children; a mapping's is checked and not kept, as no page
 * could lie elsewhere.  Left out: moving pages (migrate_pages, move_pages), and home nodes. */
#include "arch/preempt.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "mm/mm.h"
#include "mm/vma.h"
#include "sched/task.h"
#include <linux/capability.h>
#include <linux/mempolicy.h>

#define NODE0     1ul
#define NODES     1u    /* numbers of nodes end here */
#define NODES_MAX 1024u /* and those that can be named here: no bit may be set behind */
#define MASK_MAX  (PAGE_SIZE * 8)
#define MODE_BITS ((1u << 13) - 1) /* the flags of a mode are above */

/* The nodes of a mask of so many bits, less one (the call's counts are): *some has all of them as one word. */
static int get_nodes(uaddr_t mask, uint64_t count, uint64_t *first, bool *some)
{
    uint64_t bits = count - 1;

    *first = 0;
    *some = false;
    if (!mask || bits == 0)
        return 0;
    if (bits > MASK_MAX)
        return -EINVAL;
    for (uint64_t at = 0; at < bits; at += 64) {
        uint64_t word;
        if (get_user(word, mask + at / 8) != 0)
            return -EFAULT;
        if (bits - at < 64)
            word &= (1ul << (bits - at)) - 1;
        if (word && at >= NODES_MAX)
            return -EINVAL;
        if (at == 0)
            *first = word;
        *some |= word != 0;
    }
    return 0;
}

/* A mode with its flags and the nodes it is to have, as a task's word: that, or -EINVAL. */
static int make_policy(uint32_t mode, uint64_t first, bool some)
{
    uint32_t flags = mode & MPOL_MODE_FLAGS;

    mode &= ~(uint32_t)MPOL_MODE_FLAGS;
    if (mode >= MPOL_MAX || (flags & MPOL_F_STATIC_NODES && flags & MPOL_F_RELATIVE_NODES) ||
        (flags & MPOL_F_NUMA_BALANCING && mode != MPOL_BIND))
        return -EINVAL;
    switch (mode) {
    case MPOL_DEFAULT: return some ? -EINVAL : 0;
    case MPOL_LOCAL: return some || flags ? -EINVAL : MPOL_LOCAL;
    case MPOL_PREFERRED:
        if (!some)
            return flags ? -EINVAL : MPOL_LOCAL;
    }
    return first & NODE0 ? (int)(mode | flags) : -EINVAL;
}

SYSCALL3(set_mempolicy, uint32_t, mode, uaddr_t, mask, uint64_t, count)
{
    uint64_t first;
    bool some;
    int err = get_nodes(mask, count, &first, &some);
    int policy = err ? err : make_policy(mode, first, some);

    if (policy < 0)
        return policy;
    current->cred.mempolicy = (uint16_t)policy;
    return 0;
}

/* Is each page from start to end in a mapping? */
static bool all_mapped(struct mm *mm, uaddr_t at, uaddr_t end)
{
    struct vma *v;

    while (at < end && (v = vma_find(mm, at)) != NULL && v->start <= at) {
        at = v->end;
        preempt_work(200);
    }
    return at >= end;
}

SYSCALL6(mbind, uaddr_t, at, size_t, len, uint32_t, mode, uaddr_t, mask, uint64_t, count, uint32_t,
         flags)
{
    uint64_t first;
    bool some;
    size_t bytes = page_up(len);
    int err = get_nodes(mask, count, &first, &some);

    if (err)
        return err;
    if (flags & ~(uint32_t)MPOL_MF_VALID)
        return -EINVAL;
    if (flags & MPOL_MF_MOVE_ALL && !has_cap(CAP_SYS_NICE))
        return -EPERM;
    if (at & ~PAGE_MASK || (len != 0 && bytes == 0) || at + bytes < at)
        return -EINVAL;
    if (bytes == 0)
        return 0;
    err = make_policy(mode, first, some);
    if (err < 0)
        return err;
    mutex_lock(&current->mm->lock);
    err = user_range(at, bytes) && all_mapped(current->mm, at, at + bytes) ? 0 : -EFAULT;
    mutex_unlock(&current->mm->lock);
    return err;
}

/* What was asked about: a mode in *value, or a node; which nodes. */
static int look(uaddr_t addr, uint32_t flags, uint32_t *value, uint64_t *nodes)
{
    uint32_t mode = current->cred.mempolicy & MODE_BITS;
    char byte;

    if (flags & ~(uint32_t)(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED))
        return -EINVAL;
    *nodes = mode == MPOL_DEFAULT || mode == MPOL_LOCAL ? 0 : NODE0;
    *value = current->cred.mempolicy;
    if (flags & MPOL_F_MEMS_ALLOWED) {
        *value = 0;
        *nodes = NODE0;
        return flags & (MPOL_F_NODE | MPOL_F_ADDR) ? -EINVAL : 0;
    }
    if (flags & MPOL_F_ADDR) {
        mutex_lock(&current->mm->lock);
        bool mapped = all_mapped(current->mm, addr, addr + 1);
        mutex_unlock(&current->mm->lock);
        if (!mapped || (flags & MPOL_F_NODE && get_user(byte, addr) != 0))
            return -EFAULT;
    } else if (addr) {
        return -EINVAL;
    }
    if (flags & MPOL_F_NODE) {
        if (!(flags & MPOL_F_ADDR) && mode != MPOL_INTERLEAVE)
            return -EINVAL;
        *value = 0; /* it lies on that node, or the next one will */
    }
    return 0;
}

SYSCALL5(get_mempolicy, uaddr_t, to, uaddr_t, mask, uint64_t, count, uaddr_t, addr, uint32_t, flags)
{
    uint32_t value;
    uint64_t nodes;

    if (mask && count < NODES)
        return -EINVAL;
    int err = look(addr, flags, &value, &nodes);
    if (err)
        return err;
    if (to && put_user(value, to) != 0)
        return -EFAULT;
    uint64_t bytes = (count - 1 + 63) / 64 * 8; /* whole words are written */
    if (!mask || bytes == 0)
        return 0;
    if (bytes > PAGE_SIZE)
        return -EINVAL;
    for (uint64_t at = 0; at < bytes; at += 8, nodes = 0)
        if (put_user(nodes, mask + at) != 0)
            return -EFAULT;
    return 0;
}
