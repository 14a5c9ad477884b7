/* namespace.c - /proc/PID/ns/NAME and what it leads to.
 *
 * There is one namespace of each kind and no way to make another (clone and unshare give EINVAL, as Linux
 * without them does), so a file of one is no more than its kind.  An inode is made for each open; number and
 * device make it the same file to whoever compares. */
#include "proc/namespace.h"
#include "arch/uaccess.h"
#include "fs/dentry.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/path.h"
#include "lib/printf.h"
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <linux/sched.h>

/* With the numbers of Linux's first ones. */
static const struct namespace all[] = {
    { "mnt", 4026531832, CLONE_NEWNS },    { "net", 4026531833, CLONE_NEWNET },
    { "time", 4026531834, CLONE_NEWTIME }, { "cgroup", 4026531835, CLONE_NEWCGROUP },
    { "pid", 4026531836, CLONE_NEWPID },   { "user", 4026531837, CLONE_NEWUSER },
    { "uts", 4026531838, CLONE_NEWUTS },   { "ipc", 4026531839, CLONE_NEWIPC },
};

static struct superblock ns_sb = {
    .type = "nsfs", .magic = NSFS_MAGIC, .permanent = true, .refuses = -EPERM
};

static const struct namespace *find(uint64_t flag)
{
    for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
        if (all[i].flag == flag)
            return &all[i];
    return NULL;
}

bool namespace_known(uint64_t flags)
{
    for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
        flags &= ~all[i].flag;
    return flags == 0;
}

/* --- its file ----------------------------------------------------------------------- */

static int ns_open(struct inode *in, struct file *f)
{
    (void)in;
    return file_writable(f) ? -EPERM : 0; /* nobody may change it, root neither */
}

static int open_owner(void)
{
    struct path p;
    struct file *f;
    int err = namespace_path(CLONE_NEWUSER, &p);

    if (err != 0)
        return err;
    err = file_new(&p, O_RDONLY, &f);
    path_put(&p);
    return err != 0 ? err : fd_open_add(f, O_CLOEXEC);
}

/* Each is the first of its kind: it has no parent, and the user namespace owns the others. */
static long ns_ioctl(struct file *f, uint32_t cmd, uaddr_t arg)
{
    const struct namespace *ns = namespace_of(f);
    bool user = ns->flag == CLONE_NEWUSER;

    switch (cmd) {
    case NS_GET_NSTYPE: return (long)ns->flag;
    case NS_GET_USERNS: return user ? -EPERM : open_owner();
    case NS_GET_PARENT: return user || ns->flag == CLONE_NEWPID ? -EPERM : -EINVAL;
    case NS_GET_OWNER_UID: return user ? put_user((uint32_t)0, arg) : -EINVAL;
    }
    return -ENOTTY;
}

static const struct file_ops ns_fops = { .open = ns_open, .ioctl = ns_ioctl, .nonseekable = true };
static const struct inode_ops ns_iops = { 0 };

const struct namespace *namespace_of(const struct file *f)
{
    return f->inode->sb == &ns_sb ? f->inode->private : NULL;
}

int namespace_path(uint64_t flag, struct path *out)
{
    const struct namespace *ns = find(flag);
    struct inode *in = inode_alloc(&ns_sb, S_IFREG | 0444);
    char name[32];

    if (in == NULL)
        return -ENOMEM;
    int n = ksnprintf(name, sizeof(name), "%s:[%lu]", ns->kind, ns->ino);
    in->ops = &ns_iops;
    in->fops = &ns_fops;
    in->ino = ns->ino;
    in->uid = in->gid = 0;
    in->private = (void *)ns;
    out->mnt = NULL;
    return dentry_new(NULL, name, (size_t)n, in, &out->dentry);
}
