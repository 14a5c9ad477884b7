/* ids.c - user and group IDs, supplementary groups, capabilities.
 * Permission is all or nothing: the privileged are those with effective ID 0;
 * capability sets follow the IDs as on Linux, and are only reported. */
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "proc/pid.h"
#include "proc/process.h"
#include <linux/capability.h>

#define KEEP UINT32_MAX /* -1: leave that ID as it is */

SYSCALL0(getuid) { return current->cred.uid; }
SYSCALL0(geteuid) { return current->cred.euid; }
SYSCALL0(getgid) { return current->cred.gid; }
SYSCALL0(getegid) { return current->cred.egid; }

/* What fsuid 0 may do with files, as Linux's CAP_FS_SET. */
#define CAPS_OF_FILES \
    (1ull << CAP_CHOWN | 1ull << CAP_MKNOD | 1ull << CAP_DAC_OVERRIDE | \
     1ull << CAP_DAC_READ_SEARCH | 1ull << CAP_FOWNER | 1ull << CAP_FSETID | \
     1ull << CAP_LINUX_IMMUTABLE | 1ull << CAP_MAC_OVERRIDE)

/* Capabilities after a change of user IDs, capabilities(7). */
static void fix_caps(struct cred *new, const struct cred *old)
{
    bool was = old->uid == 0 || old->euid == 0 || old->suid == 0;
    bool is = new->uid == 0 || new->euid == 0 || new->suid == 0;

    if (was && !is)
        new->cap_permitted = new->cap_effective = 0;
    if (old->euid == 0 && new->euid != 0)
        new->cap_effective = 0;
    if (old->euid != 0 && new->euid == 0)
        new->cap_effective = new->cap_permitted;
}

/* Of setfsuid(2) alone: the other calls have no rule for it. */
static void fix_file_caps(struct cred *new, const struct cred *old)
{
    if (old->fsuid == 0 && new->fsuid != 0)
        new->cap_effective &= ~CAPS_OF_FILES;
    if (old->fsuid != 0 && new->fsuid == 0)
        new->cap_effective |= new->cap_permitted &CAPS_OF_FILES;
}

/* The way of all of current's IDs to change.  With what it may do about others, who may look
 * into it changes, and whose death it is to be told. */
static void commit(const struct cred *new)
{
    struct task *t = current;
    bool other = t->cred.euid != new->euid || t->cred.egid != new->egid ||
                 t->cred.fsuid != new->fsuid || t->cred.fsgid != new->fsgid;

    t->cred = *new;
    if (other) {
        t->pdeath_signal = 0;
        if (t->mm != NULL)
            t->mm->image.dumpable = 0;
    }
}

static void commit_uid(struct cred *new)
{
    fix_caps(new, &current->cred);
    commit(new);
}

static bool one_of(uint32_t id, uint32_t a, uint32_t b, uint32_t c)
{
    return id == a || id == b || id == c;
}

SYSCALL1(setuid, uint32_t, uid)
{
    struct cred c = current->cred;

    if (uid == KEEP)
        return -EINVAL;
    if (capable())
        c.uid = c.suid = uid;
    else if (uid != c.uid && uid != c.suid)
        return -EPERM;
    c.euid = c.fsuid = uid;
    commit_uid(&c);
    return 0;
}

SYSCALL1(setgid, uint32_t, gid)
{
    struct cred c = current->cred;

    if (gid == KEEP)
        return -EINVAL;
    if (!capable() && gid != c.gid && gid != c.sgid)
        return -EPERM;
    if (capable())
        c.gid = c.sgid = gid;
    c.egid = c.fsgid = gid;
    commit(&c);
    return 0;
}

/* The saved ID follows the effective one if the real one is set, or the
 * effective one to something that is not the old real one. */
SYSCALL2(setreuid, uint32_t, ruid, uint32_t, euid)
{
    struct cred c = current->cred, old = c;

    if (ruid != KEEP && ruid != old.uid && ruid != old.euid && !capable())
        return -EPERM;
    if (euid != KEEP && !one_of(euid, old.uid, old.euid, old.suid) && !capable())
        return -EPERM;
    if (ruid != KEEP)
        c.uid = ruid;
    if (euid != KEEP)
        c.euid = euid;
    if (ruid != KEEP || (euid != KEEP && euid != old.uid))
        c.suid = c.euid;
    c.fsuid = c.euid;
    commit_uid(&c);
    return 0;
}

SYSCALL2(setregid, uint32_t, rgid, uint32_t, egid)
{
    struct cred c = current->cred, old = c;

    if (rgid != KEEP && rgid != old.gid && rgid != old.egid && !capable())
        return -EPERM;
    if (egid != KEEP && !one_of(egid, old.gid, old.egid, old.sgid) && !capable())
        return -EPERM;
    if (rgid != KEEP)
        c.gid = rgid;
    if (egid != KEEP)
        c.egid = egid;
    if (rgid != KEEP || (egid != KEEP && egid != old.gid))
        c.sgid = c.egid;
    c.fsgid = c.egid;
    commit(&c);
    return 0;
}

