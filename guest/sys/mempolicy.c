/* mempolicy.c - on which nodes memory is to be.  There is one, so whatever may be asked for is so: a task's
 * policy is kept and told, and goes on to its children; so is a mapping's, in the upper bits of its flags; no
 * page lies elsewhere, and who would move some hears that they are there. */
#include "arch/preempt.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "mm/mm.h"
#include "mm/pt.h"
#include "mm/unmap.h"
#include "mm/vma.h"
#include "sched/task.h"
#include "sys/process_vm.h"
#include <linux/capability.h>
#include <linux/mempolicy.h>

#define NODE0     1ul
#define NODES     1u    /* numbers of nodes end here */
#define NODES_MAX 1024u /* and those that can be named here: no bit may be set behind */
#define MASK_MAX  (PAGE_SIZE * 8)
#define MODE_BITS ((1u << 13) - 1) /* the flags of a mode are above */
/* Newer than some systems' headers. */
#define MPOL_WEIGHTED_INTERLEAVE_ 6u
#define MODES                     (MPOL_WEIGHTED_INTERLEAVE_ + 1)

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
    if (mode >= MODES || (flags & MPOL_F_STATIC_NODES && flags & MPOL_F_RELATIVE_NODES) ||
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

static uint32_t policy_of(const struct vma *v) { return (v->flags & VM_POLICY_ALL) >> VM_POLICY; }

/* Of whole mappings, which that makes of the range. */
static int set_of_range(uaddr_t at, size_t bytes, uint32_t policy)
{
    struct mm *mm = current->mm;
    uaddr_t end = at + bytes;

    if (!user_range(at, bytes))
        return -EFAULT;
    mutex_lock(&mm->lock);
    int err = all_mapped(mm, at, end) ? vma_split_ends(mm, at, end) : -EFAULT;
    for (struct vma *v = vma_find(mm, at); !err && v && v->start < end; v = vma_next(v)) {
        vma_set_flags(v, (v->flags & ~VM_POLICY_ALL) | policy << VM_POLICY);
        preempt_work(WORK_VMA);
    }
    if (!err)
        vma_merge(mm, at, end);
    mutex_unlock(&mm->lock);
    return err;
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
    return set_of_range(at, bytes, (uint32_t)err);
}

/* A mapping's policy, for get_mempolicy(); its page is touched if that is asked about. */
static int policy_at(uaddr_t addr, bool touch, uint32_t *policy)
{
    char byte;

    mutex_lock(&current->mm->lock);
    struct vma *v = vma_find(current->mm, addr);
    bool mapped = v && v->start <= addr;
    *policy = mapped ? policy_of(v) : 0;
    mutex_unlock(&current->mm->lock);
    return !mapped || (touch && get_user(byte, addr) != 0) ? -EFAULT : 0;
}

/* What was asked about: a mode in *value, or a node; which nodes. */
static int look(uaddr_t addr, uint32_t flags, uint32_t *value, uint64_t *nodes)
{
    bool node = flags & MPOL_F_NODE;
    uint32_t mode;

    if (flags & ~(uint32_t)(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED))
        return -EINVAL;
    *value = current->cred.mempolicy;
    if (flags & MPOL_F_MEMS_ALLOWED) {
        *value = 0;
        *nodes = NODE0;
        return flags & (MPOL_F_NODE | MPOL_F_ADDR) ? -EINVAL : 0;
    }
    if (flags & MPOL_F_ADDR) {
        int err = policy_at(addr, node, value);
        if (err)
            return err;
    } else if (addr) {
        return -EINVAL;
    }
    mode = *value & MODE_BITS;
    *nodes = mode == MPOL_DEFAULT || mode == MPOL_LOCAL ? 0 : NODE0;
    if (node && !(flags & MPOL_F_ADDR) && mode != MPOL_INTERLEAVE &&
        mode != MPOL_WEIGHTED_INTERLEAVE_)
        return -EINVAL;
    if (node)
        *value = 0; /* it lies on that node, or the next one will */
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

/* What is bound may have a home among its nodes; here it can only be the one. */
SYSCALL4(set_mempolicy_home_node, uaddr_t, at, size_t, len, uint64_t, home, uint64_t, flags)
{
    struct mm *mm = current->mm;
    size_t bytes = page_up(len);
    int err = -ENOENT;

    if (at & ~PAGE_MASK || flags != 0 || home >= NODES || at + bytes < at)
        return -EINVAL;
    if (bytes == 0)
        return 0;
    mutex_lock(&mm->lock);
    for (struct vma *v = vma_find(mm, at); v && v->start < at + bytes && err != -EOPNOTSUPP;
         v = vma_next(v)) {
        uint32_t mode = policy_of(v) & MODE_BITS;
        if (mode != MPOL_DEFAULT)
            err = mode == MPOL_BIND || mode == MPOL_PREFERRED_MANY ? 0 : -EOPNOTSUPP;
        preempt_work(200);
    }
    mutex_unlock(&mm->lock);
    return err;
}

/* --- moving pages to where they are --------------------------------------------------- */

/* pid's memory, or current's for 0, with a reference. */
static int memory_named(int pid, struct mm **mm)
{
    if (pid != 0)
        return process_memory(pid, mm);
    *mm = current->mm;
    mm_get(*mm);
    return 0;
}

SYSCALL4(migrate_pages, int, pid, uint64_t, count, uaddr_t, from, uaddr_t, to)
{
    uint64_t old, new;
    bool some;
    struct mm *mm;
    int err = get_nodes(from, count, &old, &some);

    if (!err)
        err = get_nodes(to, count, &new, &some);
    if (!err)
        err = memory_named(pid, &mm);
    if (err)
        return err;
    mm_put(mm, PT_exit_teardown);
    if (some && new != NODE0 && !has_cap(CAP_SYS_NICE))
        return -EPERM;
    return new &NODE0 ? 0 : -EINVAL;
}

/* The node of the page at that address; -ENOENT: there is none yet; -EFAULT: nor may there be. */
static int node_at(struct mm *mm, uaddr_t at)
{
    mutex_lock(&mm->lock);
    struct vma *v = vma_find(mm, at);
    pte_t entry = v && v->start <= at ? pt_entry(mm, at) : 0;
    bool mapped = v && v->start <= at, there = entry != 0 && !(entry & PTE_MARK);
    mutex_unlock(&mm->lock);
    return there ? 0 : mapped ? -ENOENT : -EFAULT;
}

static long pages_at(struct mm *mm, uint64_t n, uaddr_t pages, uaddr_t nodes, uaddr_t status)
{
    for (uint64_t i = 0; i < n; i++) {
        uaddr_t at;
        int node = 0;
        if (get_user(at, pages + i * sizeof at) != 0 ||
            (nodes && get_user(node, nodes + i * sizeof node) != 0))
            return -EFAULT;
        if (node != 0)
            return -ENODEV;
        node = node_at(mm, at);
        if (put_user(node, status + i * sizeof node) != 0)
            return -EFAULT;
        if (preempt_ends(500))
            return -EINTR;
    }
    return 0;
}

SYSCALL6(move_pages, int, pid, uint64_t, n, uaddr_t, pages, uaddr_t, nodes, uaddr_t, status,
         uint32_t, flags)
{
    struct mm *mm;

    if (flags & ~(uint32_t)(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL))
        return -EINVAL;
    if (flags & MPOL_MF_MOVE_ALL && !has_cap(CAP_SYS_NICE))
        return -EPERM;
    long err = memory_named(pid, &mm);
    if (err)
        return err;
    err = pages_at(mm, n, pages, nodes, status);
    mm_put(mm, PT_exit_teardown);
    return err;
}
