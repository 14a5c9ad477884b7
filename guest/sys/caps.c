/* caps.c - capabilities, as capget, capset and prctl have them: capabilities(7). */
#include "sys/caps.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "proc/pid.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/securebits.h>

/* Words of 32 bits that this version of the interface has; 0: unknown version,
 * and the one we know is told. */
static int cap_words(uaddr_t header, struct __user_cap_header_struct *h)
{
    if (get_user(*h, header) != 0)
        return -EFAULT;
    switch (h->version) {
    case _LINUX_CAPABILITY_VERSION_1: return _LINUX_CAPABILITY_U32S_1;
    case _LINUX_CAPABILITY_VERSION_2:
    case _LINUX_CAPABILITY_VERSION_3: return _LINUX_CAPABILITY_U32S_3;
    }
    h->version = _LINUX_CAPABILITY_VERSION_3;
    return copy_to_user(header, h, sizeof h->version) != 0 ? -EFAULT : 0;
}

SYSCALL2(capget, uaddr_t, header, uaddr_t, data)
{
    struct __user_cap_header_struct h;
    struct __user_cap_data_struct d[2];
    struct cred c = current->cred;
    int words = cap_words(header, &h);

    if (words <= 0)
        return words == 0 && data != 0 ? -EINVAL : words;
    if (h.pid < 0)
        return -EINVAL;
    if (h.pid != 0) {
        spin_lock(&tree_lock);
        struct task *t = task_named((uint32_t)h.pid);
        if (t != NULL)
            c = t->cred;
        spin_unlock(&tree_lock);
        if (t == NULL)
            return -ESRCH;
    }
    for (int i = 0; i < 2; i++)
        d[i] = (struct __user_cap_data_struct){ (uint32_t)(c.cap_effective >> 32 * i),
                                                (uint32_t)(c.cap_permitted >> 32 * i),
                                                (uint32_t)(c.cap_inheritable >> 32 * i) };
    if (data == 0)
        return 0;
    return copy_to_user(data, d, (size_t)words * sizeof d[0]) != 0 ? -EFAULT : 0;
}

SYSCALL2(capset, uaddr_t, header, uaddr_t, data)
{
    struct __user_cap_header_struct h;
    struct __user_cap_data_struct d[2] = { { 0 }, { 0 } };
    struct cred *c = &current->cred;
    int words = cap_words(header, &h);

    if (words <= 0)
        return words == 0 ? -EINVAL : words;
    if (h.pid != 0 && pid_named((uint32_t)h.pid) != current->tid)
        return -EPERM;
    if (copy_from_user(d, data, (size_t)words * sizeof d[0]) != 0)
        return -EFAULT;
    uint64_t effective = d[0].effective | (uint64_t)d[1].effective << 32;
    uint64_t permitted = d[0].permitted | (uint64_t)d[1].permitted << 32;
    uint64_t inheritable = d[0].inheritable | (uint64_t)d[1].inheritable << 32;
    if ((permitted & ~c->cap_permitted) || (effective & ~permitted) ||
        (inheritable & ~(c->cap_inheritable | c->cap_bounding)) ||
        (!has_cap(CAP_SETPCAP) && (inheritable & ~(c->cap_inheritable | c->cap_permitted))))
        return -EPERM;
    c->cap_effective = effective;
    c->cap_permitted = permitted;
    c->cap_inheritable = inheritable;
    c->cap_ambient &= permitted & inheritable;
    return 0;
}

/* --- prctl(2) ------------------------------------------------------------------- */

static long drop_bounding(struct cred *c, uint64_t cap)
{
    if (!has_cap(CAP_SETPCAP))
        return -EPERM;
    if (cap > CAP_LAST_CAP)
        return -EINVAL;
    c->cap_bounding &= ~(1ull << cap);
    return 0;
}

/* EXEC_RESTRICT_FILE and EXEC_DENY_INTERACTIVE, with their locks: no right, but what interpreters are to
 * ask the kernel about.  So anybody may change these. */
#define SECURE_OF_EXEC  0x500u
#define SECURE_LOCKABLE (SECURE_ALL_BITS | SECURE_OF_EXEC)
#define SECURE_LOCKS    (SECURE_LOCKABLE << 1)

static long set_securebits(struct cred *c, uint64_t bits)
{
    uint32_t locked = (c->securebits & SECURE_LOCKS) >> 1;
    uint64_t changed = c->securebits ^ bits;

    if ((locked & changed) || (c->securebits & SECURE_LOCKS & ~bits) ||
        (bits & ~(uint64_t)(SECURE_LOCKABLE | SECURE_LOCKS)) ||
        (!has_cap(CAP_SETPCAP) && changed & ~(uint64_t)(SECURE_OF_EXEC | SECURE_OF_EXEC << 1)))
        return -EPERM;
    c->securebits = (uint32_t)bits;
    return 0;
}

static long keep_caps(struct cred *c, uint64_t keep)
{
    if (keep > 1)
        return -EINVAL;
    if (c->securebits & SECBIT_KEEP_CAPS_LOCKED)
        return -EPERM;
    c->securebits = keep ? c->securebits | SECBIT_KEEP_CAPS : c->securebits & ~SECBIT_KEEP_CAPS;
    return 0;
}

static long ambient(struct cred *c, uint64_t what, uint64_t cap)
{
    if (what == PR_CAP_AMBIENT_CLEAR_ALL) {
        if (cap != 0)
            return -EINVAL;
        c->cap_ambient = 0;
        return 0;
    }
    if (cap > CAP_LAST_CAP)
        return -EINVAL;
    switch (what) {
    case PR_CAP_AMBIENT_IS_SET: return (long)(c->cap_ambient >> cap & 1);
    case PR_CAP_AMBIENT_LOWER: c->cap_ambient &= ~(1ull << cap); return 0;
    case PR_CAP_AMBIENT_RAISE:
        if (!(c->cap_permitted & c->cap_inheritable & 1ull << cap) ||
            (c->securebits & SECBIT_NO_CAP_AMBIENT_RAISE))
            return -EPERM;
        c->cap_ambient |= 1ull << cap;
        return 0;
    }
    return -EINVAL;
}

long caps_prctl(int option, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    struct cred *cred = &current->cred;

    switch (option) {
    case PR_CAPBSET_READ: return a > CAP_LAST_CAP ? -EINVAL : (long)(cred->cap_bounding >> a & 1);
    case PR_CAPBSET_DROP: return drop_bounding(cred, a);
    case PR_GET_SECUREBITS: return cred->securebits;
    case PR_SET_SECUREBITS: return set_securebits(cred, a);
    case PR_GET_KEEPCAPS: return (cred->securebits & SECBIT_KEEP_CAPS) != 0;
    case PR_SET_KEEPCAPS: return keep_caps(cred, a);
    case PR_CAP_AMBIENT: return c || d ? -EINVAL : ambient(cred, a, b);
    }
    return -EINVAL;
}