static bool may_become(uint32_t id, uint32_t r, uint32_t e, uint32_t s)
{
    return id == KEEP || one_of(id, r, e, s) || capable();
}

SYSCALL3(setresuid, uint32_t, ruid, uint32_t, euid, uint32_t, suid)
{
    struct cred c = current->cred;

    if (!may_become(ruid, c.uid, c.euid, c.suid) || !may_become(euid, c.uid, c.euid, c.suid) ||
        !may_become(suid, c.uid, c.euid, c.suid))
        return -EPERM;
    if (ruid != KEEP)
        c.uid = ruid;
    if (euid != KEEP)
        c.euid = euid;
    if (suid != KEEP)
        c.suid = suid;
    c.fsuid = c.euid;
    commit_uid(&c);
    return 0;
}

SYSCALL3(setresgid, uint32_t, rgid, uint32_t, egid, uint32_t, sgid)
{
    struct cred c = current->cred;

    if (!may_become(rgid, c.gid, c.egid, c.sgid) || !may_become(egid, c.gid, c.egid, c.sgid) ||
        !may_become(sgid, c.gid, c.egid, c.sgid))
        return -EPERM;
    if (rgid != KEEP)
        c.gid = rgid;
    if (egid != KEEP)
        c.egid = egid;
    if (sgid != KEEP)
        c.sgid = sgid;
    c.fsgid = c.egid;
    commit(&c);
    return 0;
}

static long put_three(uaddr_t a, uaddr_t b, uaddr_t c, uint32_t x, uint32_t y, uint32_t z)
{
    return put_user(x, a) != 0 || put_user(y, b) != 0 || put_user(z, c) != 0 ? -EFAULT : 0;
}

SYSCALL3(getresuid, uaddr_t, r, uaddr_t, e, uaddr_t, s)
{
    const struct cred *c = &current->cred;
    return put_three(r, e, s, c->uid, c->euid, c->suid);
}

SYSCALL3(getresgid, uaddr_t, r, uaddr_t, e, uaddr_t, s)
{
    const struct cred *c = &current->cred;
    return put_three(r, e, s, c->gid, c->egid, c->sgid);
}

/* These two return the old value, whether they change it or not. */
SYSCALL1(setfsuid, uint32_t, uid)
{
    struct cred c = current->cred;
    uint32_t old = c.fsuid;

    if (one_of(uid, c.uid, c.euid, c.suid) || (capable() && uid != KEEP)) {
        c.fsuid = uid;
        fix_file_caps(&c, &current->cred);
        commit(&c);
    }
    return old;
}

SYSCALL1(setfsgid, uint32_t, gid)
{
    struct cred c = current->cred;
    uint32_t old = c.fsgid;

    if (one_of(gid, c.gid, c.egid, c.sgid) || (capable() && gid != KEEP)) {
        c.fsgid = gid;
        commit(&c);
    }
    return old;
}

SYSCALL2(getgroups, int, n, uaddr_t, list)
{
    const struct cred *c = &current->cred;

    if (n < 0)
        return -EINVAL;
    if (n != 0) {
        if ((uint32_t)n < c->ngroups)
            return -EINVAL;
        if (copy_to_user(list, c->groups, c->ngroups * sizeof(uint32_t)) != 0)
            return -EFAULT;
    }
    return c->ngroups;
}

SYSCALL2(setgroups, uint32_t, n, uaddr_t, list)
{
    struct cred *c = &current->cred;
    uint32_t groups[NGROUPS];

    if (!capable())
        return -EPERM;
    if (n > NGROUPS)
        return -EINVAL;
    if (copy_from_user(groups, list, n * sizeof(uint32_t)) != 0)
        return -EFAULT;
    memcpy(c->groups, groups, n * sizeof(uint32_t));
    c->ngroups = n;
    return 0;
}

/* --- capabilities -------------------------------------------------------------- */

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
        struct task *t = task_find((uint32_t)h.pid);
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
    if (h.pid != 0 && (uint32_t)h.pid != current->tid)
        return -EPERM;
    if (copy_from_user(d, data, (size_t)words * sizeof d[0]) != 0)
        return -EFAULT;
    uint64_t effective = d[0].effective | (uint64_t)d[1].effective << 32;
    uint64_t permitted = d[0].permitted | (uint64_t)d[1].permitted << 32;
    uint64_t inheritable = d[0].inheritable | (uint64_t)d[1].inheritable << 32;
    if ((permitted & ~c->cap_permitted) || (effective & ~permitted) ||
        (inheritable & ~(c->cap_inheritable | c->cap_permitted)))
        return -EPERM;
    c->cap_effective = effective;
    c->cap_permitted = permitted;
    c->cap_inheritable = inheritable;
    return 0;
}
