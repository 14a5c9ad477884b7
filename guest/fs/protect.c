/* protect.c - rules against traps in directories that everybody may write, as /tmp.
 * Who writes there a name that somebody is going to use can make it lead elsewhere (a symlink), can keep a setuid
 * program that will be known to be bad (a hard link), or can be who reads what others believe to have made (a file or
 * FIFO).  So in a sticky directory the owner counts: a name of current's own or of the directory's owner is
 * trusted.  No capability overrides that, but for hard links. */
#include "fs/protect.h"
#include "fs/dentry.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/path.h"
#include "sched/task.h"

uint32_t protected_symlinks, protected_hardlinks, protected_fifos, protected_regular;

/* The last two are 2 also for directories that a group may write. */
static bool is_on(const uint32_t *rule, uint32_t least)
{
    return __atomic_load_n(rule, __ATOMIC_RELAXED) >= least;
}

static bool trusted(const struct inode *dir, const struct inode *in)
{
    return in->uid == dir->uid || in->uid == current->cred.fsuid;
}

int protect_follow(const struct inode *dir, const struct inode *link)
{
    const uint32_t open_to_all = S_ISVTX | S_IWOTH;

    return is_on(&protected_symlinks, 1) && (dir->mode & open_to_all) == open_to_all &&
                   !trusted(dir, link)
               ? -EACCES
               : 0;
}

int protect_link(struct inode *in)
{
    const uint32_t setgid = S_ISGID | S_IXGRP;
    bool safe;

    if (!is_on(&protected_hardlinks, 1))
        return 0;
    safe = S_ISREG(in->mode) && !(in->mode & S_ISUID) && (in->mode & setgid) != setgid &&
           inode_permission(in, MAY_READ | MAY_WRITE) == 0;
    return safe || inode_owner_or_root(in) ? 0 : -EPERM;
}

int protect_create(const struct path *p)
{
    const struct inode *dir, *in = p->dentry->inode;
    const struct dentry *d = p->dentry;
    bool file = S_ISREG(in->mode), fifo = S_ISFIFO(in->mode);

    for (const struct mount *m = p->mnt; m && d == m->root && m->on; m = m->parent)
        d = m->on;
    dir = d->parent->inode;
    if (!(dir->mode & S_ISVTX) || is_dir(in) || (file && !is_on(&protected_regular, 1)) ||
        (fifo && !is_on(&protected_fifos, 1)) || trusted(dir, in))
        return 0;
    return dir->mode & S_IWOTH || (dir->mode & S_IWGRP && ((file && is_on(&protected_regular, 2)) ||
                                                           (fifo && is_on(&protected_fifos, 2))))
               ? -EACCES
               : 0;
}
