/* exec_cred.c - who a new program runs as: set-user-ID bits, the file's capabilities, what is ambient.
 * As capabilities(7) computes it. */
#include <linux/mount.h>
#include <linux/personality.h>
#include <linux/securebits.h>
#include <linux/stat.h>

#include "fs/file.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "proc/exec_internal.h"
#include "proc/file_caps.h"
#include "proc/process.h"
#include "proc/watched.h"

/* What the file gives on top.  A set-user-ID program of root's that has capabilities gets these only. */
static int add_file_caps(struct inode *in, struct cred *c, bool *secure, bool confined)
{
    const struct cred *old = &current->cred;
    struct file_caps f;
    int err = file_caps_get(in, &f);

    if (err)
        return err == -ENODATA ? 0 : err;
    bool noroot = c->securebits & SECBIT_NOROOT || (c->euid == 0 && old->uid != 0);
    uint64_t has = (f.permitted & c->cap_bounding) | (f.inheritable & c->cap_inheritable);
    if (f.effective && f.permitted & ~has) /* a program that cannot know that it has less */
        return -EPERM;
    if (confined)
        has &= old->cap_permitted;
    c->cap_ambient = 0;
    if (noroot || (c->euid != 0 && c->uid != 0)) {
        c->cap_permitted = has;
        c->cap_effective = f.effective ? has : 0;
    } else if (c->euid != 0) { /* the real user is root */
        c->cap_effective = f.effective ? c->cap_permitted : 0;
    }
    *secure |= old->uid != 0 && (f.effective || has != 0);
    return 0;
}

int exec_new_cred(struct file *file, struct cred *c, bool *secure)
{
    struct inode *in = file->inode;
    bool confined = current->no_new_privs || (task_watched(current) && ptrace_confines());
    bool nosuid_mount = file->path.mnt != NULL && (file->path.mnt->flags & MS_NOSUID) != 0;
    bool nosuid = confined || nosuid_mount;

    *c = current->cred;
    if (!nosuid && (in->mode & S_ISUID))
        c->euid = in->uid;
    if (!nosuid && (in->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
        c->egid = in->gid;
    *secure = c->euid != current->cred.euid || c->egid != current->cred.egid;
    c->suid = c->fsuid = c->euid;
    c->sgid = c->fsgid = c->egid;
    if (*secure) {
        c->cap_ambient = 0;
        c->personality &= ~(uint32_t)PER_CLEAR_ON_SETID;
    }
    bool as_root = !(c->securebits & SECBIT_NOROOT);
    c->cap_permitted = as_root && (c->euid == 0 || c->uid == 0)
                           ? c->cap_bounding | c->cap_inheritable
                           : c->cap_ambient;
    if (confined) /* root, too, gets back nothing that it has given up */
        c->cap_permitted &= current->cred.cap_permitted;
    c->cap_effective = as_root && c->euid == 0 ? c->cap_permitted : c->cap_ambient;
    int err =
        !nosuid_mount && unlikely(in->xattrs != NULL) ? add_file_caps(in, c, secure, confined) : 0;
    c->securebits &= ~SECBIT_KEEP_CAPS;
    return err;
}
