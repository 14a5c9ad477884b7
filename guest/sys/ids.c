/* ids.c - user and group IDs, supplementary groups.
 * What is privileged asks for a capability (has_cap()); the sets follow the IDs here, as
 * capabilities(7) has it.  caps.c sets them otherwise, exec computes new ones. */
#include "arch/preempt.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/groups.h"
#include "mm/mm.h"
#include "proc/pid.h"
#include "proc/process.h"
#include <linux/capability.h>
#include <linux/securebits.h>

#define KEEP      UINT32_MAX /* -1: leave that ID as it is */
#define WORK_PAGE 8000u      /* instructions, about (arch/preempt.h) */

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

    if (old->securebits & SECBIT_NO_SETUID_FIXUP)
        return;
    if (was && !is) {
        if (!(old->securebits & SECBIT_KEEP_CAPS))
            new->cap_permitted = new->cap_effective = 0;
        new->cap_ambient = 0;
    }
    if (old->euid == 0 && new->euid != 0)
        new->cap_effective = 0;
    if (old->euid != 0 && new->euid == 0)
        new->cap_effective = new->cap_permitted;
}

/* Of setfsuid(2) alone: the other calls have no rule for it. */
static void fix_file_caps(struct cred *new, const struct cred *old)
{
    if (old->securebits & SECBIT_NO_SETUID_FIXUP)
        return;
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
    if (has_cap(CAP_SETUID))
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
    if (!has_cap(CAP_SETGID) && gid != c.gid && gid != c.sgid)
        return -EPERM;
    if (has_cap(CAP_SETGID))
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

    if (ruid != KEEP && ruid != old.uid && ruid != old.euid && !has_cap(CAP_SETUID))
        return -EPERM;
    if (euid != KEEP && !one_of(euid, old.uid, old.euid, old.suid) && !has_cap(CAP_SETUID))
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

    if (rgid != KEEP && rgid != old.gid && rgid != old.egid && !has_cap(CAP_SETGID))
        return -EPERM;
    if (egid != KEEP && !one_of(egid, old.gid, old.egid, old.sgid) && !has_cap(CAP_SETGID))
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

static bool may_become(unsigned cap, uint32_t id, uint32_t r, uint32_t e, uint32_t s)
{
    return id == KEEP || one_of(id, r, e, s) || has_cap(cap);
}

SYSCALL3(setresuid, uint32_t, ruid, uint32_t, euid, uint32_t, suid)
{
    struct cred c = current->cred;

    if (!may_become(CAP_SETUID, ruid, c.uid, c.euid, c.suid) ||
        !may_become(CAP_SETUID, euid, c.uid, c.euid, c.suid) ||
        !may_become(CAP_SETUID, suid, c.uid, c.euid, c.suid))
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

    if (!may_become(CAP_SETGID, rgid, c.gid, c.egid, c.sgid) ||
        !may_become(CAP_SETGID, egid, c.gid, c.egid, c.sgid) ||
        !may_become(CAP_SETGID, sgid, c.gid, c.egid, c.sgid))
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

    if (one_of(uid, c.uid, c.euid, c.suid) || (has_cap(CAP_SETUID) && uid != KEEP)) {
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

    if (one_of(gid, c.gid, c.egid, c.sgid) || (has_cap(CAP_SETGID) && gid != KEEP)) {
        c.fsgid = gid;
        commit(&c);
    }
    return old;
}

SYSCALL2(getgroups, int, n, uaddr_t, list)
{
    const struct groups *g = current->groups;
    uint32_t has = g != NULL ? g->n : 0;

    if (n < 0 || (n != 0 && (uint32_t)n < has))
        return -EINVAL;
    for (uint32_t i = 0; i * GROUPS_IN_PAGE < has && n != 0; i++) {
        if (copy_to_user(list + i * PAGE_SIZE, g->page[i], groups_bytes(g, i)) != 0)
            return -EFAULT;
        preempt_work(WORK_PAGE);
    }
    return has;
}

static int take_groups(struct groups *g, uaddr_t list)
{
    for (uint32_t i = 0; i * GROUPS_IN_PAGE < g->n; i++) {
        if (copy_from_user(g->page[i], list + i * PAGE_SIZE, groups_bytes(g, i)) != 0)
            return -EFAULT;
        for (uint32_t j = 0; j < groups_bytes(g, i) / sizeof(uint32_t); j++)
            if (g->page[i][j] == KEEP)
                return -EINVAL;
        preempt_work(WORK_PAGE);
    }
    groups_sort(g);
    return 0;
}

SYSCALL2(setgroups, uint32_t, n, uaddr_t, list)
{
    struct groups *new = NULL, *old = current->groups;
    int err;

    if (!has_cap(CAP_SETGID))
        return -EPERM;
    if (n > GROUPS_MAX)
        return -EINVAL;
    if (n != 0 && (new = groups_alloc(n)) == NULL)
        return -ENOMEM;
    if (new != NULL && (err = take_groups(new, list)) != 0) {
        groups_put(new);
        return err;
    }
    spin_lock(&current->lock);
    current->groups = new;
    spin_unlock(&current->lock);
    if (old != NULL)
        groups_put(old);
    return 0;
}
